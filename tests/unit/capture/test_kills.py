"""TST-4: real kills of a recorder and of a recovery at random moments."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import soundfile

from callcoach.capture.archive import complete, write_flac
from callcoach.capture.journal import JournalWriter, read_journal
from callcoach.capture.marker import Marker, find_interrupted, start_call
from callcoach.clock import SAMPLE_RATE
from tests.support.storing import BOTH, FakeTime, FaultyStorage, counted

ROOT = Path(__file__).parents[3]
KILLS = 20


def run(*arguments: str) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "tests.support.killing", *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_killed_recorder_loses_at_most_half_a_second(tmp_path: Path) -> None:
    """DUR-1, and the call is found and finished afterwards."""
    kills = run("write", str(tmp_path), str(KILLS), str(random.randrange(1 << 30)))
    assert len(kills) == KILLS
    assert {call.folder.name for call in find_interrupted(tmp_path)} == {str(k["folder"]) for k in kills}
    for kill in kills:
        folder, last = tmp_path / str(kill["folder"]), int(str(kill["last"]))
        reading = read_journal(folder)
        assert reading.end >= last - SAMPLE_RATE // 2
        assert reading.damage == ()
        complete(folder, write_flac(folder))
        if not reading.end:  # killed before its first frame
            continue
        samples = soundfile.read(folder / "audio" / "call.flac", dtype="int16", always_2d=True)[0]
        np.testing.assert_array_equal(samples, counted(reading.end))
    assert max(int(str(kill["last"])) for kill in kills) > SAMPLE_RATE


def test_a_recovery_that_is_killed_again_and_again_ends_with_the_same_audio(tmp_path: Path) -> None:
    """DUR-8."""
    length = 200 * SAMPLE_RATE
    folder = tmp_path / "call"
    start_call(folder, Marker("call-1", datetime(2026, 1, 1, tzinfo=UTC))).release()
    journal = JournalWriter(folder, "call-1", clock=FakeTime(), storage=FaultyStorage(), roll_bytes=1 << 22)
    journal.write(0, counted(length), BOTH)
    journal.close()
    run("recover", str(folder), "15", str(random.randrange(1 << 30)))
    if find_interrupted(tmp_path):
        complete(folder, write_flac(folder))
    assert [path.name for path in (folder / "audio").iterdir()] == ["call.flac"]
    samples = soundfile.read(folder / "audio" / "call.flac", dtype="int16", always_2d=True)[0]
    np.testing.assert_array_equal(samples, counted(length))
