"""The part of the summary that tells who came in when, over which words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from callcoach.contract import CallDocument, OverlapClass, OverlapEntry
from callcoach.events import Channel
from callcoach.sinks._style import Style, clock, length, number, plural
from callcoach.sinks._texts import CONTEXT_MS, EARLY_WORD_MS, INCOMER_WORDS, timed_words
from callcoach.sinks._timeline import interruption_numbers

WIDE: Final = 96
"""From here on the words of an interruption stand in the row of its numbers."""
MAX_INTERRUPTIONS: Final = 20
HOLDER_WORDS: Final = 5
_CLASSES: Final[Mapping[OverlapClass, str]] = {
    "floor_taking": "takes the floor",
    "butting_in": "talks over",
    "pause_barge_in": "comes in on a pause",
}
_OTHERS: Final[Mapping[OverlapClass, tuple[str, str]]] = {
    "backchannel": ("backchannel", "backchannels"),
    "terminal": ("at the end of a turn", "at the end of a turn"),
    "simultaneous_start": ("simultaneous start", "simultaneous starts"),
    "cooperative": ("cooperative", "cooperative"),
    "unsure": ("undecided", "undecided"),
}


def interruptions(document: CallDocument, width: int, style: Style) -> list[RenderableType]:
    palette = style.palette
    numbers = interruption_numbers(document)
    by = Counter(document.overlaps[i].incomer for i in numbers)
    head = Text.assemble(
        ("Interruptions", palette.strong),
        "   ",
        (f"{by[Channel.AGENT]} by the agent", palette.agent),
        f" {style.glyphs.dot} ",
        (f"{by[Channel.CALLER]} by the caller", palette.caller),
    )
    rate = document.metrics.M08
    if rate is not None and by[Channel.AGENT]:
        weighted = f"agent {number(rate.per_10min)} per 10 min of caller speech, weighted"
        if head.cell_len + 3 + len(weighted) <= width:
            head.append(f"   {weighted}", palette.muted)
    parts: list[RenderableType] = [head]
    if numbers:
        parts.append(_interruption_table(document, numbers, width, style))
    others = _other_overlaps(document, style)
    if others:
        parts.append(Text(others, style=palette.muted))
    return parts


def _interruption_table(
    document: CallDocument, numbers: Mapping[int, int], width: int, style: Style
) -> RenderableType:
    """Return the counted interruptions: one line each on a wide terminal, else two."""
    palette, glyphs = style.palette, style.glyphs
    rows = []
    for index, running in islice(numbers.items(), MAX_INTERRUPTIONS):
        overlap = document.overlaps[index]
        look = palette.of(overlap.incomer)
        facts = (
            Text(f"{glyphs.interruption}{running}", style=look),
            Text(clock(overlap.begin, tenths=True)),
            Text(overlap.incomer.value.capitalize(), style=look),
            Text(_CLASSES[overlap.overlap_class]),
            Text(_together(overlap), style=palette.muted),
        )
        rows.append((overlap, facts))
    widths = [max(row[i].cell_len for _, row in rows) for i in range(5)]
    used = sum(widths) + 2 * len(widths)
    lines = []
    for overlap, facts in rows:
        cells = [Text(" " * (wide - cell.cell_len)) for cell, wide in zip(facts, widths, strict=True)]
        line = Text("  ").join(Text.assemble(cell, pad) for cell, pad in zip(facts, cells, strict=True))
        line.no_wrap = True
        if width >= WIDE:
            lines.append(Text.assemble(line, "  ", _words_around(document, overlap, width - used, style)))
            continue
        line.rstrip()
        lines.append(line)
        words = _words_around(document, overlap, width - widths[0] - 2, style)
        if words.plain:
            lines.append(Text.assemble(" " * (widths[0] + 2), words))
    if len(numbers) > MAX_INTERRUPTIONS:
        lines.append(Text(f"and {len(numbers) - MAX_INTERRUPTIONS} more", style=palette.muted))
    return Group(*lines)


def _together(overlap: OverlapEntry) -> str:
    if overlap.overlap_class == "pause_barge_in":
        return f"after {length(overlap.length_ms)}"
    return f"{length(overlap.length_ms)} together"


def _words_around(document: CallDocument, overlap: OverlapEntry, room: int, style: Style) -> Text:
    """Return the last words of the holder and the first of the incomer, as many as fit."""
    begin = overlap.begin
    reached = begin if overlap.overlap_class == "butting_in" else max(overlap.end, begin + 1)
    holder = [
        style.clean(word)
        for first, _, word in timed_words(document, overlap.incomer.other)
        if begin - CONTEXT_MS <= first < reached
    ]
    incomer = [
        style.clean(word)
        for first, _, word in timed_words(document, overlap.incomer)
        if begin - EARLY_WORD_MS <= first < begin + CONTEXT_MS
    ]
    if not holder and not incomer:
        return Text()
    for last, first in _word_counts():
        words = _join_words(holder, incomer, last, first, overlap.incomer, style)
        if words.cell_len <= room:
            return words
    words.truncate(room)
    return words


def _word_counts() -> Iterator[tuple[int, int]]:
    """Yield how many words of holder and incomer to try, most first."""
    last, first = HOLDER_WORDS, INCOMER_WORDS
    while last > 1 or first > 1:
        yield last, first
        if last >= first:
            last -= 1
        else:
            first -= 1
    yield last, first


def _join_words(
    holder: Sequence[str], incomer: Sequence[str], last: int, first: int, role: Channel, style: Style
) -> Text:
    ellipsis = style.glyphs.ellipsis
    before = [ellipsis, *holder[-last:]] if len(holder) > last or not holder else list(holder)
    after = [*incomer[:first], ellipsis] if len(incomer) > first or not incomer else list(incomer)
    return Text.assemble(
        (" ".join(before), style.palette.of(role.other)),
        f" {style.glyphs.to} ",
        (" ".join(after), style.palette.of(role)),
    )


def _other_overlaps(document: CallDocument, style: Style) -> str:
    sides = []
    for role in Channel:
        kinds = Counter(o.overlap_class for o in document.overlaps if not o.counted and o.incomer is role)
        listed = ", ".join(plural(kinds[kind], *nouns) for kind, nouns in _OTHERS.items() if kinds[kind])
        if listed:
            sides.append(f"{role.value} {listed}")
    return f"Not counted: {style.join(*sides)}" if sides else ""
