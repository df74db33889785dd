"""Any blocks in, equal frames out: stateful resampling to 16 kHz, then cuts of 512 samples."""

from __future__ import annotations

import numpy as np
import soxr

from callcoach.clock import FRAME_LENGTH, SAMPLE_RATE
from callcoach.ports import Audio


class Reframer:
    """Resample and re-block with memory, so that the cut of the blocks leaves no trace.

    Parameters
    ----------
    rate : int
        Hz of the incoming blocks.
    channels : int
        Columns of the incoming blocks.

    Notes
    -----
    ``soxr.ResampleStream`` gives the same samples however its input is cut; resampling block by block
    would click at every joint and drift.
    """

    # soxr hands its output over in bursts whose cut depends on the input's cut; only the cuts differ.
    def __init__(self, rate: int, channels: int) -> None:
        self.channels = channels
        self.samples = 0
        """Samples at 16 kHz that came out of the resampler so far, the padding of the last frame excluded."""
        self._resampler = (
            soxr.ResampleStream(rate, SAMPLE_RATE, channels, dtype="float32") if rate != SAMPLE_RATE else None
        )
        self._rest = np.zeros((0, channels), np.float32)

    def push(self, block: Audio) -> list[Audio]:
        """Take a block of shape (n, channels); return the frames of shape (512, channels) it completes."""
        if block.ndim != 2 or block.shape[1] != self.channels:
            raise ValueError(f"block needs shape (n, {self.channels}), got {block.shape}")
        if self._resampler is not None:
            block = self._resampler.resample_chunk(np.ascontiguousarray(block)).reshape(-1, self.channels)
        return self._cut(block)

    def finish(self) -> list[Audio]:
        """Return what is left; the last frame is filled with zeros."""
        frames: list[Audio] = []
        if self._resampler is not None:
            tail = self._resampler.resample_chunk(np.zeros((0, self.channels), np.float32), last=True)
            frames = self._cut(tail.reshape(-1, self.channels))
        if len(self._rest):
            last = np.zeros((FRAME_LENGTH, self.channels), np.float32)
            last[: len(self._rest)] = self._rest
            frames.append(last)
            self._rest = self._rest[:0]
        return frames

    def _cut(self, block: Audio) -> list[Audio]:
        self.samples += len(block)
        joined = np.concatenate([self._rest, block]) if len(self._rest) else block
        whole = len(joined) // FRAME_LENGTH * FRAME_LENGTH
        self._rest = joined[whole:].copy()
        return [np.ascontiguousarray(joined[i : i + FRAME_LENGTH]) for i in range(0, whole, FRAME_LENGTH)]
