"""Reading a journal back: what is stored, what is damaged, and the samples in order."""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from callcoach.capture.journal_format import (
    AUDIO_FOLDER,
    COLUMNS,
    EDITED_FLAG,
    HEADER_BYTES,
    MAGIC,
    MAX_FRAME_SAMPLES,
    MAX_PAYLOAD,
    VOID_FLAG,
    Header,
    Kind,
    call_key,
    journal_files,
    unpack_erasure,
    unpack_header,
)
from callcoach.capture.marker import Marker, read_marker
from callcoach.capture.spans import Pair, merged, union, without
from callcoach.clock import SAMPLE_RATE, Samples, Span
from callcoach.errors import StoreError
from callcoach.events import Channel

_CHUNK: Final = 1 << 20
"""Bytes read at once while scanning; bounds the memory of a reader."""
_NEAR: Final = 1 << 18
"""Bytes; frames of one block that lie within it in a file are read in one go."""
INDEX_COLUMNS: Final = 6
"""Numbers for each audio frame in an index: file number, byte offset of the frame, position, samples,
column, time in microseconds."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch that a journal held and cannot give back; zeros stand in its place."""

    channel: Channel
    span: Span
    file: str


@dataclass(slots=True)
class Scan:
    """What one pass over journal files found."""

    call: bytes | None = None
    call_id: str | None = None
    index: array[int] = field(default_factory=lambda: array("q"))
    erasures: list[tuple[int, int, frozenset[int]]] = field(default_factory=list)
    damaged: list[tuple[str, int, int, int]] = field(default_factory=list)
    """File name, column, start and end in samples."""
    end: int = 0
    torn_bytes: int = 0
    damaged_bytes: int = 0
    bytes: int = 0
    reached: list[int] = field(default_factory=lambda: [0] * len(COLUMNS))
    """Where the last frame of each column ended, in the files so far."""
    unreadable: list[str] = field(default_factory=list)
    """Files that the system refused to read to their end."""

    def rows(self) -> NDArray[np.int64]:
        """Return the index as an array of shape (frames, INDEX_COLUMNS)."""
        return np.array(self.index, np.int64).reshape(-1, INDEX_COLUMNS)


class JournalReading:
    """A journal as it was when it was opened; iterating gives its samples.

    Memory is bounded by the index, 48 bytes for each frame of at most 0.5 s.

    Attributes
    ----------
    call_id : None when neither marker nor journal can tell
    marker : what was written at call start; None when it is missing or damaged
    end : samples since capture start that the call lasted, as far as the journal knows
    stored : stretches of each channel that can be read, without what was erased
    erased : stretches of each channel that were erased on demand
    damage : stretches that were stored and cannot be read
    torn_bytes : bytes of last frames that never were complete
    damaged_bytes : bytes elsewhere that make no sense, of samples or of anything else
    unreadable : names of files that the system did not give back to their end
    bytes : size of all journal files
    """

    def __init__(self, folder: Path) -> None:
        audio = folder / AUDIO_FOLDER
        self.marker: Marker | None = read_marker(folder)
        self._files = journal_files(audio)
        scan = Scan(call=call_key(self.marker.call_id) if self.marker else None)
        for number, path in self._files.items():
            scan_file(path, number, scan)
        self.call_id = self.marker.call_id if self.marker else scan.call_id
        self._rows = scan.rows()
        self._by_column = [self._rows[self._rows[:, 4] == column] for column in range(len(COLUMNS))]
        # in order of position, for a block's frames to lie together; ties and overlaps are settled in
        # order of writing, which is that of file and offset
        self._by_column = [rows[np.argsort(rows[:, 2], kind="stable")] for rows in self._by_column]
        self._erased = [
            union((start, end) for start, end, columns in scan.erasures if column in columns)
            for column in range(len(COLUMNS))
        ]
        present = [merged(rows[:, 2], rows[:, 2] + rows[:, 3]) for rows in self._by_column]
        stored = [without(spans, cuts) for spans, cuts in zip(present, self._erased, strict=True)]
        self.end = max([scan.end, *(spans[-1][1] for spans in present if spans)])
        self.stored = {c: _spans(s) for c, s in zip(COLUMNS, stored, strict=True)}
        self.erased = {c: _spans(s) for c, s in zip(COLUMNS, self._erased, strict=True)}
        self.damage = tuple(
            Damage(COLUMNS[column], span, name)
            for name, column, start, end in scan.damaged
            for span in _spans(without(without([(start, end)], present[column]), self._erased[column]))
        )
        self.torn_bytes = scan.torn_bytes
        self.damaged_bytes = scan.damaged_bytes
        self.unreadable = tuple(scan.unreadable)
        self.bytes = scan.bytes

    @property
    def files(self) -> tuple[Path, ...]:
        """The journal files in order of writing."""
        return tuple(self._files.values())

    def __iter__(self) -> Iterator[tuple[int, NDArray[np.int16]]]:
        return self.blocks()

    def blocks(
        self, start: int = 0, end: int | None = None, length: int = SAMPLE_RATE
    ) -> Iterator[tuple[int, NDArray[np.int16]]]:
        """Yield ``(position, samples)``, int16 of shape (n <= length, 2), zeros where nothing is stored.

        Parameters
        ----------
        start, end : samples; `end` of the journal when None, and zeros follow beyond it
        length : samples of a block

        Raises
        ------
        StoreError
            If a file can no longer be read.
        """
        stop = self.end if end is None else end
        handles: dict[int, int] = {}
        try:
            for position in range(start, stop, length):
                yield position, self._block(position, min(length, stop - position), handles)
        finally:
            for handle in handles.values():
                os.close(handle)

    def read(self, start: int, end: int) -> NDArray[np.int16]:
        """Return ``[start, end)`` as int16 of shape (end - start, 2)."""
        parts = [block for _, block in self.blocks(start, end)]
        return np.concatenate(parts) if parts else np.zeros((0, len(COLUMNS)), np.int16)

    def _block(self, position: int, length: int, handles: dict[int, int]) -> NDArray[np.int16]:
        block = np.zeros((length, len(COLUMNS)), np.int16)
        wanted = []
        for rows in self._by_column:
            first, last = np.searchsorted(rows[:, 2], [position - MAX_FRAME_SAMPLES, position + length])
            near = rows[first:last]
            wanted.append(near[near[:, 2] + near[:, 3] > position])
        found = np.concatenate(wanted)
        found = found[np.lexsort((found[:, 1], found[:, 0]))]
        for number in np.unique(found[:, 0]).tolist():
            self._fill(block, position, found[found[:, 0] == number], self._handle(number, handles))
        for column, cuts in enumerate(self._erased):
            for start, end in cuts:
                if start < position + length and end > position:
                    block[max(0, start - position) : end - position, column] = 0
        return block

    def _handle(self, number: int, handles: dict[int, int]) -> int:
        if number not in handles:
            try:
                handles[number] = os.open(self._files[number], os.O_RDONLY | getattr(os, "O_BINARY", 0))
            except OSError as error:
                raise read_failure(self._files[number], error) from error
        return handles[number]

    def _fill(self, block: NDArray[np.int16], start: int, rows: NDArray[np.int64], handle: int) -> None:
        """Copy frames of one file, in order of writing, into a block that starts at ``start``."""
        length = len(block)
        data, base = b"", 0
        frames = rows.tolist()
        far = frames[-1][1] + HEADER_BYTES + 2 * frames[-1][3]
        together = far - frames[0][1] <= _NEAR
        if together:
            base = frames[0][1]
            data = self._bytes(handle, base, far - base, frames[0][0])
        for number, offset, position, samples, column, _ in frames:
            if not together:
                base = offset
                data = self._bytes(handle, base, HEADER_BYTES + 2 * samples, number)
            pcm = np.frombuffer(data, "<i2", samples, offset - base + HEADER_BYTES)
            at = position - start
            low, high = max(0, at), min(length, at + samples)
            block[low:high, column] = pcm[low - at : high - at]

    def _bytes(self, handle: int, offset: int, count: int, number: int) -> bytes:
        try:
            data = read_at(handle, offset, count)
        except OSError as error:
            raise read_failure(self._files[number], error) from error
        if len(data) < count:
            raise StoreError(
                f"{self._files[number]} became shorter while it was read; run `callcoach recover` again."
            )
        return data


def read_journal(folder: Path) -> JournalReading:
    """Read the journal of a call folder; one that is not there is an empty one.

    Damaged stretches and a torn end are skipped and told; they are no error.
    """
    return JournalReading(folder)


def read_failure(path: Path, error: OSError) -> StoreError:
    """Return the one sentence for a file that could not be read."""
    reason = error.strerror or "the file system refused it"
    return StoreError(f"Could not read {path}: {reason}; check the disk, then run `callcoach recover`.")


def read_at(handle: int, offset: int, count: int) -> bytes:
    """Read up to ``count`` bytes at an offset; fewer only at the end of the file."""
    if hasattr(os, "pread"):
        data = os.pread(handle, count, offset)
        while 0 < len(data) < count and (more := os.pread(handle, count - len(data), offset + len(data))):
            data += more
        return data
    os.lseek(handle, offset, os.SEEK_SET)
    return os.read(handle, count)


def scan_file(path: Path, number: int, scan: Scan) -> None:
    """Add the frames of one journal file to a scan, going on after whatever cannot be read."""
    _FileScan(path, number, scan).run()


class _FileScan:
    """One pass over one file with a window of bounded size."""

    def __init__(self, path: Path, number: int, scan: Scan) -> None:
        self._path = path
        self._number = number
        self._scan = scan
        self._data = b""
        self._base = 0
        """Byte offset in the file of the first byte of the window."""
        self._ended = False
        self._lost_from: int | None = None
        """Byte offset since which nothing sound was seen."""
        self._holes: dict[int, int] = {}
        """By column, how many samples may have been lost since its last frame; the next one will tell."""

    def run(self) -> None:
        try:
            handle = os.open(self._path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError:
            self._scan.unreadable.append(self._path.name)
            return
        try:
            at = 0
            while (step := self._step(handle, at)) is not None:
                at = step
            end = self._base + len(self._data)
            self._scan.bytes += end
            self._scan.torn_bytes += end - (end if self._lost_from is None else self._lost_from)
        finally:
            os.close(handle)

    def _more(self, handle: int, at: int) -> int:
        """Read on, dropping what lies before ``at``; return where ``at`` is now in the window."""
        self._base += at
        try:
            more = read_at(handle, self._base + len(self._data) - at, _CHUNK)
        except OSError:
            # a bad sector: what lies behind it in this file is lost, the other files are not
            self._scan.unreadable.append(self._path.name)
            more = b""
        self._ended = not more
        self._data = self._data[at:] + more
        return 0

    def _step(self, handle: int, at: int) -> int | None:
        """Take what stands at ``at`` of the window; return where to go on, or None at the end."""
        if len(self._data) - at < HEADER_BYTES + MAX_PAYLOAD and not self._ended:
            return self._more(handle, at)
        header = unpack_header(self._data, at)
        if header is None or (self._scan.call is not None and header.call != self._scan.call):
            return self._resume(at)
        start, end = at + HEADER_BYTES, at + HEADER_BYTES + header.length
        if end > len(self._data):
            # the file ends within this frame, or its header is a lie that a later frame shows
            return self._resume(at)
        sound = crc32(self._data[start:end]) == header.payload_crc
        if not sound and self._data[end : end + len(MAGIC)] not in (MAGIC, b""):
            return self._resume(at, header)
        self._found(self._base + at, header, self._data[start:end], sound)
        return end

    def _resume(self, at: int, header: Header | None = None) -> int | None:
        """Go to the next place that looks like a frame, remembering that something is lost here."""
        if header is not None and header.kind == Kind.AUDIO:
            self._bad(header)
        if self._lost_from is None:
            self._lost_from = self._base + at
        following = self._data.find(MAGIC, at + 1)
        if following >= 0:
            return following
        if self._ended:
            return None
        return max(at + 1, len(self._data) - len(MAGIC) + 1)

    def _found(self, offset: int, header: Header, payload: bytes, sound: bool) -> None:
        scan = self._scan
        scan.call = scan.call or header.call
        if self._lost_from is not None:
            lost = offset - self._lost_from
            scan.damaged_bytes += lost
            self._holes = {c: self._holes.get(c, 0) + lost // 2 for c in range(len(COLUMNS))}
            self._lost_from = None
        if not sound:
            scan.damaged_bytes += header.length
            if header.kind == Kind.AUDIO:
                self._bad(header)
            return
        if header.kind == Kind.AUDIO:
            samples = header.length // 2
            self._reach(header.column, header.position, samples)
            if header.flags & VOID_FLAG:
                scan.end = max(scan.end, header.position + samples)
                return
            scan.index.extend((self._number, offset, header.position, samples, header.column, header.time_us))
        elif header.kind == Kind.ERASURE:
            if (erasure := unpack_erasure(payload)) is not None:
                scan.erasures.append(erasure)
        elif header.kind == Kind.END:
            scan.end = max(scan.end, header.position)
        elif header.kind == Kind.HEAD and scan.call_id is None:
            scan.call_id = _call_id(payload)

    def _bad(self, header: Header) -> None:
        samples = header.length // 2
        self._reach(header.column, header.position, samples)
        if not header.flags & (EDITED_FLAG | VOID_FLAG):
            self._damaged(header.column, header.position, header.position + samples)

    def _reach(self, column: int, position: int, samples: int) -> None:
        """Note where a frame stands; between it and the one before lies what was lost."""
        most = self._holes.pop(column, 0)
        if most:
            self._damaged(column, max(self._scan.reached[column], position - most), position)
        self._scan.reached[column] = position + samples

    def _damaged(self, column: int, start: int, end: int) -> None:
        if start < end:
            self._scan.damaged.append((self._path.name, column, start, end))


def _call_id(payload: bytes) -> str | None:
    try:
        value = json.loads(payload)["call"]
    except (ValueError, KeyError, TypeError):
        return None
    return value if isinstance(value, str) else None


def _spans(pairs: list[Pair]) -> tuple[Span, ...]:
    return tuple(Span(Samples(start), Samples(end)) for start, end in pairs)
