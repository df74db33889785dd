"""Interrupted calls are found by their marker; running ones are left alone; no lock outlives its process."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from callcoach.capture.journal import JournalWriter, read_journal
from callcoach.capture.marker import (
    Marker,
    claim_call,
    find_interrupted,
    is_running,
    read_marker,
    set_aside,
    start_call,
)
from callcoach.errors import StoreError
from tests.support.storing import BOTH, FAULTS, FakeTime, FaultyStorage, counted, every_step

ROOT = Path(__file__).parents[3]
MARKER = Marker(
    "call-1",
    datetime(2026, 3, 29, 3, 30, tzinfo=timezone(timedelta(hours=2))),
    "Europe/Berlin",
    settings={"asr": {"model": "base"}, "profile": None, "note": "Größe"},
)


def found(out: Path) -> list[str]:
    return [call.folder.name for call in find_interrupted(out)]


def test_the_marker_comes_back_with_its_zone_and_settings(tmp_path: Path) -> None:
    old_mask = os.umask(0)
    try:
        lock = start_call(tmp_path / "call", MARKER)
    finally:
        os.umask(old_mask)
    audio = tmp_path / "call" / "audio"
    assert read_marker(tmp_path / "call") == MARKER
    assert read_journal(tmp_path / "call").marker == MARKER
    assert read_journal(tmp_path / "call").call_id == "call-1"
    assert [path.name for path in audio.iterdir()] == ["recording.json"]
    assert stat.S_IMODE((audio / "recording.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(audio.stat().st_mode) == 0o700
    assert json.loads((audio / "recording.json").read_text("utf-8"))["started_at"].endswith("+02:00")
    lock.release()


def test_a_running_call_is_not_an_interrupted_one(tmp_path: Path) -> None:
    lock = start_call(tmp_path / "call", MARKER)
    assert found(tmp_path) == []
    assert is_running(tmp_path / "call")
    assert claim_call(tmp_path / "call") is None
    lock.release()
    lock.release()
    assert found(tmp_path) == ["call"]
    assert not is_running(tmp_path / "call")


def test_a_call_whose_journal_is_still_written_is_running(tmp_path: Path) -> None:
    """The session may die before the capture process has closed the journal."""
    start_call(tmp_path / "call", MARKER).release()
    journal = JournalWriter(tmp_path / "call", "call-1", clock=FakeTime())
    journal.write(0, counted(4000), BOTH)
    assert found(tmp_path) == []
    assert claim_call(tmp_path / "call") is None
    journal.close()
    assert found(tmp_path) == ["call"]
    claim = claim_call(tmp_path / "call")
    assert claim is not None
    with claim:
        assert claim_call(tmp_path / "call") is None, "one recovery at a time"
    assert claim_call(tmp_path / "call") is not None


def test_a_lock_goes_with_its_process(tmp_path: Path) -> None:
    """A stale lock never blocks: the process that held it is killed."""
    code = (
        "import sys, time; from datetime import UTC, datetime; from pathlib import Path\n"
        "from callcoach.capture.marker import Marker, start_call\n"
        "lock = start_call(Path(sys.argv[1]), Marker('call-1', datetime.now(UTC)))\n"
        "print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "call")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert found(tmp_path) == []
        process.kill()
        process.wait()
    assert found(tmp_path) == ["call"]
    assert claim_call(tmp_path / "call") is not None


def test_only_a_marker_makes_an_interrupted_call(tmp_path: Path) -> None:
    """DUR-8: never guessed from missing files."""
    (tmp_path / "analysed").mkdir()
    (tmp_path / "analysed" / "call.json").write_text("{}", "utf-8")
    (tmp_path / "a file").write_text("", "utf-8")
    JournalWriter(tmp_path / "no marker", "x", clock=FakeTime()).close()
    assert found(tmp_path) == found(tmp_path / "missing") == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"call": 5}', b'{"call": "x"}', b"\xff\xfe"])
def test_a_damaged_marker_still_tells_that_there_is_a_call(content: bytes, tmp_path: Path) -> None:
    start_call(tmp_path / "call", MARKER).release()
    journal = JournalWriter(tmp_path / "call", "call-1", clock=FakeTime())
    journal.write(0, counted(4000), BOTH)
    journal.close()
    (tmp_path / "call" / "audio" / "recording.json").write_bytes(content)
    (call,) = find_interrupted(tmp_path)
    assert call.marker is None
    assert (read_journal(call.folder).call_id, read_journal(call.folder).end) == ("call-1", 4000)


def test_a_folder_with_an_unfinished_call_takes_no_other(tmp_path: Path) -> None:
    start_call(tmp_path, MARKER).release()
    with pytest.raises(StoreError, match="was not finished; run `callcoach recover`"):
        start_call(tmp_path, MARKER)


def test_without_a_marker_there_is_nothing_to_claim_or_set_aside(tmp_path: Path) -> None:
    for step in (claim_call, set_aside):
        with pytest.raises(StoreError, match="holds no interrupted call"):
            step(tmp_path)


@pytest.mark.parametrize("fault", ["no space", "input/output", "permission"])
def test_a_marker_that_cannot_be_written_leaves_no_call(fault: str, tmp_path: Path) -> None:
    told: list[str] = []
    for storage in every_step(fault):
        folder = tmp_path / str(storage.fail_at)
        try:
            start_call(folder, MARKER, storage=storage).release()
        except StoreError as error:
            told.append(str(error))
            assert list((folder / "audio").iterdir()) == []
    # all but the lock, without which a call goes on
    assert len(told) == 6
    assert all("recording.json" in text and os.strerror(FAULTS[fault]) in text for text in told)


def test_a_file_system_without_locks_blocks_nobody(tmp_path: Path) -> None:
    storage = FaultyStorage(broken={"lock": "permission"})
    start_call(tmp_path / "call", MARKER, storage=storage).release()
    assert [c.folder.name for c in find_interrupted(tmp_path, storage=storage)] == ["call"]
    assert claim_call(tmp_path / "call", storage=storage) is not None


def test_a_thousand_folders_are_looked_through_within_two_seconds(tmp_path: Path) -> None:
    """DUR-8."""
    for number in range(1000):
        audio = tmp_path / f"call-{number:04d}" / "audio"
        audio.mkdir(parents=True)
        if number % 10 == 0:
            (audio / "recording.json").write_text(MARKER.to_json(), "utf-8")
        else:
            (audio.parent / "call.json").touch()
    begun = time.perf_counter()
    calls = find_interrupted(tmp_path)
    assert time.perf_counter() - begun < 2
    assert [call.folder.name for call in calls] == [f"call-{n:04d}" for n in range(0, 1000, 10)]
    assert all(call.marker == MARKER for call in calls)


def test_a_marker_of_utc_needs_no_zone(tmp_path: Path) -> None:
    marker = Marker("x", datetime(2026, 1, 1, tzinfo=UTC))
    start_call(tmp_path, marker).release()
    assert read_marker(tmp_path) == marker
