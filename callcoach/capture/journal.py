"""The journal of a running call: raw samples on disk within half a second (DUR-1 to DUR-7).

Samples are kept back for 0.25 s at most, then each channel's go to the system as one frame with its own
checksum. `JournalWriter.sync` brings them to disk; it may run in a thread of its own and keeps no writer
waiting. Format: ``docs/journal-format.md``.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from callcoach.capture.journal_file import JournalFile, erase_frames, kept_parts
from callcoach.capture.journal_format import (
    AUDIO_FOLDER,
    COLUMNS,
    HEADER_BYTES,
    Kind,
    call_key,
    journal_file,
    journal_files,
    pack_erasure,
    pack_frame,
)
from callcoach.capture.journal_frames import FRAME_SAMPLES, Batch, FrameBuffer
from callcoach.capture.journal_reader import Damage, JournalReading, read_journal
from callcoach.capture.journal_status import JournalStatus, State
from callcoach.capture.spans import Pair, union, without
from callcoach.clock import SAMPLE_RATE, Samples, Span
from callcoach.errors import StoreError
from callcoach.events import Channel
from callcoach.storage import NO_SPACE, OS_STORAGE, Storage, make_private_folder, write_all

__all__ = ["Damage", "JournalReading", "JournalStatus", "JournalWriter", "read_journal"]

ROLL_BYTES: Final = 512 << 20
"""A file that reaches this size is followed by a new one: no file system's limit comes near (DUR-10)."""
RETRY_S: Final = 0.5
"""How long a refused write or file is left alone; a new file stands within 1 s (DUR-6)."""
_WAITS_S: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
"""After the first, second, ... failed sync in a row: each means a new file and writing the ring anew.
The ring of 10 s holds more than the longest."""
_SPACE_EVERY_S: Final = 2.0
_BYTES_PER_MINUTE: Final = 60 * SAMPLE_RATE * len(COLUMNS) * 2 * (1 + HEADER_BYTES / (2 * FRAME_SAMPLES))
_MOST_MISSING: Final = 1000


class Monotonic(Protocol):
    """The part of a clock that the journal needs."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""


class JournalWriter:
    """Appends the samples of a call to journal files below ``folder``/audio.

    All methods may be called from any thread. `write` never waits for a `sync` or an `erase` that runs in
    another, `status` for nothing. A refused write is no exception: the call goes on, `status` tells, and the
    writer tries again.

    Parameters
    ----------
    folder : of the call; made when missing. An earlier journal of the same call is gone on with.
    call_id : stands in every file, its digest in every frame
    clock : for the time in frames and for waiting before another try
    storage : what reaches the disk
    roll_bytes : size at which a new file begins

    Raises
    ------
    StoreError
        If the folder cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        call_id: str,
        *,
        clock: Monotonic,
        storage: Storage = OS_STORAGE,
        roll_bytes: int = ROLL_BYTES,
    ) -> None:
        self._audio = folder / AUDIO_FOLDER
        make_private_folder(folder)
        make_private_folder(self._audio)
        self._call_id = call_id
        self._call = call_key(call_id)
        self._clock = clock
        self._storage = storage
        self._roll_bytes = roll_bytes
        self._lock = threading.Lock()
        """Guards all that follows; held for memory and one write, never for a sync."""
        self._sync_lock = threading.Lock()
        """Held by whoever syncs, erases or closes; taken before `_lock`."""
        self._earlier = journal_files(self._audio)
        self._next_number = max(self._earlier, default=0) + 1
        self._file: JournalFile | None = None
        self._left: list[JournalFile] = []
        """Files that are no longer written, still open until they are synced."""
        self._done: list[JournalFile] = []
        """Closed files of this writer."""
        self._buffer = FrameBuffer(self._call)
        self._written: dict[Channel, int] = {}
        self._synced: dict[Channel, int] = {}
        self._synced_next = 0
        """All samples before it that were given are on disk, or known to be missing."""
        self._synced_at: float | None = None
        self._rewrite_from: int | None = None
        self._missing: list[Pair] = []
        self._retry_at = -np.inf
        self._state: State = "recording"
        self._reason: str | None = None
        self._failures = 0
        self._failed_syncs = 0
        """One after the other."""
        self._sync_at = -np.inf
        self._suspect = 0
        self._free_minutes: float | None = None
        self._space_at = -np.inf
        self._published = self._facts()
        with self._lock:
            self._begin_file()
            self._look_at_space()
            self._publish()

    # Writing

    def write(self, position: int, block: NDArray[np.int16], channels: Collection[Channel]) -> None:
        """Take samples of the call; of other channels than ``channels`` nothing is kept.

        Parameters
        ----------
        position : of the first sample, on the call's clock. What was taken already is passed over, unless
            `take_rewrite` asked for it; a position further on leaves a gap.
        block : int16, shape (n, 2), columns agent and caller; any n
        channels : those that may be stored

        Raises
        ------
        ValueError
            If the block has another shape or type.
        """
        if block.ndim != 2 or block.shape[1] != len(COLUMNS) or block.dtype != np.int16:
            raise ValueError(f"a block is int16 of shape (n, 2), got {block.dtype} {block.shape}")
        columns = tuple(column for column, channel in enumerate(COLUMNS) if channel in channels)
        with self._lock:
            if self._state == "closed":
                return
            now_us = round(self._clock.monotonic() * 1e6)
            for batch in self._buffer.add(position, block, columns, now_us):
                self._store(batch)
            self._publish()

    def patch(self, position: int, samples: NDArray[np.int16], channel: Channel) -> None:
        """Take sound of one channel that came after zeros were written in its place.

        Parameters
        ----------
        position : where it belongs, at or before what was written
        samples : int16, shape (n,)
        """
        with self._lock:
            if self._state == "closed":
                return
            self._flush()
            column = COLUMNS.index(channel)
            now_us = round(self._clock.monotonic() * 1e6)
            late = self._buffer.at(position)
            block = np.zeros((len(samples), len(COLUMNS)), np.int16)
            block[:, column] = samples
            for batch in [*late.add(position, block, (column,), now_us), *late.drain()]:
                self._append(b"".join(frame for _, frame in batch.frames), batch)
            self._publish()

    def flush(self) -> None:
        """Give to the system what is kept back; a kill loses none of it then."""
        with self._lock:
            self._flush()
            self._publish()

    def sync(self) -> None:
        """Bring everything taken so far to disk.

        A sync that fails is not tried again: its file counts as suspect, a new one is begun, and
        `take_rewrite` says what has to be written anew (DUR-6). While one sync after the other fails, some
        calls do nothing.
        """
        with self._sync_lock:
            self._sync()

    def take_rewrite(self) -> int | None:
        """Return the position from which samples must be written again, once another try is worth it.

        After this call `write` accepts samples from that position; what the caller no longer has may be
        left out and is a gap. If they are refused again, so is this asked again. None when there is
        nothing to repeat, or not yet. Ask after the last `write` too, before `close`.
        """
        with self._lock:
            if self._rewrite_from is None:
                return None
            self._flush()
            ready = self._clock.monotonic() >= self._retry_at and (self._file or self._begin_file())
            if ready:
                self._buffer.next, self._rewrite_from = self._rewrite_from, None
            self._publish()
            return self._buffer.next if ready else None

    def close(self, end: int | None = None) -> None:
        """Bring everything to disk and close; may be called more than once.

        Parameters
        ----------
        end : length of the call in samples, where it is longer than what was stored

        Raises
        ------
        StoreError
            If the last samples could not be brought to disk.
        """
        with self._sync_lock:
            with self._lock:
                if self._state == "closed":
                    return
                self._flush()
                if end is not None:
                    self._append(pack_frame(Kind.END, self._call, b"", position=end))
            self._sync(at_once=True)
            with self._lock:
                lost = self._rewrite_from is not None or self._state != "recording"
                for file in [*self._left, *([self._file] if self._file else [])]:
                    self._close_file(file)
                self._left, self._file, self._state = [], None, "closed"
                self._publish()
        if lost:
            raise StoreError(
                f"The end of the recording in {self._audio} may not be on disk"
                f" ({self._reason}); free some space, then run `callcoach recover`."
            )

    # What has happened

    @property
    def synced(self) -> dict[Channel, int]:
        """End positions of what is on disk, by channel."""
        return dict(self._published[0].synced)

    def status(self) -> JournalStatus:
        """Return how it stands, at once, even while the disk keeps everything else waiting."""
        status, synced_at = self._published
        if synced_at is None:
            return status
        return replace(status, synced_age_s=self._clock.monotonic() - synced_at)

    def _facts(self) -> tuple[JournalStatus, float | None]:
        status = JournalStatus(
            state=self._state,
            synced=dict(self._synced),
            written=dict(self._written),
            synced_age_s=None,
            free_minutes=self._free_minutes,
            rewrite_from=self._rewrite_from,
            missing=tuple(Span(Samples(a), Samples(b)) for a, b in self._missing),
            suspect_files=self._suspect,
            failures=self._failures,
            reason=self._reason,
        )
        return status, self._synced_at

    def _publish(self) -> None:
        self._published = self._facts()

    # Erasing

    def erase(self, start: int, end: int, channels: Collection[Channel]) -> None:
        """Overwrite a stretch with zeros on disk (PRV-2, PRV-4); samples in it are never stored again.

        Parameters
        ----------
        start, end : samples; ``end`` may lie ahead of what was written
        channels : whose samples go

        Raises
        ------
        StoreError
            If a file could not be overwritten or synced. Readers leave the stretch out all the same as
            soon as its erasure could be noted in the journal.
        """
        columns = frozenset(column for column, channel in enumerate(COLUMNS) if channel in channels)
        if start >= end or not columns:
            return
        with self._sync_lock:
            for number, path in self._earlier.items():
                self._done.append(JournalFile.of_earlier_writer(path, number, self._call))
            self._earlier = {}
            with self._lock:
                self._buffer.erase(start, end, columns)
                self._flush()
                self._retry_at = -np.inf
                note = pack_erasure(start, end, columns)
                self._append(pack_frame(Kind.ERASURE, self._call, note, position=start))
                files = [*self._done, *self._left, *([self._file] if self._file else [])]
                rows = [file.rows(start, end, columns) for file in files]
            refused: tuple[Path, OSError] | None = None
            copied = self._copy_kept(files, rows, start, end)
            for file, found in zip(files, rows, strict=True):
                try:
                    if file.ragged and file.handle is not None:
                        with self._lock:  # it may be written again a moment later
                            file.cut(self._storage)
                    if len(found) or file.ragged:
                        erase_frames(self._storage, file, found, self._call, start, end, void=copied)
                        with self._lock:
                            whole = (found[:, 2] >= start) & (found[:, 2] + found[:, 3] <= end)
                            file.forget(found[whole | copied])
                except OSError as error:
                    refused = file.path, error
            self._sync(at_once=True)
        if refused is not None:
            raise StoreError(f"Could not erase in {refused[0]}: {refused[1].strerror}; delete that file.")

    def _copy_kept(
        self, files: list[JournalFile], rows: list[NDArray[np.int64]], start: int, end: int
    ) -> bool:
        """Store again what shares a frame with the ends of an erasure; return whether it is on disk.

        A frame that is overwritten while the power fails is lost as a whole.
        """
        try:
            parts = [
                part
                for file, found in zip(files, rows, strict=True)
                for part in kept_parts(self._storage, file, found, self._call, start, end)
            ]
        except OSError:
            return False
        if not parts:
            return True
        suspect = self._suspect
        with self._lock:
            if not all(self._append(part.frames[0][1], part) for part in parts):
                return False
        self._sync(at_once=True)
        return self._suspect == suspect

    # With the lock held

    def _flush(self) -> None:
        """Make frames of what is kept back."""
        for batch in self._buffer.drain():
            self._store(batch)

    def _store(self, batch: Batch) -> None:
        if self._append(b"".join(frame for _, frame in batch.frames), batch):
            self._missing = without(self._missing, [batch.span]) if self._missing else []
        else:
            self._missing = union([*self._missing, batch.span])[-_MOST_MISSING:]
            self._ask_again(batch.position)

    def _append(self, data: bytes, batch: Batch | None = None) -> bool:
        """Write whole frames to the end of the file, of the next one if this one fails."""
        if self._clock.monotonic() < self._retry_at:
            return False
        for _ in range(2):
            if self._file is None and not self._begin_file():
                return False
            file = self._file
            if file is None:
                return False
            try:
                file.append(self._storage, data, batch)
            except OSError as error:
                self._refused(error)
                if error.errno in NO_SPACE:
                    self._state = "full"
                    return False
                self._state = "failing"
                self._suspend(file)
                continue
            if batch is not None:
                for column, _ in batch.frames:
                    channel = COLUMNS[column]
                    self._written[channel] = max(self._written.get(channel, 0), batch.span[1])
            self._state = "recording"
            if file.end >= self._roll_bytes:
                self._left.append(file)
                self._file = None
            return True
        return False

    def _begin_file(self) -> bool:
        """Open the next file and lock it, so that nobody takes a call for interrupted that is written."""
        if self._clock.monotonic() < self._retry_at:
            return False
        path = journal_file(self._audio, self._next_number)
        facts = {"call": self._call_id, "rate": SAMPLE_RATE, "columns": list(COLUMNS)}
        head = pack_frame(Kind.HEAD, self._call, json.dumps(facts).encode())
        handle = None
        try:
            handle = self._storage.open(path, "new")
            self._next_number += 1
            with suppress(OSError):
                self._storage.lock(handle)
            write_all(self._storage, handle, head, 0)
        except OSError as error:
            if isinstance(error, FileExistsError):
                self._next_number += 1
            if handle is not None:
                with suppress(OSError):
                    self._storage.close(handle)
                with suppress(OSError):
                    self._storage.remove(path)
            self._refused(error)
            self._state = "full" if error.errno in NO_SPACE else "failing"
            return False
        self._file = JournalFile(self._next_number - 1, path, handle, end=len(head))
        self._state = "recording"
        return True

    def _refused(self, error: OSError) -> None:
        self._note_refusal(error)
        self._retry_at = self._clock.monotonic() + RETRY_S

    def _note_refusal(self, error: OSError) -> None:
        self._failures += 1
        self._reason = error.strerror or os.strerror(error.errno or 0)

    def _suspend(self, file: JournalFile) -> None:
        """Give up a file: its unsynced part is written again into the next one, which begins at once."""
        file.suspect = True
        self._suspect += 1
        self._ask_again(self._synced_next)
        if file is self._file:
            # closed by the next sync: another thread may be syncing it now
            self._left.append(file)
            self._file = None
            self._retry_at = -np.inf
            self._begin_file()

    def _ask_again(self, position: int) -> None:
        if self._rewrite_from is None or position < self._rewrite_from:
            self._rewrite_from = position

    def _close_file(self, file: JournalFile) -> None:
        file.close(self._storage)
        self._done.append(file)

    def _look_at_space(self) -> None:
        now = self._clock.monotonic()
        if now < self._space_at:
            return
        self._space_at = now + _SPACE_EVERY_S
        with suppress(OSError):
            self._free_minutes = self._storage.free_bytes(self._audio) / _BYTES_PER_MINUTE

    # With the sync lock held

    def _sync(self, *, at_once: bool = False) -> None:
        with self._lock:
            self._flush()
            files = [*self._left, *([self._file] if self._file else [])]
            dirty = [file for file in files if not file.suspect and (file.dirty or not file.named)]
            reached, written, now = self._buffer.next, dict(self._written), self._clock.monotonic()
            complete = self._rewrite_from is None
            if now < self._sync_at and not at_once:
                dirty = []
            for file in dirty:
                file.dirty = False
        failed: list[JournalFile] = []
        for file in dirty:
            try:
                file.sync(self._storage)
                if not file.named:
                    self._storage.sync_folder(self._audio)
                    file.named = True
            except OSError as error:
                failed.append(file)
                with self._lock:
                    self._note_refusal(error)
        with self._lock:
            for file in failed:
                if not file.suspect:
                    self._suspend(file)
            for file in [file for file in self._left if file.suspect or not file.dirty]:
                self._left.remove(file)
                self._close_file(file)
            if failed:
                self._sync_at = now + _WAITS_S[min(self._failed_syncs, len(_WAITS_S) - 1)]
                self._failed_syncs += 1
            elif dirty:
                self._failed_syncs = 0
            if dirty and not failed and complete and self._rewrite_from is None:
                if written != self._synced:
                    self._synced_at = now
                self._synced_next, self._synced = reached, written
            self._look_at_space()
            self._publish()
