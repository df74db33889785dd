"""The one layer for writes of the record."""

from __future__ import annotations

import errno
import io
import os
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from callcoach.errors import StoreError
from callcoach.storage import (
    OS_STORAGE,
    OsStorage,
    StoredFile,
    atomic_file,
    make_private_folder,
    write_all,
    write_failure,
)
from tests.support.storing import FAULTS, FaultyStorage, every_step


def write_text(path: Path, text: bytes, storage: OsStorage = OS_STORAGE) -> None:
    with atomic_file(path, storage=storage) as file:
        file.write(text)


@pytest.mark.parametrize("fault", ["no space", "input/output", "permission"])
def test_a_file_is_replaced_whole_or_not_at_all(fault: str, tmp_path: Path) -> None:
    """TST-2: each step fails once; the old file stays, nothing is left beside it."""
    path = tmp_path / "call.json"
    write_text(path, b"old")
    failures = 0
    for storage in every_step(fault):
        write_text(path, b"old")
        try:
            write_text(path, b"new", storage)
        except StoreError as error:
            failures += 1
            told = str(error)
        assert [p.name for p in tmp_path.iterdir()] == ["call.json"]
        # only the sync of the folder comes after the new name
        assert path.read_bytes() == (b"new" if storage.fail_at > 4 else b"old")
    assert failures == len(["open", "write", "sync", "rename", "sync"])
    assert told == (
        f"Could not write {path}: {os.strerror(FAULTS[fault])};"
        " free some space or choose another folder with --out."
    )


@pytest.mark.parametrize("fault", ["short", "interrupted"])
def test_short_and_interrupted_writes_are_gone_on_with(fault: str, tmp_path: Path) -> None:
    content = os.urandom(500_000)
    storage = FaultyStorage(fail_at=2, fault=fault)
    write_text(tmp_path / "x", content, storage)
    assert storage.calls[1:3] == ["write", "write"]
    assert (tmp_path / "x").read_bytes() == content


def test_a_write_that_is_interrupted_for_ever_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Input/output error"):
        write_text(tmp_path / "x", b"text", FaultyStorage(broken={"write": "interrupted"}))


def test_a_disk_that_takes_nothing_is_an_error(tmp_path: Path) -> None:
    class Nothing(OsStorage):
        def write(self, handle: int, data: bytes | memoryview, offset: int) -> int:
            return 0

    with pytest.raises(StoreError, match="Input/output error"):
        write_text(tmp_path / "x", b"text", Nothing())


def test_new_files_are_the_owners_only_and_never_taken_over(tmp_path: Path) -> None:
    old_mask = os.umask(0)
    try:
        handle = OS_STORAGE.open(tmp_path / "new", "new")
    finally:
        os.umask(old_mask)
    write_all(OS_STORAGE, handle, b"abc", 2)
    OS_STORAGE.truncate(handle, 4)
    OS_STORAGE.sync(handle)
    OS_STORAGE.close(handle)
    assert (tmp_path / "new").read_bytes() == b"\0\0ab"
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        OS_STORAGE.open(tmp_path / "new", "new")
    with pytest.raises(FileNotFoundError):
        OS_STORAGE.open(tmp_path / "other", "update")


def test_locks_exclude_each_other_and_end_with_their_handle(tmp_path: Path) -> None:
    path = tmp_path / "x"
    one = OS_STORAGE.open(path, "new")
    two = OS_STORAGE.open(path, "read")
    three = OS_STORAGE.open(path, "read")
    assert OS_STORAGE.lock(two, shared=True)
    assert OS_STORAGE.lock(three, shared=True)
    assert not OS_STORAGE.lock(one)
    OS_STORAGE.close(two)
    OS_STORAGE.close(three)
    assert OS_STORAGE.lock(one)
    two = OS_STORAGE.open(path, "read")
    assert not OS_STORAGE.lock(two, shared=True)
    OS_STORAGE.close(one)
    assert OS_STORAGE.lock(two, shared=True)
    OS_STORAGE.close(two)


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    OS_STORAGE.remove(tmp_path / "nothing")


def test_free_space_is_that_of_the_file_system(tmp_path: Path) -> None:
    facts = os.statvfs(tmp_path)
    assert OS_STORAGE.free_bytes(tmp_path) == pytest.approx(facts.f_bavail * facts.f_frsize, rel=0.05)


def test_a_stored_file_serves_libraries_that_seek(tmp_path: Path) -> None:
    path = tmp_path / "arrays.npz"
    with atomic_file(path) as file:
        np.savez_compressed(file, allow_pickle=False, a=np.arange(100_000), b=np.ones(3))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    with np.load(path) as arrays:
        np.testing.assert_array_equal(arrays["a"], np.arange(100_000))
    handle = OS_STORAGE.open(tmp_path / "x", "new")
    stored = StoredFile(OS_STORAGE, handle)
    stored.write(b"0123456789")
    assert stored.seek(-3, io.SEEK_END) == 7
    stored.write(b"abcde")
    assert stored.tell() == 12
    assert stored.seek(-2, io.SEEK_CUR) == 10
    OS_STORAGE.close(handle)
    assert (tmp_path / "x").read_bytes() == b"0123456abcde"


def test_folders_are_the_owners_only(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir(mode=0o755)
    make_private_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_refusal_without_words_still_makes_a_sentence() -> None:
    assert "the file system refused it" in str(write_failure(Path("x"), OSError()))
    assert "No space left" in str(write_failure(Path("x"), OSError(errno.ENOSPC, "No space left on device")))
