"""Overlaps: counted interruptions, classes, backchannels and the opening story of the synthetic calls."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench.lab import Lab, percent, truth_path
from tests.bench.scoring import Score, score_call
from tests.bench.table import CHECKOUT, Row, Skipped, say

SECTION: Final = "interruptions"
TOOL: Final = CHECKOUT.parent / "shared" / "tools" / "score_calls.py"
PRECISION: Final = 0.90
RECALL: Final = 0.85
BACKCHANNELS_COUNTED: Final = 0.03
CLASSES: Final = 0.80
HEARD: Final = 0.95


def run(lab: Lab) -> list[Row]:
    """Score the product on the shared calls and on the shipped ones."""
    try:
        rows = _rows(lab, "synthetic_calls", lab.calls(), bars=True)
    except Skipped as reason:
        rows = [Row(SECTION, "synthetic_calls", "", f"skipped: {reason}")]
    return rows + _rows(lab, "samples", lab.samples(), bars=False)


def _rows(lab: Lab, name: str, recordings: Sequence[Path], *, bars: bool) -> list[Row]:
    total = Score()
    for recording in recordings:
        say(f"{SECTION}: {recording.stem}")
        total.add(score_call(lab.analyse(recording).folder / "call.json", truth_path(recording)))
    details = tuple(total.misses)

    def row(figure: str, bar: str, right: int, of: int, passed: bool, lines: Sequence[str] = details) -> Row:
        share = percent(right / of) if of else "none there"
        return Row(
            SECTION,
            f"{name}: {figure}",
            bar if bars else "",
            f"{share} ({right} of {of})",
            passed if bars else None,
            {"right": right, "of": of},
            tuple(lines),
        )

    wrong = total.backchannels_counted / total.backchannels if total.backchannels else 0.0
    classes = total.right_class / total.matched if total.matched else 1.0
    heard = total.short_backchannels_found / total.short_backchannels if total.short_backchannels else 1.0
    counted = [line for line in details if "counted" in line]
    rows = [
        row(
            "counted interruptions, precision",
            f">= {PRECISION:.2f}",
            total.right_counted,
            total.found_counted,
            total.precision >= PRECISION,
            counted,
        ),
        row(
            "counted interruptions, recall",
            f">= {RECALL:.2f}",
            total.right_counted,
            total.true_counted,
            total.recall >= RECALL,
            counted,
        ),
        row(
            "backchannels counted as interruptions",
            f"<= {BACKCHANNELS_COUNTED:.0%}",
            total.backchannels_counted,
            total.backchannels,
            wrong <= BACKCHANNELS_COUNTED,
            counted,
        ),
        row(
            "overlap class right",
            f">= {CLASSES:.2f}",
            total.right_class,
            total.matched,
            classes >= CLASSES,
            [line for line in details if " called " in line],
        ),
        row(
            "story completed or cut",
            "every call",
            total.right_stories,
            total.stories,
            total.right_stories == total.stories,
            [line for line in details if "story" in line],
        ),
        row(
            "backchannels of 0.25-0.8 s heard as speech",
            f">= {HEARD:.2f}",
            total.short_backchannels_found,
            total.short_backchannels,
            heard >= HEARD,
            [line for line in details if "heard" in line],
        ),
    ]
    if bars and not lab.quick and TOOL.is_file():
        rows.append(_other_scorer(total, recordings, lab))
    return rows


def _other_scorer(total: Score, recordings: Sequence[Path], lab: Lab) -> Row:
    """Score the same folders with the shared tool; both must come to the same counts."""
    spec = importlib.util.spec_from_file_location("score_calls", TOOL)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    results = lab.analyse(recordings[0]).folder.parent
    theirs: dict[str, Any] = tool.score(str(results), str(recordings[0].parent))
    ours = {
        "right": total.right_counted,
        "found": total.found_counted,
        "true": total.true_counted,
        "backchannels counted": total.backchannels_counted,
        "backchannels": total.backchannels,
        "stories": total.right_stories,
        "class": round(total.right_class / total.matched, 6) if total.matched else None,
    }
    other = {
        "right": theirs["interruptions"]["tp"],
        "found": theirs["interruptions"]["found"],
        "true": theirs["interruptions"]["truth"],
        "backchannels counted": theirs["backchannels"]["counted_as_interruption"],
        "backchannels": theirs["backchannels"]["truth"],
        "stories": theirs["story"][0],
        "class": round(theirs["overlap_class_accuracy"], 6) if total.matched else None,
    }
    lines = tuple(f"{key}: {ours[key]} here, {other[key]} there" for key in ours if ours[key] != other[key])
    measured = "the same counts" if not lines else f"{len(lines)} counts differ"
    return Row(
        SECTION, "the same folders scored by score_calls.py", "the same", measured, not lines, {}, lines
    )
