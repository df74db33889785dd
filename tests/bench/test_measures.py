"""The measures themselves: a wrong one would make every figure worthless."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bench.activity import f1, mask
from tests.bench.hostile import judge
from tests.bench.scoring import Mark, Score, edits, match, score_call, words_of
from tests.bench.table import BEGIN, END, Row, verdict, write
from tests.bench.words import spell
from tests.support.bad_inputs import BadInput

TRUTH: dict[str, Any] = {
    "name": "x",
    "overlaps": [
        {"start": 10.0, "end": 11.0, "incomer": 0, "class": "floor_taking", "counted": True},
        {"start": 20.0, "end": 20.4, "incomer": 0, "class": "backchannel", "counted": False},
    ],
    "backchannels": [{"start": 20.0, "end": 20.4, "channel": 0}],
    "opening_story": {"completed": False},
}


def found(**changes: object) -> dict[str, object]:
    """Return a call.json that agrees with ``TRUTH``, apart from the changes."""
    right: dict[str, object] = {
        "overlaps": [
            {"begin": 10_300, "end": 11_000, "incomer": "agent", "class": "floor_taking", "counted": True},
            {"begin": 20_000, "end": 20_400, "incomer": "agent", "class": "backchannel", "counted": False},
        ],
        "segments": [{"begin": 20_050, "end": 20_400, "role": "agent"}],
        "opening_story": {"completed": False},
    }
    return {**right, **changes}


def scored(folder: Path, call: dict[str, object]) -> Score:
    (folder / "call.json").write_text(json.dumps(call), encoding="utf-8")
    (folder / "x.truth.json").write_text(json.dumps(TRUTH), encoding="utf-8")
    return score_call(folder / "call.json", folder / "x.truth.json")


def test_a_right_call_has_no_miss(tmp_path: Path) -> None:
    score = scored(tmp_path, found())
    assert not score.misses
    assert (score.precision, score.recall) == (1, 1)
    assert (score.matched, score.right_class, score.right_stories) == (2, 2, 1)
    assert (score.short_backchannels, score.short_backchannels_found) == (1, 1)


def test_an_interruption_by_the_other_party_is_missed_and_false(tmp_path: Path) -> None:
    overlaps = [
        {"begin": 10_300, "end": 11_000, "incomer": "caller", "class": "floor_taking", "counted": True}
    ]
    score = scored(tmp_path, found(overlaps=overlaps))
    assert (score.precision, score.recall) == (0, 0)
    assert len([line for line in score.misses if "counted" in line]) == 2


def test_a_counted_backchannel_a_wrong_story_and_a_deaf_mask_are_seen(tmp_path: Path) -> None:
    overlaps = [{"begin": 20_000, "end": 20_400, "incomer": "agent", "class": "butting_in", "counted": True}]
    score = scored(tmp_path, found(overlaps=overlaps, segments=[], opening_story=None))
    assert score.backchannels_counted == 1
    assert score.backchannels_found == 0
    assert (score.matched, score.right_class) == (1, 0)
    assert (score.stories, score.right_stories) == (1, 0)


def test_each_mark_is_used_once_and_the_nearest_wins() -> None:
    true = [Mark(1.0, 1.5, "agent"), Mark(1.4, 1.9, "agent")]
    assert match(true, [Mark(1.3, 1.6, "agent")]) == [(1, 0)]
    assert match(true, [Mark(2.5, 3.0, "agent")]) == []


def test_word_errors() -> None:
    assert words_of("Um, it\u2019s the VPN - twenty-six!") == ["it's", "the", "vpn", "twenty", "six"]
    assert edits(list("abc"), list("axcd")) == 2
    assert edits([], ["a"]) == edits(["a"], []) == 1


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ("26", "twenty six"),
        ("205", "two hundred five"),
        ("1455", "fourteen fifty five"),
        ("1905", "nineteen oh five"),
        ("2000", "two thousand"),
        ("0042", "zero zero four two"),
        ("vpn", "vpn"),
    ],
)
def test_figures_are_spelt_as_a_voice_reads_them(figures: str, words: str) -> None:
    assert spell([figures]) == words.split()


def test_f1_of_masks() -> None:
    true, said = mask([(0.0, 1.0)], 2.0), mask([(0.5, 1.5)], 2.0)
    assert np.sum(true) == np.sum(said) == 100
    assert f1([(true, said)]) == pytest.approx((0.5, 0.5, 0.5))
    assert f1([(true, np.zeros_like(true))]) == (0, 0, 0)


def test_a_file_is_judged_by_what_the_command_line_makes_of_it(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(b"no recording at all, but a line of text\n")
    right = judge(BadInput("text", path, frozenset({"rejected"}), 0), tmp_path / "a")
    assert (right.outcome, right.traceback, right.invented, right.wrong) == ("rejected", False, False, ())
    assert judge(BadInput("text", path, frozenset({"ok"}), 0), tmp_path / "b").wrong


def test_the_page_keeps_what_is_written_by_hand(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(f"# Ours\n\n{BEGIN}\nold\n{END}\n\nA remark.\n", encoding="utf-8")
    rows = [Row("s", "f", "< 1", "2", False, details=("why",)), Row("s", "g", "", "skipped: not here")]
    write(page, rows, {"date": "today"}, "")
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Ours\n")
    assert text.endswith("A remark.\n")
    assert "old" not in text
    assert "| s | f | < 1 | 2 | MISSED |" in text
    assert "* why" in text
    assert [verdict(row) for row in rows] == ["MISSED", "skipped"]
