"""The part of the summary that is read like a script: every turn and its words, every overlap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from callcoach.contract import CallDocument, OverlapEntry, SilenceEntry, TranscriptEntry
from callcoach.sinks._style import Style, clock, length
from callcoach.sinks._timeline import interruption_numbers

_NAME_COLUMNS: Final = 8
_LEAST_SILENCE_MS: Final = 3000
"""Shorter silences are part of any conversation (M04)."""


_Item = TranscriptEntry | OverlapEntry | SilenceEntry


def script(document: CallDocument, width: int, style: Style) -> list[RenderableType]:
    """Return the transcript with the time of the first word of every line; nothing without words."""
    if not document.transcript:
        return []
    tenths = len(clock(document.call.duration_ms, tenths=True))
    lines: list[Text] = []
    for _, _, item in sorted(_items(document), key=lambda entry: entry[:2]):
        if isinstance(item, TranscriptEntry):
            lines += _turn_lines(item, tenths, width, style)
        elif isinstance(item, OverlapEntry):
            lines.append(_overlap_line(document, item, tenths, style))
        else:
            owner = f", {item.owner.value} to act" if item.owner is not None else ""
            what = item.kind.replace("_", " ")
            text = f"{'':{_NAME_COLUMNS}}{style.glyphs.dead_air * 2} {what}, {length(item.length_ms)}{owner}"
            lines.append(
                Text(f"{clock(item.begin, tenths=True):>{tenths}}  {text}", style=style.palette.muted)
            )
    for line in lines:
        line.no_wrap = True
        line.truncate(width)
    return [Text("Transcript", style=style.palette.strong), Group(*lines)]


def _items(
    document: CallDocument,
) -> Iterator[tuple[int, int, TranscriptEntry | OverlapEntry | SilenceEntry]]:
    for entry in document.transcript:
        yield entry.begin, 0, entry
    for overlap in document.overlaps:
        yield max(overlap.begin, 0), 1, overlap
    for silence in document.silences:
        if silence.length_ms >= _LEAST_SILENCE_MS:
            yield silence.begin, 2, silence


def _turn_lines(entry: TranscriptEntry, tenths: int, width: int, style: Style) -> list[Text]:
    name = entry.role.value.capitalize() if entry.role is not None else "Speech"
    look = style.palette.of(entry.role)
    room = max(16, width - tenths - 2 - _NAME_COLUMNS)
    lines: list[Text] = []
    words: list[str] = []
    begin = entry.begin
    for word in entry.words:
        text = style.clean(word.w)
        if words and len(" ".join([*words, text])) > room:
            lines.append(_line(begin, "" if lines else name, " ".join(words), tenths, look, style))
            words = []
        if not words:
            begin = word.b
        words.append(text)
    lines.append(_line(begin, "" if lines else name, " ".join(words), tenths, look, style))
    return lines


def _line(begin: int, name: str, words: str, tenths: int, look: str, style: Style) -> Text:
    return Text.assemble(
        (f"{clock(begin, tenths=True):>{tenths}}  ", style.palette.muted),
        (f"{name:{_NAME_COLUMNS}}", look),
        words,
    )


def _overlap_line(document: CallDocument, overlap: OverlapEntry, tenths: int, style: Style) -> Text:
    numbers = interruption_numbers(document)
    running = next((n for i, n in numbers.items() if document.overlaps[i] is overlap), None)
    mark = f"{style.glyphs.interruption}{running}" if running is not None else style.glyphs.dot
    what = overlap.overlap_class.replace("_", " ")
    verb = "after" if overlap.overlap_class == "pause_barge_in" else "together"
    amount = (
        f"after {length(overlap.length_ms)}" if verb == "after" else f"{length(overlap.length_ms)} together"
    )
    doubt = "" if overlap.confidence == "high" else ", uncertain"
    return Text.assemble(
        (f"{clock(overlap.begin, tenths=True):>{tenths}}  {'':{_NAME_COLUMNS}}", style.palette.muted),
        (f"{mark} {overlap.incomer.value}: {what}", style.palette.of(overlap.incomer)),
        (f", {amount}{doubt}", style.palette.muted),
    )
