"""Words join the order of events at a fixed delay on the sample clock.

File and batch wait for a result that is due; live skips it and says so. So neither depends on how fast the
computer is, and live gives the same events as long as nothing was missed.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
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
        self._count = 0
        self.missed = 0

    @property
    def outstanding(self) -> list[SpeechWindow]:
        """Windows whose words have not been delivered."""
        return [due.window for due in self._due]

    def submit(self, deadline: int, window: SpeechWindow, result: Pending) -> None:
        """Take a job; jobs with the same deadline keep the order of submission."""
        heapq.heappush(self._due, _Due(deadline, self._count, window, result))
        self._count += 1

    def release(self, now: int | None) -> Iterator[tuple[SpeechWindow, Pending | None]]:
        """Yield what is due at ``now``; the result is None where it was missed.

        With None, at the end of a call, everything is yielded and waited for.
        """
        while self._due and (now is None or self._due[0].deadline <= now):
            due = heapq.heappop(self._due)
            if now is None or self._on_miss == "wait" or due.result.done():
                yield due.window, due.result
            else:
                self.missed += 1
                yield due.window, None
