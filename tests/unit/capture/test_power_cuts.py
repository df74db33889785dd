"""TST-3: the disk after a power cut, at any step of a call's life, with unsynced writes dropped or torn."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from callcoach.capture.archive import complete, write_flac
from callcoach.capture.journal import JournalWriter, read_journal
from callcoach.capture.marker import Marker, find_interrupted, start_call
from callcoach.clock import SAMPLE_RATE
from callcoach.events import Channel
from callcoach.storage import OpenMode, OsStorage
from tests.support.storing import BOTH, FakeTime, counted

LENGTH = 2 * SAMPLE_RATE
ERASED = (3000, 9000)
CUTS = 60
"""For each seed."""
SECTOR = 512


@dataclass
class Traced(OsStorage):
    """The real storage, remembering every change and every sync in order."""

    steps: list[tuple[str, tuple[object, ...]]] = field(default_factory=list)
    opened: dict[int, int] = field(default_factory=dict)
    numbers: dict[Path, int] = field(default_factory=dict)

    def open(self, path: Path, mode: OpenMode) -> int:
        handle = super().open(path, mode)
        if mode == "new":
            self.numbers[path] = len(self.steps)
            self.steps.append(("name", (path, len(self.steps))))
        self.opened[handle] = self.numbers[path]
        return handle

    def write(self, handle: int, data: bytes | memoryview, offset: int) -> int:
        taken = super().write(handle, data, offset)
        self.steps.append(("write", (self.opened[handle], offset, bytes(memoryview(data).cast("B")[:taken]))))
        return taken

    def truncate(self, handle: int, size: int) -> None:
        raise AssertionError("nothing is refused here")

    def sync(self, handle: int) -> None:
        self.steps.append(("sync", (self.opened[handle],)))

    def sync_folder(self, folder: Path) -> None:
        self.steps.append(("names", ()))

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self.numbers[target] = self.numbers.pop(source)
        self.steps.append(("rename", (source, target)))

    def remove(self, path: Path) -> None:
        super().remove(path)
        self.steps.append(("remove", (path,)))

    def note(self, what: str, value: object) -> None:
        self.steps.append((what, (value,)))


def lifetime(folder: Path) -> Traced:
    """Record, take something back, stop, archive, clear away."""
    storage = Traced()
    lock = start_call(folder, Marker("call-1", datetime(2026, 1, 1, tzinfo=UTC)), storage=storage)
    journal = JournalWriter(folder, "call-1", clock=FakeTime(), storage=storage, roll_bytes=50_000)
    for position in range(0, LENGTH, 800):
        journal.write(position, counted(800, position), BOTH)
        storage.note("given", position + 800)
        if position % 8000 == 7200:
            journal.sync()
            storage.note("synced", journal.synced[Channel.AGENT])
        if position == 24_000:
            journal.erase(*ERASED, [Channel.CALLER])
            storage.note("erased", True)
    journal.close()
    storage.note("synced", LENGTH)
    complete(folder, write_flac(folder, storage=storage), storage=storage)
    storage.note("done", True)
    lock.release()
    return storage


def disk_after(
    steps: list[tuple[str, tuple[object, ...]]], chance: random.Random
) -> tuple[dict[Path, bytes], dict[str, object]]:
    """Files by path as they may be found, and the last value of every note."""
    durable: dict[int, bytearray] = defaultdict(bytearray)
    waiting: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
    names: dict[Path, int] = {}
    moves: list[tuple[str, tuple[object, ...]]] = []
    notes: dict[str, object] = {"given": 0, "synced": 0, "erased": False, "done": False}

    def put(number: int, offset: int, data: bytes) -> None:
        content = durable[number]
        if len(content) < offset + len(data):
            content.extend(bytes(offset + len(data) - len(content)))
        content[offset : offset + len(data)] = data

    def move(step: str, what: tuple[object, ...]) -> None:
        if step == "name":
            names[what[0]] = what[1]  # type: ignore[index,assignment]
        elif step == "rename":
            names[what[1]] = names.pop(what[0])  # type: ignore[index,arg-type]
        else:
            names.pop(what[0], None)  # type: ignore[arg-type]

    for step, what in steps:
        if step == "write":
            waiting[what[0]].append((what[1], what[2]))  # type: ignore[index,arg-type]
        elif step == "sync":
            for offset, data in waiting.pop(what[0], []):  # type: ignore[arg-type]
                put(what[0], offset, data)  # type: ignore[arg-type]
        elif step == "names":
            for moved in moves:
                move(*moved)
            moves = []
        elif step in ("name", "rename", "remove"):
            moves.append((step, what))
        else:
            notes[step] = what[0]
    # a journaling file system keeps the order of names; of contents anything may be there
    for moved in moves[: chance.randint(0, len(moves))]:
        move(*moved)
    for number, writes in waiting.items():
        for offset, data in writes:
            fate = chance.choice(("there", "dropped", "torn"))
            cut = len(data) if fate == "there" else chance.randrange(len(data)) // SECTOR * SECTOR
            if fate != "dropped":
                put(number, offset, data[:cut])
    return {path: bytes(durable[number]) for path, number in names.items()}, notes


@pytest.mark.parametrize("seed", range(3))
def test_a_power_cut_loses_nothing_that_was_synced(seed: int, tmp_path: Path) -> None:
    """DUR-2, DUR-6, DUR-8: at each cut what is found holds all synced samples and none that is made up."""
    original, found = tmp_path / "original", tmp_path / "found"
    steps = lifetime(original / "call").steps
    chance = random.Random(seed)
    truth = counted(LENGTH)
    seen_journal = seen_flac = 0
    for at in sorted(chance.choices(range(len(steps) + 1), k=CUTS)):
        files, notes = disk_after(steps[:at], chance)
        folder = found / str(at) / "call"
        (folder / "audio").mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            (folder / "audio" / path.name).write_bytes(content)
        reading = read_journal(folder)
        interrupted = bool(find_interrupted(folder.parent))
        assert not (interrupted and notes["done"])
        if interrupted:
            complete(folder, write_flac(folder))
        got = np.zeros((LENGTH, 2), np.int16)
        path = folder / "audio" / "call.flac"
        if path.is_file():
            import soundfile

            samples = soundfile.read(path, dtype="int16", always_2d=True)[0]
            got[: len(samples)] = samples
            seen_flac += 1
        seen_journal += reading.end > 0
        synced = int(str(notes["synced"]))
        expected = truth.copy()
        if notes["erased"]:
            expected[ERASED[0] : ERASED[1], 1] = 0
            assert not got[ERASED[0] : ERASED[1], 1].any()
        kept = np.ones(synced, bool)
        kept[ERASED[0] : min(ERASED[1], synced)] = False
        np.testing.assert_array_equal(got[:synced, 0], expected[:synced, 0])
        np.testing.assert_array_equal(got[:synced][kept, 1], expected[:synced][kept, 1])
        assert ((got == truth) | (got == 0)).all()
        assert int(str(notes["given"])) - synced <= SAMPLE_RATE
        assert not list(folder.glob("audio/*.ccj")) or not interrupted
    assert seen_journal > CUTS // 6
    assert seen_flac > CUTS // 6
