"""How much of a reading is hidden: in the words, and in the sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from callcoach.clock import Span
from callcoach.events import Word


@dataclass(frozen=True, slots=True)
class Hidden:
    """One reading as recognised and masked."""

    readable: tuple[str, ...]
    """Recognised words that stay readable although they were said where something is to be hidden."""
    audible: int
    """True words that are not wholly inside the silence."""
    words: int
    """True words that are to be hidden."""

    @property
    def in_text(self) -> bool:
        """Whether no word that gives something away can be read."""
        return not self.readable

    @property
    def in_sound(self) -> bool:
        """Whether none can be heard."""
        return not self.audible


def hidden(true: Sequence[Word], masked: Sequence[Word], silence: Sequence[Span], *, numbers: bool) -> Hidden:
    """Compare what was said with what is left.

    Parameters
    ----------
    true
        Words that are to be hidden, with the times at which they were said.
    masked
        Recognised words behind the masking.
    silence
        Silenced stretches.
    numbers
        Whether only words with digits give something away; else every word does.
    """
    left = [
        word.text
        for word in masked
        if not word.text.startswith("[")
        and any(2 * word.span.overlap(t.span) > min(word.span.length, t.span.length) for t in true)
        and (not numbers or _tells_digits(word.text))
    ]
    heard = sum(not any(s.start <= t.span.start and t.span.end <= s.end for s in silence) for t in true)
    return Hidden(tuple(left), heard, len(true))


_NUMBER_WORDS = frozenset(
    (
        *(
            "zero",
            "oh",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
        ),
        *(
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ),
        *("thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand"),
    )
)


def _tells_digits(text: str) -> bool:
    plain = text.lower().strip(".,?!;:")
    return any(c.isdigit() for c in text) or any(p in _NUMBER_WORDS for p in plain.split("-"))
