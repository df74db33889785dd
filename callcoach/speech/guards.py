"""Tests that tell speech from invented text: repetition, compression, silence. Pure functions."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

MAX_COMPRESSION_RATIO: Final = 2.4
"""Text bytes per compressed byte; above it the text is repetitive (Whisper's own threshold)."""
NO_SPEECH_PROBABILITY: Final = 0.6
"""Above it, together with a low log probability, a window is held to be silent (Whisper's own threshold)."""
MIN_LOG_PROBABILITY: Final = -1.0
"""Mean natural-log probability per token, below it a window that may be silent is silent (Whisper's own)."""
GUESS_LOG_PROBABILITY: Final = -1.3
"""Mean natural-log probability per token, below it the text is a guess whatever else is said.

Measured with base: windows of speech stay above -0.9 (a lone "okay" of 0.5 s once had -1.2); text invented
on hold music, dial tones, noise and typing lies between -1.4 and -2.7 in most cases.
"""
FIRST_WORD_PROBABILITY: Final = 0.1
"""In a window that may be silent, a first word below it was not heard.

Measured with base: at least 0.12 in 276 windows of speech, 0.00 to 0.03 for most texts invented on music
and noise.
"""
PHRASE_WORDS: Final = 3
"""Words; shorter phrases ("no, no, no, no") are repeated in real speech."""
MAX_REPEATS: Final = 3
"""Times in a row that one phrase of three or more words is believed."""


def compression_ratio(text: str) -> float:
    """Return UTF-8 bytes of ``text`` per byte of its zlib form; 0.5 to 1.6 for speech, 0.0 for nothing."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0


def plain(word: str) -> str:
    """Return the letters, digits and inner apostrophes of a word in lower case, for comparing."""
    return "".join(c for c in word.casefold() if c.isalnum() or c == "'").strip("'")


def find_repetition(
    words: Sequence[str], *, phrase_words: int = PHRASE_WORDS, max_repeats: int = MAX_REPEATS
) -> tuple[int, int] | None:
    """Find the first phrase that is said more often in a row than is believable.

    Parameters
    ----------
    words : sequence of str
        Words in order; case and punctuation do not count.
    phrase_words : int
        Shortest phrase that is looked at, in words.
    max_repeats : int
        Times in a row that are allowed.

    Returns
    -------
    tuple of (int, int) or None
        Indices ``(begin, end)`` of the surplus: all repeats after the allowed ones. None when
        nothing is repeated too often.
    """
    bare = [plain(word) for word in words]
    count = len(bare)
    for begin in range(count):
        longest = (count - begin) // (max_repeats + 1)
        for length in range(phrase_words, longest + 1):
            phrase = bare[begin : begin + length]
            end = begin + length
            repeats = 1
            while bare[end : end + length] == phrase:
                end += length
                repeats += 1
            if repeats > max_repeats:
                return begin + length * max_repeats, end
    return None


def is_invented(
    no_speech_probability: float, mean_log_probability: float, first_word_probability: float
) -> bool:
    """Tell whether the text of a window was made up on something that is not speech.

    Parameters
    ----------
    no_speech_probability : float
        In [0, 1].
    mean_log_probability : float
        Natural log, at most 0, mean over the tokens.
    first_word_probability : float
        In [0, 1]; what follows the first word is often likely even when that came out of nothing.
    """
    if mean_log_probability < GUESS_LOG_PROBABILITY:
        return True
    return no_speech_probability > NO_SPEECH_PROBABILITY and (
        mean_log_probability < MIN_LOG_PROBABILITY or first_word_probability < FIRST_WORD_PROBABILITY
    )
