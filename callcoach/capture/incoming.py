"""One opening of one input: its samples by number, and what the times of its blocks say about losses.

Samples are numbered from 0 at the opening. A block is placed behind the one before it, however late it
comes (RT-3). Only when the lateness *stays* have samples been lost: then their numbers are skipped, and the
hole carries a reason.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from callcoach.capture.stream_clock import StreamClock
from callcoach.clock import SAMPLE_RATE
from callcoach.sound_ports import InputBlock, Pcm

ANCHOR_SAMPLES: Final = SAMPLE_RATE // 10
"""The first 0.1 s is held until the earliest of its blocks tells when the stream began."""
LATE: Final = 0.05
"""s; a deficit above it becomes a gap (RT-3)."""
LATE_LONG: Final = 0.25
"""s; above it the other side has waited long enough, so the decision is quick."""
PERSIST: Final = 1.0
"""s; so long has a small deficit to stay. Under load blocks come late for a while and nothing is lost."""
PERSIST_LONG: Final = 0.2
"""s; so long has a long deficit to stay, without shrinking."""
SHRINKING: Final = 0.03
"""s of lateness made good within ``PERSIST_LONG``: a backlog is on its way, so nothing is decided yet."""
LOST: Final = "samples_lost"
"""Reason of a hole where the device delivered less than time went by."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Sample numbers ``[start, end)`` without sound, and why."""

    start: int
    end: int
    reason: str


class Segments:
    """Samples by number with holes between them; holes cost nothing, however long."""

    def __init__(self) -> None:
        self._parts: deque[tuple[int, Pcm]] = deque()
        self.end = 0

    def append(self, pcm: Pcm) -> None:
        """Put samples at the end."""
        self._parts.append((self.end, pcm))
        self.end += len(pcm)

    def skip(self, samples: int) -> None:
        """Leave numbers out at the end."""
        self.end += samples

    def cut(self, start: int, end: int) -> None:
        """Make a hole of ``[start, end)``."""
        kept: deque[tuple[int, Pcm]] = deque()
        for first, pcm in self._parts:
            if first < start:
                kept.append((first, pcm[: start - first].copy()))
            if first + len(pcm) > end:
                at = max(0, end - first)
                kept.append((first + at, pcm[at:].copy()))
        self._parts = kept

    def erase(self) -> None:
        """Turn every sample into silence; the numbers stay."""
        self._parts = deque((first, np.zeros_like(pcm)) for first, pcm in self._parts)

    def forget(self, before: int) -> None:
        """Let go of everything below a number."""
        while self._parts and self._parts[0][0] + len(self._parts[0][1]) <= before:
            self._parts.popleft()

    def stored(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the stretches of ``[start, end)`` that hold samples, neighbours joined."""
        found: list[tuple[int, int]] = []
        for first, pcm in self._parts:
            low, high = max(start, first), min(end, first + len(pcm))
            if low >= high:
                continue
            if found and found[-1][1] == low:
                low = found.pop()[0]
            found.append((low, high))
        return found

    def read(self, start: int, end: int) -> Pcm:
        """Return the samples ``[start, end)``; zeros in holes, before the first and behind the last."""
        out = np.zeros(max(0, end - start), np.int16)
        for first, pcm in self._parts:
            low, high = max(start, first), min(end, first + len(pcm))
            if low < high:
                out[low - start : high - start] = pcm[low - first : high - first]
            elif first >= end:
                break
        return out


class Incoming:
    """The samples of one opening in order, with holes where some were lost.

    Attributes
    ----------
    clock
        When each sample was taken.
    segments
        Samples that have their number for good.
    holes
        Stretches without sound in ``segments``, in order.
    closed
        Reason of the end, or None while the input delivers.
    """

    def __init__(self) -> None:
        self.clock = StreamClock()
        self.segments = Segments()
        self.holes: deque[Hole] = deque()
        self.closed: str | None = None
        self.anchored = False
        self._held: list[tuple[float, Pcm]] = []  # before the anchor
        self._doubtful: deque[Pcm] = deque()
        self._lateness: list[tuple[float, float]] = []  # of doubtful blocks: end of block, lateness (s)

    @property
    def doubtful(self) -> int:
        """Samples that wait for the decision whether some before them were lost."""
        return sum(map(len, self._doubtful))

    def push(self, block: InputBlock) -> None:
        """Take a block; see ``segments`` and ``holes`` for what came of it."""
        if not self.anchored:
            self._held.append((block.t, block.pcm))
            if sum(len(pcm) for _, pcm in self._held) >= ANCHOR_SAMPLES:
                self.anchor()
            return
        at = self.segments.end + self.doubtful
        late = block.t - self.clock.time_of(at)
        if late <= LATE:
            self.settle()
            self._append(block.t, block.pcm)
            return
        self._doubtful.append(block.pcm)
        self._lateness.append((block.t + len(block.pcm) / SAMPLE_RATE, late))
        lost = self._deficit()
        if lost > 0:
            self.skip(lost, LOST)
            self.settle()

    def anchor(self) -> None:
        """Give the samples that were held their numbers."""
        if self.anchored or not self._held:
            return
        self.anchored = True
        held, self._held = self._held, []
        for t, pcm in held:
            self._append(t, pcm)

    def settle(self) -> None:
        """Nothing was lost before the doubtful samples, or all of it is known by now."""
        self.yield_doubtful()
        self._lateness.clear()

    def yield_doubtful(self) -> None:
        """Give numbers to the doubtful samples without waiting any longer; losses can still be found."""
        while self._doubtful:
            self.segments.append(self._doubtful.popleft())

    @property
    def doubt_is_small(self) -> bool:
        """Whether the doubtful samples are at most ``LATE_LONG`` late."""
        return bool(self._lateness) and min(late for _, late in self._lateness) <= LATE_LONG

    def skip(self, samples: int, reason: str) -> None:
        """Leave out numbers behind the last settled sample."""
        end = self.segments.end
        self.holes.append(Hole(end, end + samples, reason))
        self.segments.skip(samples)

    def sleep(self, samples: int, reason: str) -> None:
        """Leave out numbers for a time in which the monotonic clock stood still."""
        self.settle()
        self.skip(samples, reason)
        self.clock.renumber(samples)

    def silence(self, start: int, reason: str) -> None:
        """Empty everything from a number on, the doubtful samples too."""
        self.anchor()
        self.settle()
        start = max(0, min(start, self.segments.end))
        self.segments.cut(start, self.segments.end)
        while self.holes and self.holes[-1].start >= start:
            self.holes.pop()
        if self.holes and self.holes[-1].end > start:
            last = self.holes.pop()
            self.holes.append(Hole(last.start, start, last.reason))
        if start < self.segments.end:
            self.holes.append(Hole(start, self.segments.end, reason))

    def erase(self) -> None:
        """Keep nothing of the sound that is still here."""
        self.segments.erase()
        self._held = [(t, np.zeros_like(pcm)) for t, pcm in self._held]
        self._doubtful = deque(np.zeros_like(pcm) for pcm in self._doubtful)

    def close(self, reason: str) -> None:
        """No more blocks come."""
        self.anchor()
        self.settle()
        self.closed = reason

    def _append(self, t: float, pcm: Pcm) -> None:
        self.clock.observe(self.segments.end, t)
        self.segments.append(pcm)

    def _deficit(self) -> int:
        """Return how many samples were lost before the doubtful ones; 0 while that is open."""
        last = self._lateness[-1][0]
        seen = last - self._lateness[0][0]
        if seen < PERSIST_LONG:
            return 0
        recent = [late for end, late in self._lateness if end >= last - PERSIST_LONG]
        if min(recent) > LATE_LONG and recent[0] - recent[-1] < SHRINKING:
            return round(min(recent) * SAMPLE_RATE)
        if seen < PERSIST:
            return 0
        lately = [late for end, late in self._lateness if end >= last - PERSIST]
        if lately[0] - lately[-1] >= SHRINKING and min(lately) > LATE_LONG:
            return 0
        return round(min(lately) * SAMPLE_RATE)
