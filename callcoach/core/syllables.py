"""Syllable nuclei (V02) and filled pauses (V14) of one channel on the 16 ms grid, from sound alone.

A nucleus is a peak of the level in 300-3000 Hz, smoothed over 40 ms, that stands a dip over what lies before
and after it, is not far below the loudest recent one, and has a voiced hop beside it. The level is taken
every 8 ms, since a fast syllable is no longer than seven hops.

A filled pause is a held sound: voiced, its F0 and its spectrum hardly moving, and no second nucleus in it.
"""

from __future__ import annotations

from array import array
from functools import cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import signal

from callcoach.clock import HOP_LENGTH, SAMPLE_RATE, to_samples
from callcoach.config import SyllableSettings
from callcoach.ports import Audio

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

BAND_HZ: Final = (300.0, 3000.0)
"""Hz; V02. First formants, and inside what a telephone line lets through."""
FILTER_ORDER: Final = 4
SMOOTHING: Final = 640
"""Samples (40 ms) of the Hann window over the power; V02."""
STEP: Final = HOP_LENGTH // 2
"""Samples (8 ms) between two values of the level."""
_AHEAD_HOPS: Final = 1
"""Hops after a hop that its level needs: half the smoothing."""
_EMPTY: Final = 1e-10
"""Power added before the logarithm: -100 dB re full scale."""
_BANDS: Final = 14
_WINDOW: Final = 2 * HOP_LENGTH
_RANGE_DB: Final = 40.0
"""Bands this far under the loudest band of the same hop do not count for steadiness."""
_STEADY_LAG: Final = 4
"""Hops (64 ms) between two spectra that are compared."""


class SyllableTrack:
    """Nuclei and filled pauses of one channel.

    Parameters
    ----------
    settings : SyllableSettings

    Attributes
    ----------
    nuclei : array of int8
        Per hop: 1 where a syllable nucleus peaks, else 0.
    filled : array of int8
        Per hop: 1 inside a filled pause, from the hop on at which the sound has been held for
        ``held_s``; the time before that is not marked, since it could not be known.

    Notes
    -----
    Both arrays lie `LAG` = 12 hops (192 ms) behind the audio, always, and are filled up by `finish`. A value
    that has been told never changes.
    """

    LAG: Final = 12

    def __init__(self, settings: SyllableSettings) -> None:
        self._set = settings
        self._level = BandLevel()
        patience = (self.LAG - _AHEAD_HOPS) * HOP_LENGTH // STEP
        self._peaks = _Peaks(settings.dip_db, settings.range_db, settings.sink_db_per_s, patience)
        self._spectra = _Spectra()
        self._held = max(2, round(to_samples(settings.held_s) / HOP_LENGTH))
        self._reach = round(to_samples(settings.voiced_reach_s) / HOP_LENGTH)
        self._steady: list[bool] = [False] * (self._held - 1)
        self._semitones: list[float] = [float("nan")] * (self._held - 1)
        self._voiced = array("b")
        self.nuclei = array("b")
        self.filled = array("b")

    def batch(self, audio: Audio, f0_hz: Floats, levels: Floats) -> None:
        """Take the next stretch of the channel.

        Parameters
        ----------
        audio : float32, shape (256 * n,), full scale = 1.0
        f0_hz : float32, shape (n,), Hz, NaN where not voiced
        levels : float32, shape (n,), dBFS

        Raises
        ------
        ValueError
            If the three do not cover the same hops.
        """
        hops = len(f0_hz)
        if audio.shape != (hops * HOP_LENGTH,) or levels.shape != (hops,):
            raise ValueError(f"{hops} values of F0, {len(levels)} levels, {audio.shape} samples do not match")
        if not hops:
            return
        self._peaks.take(self._level(audio))
        voiced = np.isfinite(f0_hz) & (levels >= self._set.least_level_dbfs)
        self._voiced.extend(voiced.astype(np.int8).tolist())
        self._steady += (voiced & (self._spectra.change(audio) <= self._set.steady_db)).tolist()
        self._semitones += (12 * np.log2(np.where(voiced, f0_hz, np.nan))).tolist()
        self._tell(len(self._voiced) - self.LAG)

    def finish(self) -> None:
        """Say what is left, as if silence followed."""
        self._peaks.take(self._level(np.zeros(_AHEAD_HOPS * HOP_LENGTH, np.float32)))
        self._peaks.close()
        self._tell(len(self._voiced))

    def _tell(self, until: int) -> None:
        """Fill both arrays up to a hop."""
        first = len(self.nuclei)
        if until <= first:
            return
        peaks = {at * STEP // HOP_LENGTH for at in self._peaks.tell(until * HOP_LENGTH // STEP)}
        for hop in range(first, until):
            near = self._voiced[max(0, hop - self._reach) : hop + self._reach + 1]
            self.nuclei.append(int(hop in peaks and any(near)))
        hops = until - first
        seen = self._held - 1 + hops
        held = self._holds(np.array(self._steady[:seen]), np.array(self._semitones[:seen]), first)
        self.filled.extend(held.astype(np.int8).tolist())
        del self._steady[:hops], self._semitones[:hops]

    def _holds(self, steady: NDArray[np.bool_], semitones: Doubles, first: int) -> NDArray[np.bool_]:
        """Say of each hop from ``first`` on whether the ``held_s`` that end with it are one held sound."""
        s = self._set
        views = sliding_window_view(semitones, self._held)
        held: NDArray[np.bool_] = (sliding_window_view(steady, self._held).mean(axis=1) >= s.steady_share) & (
            np.isfinite(views).mean(axis=1) >= s.voiced_share
        )
        held &= np.isfinite(views[:, 0]) & np.isfinite(views[:, -1])
        before = self._held - 1
        told = np.array(self.nuclei[max(0, first - before) :], np.int64)
        told = np.concatenate([np.zeros(max(0, before - first), np.int64), told])
        held &= sliding_window_view(told, self._held).sum(axis=1) <= 1
        rows = np.flatnonzero(held)
        if len(rows):
            ordered = np.sort(views[rows], axis=1)  # NaN last
            last = np.isfinite(ordered).sum(axis=1) - 1
            low, high = (
                ordered[np.arange(len(rows)), np.rint(share * last).astype(int)] for share in (0.05, 0.95)
            )
            held[rows] = high - low <= s.pitch_spread_st
        return held


class BandLevel:
    """Level in 300-3000 Hz every 8 ms, smoothed over 40 ms, dB re full scale; with memory."""

    def __init__(self) -> None:
        self._state = np.zeros((len(_band_pass()), 2))
        self._power: Doubles = np.zeros(SMOOTHING // 2 - STEP // 2)

    def __call__(self, audio: Audio) -> Doubles:
        """Take audio, shape (256 * n,); return the levels that it completes, two per hop."""
        passed, self._state = signal.sosfilt(_band_pass(), audio.astype(np.float64), zi=self._state)
        power = np.concatenate([self._power, passed**2])
        ready = max(0, (len(power) - SMOOTHING) // STEP + 1)
        self._power = power[ready * STEP :]
        if not ready:
            return np.zeros(0)
        windows = sliding_window_view(power, SMOOTHING)[: ready * STEP : STEP]
        levels: Doubles = 10 * np.log10(windows @ _smoothing() + _EMPTY)
        return levels


@cache
def _band_pass() -> Doubles:
    sections: Doubles = signal.butter(FILTER_ORDER, BAND_HZ, "bandpass", fs=SAMPLE_RATE, output="sos")
    return sections


@cache
def _smoothing() -> Doubles:
    taper = np.hanning(SMOOTHING + 2)[1:-1]
    weights: Doubles = taper / taper.sum()
    return weights


class _Spectra:
    """How much the spectrum has changed over 64 ms, per hop."""

    def __init__(self) -> None:
        self._tail: Audio = np.zeros(_WINDOW - HOP_LENGTH, np.float32)
        self._before: Floats = np.zeros((_STEADY_LAG, _BANDS), np.float32)

    def change(self, audio: Audio) -> Floats:
        """Take audio, shape (256 * n,); return the mean change of its bands, dB, shape (n,)."""
        joined = np.concatenate([self._tail, audio])
        self._tail = joined[len(joined) - len(self._tail) :]
        windows = sliding_window_view(joined, _WINDOW)[::HOP_LENGTH] * _taper()
        power = np.abs(np.fft.rfft(windows, axis=1)).astype(np.float32) ** 2
        decibels = 10 * np.log10(power @ _bands() + np.float32(_EMPTY))
        # what lies far below the loudest band is noise and would never hold still
        decibels = np.maximum(decibels, decibels.max(axis=1, keepdims=True) - np.float32(_RANGE_DB))
        spectra = np.concatenate([self._before, decibels])
        self._before = spectra[len(spectra) - _STEADY_LAG :]
        change: Floats = np.abs(spectra[_STEADY_LAG:] - spectra[:-_STEADY_LAG]).mean(axis=1)
        return change


@cache
def _taper() -> Floats:
    taper: Floats = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
    return taper


@cache
def _bands() -> Floats:
    """Triangular bands of equal width in mel, shape (257, 14)."""
    low, high = (1127 * np.log1p(hz / 700) for hz in BAND_HZ)
    edges = 700 * np.expm1(np.linspace(low, high, _BANDS + 2) / 1127)
    hz = np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE)[:, None]
    rising = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    weights: Floats = np.clip(np.minimum(rising, falling), 0, None).astype(np.float32)
    return weights


class _Peaks:
    """Peaks of the level that stand a dip over what lies before and after them, told a fixed time later.

    A peak whose dip has not come when it must be told is told all the same: nothing higher followed, and
    the dip will come, at the latest when the sound ends. Until then no other peak is taken.
    """

    def __init__(self, dip: float, reach: float, sink_per_s: float, patience: int) -> None:
        self._dip, self._range, self._patience = dip, reach, patience
        self._sink = sink_per_s * STEP / SAMPLE_RATE
        self._count = 0
        self._loudest = 10 * np.log10(_EMPTY)
        self._lowest = float("inf")
        self._candidate: int | None = None
        self._height = 0.0
        self._told = False
        self._found: list[int] = []

    def take(self, values: Doubles) -> None:
        """Take the next levels, dB."""
        for value in values.tolist():
            self._loudest = max(self._loudest - self._sink, value)
            self._step(value)
            self._count += 1

    def close(self) -> None:
        """End the sound: what has risen is a peak."""
        self._settle()

    def tell(self, until: int) -> list[int]:
        """Return the peaks before a position that were not told yet."""
        ready = [at for at in self._found if at < until]
        self._found = [at for at in self._found if at >= until]
        return ready

    def _step(self, value: float) -> None:
        if self._candidate is None:
            self._lowest = min(self._lowest, value)
            if value - self._lowest < self._dip:
                return
            self._candidate, self._height, self._told = self._count, value, False
        elif self._told and value - self._height >= 2 * self._dip:
            # what was told was the plain before a hill, such as the noise before the first word
            self._candidate, self._height, self._told = self._count, value, False
        elif value > self._height and not self._told:
            self._candidate, self._height = self._count, value
        elif self._height - value >= self._dip:
            self._settle()
            self._lowest = value
            return
        if self._count - self._candidate >= self._patience:
            self._note()

    def _note(self) -> None:
        if self._candidate is not None and not self._told:
            self._told = True
            if self._height >= self._loudest - self._range:
                self._found.append(self._candidate)

    def _settle(self) -> None:
        self._note()
        self._candidate = None
