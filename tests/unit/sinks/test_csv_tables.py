"""Spreadsheet tables: complete, and no cell is taken for a formula (IMP-13)."""

from __future__ import annotations

import csv
import io

import pytest

from callcoach.contract import METRIC_KEYS, CueEntry, Metrics
from callcoach.contract import metrics as m
from callcoach.events import Channel
from callcoach.sinks.csv_tables import csv_tables, neutralise
from tests.support.call_documents import AGENT, said, small_document


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1", "=cmd|' /C calc'!A0"]
)
def test_imp13_text_that_looks_like_a_formula_is_neutralised(cell: str) -> None:
    assert neutralise(cell) == "'" + cell


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("a=b", "a=b"),
        ("", ""),
        (None, ""),
        (-120.5, "-120.5"),
        (3, "3"),
        (True, "true"),
        (Channel.AGENT, "agent"),
    ],
)
def test_everything_else_stays_as_it_is(cell: str | float | None, text: str) -> None:
    assert neutralise(cell) == text


def test_one_row_per_turn_with_its_words() -> None:
    turns = rows(csv_tables(small_document())["turns.csv"])
    assert [(row["role"], row["begin_ms"], row["phase"]) for row in turns] == [
        ("agent", "500", "opening"),
        ("caller", "3400", "story"),
        ("agent", "14300", "diagnose"),
        ("caller", "20500", "diagnose"),
        ("agent", "32000", "diagnose"),
    ]
    assert turns[2]["text"] == "What is the number on the label?"
    assert turns[1]["length_ms"] == "11600"


def test_every_list_has_its_table() -> None:
    tables = csv_tables(small_document())
    assert list(tables) == [
        *("turns.csv", "transcript.csv", "overlaps.csv", "silences.csv", "cues.csv", "metrics.csv")
    ]
    assert len(rows(tables["transcript.csv"])) == 6
    overlap = rows(tables["overlaps.csv"])[1]
    assert (overlap["incomer"], overlap["class"], overlap["counted"]) == ("agent", "floor_taking", "true")
    assert overlap["facts"] == '{"overlap_ms": 700, "other_stopped": true}'
    assert rows(tables["silences.csv"]) == [
        {"begin_ms": "24000", "end_ms": "32000", "length_ms": "8000", "kind": "dead_air", "owner": "agent"}
    ]
    assert rows(tables["cues.csv"]) == []


def test_words_that_look_like_formulas_are_neutralised_in_every_table() -> None:
    bad = '=HYPERLINK("x"),\n"quoted"'
    cue = CueEntry(
        id="C01",
        key="@key",
        opened=1,
        closed=2,
        known_at=3,
        shown=True,
        suppressed_by=None,
        text="+1",
        evidence=((1, 2),),
    )
    tables = csv_tables(small_document(transcript=(said(AGENT, 500, 3000, bad),), cues=(cue,)))
    assert rows(tables["transcript.csv"])[0]["text"] == "'" + bad
    assert rows(tables["turns.csv"])[0]["text"].startswith("'=HYPERLINK")
    cues = rows(tables["cues.csv"])[0]
    assert (cues["key"], cues["text"], cues["evidence_ms"]) == ("'@key", "'+1", "[[1, 2]]")
    for table in tables.values():
        for row in csv.reader(io.StringIO(table, newline="")):
            for cell in row:
                assert not cell.startswith(("=", "+", "@", "\t", "\r"))


def test_metrics_name_every_value_and_every_reason() -> None:
    document = small_document(
        metrics=Metrics(
            M12=m.LatencySummary(median_ms=-120, p10_ms=-300, p90_ms=900, n=4), why_null={"M01": "no audio"}
        )
    )
    table = rows(csv_tables(document)["metrics.csv"])
    assert {row["id"] for row in table} == set(METRIC_KEYS)
    found = {row["field"]: row["value"] for row in table if row["id"] == "M12"}
    assert found == {"median_ms": "-120.0", "p10_ms": "-300.0", "p90_ms": "900.0", "n": "4"}
    assert next(row for row in table if row["id"] == "M01")["why_null"] == "no audio"
