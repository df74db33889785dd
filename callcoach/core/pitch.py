"""F0 track of one channel on the 16 ms grid: causal, independent of how the audio was cut."""

from __future__ import annotations

from array import array
from typing import Final

import librosa
import numpy as np
from numpy.typing import NDArray

from callcoach.clock import HOP_LENGTH, SAMPLE_RATE
from callcoach.config import PitchSettings
from callcoach.ports import Audio

WINDOW: Final = 1024
"""Samples; librosa's YIN compares two stretches of half a window (32 ms)."""
BATCH_HOPS: Final = 16
"""Hops (256 ms) per call of librosa: cut by position, never by arrival."""


class PitchTrack:
    """F0 in Hz per hop; NaN where the hop is not voiced.

    The value of hop i belongs to the window that *ends* with hop i, so that nothing of the future is used.
    """

    def __init__(self, settings: PitchSettings) -> None:
        self._set = settings
        self._tail = np.zeros(WINDOW - HOP_LENGTH, np.float32)
        self._audio: list[Audio] = []
        self._loud: list[bool] = []
        self.f0_hz = array("f")

    def step(self, frame: Audio, levels: tuple[float, float], floor: float) -> None:
        """Take one frame, shape (512,), with the dBFS of its hops and the noise floor under it."""
        self._audio.append(frame)
        self._loud += [level - floor >= self._set.over_floor_db for level in levels]
        if len(self._loud) >= BATCH_HOPS:
            self._flush()

    def finish(self) -> None:
        """Analyse what is left."""
        if self._loud:
            self._flush()

    def _flush(self) -> None:
        hops = len(self._loud)
        signal = np.concatenate([self._tail, *self._audio])
        self._tail = signal[-(WINDOW - HOP_LENGTH) :]
        if any(self._loud):
            track = self._track(signal[: WINDOW - HOP_LENGTH + hops * HOP_LENGTH])
            track[~np.array(self._loud)] = np.nan
            self.f0_hz.extend(track)
        else:
            self.f0_hz.extend([float("nan")] * hops)
        self._audio, self._loud = [], []

    def _track(self, signal: Audio) -> NDArray[np.float64]:
        f0 = librosa.yin(
            signal,
            fmin=self._set.lowest_hz,
            fmax=self._set.highest_hz,
            sr=SAMPLE_RATE,
            frame_length=WINDOW,
            hop_length=HOP_LENGTH,
            center=False,
        ).astype(np.float64)
        half = WINDOW // 2
        for i, hz in enumerate(f0):
            if not self._set.lowest_hz < hz < self._set.highest_hz:
                f0[i] = np.nan  # the edge of the search is not a period
                continue
            window = signal[i * HOP_LENGTH : i * HOP_LENGTH + WINDOW].astype(np.float64)
            window = window - window.mean()
            lag = min(round(SAMPLE_RATE / hz), half)
            first, second = window[: WINDOW - lag], window[lag:]
            norm = float(np.sqrt(np.dot(first, first) * np.dot(second, second)))
            if norm <= 0 or float(np.dot(first, second)) / norm < self._set.least_correlation:
                f0[i] = np.nan
        return f0
