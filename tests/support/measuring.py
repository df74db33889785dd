"""What a test measures on aligned audio: how far the sides are apart, and how clean a tone is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.support.fake_inputs import Signal

RATE = 16_000


def hum(seed: int = 5) -> Signal:
    """Return noise below 2 kHz that is the same whenever it is asked for the same times."""
    rate, length = 4 * RATE, 1 << 20  # 16 s, then again
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(length))
    spectrum[np.fft.rfftfreq(length, 1 / rate) > 2000] = 0
    table = np.fft.irfft(spectrum, length)
    table *= 0.2 / table.std()

    def heard(t: NDArray[np.float64]) -> NDArray[np.float64]:
        at = t * rate
        first = np.floor(at).astype(np.int64)
        rest = at - first
        return table[first % length] * (1 - rest) + table[(first + 1) % length] * rest

    return heard


def offset(agent: NDArray[np.int16], caller: NDArray[np.int16], most: int = 3200) -> int:
    """Return by how many samples the caller's side lags behind the agent's where both hear the same."""
    size = 1 << int(np.ceil(np.log2(2 * len(agent))))
    spectrum = np.fft.rfft(caller.astype(float), size) * np.conj(np.fft.rfft(agent.astype(float), size))
    lags = np.fft.irfft(spectrum, size)
    return int(np.argmax(np.concatenate([lags[-most:], lags[: most + 1]]))) - most


def tone_quality(pcm: NDArray[np.int16], hz: float, width: float = 40.0) -> float:
    """Return the power within ``width`` Hz of a tone over all other power, in dB."""
    power = np.abs(np.fft.rfft(pcm * np.kaiser(len(pcm), 14.0))) ** 2
    near = np.abs(np.fft.rfftfreq(len(pcm), 1 / RATE) - hz) < width
    return float(10 * np.log10(power[near].sum() / power[~near].sum()))
