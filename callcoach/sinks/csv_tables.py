"""Spreadsheet tables of a call: one file per list, one row per entry."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from callcoach.contract import METRIC_KEYS, CallDocument
from callcoach.sinks._texts import spoken_turns

Cell = str | int | float | bool | None

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The last four are the full-width forms of the first four."""
_CONTROL_STARTS: Final = ("\t", "\r", "\n")

_CUE_COLUMNS: Final = (
    *("id", "key", "opened_ms", "closed_ms", "known_at_ms"),
    *("shown", "suppressed_by", "text", "facts", "evidence_ms"),
)


def neutralise(cell: Cell) -> str:
    """Return the text of a cell that no spreadsheet takes for a formula.

    Text that begins with ``=``, ``+``, ``-`` or ``@`` (also in full width, also after blanks), or
    with a tab or a line end, gets an apostrophe in front. Numbers stay numbers, truth values become
    ``true`` and ``false``, None an empty cell.
    """
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if not isinstance(cell, str):
        return str(cell)
    risky = cell.startswith(_CONTROL_STARTS) or cell.lstrip().startswith(_FORMULA_STARTS)
    return f"'{cell}" if risky else cell


def csv_tables(document: CallDocument) -> dict[str, str]:
    """Return the text of every table by file name (RFC 4180, UTF-8, times in milliseconds)."""
    return {
        "turns.csv": _table(
            ("role", "begin_ms", "end_ms", "length_ms", "phase", "text"), _turn_rows(document)
        ),
        "transcript.csv": _table(
            ("role", "begin_ms", "end_ms", "kind", "words", "text"),
            ((e.role, e.begin, e.end, e.kind, len(e.words), e.text) for e in document.transcript),
        ),
        "overlaps.csv": _table(
            ("incomer", "begin_ms", "end_ms", "class", "counted", "weight", "confidence", "facts"),
            (
                (
                    o.incomer,
                    o.begin,
                    o.end,
                    o.overlap_class,
                    o.counted,
                    o.weight,
                    o.confidence,
                    _plain(o.facts),
                )
                for o in document.overlaps
            ),
        ),
        "silences.csv": _table(
            ("begin_ms", "end_ms", "length_ms", "kind", "owner"),
            ((s.begin, s.end, s.length_ms, s.kind, s.owner) for s in document.silences),
        ),
        "cues.csv": _table(_CUE_COLUMNS, _cue_rows(document)),
        "metrics.csv": _table(("id", "key", "field", "value", "why_null"), _metric_rows(document)),
    }


def _turn_rows(document: CallDocument) -> Iterable[Sequence[Cell]]:
    phases = {(turn.role, turn.begin, turn.end): turn.phase for turn in document.turns}
    for turn in spoken_turns(document):
        phase = phases.get((turn.role, turn.begin, turn.end)) if turn.role is not None else None
        yield turn.role, turn.begin, turn.end, turn.end - turn.begin, phase, turn.text


def _cue_rows(document: CallDocument) -> Iterable[Sequence[Cell]]:
    for cue in document.cues:
        times = (cue.opened, cue.closed, cue.known_at)
        fate = (cue.shown, cue.suppressed_by, cue.text)
        yield (cue.id, cue.key, *times, *fate, _plain(cue.facts), _plain(cue.evidence))


def _metric_rows(document: CallDocument) -> Iterable[Sequence[Cell]]:
    values = document.metrics.model_dump(mode="json")
    for identifier, key in METRIC_KEYS.items():
        value = values[identifier]
        if value is None:
            yield identifier, key, None, None, document.metrics.why_null[identifier]
            continue
        for name, entry in value.items():
            cell = entry if isinstance(entry, Cell) else _plain(entry)
            yield identifier, key, name, cell, None


def _plain(value: Mapping[str, object] | Sequence[object]) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""


def _table(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([neutralise(cell) for cell in row] for row in rows)
    return text.getvalue()
