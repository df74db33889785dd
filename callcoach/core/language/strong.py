"""Level of the caller's strong words (L03): what was said, fading; words alone, no sound."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass

from callcoach.clock import to_samples, to_seconds
from callcoach.config_language import LanguageSettings


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Strong words at a position; ``weight`` is negative for a relief marker."""

    at: int
    weight: float
    phrase: str = ""


class StrongLevel:
    """Sum of the weights, each fading from where it was said; relief takes off and never goes below zero.

    ``F(t)`` is as section 4 has it: ``sum w * exp(-(t - t_i) / fade)``. A relief marker takes its amount off
    the level of that moment, and what is left fades on.
    """

    def __init__(self, settings: LanguageSettings) -> None:
        self._fade = to_samples(settings.fade_s)
        self.marks: list[Mark] = []
        """Strong words and relief markers, in order of time."""

    def add(self, at: int, weight: float, phrase: str = "") -> None:
        """Take strong words (weight over 0) or a relief marker (under 0) at a position in samples."""
        insort(self.marks, Mark(at, weight, phrase))

    def at(self, position: int) -> float:
        """Return the level at a position, from what was said up to there."""
        level, since = 0.0, 0
        for mark in self.marks:
            if mark.at > position:
                break
            level = max(0.0, self._faded(level, mark.at - since) + mark.weight)
            since = mark.at
        return self._faded(level, position - since)

    def strong_between(self, start: int, end: int) -> list[Mark]:
        """Return the strong words with ``start <= at < end``."""
        return [m for m in self.marks if m.weight > 0 and start <= m.at < end]

    def falls_below(self, level: float, position: int) -> int:
        """Return where the level, from ``position`` on and without further words, falls below ``level``."""
        now = self.at(position)
        if now < level or level <= 0:
            return position
        return position + math.ceil(self._fade * math.log(now / level)) + 1

    def peak(self) -> tuple[float, int | None]:
        """Return the highest level and where; (0, None) without strong words."""
        tops = [(self.at(m.at), m.at) for m in self.marks if m.weight > 0]
        return max(tops, key=lambda top: (top[0], -top[1])) if tops else (0.0, None)

    def time_over(self, level: float, length: int) -> float:
        """Return the seconds up to ``length`` in which the level is at least ``level``."""
        total = 0
        for i, mark in enumerate(self.marks):
            until = self.marks[i + 1].at if i + 1 < len(self.marks) else length
            total += max(0, min(self.falls_below(level, mark.at), until, length) - mark.at)
        return round(to_seconds(total), 2)

    def _faded(self, level: float, samples: int) -> float:
        return level * math.exp(-samples / self._fade) if level else 0.0


def level_of(marks: Iterable[Mark], settings: LanguageSettings) -> StrongLevel:
    """Return a level with these marks."""
    level = StrongLevel(settings)
    for mark in marks:
        level.add(mark.at, mark.weight, mark.phrase)
    return level
