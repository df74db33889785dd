"""Speech just before a piece, put in front of it: a fragment alone loses its words. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from callcoach.clock import to_samples
from callcoach.ports import SpeechWindow

JOINT: Final = to_samples(0.3)
"""Samples of silence between two pieces; as `callcoach.config.TextSettings.joint_s` has it."""


@dataclass(frozen=True, slots=True)
class ContextPlan:
    """How much is put in front; seconds, [D], tuned on the development calls (docs/benchmarks.md)."""

    gap_s: float = 4.0
    """A piece that ended at most this long before the next one may stand in front of it."""
    most_s: float = 8.0
    """Most sound in front."""
    window_s: float = 15.0
    """Longest window in all."""


class Before:
    """The latest pieces of one channel."""

    def __init__(self, plan: ContextPlan | None = None) -> None:
        plan = plan or ContextPlan()
        self._gap = to_samples(plan.gap_s)
        self._most = to_samples(plan.most_s)
        self._window = to_samples(plan.window_s)
        self._recent: deque[SpeechWindow] = deque()

    def of(self, window: SpeechWindow) -> list[SpeechWindow]:
        """Return the pieces to put in front of the window of one piece, in order of time."""
        chosen: list[SpeechWindow] = []
        start, added = window.pieces[0].start, 0
        for piece in reversed(self._recent):
            added += len(piece.audio) + JOINT
            if start - piece.pieces[0].end > self._gap or start < piece.pieces[0].end:
                break
            if added > self._most or added + len(window.audio) > self._window:
                break
            chosen.insert(0, piece)
            start = piece.pieces[0].start
        return chosen

    def add(self, window: SpeechWindow) -> None:
        """Take a piece that has ended."""
        self._recent.append(window)
        while len(self._recent) > 1 and sum(len(w.audio) for w in self._recent) > self._most:
            self._recent.popleft()

    def clear(self) -> None:
        """Forget all sound."""
        self._recent.clear()
