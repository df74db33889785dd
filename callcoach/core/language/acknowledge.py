"""Acknowledgement windows (section 4.4): was the caller acknowledged after strong words, and how soon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from callcoach.clock import to_samples
from callcoach.core.language.finder import ACKNOWLEDGEMENT, PROCEDURE, Found
from callcoach.core.language.strong import StrongLevel
from callcoach.core.language.text import Sentence
from callcoach.core.language.view import LanguageView, SpokenTurn
from callcoach.events import Channel

Result = Literal["hit", "late", "miss"]
Type = Literal["cognitive", "attentive", "ownership", "appreciation", "uncredited"]

TYPES: Final[dict[str, Type]] = {
    "C": "cognitive",
    "A": "attentive",
    "O": "ownership",
    "T": "appreciation",
}
"""Type by the kind of a row of table 10.4; every other kind is a hit without credit."""

_SLACK: Final = to_samples(0.3)
"""Word times and the edges of turns are good to this."""


@dataclass(frozen=True, slots=True)
class Window:
    """One window, samples."""

    opened: int
    """Where the caller yielded the floor."""
    level: float
    result: Result
    answered: int | None
    """Start of the acknowledgement; None for a miss without one."""
    types: tuple[Type, ...]
    reason: str
    """Why it has this result, in words."""


def type_of(found: Found) -> Type:
    """Return the type (L05) of an acknowledgement."""
    kind = found.row.kind
    named: tuple[Type, ...] = tuple(t for t in TYPES.values() if t == kind)
    return named[0] if named else TYPES.get(kind, "uncredited")


def yields(turns: Sequence[SpokenTurn]) -> list[tuple[int, SpokenTurn]]:
    """Return where the caller yielded the floor, with the agent's turn that follows."""
    return [
        (mine.end, following)
        for mine, following in pairwise(turns)
        if mine.channel is Channel.CALLER and following.channel is Channel.AGENT
    ]


def windows(
    view: LanguageView, level: StrongLevel, found: Sequence[Found], sentences: Sequence[Sentence]
) -> list[Window]:
    """Return the windows of a call in order of time.

    A window opens where the caller yields the floor with strong words since the last window (or since the
    last acknowledgement) and a level that is mild or more. Within ``merge_s`` of the last window none opens;
    what was said in that time counts for the next.

    Parameters
    ----------
    found : all that was found in the agent's words, in order of time.
    sentences : the agent's, in order of time.
    """
    s = view.settings
    merge, late = to_samples(s.merge_s), to_samples(s.late_s)
    said = [f for f in found if f.channel is Channel.AGENT and f.list == ACKNOWLEDGEMENT]
    opened: list[Window] = []
    through = -1
    """Strong words up to here have had their window or their acknowledgement."""
    for t0, turn in _all_yields(view):
        pending = level.strong_between(through + 1, t0)
        if pending and any(pending[-1].at < f.start < t0 and _in_agent_turn(view, f) for f in said):
            continue
        if not pending or level.at(t0) < s.mild:
            continue
        if opened and t0 - opened[-1].opened < merge:
            continue
        through = t0
        begin = min(turn.start, t0) - _SLACK
        answer = next((f for f in said if f.start >= begin and f.start - t0 <= late), None)
        opened.append(_judged(view, t0, turn, level.at(t0), answer, sentences, found))
    return opened


def _in_agent_turn(view: LanguageView, found: Found) -> bool:
    """Tell whether it was said with the floor, and not into the caller's turn."""
    return any(t.channel is Channel.AGENT and t.start - _SLACK <= found.start <= t.end for t in view.turns)


def _all_yields(view: LanguageView) -> list[tuple[int, SpokenTurn]]:
    """Add the caller's last turn, if the agent speaks after it without taking the floor."""
    found = yields(view.turns)
    last = view.turns[-1] if view.turns else None
    if last is not None and last.channel is Channel.CALLER:
        after = [(a, b) for a, b in view.speech.get(Channel.AGENT, ()) if b > last.end + _SLACK]
        if after:
            found.append((last.end, SpokenTurn(Channel.AGENT, max(after[0][0], last.end), after[-1][1])))
    return found


def _judged(
    view: LanguageView,
    t0: int,
    turn: SpokenTurn,
    level: float,
    answer: Found | None,
    sentences: Sequence[Sentence],
    found: Sequence[Found],
) -> Window:
    s = view.settings
    if answer is None:
        return Window(t0, level, "miss", None, (), f"no acknowledgement within {s.late_s:.0f} s")
    types = (type_of(answer),)
    first = next(
        (x for x in sentences if x.end > min(turn.start, t0) and x.start >= turn.start - _SLACK), None
    )
    if first is not None and first.end <= answer.start and _is_procedure(first, found):
        return Window(t0, level, "miss", answer.start, types, "a procedure question came first")
    spoken = view.speech_before(Channel.AGENT, turn.start, answer.start)
    in_turn = answer.start <= turn.end
    if in_turn and spoken <= to_samples(s.hit_speech_s) and answer.start - t0 <= to_samples(s.hit_s):
        return Window(t0, level, "hit", answer.start, types, "acknowledged")
    return Window(t0, level, "late", answer.start, types, "acknowledged late")


def _is_procedure(sentence: Sentence, found: Sequence[Found]) -> bool:
    """Tell whether a sentence asks who calls or for a number ("what's your employee number")."""
    return any(
        f.list == PROCEDURE and f.channel is sentence.channel and sentence.start <= f.start < sentence.end
        for f in found
    )
