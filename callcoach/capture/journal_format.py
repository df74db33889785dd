"""The frames of a journal on disk; ``docs/journal-format.md`` describes them for people."""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from callcoach.clock import SAMPLE_RATE
from callcoach.events import Channel

AUDIO_FOLDER: Final = "audio"
"""Where the audio of a call lies in its folder."""

MAGIC: Final = b"\x8bCCJ\r\n\x1a\n"
MAX_FRAME_SAMPLES: Final = SAMPLE_RATE // 2
"""0.5 s (DUR-3); no audio frame is longer."""
MAX_PAYLOAD: Final = 1 << 16
"""Bytes; a longer one is damage."""
COLUMNS: Final = (Channel.AGENT, Channel.CALLER)
"""Who stands in which column; a frame carries the index."""

_FIELDS: Final = struct.Struct("<8s16sBBHIqqI")
_CRC: Final = struct.Struct("<I")
_ERASURE: Final = struct.Struct("<qqB")
HEADER_BYTES: Final = _FIELDS.size + _CRC.size
_NAME: Final = re.compile(r"journal-(\d{4,})\.ccj")


class Kind(IntEnum):
    """What a frame holds."""

    HEAD = 0
    """JSON: call id, rate, columns; the first frame of every file."""
    AUDIO = 1
    """int16 samples of one channel."""
    ERASURE = 2
    """A stretch that was erased and never comes back, whatever lies elsewhere."""
    END = 3
    """The length of the call."""


EDITED_FLAG: Final = 1
"""Some samples of this frame were overwritten with zeros on demand."""
VOID_FLAG: Final = 2
"""The frame was erased: it holds zeros that stand for nothing."""


@dataclass(frozen=True, slots=True)
class Header:
    """The fixed part of a frame: ``position`` in samples, ``time_us`` monotonic, ``length`` in bytes."""

    call: bytes
    kind: int
    column: int
    flags: int
    length: int
    position: int
    time_us: int
    payload_crc: int


def call_key(call_id: str) -> bytes:
    """Return the 16 bytes that stand for a call id in every frame."""
    return hashlib.blake2b(call_id.encode(), digest_size=16).digest()


def pack_frame(
    kind: Kind,
    call: bytes,
    payload: bytes,
    *,
    column: int = 0,
    position: int = 0,
    time_us: int = 0,
    flags: int = 0,
) -> bytes:
    """Return one frame. The checksum of its header covers that of its payload."""
    fields = _FIELDS.pack(MAGIC, call, kind, column, flags, len(payload), position, time_us, crc32(payload))
    return fields + _CRC.pack(crc32(fields)) + payload


def unpack_header(data: bytes | memoryview, offset: int) -> Header | None:
    """Read a header; None unless all of it is there and sound."""
    if len(data) - offset < HEADER_BYTES:
        return None
    magic, call, kind, column, flags, length, position, time_us, payload_crc = _FIELDS.unpack_from(
        data, offset
    )
    (own,) = _CRC.unpack_from(data, offset + _FIELDS.size)
    if magic != MAGIC or own != crc32(data[offset : offset + _FIELDS.size]):
        return None
    if length > MAX_PAYLOAD or column >= len(COLUMNS) or position < 0:
        return None
    if kind == Kind.AUDIO and (length % 2 or length > 2 * MAX_FRAME_SAMPLES):
        return None
    return Header(call, kind, column, flags, length, position, time_us, payload_crc)


def pack_samples(samples: NDArray[np.int16]) -> bytes:
    """Return samples of shape (n,) as little-endian bytes."""
    return samples.astype("<i2", copy=False).tobytes()


def pack_erasure(start: int, end: int, columns: frozenset[int]) -> bytes:
    """Return the payload of an erasure of ``[start, end)`` in some columns."""
    return _ERASURE.pack(start, end, sum(1 << column for column in columns))


def unpack_erasure(payload: bytes | memoryview) -> tuple[int, int, frozenset[int]] | None:
    """Read the payload of an erasure."""
    if len(payload) != _ERASURE.size:
        return None
    start, end, mask = _ERASURE.unpack(payload)
    return start, end, frozenset(column for column in range(len(COLUMNS)) if mask >> column & 1)


def journal_files(audio: Path) -> dict[int, Path]:
    """Return the journal files of an audio folder by number, in order of writing."""
    try:
        found = [(match, path) for path in audio.iterdir() if (match := _NAME.fullmatch(path.name))]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return dict(sorted((int(match[1]), path) for match, path in found))


def journal_file(audio: Path, number: int) -> Path:
    """Return the path of the journal file with a number."""
    return audio / f"journal-{number:04d}.ccj"
