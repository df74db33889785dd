"""Sound with known edges, and scripted stand-ins for the models that listen to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from callcoach.clock import FRAME_LENGTH, SAMPLE_RATE, Samples, Span, to_samples
from callcoach.events import Channel, Word
from callcoach.ports import Audio, SpeechDetector, SpeechWindow

Bounds = tuple[float, float]
"""Begin and end, s."""


def gain(dbfs: float) -> float:
    """Root-mean-square amplitude of a level."""
    return float(10 ** (dbfs / 20))


def noise(seconds: float, dbfs: float = -60.0, seed: int = 1) -> Audio:
    """White noise at 16 kHz."""
    rng = np.random.default_rng(seed)
    return (gain(dbfs) * rng.standard_normal(to_samples(seconds))).astype(np.float32)


def tone(seconds: float, hz: float = 180.0, dbfs: float = -20.0, rate: int = SAMPLE_RATE) -> Audio:
    """Sine of a root-mean-square level."""
    t = np.arange(round(seconds * rate)) / rate
    return (gain(dbfs) * np.sqrt(2) * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def voice(
    seconds: float, hz: float = 140.0, dbfs: float = -20.0, seed: int = 3, syllables: float = 4.0
) -> Audio:
    """Harmonics under an envelope that rises and falls like syllables, no two of them alike."""
    rng = np.random.default_rng(seed)
    n = to_samples(seconds)
    t = np.arange(n) / SAMPLE_RATE
    glide = np.interp(
        t, np.arange(0, seconds + 1, 0.5), rng.uniform(0.85, 1.2, len(np.arange(0, seconds + 1, 0.5)))
    )
    phase = 2 * np.pi * np.cumsum(hz * glide) / SAMPLE_RATE
    wave = sum(np.sin(k * phase) / k for k in range(1, 20))
    knots = np.arange(0, seconds + 1, 0.5 / syllables)
    envelope = np.interp(t, knots, rng.uniform(0.02, 1.0, len(knots)))
    shaped = np.asarray(wave, np.float64) * envelope
    return (gain(dbfs) * shaped / np.sqrt(np.mean(shaped**2))).astype(np.float32)


def placed(
    length_s: float, sounds: Iterable[tuple[float, Audio]], floor_dbfs: float = -70.0, seed: int = 1
) -> Audio:
    """Put sounds at their times (s) on a bed of faint noise."""
    out = noise(length_s, floor_dbfs, seed)
    for at, sound in sounds:
        start = to_samples(at)
        out[start : start + len(sound)] += sound[: max(0, len(out) - start)]
    return out


@dataclass
class ScriptedDetector:
    """Says ``probability`` where the middle of the frame lies in a span, else ``quiet``."""

    spans: Sequence[Bounds] = ()
    probability: float = 0.95
    quiet: float = 0.01
    frames: int = 0

    def __call__(self, frame: Audio) -> float:
        assert frame.shape == (FRAME_LENGTH,)
        middle = (self.frames + 0.5) * FRAME_LENGTH / SAMPLE_RATE
        self.frames += 1
        return self.probability if any(a <= middle < b for a, b in self.spans) else self.quiet


class RememberingDetector:
    """Keeps the answers of a detector by all it has heard so far, for repeated runs over the same sound."""

    _kept: ClassVar[dict[bytes, float]] = {}

    def __init__(self, detector: SpeechDetector) -> None:
        self._detector = detector
        self._heard = b""
        self._behind: list[Audio] = []

    def __call__(self, frame: Audio) -> float:
        self._heard = hashlib.blake2b(self._heard + frame.tobytes(), digest_size=16).digest()
        self._behind.append(frame.copy())
        if self._heard not in self._kept:
            for missed in self._behind:
                self._kept[self._heard] = self._detector(missed)
            self._behind = []
        return self._kept[self._heard]


@dataclass
class Answer:
    """A result that is there at once."""

    items: tuple[Word, ...]

    def done(self) -> bool:
        """It is."""
        return True

    def result(self) -> tuple[Word, ...]:
        """Return the words."""
        return self.items


@dataclass
class ScriptedTranscriber:
    """Gives each window the scripted words that lie in its pieces; ``submit`` answers at once."""

    words: dict[Channel | None, Sequence[Word]]
    windows: list[SpeechWindow] = field(default_factory=list)

    def transcribe(self, window: SpeechWindow) -> tuple[Word, ...]:
        self.windows.append(window)
        return tuple(
            w
            for w in self.words.get(window.channel, ())
            if any(p.start <= (w.span.start + w.span.end) // 2 < p.end for p in window.pieces)
        )

    def submit(self, window: SpeechWindow) -> Answer:
        return Answer(self.transcribe(window))


def word(text: str, start: float, end: float, probability: float = 0.9) -> Word:
    """One word with times in seconds."""
    return Word(text, Span(Samples(to_samples(start)), Samples(to_samples(end))), probability)


def rms_dbfs(samples: NDArray[np.floating]) -> float:  # type: ignore[type-arg]
    """Level of a stretch of sound."""
    return float(20 * np.log10(np.sqrt(np.mean(np.asarray(samples, np.float64) ** 2)) + 1e-9))
