"""From what a device delivers to what a call records: mono, int16, 16 kHz, in blocks with right times."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from callcoach.clock import SAMPLE_RATE
from callcoach.sound_ports import InputBlock

FULL_SCALE = 32_768.0


class ToCallRate:
    """One stream of a device, of any rate and number of channels.

    Raises
    ------
    ValueError
        When the rate or the number of channels is not positive.
    """

    def __init__(self, rate: int, channels: int) -> None:
        if rate <= 0 or channels <= 0:
            raise ValueError(f"rate and channels must be positive, got {rate} and {channels}")
        self._rate = rate
        self._channels = channels
        self._resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
        self._taken = 0
        self._given = 0

    def feed(self, t: float, interleaved: NDArray[np.float32]) -> InputBlock | None:
        """Take samples whose first one was captured at ``t``, full scale 1.0; return what is ready.

        The resampler holds back about 30 ms; the time of the block accounts for it. None: nothing yet.
        """
        mono = interleaved.reshape(-1, self._channels).mean(axis=1, dtype=np.float32)
        out = self._resampler.resample_chunk(mono)
        end = t + len(mono) / self._rate
        self._taken += len(mono)
        held = self._taken / self._rate - (self._given + len(out)) / SAMPLE_RATE
        self._given += len(out)
        if len(out) == 0:
            return None
        pcm = np.clip(np.round(out * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
        return InputBlock(end - held - len(pcm) / SAMPLE_RATE, pcm)
