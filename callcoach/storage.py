"""How files of a call come to disk: whole or not at all, and readable by their owner only.

Everything that changes the record goes through a `Storage`, so that a test can let any one step fail.
"""

from __future__ import annotations

import errno
import io
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, Literal, Protocol, cast

from callcoach.errors import StoreError

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700

OpenMode = Literal["new", "update", "read"]
"""``new``: must not exist yet, read and write. ``update``: exists, read and write. ``read``: exists."""

NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Errors that go away when space is freed."""


_MOST_INTERRUPTIONS: Final = 100
"""Of one write by signals; more are an error, since Python's own files would go on for ever."""


class Storage(Protocol):
    """The steps in which a record reaches the disk; each may raise OSError."""

    def open(self, path: Path, mode: OpenMode) -> int:
        """Return a handle; a new file can be read and written by its owner only."""

    def write(self, handle: int, data: bytes | memoryview, offset: int) -> int:
        """Write at a byte offset; return how many bytes were taken, which may be fewer than offered."""

    def truncate(self, handle: int, size: int) -> None:
        """Cut a file to a size in bytes."""

    def sync(self, handle: int) -> None:
        """Return once all that was written to the handle is on disk."""

    def sync_folder(self, folder: Path) -> None:
        """Return once the names in a folder are on disk."""

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name in one step; a file that had this name is gone."""

    def remove(self, path: Path) -> None:
        """Remove a file; one that is not there is no error."""

    def lock(self, handle: int, *, shared: bool = False) -> bool:
        """Try to lock a file until its handle is closed or the process dies; False when another has it."""

    def close(self, handle: int) -> None:
        """Close a handle and give up its lock."""

    def free_bytes(self, folder: Path) -> int:
        """Return how many bytes still fit on the file system of a folder."""


class OsStorage:
    """The storage of the operating system."""

    def open(self, path: Path, mode: OpenMode) -> int:
        """Return a descriptor that child processes do not inherit."""
        flags = {"new": os.O_RDWR | os.O_CREAT | os.O_EXCL, "update": os.O_RDWR, "read": os.O_RDONLY}[mode]
        return os.open(path, flags | getattr(os, "O_BINARY", 0), FILE_MODE)

    def write(self, handle: int, data: bytes | memoryview, offset: int) -> int:
        """Write at a byte offset."""
        if hasattr(os, "pwrite"):
            return os.pwrite(handle, data, offset)
        os.lseek(handle, offset, os.SEEK_SET)
        return os.write(handle, data)

    def truncate(self, handle: int, size: int) -> None:
        """Cut a file to a size in bytes."""
        os.truncate(handle, size)

    def sync(self, handle: int) -> None:
        """Bring a file to disk."""
        os.fsync(handle)

    def sync_folder(self, folder: Path) -> None:
        """Bring the names in a folder to disk."""
        sync_folder(folder)

    def rename(self, source: Path, target: Path) -> None:
        """Rename in one step."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """Remove a file if it is there."""
        path.unlink(missing_ok=True)

    def lock(self, handle: int, *, shared: bool = False) -> bool:
        """Lock without waiting. The lock belongs to the open file and cannot outlive the process."""
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in {errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK}:
                return False
            raise
        return True

    def close(self, handle: int) -> None:
        """Close a descriptor."""
        os.close(handle)

    def free_bytes(self, folder: Path) -> int:
        """Return the bytes that a process without special rights may still write."""
        if hasattr(os, "statvfs"):
            facts = os.statvfs(folder)
            return facts.f_bavail * facts.f_frsize
        import shutil

        return shutil.disk_usage(folder).free


OS_STORAGE: Final = OsStorage()


def write_failure(path: Path, error: OSError) -> StoreError:
    """Return the one sentence for a file that could not be written."""
    reason = error.strerror or "the file system refused it"
    return StoreError(
        f"Could not write {path}: {reason}; free some space or choose another folder with --out."
    )


def write_all(storage: Storage, handle: int, data: bytes | memoryview, offset: int) -> None:
    """Write all bytes at an offset, in several steps where the system takes them in parts.

    Raises
    ------
    OSError
        If a part is refused; bytes before it may have been written.
    """
    rest = memoryview(data).cast("B")
    interruptions = 0
    while rest:
        try:
            taken = storage.write(handle, rest, offset)
        except InterruptedError as error:
            interruptions += 1
            if interruptions > _MOST_INTERRUPTIONS:
                raise OSError(errno.EIO, os.strerror(errno.EIO)) from error
            continue
        if taken <= 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rest, offset = rest[taken:], offset + taken


def make_private_folder(folder: Path) -> None:
    """Create a call folder (and what lies above it) that only its owner can enter.

    Raises
    ------
    StoreError
        If it cannot be created, or a file stands in its place.
    """
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        folder.chmod(FOLDER_MODE)
    except OSError as error:
        raise write_failure(folder, error) from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class StoredFile(io.RawIOBase):
    """A new file as Python's libraries like it, every write of which goes through a storage.

    Parameters
    ----------
    handle : from `Storage.open`; closing this object does not close it
    """

    def __init__(self, storage: Storage, handle: int) -> None:
        super().__init__()
        self._storage = storage
        self._handle = handle
        self._at = 0
        self._end = 0

    def writable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move to a byte offset and return it."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._end}[whence]
        return self._at

    def tell(self) -> int:
        """Return the byte offset."""
        return self._at

    def write(self, data: object, /) -> int:
        """Write all of it at the present offset."""
        view = memoryview(cast(bytes, data)).cast("B")
        write_all(self._storage, self._handle, view, self._at)
        self._at += len(view)
        self._end = max(self._end, self._at)
        return len(view)


@contextmanager
def atomic_file(path: Path, *, storage: Storage = OS_STORAGE) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces ``path`` only once it is complete and on disk.

    Until then, and after any failure, an earlier file at ``path`` stays as it was and nothing is
    left beside it.

    Raises
    ------
    StoreError
        If writing, syncing or renaming fails.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        handle = storage.open(temporary, "new")
    except OSError as error:
        raise write_failure(path, error) from error
    try:
        try:
            with io.BufferedWriter(StoredFile(storage, handle), 1 << 17) as file:
                yield cast(BinaryIO, file)
            storage.sync(handle)
        finally:
            storage.close(handle)
        storage.rename(temporary, path)
        storage.sync_folder(path.parent)
    except OSError as error:
        _give_up(storage, temporary)
        raise write_failure(path, error) from error
    except BaseException:
        _give_up(storage, temporary)
        raise


def _give_up(storage: Storage, temporary: Path) -> None:
    with suppress(OSError):
        storage.remove(temporary)
