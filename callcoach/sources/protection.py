"""Looks into container headers for what no decoder should meet: encrypted audio and impossible tables.

Encrypted AAC often still decodes, to noise; that would be invented audio. A table that promises more packets
than the file has bytes would cost gigabytes before the first sample.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from callcoach.errors import AudioFormatError
from callcoach.sources.sniff import ASF, MATROSKA, MP4, Kind
from callcoach.sources.window import FileWindow

BOXES_MAX: Final = 100_000
"""Boxes of an MP4 that are visited; fragmented recordings of a day have about two per second."""
HEAD_MAX: Final = 1 << 20
"""Bytes of a Matroska or Windows Media header that are searched."""
OGG_TAIL: Final = 1 << 17
"""Bytes at the end of an Ogg file that hold its last page for certain (a page has at most 65,307)."""

_NESTED: Final = frozenset((b"moov", b"trak", b"mdia", b"minf", b"stbl"))
_LOCKED_ENTRIES: Final = frozenset((b"enca", b"drms"))
_ASF_LOCKS: Final = (
    bytes.fromhex("fbb31122 23bd d211 b4b700a0c955fc6e"),  # content encryption object
    bytes.fromhex("14e68a29 2226 174c b935dae07ee9289c"),  # extended content encryption object
)
_MATROSKA_NESTED: Final = frozenset((0x18538067, 0x1654AE6B, 0xAE, 0x6D80, 0x6240))
_MATROSKA_LOCK: Final = 0x5035
_MATROSKA_CLUSTER: Final = 0x1F43B675


def check_container(window: FileWindow, kind: Kind, name: str) -> None:
    """Refuse encrypted recordings and impossible tables before a decoder sees them.

    Raises
    ------
    AudioFormatError
        The audio is encrypted, or an MP4 declares more packets than it has bytes.
    """
    if kind is MP4:
        locked = _mp4_is_locked(window, name)
    elif kind is ASF:
        head = window.at(0, HEAD_MAX)
        locked = any(guid in head for guid in _ASF_LOCKS)
    elif kind is MATROSKA:
        locked = _matroska_is_locked(window.at(0, HEAD_MAX))
    else:
        return
    if locked:
        raise AudioFormatError(
            f"{name} is an encrypted {kind.label} file; export it without copy protection."
        )


def ogg_has_end(window: FileWindow) -> bool:
    """Tell whether the last page of an Ogg file is complete and marked as the end of the stream."""
    tail = window.at(max(0, window.size - OGG_TAIL), OGG_TAIL)
    at = tail.rfind(b"OggS\x00")
    if at < 0 or at + 27 > len(tail):
        return False
    lengths = tail[at + 27 : at + 27 + tail[at + 26]]
    whole = len(lengths) == tail[at + 26] and at + 27 + len(lengths) + sum(lengths) <= len(tail)
    return whole and bool(tail[at + 5] & 4)


def _mp4_is_locked(window: FileWindow, name: str) -> bool:
    for box, start, end in _boxes(window):
        if box == b"stsd":
            entries = window.at(start + 8, min(end - start - 8, HEAD_MAX))
            if entries[4:8] in _LOCKED_ENTRIES:
                return True
        elif box == b"stsz":
            fixed, count = struct.unpack(">II", window.at(start + 4, 8).ljust(8, b"\0"))
            if (fixed or 4) * count > window.size:
                raise AudioFormatError(
                    f"{name} declares more packets than it has bytes and is damaged; export it again."
                )
    return False


def _boxes(window: FileWindow) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and end of the boxes of an MP4 that lead to the sample tables."""
    ends = [window.size]
    at = 0
    for _ in range(BOXES_MAX):
        while ends and at + 8 > ends[-1]:
            at = max(at, ends.pop())
        if not ends:
            return
        head = window.at(at, 16)
        if len(head) < 8:
            return
        size, box = struct.unpack(">I", head[:4])[0], head[4:8]
        start = at + 8
        if size == 1 and len(head) == 16:
            size, start = struct.unpack(">Q", head[8:])[0], at + 16
        elif size == 0:
            size = ends[-1] - at
        if size < start - at:
            return
        end = min(at + size, ends[-1])
        yield box, start, end
        if box in _NESTED and len(ends) < 8:
            ends.append(end)
            at = start
        else:
            at = end


def _matroska_is_locked(head: bytes) -> bool:
    """Follow segment, tracks, track, encodings and encoding down to an encryption element."""
    ends = [len(head)]
    at = 0
    while ends:
        if at >= ends[-1]:
            at = max(at, ends.pop())
            continue
        name, at = _ebml_number(head, at, keep_mark=True)
        size, at = _ebml_number(head, at, keep_mark=False)
        if name == _MATROSKA_LOCK:
            return True
        if name is None or size is None or name == _MATROSKA_CLUSTER:
            return False
        end = min(at + size, ends[-1])
        if name in _MATROSKA_NESTED:
            ends.append(end)
        else:
            at = end
    return False


def _ebml_number(data: bytes, at: int, keep_mark: bool) -> tuple[int | None, int]:
    """Read a number of 1 to 8 bytes and return it with the place behind it; None if there is none."""
    if at >= len(data) or data[at] == 0:
        return None, at
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    return value if keep_mark else value & ~(1 << 7 * length), at + length
