"""From samples as they come to frames of the journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from callcoach.capture.journal_format import COLUMNS, Kind, pack_frame, pack_samples
from callcoach.capture.spans import Pair, union, without
from callcoach.clock import SAMPLE_RATE

FRAME_SAMPLES: Final = SAMPLE_RATE // 4
"""0.25 s: with as much again on the way, a kill costs at most 0.5 s (DUR-1)."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The frames of one stretch, ready for the disk: ``(column, bytes)`` for each."""

    position: int
    samples: int
    time_us: int
    frames: tuple[tuple[int, bytes], ...]

    @property
    def span(self) -> Pair:
        """The stretch."""
        return self.position, self.position + self.samples


class FrameBuffer:
    """Keeps samples back until they fill a frame; what was erased never leaves it.

    Attributes
    ----------
    next : position of the next sample it takes; what lies before it was taken already
    """

    def __init__(self, call: bytes) -> None:
        self.next = 0
        self._call = call
        self._buffer = np.zeros((FRAME_SAMPLES, len(COLUMNS)), np.int16)
        self._held = 0
        self._time_us = 0
        self._columns: tuple[int, ...] = ()
        self._erased: dict[int, list[Pair]] = {column: [] for column in range(len(COLUMNS))}

    def add(
        self, position: int, block: NDArray[np.int16], columns: tuple[int, ...], time_us: int
    ) -> list[Batch]:
        """Take samples, int16 of shape (n, 2), and return the frames that are full or cannot grow."""
        batches = []
        start = max(position, self.next)
        if start != self.next or columns != self._columns:
            batches += self.drain()
            self._columns = columns
        self.next = start
        at = start - position
        while at < len(block):
            if not self._held:
                self._time_us = time_us
            count = min(FRAME_SAMPLES - self._held, len(block) - at)
            self._buffer[self._held : self._held + count] = block[at : at + count]
            self._held += count
            self.next += count
            at += count
            if self._held == FRAME_SAMPLES:
                batches += self.drain()
        return batches

    def drain(self) -> list[Batch]:
        """Return what is kept back as a shorter frame of each channel."""
        count, self._held = self._held, 0
        position = self.next - count
        frames = []
        for column in self._columns if count else ():
            cuts = self._erased[column]
            if not without([(position, position + count)], cuts):
                continue
            samples = self._buffer[:count, column].copy()
            for start, end in cuts:
                samples[max(0, start - position) : max(0, end - position)] = 0
            frame = pack_frame(
                Kind.AUDIO,
                self._call,
                pack_samples(samples),
                column=column,
                position=position,
                time_us=self._time_us,
            )
            frames.append((column, frame))
        self._buffer[:count] = 0
        return [Batch(position, count, self._time_us, tuple(frames))] if frames else []

    def at(self, position: int) -> FrameBuffer:
        """Return an empty one for samples that belong to ``position``, with the same erasures."""
        other = FrameBuffer(self._call)
        other.next = position
        other._erased = {column: list(cuts) for column, cuts in self._erased.items()}
        return other

    def erase(self, start: int, end: int, columns: frozenset[int]) -> None:
        """Let nothing of a stretch through from now on, however often it is written."""
        for column in columns:
            self._erased[column] = union([*self._erased[column], (start, end)])
