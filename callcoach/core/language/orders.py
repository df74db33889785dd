"""Instructions of the agent: verbs that tell the caller to do something, at the start of a clause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from callcoach.core.language.text import Sentence
from callcoach.core.phrases import Phrases, normal, phrases
from callcoach.events import Channel

_LONGEST: Final = 4
_MARKS: Final = (",", ";", ":", "-", "\u2013", "\u2014")
_BREAKS: Final = (*_MARKS, ".", "?", "!")


def orders(sentences: Iterable[Sentence]) -> list[int]:
    """Return the positions (samples) of the agent's instruction verbs, in order of time.

    A verb counts at the start of a clause or behind a lead-in ("could you", "then"), as for the phases.
    """
    listed = phrases()
    return [at for s in sentences if s.channel is Channel.AGENT for at in _orders_in(s, listed)]


def _orders_in(sentence: Sentence, listed: Phrases) -> Iterator[int]:
    tokens: list[str] = []
    at: list[int] = []
    clauses = {0}
    for word in sentence.words:
        for token in normal(word.text).split():
            tokens.append(token)
            at.append(word.span.start)
        if word.text.endswith(_BREAKS):
            clauses.add(len(tokens))
    first = _first_words(listed)
    i = 0
    while i < len(tokens):
        size = 1
        if tokens[i] in first:
            found, size = _longest(tokens, i, listed)
            if found and (i in clauses or _led_in(tokens, i, listed)):
                yield at[i]
        i += size


@cache
def _first_words(listed: Phrases) -> frozenset[str]:
    return frozenset(p.split()[0] for p in listed.phase_instructions | listed.phase_not_instructions)


def _longest(tokens: list[str], at: int, listed: Phrases) -> tuple[bool, int]:
    for size in range(min(_LONGEST, len(tokens) - at), 0, -1):
        phrase = " ".join(tokens[at : at + size])
        if phrase in listed.phase_not_instructions:
            return False, size
        if phrase in listed.phase_instructions:
            return True, size
    return False, 1


def _led_in(tokens: list[str], at: int, listed: Phrases) -> bool:
    return any(
        " ".join(tokens[at - size : at]) in listed.phase_lead_ins for size in range(1, min(_LONGEST, at) + 1)
    )


def with_orders(sentences: Iterable[Sentence]) -> list[Sentence]:
    """Return the agent's sentences that hold an instruction."""
    listed = phrases()
    return [s for s in sentences if s.channel is Channel.AGENT and any(True for _ in _orders_in(s, listed))]
