"""One file of a journal that is being written: its end, its frames, and erasing them in place."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from callcoach.capture.journal_format import (
    EDITED_FLAG,
    HEADER_BYTES,
    VOID_FLAG,
    Kind,
    pack_frame,
    unpack_header,
)
from callcoach.capture.journal_frames import Batch
from callcoach.capture.journal_reader import INDEX_COLUMNS, Scan, read_at, scan_file
from callcoach.storage import Storage, write_all


@dataclass(slots=True, eq=False)
class JournalFile:
    """A file and what is known of it.

    Attributes
    ----------
    handle : None once it is closed
    end : bytes of whole frames; the next one goes there
    dirty : whether something was written since the last sync
    named : whether its name is on disk
    ragged : whether a part of a frame may lie behind its end
    suspect : whether a write or sync failed; it is not trusted, written or synced any more
    frames : as in `Scan.index`, without those that were erased
    """

    number: int
    path: Path
    handle: int | None
    end: int = 0
    dirty: bool = True
    named: bool = False
    ragged: bool = False
    suspect: bool = False
    frames: array[int] = field(default_factory=lambda: array("q"))

    @classmethod
    def of_earlier_writer(cls, path: Path, number: int, call: bytes) -> Self:
        """Look through a file that somebody else wrote for the same call."""
        scan = Scan(call=call)
        scan_file(path, number, scan)
        whole = scan.bytes - scan.torn_bytes
        return cls(number, path, None, whole, False, True, ragged=scan.torn_bytes > 0, frames=scan.index)

    def append(self, storage: Storage, data: bytes, batch: Batch | None) -> None:
        """Write whole frames at the end.

        Raises
        ------
        OSError
            If the disk refuses. What it took of them is cut off again, where that is possible.
        """
        handle = self._open_handle()
        try:
            write_all(storage, handle, data, self.end)
        except OSError:
            self.ragged = True
            with suppress(OSError):
                self.cut(storage)
            raise
        offset = self.end
        if batch is not None:
            for column, frame in batch.frames:
                place = (self.number, offset, batch.position, batch.samples, column, batch.time_us)
                self.frames.extend(place)
                offset += len(frame)
        self.end += len(data)
        self.dirty = True

    def cut(self, storage: Storage) -> None:
        """Cut off what lies behind the last whole frame, so that no sample stays where no reader looks."""
        storage.truncate(self._open_handle(), self.end)
        self.ragged = False

    def sync(self, storage: Storage) -> None:
        """Bring it to disk."""
        storage.sync(self._open_handle())

    def close(self, storage: Storage) -> None:
        """Close it; may be called more than once."""
        handle, self.handle = self.handle, None
        if handle is not None:
            with suppress(OSError):
                storage.close(handle)

    def rows(self, start: int, end: int, columns: Iterable[int]) -> NDArray[np.int64]:
        """Return the rows of the index that meet ``[start, end)`` in some columns."""
        rows = np.array(self.frames, np.int64).reshape(-1, INDEX_COLUMNS)
        rows = rows[(rows[:, 2] < end) & (rows[:, 2] + rows[:, 3] > start)]
        return rows[np.isin(rows[:, 4], list(columns))]

    def forget(self, rows: NDArray[np.int64]) -> None:
        """Take rows out of the index."""
        index = np.array(self.frames, np.int64).reshape(-1, INDEX_COLUMNS)
        self.frames = array("q", index[~np.isin(index[:, 1], rows[:, 1])].ravel().tolist())

    def _open_handle(self) -> int:
        if self.handle is None:
            raise ValueError("this file of the journal is closed")
        return self.handle


def kept_parts(
    storage: Storage, file: JournalFile, rows: NDArray[np.int64], call: bytes, start: int, end: int
) -> list[Batch]:
    """Return frames of what stands beside ``[start, end)`` in frames that lie across its ends.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    across = rows[(rows[:, 2] < start) | (rows[:, 2] + rows[:, 3] > end)]
    if not len(across):
        return []
    batches = []
    handle = storage.open(file.path, "read")
    try:
        for _, offset, position, samples, column, time_us in across.tolist():
            data = read_at(handle, offset, HEADER_BYTES + 2 * samples)
            header = unpack_header(data, 0)
            if header is None or header.flags & VOID_FLAG or header.payload_crc != crc32(data[HEADER_BYTES:]):
                continue
            until = position + samples
            for low, high in ((position, min(start, until)), (max(end, position), until)):
                if low >= high:
                    continue
                pcm = data[HEADER_BYTES + 2 * (low - position) : HEADER_BYTES + 2 * (high - position)]
                frame = pack_frame(Kind.AUDIO, call, pcm, column=column, position=low, time_us=time_us)
                batches.append(Batch(low, high - low, time_us, ((column, frame),)))
    finally:
        storage.close(handle)
    return batches


def erase_frames(
    storage: Storage,
    file: JournalFile,
    rows: NDArray[np.int64],
    call: bytes,
    start: int,
    end: int,
    *,
    void: bool,
) -> None:
    """Overwrite frames of one file with zeros and sync it.

    Parameters
    ----------
    rows : of its index; all of them meet ``[start, end)``
    void : whether frames across the ends go as a whole, since what stood beside is stored elsewhere;
        otherwise that part of them stays

    Raises
    ------
    OSError
        If the disk refuses.
    """
    handle = storage.open(file.path, "update") if file.handle is None else file.handle
    try:
        if file.ragged and file.handle is None:
            storage.truncate(handle, file.end)
            file.ragged = False
        for _, offset, position, samples, column, time_us in rows.tolist():
            payload, flags = bytes(2 * samples), VOID_FLAG
            low, high = max(0, start - position), min(samples, end - position)
            if high - low < samples and not void:
                kept = bytearray(read_at(handle, offset + HEADER_BYTES, 2 * samples))
                kept[2 * low : 2 * high] = bytes(2 * (high - low))
                payload, flags = bytes(kept), EDITED_FLAG
            frame = pack_frame(
                Kind.AUDIO,
                call,
                payload,
                column=column,
                position=position,
                time_us=time_us,
                flags=flags,
            )
            write_all(storage, handle, frame, offset)
        storage.sync(handle)
    finally:
        if file.handle is None:
            storage.close(handle)
