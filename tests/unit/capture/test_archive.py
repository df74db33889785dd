"""From journal to FLAC and away with the journal, cut off anywhere and repeated."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile

from callcoach.capture import archive
from callcoach.capture.archive import complete, write_flac
from callcoach.capture.journal import JournalWriter, read_journal
from callcoach.capture.marker import Marker, claim_call, find_interrupted, set_aside, start_call
from callcoach.errors import StoreError
from callcoach.events import Channel
from tests.support.storing import BOTH, FakeTime, FaultyStorage, counted, every_step

SECOND = 16_000
LENGTH = 3 * SECOND + 123


def recorded(folder: Path, length: int = LENGTH, *, roll_bytes: int = 60_000) -> Path:
    """A call that was killed after ``length`` samples, in several files."""
    lock = start_call(folder, Marker("call-1", datetime(2026, 1, 2, tzinfo=UTC)), storage=FaultyStorage())
    journal = JournalWriter(
        folder, "call-1", clock=FakeTime(), storage=FaultyStorage(), roll_bytes=roll_bytes
    )
    journal.write(0, counted(length), BOTH)
    journal.close()
    lock.release()
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "audio").iterdir())


def decoded(folder: Path) -> np.ndarray:
    samples, rate = soundfile.read(folder / "audio" / "call.flac", dtype="int16", always_2d=True)
    assert rate == SECOND
    return samples


def test_the_flac_holds_the_samples_of_the_journal(tmp_path: Path) -> None:
    old_mask = os.umask(0)
    try:
        audio = write_flac(recorded(tmp_path))
    finally:
        os.umask(old_mask)
    assert (audio.path, audio.samples, audio.damage) == (tmp_path / "audio" / "call.flac", LENGTH, ())
    info = soundfile.info(str(audio.path))
    assert (info.format, info.subtype, info.samplerate, info.channels) == ("FLAC", "PCM_16", 16_000, 2)
    assert stat.S_IMODE(audio.path.stat().st_mode) == 0o600
    np.testing.assert_array_equal(decoded(tmp_path), counted(LENGTH))
    assert names(tmp_path)[-1] == "recording.json"
    complete(tmp_path, audio)
    assert names(tmp_path) == ["call.flac"]
    np.testing.assert_array_equal(decoded(tmp_path), counted(LENGTH))


def test_a_call_of_one_side_has_zeros_on_the_other(tmp_path: Path) -> None:
    journal = JournalWriter(tmp_path, "c", clock=FakeTime(), storage=FaultyStorage())
    journal.write(0, counted(LENGTH), [Channel.AGENT])
    journal.close(end=LENGTH + 500)
    assert write_flac(tmp_path).samples == LENGTH + 500
    samples = decoded(tmp_path)
    np.testing.assert_array_equal(samples[:LENGTH, 0], counted(LENGTH)[:, 0])
    assert not samples[:, 1].any()
    assert not samples[LENGTH:].any()


def test_a_call_known_to_be_longer_gets_zeros_at_its_end(tmp_path: Path) -> None:
    audio = write_flac(recorded(tmp_path), end=LENGTH + 1000)
    assert (audio.samples, len(decoded(tmp_path))) == (LENGTH + 1000, LENGTH + 1000)
    assert not decoded(tmp_path)[LENGTH:].any()
    complete(tmp_path)
    assert names(tmp_path) == ["call.flac"]


def test_a_call_without_a_sample_leaves_no_file(tmp_path: Path) -> None:
    recorded(tmp_path, 0)
    audio = write_flac(tmp_path)
    assert (audio.path, audio.samples) == (None, 0)
    complete(tmp_path, audio)
    assert names(tmp_path) == []


def test_damage_is_told_and_zeros_stand_there(tmp_path: Path) -> None:
    recorded(tmp_path)
    file = tmp_path / "audio" / "journal-0001.ccj"
    content = bytearray(file.read_bytes())
    content[1000] ^= 0xFF
    file.write_bytes(content)
    audio = write_flac(tmp_path)
    (damage,) = audio.damage
    assert (damage.channel, damage.span.start, damage.span.end) == (Channel.AGENT, 0, 4000)
    expected = counted(LENGTH)
    expected[:4000, 0] = 0
    np.testing.assert_array_equal(decoded(tmp_path), expected)


def test_what_was_erased_does_not_come_back(tmp_path: Path) -> None:
    """Also when the kill came between the note of an erasure and the overwriting."""
    recorded(tmp_path)
    originals = {path: path.read_bytes() for path in (tmp_path / "audio").glob("*.ccj")}
    journal = JournalWriter(tmp_path, "call-1", clock=FakeTime(), storage=FaultyStorage())
    journal.erase(5000, 40_000, [Channel.CALLER])
    journal.close()
    for path, content in originals.items():
        path.write_bytes(content)
    write_flac(tmp_path)
    expected = counted(LENGTH)
    expected[5000:40_000, 1] = 0
    np.testing.assert_array_equal(decoded(tmp_path), expected)


def test_a_file_that_decodes_to_something_else_is_not_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(tmp_path)
    before = names(tmp_path)
    real = archive._encode

    def one_wrong(target, reading, length):  # type: ignore[no-untyped-def]
        class Wrong:
            def blocks(self, *arguments):  # type: ignore[no-untyped-def]
                for position, block in reading.blocks(*arguments):
                    block[777, 1] ^= 1
                    yield position, block

        real(target, Wrong(), length)

    monkeypatch.setattr(archive, "_encode", one_wrong)
    with pytest.raises(StoreError, match="differs from the journal at sample 777; the journal is kept"):
        write_flac(tmp_path)
    assert names(tmp_path) == before


@pytest.mark.parametrize("change", ["cut", "longer", "other", "no flac"])
def test_nothing_is_removed_before_the_flac_is_right(change: str, tmp_path: Path) -> None:
    recorded(tmp_path)
    path = tmp_path / "audio" / "call.flac"
    write_flac(tmp_path)
    content = path.read_bytes()
    samples = counted(LENGTH)
    if change == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif change == "longer":
        soundfile.write(path, np.concatenate([samples, samples[:5] * 0 + 1]), SECOND, subtype="PCM_16")
    elif change == "other":
        path.write_bytes(b"fLaC")
    else:
        path.unlink()
    before = names(tmp_path)
    with pytest.raises(StoreError, match="recover"):
        complete(tmp_path)
    assert names(tmp_path) == before
    complete(tmp_path, write_flac(tmp_path))
    assert names(tmp_path) == ["call.flac"]
    np.testing.assert_array_equal(decoded(tmp_path), samples)


def test_audio_that_came_after_the_flac_is_not_lost(tmp_path: Path) -> None:
    """`complete` compares again when the journal is not the one that was compared."""
    recorded(tmp_path)
    audio = write_flac(tmp_path)
    journal = JournalWriter(tmp_path, "call-1", clock=FakeTime(), storage=FaultyStorage())
    journal.write(LENGTH, counted(500, LENGTH), BOTH)
    journal.close()
    with pytest.raises(StoreError, match=f"differs from the journal at sample {LENGTH}"):
        complete(tmp_path, audio)
    complete(tmp_path, write_flac(tmp_path))
    np.testing.assert_array_equal(decoded(tmp_path), counted(LENGTH + 500))


def test_a_flac_that_is_right_is_not_written_again(tmp_path: Path) -> None:
    path = write_flac(recorded(tmp_path)).path
    assert path is not None
    before = path.stat()
    assert write_flac(tmp_path).samples == LENGTH
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_journal_that_the_disk_does_not_give_back_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(tmp_path)
    second = tmp_path / "audio" / "journal-0002.ccj"
    whole = read_journal(tmp_path)
    real_open, real_path_open = os.open, Path.open

    def refused(path, *more, **named):  # type: ignore[no-untyped-def]
        if str(path) == str(second):
            raise OSError(5, "Input/output error")
        return real_open(path, *more, **named)

    def path_refused(path, *more, **named):  # type: ignore[no-untyped-def]
        if path == second:
            raise OSError(5, "Input/output error")
        return real_path_open(path, *more, **named)

    monkeypatch.setattr(os, "open", refused)
    monkeypatch.setattr(Path, "open", path_refused)
    audio = write_flac(tmp_path)
    assert audio.unreadable == ("journal-0002.ccj",)
    complete(tmp_path, audio)
    monkeypatch.undo()
    assert names(tmp_path) == ["call.flac", "journal-0002.kept"]
    samples = decoded(tmp_path)
    assert len(samples) == whole.end
    assert (samples == 0).any()
    assert ((samples == 0) | (samples == counted(LENGTH))).all()


# Cut off and repeated


class _CutError(BaseException):
    """The process dies here."""


class _Cut(FaultyStorage):
    """Dies before, or after, its n-th step."""

    def _fault(self, step: str) -> str | None:
        self.calls.append(step)
        if len(self.calls) == self.fail_at:
            raise _CutError
        return None


def test_recovery_may_be_cut_off_at_any_step_and_repeated(tmp_path: Path) -> None:
    """DUR-8: at every step either the journal or a FLAC of the same samples is there; the end is the same."""
    n = 0
    while True:
        n += 1
        folder = recorded(tmp_path / str(n))
        storage = _Cut(fail_at=n)
        try:
            complete(folder, write_flac(folder, storage=storage), storage=storage)
            break
        except _CutError:
            pass
        assert [call.folder for call in find_interrupted(tmp_path)] in ([folder], [])
        # a second time, cut off one step further on
        again = _Cut(fail_at=n + 1)
        try:
            complete(folder, write_flac(folder, storage=again), storage=again)
        except _CutError:
            complete(folder, write_flac(folder))
        assert names(folder) == ["call.flac"]
        np.testing.assert_array_equal(decoded(folder), counted(LENGTH))
        assert find_interrupted(tmp_path) == []
    assert n > 12, "the loop must reach every step"


@pytest.mark.parametrize("fault", ["no space", "input/output", "permission", "interrupted", "short"])
def test_a_step_that_fails_is_one_sentence_and_loses_nothing(fault: str, tmp_path: Path) -> None:
    """TST-2 for the time after the call."""
    told: list[bool] = []
    for storage in every_step(fault):
        folder = recorded(tmp_path / str(storage.fail_at))
        try:
            complete(folder, write_flac(folder, storage=storage), storage=storage)
        except StoreError as error:
            told.append(str(folder) in str(error))
        if find_interrupted(tmp_path):
            lock = claim_call(folder)
            assert lock is not None
            with lock:
                complete(folder, write_flac(folder))
        assert names(folder) == ["call.flac"]
        np.testing.assert_array_equal(decoded(folder), counted(LENGTH))
    assert storage.fail_at > 12
    assert all(told)
    assert len(told) > 8 or fault in ("short", "interrupted")


def test_a_call_that_cannot_be_rebuilt_can_be_set_aside(tmp_path: Path) -> None:
    folder = recorded(tmp_path / "call")
    before = len(names(folder))
    assert [call.folder for call in find_interrupted(tmp_path)] == [folder]
    set_aside(folder)
    assert find_interrupted(tmp_path) == []
    assert len(names(folder)) == before
    complete(folder, write_flac(folder))
    assert names(folder) == ["call.flac"]
