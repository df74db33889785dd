"""After the call: the journal becomes a FLAC file, is compared with it, and only then goes (DUR-4, DUR-8).

Each step may be cut off and repeated; the same audio comes of it. Whoever runs them holds the `CallLock`.
"""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from callcoach.capture.journal_format import AUDIO_FOLDER, COLUMNS, journal_files
from callcoach.capture.journal_reader import Damage, JournalReading, read_journal
from callcoach.capture.marker import FINISHING, RECORDING, SET_ASIDE, rename_marker
from callcoach.clock import SAMPLE_RATE, Span
from callcoach.errors import StoreError
from callcoach.events import Channel
from callcoach.storage import OS_STORAGE, Storage, StoredFile, make_private_folder, write_failure

FLAC_NAME: Final = "call.flac"
KEPT_SUFFIX: Final = ".kept"
"""Of a journal file that the disk does not give back whole: it stays for people who can read it."""
_COMPRESSION: Final = 0.4
"""Level 3 of 8: a fifth faster than the usual 5 and 1 % larger (made-up speech, 60 min)."""
_BLOCK: Final = 10 * SAMPLE_RATE
"""Samples encoded or compared at once; bounds the memory."""


@dataclass(frozen=True, slots=True)
class StoredAudio:
    """The finished recording of a call.

    ``path`` is None for a call without a single sample. ``stored`` are the stretches of each channel that
    hold recorded samples, ``damage`` those that were lost on the disk; elsewhere stand zeros. Both are
    unknown (empty) when the journal had gone already.
    """

    path: Path | None
    samples: int
    stored: dict[Channel, tuple[Span, ...]]
    erased: dict[Channel, tuple[Span, ...]]
    damage: tuple[Damage, ...]
    torn_bytes: int
    unreadable: tuple[str, ...]
    """Journal files that the disk did not give back whole; `complete` keeps them."""
    journal: tuple[tuple[str, int, int], ...]
    """Name, bytes and time of change of the files that were compared with it."""


def write_flac(folder: Path, *, end: int | None = None, storage: Storage = OS_STORAGE) -> StoredAudio:
    """Write ``audio/call.flac`` from the journal: 16 kHz, 16 bit, columns agent and caller.

    The file gets its name only after it is on disk and has been decoded and compared with the journal,
    sample by sample. The journal stays; `complete` removes it. When `complete` had begun already,
    what stands there is the record and is returned as it is.

    Parameters
    ----------
    folder : of the call
    end : length of the call in samples where it is known to be longer than its journal

    Raises
    ------
    StoreError
        If the journal cannot be read, the file cannot be written, or it decodes to anything else. The
        journal is untouched then.
    """
    audio = folder / AUDIO_FOLDER
    path = audio / FLAC_NAME
    if (audio / FINISHING).exists():
        return _finished(path)
    make_private_folder(audio)
    seen = _journal_facts(audio)
    reading = read_journal(folder)
    length = max(reading.end, end or 0)
    if not length:
        return _stored(None, reading, 0, seen)
    if path.is_file() and _difference(path, reading, length) is None:
        return _stored(path, reading, length, seen)
    temporary = audio / f".{FLAC_NAME}.part"
    try:
        storage.remove(temporary)
        handle = storage.open(temporary, "new")
        try:
            _encode(StoredFile(storage, handle), reading, length)
            storage.sync(handle)
        finally:
            storage.close(handle)
        if (place := _difference(temporary, reading, length)) is not None:
            raise StoreError(
                f"The audio written to {path} differs from the journal at sample {place};"
                " the journal is kept, run `callcoach recover` again."
            )
        storage.rename(temporary, path)
        storage.sync_folder(audio)
    except OSError as error:
        _drop(storage, temporary)
        raise write_failure(path, error) from error
    except BaseException:
        _drop(storage, temporary)
        raise
    return _stored(path, reading, length, seen)


def complete(folder: Path, audio: StoredAudio | None = None, *, storage: Storage = OS_STORAGE) -> None:
    """Remove journal and marker of a call whose FLAC holds the same samples. Cut off, it may be repeated.

    Parameters
    ----------
    folder : of the call
    audio : what `write_flac` returned. If the journal has not changed since, it need not be compared
        again; without it that is done first.

    Raises
    ------
    StoreError
        If journal and FLAC differ, or a file cannot be removed. Nothing is removed before the marker
        says on disk that the FLAC is the record.
    """
    place = folder / AUDIO_FOLDER
    marker = place / FINISHING
    if not marker.exists():
        if not (place / RECORDING).exists() and not (place / SET_ASIDE).exists() and not journal_files(place):
            return
        if audio is None or audio.journal != _journal_facts(place):
            _check_again(folder, audio)
        name = RECORDING if (place / RECORDING).exists() else SET_ASIDE
        if (place / name).exists():
            rename_marker(place / name, FINISHING, storage)
    path = place
    try:
        for path in journal_files(place).values():
            if _readable(path):
                storage.remove(path)
            else:
                storage.rename(path, path.with_suffix(KEPT_SUFFIX))
        storage.sync_folder(place)
        storage.remove(marker)
        storage.sync_folder(place)
    except OSError as error:
        raise write_failure(path, error) from error


def _check_again(folder: Path, audio: StoredAudio | None) -> None:
    path = folder / AUDIO_FOLDER / FLAC_NAME
    reading = read_journal(folder)
    length = max(reading.end, audio.samples if audio else 0)
    if not path.is_file():
        if length:
            raise StoreError(f"{path} is not there yet; run `callcoach recover` to make it from the journal.")
        return
    with suppress(StoreError):
        length = max(length, _finished(path).samples)
    if (place := _difference(path, reading, length)) is not None:
        raise StoreError(
            f"{path} differs from the journal at sample {place}; run `callcoach recover` to make it anew."
        )


def _encode(target: StoredFile, reading: JournalReading, length: int) -> None:
    shield = _Shield(target)
    try:
        with soundfile.SoundFile(
            shield,
            "w",
            SAMPLE_RATE,
            len(COLUMNS),
            subtype="PCM_16",
            format="FLAC",
            compression_level=_COMPRESSION,
        ) as file:
            for _, block in reading.blocks(0, length, _BLOCK):
                file.write(block)
    except (soundfile.SoundFileError, AssertionError) as error:
        # soundfile asserts that all was taken
        raise shield.error or OSError(None, str(error)) from error
    if shield.error is not None:
        raise shield.error


class _Shield(io.RawIOBase):
    """Keeps what goes wrong in Python until the encoder, which calls it and is not Python, has returned."""

    def __init__(self, target: StoredFile) -> None:
        super().__init__()
        self._target = target
        self.error: BaseException | None = None

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._target.seek(offset, whence)

    def tell(self) -> int:
        return self._target.tell()

    def write(self, data: object, /) -> int:
        if self.error is not None:
            return 0
        try:
            return self._target.write(data)
        except BaseException as error:
            self.error = error
            return 0


def _difference(path: Path, reading: JournalReading, length: int) -> int | None:
    """Return a sample at which a file is not what the journal says; None when it is the same throughout."""
    half = length // 2 // _BLOCK * _BLOCK
    parts = [(0, half), (half, length)] if half else [(0, length)]
    with ThreadPoolExecutor(len(parts)) as pool:
        # decoding runs outside the interpreter's lock
        places = list(pool.map(lambda part: _difference_within(path, reading, part, length), parts))
    return next((place for place in places if place is not None), None)


def _difference_within(path: Path, reading: JournalReading, part: tuple[int, int], length: int) -> int | None:
    start, end = part
    try:
        with soundfile.SoundFile(path) as file:
            if file.samplerate != SAMPLE_RATE or file.channels != len(COLUMNS) or file.subtype != "PCM_16":
                return 0
            if file.seek(start) != start:
                return start
            for position, block in reading.blocks(start, end, _BLOCK):
                decoded = file.read(len(block), dtype="int16", always_2d=True)
                same = min(len(decoded), len(block))
                if not np.array_equal(decoded, block):
                    other = np.flatnonzero((decoded[:same] != block[:same]).any(axis=1))
                    return position + (int(other[0]) if len(other) else same)
            return end if end == length and len(file.read(1)) else None
    except soundfile.SoundFileError:
        return start


def _readable(path: Path) -> bool:
    try:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
    except OSError:
        return False
    return True


def _finished(path: Path) -> StoredAudio:
    """Return what is known of a recording whose journal may have gone."""
    samples = 0
    if path.is_file():
        try:
            samples = soundfile.info(str(path)).frames
        except soundfile.SoundFileError as error:
            raise StoreError(f"{path} cannot be decoded; restore it from a copy.") from error
    nothing: dict[Channel, tuple[Span, ...]] = {}
    return StoredAudio(path if samples else None, samples, nothing, nothing, (), 0, (), ())


def _stored(
    path: Path | None, reading: JournalReading, length: int, seen: tuple[tuple[str, int, int], ...]
) -> StoredAudio:
    return StoredAudio(
        path=path,
        samples=length,
        stored=reading.stored,
        erased=reading.erased,
        damage=reading.damage,
        torn_bytes=reading.torn_bytes,
        unreadable=reading.unreadable,
        journal=seen,
    )


def _journal_facts(audio: Path) -> tuple[tuple[str, int, int], ...]:
    facts = [(path.name, path.stat()) for path in journal_files(audio).values()]
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in facts)


def _drop(storage: Storage, temporary: Path) -> None:
    with suppress(OSError):
        storage.remove(temporary)
