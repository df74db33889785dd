"""The seams: what the core expects of a source, a detector, a transcriber and a sink."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from callcoach.clock import Span
from callcoach.events import Channel, Event, Word

Audio = NDArray[np.float32]
"""Samples, full scale = 1.0; shape ``(n,)`` for one channel, ``(n, k)`` for k channels."""

VerdictStatus = Literal["ok", "salvaged", "rejected"]


@dataclass(slots=True)
class Verdict:
    """What became of a recording while it was read.

    ``spans`` are the stretches that are damaged, missing or replaced, in samples of the *source*
    rate; ``reasons`` are sentences for people, without file contents.
    """

    status: VerdictStatus = "ok"
    reasons: list[str] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    nan_samples: int = 0

    def salvage(self, reason: str, span: tuple[int, int] | None = None) -> None:
        """Mark the recording as salvaged, with one reason (kept once) and an optional span."""
        self.status = "salvaged"
        if reason not in self.reasons:
            self.reasons.append(reason)
        if span is not None:
            self.spans.append(span)


class Source(Protocol):
    """Delivers a call as blocks of any size."""

    name: str
    """File name(s) without folders, for people."""
    rate: int
    """Hz, as delivered."""
    channels: int
    """2 (agent, caller) or 1 (mono recording)."""
    declared_length: int | None
    """Frames the container promises, or None when unknown; never trusted, only shown."""
    verdict: Verdict
    """Complete once ``blocks`` is exhausted."""

    def blocks(self) -> Iterator[Audio]:
        """Yield float32 blocks of shape ``(n, channels)``, any n >= 1, finite values only."""
        ...

    def close(self) -> None:
        """Release files; may be called more than once."""
        ...


class SpeechDetector(Protocol):
    """Speech probability of one channel, frame by frame, with memory."""

    def __call__(self, frame: Audio) -> float:
        """Return the probability in [0, 1] that the 512-sample frame is speech."""
        ...


@dataclass(frozen=True, slots=True)
class SpeechWindow:
    """Neighbouring speech of one channel, joined for one pass of the recogniser.

    ``audio`` is float32, shape (n,), at 16 kHz, n <= 15 s. ``pieces`` are the spans on the call's
    clock; piece i begins at sample ``offsets[i]`` of ``audio``. Between pieces lies a short pause.
    """

    channel: Channel | None
    audio: Audio
    pieces: tuple[Span, ...]
    offsets: tuple[int, ...]


class Transcriber(Protocol):
    """Turns one window of speech into words on the call's clock."""

    def transcribe(self, window: SpeechWindow) -> tuple[Word, ...]:
        """Return words in order of time; empty when nothing was recognised."""
        ...


class Pending(Protocol):
    """A piece of work that finishes later."""

    def done(self) -> bool:
        """Tell whether ``result`` would return at once."""
        ...

    def result(self) -> tuple[Word, ...]:
        """Wait for the words."""
        ...


class Sink(Protocol):
    """Receives events in the order in which they became known."""

    def handle(self, event: Event) -> None:
        """Take one event."""
        ...

    def close(self) -> None:
        """Finish writing; may be called more than once."""
        ...
