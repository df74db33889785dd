"""Runs of digits in words that are still coming in, with what people say between the groups of a number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from callcoach.lexicon.numbers import Part, PartKind, digits_of
from callcoach.lexicon.redaction_words import MORE, NO, Kind, Tail, Token
from callcoach.lexicon.word_sets import phrase_set, word_set

MOST_GLUE: Final = 6
"""Words without digits in a row inside a run; more end it. [D]"""
MOST_LETTERS: Final = 3
"""Letters in a row inside a run ("four two A seven"); more end it. [D]"""
MOST_RUN: Final = 120
"""Words of one run; a longer one is cut here. [D]"""
_STYLE_SINGLES: Final = 2
"""Single digits in a row after which a number counts as read out digit by digit. [D]"""
_STYLE_WRITTEN: Final = 3
"""... or digits of one written group."""

_GLUE: Final = word_set("""
    um uh uhm umm er erm err ah hm hmm mm mhm huh dash hyphen minus slash space comma point dot plus hash
    pound star colon sorry no nope wait weight correction actually rather oops again then next okay ok yes
    yeah yep yup right well so see it's
""")
"""Said between the groups of one number: pauses, marks, corrections, assent."""
_GLUE_PAIRS: Final = phrase_set("""
    i mean, you know, let me, let's see, me see, hang on, hold on, followed by, after that, and then, not
    that, strike that, scratch that, got that, got it, ready for, did you, you get, make that, that is,
    it is, a second, a moment, a minute, one sec, one second, one moment, just a, and um, and uh, and
    finally, and lastly, and next, the rest, rest is, next is, then it's, and it's, then a, and a, that's
    right, that's correct, that's it
""")
"""Small talk of two words; both are stepped over."""
_FIRST_OF_PAIR: Final = frozenset(pair[0] for pair in _GLUE_PAIRS)
_HOMOPHONES: Final = {"to": "2", "too": "2", "for": "4", "ate": "8", "won": "1"}
"""Digits only between single digits of a number that is read out digit by digit."""
_THING: Final = word_set("""
    that this which the another other each every any no new old last next first right wrong good bad only
    same big small your my our their his her some what whichever
""")
"""Before "one" these make it stand for a thing, unless digits follow at once."""
_RARELY_DIGITS: Final = word_set("oh o double triple treble quadruple hundred thousand million billion")
"""Alone these are mostly no number."""
_MARK: Final = re.compile(r"[.,!?…]$")


@dataclass(frozen=True, slots=True)
class Run:
    """A run of digits: index of its last word, or `MORE` or `NO`; its digits when it is complete."""

    last: int
    digits: str = ""


_NO_RUN: Final = Run(NO)
_OPEN_RUN: Final = Run(MORE)


def scan_number(
    tail: Tail, at: int, least: int, hold: int, plain_hold: int, before: Token | None = None
) -> Run:
    """Look for a run of digits that begins at word ``at``.

    Parameters
    ----------
    tail
        Words not yet decided.
    at
        Index into them.
    least
        Digits that make a run, 1 or more.
    hold, plain_hold
        Longest pause inside a run, in samples; the second after a first word that is mostly no digit ("oh",
        "that one").
    before
        The word before ``at``.

    Returns
    -------
    Run
        ``last`` is `NO` without a run of at least ``least`` digits, `MORE` while words to come may add to it.
    """
    first = tail.tokens[at]
    if not first.parts:
        return _NO_RUN
    if first.alone:
        digits = digits_of(first.parts)
        return Run(at, digits) if len(digits) >= least else _NO_RUN
    if first.text in ("oh", "o") and _MARK.search(first.raw):
        return _NO_RUN  # "Oh, I see"
    reader = _Reader(tail, at, before, hold, least)
    while reader.last - at < MOST_RUN:
        follows = tail.follows(reader.at, plain_hold if reader.is_weak() else hold)
        went_on = reader.step() if follows else follows
        if went_on is None:
            return _OPEN_RUN
        if not went_on:
            break
    digits = digits_of(reader.parts)
    return Run(reader.last, digits) if len(digits) >= least else _NO_RUN


class _Reader:
    """Steps through one run of digits."""

    def __init__(self, tail: Tail, at: int, before: Token | None, hold: int, least: int) -> None:
        self._tail = tail
        self._before = before
        self._hold = hold
        self._least = least
        self._singles = 0
        self._written = 0
        self._glue = 0
        self._letters = 0
        self._only_and = False
        self._homophone: Part | None = None
        self.parts: list[Part] = []
        self.at = self.last = at
        self._take(tail.tokens[at])

    def is_weak(self) -> bool:
        """Tell whether nothing but a word that is mostly no digit has been heard."""
        if len(self.parts) != 1 or self.at != self.last:
            return False
        text = self._tail.tokens[self.last].text
        if text == "one" and self._tail.tokens[self.last].raw.endswith("?"):
            return True  # "the large one?"
        if text == "one":
            return self._before is not None and self._before.text in _THING
        return text in _RARELY_DIGITS

    def step(self) -> bool | None:
        """Take what follows; False when the run ends before it, None when words to come decide."""
        token = self._tail.tokens[self.at + 1]
        if token.alone:
            return False
        if token.text in _FIRST_OF_PAIR:
            is_pair = self._is_pair()
            if is_pair is None or is_pair:
                return self._pass(2) if is_pair else None
        if token.parts:
            return self._digits(token)
        if self._homophone is not None:
            return False
        if token.text in _HOMOPHONES and self._singles >= _STYLE_SINGLES and not self._glue + self._letters:
            self._homophone = Part(PartKind.DIGIT, _HOMOPHONES[token.text])
            self.at += 1
            return True
        if token.text == "and":
            self._only_and = self._glue == 0
            return self._pass(1)
        if token.kind in (Kind.LETTER, Kind.NATO) and token.text not in ("a", "i"):
            self._letters += 1
            self.at += 1
            return self._letters <= MOST_LETTERS
        if token.text in _GLUE or not token.text:
            self._only_and = False
            return self._pass(1)
        return self._misheard()

    def _misheard(self) -> bool | None:
        """Step over one word that does not belong, between digits of a number that is masked anyway.

        Recognisers write fillers and corrections inside a number as some other word.
        """
        if self._glue or self._letters or len(digits_of(self.parts)) < max(4, self._least):
            return False
        follows = self._tail.follows(self.at + 1, self._hold)
        if not follows:
            return follows
        after = self._tail.tokens[self.at + 2]
        return self._pass(1) if after.parts and not after.alone else False

    def _is_pair(self) -> bool | None:
        """Tell whether the next two words are small talk of two words; None: not known yet."""
        follows = self._tail.follows(self.at + 1, self._hold)
        if follows:
            two = (self._tail.tokens[self.at + 1].text, self._tail.tokens[self.at + 2].text)
            return two in _GLUE_PAIRS
        return follows

    def _pass(self, words: int) -> bool:
        if words > 1:
            self._only_and = False
        self._glue += words
        self.at += words
        return self._glue <= MOST_GLUE and self._homophone is None

    def _digits(self, token: Token) -> bool:
        if self._homophone is not None:
            if token.parts[0].kind is not PartKind.DIGIT:
                return False
            self.parts.append(self._homophone)
            self._singles += 1
            self._homophone = None
        in_cardinal = self.parts[-1].kind in (PartKind.HUNDRED, PartKind.SCALE)
        by_digits = self._singles >= _STYLE_SINGLES or self._written >= _STYLE_WRITTEN
        if self._only_and and not in_cardinal and not by_digits:
            return False  # "twenty and thirty" are two numbers
        self.at += 1
        self.last = self.at
        self._take(token)
        return True

    def _take(self, token: Token) -> None:
        self._glue = self._letters = 0
        self._only_and = False
        for part in token.parts:
            self.parts.append(part)
            single = part.kind in (PartKind.DIGIT, PartKind.TIMES) or (
                part.kind is PartKind.WRITTEN and len(part.text) == 1
            )
            self._singles = self._singles + 1 if single else 0
            self._written = len(part.text) if part.kind is PartKind.WRITTEN else 0
