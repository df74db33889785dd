"""Cost: time of a two-channel call in callcoach and in plain faster-whisper, taken turns about in one run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import soundfile

from tests.bench.lab import Lab
from tests.bench.table import Row, Skipped, say

SECTION: Final = "cost"
RATIO: Final = 0.4


def run(lab: Lab) -> list[Row]:
    """Time the synthetic calls, or the shipped ones when those are not here."""
    name = "synthetic_calls"
    try:
        recordings: Sequence[Path] = lab.calls()
    except Skipped:
        name, recordings = "samples", lab.samples()
    _ = lab.recogniser, lab.plain_model  # loaded and used once before anything is timed
    lines = []
    ours_wall = ours_cpu = plain_wall = plain_cpu = seconds = 0.0
    for index, recording in enumerate(recordings):
        say(f"{SECTION}: {recording.stem}, {index + 1} of {len(recordings)}")
        if index % 2:
            plain, ours = lab.plain(recording).cost, lab.analyse(recording).cost
        else:
            ours, plain = lab.analyse(recording).cost, lab.plain(recording).cost
        ours_wall, ours_cpu = ours_wall + ours.wall, ours_cpu + ours.cpu
        plain_wall, plain_cpu = plain_wall + plain.wall, plain_cpu + plain.cpu
        seconds += soundfile.info(recording).duration
        lines.append(
            f"{recording.stem}: {ours.wall:.1f} s and {plain.wall:.1f} s ({ours.wall / plain.wall:.2f}), "
            f"{ours.cpu:.1f} s and {plain.cpu:.1f} s processor ({ours.cpu / plain.cpu:.2f})"
        )
    what = f"{len(recordings)} calls of {name}, {seconds / 60:.1f} min"
    ratio, cpu_ratio = ours_wall / plain_wall, ours_cpu / plain_cpu
    return [
        Row(
            SECTION,
            "time beside plain faster-whisper on both channels",
            f"<= {RATIO}",
            f"{ratio:.2f} ({ours_wall:.0f} s and {plain_wall:.0f} s for {what})",
            ratio <= RATIO,
            {"ratio": ratio, "ours_s": ours_wall, "plain_s": plain_wall, "call_s": seconds},
            tuple(lines),
        ),
        Row(
            SECTION,
            "the same as processor time of all threads",
            "",
            f"{cpu_ratio:.2f} ({ours_cpu:.0f} s and {plain_cpu:.0f} s)",
            None,
            {"ratio": cpu_ratio, "ours_s": ours_cpu, "plain_s": plain_cpu},
        ),
        Row(
            SECTION,
            "real-time factor of a two-channel call",
            "",
            f"{ours_wall / seconds:.3f} (plain {plain_wall / seconds:.3f})",
            None,
            {"rtf": ours_wall / seconds, "plain_rtf": plain_wall / seconds},
        ),
    ]
