"""Both parties on the clock of the call: what was recorded when, with zeros where nothing was.

The agent's input is the master: position p is its p-th sample, never resampled. The caller's input has
a clock of its own; it is resampled slowly so that both stay together (DEV-7), but not at all as long as the
two clocks agree. Where a party has no sound, zeros of the right length stand in its place and a
``GapMark`` says why. Nothing here reads a clock, waits or starts a thread: the same calls give the same
audio.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from callcoach.capture.lane import SLEEP, Lane, LaneCounts, Opening, blank
from callcoach.clock import SAMPLE_RATE
from callcoach.events import Channel
from callcoach.sound_ports import InputBlock, Pcm

__all__ = ["Aligner", "GapMark", "LateAudio"]

PATIENCE: Final = 0.25
"""s; so long one party's audio waits for the other's, counted from when it was spoken."""
PATIENCE_BUSY: Final = 0.6
"""s; so long instead for ``BUSY`` seconds after this process stood still: then the threads of the inputs do
too, one later than the other, and nothing is lost."""
BUSY: Final = 10.0
PATIENCE_ALONE: Final = 6.5
"""s; so long both wait when neither delivers: sound servers were seen to freeze for 6 s without loss."""
BOTH_GONE: Final = 0.06
"""s behind now, for zeros while no input is open."""
START_WAIT: Final = 0.5
"""s; without the agent's first block by then the call clock begins without it."""
UNATTENDED: Final = 0.1
"""s between two calls of ``read``; beyond it this process itself stood still and blocks may be on the way."""
GRACE: Final = 0.3
"""s after such a stop in which nobody's absence is taken for a fact."""
GRACE_MAX: Final = 1.0
"""s of grace in a row at most."""
STALL: Final = 0.5
"""s without a block; see ``Aligner.stalled``."""
MOVED_BACK: Final = 0.1
"""s before a silent move that are thrown away: two blocks of the wrong source can come before it is seen."""
MOVED: Final = "moved"
SLEEP_SHORTEST: Final = 0.25
"""s; the boot clock has to run ahead of the monotonic clock by so much to count as sleep (DEV-6)."""
STEER_EVERY: Final = SAMPLE_RATE // 10
"""Positions between two looks at the caller's clock."""
CHANNELS: Final = (Channel.AGENT, Channel.CALLER)


@dataclass(frozen=True, slots=True)
class GapMark:
    """Zeros of one party on ``[start, end)`` of the call clock, and why.

    Where a stream was moved to another source (reason ``moved``), a mark of its own names the last sound
    that was delivered before anybody could know: it has to be erased on ``[start, end)``.
    """

    channel: Channel
    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class LateAudio:
    """Sound that came after zeros were delivered in its place: nothing of it was lost, only late."""

    channel: Channel
    position: int
    pcm: Pcm


@dataclass(slots=True)
class _Mute:
    start: int
    end: int | None
    reason: str


class Aligner:
    """Takes blocks of both parties and gives aligned audio; one thread, no clock.

    Parameters
    ----------
    start
        ``Clock.monotonic`` of position 0. Without it the call begins with the agent's first sample.
    """

    def __init__(self, start: float | None = None) -> None:
        self.position = 0
        self._lanes = {channel: Lane(channel) for channel in CHANNELS}
        self._origin = start
        self._master: Opening | None = None
        self._first: float | None = None
        self._read: float | None = None
        self._grace = -math.inf
        self._grace_left = GRACE_MAX
        self._busy = -math.inf
        self._ahead: float | None = None
        self._mutes: list[_Mute] = []
        self._late: list[LateAudio] = []
        self._marks: list[GapMark] = []
        self._steer_at = 0

    # -- what comes in

    def push(self, channel: Channel, block: InputBlock) -> None:
        """Take the next block of one party; after ``input_lost`` blocks are ignored until ``input_back``."""
        lane = self._lanes[channel]
        lane.counts.overflows += block.overflow
        if not len(block.pcm):
            return
        if lane.lost is not None:
            lane.counts.ignored += len(block.pcm)
            return
        lane.counts.received += len(block.pcm)
        self._first = block.t if self._first is None else min(self._first, block.t)
        if self._mutes and self._mutes[-1].end is None:
            block = blank(block)
        start, end = lane.push(block)
        if lane.newest.place is None:
            self._place(lane)
        else:
            self._keep_late(lane, start, end)

    def input_lost(self, channel: Channel, t: float, reason: str) -> None:
        """Close one party's input: zeros with this reason follow what it delivered.

        With the reason ``moved``, the last 0.1 s before ``t`` is emptied too, and so is everything after.
        """
        lane = self._lanes[channel]
        if lane.lost is not None:
            return
        opening = lane.newest
        if reason == MOVED:
            opening.anchor()
            self._place(lane)
            cut = 0
            if opening.clock.known:
                cut = math.floor(opening.clock.sample_at(t - MOVED_BACK))
            opening.silence(cut, reason)
            cut = max(0, min(cut, opening.segments.end))
            if opening.place is not None and self.position > opening.place and cut < opening.at:
                back = math.ceil((opening.at + opening.rest - cut) / opening.step)
                since = max(opening.place, self.position - back)
                self._marks.append(GapMark(channel, since, self.position, reason))
        placed, start = opening.place is not None, opening.segments.end
        lane.lose(reason)
        if placed:
            self._keep_late(lane, start, opening.segments.end)
        else:
            self._place(lane)

    def input_back(self, channel: Channel, t: float) -> None:
        """Expect blocks of one party again, from an input that was opened anew at ``t``."""
        self._lanes[channel].back(t)

    def mute(self, reason: str | None, now: float) -> None:
        """Replace both parties by zeros from the next position on; None ends that.

        What was spoken before ``now`` stays silent when it ends. While it lasts, nothing is kept
        in memory.
        """
        active = self._mutes[-1] if self._mutes and self._mutes[-1].end is None else None
        if active is not None:
            here = self.call_position(now)
            active.end = self.position if here is None else max(self.position, math.ceil(here))
        if reason is None:
            return
        self._mutes.append(_Mute(self.position, None, reason))
        self._late.clear()
        for lane in self._lanes.values():
            for opening in lane.openings:
                opening.erase()

    # -- what goes out

    def read(
        self, now: float, boot: float | None = None, most: int = SAMPLE_RATE
    ) -> tuple[Pcm, list[GapMark]]:
        """Return everything that is final at monotonic time ``now``.

        Parameters
        ----------
        now, boot
            ``Clock.monotonic`` and ``Clock.boot``, s; without ``boot`` sleep goes unnoticed.
        most
            At most so many positions; call again while as many come.

        Returns
        -------
        block
            int16, shape (n, 2): agent, caller. n may be 0.
        marks
            The gaps that ended in this block. ``open_gaps`` has those that go on.
        """
        self._attend(now, boot)
        for lane in self._lanes.values():
            self._place(lane)
        self._begin_without_agent(now)
        front = self.call_position(now)
        if front is None:
            return np.zeros((0, 2), np.int16), []
        return self._deliver(min(self._final(now, math.floor(front)), self.position + most))

    def late(self) -> list[LateAudio]:
        """Return what came too late since the last call; it may be written behind the record's end."""
        late, self._late = self._late, []
        return late

    def open_gaps(self) -> list[GapMark]:
        """Return the gaps that go on at ``position``."""
        return [
            GapMark(lane.channel, lane.mark[0], self.position, lane.mark[1])
            for lane in self._lanes.values()
            if lane.mark is not None and lane.mark[0] < self.position
        ]

    def finish(self) -> tuple[Pcm, list[GapMark]]:
        """Return what is left of both parties, the shorter one filled up with zeros, and all open gaps."""
        upto = self.position
        for lane in self._lanes.values():
            if lane.lost is None:
                lane.lose("ended")
        self._begin_without_agent(math.inf)
        for lane in self._lanes.values():
            self._place(lane)
            for opening in lane.openings:
                if opening.place is not None and opening.segments.end:
                    left = opening.positions_to(opening.segments.end)
                    upto = max(upto, max(self.position, opening.place) + left)
        block, marks = self._deliver(upto)
        marks += self.open_gaps()
        for lane in self._lanes.values():
            lane.mark = None
        return block, marks

    # -- what is known

    def call_position(self, t: float) -> float | None:
        """Return the position at a monotonic time; None before the call began."""
        if self._master is not None and self._master.place is not None:
            return self._master.place + self._master.clock.sample_at(t)
        return None if self._origin is None else (t - self._origin) * SAMPLE_RATE

    def stalled(self, channel: Channel, now: float) -> bool:
        """Tell whether an open input has delivered nothing for 0.5 s."""
        lane = self._lanes[channel]
        return lane.lost is None and self._first is not None and now - max(lane.heard, self._first) > STALL

    def counts(self, channel: Channel) -> LaneCounts:
        """Return what went by on one side."""
        return self._lanes[channel].counts

    @property
    def drift_ppm(self) -> float:
        """Samples of the caller's input for a million of the agent's, less a million; 0 if unknown."""
        master, caller = self._master, self._lanes[Channel.CALLER].newest
        if master is None or not caller.clock.known:
            return 0.0
        return (caller.clock.rate / master.clock.rate - 1.0) * 1e6

    # -- placing

    def _place(self, lane: Lane) -> None:
        """Give the newest opening its place on the call clock, once its beginning is known."""
        opening = lane.newest
        if opening.place is not None or not opening.anchored:
            return
        begin = self.call_position(opening.clock.time_of(0))
        if lane.channel is Channel.AGENT:
            opening.place = 0 if begin is None else round(begin)
            self._master = opening
        elif begin is None:
            return
        else:
            opening.place = round(begin)
        if opening.place < self.position:
            opening.move(self.position - opening.place)
            self._keep_late(lane, max(0, -opening.place), opening.segments.end)

    def _begin_without_agent(self, now: float) -> None:
        """Let the call clock begin when the agent's input does not come."""
        if self._origin is not None or self._master is not None:
            return
        if self._first is None:
            self._first = now
        agent, caller = self._lanes[Channel.AGENT], self._lanes[Channel.CALLER]
        if now - self._first < START_WAIT and not (agent.lost and caller.newest.anchored):
            return
        if caller.newest.anchored:
            self._origin = caller.newest.clock.time_of(0)
        elif math.isfinite(now):
            self._origin = now
        self._place(caller)

    def _attend(self, now: float, boot: float | None) -> None:
        """Notice that this process stood still, or that the computer slept."""
        if self._read is not None and now - self._read > UNATTENDED:
            self._busy = now + BUSY
            grace = min(GRACE, self._grace_left)
            self._grace_left -= grace
            self._grace = max(self._grace, now + grace)
        elif now > self._grace:
            self._grace_left = GRACE_MAX
        self._read = now
        if boot is None:
            return
        ahead = boot - now
        if self._ahead is not None and ahead - self._ahead > SLEEP_SHORTEST:
            self._sleep(ahead - self._ahead)
        self._ahead = ahead

    def _sleep(self, seconds: float) -> None:
        samples = round(seconds * SAMPLE_RATE)
        if self._master is None and self._origin is not None:
            self._origin -= seconds
        agent, caller = self._lanes[Channel.AGENT].newest, self._lanes[Channel.CALLER].newest
        for opening in {id(o): o for o in (self._master, agent, caller) if o is not None}.values():
            opening.sleep(samples, SLEEP)

    # -- delivering

    def _final(self, now: float, front: int) -> int:
        """Return the position up to which both parties' audio is final."""
        alive = [lane for lane in self._lanes.values() if lane.lost is None]
        if not alive:
            return max(self.position, front - round(BOTH_GONE * SAMPLE_RATE))
        behind = front - round((PATIENCE_BUSY if now < self._busy else PATIENCE) * SAMPLE_RATE)
        waiting = any(lane.ready(self.position) >= behind for lane in alive)
        if not waiting:  # when both were away, the second to come back has its time too
            self._grace = max(self._grace, now + PATIENCE)
        must = behind if waiting else front - round(PATIENCE_ALONE * SAMPLE_RATE)
        final = None
        for lane in alive:
            ready = lane.ready(self.position)
            if ready < must and (now >= self._grace or not waiting):
                if lane.newest.doubt_is_small:
                    start = lane.newest.segments.end
                    lane.newest.yield_doubtful()
                    self._keep_late(lane, start, lane.newest.segments.end)
                ready = max(lane.ready(self.position), must)
            final = ready if final is None else min(final, ready)
        return max(self.position, final or 0)

    def _deliver(self, upto: int) -> tuple[Pcm, list[GapMark]]:
        count = max(0, upto - self.position)
        block = np.zeros((count, 2), np.int16)
        begin, end = self.position, self.position + count
        while self.position < end:
            self._steer()
            stop = min(end, self._steer_at)
            for column, lane in enumerate(self._lanes.values()):
                self._fill(lane, block[self.position - begin : stop - begin, column], stop)
            self.position = stop
        marks, self._marks = self._marks, []
        return block, marks

    def _fill(self, lane: Lane, out: Pcm, stop: int) -> None:
        """Write one party's samples up to ``stop``."""
        begin = position = self.position
        while position < stop:
            silent, until = self._muted(position)
            opening, count, reason = lane.piece(position, stop if until is None else min(stop, until))
            if reason is None and silent is None:
                out[position - begin : position - begin + count] = opening.read(count)
            lane.go(opening, position, count)
            self._mark(lane, position, silent or reason)
            position += count

    def _mark(self, lane: Lane, position: int, reason: str | None) -> None:
        """Begin, continue or end the gap of one party."""
        if lane.mark is not None and lane.mark[1] != reason:
            self._marks.append(GapMark(lane.channel, lane.mark[0], position, lane.mark[1]))
            lane.mark = None
        if reason is not None and lane.mark is None:
            lane.mark = (position, reason)

    def _muted(self, position: int) -> tuple[str | None, int | None]:
        """Return the reason of a mute at the position, and up to where the answer holds."""
        for mute in self._mutes:
            if position < mute.start:
                return None, mute.start
            if mute.end is None or position < mute.end:
                return mute.reason, mute.end
        return None, None

    def _steer(self) -> None:
        """Look at the caller's clock, ten times a second."""
        if self.position < self._steer_at:
            return
        self._steer_at = (self.position // STEER_EVERY + 1) * STEER_EVERY
        lane = self._lanes[Channel.CALLER]
        opening, master = lane.current(self.position), self._master
        silent = lane.silence_left(opening)
        self._steer_at = max(self._steer_at, self.position + silent - STEER_EVERY)
        if opening.place is None or self.position < opening.place or not opening.clock.known:
            return
        if opening.before_sleep or (master is not None and master.before_sleep):
            return
        if master is None or master.place is None:
            t = (self._origin or 0.0) + self.position / SAMPLE_RATE
            rate, error = opening.clock.rate / SAMPLE_RATE, opening.clock.error
        else:
            t = master.clock.time_of(self.position - master.place)
            rate = opening.clock.rate / master.clock.rate
            error = opening.clock.error + master.clock.error
        lane.steer(opening, opening.clock.sample_at(t), rate, error * SAMPLE_RATE)

    def _keep_late(self, lane: Lane, start: int, end: int) -> None:
        """Set aside samples whose positions were delivered as zeros."""
        for low, high in lane.newest.segments.stored(start, end):
            found = lane.fetch_late(lane.newest, low, high, self.position)
            if found is None:
                continue
            first, pcm = found
            for mute in self._mutes:
                pcm[max(0, mute.start - first) : None if mute.end is None else max(0, mute.end - first)] = 0
            lane.counts.late += len(pcm)
            self._late.append(LateAudio(lane.channel, first, pcm))
