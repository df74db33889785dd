"""When the recogniser is asked for words of speech that goes on; on the sample clock alone, and pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from callcoach.clock import FRAME_LENGTH, Samples, Span, to_samples
from callcoach.events import Channel
from callcoach.ports import SpeechWindow

_STILL: Final = 3 * FRAME_LENGTH // 2
"""Samples by which the end of a piece stays behind the clock once its party is silent."""


@dataclass(frozen=True, slots=True)
class SchedulePlan:
    """How often words of open speech are asked for; seconds.

    All values are [D], tuned on the development calls (docs/benchmarks.md).
    """

    every_s: float = 0.8
    """New speech between two interim windows of a channel."""
    first_s: float = 0.6
    """Speech before the first interim window of a piece."""
    silent_s: float = 0.25
    """Silence after which the final window is recognised ahead of time, in case the silence goes on."""
    window_s: float = 15.0
    """Longest interim window; with more, its beginning is left out, whatever was recognised there."""


class OpenSpeech(Protocol):
    """What the schedule asks of `callcoach.core.windows.PieceCutter`."""

    def open_span(self, now: int) -> Span | None:
        """Return where the next piece lies, as far as it is heard at ``now``; cheap."""
        ...

    def open_piece(self, now: int) -> SpeechWindow | None:
        """Return it with its audio."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """A window that the recogniser should look at now."""

    window: SpeechWindow
    start: Samples
    """Start of the piece that it belongs to; the window may begin later."""
    ahead: bool
    """True when it is the final window, in case its party stays silent."""


@dataclass(slots=True)
class _Side:
    start: int = -1
    """Of the piece that is open."""
    asked: int = -1
    """Position up to which the last interim window reached."""
    ahead: int = -1
    """End of the final window that was asked for ahead of time."""


class InterimSchedule:
    """Says when to look at the open speech of each channel."""

    def __init__(self, plan: SchedulePlan | None = None) -> None:
        self.plan = plan or SchedulePlan()
        self._every = to_samples(self.plan.every_s)
        self._first = to_samples(self.plan.first_s)
        self._silent = to_samples(self.plan.silent_s)
        self._window = to_samples(self.plan.window_s)
        self._sides: dict[Channel | None, _Side] = {}

    def step(
        self,
        now: int,
        channel: Channel | None,
        speech: OpenSpeech,
        *,
        pad: int,
        begin: int | None = None,
        interim: bool = True,
        ahead: bool = True,
    ) -> Wish | None:
        """Look at one channel at ``now``; return the window that is due, or None.

        Parameters
        ----------
        pad : int
            Samples of sound that a piece keeps behind its last speech.
        begin : int or None
            Where an interim window should begin, because the words before are settled; None for the piece's.
        interim : bool
            Whether interim windows are wanted now; False while final windows wait.
        ahead : bool
            Whether final windows are wanted ahead of time.
        """
        side = self._sides.setdefault(channel, _Side())
        span = speech.open_span(now)
        if span is None:
            side.start = -1
            return None
        if span.start != side.start:
            side.start, side.asked, side.ahead = span.start, -1, -1
        silent = now - (span.end - pad)
        if silent > pad + _STILL:  # the end stands still: its party has fallen silent
            if not ahead or silent < self._silent or side.ahead == span.end:
                return None
            side.ahead = side.asked = span.end
            window = speech.open_piece(now)
            return None if window is None else Wish(window, span.start, ahead=True)
        new = span.end - (span.start + pad + self._first - self._every if side.asked < 0 else side.asked)
        if not interim or new < self._every:
            return None
        side.asked = span.end
        window = speech.open_piece(now)
        if window is None:
            return None
        earliest = max(span.start if begin is None else begin, span.end - self._window)
        return Wish(shorten(window, earliest), span.start, ahead=False)


def shorten(window: SpeechWindow, begin: int) -> SpeechWindow:
    """Leave out what lies before ``begin`` in a window of one piece."""
    (piece,) = window.pieces
    if begin <= piece.start:
        return window
    begin = min(begin, piece.end)
    span = Span(Samples(begin), piece.end)
    return SpeechWindow(window.channel, window.audio[begin - piece.start :], (span,), (0,))
