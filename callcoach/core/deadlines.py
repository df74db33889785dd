"""Words join the order of events at a fixed delay on the sample clock.

File and batch wait for a result that is due; live says that it is late and delivers it when it is there. So
neither depends on how fast the computer is, and live gives the same events as long as nothing was missed.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from callcoach.ports import Pending, SpeechWindow


@dataclass(order=True, slots=True)
class _Due:
    deadline: int
    number: int
    window: SpeechWindow = field(compare=False)
    result: Pending = field(compare=False)


class DeadlineMerge:
    """Jobs of the recogniser by deadline."""

    def __init__(self, on_miss: Literal["wait", "skip"]) -> None:
        self._due: list[_Due] = []
        self._on_miss = on_miss
        self._late: list[_Due] = []
        self._count = 0
        self.missed = 0

    @property
    def outstanding(self) -> list[SpeechWindow]:
        """Windows whose words have not been delivered, without their sound."""
        return [due.window for due in (*self._late, *self._due)]

    def submit(self, deadline: int, window: SpeechWindow, result: Pending) -> None:
        """Take a job; jobs with the same deadline keep the order of submission."""
        # without its sound: many may wait until after the call
        silent = replace(window, audio=window.audio[:0].copy())
        heapq.heappush(self._due, _Due(deadline, self._count, silent, result))
        self._count += 1

    def release(self, now: int | None) -> Iterator[tuple[SpeechWindow, Pending | None]]:
        """Yield what is due at ``now``; the result is None where it is late, and follows when it is there.

        With None, at the end of a call, everything is yielded and waited for.
        """
        here = [late for late in self._late if now is None or late.result.done()]
        self._late = [late for late in self._late if late not in here]
        for late in here:
            yield late.window, late.result
        while self._due and (now is None or self._due[0].deadline <= now):
            due = heapq.heappop(self._due)
            if now is None or self._on_miss == "wait" or due.result.done():
                yield due.window, due.result
            else:
                self.missed += 1
                self._late.append(due)
                yield due.window, None
