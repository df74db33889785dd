"""The marker of a call that is being recorded: how a later start finds calls that were cut off (DUR-8)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from callcoach.capture.journal_format import AUDIO_FOLDER, journal_files
from callcoach.clock import SAMPLE_RATE
from callcoach.errors import StoreError
from callcoach.storage import OS_STORAGE, Storage, make_private_folder, write_all, write_failure

RECORDING: Final = "recording.json"
"""The marker while the journal is the record."""
FINISHING: Final = "finishing.json"
"""Its name once a verified FLAC is the record and the journal may go."""
SET_ASIDE: Final = "set-aside.json"
"""Its name when a person chose not to be asked about the call again."""
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Marker:
    """What recovery needs to know about a call.

    ``started_at`` carries its offset from UTC; ``zone`` names the time zone where it is known;
    ``settings`` are plain JSON values that this package does not look into.
    """

    call_id: str
    started_at: datetime
    zone: str | None = None
    rate: int = SAMPLE_RATE
    settings: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the text of the file."""
        record = {
            "version": VERSION,
            "call": self.call_id,
            "started_at": self.started_at.isoformat(),
            "zone": self.zone,
            "rate": self.rate,
            "settings": dict(self.settings),
        }
        return json.dumps(record, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


class CallLock:
    """Says to every process of this computer that a call is in somebody's hands.

    It goes with the process that holds it, however that ends; what it leaves never blocks.
    """

    def __init__(self, storage: Storage, handle: int) -> None:
        self._storage = storage
        self._handle: int | None = handle

    def release(self) -> None:
        """Let go; may be called more than once."""
        if self._handle is not None:
            with suppress(OSError):
                self._storage.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


@dataclass(frozen=True, slots=True)
class InterruptedCall:
    """A call that was cut off; ``marker`` is None when its file cannot be read."""

    folder: Path
    marker: Marker | None


def start_call(folder: Path, marker: Marker, *, storage: Storage = OS_STORAGE) -> CallLock:
    """Write the marker of a call before its first sample, and hold the call until the lock is released.

    Raises
    ------
    StoreError
        If the marker cannot be written, or the folder already holds a call that is not complete.
    """
    audio = folder / AUDIO_FOLDER
    make_private_folder(folder)
    make_private_folder(audio)
    if _marker_path(folder) is not None or journal_files(audio):
        raise StoreError(
            f"{folder} holds a call that was not finished; run `callcoach recover` or choose another folder."
        )
    path = audio / RECORDING
    temporary = path.with_name(f".{RECORDING}.part")
    try:
        storage.remove(temporary)
        handle = storage.open(temporary, "new")
    except OSError as error:
        raise write_failure(path, error) from error
    lock = CallLock(storage, handle)
    try:
        write_all(storage, handle, marker.to_json().encode(), 0)
        storage.sync(handle)
        # locked before it gets its name: nobody ever sees the marker of a running call unlocked
        with suppress(OSError):
            storage.lock(handle)
        storage.rename(temporary, path)
        storage.sync_folder(audio)
    except OSError as error:
        lock.release()
        for left in (temporary, path):
            with suppress(OSError):
                storage.remove(left)
        raise write_failure(path, error) from error
    return lock


def claim_call(folder: Path, *, storage: Storage = OS_STORAGE) -> CallLock | None:
    """Take over a call that was cut off; None while it is still running or somebody else recovers it.

    Raises
    ------
    StoreError
        If there is no marker, or it cannot be opened.
    """
    path = _marker_path(folder)
    if path is None:
        raise StoreError(f"{folder} holds no interrupted call; nothing is left to recover there.")
    try:
        if _journal_in_use(folder, storage):
            return None
        return _try_lock(path, storage)
    except OSError as error:
        raise write_failure(path, error) from error


def is_running(folder: Path, *, storage: Storage = OS_STORAGE) -> bool:
    """Return whether a living process holds the call or writes its journal."""
    path = _marker_path(folder)
    try:
        if path is not None:
            lock = _try_lock(path, storage, shared=True)
            if lock is None:
                return True
            lock.release()
        return _journal_in_use(folder, storage)
    except OSError:
        return False


def find_interrupted(out: Path, *, storage: Storage = OS_STORAGE) -> list[InterruptedCall]:
    """Return the calls below a folder that were cut off, sorted by folder name.

    A call is found by the marker written at its start, never by what is missing. Running calls and
    calls that were set aside are left out.
    """
    try:
        folders = sorted(path for path in out.iterdir() if path.is_dir())
    except OSError:
        return []
    return [
        InterruptedCall(folder, read_marker(folder))
        for folder in folders
        if _marker_path(folder) is not None and not is_running(folder, storage=storage)
    ]


def set_aside(folder: Path, *, storage: Storage = OS_STORAGE) -> Path:
    """Keep all files of a call that cannot be rebuilt, but list it no longer; return the marker's new path.

    Raises
    ------
    StoreError
        If there is no marker or it cannot be renamed.
    """
    path = _marker_path(folder)
    if path is None:
        raise StoreError(f"{folder} holds no interrupted call; nothing is left to set aside there.")
    return rename_marker(path, SET_ASIDE, storage)


def rename_marker(path: Path, name: str, storage: Storage) -> Path:
    """Give a marker another name, on disk when this returns."""
    target = path.with_name(name)
    try:
        storage.rename(path, target)
        storage.sync_folder(path.parent)
    except OSError as error:
        raise write_failure(target, error) from error
    return target


def read_marker(folder: Path) -> Marker | None:
    """Return the marker of a call folder under any of its names; None when it is missing or damaged."""
    for name in (RECORDING, FINISHING, SET_ASIDE):
        try:
            record = json.loads((folder / AUDIO_FOLDER / name).read_text("utf-8"))
            return Marker(
                call_id=_text(record["call"]),
                started_at=datetime.fromisoformat(record["started_at"]),
                zone=record.get("zone"),
                rate=int(record["rate"]),
                settings=dict(record.get("settings", {})),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a call id is a text")
    return value


def _marker_path(folder: Path) -> Path | None:
    for name in (RECORDING, FINISHING):
        path = folder / AUDIO_FOLDER / name
        if path.is_file():
            return path
    return None


def _try_lock(path: Path, storage: Storage, *, shared: bool = False) -> CallLock | None:
    # The lock sits on the marker's own file and stays through a rename of it.
    handle = storage.open(path, "read" if shared else "update")
    try:
        taken = storage.lock(handle, shared=shared)
    except OSError:
        # A file system without locks: nobody can hold one there, so nobody is kept waiting.
        taken = True
    if not taken:
        storage.close(handle)
        return None
    return CallLock(storage, handle)


def _journal_in_use(folder: Path, storage: Storage) -> bool:
    """Whether a capture process still holds one of the journal files."""
    for path in journal_files(folder / AUDIO_FOLDER).values():
        lock = _try_lock(path, storage, shared=True)
        if lock is None:
            return True
        lock.release()
    return False
