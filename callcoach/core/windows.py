"""Text mask: pieces of speech for the recogniser, and windows of up to 15 s for recordings (section 1.2).

A piece ends where its party falls silent; its words are due a fixed time later, in a live call and in a
recording alike. A short fragment alone loses its words, so neighbouring pieces of one channel share a window
where there is time for it: in a recording. Both are cut by the sample clock alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from callcoach.clock import FRAME_LENGTH, SAMPLE_RATE, Samples, Span, to_samples
from callcoach.config import TextSettings
from callcoach.core.utterances import Party
from callcoach.events import Channel
from callcoach.ports import Audio, SpeechWindow

_LEAST_PEAK_PROBABILITY: Final = 0.3
"""A piece that the detector never found more speech-like than this holds no words; [D]."""
_SPARE_S: Final = 2.0
"""Audio kept beyond the longest piece."""


class PieceCutter:
    """Cut the speech of one channel into pieces, each a window of its own.

    Pieces follow the runs of speech of ``party``; audio is kept only as long as a piece may need it.
    """

    def __init__(self, settings: TextSettings, channel: Channel | None, party: Party) -> None:
        self._set = settings
        self._channel = channel
        self._party = party
        self._pad = to_samples(settings.pad_s)
        self._window = to_samples(settings.window_s)
        self._least_silence = to_samples(settings.least_silence_s)
        self._keep = self._window + to_samples(_SPARE_S + settings.least_silence_s)
        self._frames: list[Audio] = []
        self._probabilities: list[float] = []
        self._first_frame = 0
        self._done = 0
        self._last_end = 0
        """End of the last piece: no sound is heard twice."""

    @property
    def pending_from(self) -> int | None:
        """Start of the first speech that no piece holds yet; None when there is none."""
        waiting = self._party.first_after(self._done - 1)
        return waiting.start if waiting is not None else None

    def open_span(self, now: int) -> Span | None:
        """Return where the next piece lies, as far as it is heard at ``now``; None: there is none.

        Its end is ``pad_s`` behind the last speech, so that it is the next piece itself when the party is
        silent from here on.
        """
        runs = self._party.between(self._done, now + 1) if self._party.ipus else []
        if not runs:
            return None
        start, end = max(runs[0].start, self._done), min(runs[-1].end, now)
        first = max(start - self._pad, self._last_end, self._first_frame)
        last = min(end + self._pad, now, first + self._window)
        if last <= first or not self._holds_words(start, end):
            return None
        return Span(Samples(first), Samples(last))

    def open_piece(self, now: int) -> SpeechWindow | None:
        """Return `open_span` with its audio."""
        span = self.open_span(now)
        return None if span is None else self._piece(span.start, span.end)

    def step(self, frame: Audio, probability: float, now: int) -> list[SpeechWindow]:
        """Take one frame that ends at ``now``; return the pieces that it ends."""
        self._frames.append(frame)
        self._probabilities.append(probability)
        pieces = self._collect(now, final=False)
        self._forget(now)
        return pieces

    def finish(self, now: int) -> list[SpeechWindow]:
        """Cut what is left."""
        return self._collect(now, final=True)

    def _collect(self, now: int, *, final: bool) -> list[SpeechWindow]:
        """Turn speech that has ended, or has grown too long, into pieces."""
        pieces: list[SpeechWindow] = []
        while True:
            piece = self._next_piece(now, final=final)
            if piece is None:
                return pieces
            start, end = piece
            self._done = end
            if not self._holds_words(start, end):
                continue
            # the pad may not reach into the piece before
            first = max(start - self._pad, self._last_end, self._first_frame)
            last = min(end + self._pad, now, first + self._window)
            pieces.append(self._piece(first, last))
            self._last_end = last

    def _piece(self, first: int, last: int) -> SpeechWindow:
        return SpeechWindow(
            self._channel, self._audio(first, last), (Span(Samples(first), Samples(last)),), (0,)
        )

    def _next_piece(self, now: int, *, final: bool) -> tuple[int, int] | None:
        runs = self._party.between(self._done, now + 1) if self._party.ipus else []
        if not runs:
            return None
        start = max(runs[0].start, self._done)
        longest = self._window - 2 * self._pad
        end = runs[0].end
        for run in runs[1:]:
            if run.start - end >= self._least_silence:
                return start, end
            if run.end - start > longest:
                return (start, end) if end - start <= longest else (start, self._quietest(start, longest))
            end = run.end
        if end - start > longest:
            return start, self._quietest(start, longest)
        still = (
            self._party.speaking
            or not self._party.ipus[-1].closed
            or now - end < max(self._least_silence, self._pad)
        )
        return None if still and not final else (start, end)

    def _quietest(self, start: int, longest: int) -> int:
        """Position of the quietest frame in the last 3 s of an overlong run."""
        last = start + longest
        at = range(max(start, last - 3 * SAMPLE_RATE) // FRAME_LENGTH, last // FRAME_LENGTH)
        first = self._first_frame // FRAME_LENGTH
        energy = [float(np.sum(self._frames[i - first] ** 2)) for i in at]
        return (at.start + int(np.argmin(energy))) * FRAME_LENGTH

    def _holds_words(self, start: int, end: int) -> bool:
        if end - start < to_samples(self._set.least_speech_s):
            return False
        first = self._first_frame // FRAME_LENGTH
        a, b = max(start // FRAME_LENGTH - first, 0), -(-end // FRAME_LENGTH) - first
        return max(self._probabilities[a:b], default=0.0) >= _LEAST_PEAK_PROBABILITY

    def _audio(self, start: int, end: int) -> Audio:
        first = start // FRAME_LENGTH - self._first_frame // FRAME_LENGTH
        last = -(-end // FRAME_LENGTH) - self._first_frame // FRAME_LENGTH
        joined = np.concatenate(self._frames[first:last])
        offset = start - (self._first_frame + first * FRAME_LENGTH)
        return joined[offset : offset + end - start].copy()

    def _forget(self, now: int) -> None:
        surplus = len(self._frames) - 2 * self._keep // FRAME_LENGTH
        if surplus > self._keep // FRAME_LENGTH // 2:
            del self._frames[:surplus], self._probabilities[:surplus]
            self._first_frame += surplus * FRAME_LENGTH


class WindowPacker:
    """Join the pieces of one channel into windows, for a recording.

    A window is cut when it is full, when the party has been silent for a while, or when its first piece has
    waited long enough for neighbours.
    """

    def __init__(self, settings: TextSettings, channel: Channel | None, party: Party) -> None:
        self._set = settings
        self._channel = channel
        self._cutter = PieceCutter(settings, channel, party)
        self._joint = to_samples(settings.joint_s)
        self._window = to_samples(settings.window_s)
        self._pieces: list[SpeechWindow] = []

    @property
    def pending_from(self) -> int | None:
        """Start of the first speech that no window holds yet; None when there is none."""
        return self._pieces[0].pieces[0].start if self._pieces else self._cutter.pending_from

    def step(self, frame: Audio, probability: float, now: int) -> list[SpeechWindow]:
        """Take one frame that ends at ``now``; return the windows that are cut by it."""
        return self._add(self._cutter.step(frame, probability, now)) + self._settle(now)

    def finish(self, now: int) -> list[SpeechWindow]:
        """Cut what is left."""
        windows = self._add(self._cutter.finish(now))
        return [*windows, self._cut()] if self._pieces else windows

    def _add(self, pieces: list[SpeechWindow]) -> list[SpeechWindow]:
        windows: list[SpeechWindow] = []
        for piece in pieces:
            if self._pieces and self._length() + self._joint + len(piece.audio) > self._window:
                windows.append(self._cut())
            self._pieces.append(piece)
        return windows

    def _settle(self, now: int) -> list[SpeechWindow]:
        if not self._pieces or self._cutter.pending_from is not None:
            return []  # somebody speaks, or has just spoken and will be a piece soon
        silent = now - self._pieces[-1].pieces[0].end
        speech = sum(len(piece.audio) for piece in self._pieces)
        settled = silent >= to_samples(self._set.settle_s) and speech >= to_samples(self._set.settle_speech_s)
        tired = now - self._pieces[0].pieces[0].start >= to_samples(self._set.patience_s)
        return [self._cut()] if settled or tired else []

    def _cut(self) -> SpeechWindow:
        window = join_pieces(self._pieces, self._joint)
        self._pieces = []
        return window

    def _length(self) -> int:
        return sum(len(piece.audio) for piece in self._pieces) + self._joint * (len(self._pieces) - 1)


def join_pieces(windows: Sequence[SpeechWindow], joint: int) -> SpeechWindow:
    """Return one window of neighbouring windows of a channel, with ``joint`` samples of silence between."""
    parts: list[Audio] = []
    offsets: list[int] = []
    at = 0
    for window in windows:
        if parts:
            parts.append(np.zeros(joint, np.float32))
            at += joint
        offsets += [at + offset for offset in window.offsets]
        parts.append(window.audio)
        at += len(window.audio)
    spans = tuple(span for window in windows for span in window.pieces)
    return SpeechWindow(windows[0].channel, np.concatenate(parts), spans, tuple(offsets))
