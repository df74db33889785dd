"""The language part of the page: acknowledgements, phrases, terms, close, the caller's style."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from callcoach.contract import AcknowledgementEntry, CallDocument, LanguageEventEntry
from callcoach.events import Channel
from callcoach.sinks._language import (
    ACKNOWLEDGEMENT_KINDS,
    HELPFUL_KINDS,
    strong_words_before,
    why_not_measured,
)
from callcoach.sinks._style import clock, plural
from callcoach.sinks._texts import timed_words
from callcoach.sinks.report.highlights import Interval, clip_around
from callcoach.sinks.report.ticket import TicketNote, ticket_note
from callcoach.sinks.report.wording import LANGUAGE_NAMES, figure, seconds

SHOWN_ROWS: Final = 4
"""Rows of a list that stand open; the others are folded."""
_REPLY_WORDS: Final = 10
_REPLY_REACH_MS: Final = 12_000
"""First words of the agent after strong words are looked for this far."""
_REPLY_BACK_MS: Final = 4000
_AFTER_MS: Final = 8000
"""A clip of a window without an answer goes on this long after the caller's words."""
_BEFORE_MS: Final = 1000
_LEAD_MS: Final = 15_000
"""A clip of a window begins this much before it opened at most."""
_RESULTS: Final = {"hit": "in time", "late": "late", "miss": "not acknowledged"}


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One sentence to rehearse: what was said, how often, what to say instead, where to hear it."""

    said: str
    times: str
    instead: str
    row: str
    clip: Interval
    at: int


@dataclass(frozen=True, slots=True)
class WindowRow:
    """One acknowledgement window: the caller's strong words and what came after them."""

    at: int
    strong: tuple[str, ...]
    reply: str
    is_acknowledgement: bool
    """Whether ``reply`` quotes the acknowledgement, not just the first words that followed."""
    result: str
    """``hit``, ``late`` or ``miss``."""
    result_word: str
    after: str
    kinds: str
    reason: str
    clip: Interval


@dataclass(frozen=True, slots=True)
class PhraseRow:
    """All matches of one row of a list: the words, how often, what to say instead, where to hear it."""

    row: str
    said: str
    count: int
    kind: str
    better: str
    is_severe: bool
    state: str
    clip: Interval
    at: int
    more: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows of a list with the line above them; ``rest`` is folded, ``empty`` stands where nothing is."""

    head: str
    rows: tuple[PhraseRow, ...]
    rest: tuple[PhraseRow, ...]
    empty: str


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was done or not; ``done`` is None where it could not be measured."""

    name: str
    done: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class StyleBar:
    """One bar of the caller's style: a figure and its place on a fixed axis, per cent; None without one."""

    name: str
    text: str
    place: float | None
    note: str


@dataclass(frozen=True, slots=True)
class LanguageCard:
    """Everything of the language section; ``reason`` is set alone where nothing was measured."""

    reason: str | None
    facts: tuple[tuple[str, str], ...] = ()
    rehearse: Rehearsal | None = None
    rehearse_empty: str = ""
    windows: tuple[WindowRow, ...] = ()
    windows_head: str = ""
    windows_empty: str = ""
    avoid: Listing | None = None
    helpful: Listing | None = None
    terms: Listing | None = None
    checks: tuple[Check, ...] = ()
    close_head: str = ""
    steps: tuple[Check, ...] = ()
    style: tuple[StyleBar, ...] = ()
    style_note: str = ""
    note: TicketNote | None = None


def language_card(document: CallDocument) -> LanguageCard:
    """Return the language section of a call; each part says itself what it lacks."""
    if document.language is None and not document.language_events:
        return LanguageCard(reason=why_not_measured(document, "L01"))
    if document.call.channel_mode == "mono":
        return LanguageCard(reason="one channel holds both sides, so nobody can tell who said what")
    windows = tuple(_window(document, i) for i in range(len(document.acknowledgement_windows)))
    rehearse = _rehearsal(document)
    return LanguageCard(
        reason=None,
        facts=_facts(document),
        rehearse=rehearse,
        rehearse_empty="No discouraged phrases: nothing to rehearse.",
        windows=windows,
        windows_head=_windows_head(document),
        windows_empty=_windows_empty(document),
        avoid=_avoid(document),
        helpful=_helpful(document),
        terms=_terms(document),
        checks=_checks(document),
        close_head=_close_head(document),
        steps=_steps(document),
        style=_style(document),
        style_note=_style_note(document),
        note=ticket_note(document),
    )


def _facts(document: CallDocument) -> tuple[tuple[str, str], ...]:
    """Return the line of counts above everything, as name and figure."""
    metrics = document.metrics
    found: list[tuple[str, str]] = []
    if metrics.L03 is not None:
        found.append(("Strong words of the caller", str(metrics.L03.count)))
    if metrics.L04 is not None:
        found.append(("Acknowledged in time", f"{metrics.L04.hits} of {metrics.L04.windows}"))
    if metrics.L01 is not None:
        found.append(("To say differently", str(metrics.L01.count)))
    if metrics.L02 is not None:
        found.append(("Helpful phrases", str(metrics.L02.helpful)))
    if metrics.L07 is not None:
        terms = metrics.L07
        text = f"{terms.unexplained} of {terms.count}" if terms.count else "none"
        found.append(("Unexplained terms", text))
    if metrics.L18 is not None:
        found.append(("Points at the close", f"{metrics.L18.points} of 4"))
    return tuple(found)


def _rehearsal(document: CallDocument) -> Rehearsal | None:
    entry = None if document.language is None else document.language.rehearse
    if entry is None:
        return None
    return Rehearsal(
        said=entry.phrase,
        times="once" if entry.times == 1 else f"{entry.times} times",
        instead=entry.instead,
        row=entry.id,
        clip=clip_around(entry.begin, entry.end, document.call.duration_ms),
        at=entry.begin,
    )


# -- acknowledgement ---------------------------------------------------------------------------------------


def _window(document: CallDocument, index: int) -> WindowRow:
    window = document.acknowledgement_windows[index]
    strong = strong_words_before(document, index)
    answer = _acknowledgement_at(document, window)
    begin = strong[-1].begin if strong else window.opened
    end = window.opened + _AFTER_MS if window.answered is None else window.answered + 3000
    first = max(0, begin - _BEFORE_MS, window.opened - _LEAD_MS)
    waited = None if window.answered is None else max(0, window.answered - window.opened)
    return WindowRow(
        at=begin,
        strong=tuple(event.phrase for event in strong),
        reply=answer.phrase if answer is not None else _first_words(document, window.opened),
        is_acknowledgement=answer is not None,
        result=window.result,
        result_word=_RESULTS[window.result],
        after="" if waited is None else seconds(waited),
        kinds=", ".join(dict.fromkeys(ACKNOWLEDGEMENT_KINDS[kind] for kind in window.types)),
        reason=window.reason or "",
        clip=(first, max(first, min(end, document.call.duration_ms))),
    )


def _acknowledgement_at(document: CallDocument, window: AcknowledgementEntry) -> LanguageEventEntry | None:
    if window.answered is None:
        return None
    near = [
        event
        for event in document.language_events
        if event.kind == "acknowledgement"
        and event.begin <= window.answered + 50
        and event.end >= window.answered - 50
    ]
    return min(near, key=lambda event: abs(event.begin - (window.answered or 0)), default=None)


def _first_words(document: CallDocument, after: int) -> str:
    turn = next((t for t in document.turns if t.role is Channel.AGENT and t.end > after), None)
    # Where the agent spoke already, the answer begins with that turn.
    first = after if turn is None else min(after, max(turn.begin, after - _REPLY_BACK_MS))
    said = [
        word
        for begin, _, word in timed_words(document, Channel.AGENT)
        if first - 250 <= begin < after + _REPLY_REACH_MS
    ]
    return " ".join(said[:_REPLY_WORDS]) + (" …" if len(said) > _REPLY_WORDS else "")


def _windows_head(document: CallDocument) -> str:
    counts = document.metrics.L04
    if counts is None:
        return ""
    parts = [f"{counts.hits} of {counts.windows} acknowledged in time"]
    if counts.late:
        parts.append(f"{counts.late} late")
    if document.metrics.M22 is not None:
        parts.append(f"median {seconds(1000 * document.metrics.M22.median_s)}")
    return ", ".join(parts) + "; target 80 % within 15 s"


def _windows_empty(document: CallDocument) -> str:
    strong = document.metrics.L03
    if strong is not None and not strong.count:
        return "No strong words from the caller."
    if strong is not None:
        return "The caller's strong words were too few, or already answered, to ask for an acknowledgement."
    return f"Not measured: {why_not_measured(document, 'L04')}."


# -- phrases and terms -------------------------------------------------------------------------------------


def _grouped(events: Iterable[LanguageEventEntry]) -> list[list[LanguageEventEntry]]:
    groups: dict[str, list[LanguageEventEntry]] = {}
    for event in sorted(events, key=lambda x: (x.begin, x.end)):
        # Rules on sentences share one id among different words.
        key = (
            event.id if event.suggestion or event.kind in ("jargon", "discouraged") else event.phrase.lower()
        )
        groups.setdefault(f"{event.kind}/{key}", []).append(event)
    return list(groups.values())


def _phrase(document: CallDocument, events: Sequence[LanguageEventEntry], state: str = "") -> PhraseRow:
    first, duration = events[0], document.call.duration_ms
    return PhraseRow(
        row=first.id,
        said=first.phrase,
        count=len(events),
        kind=LANGUAGE_NAMES.get(first.kind, ""),
        better=first.suggestion or "",
        is_severe=(first.severity or 0) >= 3,
        state=state,
        clip=clip_around(first.begin, first.end, duration),
        at=first.begin,
        more=tuple((event.begin, event.end) for event in events[1:]),
    )


def _of(document: CallDocument, *kinds: str) -> list[LanguageEventEntry]:
    return [e for e in document.language_events if e.kind in kinds and e.role is Channel.AGENT]


def _avoid(document: CallDocument) -> Listing:
    groups = _grouped(_of(document, "discouraged"))
    groups.sort(key=lambda events: (-(events[0].severity or 0), -len(events), events[0].begin))
    rows = [_phrase(document, events) for events in groups]
    counts = document.metrics.L01
    head = ""
    if counts is not None and counts.count:
        severe = f", {counts.severity_3} of them first to change" if counts.severity_3 else ""
        head = f"{plural(counts.count, 'phrase')}{severe}"
    empty = "No discouraged phrases."
    if counts is None and not rows:
        empty = f"Not measured: {why_not_measured(document, 'L01')}."
    return _listing(head, rows, empty)


def _helpful(document: CallDocument) -> Listing:
    events = [e for e in _of(document, *HELPFUL_KINDS) if e.id != "L14-vague"]
    rows = [_phrase(document, group) for group in _grouped(events)]
    counts = document.metrics.L02
    head = ""
    if counts is not None:
        share = f"{figure(counts.pct, '%')} of the marked phrases, target 92 %"
        head = f"{plural(counts.helpful, 'phrase')}: {share}"
    empty = "No helpful phrase of the lists."
    if counts is not None and counts.helpful:
        empty = "None of a kind that is listed one by one."
    return _listing(head, rows, empty)


def _terms(document: CallDocument) -> Listing:
    rows = []
    groups = _grouped(_of(document, "jargon"))
    groups.sort(key=lambda events: (-sum(e.unexplained is True for e in events), events[0].begin))
    for events in groups:
        open_ones = sum(event.unexplained is True for event in events)
        if not open_ones:
            state = "explained, or the caller's word"
        elif open_ones == len(events):
            state = "unexplained"
        else:
            state = f"{open_ones} of {len(events)} unexplained"
        first = next((e for e in events if e.unexplained), events[0])
        rows.append(_phrase(document, [first, *(e for e in events if e is not first)], state))
    counts = document.metrics.L07
    head = ""
    if counts is not None and counts.count:
        rate = figure(counts.per_100_words, "", 1)
        head = f"{counts.unexplained} of {counts.count} unexplained, {rate} per 100 words, target up to 1.0"
    empty = "No technical terms of the list."
    if counts is None and not rows:
        empty = f"Not measured: {why_not_measured(document, 'L07')}."
    return _listing(head, rows, empty)


def _listing(head: str, rows: Sequence[PhraseRow], empty: str) -> Listing:
    # One single row is not worth a fold.
    shown = len(rows) if len(rows) <= SHOWN_ROWS + 1 else SHOWN_ROWS
    return Listing(head, tuple(rows[:shown]), tuple(rows[shown:]), empty)


# -- close, check-backs, steps -----------------------------------------------------------------------------


def _checks(document: CallDocument) -> tuple[Check, ...]:
    close, back, played = document.metrics.L18, document.metrics.L09, document.metrics.L10
    found: list[Check] = []
    if close is None:
        found.append(Check("Close", None, f"not measured: {why_not_measured(document, 'L18')}"))
    else:
        found += [
            Check("Recap at the end", close.recap, ""),
            Check("Next step with a time", close.next_step_with_time, ""),
            Check("“Anything else?”", close.anything_else, ""),
            Check("Thanks", close.thanks, ""),
        ]
    if back is None:
        found.append(
            Check("Check-back after explaining", None, f"not measured: {why_not_measured(document, 'L09')}")
        )
    else:
        text = f"{back.covered} of {plural(back.blocks, 'explanation')}, target 70 %"
        found.append(Check("Check-back after explaining", back.covered == back.blocks, text))
    if played is None or played.before_first_instruction is None:
        why = "no instruction was given" if played is not None else why_not_measured(document, "L10")
        found.append(Check("Recap before the first instruction", None, f"not measured: {why}"))
    else:
        found.append(Check("Recap before the first instruction", played.before_first_instruction, ""))
    return tuple(found)


def _close_head(document: CallDocument) -> str:
    close = document.metrics.L18
    return "" if close is None else f"{close.points} of 4 at the close, target 3"


def _steps(document: CallDocument) -> tuple[Check, ...]:
    """Return what the greeting held, and when each step of an answer was first heard."""
    if document.language is None:
        return ()
    greeting, heard = document.language.greeting, document.language.progress
    found = []
    if greeting is not None:
        found += [
            Check("Greeting: own name", greeting.own_name, ""),
            Check("Greeting: offer of help", greeting.offer, ""),
        ]
    for name, at in (
        ("Story told to its end", heard.heard),
        ("Acknowledgement", heard.acknowledged),
        ("Apology", heard.apologised),
        ("Cause named", heard.diagnosed),
        ("Next step or relief", heard.resolved),
    ):
        found.append(Check(name, at is not None, "not heard" if at is None else f"first at {clock(at)}"))
    return tuple(found)


# -- style of the caller -----------------------------------------------------------------------------------


def _style(document: CallDocument) -> tuple[StyleBar, ...]:
    style, own = document.metrics.L20, document.metrics.V01
    if style is None:
        return ()
    formal = "no request with a marked word" if style.formal_pct is None else "of the marked words"
    return (
        StyleBar(
            "Pace",
            figure(style.wpm, "wpm"),
            _place(style.wpm, 80, 220),
            "" if own is None else f"yours {figure(own.agent_wpm, 'wpm')}",
        ),
        StyleBar(
            "Length of a turn",
            figure(style.words_per_turn, "words"),
            _place(style.words_per_turn, 0, 60),
            "on average",
        ),
        StyleBar(
            "Technical terms",
            figure(style.terms_per_100_words, "", 1),
            _place(style.terms_per_100_words, 0, 6),
            "per 100 words",
        ),
        StyleBar(
            "Formal wording",
            "–" if style.formal_pct is None else figure(style.formal_pct, "%"),
            None if style.formal_pct is None else _place(style.formal_pct, 0, 100),
            formal,
        ),
        StyleBar(
            "Small talk",
            figure(style.small_talk_pct, "%"),
            _place(style.small_talk_pct, 0, 50),
            "of the sentences",
        ),
    )


def _style_note(document: CallDocument) -> str:
    style = document.metrics.L20
    if style is None:
        return f"Not measured: {why_not_measured(document, 'L20')}."
    speech = seconds(1000 * style.speech_s)
    return f"From {speech} of the caller's speech. It says how the words came, nothing about the person."


def _place(value: float, low: float, high: float) -> float:
    return round(100 * (min(max(value, low), high) - low) / (high - low), 1)
