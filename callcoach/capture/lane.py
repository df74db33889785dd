"""One party's way onto the clock of the call: which of its samples stands at which position."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from callcoach.capture.fractional import HALF, read_between
from callcoach.capture.incoming import LOST, Incoming
from callcoach.clock import SAMPLE_RATE
from callcoach.events import Channel
from callcoach.sound_ports import InputBlock, Pcm

STARTING: Final = "not_started"
"""Reason of zeros before the first sample of a party."""
STALLED: Final = "stalled"
"""Reason of zeros in place of samples that did not come in time, without a word from the device."""

ENGAGE: Final = 32
"""Samples (2 ms); below it nothing is resampled: two inputs on one clock never get there."""
KEEP: Final = 8
"""Samples (0.5 ms); farther off than that, the step is changed to come back."""
KEEP_RATE: Final = 5e-6
"""While the rate is known no better than that, the step stays: every change bends a tone."""
SLEWS: Final = ((40, 1e-4), (80, 3e-4), (160, 1e-3), (800, 2e-3), (SAMPLE_RATE, 5e-3))
"""Samples off, and the change of the rate for it: 0.2 cents within 2.5 ms, 9 cents beyond 50 ms."""
RAMP: Final = 1e-4
"""The most that the rate changes at once, ten times a second: a step of 0.2 cents."""
SLEEP: Final = "sleep"
"""Reason of zeros for the time in which the computer slept."""
AHEAD_MOST: Final = SAMPLE_RATE // 20
"""Samples (50 ms); so much too early, samples were lost in small portions: zeros are put in (RT-3)."""
BEHIND_MOST: Final = SAMPLE_RATE // 4
"""Samples; so much too late, samples are left out; up to there the rate makes it good and nothing is lost."""


class Opening(Incoming):
    """An opening with its place on the clock of the call.

    Attributes
    ----------
    place
        Position of its sample 0; None until it is known.
    at
        Its sample that stands at the position of the call, whole part.
    rest
        The fraction of it, in [0, 1).
    step
        Its samples for one of the call; on its way to ``goal``.
    goal
        What the two clocks say, less ``slew``.
    """

    def __init__(self, before: str) -> None:
        super().__init__()
        self.before = before
        self.place: int | None = None
        self.at, self.rest, self.step = 0, 0.0, 1.0
        self.steered = False
        self.slew, self.goal = 0.0, 1.0
        self.pause = 0

    @property
    def before_sleep(self) -> bool:
        """Whether sound from before a sleep is still to come; the clock knows the time after it."""
        return any(hole.reason == SLEEP and hole.start > self.at for hole in self.holes)

    @property
    def plain(self) -> bool:
        """Whether its samples are copied as they are."""
        return self.step == 1.0 and self.rest == 0.0

    def advance(self, count: int) -> None:
        """Go on by ``count`` positions."""
        moved = self.rest + count * self.step
        whole = math.floor(moved)
        self.at, self.rest = self.at + whole, moved - whole

    def move(self, sample: float) -> None:
        """Go to a sample."""
        self.at = math.floor(sample)
        self.rest = sample - self.at

    def positions_to(self, sample: int) -> int:
        """Return after how many positions ``sample`` is reached or passed."""
        return max(0, math.ceil((sample - self.at - self.rest) / self.step))

    def read(self, count: int) -> Pcm:
        """Return the next ``count`` positions; nothing is moved."""
        if self.plain:
            return self.segments.read(self.at, self.at + count)
        last = math.floor(self.rest + (count - 1) * self.step)
        pcm = self.segments.read(self.at - HALF + 1, self.at + last + HALF + 1)
        return read_between(pcm, self.rest, self.step, count)


@dataclass(slots=True)
class LaneCounts:
    """What went by on one side, in samples at 16 kHz."""

    received: int = 0
    ignored: int = 0
    """Came after the loss of the input was told, from nobody knows where."""
    late: int = 0
    """Came after zeros stood in their place; handed over by ``Aligner.late``."""
    skipped: int = 0
    """Left out since the stream had run too far ahead of the clock."""
    overflows: int = 0
    """Blocks that the sound library marked; counted only."""


@dataclass(slots=True)
class Lane:
    """One party: its openings, oldest first, and what is known about its absence."""

    channel: Channel
    openings: deque[Opening] = field(default_factory=lambda: deque([Opening(STARTING)]))
    lost: str | None = None
    heard: float = -math.inf
    """Monotonic time up to which the newest block reaches."""
    mark: tuple[int, str] | None = None
    """Start and reason of the gap that is open."""
    counts: LaneCounts = field(default_factory=LaneCounts)

    @property
    def newest(self) -> Opening:
        """The opening that takes blocks."""
        return self.openings[-1]

    def push(self, block: InputBlock) -> tuple[int, int]:
        """Take a block; return the numbers ``[start, end)`` of samples that were settled by it."""
        opening = self.newest
        before = opening.segments.end
        opening.push(block)
        self.heard = max(self.heard, block.t + len(block.pcm) / SAMPLE_RATE)
        return before, opening.segments.end

    def lose(self, reason: str) -> None:
        """No more blocks come until ``back``."""
        self.newest.close(reason)
        self.lost = reason

    def back(self, t: float) -> None:
        """Begin a new opening."""
        opening = Opening(self.lost or STALLED)
        if self.newest.closed is None:
            self.newest.close(STALLED)
        if not self.newest.anchored:
            self.openings.pop()
        self.openings.append(opening)
        self.lost = None
        self.heard = t

    def ready(self, position: int) -> int:
        """Return the position up to which samples are there; ``position`` when none are.

        The caller's last 24 samples wait for what follows them: resampling may begin at any moment.
        """
        opening = self.newest
        if opening.place is None:
            return position
        if position < opening.place:
            return max(position, opening.place + opening.segments.end - HALF)
        if self.channel is Channel.AGENT:
            return position + opening.segments.end - opening.at
        return position + math.floor((opening.segments.end - HALF - opening.at - opening.rest) / opening.step)

    def current(self, position: int) -> Opening:
        """Return the opening that stands at the position; older ones are dropped."""
        while len(self.openings) > 1:
            place = self.openings[1].place
            if place is None or position < place:
                break
            self.openings.popleft()
        return self.openings[0]

    def piece(self, position: int, upto: int) -> tuple[Opening, int, str | None]:
        """Return how many positions from here are alike, and the reason if they are zeros."""
        opening = self.current(position)
        if len(self.openings) > 1 and (place := self.openings[1].place) is not None:
            upto = min(upto, place)
        rest = upto - position
        if opening.place is None:
            return opening, rest, opening.closed or opening.before
        if position < opening.place:
            return opening, min(rest, opening.place - position), opening.before
        if opening.pause:
            return opening, min(rest, opening.pause), LOST
        while opening.holes and opening.holes[0].end <= opening.at:
            opening.holes.popleft()
        if opening.holes:
            hole = opening.holes[0]
            if hole.start <= opening.at:
                return opening, min(rest, max(1, opening.positions_to(hole.end))), hole.reason
            return opening, min(rest, max(1, opening.positions_to(hole.start))), None
        if opening.at < opening.segments.end:
            return opening, min(rest, max(1, opening.positions_to(opening.segments.end))), None
        return opening, rest, opening.closed or STALLED

    def go(self, opening: Opening, position: int, count: int) -> None:
        """Move on by ``count`` positions of one piece."""
        if opening.place is None or position < opening.place:
            return
        if opening.pause:
            opening.pause -= count
            return
        opening.advance(count)
        opening.segments.forget(opening.at - 2 * HALF)

    def steer(self, opening: Opening, target: float, rate: float, error: float) -> None:
        """Bring the opening nearer to where its own clock says that it should be.

        Parameters
        ----------
        opening
            The one that stands at the position of the call.
        target
            Its sample that was taken at the time of this position.
        rate
            Its samples for one of the call, from the two clocks.
        error
            Standard error of ``target``, in samples.
        """
        off = opening.at + opening.rest - target
        if not opening.steered:
            if abs(off) <= max(ENGAGE, 4 * error):
                return
            opening.steered = True
        free = self._silent_range(opening)
        if free is not None:
            opening.move(min(max(target, free[0]), free[1]))
            opening.slew, opening.goal, opening.step = 0.0, rate, rate
            return
        if off < -BEHIND_MOST:
            self.counts.skipped += round(-off)
            opening.move(target)
            return
        if off > AHEAD_MOST:
            opening.pause = round(off)
            return
        slew = opening.slew
        if off * slew <= 0:  # it has arrived, or gone past
            slew = 0.0
        if abs(off) > KEEP:
            most = next((change for bound, change in SLEWS if abs(off) <= bound), SLEWS[-1][1])
            slew = math.copysign(most, off)
        if slew != opening.slew or abs(opening.goal + opening.slew - rate) > KEEP_RATE:
            opening.slew, opening.goal = slew, rate - slew
        opening.step += min(RAMP, max(-RAMP, opening.goal - opening.step))

    @staticmethod
    def silence_left(opening: Opening) -> int:
        """Return for how many positions the opening stays within a hole."""
        for hole in opening.holes:
            if hole.start <= opening.at < hole.end:
                return opening.positions_to(hole.end)
        return 0

    @staticmethod
    def _silent_range(opening: Opening) -> tuple[float, float] | None:
        """Return between which samples one may move unheard, or None where there is sound."""
        if opening.at >= opening.segments.end:
            return float(opening.segments.end), math.inf
        for hole in opening.holes:
            if hole.start <= opening.at < hole.end:
                return float(hole.start), float(hole.end)
        return None

    def fetch_late(self, opening: Opening, start: int, end: int, position: int) -> tuple[int, Pcm] | None:
        """Return samples that were settled after zeros had been delivered in their place.

        ``[start, end)`` are the numbers settled last; the first value returned is the position.
        """
        if opening.place is None or position <= opening.place or start >= opening.at:
            return None
        first = position - math.floor((opening.at + opening.rest - max(start, 0)) / opening.step)
        first = max(first, opening.place, 0)
        upto = position - max(0, math.ceil((opening.at + opening.rest - end) / opening.step))
        if upto <= first:
            return None
        sample = opening.at + opening.rest - (position - first) * opening.step
        whole = math.floor(sample)
        count = upto - first
        if opening.plain:
            return first, opening.segments.read(whole, whole + count)
        pcm = opening.segments.read(whole - HALF + 1, whole + math.floor(count * opening.step) + HALF + 2)
        return first, read_between(pcm, sample - whole, opening.step, count)


def blank(block: InputBlock) -> InputBlock:
    """Return a block of the same length and time without its sound."""
    return InputBlock(block.t, np.zeros_like(block.pcm), block.overflow)
