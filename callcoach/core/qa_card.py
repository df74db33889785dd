"""QA card of a service desk (section 7): twelve items with points and the spots of the call to listen to.

``auto`` items get their points from metrics, ``both`` items a suggestion that a person confirms. Points stay
null where a metric was not measured, and where nothing happened that the item could judge (no hold, no long
silence): nothing is assumed. Evidence is given whatever the points, so that a person need not search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from callcoach.contract import CallDocument, QaCardEntry
from callcoach.core.scores import INPUTS, Input, Ramp
from callcoach.events import Channel

Evidence = tuple[int, int]
"""``[begin, end)`` in milliseconds."""

STEP: Final = 0.5
"""Points are given in steps of this; [D]."""

LEAST_SILENCE_MS: Final = 6000
"""Silences on the agent's side from this length are judged (M20); [D] M05, M20."""

ANSWER_DUE_MS: Final = 15_000
"""Time in which an acknowledgement window is answered (4.4)."""

_HOLDS: Final = Ramp(4, 0)
"""Mean points of the holds of a call; all four of M19 for the full item; [D] M19."""

_ANNOUNCED: Final = Ramp(80, 0)
"""Announced silences, per cent; [D] M20, good from 80."""

_OPEN_QUESTIONS: Final = Ramp(2, 0)
"""Open questions; [D] M18 and L11, two or more."""

_SEVERE: Final = Ramp(0, 3)
"""Phrases of severity 3, those of severity 2 counted half; [D] L01."""

_CLOSE: Final = Ramp(3, 0)
"""Points of the close; [D] L18, good from 3."""

_WINDOWS_HIT, _PLAYED_BACK, _TERMS, _CHECKED = (
    next(i for inputs in INPUTS.values() for i in inputs if i.metric == metric)
    for metric in ("L04", "L10", "L07", "L09")
)
_RAISED, _RECOVERY = (i for i in INPUTS["delivery"] if i.metric in ("V12", "V16"))


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the card.

    Attributes
    ----------
    text : str
        What is judged, as section 7 words it.
    most : int
        Its points.
    source : {"auto", "both"}
        Whether the computed points stand by themselves or are a suggestion.
    share : callable or None
        From the document to 0 to 100 % of the points, None where not measurable; None as a whole while no
        metric of the contract tells it.
    spots : callable or None
        Evidence in the call, any order.
    said : tuple of str
        Kinds of language events of the agent that are evidence.
    cues : tuple of str
        Ids of cues whose evidence counts where nothing else shows that spot.
    """

    text: str
    most: int
    source: Literal["auto", "both"]
    share: Callable[[CallDocument], float | None] | None = None
    spots: Callable[[CallDocument], Iterable[Evidence]] | None = None
    said: tuple[str, ...] = field(default=())
    cues: tuple[str, ...] = field(default=())


def qa_card(document: CallDocument) -> tuple[QaCardEntry, ...]:
    """Fill the card of a call that is otherwise finished.

    Parameters
    ----------
    document : with metrics, overlaps, silences, voice and language events, opening story and cues.

    Returns
    -------
    tuple of QaCardEntry
        Twelve, in the order of section 7; points in steps of 0.5, 100 at most in all. A mono recording gets
        no points, since nobody is told apart in it.
    """
    return tuple(
        QaCardEntry(
            item=item.text,
            points=_points(item, document),
            max=float(item.most),
            source=item.source,
            evidence=_evidence(item, document),
        )
        for item in ITEMS
    )


def _points(item: Item, document: CallDocument) -> float | None:
    share = None if item.share is None else item.share(document)
    return None if share is None else round(item.most * share / 100 / STEP) * STEP


def _evidence(item: Item, document: CallDocument) -> tuple[Evidence, ...]:
    found = set(item.spots(document)) if item.spots is not None else set()
    found |= {
        (e.begin, e.end)
        for e in document.language_events
        if e.role is Channel.AGENT and e.kind in item.said and e.unexplained is not False
    }
    more = {span for cue in document.cues if cue.id in item.cues for span in cue.evidence}
    found |= {(b, e) for b, e in more if not any(b < end and begin < e for begin, end in found)}
    return tuple(sorted(found))


def _story_told(document: CallDocument) -> float | None:
    story = document.metrics.M11
    return None if story is None else 100.0 * story.completed


def _story_spots(document: CallDocument) -> Iterable[Evidence]:
    """Return the story, and where the agent came in on it."""
    story = document.opening_story
    if story is None:
        return
    yield story.begin, story.end
    for overlap in document.overlaps:
        if overlap.counted and overlap.incomer is Channel.AGENT and story.begin <= overlap.begin <= story.end:
            yield overlap.begin, overlap.end


def _questions(document: CallDocument) -> float | None:
    questions = document.metrics.M18
    return None if questions is None else _OPEN_QUESTIONS(questions.open)


def _steady(document: CallDocument) -> float | None:
    """Return what V12 and V16 reach in the delivery score; V12 alone when nothing was raised."""
    metrics = document.metrics
    raised, recovery = _RAISED.reached(metrics), _RECOVERY.reached(metrics)
    if metrics.V12 is not None and metrics.V12.openings == 0:
        return raised
    if raised is None or recovery is None:
        return None
    whole = _RAISED.weight + _RECOVERY.weight
    return (_RAISED.weight * raised + _RECOVERY.weight * recovery) / whole


def _raised_spots(document: CallDocument) -> Iterable[Evidence]:
    return (
        (e.begin, e.end)
        for e in document.voice_events
        if e.role is Channel.AGENT and e.kind == "raised_delivery"
    )


def _hold_spots(document: CallDocument) -> list[Evidence]:
    return [(s.begin, s.end) for s in document.silences if s.kind == "hold"]


def _silence_spots(document: CallDocument) -> list[Evidence]:
    """Return the silences of the agent's side that M20 judges."""
    return [
        (s.begin, s.end)
        for s in document.silences
        if s.owner is Channel.AGENT and s.kind in ("dead_air", "narrated") and s.length_ms >= LEAST_SILENCE_MS
    ]


def _silence_and_hold(document: CallDocument) -> float | None:
    """Return the mean of what applies: holds (M19), silences (M20); all that applies must be measured."""
    holds, silences = document.metrics.M19, document.metrics.M20
    shares: list[float | None] = []
    if _hold_spots(document):
        shares.append(None if holds is None or not holds.holds else _HOLDS(holds.mean_points))
    if _silence_spots(document):
        shares.append(None if silences is None or not silences.n else _ANNOUNCED(silences.pct))
    known = [s for s in shares if s is not None]
    return sum(known) / len(known) if known and len(known) == len(shares) else None


def _greeting(document: CallDocument) -> float | None:
    """Return half for the own name, half for the offer of help."""
    greeting = None if document.language is None else document.language.greeting
    return None if greeting is None else 50.0 * greeting.own_name + 50.0 * greeting.offer


def _positive(document: CallDocument) -> float | None:
    phrases = document.metrics.L01
    return None if phrases is None else _SEVERE(phrases.severity_3 + phrases.severity_2 / 2)


def _owned(document: CallDocument) -> float | None:
    """Return all for a next step with a time, half of it where the close holds a vague promise as well."""
    promises, close = document.metrics.L14, document.metrics.L18
    if promises is None:
        return None
    named = promises.complete > 0 or (close is not None and close.next_step_with_time)
    return (50.0 if promises.vague_at_close else 100.0) if named else 0.0


def _closed(document: CallDocument) -> float | None:
    close = document.metrics.L18
    return None if close is None else _CLOSE(close.points)


def _reached(of: Input) -> Callable[[CallDocument], float | None]:
    """Return what an input of a score reaches."""
    return lambda document: of.reached(document.metrics)


def _first_turn(document: CallDocument) -> Iterable[Evidence]:
    return [(t.begin, t.end) for t in document.turns if t.role is Channel.AGENT][:1]


def _closing_turns(document: CallDocument) -> Iterable[Evidence]:
    return [(t.begin, t.end) for t in document.turns if t.role is Channel.AGENT and t.phase == "close"]


def _windows(document: CallDocument) -> Iterable[Evidence]:
    """Return the acknowledgement windows, to their answer or to the time by which it was due."""
    for window in document.acknowledgement_windows:
        due = min(window.opened + ANSWER_DUE_MS, document.call.duration_ms)
        yield window.opened, max(window.opened, due if window.answered is None else window.answered)


ITEMS: Final[tuple[Item, ...]] = (
    Item("Greeting with own name and offer of help", 5, "auto", _greeting, spots=_first_turn),
    Item("Let the caller tell the whole story", 15, "auto", _story_told, _story_spots),
    Item(
        "Acknowledged impact before process",
        15,
        "both",
        _reached(_WINDOWS_HIT),
        spots=_windows,
        said=("acknowledgement",),
        cues=("C11",),
    ),
    Item("Played the story back", 8, "both", _reached(_PLAYED_BACK), said=("recap",), cues=("C19",)),
    Item("Asked open, relevant questions", 7, "both", _questions, said=("open_question",)),
    Item("Plain words at the caller's level", 10, "both", _reached(_TERMS), said=("jargon",), cues=("C13",)),
    Item("Positive wording, no blame", 8, "auto", _positive, said=("discouraged",), cues=("C15",)),
    Item("Steady voice under pressure", 8, "auto", _steady, _raised_spots, cues=("C10",)),
    Item(
        "Silence and hold handled",
        8,
        "auto",
        _silence_and_hold,
        lambda document: _hold_spots(document) + _silence_spots(document),
        cues=("C03", "C20", "C21"),
    ),
    Item("Checked understanding", 6, "both", _reached(_CHECKED), said=("check_back",), cues=("C14",)),
    Item("Owned it: next step with a time", 6, "both", _owned, said=("commitment",), cues=("C23",)),
    Item("Warm, complete close", 4, "both", _closed, spots=_closing_turns),
)
"""The card of section 7, in its order. Item 8 is the agent's own and is left out of every shared copy."""
