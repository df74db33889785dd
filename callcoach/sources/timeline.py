"""Puts decoded frames where their time stamps say, with marked silence where something is missing."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame

from callcoach.ports import Audio
from callcoach.sources.limits import DamageLog

GAP_MAX_SECONDS: Final = 3_600
"""Longest gap in the time stamps that is believed (calls on hold are recorded with gaps) as long as it stays
within the length that the container promises; beyond it the time stamps jumped."""
GAP_UNSURE_SECONDS: Final = 60
"""The same when the container promises no length."""
PROMISE_SLACK_SECONDS: Final = 1
"""Seconds by which the promised length may be wrong in that comparison."""
BACK_MAX_SECONDS: Final = 0.5
"""Time stamps that lag behind the audio by more than this have started anew (recordings joined end to
end)."""
EXACT_SECONDS: Final = 0.002
"""Rounding of time stamps in containers that count milliseconds; all that is tolerated behind a lost
packet."""
TOLERANCE_SHARE: Final = 0.6
"""Share of a frame by which time stamps may be late without a packet having been lost: recorders stamp
packets when they arrive."""
TOLERANCE_SECONDS: Final = (0.012, 0.060)
"""Least and most of that tolerance, for codecs with very short or very long frames."""

GAP: Final = "Parts of the recording are missing or damaged; they were replaced by silence."
JUMP: Final = "The time stamps of the recording jump; the parts were joined without a pause."
CAPPED: Final = "More audio came out than a file of this size can hold; reading stopped there."

_SCALE: Final = {"u8": 128.0, "s16": 32_768.0, "s32": 2_147_483_648.0}


class Timeline:
    """A queue of samples whose position is their time.

    Parameters
    ----------
    rate
        Hz.
    channels
        Columns.
    cap
        Frames after which nothing more is taken.
    promise
        Frames that the container promises, or None.
    start_at
        Frames to leave out at the start.
    log
        Where gaps are written down.
    """

    def __init__(
        self, rate: int, channels: int, cap: int, promise: int | None, start_at: int, log: DamageLog
    ) -> None:
        self._rate = rate
        self._channels = channels
        self._cap = cap
        self._promise = promise
        self._log = log
        self._start_at = self._skip = start_at
        self._queue: deque[Audio | int] = deque()  # an int stands for that many frames of silence
        self._fresh = (
            AudioFifo()
        )  # frames behind the queue, converted together: one by one is five times slower
        self._waiting = 0
        self._placed = 0
        self.origin: int | None = None
        """Time stamp of position 0, in frames; None before the first frame."""

    @property
    def waiting(self) -> int:
        """Frames that ``take`` could return."""
        return max(0, self._waiting - self._skip)

    @property
    def full(self) -> bool:
        """Whether the cap was reached."""
        return self._placed >= self._cap

    def place(self, frame: AudioFrame, time: int | None, lost: bool) -> None:
        """Append a frame, behind silence if its time stamp lies ahead.

        Parameters
        ----------
        frame
            Of the rate, the channels and the sample format of all others.
        time
            Its time stamp in frames, or None.
        lost
            Whether something before it could not be decoded.

        Raises
        ------
        ValueError
            The sample format differs or cannot be converted.
        """
        if frame.format.name.removesuffix("p") not in ("u8", "s16", "s32", "flt", "dbl"):
            raise ValueError("unknown sample format")
        length = frame.samples
        if self.origin is None:
            self.origin = time or 0
        if time is not None:
            self._align(time - self.origin - self._placed, length, lost)
        if self._fits(length):
            frame.pts = None  # the fifo has a clock of its own, which must not see gaps
            self._fresh.write(frame)
            self._count(length)

    def _align(self, gap: int, length: int, lost: bool) -> None:
        """Bring the end of the queue to the time of the next frame, which lies ``gap`` frames ahead."""
        assert self.origin is not None
        least, most = (int(seconds * self._rate) for seconds in TOLERANCE_SECONDS)
        usual = min(max(int(TOLERANCE_SHARE * length), least), most)
        if gap > self._believed() or gap < -BACK_MAX_SECONDS * self._rate:
            self.origin += gap
            self._log.salvage(JUMP)
        elif gap > (int(EXACT_SECONDS * self._rate) if lost else usual):
            if self._fits(gap):
                self._log.damage(GAP, max(self._placed, self._start_at), self._placed + gap)
                self._settle()
                self._queue.append(gap)
                self._count(gap)
        elif lost:
            self._log.salvage(GAP)

    def _believed(self) -> int:
        """Return the longest gap, in frames, that may be real at the present place."""
        if self._promise is None:
            return GAP_UNSURE_SECONDS * self._rate
        left = self._promise + PROMISE_SLACK_SECONDS * self._rate - self._placed
        return min(GAP_MAX_SECONDS * self._rate, left)

    def _fits(self, length: int) -> bool:
        if self._placed + length > self._cap:
            self._log.salvage(CAPPED)
            self._cap = self._placed
        return self._placed + length <= self._cap

    def _count(self, length: int) -> None:
        self._placed += length
        self._waiting += length

    def _settle(self) -> None:
        """Move what is fresh into the queue as float32, shape (n, channels)."""
        if self._fresh.samples:
            self._queue.append(_to_float(self._fresh.read(self._fresh.samples), self._channels))

    def take(self, count: int) -> Audio | None:
        """Return up to ``count`` frames as float32, shape (n, channels), or None when nothing waits."""
        self._settle()
        self._next(self._skip, None)
        parts: list[Audio] = []
        if not self._skip:
            self._next(count, parts)
        return np.concatenate(parts) if parts else None

    def _next(self, count: int, parts: list[Audio] | None) -> None:
        """Take ``count`` frames from the queue into ``parts``, or drop them if that is None."""
        while count and self._queue:
            part = self._queue.popleft()
            length = part if isinstance(part, int) else len(part)
            size = min(count, length)
            if size < length:
                self._queue.appendleft(length - size if isinstance(part, int) else part[size:])
            if parts is None:
                self._skip -= size
            elif isinstance(part, int):
                parts.append(np.zeros((size, self._channels), np.float32))
            else:
                parts.append(part[:size])
            count -= size
            self._waiting -= size


def _to_float(frame: AudioFrame | None, channels: int) -> Audio:
    """Return the samples of a frame as float32, shape (n, channels), full scale 1.0."""
    if frame is None:
        return np.zeros((0, channels), np.float32)
    data = frame.to_ndarray()
    kind = frame.format.name.removesuffix("p")
    data = data.T if frame.format.is_planar else data.reshape(-1, channels)
    samples = np.ascontiguousarray(data, np.float32)
    if samples is data or samples.base is not None:
        samples = samples.copy()
    if kind == "u8":
        samples -= 128.0
    if kind in _SCALE:
        samples /= _SCALE[kind]
    return samples
