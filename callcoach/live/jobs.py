"""One window in work at the recogniser, and what is left of it when its audio is not kept in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from callcoach.clock import SAMPLE_RATE, Span
from callcoach.events import Channel, Word
from callcoach.ports import Audio, SpeechWindow

Reload = Callable[[Channel | None, Span], Audio]
"""Reads the sound of one channel again: float32, one sample for each of the span."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """A window without its audio: where each piece lies in the call, and in the window."""

    channel: Channel | None
    pieces: tuple[Span, ...]
    offsets: tuple[int, ...]
    length: int
    """Samples of the window."""

    @classmethod
    def of(cls, window: SpeechWindow) -> Deferred:
        """Return the record of a window."""
        return cls(window.channel, window.pieces, window.offsets, len(window.audio))

    def load(self, reload: Reload) -> Audio:
        """Build the audio again; what lies between pieces is silence."""
        audio = np.zeros(self.length, np.float32)
        for piece, offset in zip(self.pieces, self.offsets, strict=True):
            sound = reload(self.channel, piece)[: self.length - offset]
            audio[offset : offset + len(sound)] = sound
        return audio


class Job:
    """One window in work; implements `callcoach.ports.Pending`.

    A job whose words are not wanted any more is done, with no words, and ``dropped``.
    """

    __slots__ = (
        "_ask",
        "_done",
        "_words",
        "attempts",
        "audio",
        "beam_size",
        "deferred",
        "dropped",
        "failed",
        "final",
        "finished_s",
        "held",
        "lasting",
        "number",
        "record",
        "start",
        "submitted_s",
    )

    def __init__(
        self,
        number: int,
        window: SpeechWindow,
        start: int,
        final: bool,
        beam_size: int,
        now: float,
        ask: Callable[[], None],
    ) -> None:
        self._ask = ask
        self._done = threading.Event()
        self._words: tuple[Word, ...] = ()
        self.number = number
        self.start = start
        """Words before it belong to what was put in front, and are left out."""
        self.record = Deferred.of(window)
        self.audio: Audio | None = window.audio
        self.final = final
        self.beam_size = beam_size
        self.lasting = final
        """Whether its words may stay: a text that loops gets a second look."""
        self.attempts = 0
        self.held = False
        """Whether its audio counts as held in memory."""
        self.dropped = False
        """An interim job that gave way."""
        self.deferred = False
        """A final job that is put off until after the call."""
        self.failed = False
        """A final job that could not be recognised, after the call either."""
        self.submitted_s = now
        self.finished_s: float | None = None
        """When the words were there, on the clock of the recogniser."""

    def done(self) -> bool:
        """Tell whether ``result`` would return at once."""
        return self._done.is_set()

    def result(self, timeout: float | None = None) -> tuple[Word, ...]:
        """Wait for the words; to ask for words that are put off is to ask for work on them now.

        Raises
        ------
        TimeoutError
            When they are not there within ``timeout`` seconds.
        """
        if not self._done.is_set() and self.deferred:
            self._ask()
        if not self._done.wait(timeout):
            raise TimeoutError("the words are not there yet")
        return self._words

    def finish(self, words: tuple[Word, ...], now: float) -> None:
        """Set the words; called by the recogniser only."""
        self._words = tuple(word for word in words if word.span.start >= self.start)
        self.audio = None
        self.deferred = False
        self.finished_s = now
        self._done.set()

    @property
    def seconds(self) -> float:
        """Length of the window."""
        return self.record.length / SAMPLE_RATE
