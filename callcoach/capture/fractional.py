"""Samples between samples: a windowed sinc, read at any position.

The streams of a call differ by parts in a thousand at most, so nothing has to be filtered away; what is
needed is an exact phase. A kernel of our own gives three things that ``soxr.ResampleStream(vr=True)``
does not: at a whole position it *is* the sample (so that copying can turn into resampling without a
seam), it holds nothing back but half its length (1.5 ms, against 15 ms), and every output sample has a
known position in the input. Measured at a ratio of 1.001: see ``tests/unit/capture/test_fractional.py``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from callcoach.sound_ports import Pcm

HALF: Final = 24
"""Samples on each side of a position that its value depends on."""
PHASES: Final = 512
"""Table steps within one sample; linear between them, which leaves an error below -100 dB."""
BETA: Final = 8.0
"""Shape of the Kaiser window: side lobes below -80 dB, within 0.01 dB up to 7.2 kHz of 8 kHz."""


def _table() -> NDArray[np.float32]:
    """Return the kernel, shape (PHASES + 1, 2 * HALF); row i is for a position i / PHASES past a sample."""
    phase = np.arange(PHASES + 1)[:, None] / PHASES
    distance = np.arange(2 * HALF)[None, :] - (HALF - 1) - phase
    window = np.i0(BETA * np.sqrt(np.maximum(0.0, 1.0 - (distance / HALF) ** 2))) / np.i0(BETA)
    kernel = np.sinc(distance) * window
    kernel /= kernel.sum(axis=1, keepdims=True)
    kernel[0] = np.arange(2 * HALF) == HALF - 1  # a whole position is the sample itself, to the bit
    kernel[-1] = np.arange(2 * HALF) == HALF
    return kernel.astype(np.float32)


_KERNEL: Final = _table()
_SLOPE: Final = np.diff(_KERNEL, axis=0)


def read_between(pcm: Pcm, first: float, step: float, count: int) -> Pcm:
    """Return ``count`` samples at the positions ``first + i * step``.

    Parameters
    ----------
    pcm
        int16, shape (n,); ``pcm[HALF - 1]`` is position 0. It must reach ``HALF`` samples beyond the last
        position.
    first
        In [0, 1), in samples.
    step
        Samples of the input for one of the output; near 1.
    count
        How many, at least 1.

    Returns
    -------
    int16, shape (count,); rounded to nearest, limited to the range of 16 bits.
    """
    at = first + np.arange(count) * step
    whole = np.floor(at).astype(np.intp)
    phase = (at - whole) * PHASES
    row = phase.astype(np.intp)
    windows = np.lib.stride_tricks.sliding_window_view(pcm.astype(np.float32), 2 * HALF)[whole]
    kernel = _KERNEL[row] + _SLOPE[row] * (phase - row).astype(np.float32)[:, None]
    values = np.einsum("ij,ij->i", windows, kernel)
    out: Pcm = np.clip(np.rint(values), -32768, 32767).astype(np.int16)
    return out
