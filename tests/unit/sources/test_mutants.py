"""IMP-1: random damage to every kind of recording ends in a verdict or in one sentence."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from callcoach.errors import CallCoachError
from callcoach.sources.file import open_recording
from tests.support.bad_shapes import recording_shapes
from tests.support.mutants import mutants

COUNT = int(os.environ.get("CALLCOACH_MUTANTS", "500"))
SEED = int(os.environ.get("CALLCOACH_SEED", "1"))
SECONDS_MAX = 10.0
AUDIO_MAX = 3_700.0
"""Seconds; a believed gap of an hour is the most that one changed time stamp can add."""


def test_mutants_end_in_a_verdict_or_one_sentence(tmp_path: Path) -> None:
    print(f"seed {SEED}, {COUNT} mutants")  # noqa: T201 - shown when it fails
    shapes = [
        shape for shape in recording_shapes() if shape.expected == {"ok"} and isinstance(shape.data, bytes)
    ]
    originals = [
        shape.data for shape in shapes if isinstance(shape.data, bytes) and len(shape.data) < 400_000
    ]
    path = tmp_path / "call"
    sentences: set[str] = set()
    outcomes = {"ok": 0, "salvaged": 0, "rejected": 0}
    for number, (index, data) in enumerate(mutants(originals, COUNT, SEED)):
        path.write_bytes(data)
        begin = time.monotonic()
        try:
            source = open_recording(path)
        except CallCoachError as error:
            outcomes["rejected"] += 1
            sentences.add(str(error))
            continue
        found = 0
        for block in source.blocks():
            assert np.isfinite(block).all(), f"mutant {number} of original {index}"
            found += len(block)
        source.close()
        outcomes[source.verdict.status] += 1
        assert found <= AUDIO_MAX * source.rate, f"mutant {number} of original {index}"
        assert time.monotonic() - begin < SECONDS_MAX, f"mutant {number} of original {index}"
    assert all(sentence.isprintable() for sentence in sentences)
    assert min(outcomes.values()) > 0, outcomes
