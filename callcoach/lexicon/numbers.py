"""Digits in what was said: spoken ("four two double seven oh nine"), written ("4-1-1-1") and mixed.

`number_parts` reads one word, `digits_of` turns the parts of a run into the digits that it has on paper: "one
hundred and five" has three. English. Runs in a stream of words are found by `callcoach.lexicon.number_runs`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from callcoach.lexicon.word_sets import words_of


class PartKind(Enum):
    """What a word is among the words of a number."""

    DIGIT = "digit"
    TEEN = "teen"
    TENS = "tens"
    HUNDRED = "hundred"
    SCALE = "scale"
    TIMES = "times"
    WRITTEN = "written"


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a number; ``text`` holds digits, for SCALE the zeros, for TIMES the factor."""

    kind: PartKind
    text: str


_UNITS: Final = {
    **dict.fromkeys(("zero", "oh", "o", "nought", "naught", "aught"), "0"),
    **{w: str(i) for i, w in enumerate(words_of("one two three four five six seven eight nine"), 1)},
    "niner": "9",
    "fife": "5",
    "fower": "4",
}
_TEENS: Final = {
    w: str(i)
    for i, w in enumerate(
        words_of("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"), 10
    )
}
_TENS: Final = {
    **{
        w: f"{i}0" for i, w in enumerate(words_of("twenty thirty forty fifty sixty seventy eighty ninety"), 2)
    },
    "fourty": "40",
}
_OTHERS: Final = {
    "hundred": Part(PartKind.HUNDRED, "00"),
    "thousand": Part(PartKind.SCALE, "000"),
    "million": Part(PartKind.SCALE, "000000"),
    "billion": Part(PartKind.SCALE, "000000000"),
    "double": Part(PartKind.TIMES, "2"),
    "triple": Part(PartKind.TIMES, "3"),
    "treble": Part(PartKind.TIMES, "3"),
    "quadruple": Part(PartKind.TIMES, "4"),
}
_WORDS: Final[dict[str, Part]] = {
    **{w: Part(PartKind.DIGIT, d) for w, d in _UNITS.items()},
    **{w: Part(PartKind.TEEN, d) for w, d in _TEENS.items()},
    **{w: Part(PartKind.TENS, d) for w, d in _TENS.items()},
    **_OTHERS,
}
_NUMBER_TOKEN: Final = re.compile(r"[+#(]*[a-z]?\d[\d.,:/()+#*x×’'–—-]*[a-z]?\)?")
"""Digits with marks, at most one letter at either end: joins its neighbours."""
_FILLERS: Final = frozenset(words_of("um uh er erm ah oh no ok okay oops"))
_SIGNED: Final = re.compile(r"^[$£€¥]|[$£€¥%°]$")
_DIGIT: Final = re.compile(r"\d")


def number_parts(text: str) -> tuple[Part, ...]:
    """Return what a word in lower case without outer punctuation tells of a number; empty when it is none.

    "forty-five" has two parts, "4-1-1-1" one. A word with a digit is always a part.
    """
    part = _WORDS.get(text)
    if part is not None:
        return (part,)
    digits = "".join(_DIGIT.findall(text))
    if digits:
        return (Part(PartKind.WRITTEN, digits),)
    if "-" in text:
        pieces = [_WORDS.get(p) for p in text.split("-") if p]
        found = tuple(p for p in pieces if p is not None)
        if pieces and len(found) == len(pieces):
            return found
    return ()


def stands_alone(text: str) -> bool:
    """Tell whether a written number does not join its neighbours: "64-bit", "2nd", "20%", "$50".

    A recogniser may draw a number that is read out into one word with what is said between: "490oops-0427".
    """
    if not any(map(str.isdigit, text)) or _NUMBER_TOKEN.fullmatch(text):
        return False
    pieces = [piece for piece in text.split("-") if piece]
    with_digits = sum(any(map(str.isdigit, piece)) for piece in pieces)
    fillers = not _FILLERS.isdisjoint(pieces)
    return bool(_SIGNED.search(text)) or (len(pieces) < 3 and with_digits < 2 and not fillers)


def digits_of(parts: Sequence[Part]) -> str:
    """Return the digits that a run of parts has on paper.

    "four two double seven" gives 4277, "twenty three forty five" 2345, "one hundred and five" 105,
    "two thousand" 2000.
    A hundred takes up what follows ("four hundred twelve" is 412), but a single digit only at the end of the
    run.
    """
    out: list[str] = []
    at = 0
    while at < len(parts):
        kind = parts[at].kind
        if kind is PartKind.TIMES:
            at += 1
            if at < len(parts) and parts[at].kind in (PartKind.DIGIT, PartKind.WRITTEN, PartKind.TEEN):
                out.append(parts[at].text * int(parts[at - 1].text))
                at += 1
        elif kind is PartKind.WRITTEN:
            text, at = parts[at].text, at + 1
            while at < len(parts) and parts[at].kind in (PartKind.HUNDRED, PartKind.SCALE):
                text, at = text + parts[at].text, at + 1
            out.append(text)
        else:
            text, at = _cardinal(parts, at)
            out.append(text)
    return "".join(out)


def _cardinal(parts: Sequence[Part], at: int) -> tuple[str, int]:
    """Read one spoken number such as 27, 412 or 2005; return it with the index behind it."""
    text, at = _below_thousand(parts, at)
    if at >= len(parts) or parts[at].kind is not PartKind.SCALE:
        return text, at
    if not text and at + 1 == len(parts):
        return "", at + 1  # "thanks a million" is no number
    value = int(text or "1")
    while at < len(parts) and parts[at].kind is PartKind.SCALE:
        value, at = value * 10 ** len(parts[at].text), at + 1
        if at < len(parts) and parts[at].kind in (PartKind.DIGIT, PartKind.TEEN, PartKind.TENS):
            if _is_lone_digit(parts, at):
                rest, at = _below_thousand(parts, at)
                value += int(rest)
            break
    return str(value), at


def _below_thousand(parts: Sequence[Part], at: int) -> tuple[str, int]:
    text, at = _below_hundred(parts, at)
    if at < len(parts) and parts[at].kind is PartKind.HUNDRED:
        value, at = int(text or "1") * 100, at + 1
        if at < len(parts) and _is_lone_digit(parts, at):
            rest, at = _below_hundred(parts, at)
            value += int(rest or "0")
        return str(value), at
    return text, at


def _is_lone_digit(parts: Sequence[Part], at: int) -> bool:
    """Tell whether the part can be the rest of a larger number: not the first of several digits read out."""
    kind = parts[at].kind
    if kind in (PartKind.TEEN, PartKind.TENS):
        return True
    if kind is not PartKind.DIGIT:
        return False
    after = parts[at + 1].kind if at + 1 < len(parts) else None
    return after in (None, PartKind.HUNDRED, PartKind.SCALE)


def _below_hundred(parts: Sequence[Part], at: int) -> tuple[str, int]:
    if at >= len(parts):
        return "", at
    part = parts[at]
    if part.kind in (PartKind.DIGIT, PartKind.TEEN):
        return part.text, at + 1
    if part.kind is PartKind.TENS:
        after = parts[at + 1] if at + 1 < len(parts) else None
        if after is not None and after.kind is PartKind.DIGIT and after.text != "0":
            return part.text[0] + after.text, at + 2
        return part.text, at + 1
    return "", at + (part.kind is not PartKind.HUNDRED and part.kind is not PartKind.SCALE)
