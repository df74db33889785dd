"""What the rules read in recognised words: sentences, questions, and times that were promised."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from callcoach.core.phrases import Phrases, contains, has_final_mark, joined, normal, starts_with
from callcoach.events import Word

_MOST_LEAD_INS: Final = 4
_LONGEST_LEAD_IN: Final = 3
"""Words of the longest lead-in of the list."""
_AMOUNT_REACH: Final = 4
"""Words before a unit in which its amount is looked for ("about half a minute")."""
_REPORT_REACH: Final = 4
"""Reported speech: its verb stands at most this many words before (section 4)."""
_ACTOR_REACH: Final = 5
"""Words before a verb in which the one who acts is looked for; [D]."""
_FIRST_PERSON: Final = frozenset(
    {"i", "i'll", "i'm", "i've", "i'd", "me", "we", "we'll", "we're", "we've", "us"}
)
_SECOND_PERSON: Final = frozenset({"you", "you'll", "you're", "you've", "you'd"})
_JOINTS: Final = frozenset({"of", "more", "a", "an", "another"})
"""May stand between an amount and its unit."""


@dataclass(frozen=True, slots=True)
class CueLists:
    """Word lists of the cue rules, in normal form."""

    cannot_hear: frozenset[str]
    reported_by: frozenset[str]
    open_questions: frozenset[str]
    open_requests: frozenset[str]
    question_lead_ins: frozenset[str]
    checking: frozenset[str]
    approximately: frozenset[str]
    vague_amounts: frozenset[str]
    amounts: Mapping[str, float]
    """Words for numbers."""
    units: Mapping[str, float]
    """Words for units of time, in seconds."""


@cache
def cue_lists(language: str = "en") -> CueLists:
    """Load the lists of a language.

    Raises
    ------
    FileNotFoundError
        If no list of this language ships.
    """
    path = resources.files("callcoach").joinpath(f"_data/phrases.{language}.toml")
    raw = tomllib.loads(path.read_text(encoding="utf-8"))["cues"]
    amounts, units = raw.pop("amounts"), raw.pop("units")
    return CueLists(amounts=amounts, units=units, **{name: frozenset(listed) for name, listed in raw.items()})


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words up to a final mark, positions in samples."""

    start: int
    end: int
    text: str
    """Normal form."""
    asks: bool
    """Whether it ends in a question mark."""
    ended: bool
    """Whether it ends in a final mark at all."""

    def is_open_question(self, lists: CueLists) -> bool:
        """Tell whether it is a question that cannot be answered with yes or no (section 10.11)."""
        if not self.ended:
            return False
        text = without_lead_ins(self.text, lists.question_lead_ins)
        if starts_with(text, lists.open_requests):
            return True
        return self.asks and starts_with(text, lists.open_questions)


def sentences(words: Iterable[Word]) -> list[Sentence]:
    """Cut words at final marks; the last sentence may be unfinished."""
    found: list[Sentence] = []
    part: list[Word] = []
    for word in words:
        part.append(word)
        if has_final_mark(word.text):
            found.append(_sentence(part))
            part = []
    if part:
        found.append(_sentence(part))
    return found


def _sentence(words: list[Word]) -> Sentence:
    last = words[-1]
    return Sentence(
        words[0].span.start,
        last.span.end,
        normal(joined(words)),
        last.text.rstrip("\"')]").endswith("?"),
        has_final_mark(last.text),
    )


def without_lead_ins(text: str, lead_ins: frozenset[str]) -> str:
    """Drop words such as "okay, so" from the beginning of normal text."""
    tokens = text.split()
    for _ in range(_MOST_LEAD_INS):
        size = next(
            (
                n
                for n in range(_LONGEST_LEAD_IN, 0, -1)
                if " ".join(tokens[:n]) in lead_ins and len(tokens) > n
            ),
            0,
        )
        if not size:
            break
        tokens = tokens[size:]
    return " ".join(tokens)


def promised_s(text: str, lists: CueLists) -> float | None:
    """Return the last time that normal ``text`` gives, seconds; 0 for one without a number, None without any.

    "about twenty seconds" is 20, "a few minutes" 0; "one moment" and "just a second" promise nothing.
    """
    tokens = text.split()
    found: float | None = None
    for i, token in enumerate(tokens):
        unit = lists.units.get(token)
        if unit is None:
            continue
        amount = _amount(tokens[max(0, i - _AMOUNT_REACH) : i], lists)
        if amount == 1 and not token.endswith("s"):
            # "one second" is never a time, "a minute" only where something makes it one ("about a minute")
            about = contains(" ".join(tokens[max(0, i - _AMOUNT_REACH) : i]), lists.approximately)
            amount = amount if about and unit > 1 else None
        if tokens[i + 1 : i + 2] == ["or"] and i + 2 < len(tokens):
            amount = _number(tokens[i + 2], lists) or amount  # "a minute or two"
        if amount is not None:
            found = amount * unit
    return found


def _amount(before: Sequence[str], lists: CueLists) -> float | None:
    """Return the amount that stands before a unit; 0 when it is vague, None when there is none."""
    at = len(before) - 1
    while at > 0 and before[at] in _JOINTS and _number(before[at - 1], lists) is not None:
        at -= 1
    if at < 0:
        return None
    if before[at] in lists.vague_amounts:
        return 0.0
    value = _number(before[at], lists)
    if value is None:
        return None
    tens = _number(before[at - 1], lists) if at else None
    if tens is not None and tens >= 20 and tens % 10 == 0 and 0 < value < 10:
        return tens + value
    return value


def _number(token: str, lists: CueLists) -> float | None:
    return float(token) if token.isdecimal() and len(token) < 5 else lists.amounts.get(token)


def instructs(text: str, phrases: Phrases) -> bool:
    """Tell whether normal ``text`` tells the other party to do something: "click it", not "I'll click it"."""
    tokens = text.split()
    for at in range(len(tokens)):
        if any(tokens[at : at + len(p)] == p for p in _split(phrases.instructions)):
            before = tokens[max(0, at - _ACTOR_REACH) : at]
            actor = next((t for t in reversed(before) if t in _FIRST_PERSON or t in _SECOND_PERSON), "you")
            if actor in _SECOND_PERSON:
                return True
    return False


@cache
def _split(listed: tuple[str, ...]) -> tuple[list[str], ...]:
    return tuple(phrase.split() for phrase in listed)


def said_here(text: str, wanted: Iterable[str], lists: CueLists) -> str | None:
    """Return the longest phrase of ``wanted`` in normal ``text`` that is not reported speech, or None."""
    for phrase in sorted(wanted, key=lambda p: (-len(p), p)):
        if not contains(text, (phrase,)):
            continue
        before = f" {text} ".split(f" {phrase} ", 1)[0].split()[-_REPORT_REACH:]
        if not contains(" ".join(before), lists.reported_by):
            return phrase
    return None
