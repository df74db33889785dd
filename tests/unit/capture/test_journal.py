"""The journal: what is written comes back, whatever the disk does."""

from __future__ import annotations

import os
import re
import resource
import shutil
import stat
import subprocess
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from callcoach.capture.journal import FRAME_SAMPLES, JournalReading, JournalWriter, read_journal
from callcoach.capture.journal_format import (
    EDITED_FLAG,
    HEADER_BYTES,
    MAGIC,
    MAX_FRAME_SAMPLES,
    Kind,
    unpack_header,
)
from callcoach.clock import Samples, Span
from callcoach.errors import StoreError
from callcoach.events import Channel
from tests.support.storing import BOTH, FAULTS, FakeTime, FaultyStorage, counted, every_step

SECOND = 16_000
AGENT, CALLER = BOTH


def writer(folder: Path, storage: FaultyStorage | None = None, **more: int) -> JournalWriter:
    return JournalWriter(folder, "call-1", clock=FakeTime(), storage=storage or FaultyStorage(), **more)


def spans(*pairs: tuple[int, int]) -> tuple[Span, ...]:
    return tuple(Span(Samples(a), Samples(b)) for a, b in pairs)


def feed(journal: JournalWriter, start: int, end: int, block: int = 1600) -> None:
    for position in range(start, end, block):
        count = min(block, end - position)
        journal.write(position, counted(count, position), BOTH)


def assert_same(reading: JournalReading, start: int, end: int) -> None:
    np.testing.assert_array_equal(reading.read(start, end), counted(end - start, start))


@pytest.mark.parametrize("block", [1, 333, 1600, 4000, 50_000])
def test_what_is_written_comes_back_in_order_in_blocks_of_a_second(block: int, tmp_path: Path) -> None:
    journal = writer(tmp_path)
    feed(journal, 0, 42_000, max(block, 1600))
    feed(journal, 42_000, 50_001, block)
    journal.close()
    reading = read_journal(tmp_path)
    blocks = list(reading)
    assert [position for position, _ in blocks] == [0, SECOND, 2 * SECOND, 3 * SECOND]
    assert [len(samples) for _, samples in blocks] == [SECOND, SECOND, SECOND, 2001]
    np.testing.assert_array_equal(np.concatenate([samples for _, samples in blocks]), counted(50_001))
    assert reading.stored == {AGENT: spans((0, 50_001)), CALLER: spans((0, 50_001))}
    assert (reading.call_id, reading.end, reading.damage, reading.torn_bytes) == ("call-1", 50_001, (), 0)


def test_folder_and_files_are_the_owners_only(tmp_path: Path) -> None:
    old_mask = os.umask(0)
    try:
        writer(tmp_path / "out" / "call").close()
    finally:
        os.umask(old_mask)
    audio = tmp_path / "out" / "call" / "audio"
    assert stat.S_IMODE(audio.stat().st_mode) == stat.S_IMODE(audio.parent.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in audio.iterdir()] == [0o600]


def test_no_frame_is_longer_than_the_limit_and_little_is_kept_back(tmp_path: Path) -> None:
    """DUR-1, DUR-3: whatever comes, all but a quarter of a second lies with the system at once."""
    journal = writer(tmp_path)
    feed(journal, 0, 10 * SECOND + 3999, 777)
    reading = read_journal(tmp_path)
    assert reading.end >= 10 * SECOND + 3999 - FRAME_SAMPLES
    assert 0 < FRAME_SAMPLES <= MAX_FRAME_SAMPLES == SECOND // 2
    assert_same(reading, 0, reading.end)


def test_only_the_channels_named_are_stored(tmp_path: Path) -> None:
    journal = writer(tmp_path)
    journal.write(0, counted(SECOND), [AGENT])
    journal.write(SECOND, counted(SECOND, SECOND), BOTH)
    journal.write(2 * SECOND, counted(SECOND, 2 * SECOND), [])
    journal.write(3 * SECOND, counted(SECOND, 3 * SECOND), [CALLER])
    journal.close()
    reading = read_journal(tmp_path)
    assert reading.stored == {
        AGENT: spans((0, 2 * SECOND)),
        CALLER: spans((SECOND, 2 * SECOND), (3 * SECOND, 4 * SECOND)),
    }
    expected = counted(4 * SECOND)
    expected[:SECOND, 1] = 0
    expected[2 * SECOND : 3 * SECOND] = 0
    expected[3 * SECOND :, 0] = 0
    np.testing.assert_array_equal(reading.read(0, 4 * SECOND), expected)


def test_a_gap_is_zeros_and_the_length_of_the_call_is_known(tmp_path: Path) -> None:
    journal = writer(tmp_path)
    journal.write(5000, counted(1000, 5000), BOTH)
    journal.write(20_000, counted(1000, 20_000), BOTH)
    journal.close(end=48_000)
    reading = read_journal(tmp_path)
    assert (reading.end, reading.stored[AGENT]) == (48_000, spans((5000, 6000), (20_000, 21_000)))
    samples = reading.read(0, 48_000)
    assert_same(reading, 20_000, 21_000)
    assert not np.concatenate([samples[:5000], samples[6000:20_000], samples[21_000:]]).any()


def test_what_was_taken_already_is_passed_over(tmp_path: Path) -> None:
    journal = writer(tmp_path)
    feed(journal, 0, SECOND)
    journal.write(0, np.full((SECOND + 100, 2), 7, np.int16), BOTH)
    journal.close()
    reading = read_journal(tmp_path)
    assert_same(reading, 0, SECOND)
    assert (reading.read(SECOND, SECOND + 100) == 7).all()


@pytest.mark.parametrize(
    "block", [np.zeros((5, 2), np.float32), np.zeros(5, np.int16), np.zeros((5, 1), np.int16)]
)
def test_another_shape_or_type_is_refused(block: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"int16 of shape \(n, 2\)"):
        writer(tmp_path).write(0, block, BOTH)


def test_a_position_of_many_hours_is_exact(tmp_path: Path) -> None:
    """DUR-10: no field of 32 bits stands in the way; 40 hours are 2.3e9 samples."""
    start = 40 * 3600 * SECOND
    journal = writer(tmp_path)
    feed(journal, start, start + SECOND)
    journal.close()
    reading = read_journal(tmp_path)
    assert (reading.end, reading.stored[CALLER]) == (start + SECOND, spans((start, start + SECOND)))
    assert_same(reading, start, start + SECOND)


def test_a_new_file_begins_at_the_size_given(tmp_path: Path) -> None:
    journal = writer(tmp_path, roll_bytes=200_000)
    for second in range(10):
        feed(journal, second * SECOND, (second + 1) * SECOND)
        journal.sync()
    journal.close()
    names = sorted(path.name for path in (tmp_path / "audio").iterdir())
    assert names == [f"journal-{n:04d}.ccj" for n in range(1, len(names) + 1)]
    assert len(names) == 4
    assert_same(read_journal(tmp_path), 0, 10 * SECOND)


def test_another_writer_of_the_call_goes_on_in_files_of_its_own(tmp_path: Path) -> None:
    first = writer(tmp_path)
    feed(first, 0, SECOND)
    first.flush()
    second = writer(tmp_path)
    feed(second, 2 * SECOND, 3 * SECOND)
    second.erase(0, 8000, [CALLER])
    second.close()
    reading = read_journal(tmp_path)
    assert reading.stored[AGENT] == spans((0, SECOND), (2 * SECOND, 3 * SECOND))
    assert reading.stored[CALLER] == spans((8000, SECOND), (2 * SECOND, 3 * SECOND))


def test_reading_a_long_call_needs_little_memory(tmp_path: Path) -> None:
    """5 min are 19 MB; beside the index, 48 bytes a frame, a reader holds a few blocks."""
    journal = writer(tmp_path)
    minute = np.tile(counted(SECOND), (60, 1))
    for number in range(5):
        journal.write(number * len(minute), minute, BOTH)
    journal.close()
    tracemalloc.start()
    try:
        reading = read_journal(tmp_path)
        assert sum(len(block) for _, block in reading) == 5 * len(minute)
        assert tracemalloc.get_traced_memory()[1] < 6_000_000
    finally:
        tracemalloc.stop()


# Sync


def test_synced_is_what_is_on_disk_and_its_age_is_told(tmp_path: Path) -> None:
    clock, storage = FakeTime(), FaultyStorage()
    journal = JournalWriter(tmp_path, "call-1", clock=clock, storage=storage)
    assert journal.status().synced_age_s is None
    assert not journal.status().on_disk
    journal.write(0, counted(5000), [AGENT])
    assert (journal.synced, journal.status().written) == ({}, {AGENT: 4000})
    journal.sync()
    assert journal.synced == journal.status().written == {AGENT: 5000}
    clock.now += 1.5
    assert journal.status().synced_age_s == 1.5
    assert journal.status().on_disk
    journal.sync()
    assert journal.status().synced_age_s == 1.5, "nothing new was brought to disk"
    clock.now += 1
    assert not journal.status().on_disk


def test_a_failed_sync_is_never_trusted(tmp_path: Path) -> None:
    """DUR-6: the file is suspect, a new one stands at once, and the unsynced part is asked for again."""
    storage = FaultyStorage()
    journal = writer(tmp_path, storage)
    feed(journal, 0, SECOND)
    journal.sync()
    feed(journal, SECOND, 2 * SECOND)
    storage.broken["sync"] = "input/output"
    journal.sync()
    del storage.broken["sync"]
    status = journal.status()
    assert (status.state, status.suspect_files, status.reason) == ("recording", 1, "Input/output error")
    assert (status.synced[AGENT], status.rewrite_from) == (SECOND, SECOND)
    feed(journal, 2 * SECOND, 3 * SECOND)
    journal.sync()
    assert journal.synced[AGENT] == SECOND, "the part between is on no file that can be trusted"
    assert journal.take_rewrite() == SECOND
    assert journal.take_rewrite() is None
    feed(journal, SECOND, 3 * SECOND)
    journal.sync()
    assert journal.synced[AGENT] == 3 * SECOND
    journal.close()
    (tmp_path / "audio" / "journal-0001.ccj").unlink()
    assert_same(read_journal(tmp_path), SECOND, 3 * SECOND)


def test_the_copy_written_again_counts_where_the_suspect_file_is_damaged(tmp_path: Path) -> None:
    storage = FaultyStorage()
    journal = writer(tmp_path, storage)
    feed(journal, 0, 2 * SECOND)
    storage.broken["sync"] = "input/output"
    journal.sync()
    storage.broken.clear()
    assert journal.take_rewrite() == 0
    feed(journal, 0, 3 * SECOND)
    journal.close()
    first = tmp_path / "audio" / "journal-0001.ccj"
    content = bytearray(first.read_bytes())
    content[3000] ^= 1
    first.write_bytes(content)
    reading = read_journal(tmp_path)
    assert reading.damage == ()
    assert_same(reading, 0, 3 * SECOND)


def test_a_disk_that_refuses_every_sync_is_not_filled_with_copies(tmp_path: Path) -> None:
    """Each failed sync means a new file and the ring written again: less and less often."""
    clock, storage = FakeTime(), FaultyStorage(broken={"sync": "input/output"})
    journal = JournalWriter(tmp_path, "call-1", clock=clock, storage=storage)
    for tick in range(120):
        feed(journal, tick * 8000, (tick + 1) * 8000)
        clock.now += 0.5
        journal.sync()
        if (again := journal.take_rewrite()) is not None:
            feed(journal, max(again, tick * 8000 - 10 * SECOND), (tick + 1) * 8000)
    assert journal.synced == {}
    assert not journal.status().on_disk
    assert 6 <= journal.status().suspect_files <= 15
    assert read_journal(tmp_path).bytes < 3 * 60 * SECOND * 4
    storage.broken.clear()
    clock.now += 8
    journal.sync()
    if (again := journal.take_rewrite()) is not None:
        feed(journal, max(again, 50 * SECOND), 60 * SECOND)
    journal.sync()
    assert journal.synced[AGENT] == 60 * SECOND


def test_a_rewrite_asked_for_during_a_sync_is_not_counted_as_synced(tmp_path: Path) -> None:
    journal_holder: list[JournalWriter] = []

    class Meanwhile(FaultyStorage):
        def sync(self, handle: int) -> None:
            super().sync(handle)
            if journal_holder and len(self.calls) > 12:
                journal_holder[0].take_rewrite()

    storage = Meanwhile()
    journal = JournalWriter(tmp_path, "call-1", clock=FakeTime(), storage=storage)
    feed(journal, 0, SECOND)
    storage.broken["sync"] = "input/output"
    journal.sync()
    storage.broken.clear()
    feed(journal, SECOND, 2 * SECOND)
    journal_holder.append(journal)
    storage.calls = ["write"] * 20
    journal.sync()
    assert journal.synced == {}
    feed(journal, 0, 2 * SECOND)
    journal.sync()
    assert journal.synced[AGENT] == 2 * SECOND


def test_a_failed_write_goes_on_in_a_new_file(tmp_path: Path) -> None:
    storage = FaultyStorage()
    journal = writer(tmp_path, storage)
    feed(journal, 0, SECOND)
    storage.fail_at = len(storage.calls) + 1
    feed(journal, SECOND, 2 * SECOND)
    status = journal.status()
    assert (status.state, status.suspect_files, status.rewrite_from, status.missing) == (
        "recording",
        1,
        0,
        (),
    )
    assert journal.take_rewrite() == 0
    feed(journal, 0, 2 * SECOND)
    journal.close()
    assert_same(read_journal(tmp_path), 0, 2 * SECOND)


def test_a_stalled_sync_keeps_no_writer_waiting(tmp_path: Path) -> None:
    """DUR-5: while the disk stalls, samples are still taken and the status is told."""
    entered, go_on = Event(), Event()

    class Stalled(FaultyStorage):
        def sync(self, handle: int) -> None:
            entered.set()
            assert go_on.wait(10)

    journal = JournalWriter(tmp_path, "call-1", clock=FakeTime(), storage=Stalled())
    feed(journal, 0, SECOND)
    thread = Thread(target=journal.sync)
    thread.start()
    try:
        assert entered.wait(10)
        feed(journal, SECOND, 6 * SECOND)
        assert journal.status().written[AGENT] == 6 * SECOND
        assert journal.status().synced == {}
    finally:
        go_on.set()
        thread.join()
    assert journal.synced[AGENT] == SECOND
    journal.close()
    assert_same(read_journal(tmp_path), 0, 6 * SECOND)


# A full disk


def test_a_full_disk_keeps_what_was_acknowledged_and_goes_on_when_space_returns(tmp_path: Path) -> None:
    """DUR-7: the gap is visible, nothing before it is touched."""
    clock, storage = FakeTime(), FaultyStorage(space=150_000)
    journal = JournalWriter(tmp_path, "call-1", clock=clock, storage=storage)
    for tick in range(100):
        feed(journal, tick * 1600, (tick + 1) * 1600)
        clock.now += 0.1
        if tick % 5 == 4:
            journal.sync()
    status = journal.status()
    assert (status.state, status.reason) == ("full", "No space left on device")
    assert status.missing == spans((status.written[AGENT], 160_000))
    acknowledged = status.synced[AGENT]
    assert acknowledged > 28_000
    assert_same(read_journal(tmp_path), 0, acknowledged)
    storage.space = None
    clock.now += 1
    feed(journal, 160_000, 168_000)
    assert journal.status().state == "recording"
    again = journal.take_rewrite()
    assert again == status.missing[0].start
    feed(journal, 100_000, 176_000)
    journal.close()
    reading = read_journal(tmp_path)
    assert reading.stored == {c: spans((0, again), (100_000, 176_000)) for c in BOTH}
    assert reading.damage == ()
    assert_same(reading, 100_000, 176_000)
    assert journal.status().missing == spans((again, 100_000))


def test_a_full_disk_is_no_error_at_the_start(tmp_path: Path) -> None:
    clock, storage = FakeTime(), FaultyStorage(space=0)
    journal = JournalWriter(tmp_path, "call-1", clock=clock, storage=storage)
    feed(journal, 0, SECOND)
    assert journal.status().state == "full"
    storage.space = None
    clock.now += 1
    feed(journal, SECOND, 2 * SECOND)
    assert journal.take_rewrite() == 0
    feed(journal, 0, 2 * SECOND)
    journal.close()
    assert_same(read_journal(tmp_path), 0, 2 * SECOND)


def test_closing_on_a_full_disk_says_so(tmp_path: Path) -> None:
    storage = FaultyStorage()
    journal = writer(tmp_path, storage)
    feed(journal, 0, SECOND)
    storage.space = 0
    journal.write(SECOND, counted(100, SECOND), BOTH)
    with pytest.raises(StoreError, match=r"may not be on disk .No space left on device.; free some space"):
        journal.close()
    assert_same(read_journal(tmp_path), 0, SECOND)


def test_space_is_told_in_minutes(tmp_path: Path) -> None:
    minute = 60 * SECOND * 2 * 2 + 60 * 4 * 2 * HEADER_BYTES
    storage = FaultyStorage(space=60 * minute + 200)
    journal = writer(tmp_path, storage)
    assert journal.status().free_minutes == pytest.approx(60, abs=0.01)
    assert writer(tmp_path, FaultyStorage(space=59 * minute)).status().low_space


def test_a_limit_of_the_size_of_files_costs_nothing(tmp_path: Path) -> None:
    """A real refusal in the middle of a frame, by the system: RLIMIT_FSIZE."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    journal = JournalWriter(tmp_path, "call-1", clock=FakeTime())
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
    try:
        for tick in range(1, 31):
            feed(journal, (tick - 1) * 1600, tick * 1600)
            journal.sync()
            if (again := journal.take_rewrite()) is not None:
                feed(journal, again, tick * 1600)
        journal.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert journal.status().reason == "File too large"
    assert_same(read_journal(tmp_path), 0, 3 * SECOND)
    assert read_journal(tmp_path).torn_bytes == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "callcoach-test", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be mounted by root only")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_really_full_disk(small_disk: Path) -> None:
    """DUR-7 with a file system that is full, and then is not."""
    clock = FakeTime()
    journal = JournalWriter(small_disk / "call", "call-1", clock=clock)
    assert journal.status().low_space
    filler = small_disk / "filler"
    filler.write_bytes(bytes(500_000))
    tick = 0
    while journal.status().state == "recording":
        feed(journal, tick * 1600, (tick + 1) * 1600)
        journal.sync()
        clock.now += 0.1
        tick += 1
    acknowledged = journal.synced[AGENT]
    assert acknowledged > 6 * SECOND
    feed(journal, tick * 1600, tick * 1600 + SECOND)
    assert_same(read_journal(small_disk / "call"), 0, acknowledged)
    filler.unlink()
    clock.now += 1
    end = tick * 1600 + 2 * SECOND
    feed(journal, tick * 1600 + SECOND, end)
    again = journal.take_rewrite()
    assert again is not None
    assert again <= acknowledged + FRAME_SAMPLES
    feed(journal, again, end)
    journal.close()
    assert_same(read_journal(small_disk / "call"), 0, end)


# Every step


@pytest.mark.parametrize("fault", FAULTS)
def test_no_single_fault_loses_a_sample(fault: str, tmp_path: Path) -> None:
    """TST-2: the n-th step fails, for each n; who writes again what is asked for loses nothing."""
    unclosed = []
    for storage in every_step(fault):
        folder, clock = tmp_path / str(storage.fail_at), FakeTime()
        journal = JournalWriter(folder, "call-1", clock=clock, storage=storage, roll_bytes=60_000)
        for tick in range(1, 31):
            feed(journal, (tick - 1) * 1600, tick * 1600)
            clock.now += 0.1
            if tick % 5 == 0:
                journal.sync()
            if tick == 17:
                try:
                    journal.erase(2000, 12_345, [CALLER])
                except StoreError:
                    journal.erase(2000, 12_345, [CALLER])
            if (again := journal.take_rewrite()) is not None:
                feed(journal, again, tick * 1600)
        clock.now += 1
        journal.sync()
        if (again := journal.take_rewrite()) is not None:
            feed(journal, again, 3 * SECOND)
        closing = len(storage.calls)
        try:
            journal.close(end=3 * SECOND)
        except StoreError:
            unclosed.append(storage.fail_at)
        expected = counted(3 * SECOND)
        expected[2000:12_345, 1] = 0
        reading = read_journal(folder)
        np.testing.assert_array_equal(reading.read(0, 3 * SECOND), expected)
        assert reading.damage == ()
    assert storage.fail_at > 40
    # only the last steps leave no time for another try
    assert min(unclosed, default=closing + 1) > closing


# Erasing


def test_erasing_overwrites_on_disk_and_is_left_out(tmp_path: Path) -> None:
    """PRV-4: not a byte of the stretch is left, everything around it stays."""
    journal = writer(tmp_path, roll_bytes=150_000)
    feed(journal, 0, 5 * SECOND)
    journal.erase(10_001, 60_007, BOTH)
    journal.close()
    reading = read_journal(tmp_path)
    assert reading.stored == {c: spans((0, 10_001), (60_007, 5 * SECOND)) for c in BOTH}
    assert reading.erased == {c: spans((10_001, 60_007)) for c in BOTH}
    assert reading.damage == ()
    expected = counted(5 * SECOND)
    expected[10_001:60_007] = 0
    np.testing.assert_array_equal(reading.read(0, 5 * SECOND), expected)
    raw = b"".join(path.read_bytes() for path in (tmp_path / "audio").iterdir())
    for column in range(2):
        gone = counted(60_007 - 10_001, 10_001)[:, column].tobytes()
        assert not any(gone[at : at + 24] in raw for at in range(0, len(gone) - 24, 1001))
        assert counted(24, 10_001 - 24)[:, column].tobytes() in raw


def test_one_side_is_erased_alone(tmp_path: Path) -> None:
    """PRV-2: after a refusal nothing of the caller is left and all of the agent is."""
    journal = writer(tmp_path)
    feed(journal, 0, 3 * SECOND)
    journal.erase(0, 3 * SECOND, [CALLER])
    journal.write(3 * SECOND, counted(SECOND, 3 * SECOND), [AGENT])
    journal.close()
    reading = read_journal(tmp_path)
    assert reading.stored == {AGENT: spans((0, 4 * SECOND)), CALLER: ()}
    samples = reading.read(0, 4 * SECOND)
    np.testing.assert_array_equal(samples[:, 0], counted(4 * SECOND)[:, 0])
    assert not samples[:, 1].any()


def test_what_is_erased_is_not_stored_when_it_is_written_again(tmp_path: Path) -> None:
    """The ring of the caller may still hold it when a sync fails, or when it is on its way."""
    storage = FaultyStorage()
    journal = writer(tmp_path, storage)
    feed(journal, 0, SECOND)
    storage.broken["sync"] = "input/output"
    with pytest.raises(StoreError, match="Could not erase"):
        journal.erase(4000, 20_000, BOTH)
    storage.broken.clear()
    assert journal.take_rewrite() == 0
    feed(journal, 0, 2 * SECOND)
    journal.close()
    raw = b"".join(path.read_bytes() for path in (tmp_path / "audio").iterdir())
    assert counted(24, 5000)[:, 0].tobytes() not in raw
    assert counted(24, 18_000)[:, 0].tobytes() not in raw
    assert read_journal(tmp_path).stored[AGENT] == spans((0, 4000), (20_000, 2 * SECOND))


def test_an_erasure_works_on_a_full_disk(tmp_path: Path) -> None:
    storage = FaultyStorage()
    journal = writer(tmp_path, storage)
    feed(journal, 0, 2 * SECOND)
    storage.space = 0
    journal.erase(0, SECOND, BOTH)
    raw = (tmp_path / "audio" / "journal-0001.ccj").read_bytes()
    assert counted(24, 5000)[:, 0].tobytes() not in raw
    reading = read_journal(tmp_path)
    assert not reading.read(0, SECOND).any()
    assert reading.stored[AGENT] == spans((SECOND, 2 * SECOND))
    assert reading.damage == ()


def test_an_erasure_that_the_disk_refuses_is_told_and_hidden_all_the_same(tmp_path: Path) -> None:
    storage = FaultyStorage()
    journal = writer(tmp_path, storage, roll_bytes=50_000)
    feed(journal, 0, 2 * SECOND)
    journal.sync()
    feed(journal, 2 * SECOND, 2 * SECOND + 4000)
    storage.broken["open"] = "permission"
    with pytest.raises(StoreError, match=r"Could not erase in .*journal-0001\.ccj: Permission denied"):
        journal.erase(0, SECOND, BOTH)
    assert not read_journal(tmp_path).read(0, SECOND).any()
    assert_same(read_journal(tmp_path), SECOND, 2 * SECOND)


@pytest.mark.parametrize("cuts", [True, False])
def test_what_a_refused_write_left_behind_is_erased_too(cuts: bool, tmp_path: Path) -> None:
    """A disk that is full takes a part of a frame, which no reader sees and anybody may find."""
    storage = FaultyStorage()
    journal = writer(tmp_path, storage)
    feed(journal, 0, SECOND)
    storage.space = 5000
    if not cuts:
        storage.broken["truncate"] = "input/output"
    feed(journal, SECOND, 2 * SECOND)
    file = tmp_path / "audio" / "journal-0001.ccj"
    part = counted(24, SECOND + 100)[:, 0].tobytes()
    assert (part in file.read_bytes()) is not cuts
    storage.broken.clear()
    journal.erase(SECOND, 2 * SECOND, BOTH)
    assert part not in file.read_bytes()
    assert_same(read_journal(tmp_path), 0, SECOND)


def test_the_torn_end_of_an_earlier_file_is_erased_too(tmp_path: Path) -> None:
    first = writer(tmp_path)
    feed(first, 0, SECOND)
    first.close()
    file = tmp_path / "audio" / "journal-0001.ccj"
    file.write_bytes(file.read_bytes()[:-2000])
    part = counted(24, SECOND - 3000)[:, 1].tobytes()
    assert part in file.read_bytes()
    writer(tmp_path).erase(0, SECOND, BOTH)
    assert part not in file.read_bytes()


def test_what_is_kept_is_not_given_up_for_a_copy_that_is_not_on_disk(tmp_path: Path) -> None:
    storage = FaultyStorage()
    journal = writer(tmp_path, storage)
    feed(journal, 0, SECOND)
    storage.broken["sync"] = "input/output"
    with pytest.raises(StoreError, match="Could not erase"):
        journal.erase(1000, 2000, [AGENT])
    raw = (tmp_path / "audio" / "journal-0001.ccj").read_bytes()
    headers = [unpack_header(raw, match.start()) for match in re.finditer(re.escape(MAGIC), raw)]
    first = next(header for header in headers if header is not None and header.kind == Kind.AUDIO)
    assert (first.position, first.flags) == (0, EDITED_FLAG)


def test_a_damaged_frame_is_not_made_sound_by_an_erasure_beside_it(tmp_path: Path) -> None:
    journal = writer(tmp_path)
    feed(journal, 0, SECOND)
    file = tmp_path / "audio" / "journal-0001.ccj"
    content = bytearray(file.read_bytes())
    content[content.index(counted(24, 3000)[:, 0].tobytes())] ^= 1
    file.write_bytes(content)
    journal.erase(1000, 2000, [AGENT])
    reading = read_journal(tmp_path)
    assert reading.stored[AGENT] == spans((4000, SECOND))
    assert not reading.read(0, 4000)[:, 0].any()
    np.testing.assert_array_equal(reading.read(0, SECOND)[:, 1], counted(SECOND)[:, 1])


def test_what_is_erased_ahead_leaves_not_even_frames(tmp_path: Path) -> None:
    journal = writer(tmp_path)
    feed(journal, 0, SECOND)
    journal.erase(SECOND, 2 * SECOND, BOTH)
    size = (tmp_path / "audio" / "journal-0001.ccj").stat().st_size
    feed(journal, SECOND, 2 * SECOND)
    journal.flush()
    assert (tmp_path / "audio" / "journal-0001.ccj").stat().st_size == size


@pytest.mark.parametrize("space", [None, 0])
def test_erasures_that_share_a_frame(space: int | None, tmp_path: Path) -> None:
    journal_storage = FaultyStorage()
    journal = writer(tmp_path, journal_storage)
    feed(journal, 0, SECOND)
    journal_storage.space = space
    for start, end in ((1000, 2000), (2500, 3000), (500, 1500), (3500, 5000), (1, 2)):
        journal.erase(start, end, BOTH)
    raw = (tmp_path / "audio" / "journal-0001.ccj").read_bytes()
    for position in (1100, 2600, 600, 3600, 4900):
        assert counted(24, position)[:, 0].tobytes() not in raw
    expected = counted(SECOND)
    for start, end in ((500, 2000), (2500, 3000), (3500, 5000), (1, 2)):
        expected[start:end] = 0
    np.testing.assert_array_equal(read_journal(tmp_path).read(0, SECOND), expected)


def test_nothing_to_erase_is_nothing(tmp_path: Path) -> None:
    journal = writer(tmp_path)
    feed(journal, 0, SECOND)
    before = (tmp_path / "audio" / "journal-0001.ccj").read_bytes()
    journal.erase(500, 500, BOTH)
    journal.erase(0, 500, [])
    assert (tmp_path / "audio" / "journal-0001.ccj").read_bytes() == before


def test_writing_after_the_end_changes_nothing(tmp_path: Path) -> None:
    journal = writer(tmp_path)
    feed(journal, 0, SECOND)
    journal.close()
    journal.close()
    journal.write(SECOND, counted(SECOND, SECOND), [Channel.AGENT])
    journal.sync()
    assert journal.status().state == "closed"
    assert read_journal(tmp_path).end == SECOND
