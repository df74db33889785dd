"""Places recognised words on the call's clock. Pure functions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from callcoach.clock import Samples, Span, to_samples
from callcoach.events import Word
from callcoach.ports import SpeechWindow

MIN_WORD_LENGTH: Final = Samples(320)
"""20 ms; the step of the recogniser's alignment. A shorter word gets this length when its piece has room."""


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word on the clock of its window: text, begin and end in seconds, probability in [0, 1]."""

    text: str
    begin: float
    end: float
    probability: float


def place_words(heard: Sequence[HeardWord], window: SpeechWindow) -> tuple[Word, ...]:
    """Map words from the joined audio of a window to the call's clock.

    A word belongs to the piece its middle lies in, or the nearest one when the middle falls in a
    pause between pieces, and it is cut to that piece. Words stay in order: each begins where the
    one before ends or later, and each is longer than nothing.

    Parameters
    ----------
    heard : sequence of HeardWord
        In order of time; seconds since the begin of ``window.audio``.
    window : SpeechWindow
        Gives the pieces and their offsets.

    Returns
    -------
    tuple of Word
        Words without text are left out, and so is what finds no room in its piece.

    Raises
    ------
    ValueError
        When the window has no pieces or not one offset per piece.
    """
    if not window.pieces or len(window.pieces) != len(window.offsets):
        raise ValueError("a window needs pieces and one offset for each")
    by_piece: list[list[HeardWord]] = [[] for _ in window.pieces]
    index = 0
    for word in heard:
        if word.text.strip():
            index = max(index, _piece_at((word.begin + word.end) / 2, window))
            by_piece[index].append(word)
    placed: list[Word] = []
    for piece, offset, words in zip(window.pieces, window.offsets, by_piece, strict=True):
        placed.extend(_place_in(piece, offset, words))
    return tuple(placed)


def _piece_at(seconds: float, window: SpeechWindow) -> int:
    """Return the index of the piece that holds a time, or lies nearest to it."""
    at = to_samples(seconds)
    index = max(0, bisect_right(window.offsets, at) - 1)
    if index + 1 < len(window.offsets):
        past_end = at - (window.offsets[index] + window.pieces[index].length)
        if past_end > window.offsets[index + 1] - at:
            return index + 1
    return index


def _place_in(piece: Span, offset: int, words: Sequence[HeardWord]) -> list[Word]:
    """Cut words to their piece and push them apart so that each has a length."""
    if not words:
        return []
    room = min(MIN_WORD_LENGTH, piece.length // len(words))
    if room == 0:
        return []
    spans: list[list[int]] = []
    earliest: int = piece.start
    for word in words:
        begin = max(earliest, min(piece.end, piece.start + to_samples(word.begin) - offset))
        end = max(begin + room, min(piece.end, piece.start + to_samples(word.end) - offset))
        spans.append([begin, end])
        earliest = end
    latest: int = piece.end
    for span in reversed(spans):
        span[1] = min(span[1], latest)
        span[0] = min(span[0], span[1] - room)
        latest = span[0]
    return [
        Word(word.text.strip(), Span(Samples(begin), Samples(end)), min(1.0, max(0.0, word.probability)))
        for word, (begin, end) in zip(words, spans, strict=True)
    ]
