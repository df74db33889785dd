"""Text mask: pieces of speech for the recogniser, packed into windows of up to 15 s (section 1.2).

A window of one short fragment loses its words, so neighbouring pieces of one channel share a window. It
is cut by the sample clock alone: when it is full, when the party has been silent for a while, or when the
first piece has waited long enough.
"""

from __future__ import annotations

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


class WindowPacker:
    """Cut windows of one channel.

    ``pieces`` follow the runs of speech of ``party``; audio is kept only as long as a piece may need it.
    """

    def __init__(self, settings: TextSettings, channel: Channel | None, party: Party) -> None:
        self._set = settings
        self._channel = channel
        self._party = party
        self._pad = to_samples(settings.pad_s)
        self._joint = to_samples(settings.joint_s)
        self._window = to_samples(settings.window_s)
        self._least_silence = to_samples(settings.least_silence_s)
        self._keep = self._window + to_samples(_SPARE_S + settings.least_silence_s)
        self._frames: list[Audio] = []
        self._probabilities: list[float] = []
        self._first_frame = 0
        self._done = 0
        self._last_end = 0
        """End of the last piece: no sound is heard twice, also across windows."""
        self._pieces: list[tuple[Span, Audio]] = []

    @property
    def pending_from(self) -> int | None:
        """Start of the first speech that no window holds yet; None when there is none."""
        if self._pieces:
            return self._pieces[0][0].start
        waiting = self._party.first_after(self._done - 1)
        return waiting.start if waiting is not None else None

    def step(self, frame: Audio, probability: float, now: int) -> list[SpeechWindow]:
        """Take one frame that ends at ``now``; return the windows that are cut by it."""
        self._frames.append(frame)
        self._probabilities.append(probability)
        windows = self._collect(now, final=False)
        windows += self._settle(now)
        self._forget(now)
        return windows

    def finish(self, now: int) -> list[SpeechWindow]:
        """Cut what is left."""
        windows = self._collect(now, final=True)
        if self._pieces:
            windows.append(self._cut())
        return windows

    def _collect(self, now: int, *, final: bool) -> list[SpeechWindow]:
        """Turn speech that has ended, or has grown too long, into pieces."""
        windows: list[SpeechWindow] = []
        while True:
            piece = self._next_piece(now, final=final)
            if piece is None:
                return windows
            start, end = piece
            self._done = end
            if not self._holds_words(start, end):
                continue
            # the pad may not reach into the piece before
            first = max(start - self._pad, self._last_end, self._first_frame)
            last = min(end + self._pad, now)
            if last - first > self._window:
                last = first + self._window
            audio = self._audio(first, last)
            if self._pieces and self._length() + self._joint + len(audio) > self._window:
                windows.append(self._cut())
            self._pieces.append((Span(Samples(first), Samples(last)), audio))
            self._last_end = last

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

    def _settle(self, now: int) -> list[SpeechWindow]:
        if not self._pieces or self._party.first_after(self._done - 1) is not None:
            return []  # somebody speaks, or has just spoken and will be a piece soon
        silent = now - self._pieces[-1][0].end
        speech = sum(len(audio) for _, audio in self._pieces)
        settled = silent >= to_samples(self._set.settle_s) and speech >= to_samples(self._set.settle_speech_s)
        tired = now - self._pieces[0][0].start >= to_samples(self._set.patience_s)
        return [self._cut()] if settled or tired else []

    def _cut(self) -> SpeechWindow:
        parts: list[Audio] = []
        offsets: list[int] = []
        at = 0
        for _, audio in self._pieces:
            if parts:
                parts.append(np.zeros(self._joint, np.float32))
                at += self._joint
            offsets.append(at)
            parts.append(audio)
            at += len(audio)
        window = SpeechWindow(
            self._channel, np.concatenate(parts), tuple(span for span, _ in self._pieces), tuple(offsets)
        )
        self._pieces = []
        return window

    def _length(self) -> int:
        return sum(len(audio) for _, audio in self._pieces) + self._joint * (len(self._pieces) - 1)

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
