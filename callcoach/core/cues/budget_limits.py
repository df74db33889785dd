"""Arithmetic of the budget (section 6): how many texts, how far apart, and when a cue may come again.

Everything here depends on the texts that were shown and on the clock alone, never on what is waiting.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from callcoach.clock import SAMPLE_RATE, to_samples
from callcoach.config_cues import BudgetSettings
from callcoach.core.cues.catalogue import CatalogueEntry
from callcoach.core.cues.rule import NEVER
from callcoach.events import Suppression

_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Block:
    """Why a text may not be shown yet."""

    by: Suppression
    detail: str
    """In words, for the agent."""
    until: int
    """First position at which this reason is gone, samples; `NEVER` for the rest of the call."""


@dataclass(frozen=True, slots=True)
class _Text:
    cue: str
    at: int


@dataclass(slots=True)
class _Habit:
    """What became of the texts of one cue."""

    shown_at: int | None = None
    """Where the text of the cue that is open now was shown; None when there was none or it is over."""
    over_at: int | None = None
    """Where the cue of the last text was over."""
    ignored: int = 0
    """Ignored texts since the cooldown last grew or a text was followed."""
    factor: int = 1


class Limits:
    """Gap, burst, average and praise over all texts, and the cooldown of every cue.

    The limits hold for closed windows: no stretch of ``burst_s``, both ends counted, holds more than
    ``burst`` texts, and so on. The gap is counted from text to text, whatever their priorities: a text that
    replaces another is a text like any other.
    """

    def __init__(self, settings: BudgetSettings) -> None:
        self._s = settings
        self._gap = int(to_samples(settings.min_gap_s))
        self._ignored = int(to_samples(settings.ignored_s))
        self._windows = [
            (deque[_Text](maxlen=settings.burst), int(to_samples(settings.burst_s))),
            (deque[_Text](maxlen=settings.average), int(to_samples(settings.average_s))),
        ]
        self._praise_gap = int(to_samples(settings.praise_gap_s))
        self._last: _Text | None = None
        self._praise: _Text | None = None
        self._habits: dict[str, _Habit] = {}
        self._longest: dict[str, Block | None] = {}
        """What `longest` found since a text was last shown or over; it is asked in every frame of a wait."""

    def shown(self, entry: CatalogueEntry, now: int) -> None:
        """Count a text that is shown at ``now``."""
        self._longest.clear()
        text = _Text(entry.id, now)
        self._last = text
        for window, _ in self._windows:
            window.append(text)
        if entry.soft:
            self._praise = text
        self._habit(entry.id).shown_at = now

    def ring_shown(self, entry: CatalogueEntry, now: int) -> None:
        """Start the cooldown of a cue that has no text: it is the ring that may not come again too soon."""
        if not entry.has_text:
            self._habit(entry.id).shown_at = now

    def over(self, entry: CatalogueEntry, now: int, *, dismissed: bool) -> None:
        """Take the end of a cue at ``now``; its cooldown runs from here if it was shown.

        A text whose cue was still open ``ignored_s`` later was ignored, unless the agent dismissed it.
        """
        habit = self._habit(entry.id)
        if habit.shown_at is None:
            return
        self._longest.clear()
        if entry.has_text and not dismissed:
            self._judge(habit, now - habit.shown_at)
        habit.shown_at, habit.over_at = None, now

    def _judge(self, habit: _Habit, lasted: int) -> None:
        if lasted < self._ignored:
            habit.ignored = 0
            return
        habit.ignored += 1
        if habit.ignored >= self._s.ignored_times:
            habit.ignored = 0
            habit.factor = min(habit.factor * 2, self._s.most_cooldown_factor)

    def cooldown(self, entry: CatalogueEntry) -> Block | None:
        """Return the cooldown of a cue; its ``until`` may lie in the past."""
        habit = self._habits.get(entry.id)
        if habit is None or habit.over_at is None:
            return None
        over = clock(habit.over_at)
        if entry.once_per_call:
            return Block("cooldown", f"once in a call; it was over at {over}", NEVER)
        seconds = entry.cooldown_s * habit.factor
        until = habit.over_at + to_samples(seconds)
        longer = f" ({habit.factor} times as long, it was ignored)" if habit.factor > 1 else ""
        return Block(
            "cooldown", f"{seconds:g} s after it was over at {over}{longer}; wait until {clock(until)}", until
        )

    def longest(self, entry: CatalogueEntry) -> Block | None:
        """Return the limit or cooldown that holds a text back longest; its end may lie in the past."""
        if entry.id not in self._longest:
            blocks = self._blocks(entry)
            self._longest[entry.id] = max(blocks, key=lambda block: block.until, default=None)
        return self._longest[entry.id]

    def _blocks(self, entry: CatalogueEntry) -> list[Block]:
        cooldown = self.cooldown(entry)
        found = [] if cooldown is None else [cooldown]
        if self._last is not None:
            until = self._last.at + self._gap
            after = f"{self._s.min_gap_s:g} s after {self._last.cue} at {clock(self._last.at)}"
            found.append(Block("budget", f"{after}; wait until {clock(until)}", until))
        for window, length in self._windows:
            if len(window) == window.maxlen:
                until = window[0].at + length + 1
                number = f"{len(window)} texts" if len(window) > 1 else "1 text"
                reach = f"{number} in {_length(length)} since {clock(window[0].at)}"
                found.append(Block("budget", f"{reach}; wait until {clock(until)}", until))
        if entry.soft and self._praise is not None:
            until = self._praise.at + self._praise_gap + 1
            after = f"1 praise in {_length(self._praise_gap)}, the last at {clock(self._praise.at)}"
            found.append(Block("budget", f"{after}; wait until {clock(until)}", until))
        return found

    def _habit(self, cue: str) -> _Habit:
        return self._habits.setdefault(cue, _Habit())


def clock(position: int) -> str:
    """Return a position in samples as m:ss, whole seconds begun."""
    seconds = position // SAMPLE_RATE
    return f"{seconds // _MINUTE}:{seconds % _MINUTE:02d}"


def _length(samples: int) -> str:
    seconds = samples / SAMPLE_RATE
    minutes = seconds / _MINUTE
    if minutes > 1 and math.isclose(minutes, round(minutes)):
        return f"{minutes:.0f} min"
    return f"{seconds:g} s"
