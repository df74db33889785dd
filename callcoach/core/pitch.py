"""F0 track of one channel on the 16 ms grid, within 256 ms, independent of how the audio was cut.

Periodicity is the autocorrelation of a Hann window divided by that of the window itself (Boersma 1993), of a
compressed spectrum (Tolonen & Karjalainen 2000), which flattens formants and keeps the period of a telephone
voice without its fundamental. Each hop offers a few periods and "unvoiced"; the cheapest path through them,
with costs for octaves and for starting or stopping to voice, is followed with a look-ahead of four hops.
"""

from __future__ import annotations

from array import array
from typing import Final

import numpy as np
from numpy.typing import NDArray

from callcoach.clock import HOP_LENGTH, SAMPLE_RATE
from callcoach.config import PitchSettings
from callcoach.ports import Audio

WINDOW: Final = 608
"""Samples (38 ms) around the middle of a hop: 2.5 periods of the lowest F0; longer blurs edges of voicing."""
BATCH_HOPS: Final = 8
"""Hops analysed at once: cut by position, never by arrival."""
PATH_HOPS: Final = 4
"""Hops after a hop that may still change which of its candidates is taken."""
MARGIN: Final = (WINDOW - HOP_LENGTH) // 2
"""Samples of the window on each side of its hop."""
LONGEST_DELAY_HOPS: Final = BATCH_HOPS + PATH_HOPS + 2
"""From the start of a hop until its value is out: batch, path, and one frame for the margin; 224 ms."""

_FFT: Final = 1024
_COMPRESSION: Final = 0.8
"""Exponent on the power spectrum; 1.0 is the plain autocorrelation."""
_CANDIDATES: Final = 6
_LEAST_PEAK: Final = 0.2
"""Weaker peaks are no candidates."""
_QUIET_COST: Final = 2.0
"""Added to "unvoiced" at no level at all, falling to 0 at ``under_peak_db`` (Boersma 1993)."""
_REGISTER_HOPS: Final = 200
"""Voiced hops (3.2 s) the speaker's middle F0 is averaged over."""
_LEAST_REGISTER_HOPS: Final = 30
_REGISTER_REACH: Final = 0.55
"""Octaves below the middle that cost nothing."""
_ABSENT: Final = -1e6

_Floats = NDArray[np.float64]


class PitchTrack:
    """F0 in Hz per hop; NaN where the hop is not voiced.

    The value of a hop is F0 at its middle. It is out at most `LONGEST_DELAY_HOPS` hops after the start of the
    hop; until then ``f0_hz`` is shorter than the audio.

    Attributes
    ----------
    f0_hz
        float32, Hz within ``lowest_hz`` and ``highest_hz`` or NaN; one value per hop of 256 samples. No two
        neighbouring voiced hops differ by more than ``largest_jump_st``.
    """

    def __init__(self, settings: PitchSettings) -> None:
        self._set = settings
        self.f0_hz = array("f")
        self._search = _PeriodSearch(settings.lowest_hz, settings.highest_hz)
        self._path = _Path(settings)
        self._audio = np.zeros(MARGIN, np.float32)
        self._levels: list[float] = []
        self._floors: list[float] = []
        self._peak = -np.inf
        self._register = 0.0
        self._voiced = 0
        self._last = float("nan")

    def step(self, frame: Audio, levels: tuple[float, float], floor: float) -> None:
        """Take one frame, shape (512,), with the dBFS of its hops and the noise floor under it."""
        self._audio = np.concatenate([self._audio, frame])
        self._levels += levels
        self._floors += [floor] * len(levels)
        if len(self._levels) > BATCH_HOPS:
            self._analyse(BATCH_HOPS)

    def finish(self) -> None:
        """Analyse what is left; beyond the end is silence."""
        self._audio = np.concatenate([self._audio, np.zeros(WINDOW, np.float32)])
        while self._levels:
            self._analyse(min(BATCH_HOPS, len(self._levels)))
        self._emit(self._path.take(0))

    def _analyse(self, hops: int) -> None:
        levels, floors = np.array(self._levels[:hops]), np.array(self._floors[:hops])
        unvoiced = self._unvoiced(levels)
        sounding = levels - floors >= self._set.over_floor_db
        if sounding.any():
            hz, score = self._search.candidates(self._audio, hops)
            octaves = np.log2(hz)
            score += self._set.octave_cost * (octaves - np.log2(self._set.lowest_hz))
            if self._voiced >= _LEAST_REGISTER_HOPS:
                below = self._register - _REGISTER_REACH - octaves
                score -= self._set.low_register_cost * np.maximum(0, below)
            score[~sounding] = _ABSENT
        else:
            octaves = np.zeros((hops, _CANDIDATES))
            score = np.full((hops, _CANDIDATES), _ABSENT)
        self._path.extend(octaves, score, unvoiced)
        self._audio = self._audio[hops * HOP_LENGTH :]
        del self._levels[:hops], self._floors[:hops]
        self._emit(self._path.take(PATH_HOPS))

    def _unvoiced(self, levels: _Floats) -> _Floats:
        """Score of "unvoiced" per hop: higher far below the recent peak of this voice."""
        fall = self._set.peak_fall_db_s * HOP_LENGTH / SAMPLE_RATE * np.arange(1, len(levels) + 1)
        peaks = np.maximum(np.maximum.accumulate(levels + fall), self._peak) - fall
        self._peak = float(peaks[-1])
        shortfall = 1 - 10 ** ((levels - peaks + self._set.under_peak_db) / 20)
        return np.asarray(self._set.least_correlation + _QUIET_COST * np.maximum(0, shortfall))

    def _emit(self, octaves: list[float]) -> None:
        for value in octaves:
            if abs(value - self._last) * 12 > self._set.largest_jump_st:
                value = float("nan")
            self._last = value
            self.f0_hz.append(2.0**value)
            if value == value:
                self._voiced += 1
                self._register += (value - self._register) / min(self._voiced, _REGISTER_HOPS)


class _PeriodSearch:
    """The strongest periods of each window."""

    def __init__(self, lowest_hz: float, highest_hz: float) -> None:
        self._range = lowest_hz, highest_hz
        window = np.hanning(WINDOW + 2)[1:-1]
        self._window = window.astype(np.float32)
        own = np.fft.irfft((np.abs(np.fft.rfft(window, _FFT)) ** 2) ** _COMPRESSION)
        self._first = int(SAMPLE_RATE / highest_hz)
        self._lags = slice(self._first - 1, int(np.ceil(SAMPLE_RATE / lowest_hz)) + 2)
        self._own = (own[self._lags] / own[0]).astype(np.float32)

    def candidates(self, audio: Audio, hops: int) -> tuple[_Floats, _Floats]:
        """Return F0 in Hz and strength (1 = a periodic sound), each of shape (hops, 6).

        ``audio`` begins `MARGIN` samples before the first hop. Places without a candidate have the lowest F0
        and a strength that never wins.
        """
        frames = np.lib.stride_tricks.sliding_window_view(audio, WINDOW)[::HOP_LENGTH][:hops]
        frames = (frames - frames.mean(axis=1, keepdims=True)) * self._window
        spectrum = np.fft.rfft(frames, _FFT, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        correlation = np.fft.irfft(power**_COMPRESSION, _FFT, axis=1)
        normal = correlation[:, self._lags] / self._own
        normal /= correlation[:, :1] + np.float32(1e-12)
        middle, left, right = normal[:, 1:-1], normal[:, :-2], normal[:, 2:]
        peak = (middle >= left) & (middle > right) & (middle > _LEAST_PEAK)
        ranked = np.where(peak, middle, -1.0)
        at = np.argpartition(ranked, -_CANDIDATES, axis=1)[:, -_CANDIDATES:]
        rows = np.arange(hops)[:, None]
        top, before, after = (part[rows, at].astype(np.float64) for part in (middle, left, right))
        bend = 2 * top - before - after
        shift = np.clip((after - before) / (2 * np.maximum(bend, 1e-9)), -0.5, 0.5)
        hz = SAMPLE_RATE / (self._first + at + shift)
        lowest, highest = self._range
        valid = peak[rows, at] & (hz > lowest) & (hz < highest)
        strength = top + 0.25 * (after - before) * shift
        return np.where(valid, hz, lowest), np.where(valid, strength, _ABSENT)


class _Path:
    """The best way through the candidates, kept open for the hops that are not yet decided."""

    def __init__(self, settings: PitchSettings) -> None:
        self._jump = settings.octave_jump_cost
        self._change = settings.voicing_change_cost
        self._score = np.append(np.full(_CANDIDATES, _ABSENT), 0.0)
        self._octaves = np.zeros(_CANDIDATES)
        self._open: list[tuple[_Floats, NDArray[np.intp]]] = []
        """Per undecided hop: log2 F0 of its candidates, and from which state each of its states came."""

    def extend(self, octaves: _Floats, score: _Floats, unvoiced: _Floats) -> None:
        """Add hops: log2 F0 and score per candidate, shape (hops, 6), and score of "unvoiced", (hops,)."""
        hops, states = len(octaves), _CANDIDATES + 1
        earlier = np.concatenate([self._octaves[None], octaves[:-1]])
        cost = np.full((hops, states, states), self._change)
        cost[:, :-1, :-1] = self._jump * np.abs(earlier[:, None, :] - octaves[:, :, None])
        cost[:, -1, -1] = 0.0
        gains = np.concatenate([score, unvoiced[:, None]], axis=1)
        for i in range(hops):
            ways = self._score - cost[i]  # [to, from]
            self._open.append((octaves[i], ways.argmax(axis=1)))
            total = ways.max(axis=1) + gains[i]
            self._score = total - total.max()
        self._octaves = octaves[-1]

    def take(self, keep: int) -> list[float]:
        """Decide and forget all but the last ``keep`` hops; return log2 F0 of each, NaN when unvoiced."""
        state = int(self._score.argmax())
        decided: list[float] = []
        for i in range(len(self._open) - 1, -1, -1):
            octaves, came_from = self._open[i]
            if i < len(self._open) - keep:
                decided.append(float(octaves[state]) if state < _CANDIDATES else float("nan"))
            state = int(came_from[state])
        del self._open[: len(self._open) - keep]
        return decided[::-1]
