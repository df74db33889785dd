"""Small word lists of the language measures, from the data file, and what is asked of text with them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from callcoach.core.phrases import contains

_LONGEST: Final = 7
_NUMBER_REACH: Final = 3
"""Words between a preposition or unit and its number ("by about half past four")."""


@dataclass(frozen=True, slots=True)
class LanguageLists:
    """Lists in normal form, by table and name of the data file."""

    tables: Mapping[str, Mapping[str, frozenset[str]]]

    def __getitem__(self, name: str) -> frozenset[str]:
        """Return ``table.name``."""
        table, _, key = name.partition(".")
        return self.tables[table][key]


@cache
def language_lists(language: str = "en") -> LanguageLists:
    """Load the lists of a language.

    Raises
    ------
    FileNotFoundError
        If no list of this language ships.
    """
    path = resources.files("callcoach").joinpath(f"_data/language.{language}.toml")
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    return LanguageLists(
        {
            table: {name: frozenset(listed) for name, listed in entries.items()}
            for table, entries in raw.items()
            if isinstance(entries, dict)
        }
    )


def count(text: str, wanted: frozenset[str]) -> int:
    """Count the phrases of a list in normal text; the longest at each place, none twice."""
    return len(places(text.split(), wanted))


def places(tokens: Sequence[str], wanted: frozenset[str]) -> list[tuple[int, int]]:
    """Return first and last index of every phrase of a list in normal tokens, longest first at each place."""
    found: list[tuple[int, int]] = []
    first = _first_words(wanted)
    at = 0
    while at < len(tokens):
        if tokens[at] not in first:
            at += 1
            continue
        for size in range(min(_LONGEST, len(tokens) - at), 0, -1):
            if " ".join(tokens[at : at + size]) in wanted:
                found.append((at, at + size - 1))
                at += size
                break
        else:
            at += 1
    return found


@cache
def _first_words(wanted: frozenset[str]) -> frozenset[str]:
    return frozenset(phrase.split()[0] for phrase in wanted)


def has_time(text: str, lists: LanguageLists) -> bool:
    """Tell whether normal text names a point or a length of time: "by four", "tomorrow", "in ten minutes"."""
    tokens = text.split()
    if contains(text, lists["times.phrases"]) or any(t in lists["times.words"] for t in tokens):
        return True
    numbers, units = lists["times.numbers"], lists["times.units"]
    before = lists["times.before_number"]

    def is_number(token: str, *, of_day: bool) -> bool:
        if token.isdecimal():
            return len(token) < 5
        return token in numbers and not (of_day and token in ("a", "an", "few", "couple"))

    for i, token in enumerate(tokens):
        near = tokens[max(0, i - _NUMBER_REACH) : i]
        if token in units and any(is_number(t, of_day=False) for t in near):
            return True
        if is_number(token, of_day=True) and i and (tokens[i - 1] in before or tokens[i - 1] == "about"):
            # "by four", not "at one end" or "from two laptops": nothing of content may follow
            follows = tokens[i + 1 : i + 2]
            if not follows or follows[0] in lists["times.after"] or follows[0] in lists["times.words"]:
                return True
    return False


def content_words(text: str, lists: LanguageLists) -> list[str]:
    """Return the words of normal text that carry content, with plain endings cut off."""
    return [_stem(t) for t in text.split() if t not in lists["function.words"] and len(t) > 1]


def shared(a: Iterable[str], b: Iterable[str]) -> int:
    """Return how many different content words two texts share."""
    return len({*a} & {*b})


def _stem(token: str) -> str:
    """Cut the endings of plurals and of regular verbs; good enough to compare one party with another."""
    token = token.removesuffix("'s")
    for ending in ("ing", "ed", "es", "s"):
        if token.endswith(ending) and len(token) - len(ending) >= 3 and not token.endswith("ss"):
            token = token[: -len(ending)]
            break
    if len(token) > 3 and token[-1] == token[-2] and token[-1] not in "aeiouls":
        token = token[:-1]
    return token.removesuffix("e") if len(token) > 4 else token
