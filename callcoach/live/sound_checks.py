"""Is what is recorded what should be recorded? Pure checks on the aligned sound of both sides.

Each check takes int16 blocks of any length, shape ``(n, 2)``, columns (agent, caller), at 16 kHz, and
answers with pairs of a notice code and its value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from callcoach.clock import SAMPLE_RATE, to_samples
from callcoach.sound_ports import Pcm

Finding = tuple[str, float]
"""Notice code and value."""

SAME_SOUND: Final = "S-SAME-SOUND"
"""Both sides record one source; the value is their correlation, 0.9 to 1."""
NO_AUDIO: Final = ("S-NO-AGENT-AUDIO", "S-NO-CALLER-AUDIO")
"""A side delivers nothing; the value is for how long, s. Columns (agent, caller)."""

FULL_SCALE: Final = 32_768.0


@dataclass(frozen=True, slots=True)
class SameSoundLimits:
    """Limits of `SameSound` (DEV-3)."""

    correlation: float = 0.9
    """Highest correlation of two different sounds, at the best shift."""
    lasting_s: float = 3.0
    """How long it has to last, s."""
    window_s: float = 0.5
    """Length of one measurement, s: several syllables, so that two voices never agree by chance."""
    shift_s: float = 0.06
    """Largest shift between the sides, s: they are aligned within 50 ms."""
    least_dbfs: float = -60.0
    """A window in which a side is quieter says nothing."""
    level_db: float = 6.0
    """Greatest difference of level, dB. The far end that leaks into the microphone correlates as well,
    but arrives weaker: 10 dB in our recordings with bleed, which has a notice of its own."""
    again_s: float = 600.0
    """Shortest time between two warnings, s."""


class SameSound:
    """Warns when both sides carry the same sound for 3 s, as when one device was chosen twice."""

    def __init__(self, limits: SameSoundLimits | None = None) -> None:
        self._limits = limits or SameSoundLimits()
        self._window = to_samples(self._limits.window_s)
        self._shift = to_samples(self._limits.shift_s)
        self._buffer = np.zeros((self._window, 2), np.int16)
        self._filled = 0
        self._alike = 0
        self._lowest = 1.0
        self._quiet_until = 0
        self._now = 0

    def step(self, block: Pcm, active: tuple[bool, bool]) -> list[Finding]:
        """Take a block; ``active`` (speech per side at its end) is not needed here."""
        found: list[Finding] = []
        at = 0
        while at < len(block):
            part = block[at : at + self._window - self._filled]
            self._buffer[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            at += len(part)
            if self._filled == self._window:
                self._filled = 0
                self._now += self._window
                found += self._measure()
        return found

    def _measure(self) -> list[Finding]:
        limits = self._limits
        audio = self._buffer.astype(np.float64) / FULL_SCALE
        audio -= audio.mean(axis=0)
        levels = 10 * np.log10(np.square(audio).mean(axis=0) + 1e-20)
        if levels.min() < limits.least_dbfs:
            return []
        likeness = 0.0
        if abs(levels[0] - levels[1]) <= limits.level_db:
            likeness = correlation(audio, self._shift)
        if likeness <= limits.correlation:
            self._alike, self._lowest = 0, 1.0
            return []
        self._alike += self._window
        self._lowest = min(self._lowest, likeness)
        if self._alike < to_samples(limits.lasting_s) or self._now < self._quiet_until:
            return []
        value = round(self._lowest, 3)
        self._alike, self._lowest = 0, 1.0
        self._quiet_until = self._now + to_samples(limits.again_s)
        return [(SAME_SOUND, value)]


def correlation(audio: NDArray[np.float64], shift: int) -> float:
    """Return the greatest correlation of the two columns within ``shift`` samples to either side, [0, 1].

    The sign does not count: a copy with turned polarity is a copy. 0 when a column is silent.
    """
    length = len(audio)
    size = 1 << (length + shift - 1).bit_length()
    spectra = np.fft.rfft(audio, size, axis=0)
    products = np.fft.irfft(spectra[:, 0] * np.conj(spectra[:, 1]), size)
    lags = np.arange(-shift, shift + 1)
    # Column 0 from `lag` on meets column 1; only what they share counts for the energies.
    sums = np.vstack((np.zeros(2), np.cumsum(np.square(audio), axis=0)))
    late, early = np.maximum(lags, 0), np.maximum(-lags, 0)
    energy = (sums[length - early, 0] - sums[late, 0]) * (sums[length - late, 1] - sums[early, 1])
    scale = np.sqrt(np.maximum(energy, 1e-30))
    return float(np.abs(products[lags] / scale).max())


@dataclass(frozen=True, slots=True)
class NoSoundLimits:
    """Limits of `NoSound` (DEV-4)."""

    silent_dbfs: float = -80.0
    """A side below this delivers nothing: an open line or microphone lies above it."""
    start_s: float = 5.0
    """How long a side may deliver nothing at the start, s."""
    speech_s: float = 15.0
    """How long the other side may have spoken meanwhile, later on, s."""
    gated_s: float = 60.0
    """The same for a side that went silent before and came back by itself, s: noise gates, mute buttons
    and telephony that sends nothing in pauses do so all the time."""
    gate_s: float = 1.0
    """A silence of this length that ended by itself shows such a gate, s."""
    again_s: float = 8 * 3600.0
    """Shortest time between two warnings about one side, s."""
    step_s: float = 0.1
    """Length of one measurement, s."""


@dataclass(slots=True)
class _Side:
    """What is known of one side; lengths in samples."""

    alive: bool = False
    silent: int = 0
    spoken: int = 0
    gated: bool = False
    quiet_until: int = 0
    energy: float = 0.0


@dataclass(slots=True)
class NoSound:
    """Warns when a side delivers nothing: for 5 s at the start, or while the other speaks for 15 s.

    The warning comes within 0.1 s of the limit. A side that stays silent is named once.
    """

    limits: NoSoundLimits = field(default_factory=NoSoundLimits)
    _sides: tuple[_Side, _Side] = field(default_factory=lambda: (_Side(), _Side()), init=False)
    _filled: int = field(default=0, init=False)
    _now: int = field(default=0, init=False)

    def step(self, block: Pcm, active: tuple[bool, bool]) -> list[Finding]:
        """Take a block, and whether the agent and the caller speak at its end."""
        found: list[Finding] = []
        at, window = 0, to_samples(self.limits.step_s)
        while at < len(block):
            part = block[at : at + window - self._filled]
            at += len(part)
            energies: NDArray[np.float64] = np.square(part.astype(np.float64)).sum(axis=0)
            for side, energy in zip(self._sides, energies, strict=True):
                side.energy += float(energy)
            self._filled += len(part)
            if self._filled == window:
                self._filled = 0
                self._now += window
                for index, side in enumerate(self._sides):
                    found += self._measure(index, side, active[1 - index], window)
        return found

    def _measure(self, index: int, side: _Side, other_speaks: bool, window: int) -> list[Finding]:
        limits = self.limits
        floor = (10 ** (limits.silent_dbfs / 20) * FULL_SCALE) ** 2 * window
        energy, side.energy = side.energy, 0.0
        if energy >= floor:
            side.gated |= side.alive and side.silent >= to_samples(limits.gate_s)
            side.alive, side.silent, side.spoken = True, 0, 0
            return []
        side.silent += window
        if other_speaks:
            side.spoken += window
        speech = limits.gated_s if side.gated else limits.speech_s
        at_start = not side.alive and side.silent >= to_samples(limits.start_s)
        if not (at_start or side.spoken >= to_samples(speech)) or self._now < side.quiet_until:
            return []
        side.quiet_until = self._now + to_samples(limits.again_s)
        return [(NO_AUDIO[index], round(side.silent / SAMPLE_RATE, 1))]
