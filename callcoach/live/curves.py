"""Delivery curves of a call whose process died: columns as they were kept, and levels from the audio.

While a call runs, its columns are appended to a file in records with a checksum (`CurveLog`); what a dead
process has left of it gives the voice metrics without measuring anything again. Levels are cheap and come
from the stored audio, as the analysis computes them.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from callcoach.clock import FRAME_LENGTH, HOP_LENGTH, SAMPLE_RATE
from callcoach.core.delivery.ticks import HopColumns
from callcoach.core.track import CLIP_LEVEL, OFFSET_FOLLOW
from callcoach.events import Channel, SpeechSegment
from callcoach.sinks.folder import ProsodyTrack
from callcoach.sources.stored_call import MOST_ARCHIVE_BYTES, MOST_HOPS, open_bounded
from callcoach.storage import FILE_MODE, write_failure

CURVES_NAME: Final = "curves.part"
"""Name of the growing columns in a call folder; they go once ``prosody.npz`` is there."""
_MAGIC: Final = b"CCv1"
_RECORD: Final = struct.Struct("<4sBxHII")
"""Mark, channel, hops, first hop, checksum of what follows."""
_CHANNELS: Final[Sequence[Channel | None]] = (Channel.AGENT, Channel.CALLER, None)
_COLUMNS: Final[Mapping[str, np.dtype[Any]]] = {
    "level_dbfs": np.dtype("<f4"),
    "f0_hz": np.dtype("<f4"),
    "active": np.dtype("i1"),
    "nuclei": np.dtype("i1"),
    "filled": np.dtype("i1"),
    "floor_dbfs": np.dtype("<f4"),
    "clipped": np.dtype("<u2"),
}
_HOP_BYTES: Final = sum(dtype.itemsize for dtype in _COLUMNS.values())
_MOST_PER_RECORD: Final = 1 << 12
"""Hops; 65 s, so that one damaged record costs little."""
_SILENT_DBFS: Final = -180.0
_SETTLE: Final = 5 * SAMPLE_RATE
"""Samples in which an offset is followed to 1 %: five time constants of 1 s."""


class CurveLog:
    """Appends columns of a running call; about 2 KiB a second for two channels.

    Raises
    ------
    StoreError
        If the file cannot be opened or written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / CURVES_NAME
        try:
            self._file: BinaryIO = self._path.open("wb")
            self._path.chmod(FILE_MODE)
        except OSError as error:
            raise write_failure(self._path, error) from error

    def append(self, channel: Channel | None, first: int, hops: HopColumns) -> None:
        """Append hops of a channel, the first of which has the number ``first``; final ones only."""
        try:
            for at in range(0, len(hops.level_dbfs), _MOST_PER_RECORD):
                part = [getattr(hops, n)[at : at + _MOST_PER_RECORD].astype(d) for n, d in _COLUMNS.items()]
                body = b"".join(column.tobytes() for column in part)
                key = _CHANNELS.index(channel)
                self._file.write(_RECORD.pack(_MAGIC, key, len(part[0]), first + at, crc32(body)) + body)
            self._file.flush()
        except OSError as error:
            raise write_failure(self._path, error) from error

    def close(self) -> None:
        """Bring everything to disk; may be called more than once."""
        if self._file.closed:
            return
        try:
            with self._file:
                self._file.flush()
                os.fsync(self._file.fileno())
        except OSError as error:
            raise write_failure(self._path, error) from error

    def remove(self) -> None:
        """Close and remove the file, once ``prosody.npz`` holds the same."""
        self.close()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_curve_log(folder: Path) -> dict[Channel | None, HopColumns]:
    """Return the columns that a dead process has left, without gaps from the first hop on; {} without any.

    All channels have the same number of hops. What is torn or damaged ends them.

    Raises
    ------
    CallFolderError
        If the file is there and cannot be read, or is too large.
    """
    parts: dict[Channel | None, list[bytes]] = {}
    counts: dict[Channel | None, int] = {}
    if not (folder / CURVES_NAME).exists():
        return {}
    with open_bounded(folder, CURVES_NAME, MOST_ARCHIVE_BYTES) as file:
        while len(head := file.read(_RECORD.size)) == _RECORD.size:
            mark, key, hops, first, checksum = _RECORD.unpack(head)
            if mark != _MAGIC or key >= len(_CHANNELS) or not 0 < hops <= _MOST_PER_RECORD:
                break
            body = file.read(hops * _HOP_BYTES)
            channel = _CHANNELS[key]
            if crc32(body) != checksum or first != counts.get(channel, 0) or first + hops > MOST_HOPS:
                break
            parts.setdefault(channel, []).append(body)
            counts[channel] = first + hops
    shortest = min(counts.values(), default=0)
    return {channel: _joined(bodies, shortest) for channel, bodies in parts.items()}


def _joined(bodies: Iterable[bytes], hops: int) -> HopColumns:
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in _COLUMNS}
    for body in bodies:
        count, at = len(body) // _HOP_BYTES, 0
        for name, dtype in _COLUMNS.items():
            columns[name].append(np.frombuffer(body, dtype, count, at))
            at += count * dtype.itemsize
    return HopColumns.of(**{name: np.concatenate(parts)[:hops] for name, parts in columns.items()})


@dataclass(slots=True)
class Measured:
    """One channel of the stored audio, or of its end."""

    first: int = 0
    """Number of the first hop that was measured."""
    levels: list[NDArray[np.float32]] = field(default_factory=list)
    """dBFS per hop of 16 ms, piece by piece."""
    clipped: int = 0
    """Samples at full scale."""
    loudest: float = 0.0
    """Largest absolute sample, full scale = 1."""
    offset: float = 0.0
    """Direct-current offset at the end, full scale = 1."""

    @property
    def level_dbfs(self) -> NDArray[np.float32]:
        """Levels of all hops."""
        return np.concatenate([np.zeros(0, np.float32), *self.levels])


def measure_from(columns: Mapping[Channel | None, HopColumns]) -> int:
    """Return the position from which the audio has to be measured where the agent's columns are kept.

    It is the start of a frame a little before their end: the offset of the input has settled there.
    """
    kept = columns.get(Channel.AGENT)
    end = 0 if kept is None else len(kept.level_dbfs) * HOP_LENGTH
    return max(0, end - _SETTLE) // FRAME_LENGTH * FRAME_LENGTH


def measure(
    blocks: Iterable[tuple[int, NDArray[np.int16]]], start: int = 0
) -> tuple[int, dict[Channel, Measured]]:
    """Measure the stored audio of a call of two channels, frame by frame as the analysis does.

    Parameters
    ----------
    blocks : position and samples, int16, shape (n, 2), in order and without holes.
    start : int
        Position of the first sample, at the start of a frame.

    Returns
    -------
    Where the audio ends, and what was measured of each channel; the last frame is filled up with zeros.
    """
    found = {c: Measured(first=start // HOP_LENGTH) for c in Channel}
    rest = np.zeros((0, len(Channel)), np.int16)
    length = start
    for position, block in blocks:
        if position != length:
            raise ValueError(f"audio at {position} follows audio that ends at {length}")
        length += len(block)
        joined = np.concatenate([rest, block]) if len(rest) else block
        whole = len(joined) // FRAME_LENGTH * FRAME_LENGTH
        rest = joined[whole:]
        _measure(joined[:whole], found)
    if len(rest):
        _measure(np.pad(rest, ((0, FRAME_LENGTH - len(rest)), (0, 0))), found)
    return length, found


def _measure(pcm: NDArray[np.int16], found: Mapping[Channel, Measured]) -> None:
    """Add whole frames."""
    if not len(pcm):
        return
    for column, measured in enumerate(found.values()):
        frames = pcm[:, column].astype(np.float32).reshape(-1, FRAME_LENGTH) / np.float32(32768)
        magnitude = np.abs(frames)
        measured.loudest = max(measured.loudest, float(magnitude.max()))
        measured.clipped += int(np.count_nonzero(magnitude >= CLIP_LEVEL))
        means = (frames.sum(axis=1, dtype=np.float64) / FRAME_LENGTH).tolist()
        offsets, offset = [], measured.offset
        for mean in means:
            offset += OFFSET_FOLLOW * (mean - offset)
            offsets.append(offset)
        measured.offset = offset
        hops = (frames - np.array(offsets, np.float32)[:, np.newaxis]).reshape(-1, HOP_LENGTH)
        powers = np.einsum("ij,ij->i", hops, hops, dtype=np.float64)
        levels = 20 * np.log10(np.sqrt(powers / HOP_LENGTH) + 1e-9)
        measured.levels.append(levels.astype(np.float32))


def recovered_prosody(
    hops: int,
    segments: Iterable[SpeechSegment],
    columns: Mapping[Channel | None, HopColumns],
    measured: Mapping[Channel, Measured],
    channels: Collection[Channel] = tuple(Channel),
) -> dict[Channel | None, ProsodyTrack]:
    """Return what ``prosody.npz`` can hold of a call that was cut short.

    Level comes from the kept columns and then from the audio, F0 from the columns and is NaN after them; the
    mask follows the runs of speech of the log. What only a replay needs is left out: the prompts of a call
    that was cut short are not reproduced by it.

    Parameters
    ----------
    hops : int
        Length of every curve, 16 ms each.
    channels : the sides that may be stored.
    """
    runs = [(s.channel, s.span) for s in segments]
    times = np.arange(hops, dtype=np.float64) * np.float64(HOP_LENGTH / SAMPLE_RATE)
    tracks: dict[Channel | None, ProsodyTrack] = {}
    for channel in channels:
        level = np.full(hops, _SILENT_DBFS, np.float32)
        f0 = np.full(hops, np.nan, np.float32)
        if channel in measured:
            first = measured[channel].first
            heard = measured[channel].level_dbfs[: max(0, hops - first)]
            level[first : first + len(heard)] = heard
        if channel in columns:
            kept, voiced = columns[channel].level_dbfs[:hops], columns[channel].f0_hz[:hops]
            level[: len(kept)] = kept
            f0[: len(voiced)] = voiced
        mask = np.zeros(hops, np.bool_)
        for role, span in runs:
            if role is channel:
                mask[span.start // HOP_LENGTH : -(-span.end // HOP_LENGTH)] = True
        tracks[channel] = ProsodyTrack(times, level, f0, mask)
    return tracks
