"""Both speakers over time, as lines of terminal text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from callcoach.contract import CallDocument
from callcoach.events import Channel
from callcoach.sinks._style import Style, clock, length

LABEL_WIDTH: Final = 8
"""Columns left of the lanes."""
ROW_MS: Final = (10, 15, 20, 30, 60, 90, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 14_400)
"""Lengths of one row, in seconds, that give round ticks."""
USUAL_ROW_S: Final = 60
MAX_ROWS: Final = 6
"""A call of up to 6 min is shown minute by minute; longer ones get longer rows, to fit one screen."""
TICK_S: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)
MIN_TICK_CELLS: Final = 10
FINE_CELL_MS: Final = 2000
"""Up to 2 s per cell single phrases can be seen; above, the height of a cell tells the share of speech."""


@dataclass(frozen=True, slots=True)
class _Grid:
    """Cells of one row: ``row_ms`` spread over ``cells``."""

    row_ms: int
    cells: int

    @property
    def cell_ms(self) -> float:
        return self.row_ms / self.cells

    def cell(self, ms: float) -> int:
        return min(self.cells - 1, max(0, int(ms / self.cell_ms)))


def timeline(document: CallDocument, width: int, style: Style) -> list[Text]:
    """Return the lines of the timeline, each at most ``width`` columns wide, with a legend at the end.

    Per row of time: an axis, one lane for each side (one lane in all for a mono recording), and a
    line of marks where there are any.
    """
    duration = max(1, document.call.duration_ms)
    fitting = [s * 1000 for s in ROW_MS if duration <= s * 1000 * (1 if s < USUAL_ROW_S else MAX_ROWS)]
    row_ms = fitting[0] if fitting else -(-duration // MAX_ROWS)
    grid = _Grid(row_ms, max(10, width - LABEL_WIDTH - 1))
    lanes: tuple[Channel | None, ...] = (Channel.AGENT, Channel.CALLER)
    if document.call.channel_mode == "mono":
        lanes = (None,)
    lines: list[Text] = []
    for begin in range(0, duration, row_ms):
        if lines:
            lines.append(Text())
        end = min(begin + row_ms, duration)
        lines.append(_axis(begin, end, grid, style))
        lines.extend(_lane(document, role, begin, end, grid, style) for role in lanes)
        marks = _marks(document, begin, end, grid, style)
        if marks.plain.strip():
            lines.append(marks)
    return [*lines, Text(), *_legend(document, grid, width, style)]


def _axis(begin: int, end: int, grid: _Grid, style: Style) -> Text:
    step = next((s * 1000 for s in TICK_S if s * 1000 / grid.cell_ms >= MIN_TICK_CELLS), grid.row_ms)
    line = [" "] * (grid.cells + 1)
    for position in range(0, grid.row_ms + 1, step):
        label = clock(begin + position)
        column = round(position / grid.cell_ms)
        if begin + position <= end and column + len(label) <= len(line):
            line[column : column + len(label)] = label
    return Text(" " * LABEL_WIDTH + "".join(line).rstrip(), style=style.palette.muted, no_wrap=True)


def _lane(
    document: CallDocument, role: Channel | None, begin: int, end: int, grid: _Grid, style: Style
) -> Text:
    name = {Channel.AGENT: "Agent", Channel.CALLER: "Caller", None: "Speech"}[role]
    text = Text(f"{name:<{LABEL_WIDTH}}", style=style.palette.of(role), no_wrap=True)
    speech = list(_clip(((s.begin, s.end) for s in document.segments if s.role is role), begin, end))
    floor = [(t.begin - begin, t.end - begin) for t in document.turns if t.role is role]
    if grid.cell_ms > FINE_CELL_MS:
        signs = _levels(speech, grid, style)
    else:
        signs = _halves(speech, floor if document.turns else None, grid, style)
    quiet = list(_quiet(document, role, begin, end, grid, style))
    for column, sign in quiet:
        if signs[column] == " ":
            signs[column] = sign
    quiet_columns = {column for column, sign in quiet if signs[column] == sign}
    for column, sign in enumerate(signs):
        text.append(sign, style.palette.muted if column in quiet_columns else style.palette.of(role))
    last = grid.cell(end - begin - 1) + 1
    text.truncate(LABEL_WIDTH + last)
    if end == document.call.duration_ms:
        text.append(style.glyphs.end, style.palette.muted)
    else:
        text.rstrip()
    return text


def _clip(spans: Iterator[tuple[int, int]], begin: int, end: int) -> Iterator[tuple[int, int]]:
    for first, last in spans:
        if first < end and last > begin:
            yield max(first, begin) - begin, min(last, end) - begin


def _halves(
    speech: Sequence[tuple[int, int]], floor: Sequence[tuple[int, int]] | None, grid: _Grid, style: Style
) -> list[str]:
    half_ms = grid.cell_ms / 2
    states = [0] * (grid.cells * 2)
    for begin, end in speech:
        first = min(len(states) - 1, round(begin / half_ms))
        for i in range(first, max(first + 1, min(len(states), round(end / half_ms)))):
            middle = min(max((i + 0.5) * half_ms, begin), end - 1)
            holds = floor is None or any(a <= middle < b for a, b in floor)
            states[i] = max(states[i], 2 if holds else 1)
    return [style.glyphs.halves[states[i]][states[i + 1]] for i in range(0, len(states), 2)]


def _levels(speech: Sequence[tuple[int, int]], grid: _Grid, style: Style) -> list[str]:
    spoken = [0.0] * grid.cells
    for begin, end in speech:
        for column in range(grid.cell(begin), grid.cell(end - 1) + 1):
            cell_begin = column * grid.cell_ms
            spoken[column] += max(0.0, min(end, cell_begin + grid.cell_ms) - max(begin, cell_begin))
    top = len(style.glyphs.levels) - 1
    return [
        style.glyphs.levels[min(top, max(1, round(top * ms / grid.cell_ms)))] if ms else " " for ms in spoken
    ]


def _quiet(
    document: CallDocument, role: Channel | None, begin: int, end: int, grid: _Grid, style: Style
) -> Iterator[tuple[int, str]]:
    """Yield cells of dead air and holds, in the lane of their owner or in all lanes when nobody's."""
    for silence in document.silences:
        if silence.kind == "gap" or silence.owner not in (role, None):
            continue
        sign = style.glyphs.hold if silence.kind == "hold" else style.glyphs.dead_air
        for first, last in _clip(iter([(silence.begin, silence.end)]), begin, end):
            yield from ((column, sign) for column in range(grid.cell(first), grid.cell(last - 1) + 1))


def interruption_numbers(document: CallDocument) -> dict[int, int]:
    """Return the running number (from 1, by time) of every counted overlap, by its index."""
    counted = [(o.begin, i) for i, o in enumerate(document.overlaps) if o.counted]
    return {i: number for number, (_, i) in enumerate(sorted(counted), start=1)}


def _marks(document: CallDocument, begin: int, end: int, grid: _Grid, style: Style) -> Text:
    """Place marks first, words where room is left."""
    palette, glyphs = style.palette, style.glyphs
    line: list[tuple[str, str]] = [(" ", "")] * grid.cells

    def put(ms: int, text: str, look: str, *, gap: int = 0) -> None:
        column = grid.cell(ms - begin)
        lead = max(0, column - gap)
        room = line[lead : column + len(text) + gap]
        if begin <= ms < end and column + len(text) <= grid.cells and all(sign == " " for sign, _ in room):
            line[column : column + len(text)] = [(sign, look) for sign in text]

    numbers = interruption_numbers(document)
    for i, running in numbers.items():
        overlap = document.overlaps[i]
        look = palette.of(overlap.incomer)
        put(overlap.begin, f"{glyphs.interruption}{running}", look)
        put(overlap.begin, glyphs.interruption, look)
    story = document.opening_story
    if story is not None:
        at = story.end - 1 if story.cut_at is None else story.cut_at
        sign = glyphs.story_end if story.cut_at is None else glyphs.story_cut
        for shift in range(4):
            # Beside the mark of the interruption that cut it, when there is one.
            if line[min(grid.cells - 1, grid.cell(at - begin) + shift)][0] == " ":
                put(at + round(shift * grid.cell_ms), sign, palette.strong)
                break
    for silence in document.silences:
        if silence.kind != "gap":
            word = "hold" if silence.kind == "hold" else "silence"
            put(silence.begin, f"{word} {length(silence.length_ms)}", palette.muted, gap=1)
    text = Text(" " * LABEL_WIDTH, no_wrap=True)
    for sign, look in line:
        text.append(sign, look)
    text.rstrip()
    return text


def _legend(document: CallDocument, grid: _Grid, width: int, style: Style) -> list[Text]:
    """Explain the signs that occur."""
    glyphs = style.glyphs
    entries: list[tuple[str, str]] = []
    if grid.cell_ms > FINE_CELL_MS:
        entries.append((glyphs.levels[3] + glyphs.levels[-1], "share of the time with speech"))
    elif document.turns:
        entries.append((glyphs.floor, "holds the floor"))
        entries.append((glyphs.beside, "speaks beside it"))
    if any(o.counted for o in document.overlaps):
        entries.append((glyphs.interruption, "interruption"))
    if document.opening_story is not None:
        completed = document.opening_story.completed
        sign = glyphs.story_end if completed else glyphs.story_cut
        entries.append((sign, "story told" if completed else "story cut off"))
    kinds = {silence.kind for silence in document.silences}
    if kinds & {"dead_air", "narrated"}:
        entries.append((glyphs.dead_air * 2, "nobody speaks"))
    if "hold" in kinds:
        entries.append((glyphs.hold * 2, "hold"))
    lines: list[Text] = []
    for sign, meaning in entries:
        entry = f"{sign} {meaning}"
        if lines and lines[-1].cell_len + 3 + len(entry) <= width:
            lines[-1].append(f"   {entry}")
        else:
            lines.append(Text(" " * LABEL_WIDTH + entry, style=style.palette.muted, no_wrap=True))
    return lines
