"""Level per hop and the noise floor under it."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import numpy as np

from callcoach.clock import FRAME_LENGTH, HOP_LENGTH
from callcoach.ports import Audio

SILENCE_DBFS: Final = -180.0
"""Level given to digital silence: 20*log10(1e-9), as section 1.1 defines it."""
_SMOOTHING_FRAMES: Final = 3
_LOWEST_FLOOR_DBFS: Final = -75.0
"""A floor below this is the quantisation of a 16-bit recorder, not a room."""
FRAMES_PER_SECOND: Final = 16_000 / FRAME_LENGTH


def hop_levels(frame: Audio) -> tuple[float, float]:
    """Root-mean-square level of each hop of one frame.

    Parameters
    ----------
    frame : float32, shape (512,), full scale = 1.0

    Returns
    -------
    Two levels, dBFS in [-180, 0]; a full-scale sine gives -3.01.

    Raises
    ------
    ValueError
        If the frame does not have 512 samples.
    """
    if frame.shape != (FRAME_LENGTH,):
        raise ValueError(f"frame needs shape ({FRAME_LENGTH},), got {frame.shape}")
    hops = frame.reshape(-1, HOP_LENGTH)
    powers = np.einsum("ij,ij->i", hops, hops, dtype=np.float64)
    first, second = (20 * math.log10(math.sqrt(power / HOP_LENGTH) + 1e-9) for power in powers.tolist())
    return first, second


class NoiseFloor:
    """Lowest smoothed frame level of the recent past: what the line sounds like when nobody speaks.

    Parameters
    ----------
    window_s : float
        How far back the minimum reaches, s.
    """

    def __init__(self, window_s: float) -> None:
        self._window = max(1, round(window_s * FRAMES_PER_SECOND))
        self._recent: deque[float] = deque(maxlen=_SMOOTHING_FRAMES)
        self._lowest: deque[tuple[int, float]] = deque()
        self._count = 0

    def step(self, frame_level: float) -> float:
        """Take the level of one frame, dBFS; return the noise floor, dBFS, never below -75."""
        self._recent.append(frame_level)
        value = (
            frame_level if len(self._recent) < _SMOOTHING_FRAMES else sum(self._recent) / _SMOOTHING_FRAMES
        )
        while self._lowest and self._lowest[-1][1] >= value:
            self._lowest.pop()
        self._lowest.append((self._count, value))
        while self._lowest[0][0] <= self._count - self._window:
            self._lowest.popleft()
        self._count += 1
        return max(self._lowest[0][1], _LOWEST_FLOOR_DBFS)
