"""A finished call, read back from its folder for a replay. What lies there counts as foreign.

Everything is bounded before it takes memory: sizes of files, lines and arrays, the directory of the archive,
the length of the call. Nothing in the folder is changed.
"""

from __future__ import annotations

import json
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from callcoach.clock import FRAME_LENGTH, HOP_LENGTH, SAMPLE_RATE
from callcoach.errors import StoreError
from callcoach.events import Call, CallEnded, Channel, Event, event_from_json

MOST_HOPS: Final = 24 * 3600 * SAMPLE_RATE // HOP_LENGTH
"""24 hours, the longest recording that is analysed (IMP-4)."""
MOST_LOG_BYTES: Final = 1 << 26
"""64 MiB; an hour with words has about 2 MiB."""
MOST_LINE_BYTES: Final = 1 << 18
"""256 KiB; a window of 15 s of speech has about 5 KiB of words."""
MOST_DOCUMENT_BYTES: Final = 1 << 26
MOST_ARCHIVE_BYTES: Final = 1 << 29
_MOST_DIRECTORY_BYTES: Final = 1 << 16
_END_OF_ARCHIVE: Final = struct.Struct("<4s4H2LH")
_LARGE_ARCHIVE_BYTES: Final = 20
"""Size of the record that stands before the end of an archive of more than 4 GiB or 65,535 files."""
_MOST_HEADER_BYTES: Final = 1 << 12

_REPLAYED: Final[Mapping[str, np.dtype[Any]]] = {
    "level_dbfs": np.dtype(np.float32),
    "f0_hz": np.dtype(np.float32),
    "active": np.dtype(np.int8),
    "nuclei": np.dtype(np.int8),
    "filled": np.dtype(np.int8),
    "floor_dbfs": np.dtype(np.float32),
    "clipped": np.dtype(np.uint16),
}
_OLD: Final = frozenset({"level_dbfs", "f0_hz"})
"""Columns that every version has stored."""
_ARCHIVE_ERRORS: Final = (
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    zlib.error,
    zipfile.BadZipFile,
)
"""What a damaged archive raises."""
_MOST_DB: Final = 400.0
_MOST_HZ: Final = SAMPLE_RATE / 2

Columns = Mapping[str, NDArray[Any]]
"""Arrays of one channel by name, each of shape (n,), one value per hop of 16 ms."""


class CallFolderError(StoreError):
    """A call folder cannot be replayed; the message names the file and what to do."""

    exit_status: ClassVar[int] = 3


@dataclass(frozen=True, slots=True)
class StoredCall:
    """What a folder keeps of one call with two channels."""

    header: Call
    events: tuple[Event, ...]
    """Everything after the header, in the order of the log."""
    columns: Mapping[Channel, Columns]
    """``level_dbfs``, ``f0_hz`` (NaN = not voiced), ``active`` (mask as known live), ``nuclei``, ``filled``,
    ``floor_dbfs`` and ``clipped`` of each party."""
    duration_ms: int

    @property
    def hops(self) -> int:
        """Number of hops; even, since a frame has two."""
        return len(self.columns[Channel.AGENT]["active"])


class _About(BaseModel):
    id: str
    duration_ms: int


class _Verdict(BaseModel):
    status: str


class _Document(BaseModel):
    """The part of ``call.json`` that a replay looks at."""

    call: _About
    verdict: _Verdict


def read_call(folder: Path) -> StoredCall:
    """Read a call folder that ``callcoach analyze`` wrote.

    Raises
    ------
    CallFolderError
        If it is no call folder, is incomplete or damaged, tells of a call without two channels of sound, or
        was written by a version that did not store what a replay needs.
    """
    name = _name(folder)
    try:
        is_folder = folder.is_dir()
    except (OSError, ValueError):
        is_folder = False
    if not is_folder:
        raise CallFolderError(f"{name} is not a call folder; name one that callcoach analyze has written.")
    document = _document(folder, name)
    if document.verdict.status == "rejected":
        raise CallFolderError(f"{name} tells of a rejected recording; there is nothing to replay.")
    header, events = _log(folder, name)
    if header.channel_mode == "transcript":
        raise CallFolderError(
            f"{name} was made from a transcript; prompts need sound, so there is nothing to replay."
        )
    if header.channel_mode == "mono":
        raise CallFolderError(
            f"{name} was made from one channel; prompts need agent and caller apart: nothing to replay."
        )
    if document.call.id != header.id:
        raise CallFolderError(
            f"call.json and events.jsonl in {name} tell of different recordings; analyse the recording again."
        )
    columns = _columns(folder, name)
    end = next((e for e in events if isinstance(e, CallEnded)), None)
    hops = len(columns[Channel.AGENT]["active"])
    if end is None or end.known_at != hops * HOP_LENGTH:
        raise CallFolderError(
            f"events.jsonl and prosody.npz in {name} do not fit together; analyse the recording again."
        )
    return StoredCall(header, events, columns, document.call.duration_ms)


def _name(folder: Path) -> str:
    """Return the name of a folder as one line, for messages."""
    name = folder.name or str(folder)
    return "".join(c if c.isprintable() else "?" for c in name)


def _damaged(file: str, name: str) -> CallFolderError:
    return CallFolderError(f"{file} in {name} is damaged; analyse the recording again.")


def open_bounded(folder: Path, file: str, most_bytes: int) -> BinaryIO:
    """Open a regular file of bounded size, without ever waiting for another process.

    Raises
    ------
    CallFolderError
        If it is missing, no regular file, unreadable or too large.
    """
    name = _name(folder)
    flags = (
        os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    )
    try:
        opened = os.fdopen(os.open(folder / file, flags), "rb")
    except FileNotFoundError:
        raise CallFolderError(
            f"{name} holds no {file}: it is no call folder, or its analysis did not finish; "
            "name a folder that callcoach analyze has written."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no file"
        raise CallFolderError(f"{file} in {name} cannot be read ({reason}); check the folder.") from None
    status = os.fstat(opened.fileno())
    if not stat.S_ISREG(status.st_mode) or status.st_size > most_bytes:
        opened.close()
        what = (
            "is not a file" if not stat.S_ISREG(status.st_mode) else f"is larger than {most_bytes >> 20} MiB"
        )
        raise CallFolderError(f"{file} in {name} {what}; analyse the recording again.")
    return opened


def _document(folder: Path, name: str) -> _Document:
    with open_bounded(folder, "call.json", MOST_DOCUMENT_BYTES) as file:
        try:
            return _Document.model_validate_json(file.read(MOST_DOCUMENT_BYTES))
        except ValidationError:
            raise _damaged("call.json", name) from None
        except OSError as error:
            raise CallFolderError(
                f"call.json in {name} cannot be read ({error.strerror}); check the disk."
            ) from None


def _log(folder: Path, name: str) -> tuple[Call, tuple[Event, ...]]:
    """Read the event log: one header, one end, positions that never go back."""
    events: list[Event] = []
    latest, ended = 0, False
    for number, line in enumerate(_lines(folder, name), start=1):
        try:
            record = json.loads(line, parse_constant=no_number)
            event = event_from_json(record)
        except (ValueError, RecursionError):
            raise CallFolderError(
                f"events.jsonl in {name}, line {number}, is not an event of this version; "
                "analyse the recording again."
            ) from None
        if (
            isinstance(event, Call) is not (number == 1)
            or not latest <= event.known_at <= MOST_HOPS * HOP_LENGTH
        ):
            raise _damaged("events.jsonl", name)
        if isinstance(event, CallEnded):
            if ended:
                raise _damaged("events.jsonl", name)
            ended = True
        latest = event.known_at
        events.append(event)
    if not events or not isinstance(events[0], Call):
        raise _damaged("events.jsonl", name)
    if not ended and events[0].channel_mode == "dual":
        raise CallFolderError(
            f"events.jsonl in {name} has no end: the analysis was interrupted, or is older; "
            "analyse the recording again."
        )
    return events[0], tuple(events[1:])


def _lines(folder: Path, name: str) -> Iterator[bytes]:
    left = MOST_LOG_BYTES
    with open_bounded(folder, "events.jsonl", MOST_LOG_BYTES) as file:
        while left > 0:
            try:
                line = file.readline(MOST_LINE_BYTES + 1)
            except OSError as error:
                raise CallFolderError(
                    f"events.jsonl in {name} cannot be read ({error.strerror}); check the disk."
                ) from None
            if not line:
                return
            if len(line) > MOST_LINE_BYTES:
                raise _damaged("events.jsonl", name)
            left -= len(line)
            yield line


def no_number(text: str) -> float:
    """Refuse NaN and infinity, which are no JSON."""
    raise ValueError(f"{text} is not a number")


def read_curves(folder: Path, channels: Sequence[Channel | None]) -> dict[Channel | None, Columns]:
    """Read what ``prosody.npz`` of any call folder holds: the columns of a replay and the mask ``speech``.

    A side that is not stored is missing, and of a side of which nothing may be kept but when it spoke there
    is only that.

    Parameters
    ----------
    channels : those that the call has; None for the one of a mono recording.

    Raises
    ------
    CallFolderError
        If the file is missing or damaged.
    """
    name = _name(folder)
    wanted = {**_REPLAYED, "speech": np.dtype(np.bool_)}
    with open_bounded(folder, "prosody.npz", MOST_ARCHIVE_BYTES) as file:
        try:
            _check_directory(file)
            with zipfile.ZipFile(file) as archive:
                present = set(archive.namelist())
                found = {
                    channel: {
                        column: _array(archive, member, dtype)
                        for column, dtype in wanted.items()
                        if (member := _member(channel, column)) in present
                    }
                    for channel in channels
                }
            lengths = {len(array) for one in found.values() for array in one.values()}
            if len(lengths) > 1:
                raise ValueError("columns differ in length")
        except _ARCHIVE_ERRORS:
            raise _damaged("prosody.npz", name) from None
    return {channel: columns for channel, columns in found.items() if columns}


def is_whole(columns: Columns) -> bool:
    """Tell whether columns hold everything that delivery is measured from, with values in range."""
    if not _REPLAYED.keys() <= columns.keys():
        return False
    try:
        _check_values(columns)
    except ValueError:
        return False
    return True


def _member(channel: Channel | None, column: str) -> str:
    return f"{'mono' if channel is None else channel.value}_{column}.npy"


def _columns(folder: Path, name: str) -> Mapping[Channel, Columns]:
    with open_bounded(folder, "prosody.npz", MOST_ARCHIVE_BYTES) as file:
        try:
            return _arrays(file, name)
        except _ARCHIVE_ERRORS:
            raise _damaged("prosody.npz", name) from None


def _arrays(file: BinaryIO, name: str) -> Mapping[Channel, Columns]:
    _check_directory(file)
    found: dict[Channel, Columns] = {}
    with zipfile.ZipFile(file) as archive:
        present = set(archive.namelist())
        for channel in Channel:
            wanted = {column: _member(channel, column) for column in _REPLAYED}
            if missing := {column for column, member in wanted.items() if member not in present}:
                if missing & _OLD:
                    raise ValueError("columns of the contract are missing")
                raise CallFolderError(
                    f"{name} was written by an older version and lacks what a replay needs; "
                    "analyse the recording again."
                )
            found[channel] = {c: _array(archive, member, _REPLAYED[c]) for c, member in wanted.items()}
            _check_values(found[channel])
    lengths = {len(array) for columns in found.values() for array in columns.values()}
    if len(lengths) != 1 or lengths.pop() % (FRAME_LENGTH // HOP_LENGTH):
        raise ValueError("columns differ in length")
    return found


def _check_directory(file: BinaryIO) -> None:
    """Refuse an archive whose directory is large or not the one at its very end, before it is read."""
    size = file.seek(0, os.SEEK_END)
    begin = size - _END_OF_ARCHIVE.size - _LARGE_ARCHIVE_BYTES
    file.seek(max(0, begin))
    tail = file.read(_END_OF_ARCHIVE.size + _LARGE_ARCHIVE_BYTES)
    if begin < 0 or tail.startswith(b"PK\x06\x07"):
        raise ValueError("no archive of arrays")
    mark, _, _, _, _, length, _, comment = _END_OF_ARCHIVE.unpack(tail[-_END_OF_ARCHIVE.size :])
    if mark != b"PK\x05\x06" or comment or length > _MOST_DIRECTORY_BYTES:
        raise ValueError("no archive of arrays")


def _array(archive: zipfile.ZipFile, member: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Read one array; its size is known to be right before it takes memory."""
    info = archive.getinfo(member)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("not compressed as numpy does")
    if info.file_size > MOST_HOPS * dtype.itemsize + _MOST_HEADER_BYTES:
        raise ValueError("an array is too large")
    with archive.open(info) as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("not a format that numpy writes for plain arrays")
        shape, _, found = np.lib.format.read_array_header_1_0(file, max_header_size=_MOST_HEADER_BYTES)
        if len(shape) != 1 or found != dtype or not 0 <= shape[0] <= MOST_HOPS:
            raise ValueError("not a column of hops")
        data = file.read(shape[0] * dtype.itemsize)
        # the checksum is compared when the end is reached
        if len(data) != shape[0] * dtype.itemsize or file.read(1):
            raise ValueError("an array is cut short or too long")
    return np.frombuffer(data, dtype)


def _check_values(columns: Columns) -> None:
    def all_of(column: str, test: Callable[[NDArray[Any]], NDArray[np.bool_]]) -> None:
        if not bool(np.all(test(columns[column]))):
            raise ValueError(f"{column} is out of range")

    for name in ("level_dbfs", "floor_dbfs"):
        all_of(name, lambda a: np.abs(a) <= _MOST_DB)
    all_of("f0_hz", lambda a: np.isnan(a) | ((a > 0) & (a <= _MOST_HZ)))
    all_of("active", lambda a: (a == 0) | (a == 1))
    for name in ("nuclei", "filled"):
        all_of(name, lambda a: (a >= 0) & (a <= 1))
    all_of("clipped", lambda a: a <= HOP_LENGTH)
