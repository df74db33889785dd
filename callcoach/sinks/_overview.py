"""One line per call, for runs with several inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.text import Text

from callcoach.contract import CallDocument
from callcoach.events import Channel
from callcoach.sinks._style import MAX_WIDTH, MIN_WIDTH, Style, clock, length

MIN_NAME_WIDTH: Final = 16
"""Columns of the overview go before names get shorter than this."""


@dataclass(frozen=True, slots=True)
class OverviewRow:
    """One input of a run: its name, the document (None when rejected) and the one-sentence error, if any."""

    name: str
    document: CallDocument | None
    error: str | None = None


def render_overview(
    rows: Sequence[OverviewRow],
    *,
    width: int,
    color: bool,
    folder: Path | None = None,
    ascii_only: bool = False,
) -> RenderableType:
    """Return a table with one row per input, rejected inputs with their sentence below."""
    style = Style.for_terminal(color=color, ascii_only=ascii_only)
    width = max(MIN_WIDTH, min(width, MAX_WIDTH))
    columns = _overview_columns(rows, style)
    # What matters most stands left; columns that leave too little room for names are dropped from the right.
    while len(columns) > 2 and _room_for_names(columns, width) < MIN_NAME_WIDTH:
        columns.pop(-2)
    room = min(max(4, _room_for_names(columns, width)), max((cell_len(row.name) for row in rows), default=4))
    lines = []
    for i in range(len(rows) + 1):
        name = Text("Call", style.palette.muted) if i == 0 else _short_name(rows[i - 1].name, room, style)
        line = Text.assemble(name, " " * (max(4, room) - name.cell_len), no_wrap=True)
        for column in columns:
            pad = " " * (max(cell.cell_len for cell in column.cells) - column.cells[i].cell_len)
            line.append("  ").append_text(Text(pad) if column.is_right else Text())
            line.append_text(column.cells[i]).append("" if column.is_right else pad)
        line.rstrip()
        lines.append(line)
    parts: list[RenderableType] = [*lines]
    errors = [
        Text.assemble(("! ", style.palette.strong), style.clean(row.error)) for row in rows if row.error
    ]
    if errors:
        parts += [Text(), *errors]
    if folder is not None:
        parts += [
            Text(),
            Text(f"One folder per call in {style.clean(str(folder))}/", style=style.palette.muted),
        ]
    return Constrain(Group(*parts), width)


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of the overview, header first."""

    cells: tuple[Text, ...]
    is_right: bool


def _room_for_names(columns: Sequence[_Column], width: int) -> int:
    return width - sum(2 + max(cell.cell_len for cell in column.cells) for column in columns)


def _short_name(name: str, room: int, style: Style) -> Text:
    """Return a name cut in its middle, since both its begin and its end tell files apart."""
    text = style.clean(name)
    if cell_len(text) > room:
        kept = max(2, room - len(style.glyphs.ellipsis))
        text = set_cell_size(text, kept - kept // 2) + style.glyphs.ellipsis + text[-(kept // 2) :]
    return Text(set_cell_size(text, room).rstrip(), style=style.palette.strong)


def _overview_columns(rows: Sequence[OverviewRow], style: Style) -> list[_Column]:
    """Return the columns beside the names, the verdict last."""
    palette = style.palette
    columns = (
        ("Length", True, _overview_length),
        ("Interruptions", False, _overview_interruptions),
        ("Agent talks", True, _overview_share),
        ("Opening story", False, _overview_story),
        ("Dead air", False, _overview_dead_air),
        ("Answers after", True, _overview_latency),
        ("Recording", False, _overview_verdict),
    )
    return [
        _Column(
            (
                Text(header, style=palette.muted),
                *(
                    cell(row.document, style)
                    if row.document is not None
                    else Text("rejected" if header == "Recording" else "", style=palette.strong)
                    for row in rows
                ),
            ),
            is_right,
        )
        for header, is_right, cell in columns
    ]


def _overview_length(document: CallDocument, style: Style) -> Text:
    return Text(clock(round(document.call.duration_ms / 1000) * 1000))


def _overview_interruptions(document: CallDocument, style: Style) -> Text:
    if document.call.channel_mode == "mono":
        return Text("-")
    by = Counter(overlap.incomer for overlap in document.overlaps if overlap.counted)
    return Text.assemble(
        (f"{by[Channel.AGENT]} agent", style.palette.agent),
        "  ",
        (f"{by[Channel.CALLER]} caller", style.palette.caller),
    )


def _overview_share(document: CallDocument, style: Style) -> Text:
    share = document.metrics.M02
    return Text("-" if share is None else f"{share.agent_pct:.0f} %")


def _overview_story(document: CallDocument, style: Style) -> Text:
    story = document.opening_story
    if story is None:
        return Text("-")
    if story.cut_at is None:
        return Text(f"told, {length(story.length_ms)}")
    return Text(f"cut off at {length(max(0, story.cut_at - story.begin))}")


def _overview_dead_air(document: CallDocument, style: Style) -> Text:
    silent = [silence.length_ms for silence in document.silences if silence.kind == "dead_air"]
    return Text(f"{len(silent)} ({length(sum(silent))})" if silent else "none")


def _overview_latency(document: CallDocument, style: Style) -> Text:
    latency = document.metrics.M12
    return Text("-" if latency is None else style.signed_seconds(latency.median_ms))


def _overview_verdict(document: CallDocument, style: Style) -> Text:
    return Text(document.verdict.status)
