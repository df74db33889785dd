"""The one clock of a call: integer samples at 16 kHz since its start.

Seconds and milliseconds exist only at the edges (settings, text for people, files); they are
converted here and nowhere else, so that no float time is ever added up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NewType

SAMPLE_RATE: Final = 16_000
"""Hz; the one analysis rate."""
FRAME_LENGTH: Final = 512
"""Samples (32 ms); one step of the speech detector and of every state machine."""
HOP_LENGTH: Final = 256
"""Samples (16 ms); the grid of level and F0. Two hops make one frame."""

Samples = NewType("Samples", int)
"""A position or a length on the call's clock, in samples at 16 kHz."""


def to_samples(seconds: float) -> Samples:
    """Convert seconds to the nearest sample position."""
    return Samples(round(seconds * SAMPLE_RATE))


def to_seconds(samples: int) -> float:
    """Convert a sample position to seconds."""
    return samples / SAMPLE_RATE


def to_ms(samples: int) -> int:
    """Convert a sample position to whole milliseconds, rounded to nearest."""
    return (samples * 1000 + SAMPLE_RATE // 2) // SAMPLE_RATE


def from_ms(milliseconds: int) -> Samples:
    """Convert whole milliseconds to a sample position; exact, since 16 samples are 1 ms."""
    return Samples(milliseconds * SAMPLE_RATE // 1000)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open interval ``[start, end)`` on the sample clock.

    Raises
    ------
    ValueError
        Unless ``0 <= start <= end``.
    """

    start: Samples
    end: Samples

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"span needs 0 <= start <= end, got [{self.start}, {self.end})")

    @property
    def length(self) -> Samples:
        """Length in samples."""
        return Samples(self.end - self.start)

    def overlap(self, other: Span) -> Samples:
        """Return the samples that both spans share; 0 when they do not meet."""
        return Samples(max(0, min(self.end, other.end) - max(self.start, other.start)))
