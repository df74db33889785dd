"""Overload ladder: what a live call does without when the machine cannot keep up (OVL-1 to OVL-4).

Audio, events and cues are not on the ladder. Pure: it is told how busy things are and answers with a level.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

HIGHEST: Final = 4
_WINDOW_S: Final = 60.0
"""Seconds in which changes are counted."""

_DOES: Final = (
    "Words appear while somebody speaks.",
    "Words appear only when somebody has finished speaking.",
    "Words come with less care and a little later.",
    "Words follow after the call; cues go on.",
    "Words follow after the call; prompts are drawn half as often.",
)


@dataclass(frozen=True, slots=True)
class LadderPlan:
    """When the ladder moves (OVL-2, OVL-4)."""

    high: float = 0.9
    """Share of real time that processing takes, above which there is too much of it."""
    high_s: float = 5.0
    """Seconds of that before a step down."""
    low: float = 0.6
    """Share below which there may be room for more."""
    low_s: float = 30.0
    """Seconds of that before a step up; doubled after a step up that did not last."""
    most_low_s: float = 480.0
    """... up to this."""
    most_changes: int = 4
    """Changes within a minute."""
    behind_s: float = 15.0
    """Words this far behind are put off at once; 20 is the limit."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the ladder looks at; seconds.

    ``recogniser_s`` and ``analysis_s`` are sums since the start: time with a window in work, and time in the
    analysis of audio. ``behind_s`` is the time since the end of the oldest speech that waits for its final
    words, 0 when none does; ``waiting_s`` the length of final audio that waits.
    """

    now: float
    recogniser_s: float
    analysis_s: float = 0.0
    behind_s: float = 0.0
    waiting_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """A change of level."""

    now: float
    level: int
    before: int
    reason: str
    """One or two sentences for the user."""


class Ladder:
    """Level 0 (everything) to 4; see the module."""

    def __init__(self, plan: LadderPlan | None = None) -> None:
        self.plan = plan or LadderPlan()
        self.level = 0
        self.load = 0.0
        """Share of real time over the last ``high_s``; the busier of recogniser and analysis."""
        self._seen: deque[Load] = deque()
        self._room_since: float | None = None
        self._room_needed = self.plan.low_s
        self._changes: deque[float] = deque()
        self._risen: float | None = None

    def step(self, load: Load) -> Step | None:
        """Take the figures of this moment, at least once a second; return the change that they make.

        ``now`` never goes back. A step down comes within a second of `LadderPlan.high_s` of overload.
        """
        self._remember(load)
        now, plan = load.now, self.plan
        self._note_room(now)
        if self.level < 3 and max(load.behind_s, load.waiting_s) >= plan.behind_s:
            return self._change(now, 3, "The recogniser is too far behind.")
        if self._full(now) and self.load > plan.high and self.level < HIGHEST and self._changes_left(now) > 0:
            # the last change of this minute must leave nothing that could fall behind
            level = max(3, self.level + 1) if self._changes_left(now) == 1 else self.level + 1
            return self._change(now, level, "This computer is too busy.")
        if self.level > 0 and self._has_room(now) and self._changes_left(now) > 2:
            return self._change(now, self.level - 1, "This computer has time again.")
        return None

    def _remember(self, load: Load) -> None:
        self._seen.append(load)
        while len(self._seen) > 2 and self._seen[1].now <= load.now - self.plan.high_s:
            self._seen.popleft()
        first = self._seen[0]
        passed = load.now - first.now
        if passed > 0:
            busy = max(load.recogniser_s - first.recogniser_s, load.analysis_s - first.analysis_s)
            self.load = busy / passed

    def _full(self, now: float) -> bool:
        """Tell whether the figures since the last change span the time that counts."""
        return now - self._seen[0].now >= self.plan.high_s

    def _note_room(self, now: float) -> None:
        lags = max(self._seen[-1].behind_s, self._seen[-1].waiting_s) >= self.plan.behind_s / 2
        if lags or self.load >= self.plan.low or not self._full(now):
            self._room_since = None
        elif self._room_since is None:
            self._room_since = now
        if self._risen is not None and now - self._risen > 2 * self._room_needed:
            self._room_needed, self._risen = self.plan.low_s, None  # that step up has lasted

    def _has_room(self, now: float) -> bool:
        return self._room_since is not None and now - self._room_since >= self._room_needed

    def _changes_left(self, now: float) -> int:
        while self._changes and self._changes[0] <= now - _WINDOW_S:
            self._changes.popleft()
        return self.plan.most_changes - len(self._changes)

    def _change(self, now: float, level: int, reason: str) -> Step:
        before, self.level = self.level, level
        self._changes_left(now)
        self._changes.append(now)
        if level < before:
            self._risen = now
        elif self._risen is not None:
            self._room_needed = min(2 * self._room_needed, self.plan.most_low_s)
            self._risen = None
        self._room_since = None
        last = self._seen[-1]
        self._seen.clear()
        self._seen.append(last)
        return Step(now, level, before, f"{reason} {_DOES[level]}")
