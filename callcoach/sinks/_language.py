"""Language of a call in words: what terminal summary and report share, and the block of the summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from callcoach.contract import CallDocument, LanguageEventEntry
from callcoach.contract.metrics import NOT_MEASURED_YET
from callcoach.events import Channel
from callcoach.sinks._style import Style, clock, number, plural

ACKNOWLEDGEMENT_KINDS: Final[Mapping[str, str]] = {
    "cognitive": "sees what it means",
    "attentive": "shows it was heard",
    "ownership": "takes it on",
    "appreciation": "thanks",
    "uncredited": "counts, without a kind",
}
"""Types of acknowledgement (table 10.4) in words."""
HELPFUL_KINDS: Final = ("acknowledgement", "deescalation", "recap", "check_back", "commitment", "hold_notice")
"""Kinds of events that help; the count of L02 holds further rows that are no events."""


def why_not_measured(document: CallDocument, metric: str) -> str:
    """Return why a language metric is null, without a mark at the end."""
    reason = document.metrics.why_null.get(metric)
    if reason and reason != NOT_MEASURED_YET:
        return reason.rstrip(". ")
    if document.call.channel_mode == "mono":
        return "one channel holds both sides"
    return "no words were recognised" if not document.transcript else "not in this call's analysis"


def strong_words_before(document: CallDocument, index: int) -> tuple[LanguageEventEntry, ...]:
    """Return the caller's strong words that an acknowledgement window stands for, in order of time.

    Those since the window before; where none is, the last ones before it opened.
    """
    windows = document.acknowledgement_windows
    opened = windows[index].opened
    since = max((w.opened for w in windows if w.opened < opened), default=-1)
    strong = [
        event
        for event in sorted(document.language_events, key=lambda e: (e.begin, e.end))
        if event.kind == "strong_words" and event.role is not Channel.AGENT and event.begin < opened
    ]
    fresh = tuple(event for event in strong if event.begin >= since)
    return fresh or tuple(strong[-1:])


def language(document: CallDocument, style: Style) -> list[RenderableType]:
    """Say in a few lines what the words were like: counts, acknowledgements, the sentence to rehearse.

    Empty where language was not measured.
    """
    if document.language is None:
        return []
    metrics, palette = document.metrics, style.palette
    facts = []
    if metrics.L01 is not None:
        bad = metrics.L01.count
        facts.append(f"{plural(bad, 'phrase')} to say differently" if bad else "no discouraged phrases")
    if metrics.L02 is not None:
        facts.append(f"{metrics.L02.helpful} helpful")
    if metrics.L07 is not None and metrics.L07.count:
        facts.append(f"{metrics.L07.unexplained} of {plural(metrics.L07.count, 'term')} unexplained")
    line = style.join(*facts) or "nothing measured"
    parts: list[RenderableType] = [Text.assemble(("Language", palette.strong), "   ", line)]
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style=palette.muted)
    grid.add_column(overflow="fold")
    acknowledged = _acknowledged(document, style)
    if acknowledged is not None:
        grid.add_row("Acknowledged", acknowledged)
    close = "" if metrics.L18 is None else f"{metrics.L18.points} of 4 points"
    back = metrics.L09
    checked = "" if back is None else f"{back.covered} of {plural(back.blocks, 'explanation')} checked back"
    if close or checked:
        grid.add_row("Close" if close else "Check-back", style.join(close, checked))
    rehearse = document.language.rehearse
    if rehearse is not None:
        times = "" if rehearse.times == 1 else f", {rehearse.times} times"
        row = style.clean(rehearse.id)
        said = f"{style.quote(rehearse.phrase)} at {clock(rehearse.begin)}{times}  ({row})"
        grid.add_row("Said", Text(said))
        grid.add_row("Rehearse", Text(style.clean(rehearse.instead), style=palette.strong))
    if grid.row_count:
        parts.append(grid)
    return parts


def _acknowledged(document: CallDocument, style: Style) -> Text | None:
    counts, strong = document.metrics.L04, document.metrics.L03
    if counts is None:
        if strong is None:
            return None
        if not strong.count:
            return Text("no strong words from the caller")
        return Text(f"{plural(strong.count, 'strong phrase')}, none left open for an acknowledgement")
    late = f"{counts.late} late" if counts.late else ""
    median = document.metrics.M22
    time = "" if median is None else f"median {number(median.median_s)} s"
    return Text(style.join(f"{counts.hits} of {counts.windows} in time", late, time))
