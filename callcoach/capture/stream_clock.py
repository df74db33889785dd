"""Which moment each sample of one stream was taken at, learned from the times of its blocks.

The times of blocks are late by a few milliseconds at random, seldom by seconds, and never early: the
earliest block of each half second lies on the line that is looked for. The line is fitted to these
points over the last two minutes, with little weight for points that stand out.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from callcoach.clock import SAMPLE_RATE

BIN_SECONDS: Final = 0.5
"""The earliest block of so long becomes one point."""
POINTS: Final = 256
"""Points that are kept: 128 s. With lateness of 10 ms the rate is then known to about 1 ppm."""
DRIFT_USUAL: Final = 3e-4
"""Deviation of the rate that is expected before anything is known (standard deviation, share)."""
DRIFT_MAX: Final = 3e-3
"""A larger deviation of the rate is no clock but lost samples; DEV-7 asks for 1e-3."""
NOISE_FLOOR: Final = 2e-5
"""s; block times of sound servers lie within 0.02 ms of a line (platform recipes, section 2)."""
SHIFT: Final = 0.015
"""s; when points in a row lie so far off on one side, the way from the device to here has become longer or
shorter: older points are moved along, so that the rate stays."""
EARLIER_POINTS: Final = 3
"""Points (1.5 s) that show that blocks can come earlier than believed."""
ROUNDS: Final = 4
"""Rounds of weighting; more change nothing that can be heard."""
LATER_POINTS: Final = 20
"""Points (10 s) that show that they come later for good, and not while the computer is busy; early in a
call a quarter of what there is, since more of them would tilt the line."""


class StreamClock:
    """The line between sample numbers and ``Clock.monotonic``; pure arithmetic.

    Sample ``v`` was taken at ``x + offset + drift * (x - at)``, where ``x = v / 16000``.
    """

    def __init__(self) -> None:
        self._x = np.zeros(POINTS)
        self._y = np.zeros(POINTS)
        self._points = 0
        self._bin: tuple[float, float, float] | None = None  # begin (s), x and y of its earliest block
        self._at = 0.0
        self._offset = math.nan
        self._drift = 0.0
        self._error = BIN_SECONDS * DRIFT_USUAL

    @property
    def known(self) -> bool:
        """Whether any block was seen."""
        return not math.isnan(self._offset)

    @property
    def rate(self) -> float:
        """Samples in one second of the monotonic clock."""
        return SAMPLE_RATE / (1.0 + self._drift)

    @property
    def error(self) -> float:
        """Standard error of ``time_of`` for the latest samples, in s."""
        return self._error

    def time_of(self, sample: float) -> float:
        """Return when the sample was taken; NaN when nothing is known."""
        x = sample / SAMPLE_RATE
        return x + self._offset + self._drift * (x - self._at)

    def sample_at(self, t: float) -> float:
        """Return the sample that was taken at ``t``; the inverse of ``time_of``."""
        return SAMPLE_RATE * (t - self._offset + self._drift * self._at) / (1.0 + self._drift)

    def observe(self, sample: int, t: float) -> None:
        """Take the time of the block that begins with ``sample``."""
        x = sample / SAMPLE_RATE
        y = t - x
        if self._bin is None:
            self._bin = (t, x, y)
        elif t - self._bin[0] >= BIN_SECONDS:
            self._keep(self._bin[1], self._bin[2])
            self._bin = (t, x, y)
        elif y < self._bin[2]:
            self._bin = (self._bin[0], x, y)
        if not self._points:
            self._at, self._offset = self._bin[1], self._bin[2]

    def renumber(self, samples: int) -> None:
        """Add ``samples`` to the number of every sample so far: time went by in which none was taken."""
        move = samples / SAMPLE_RATE
        self._x[: self._points] += move
        self._y[: self._points] -= move
        self._at += move
        self._offset -= move
        if self._bin is not None:
            self._bin = (self._bin[0], self._bin[1] + move, self._bin[2] - move)

    def _keep(self, x: float, y: float) -> None:
        if self._points == POINTS:
            self._x[:-1] = self._x[1:]
            self._y[:-1] = self._y[1:]
            self._points -= 1
        self._x[self._points], self._y[self._points] = x, y
        self._points += 1
        self._follow_shift()
        self._fit()

    def _follow_shift(self) -> None:
        """Move older points when the newest ones agree on another offset."""
        off = self._y[: self._points] - self._offset - self._drift * (self._x[: self._points] - self._at)
        later = min(LATER_POINTS, max(EARLIER_POINTS, self._points // 4))
        for last, sign in ((EARLIER_POINTS, -1), (later, 1)):
            if self._points > last and (sign * off[-last:] > SHIFT).all():
                self._y[: self._points - last] += np.median(off[-last:])
                return

    def _fit(self) -> None:
        n = self._points
        at = float(self._x[n - 1])
        x, y = self._x[:n] - at, self._y[:n]
        offset, drift = self._offset + self._drift * (at - self._at), self._drift
        noise, middle, spread = NOISE_FLOOR, 0.0, 0.0
        for _ in range(ROUNDS):  # from the line so far: a few late points shall not pull it away
            rest = np.abs(y - (offset + drift * x))
            noise = max(NOISE_FLOOR, 1.4826 * float(np.median(rest)))
            weight = np.minimum(1.0, 2.0 * noise / np.maximum(rest, 1e-12))
            total = weight.sum()
            middle, level = float(weight @ x / total), float(weight @ y / total)
            spread = float(weight @ (x - middle) ** 2) + (noise / DRIFT_USUAL) ** 2
            drift = float(weight @ ((x - middle) * (y - level)) / spread)
            drift = max(-DRIFT_MAX, min(DRIFT_MAX, drift))
            offset = level - drift * middle
        self._at, self._offset, self._drift = at, offset, drift
        self._error = noise * math.sqrt(1.0 / n + middle**2 / spread)
