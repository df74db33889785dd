"""How files of a call come to disk: whole or not at all, and readable by their owner only."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from callcoach.errors import StoreError

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700


def write_failure(path: Path, error: OSError) -> StoreError:
    """Return the one sentence for a file that could not be written."""
    reason = error.strerror or "the file system refused it"
    return StoreError(
        f"Could not write {path}: {reason}; free some space or choose another folder with --out."
    )


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


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces ``path`` only once it is complete and on disk.

    Until then, and after any failure, an earlier file at ``path`` stays as it was and nothing is
    left beside it.

    Raises
    ------
    StoreError
        If writing, syncing or renaming fails.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise write_failure(path, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(FILE_MODE)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise write_failure(path, error) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
