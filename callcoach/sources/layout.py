"""Reads the headers of containers with plain samples: where they lie, how long they are, what they are.

libsndfile and libav each have their own idea of a header with a wrong length. Reading it here gives one rule
for all: a length of zero or of all ones is unknown and the data go to the end of the file; a length beyond
the end is reported as a loss; bytes behind a length that is too small are reported and left alone.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from callcoach.errors import AudioFormatError
from callcoach.sources.limits import check_shape
from callcoach.sources.sniff import AIFF, AU, CAF, W64, WAV, Kind
from callcoach.sources.window import FileWindow

CHUNKS_MAX: Final = 10_000
"""Chunks of a file that are visited."""
PLACEHOLDER_SLACK: Final = 0x1000
"""Programs that write to a pipe put 2 GiB or 4 GiB less some header bytes where the length should be."""
PADDING_MAX: Final = 8
"""Bytes behind the data that are alignment and not worth a word."""

Endian = Literal["LITTLE", "BIG"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the samples of a file lie and how they are coded.

    Attributes
    ----------
    subtype
        libsndfile's name of the coding of bare samples, or None when ``header`` is needed or a library has to
        find the data by itself.
    header
        A sound header for the data, made from the file's own, for codings in blocks (ADPCM, GSM).
    endian
        Byte order of the samples.
    rate, channels
        Hz and number, inside the bounds of ``limits``.
    block_bytes, block_frames
        Size of the unit that can be decoded alone, and the frames in it. For bare samples one frame.
    start, available
        First byte of the data, and the bytes that are there and belong to it.
    declared
        Bytes that the header promises; None when unknown.
    leftover
        Bytes behind the data that belong to no chunk.
    """

    subtype: str | None
    header: bytes | None
    endian: Endian
    rate: int
    channels: int
    block_bytes: int
    block_frames: int
    start: int
    available: int
    declared: int | None
    leftover: int

    @property
    def for_library(self) -> bool:
        """Whether only the lengths are known and a library must decode the file as a whole."""
        return self.subtype is None and self.header is None

    @property
    def missing(self) -> int:
        """Bytes that the header promises and the file does not have."""
        return 0 if self.declared is None else max(0, self.declared - self.available)

    @property
    def declared_frames(self) -> int | None:
        """Frames that the header promises; None when unknown."""
        return None if self.declared is None else self.declared // self.block_bytes * self.block_frames

    @property
    def available_frames(self) -> int:
        """Frames that the bytes can hold."""
        return math.ceil(self.available / self.block_bytes) * self.block_frames


@dataclass(frozen=True, slots=True)
class _Chunk:
    name: bytes
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class _Style:
    """How a family of containers writes its chunks."""

    name_bytes: int
    size_code: str
    size_includes_head: bool
    align: int

    def walk(self, window: FileWindow, at: int) -> Iterator[_Chunk]:
        head_bytes = self.name_bytes + struct.calcsize(self.size_code)
        for _ in range(CHUNKS_MAX):
            head = window.at(at, head_bytes)
            if len(head) < head_bytes:
                return
            (size,) = struct.unpack(self.size_code, head[self.name_bytes :])
            if self.size_includes_head:
                size -= head_bytes
            start = at + head_bytes
            yield _Chunk(head[: self.name_bytes], start, size)
            if size < 0:
                return
            at = start + -(-size // self.align) * self.align

    def is_chain(self, window: FileWindow, at: int) -> bool:
        """Tell whether the bytes from ``at`` to the end of the file are a chain of sound chunks."""
        end = at
        for chunk in self.walk(window, at):
            if chunk.size < 0 or not chunk.name[:4].isascii() or not chunk.name[:4].decode().isprintable():
                return False
            end = chunk.start + chunk.size
        return end > at and window.size <= end + self.align and end <= window.size


_LIBRARY_TAGS: Final = frozenset((
    0x02, 0x11, 0x31,  # MS and IMA ADPCM, GSM 6.10
    0x20, 0x22, 0x42, 0x45, 0x64, 0x65, 0x83, 0x28F,  # Yamaha ADPCM, TrueSpeech, G.723.1, G.726, G.722, G.729
    0x50, 0x55, 0xFF, 0x1600, 0x1610, 0x2000,  # MPEG audio, AAC, AC-3
    0x160, 0x161, 0x162, 0x163,  # Windows Media
))  # fmt: skip
"""Codings in WAV beside plain samples. libav knows more numbers, but takes some of them for something else:
NMS ADPCM came out as AMR noise."""

_RIFF: Final = _Style(4, "<I", False, 2)
_RIFX: Final = _Style(4, ">I", False, 2)
_AIFF: Final = _Style(4, ">I", False, 2)
_CAF: Final = _Style(4, ">q", False, 1)
_W64: Final = _Style(16, "<Q", True, 8)
_BARE: Final = _Style(4, ">I", False, 1)


@dataclass(frozen=True, slots=True)
class _Format:
    subtype: str | None
    endian: Endian
    rate: float
    channels: int
    block_bytes: int
    block_frames: int = 1
    header: bytes | None = None


def read_layout(window: FileWindow, kind: Kind, name: str) -> Layout | None:
    """Return the layout of a file, or None when only a library can tell.

    Raises
    ------
    AudioFormatError
        A header outside the bounds, without a format, or without data.
    """
    if kind is WAV:
        return _read_riff(window, name)
    if kind is W64:
        return _read_w64(window, name)
    if kind is AIFF:
        return _read_aiff(window, name)
    if kind is CAF:
        return _read_caf(window, name)
    if kind is AU:
        return _read_au(window, name)
    return None


def _damaged(name: str, what: str) -> AudioFormatError:
    return AudioFormatError(f"{name} {what}, so its header is damaged; export the recording again.")


def _no_audio(name: str) -> AudioFormatError:
    return AudioFormatError(f"{name} holds a header but no audio; export or record the call again.")


def _finish(
    window: FileWindow, name: str, form: _Format, start: int, size: int, limit: int, style: _Style
) -> Layout | None:
    """Settle the length of the data; ``limit`` is the largest value of the size field."""
    check_shape(name, form.rate, form.channels)
    there = max(0, window.size - start)
    placeholder = size > there and any(
        0 <= top - size < PLACEHOLDER_SLACK for top in (limit, 1 << 31, 1 << 32)
    )
    unknown = size <= 0 or placeholder
    if there == 0 or (size <= 0 and style is not _BARE and style.is_chain(window, start)):
        raise _no_audio(name)
    available = there if unknown else min(size, there)
    behind = start + -(-available // style.align) * style.align
    leftover = max(0, window.size - behind)
    if leftover <= PADDING_MAX or style.is_chain(window, behind):
        leftover = 0
    header = None
    if form.header is not None:
        if available > 0xFFFF_0000:  # the made-up header has 32 bits; libav reads such a file
            return None
        header = b"RIFF" + struct.pack("<I", len(form.header) + 12 + available) + b"WAVE"
        header += form.header + b"data" + struct.pack("<I", available)
    return Layout(
        form.subtype, header, form.endian, int(form.rate), form.channels, form.block_bytes, form.block_frames,
        start, available, None if unknown else size, leftover,
    )  # fmt: skip


def _read_riff(window: FileWindow, name: str) -> Layout | None:
    style = _RIFX if window.at(0, 4) == b"RIFX" else _RIFF
    form: _Format | None = None
    large: int | None = None
    for chunk in style.walk(window, 12):
        if chunk.name == b"ds64" and chunk.size >= 16:
            (large,) = struct.unpack("<q", window.at(chunk.start + 8, 8).ljust(8, b"\0"))
        elif chunk.name == b"fmt ":
            form = _wave_format(window.at(chunk.start, min(chunk.size, 64)), style is _RIFX, name)
        elif chunk.name == b"data":
            if form is None:
                raise _damaged(name, "has data without a format")
            size = chunk.size
            if size == 0xFFFF_FFFF and large is not None:
                size = large
            return _finish(window, name, form, chunk.start, size, 0xFFFF_FFFF, style)
    if form is None:
        raise _damaged(name, "has no format")
    raise _no_audio(name) if window.size < 1024 else _damaged(name, "has no data where its header says")


def _wave_format(data: bytes, big: bool, name: str) -> _Format:
    """Read a WAVEFORMAT, WAVEFORMATEX or WAVEFORMATEXTENSIBLE."""
    if len(data) < 14:
        raise _damaged(name, "has a format that is cut short")
    order = ">" if big else "<"
    tag, channels, rate, _, align = struct.unpack(order + "HHIIH", data[:14])
    bits = struct.unpack(order + "H", data[14:16])[0] if len(data) >= 16 else 0
    if tag == 0xFFFE and len(data) >= 26:
        (tag,) = struct.unpack(order + "H", data[24:26])
    check_shape(name, rate, channels)
    endian: Endian = "BIG" if big else "LITTLE"
    if tag in (1, 3, 6, 7):
        width = align // channels if align % channels == 0 else 0
        if not (bits + 7) // 8 <= width <= 8:  # a frame size that contradicts the sample size
            width = (bits + 7) // 8
        subtype = {
            (1, 1): "PCM_U8", (1, 2): "PCM_16", (1, 3): "PCM_24", (1, 4): "PCM_32",
            (3, 4): "FLOAT", (3, 8): "DOUBLE", (6, 1): "ALAW", (7, 1): "ULAW",
        }.get((tag, width))  # fmt: skip
        if subtype is None:
            raise _damaged(name, f"declares samples of {bits} bits")
        return _Format(subtype, endian, rate, channels, width * channels)
    if tag not in _LIBRARY_TAGS:
        raise AudioFormatError(
            f"{name} holds a coding that is not read here (WAV format 0x{tag:04X}); convert it to PCM first."
        )
    if tag in (2, 0x11, 0x31) and not big and align > 0:
        frames = struct.unpack("<H", data[18:20])[0] if len(data) >= 20 else 0
        if frames > 0:
            header = b"fmt " + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
            return _Format(None, endian, rate, channels, align, frames, header)
    return _Format(None, endian, rate, channels, max(align, 1))


def _read_w64(window: FileWindow, name: str) -> Layout | None:
    form: _Format | None = None
    for chunk in _W64.walk(window, 40):
        if chunk.name[:4] == b"fmt ":
            form = _wave_format(window.at(chunk.start, min(max(chunk.size, 0), 64)), False, name)
        elif chunk.name[:4] == b"data":
            if form is None:
                raise _damaged(name, "has data without a format")
            form = replace(form, header=None)  # ADPCM in Wave64: left to the library
            unknown = chunk.size <= 0 or chunk.size >= 1 << 62
            return _finish(window, name, form, chunk.start, 0 if unknown else chunk.size, 1 << 63, _W64)
    raise _damaged(name, "has no format" if form is None else "has no data where its header says")


def _read_aiff(window: FileWindow, name: str) -> Layout | None:
    form: _Format | None = None
    frames = 0
    for chunk in _AIFF.walk(window, 12):
        if chunk.name == b"COMM":
            data = window.at(chunk.start, min(chunk.size, 64))
            if len(data) < 18:
                raise _damaged(name, "has a format that is cut short")
            channels, frames, bits = struct.unpack(">hIh", data[:8])
            code = data[18:22] if len(data) >= 22 else b"NONE"
            rate = _extended(data[8:18])
            check_shape(name, rate, channels)
            subtype, endian, width = _aiff_coding(code, bits)
            form = _Format(subtype, endian, rate, channels, max(width * channels, 1))
        elif chunk.name == b"SSND":
            if form is None:
                return None  # the format may follow; the library finds it
            (offset,) = struct.unpack(">I", window.at(chunk.start, 4).ljust(4, b"\0"))
            start = chunk.start + 8 + min(offset, window.size)
            size = chunk.size - 8 - offset
            if chunk.size == 0 or chunk.size == 0xFFFF_FFFF:
                size = frames * form.block_bytes
                size = size if 0 < size <= window.size - start else 0
            return _finish(window, name, form, start, size, 0xFFFF_FFFF, _AIFF)
    raise _damaged(name, "has no format" if form is None else "has no data where its header says")


def _aiff_coding(code: bytes, bits: int) -> tuple[str | None, Endian, int]:
    width = (bits + 7) // 8
    linear = {1: "PCM_S8", 2: "PCM_16", 3: "PCM_24", 4: "PCM_32"}.get(width)
    table: dict[bytes, tuple[str | None, Endian, int]] = {
        b"NONE": (linear, "BIG", width),
        b"twos": (linear, "BIG", width),
        b"sowt": (linear, "LITTLE", width),
        b"fl32": ("FLOAT", "BIG", 4),
        b"fl64": ("DOUBLE", "BIG", 8),
        b"ulaw": ("ULAW", "BIG", 1),
        b"alaw": ("ALAW", "BIG", 1),
    }
    return table.get(code, table.get(code.lower(), (None, "BIG", 1)))


def _extended(data: bytes) -> float:
    """Read the 80-bit float of an AIFF rate; 0 when it is no sensible number."""
    exponent, mantissa = struct.unpack(">HQ", data)
    power = exponent - 16383 - 63
    return math.ldexp(mantissa, power) if -100 < power < 40 else 0.0


def _read_caf(window: FileWindow, name: str) -> Layout | None:
    form: _Format | None = None
    for chunk in _CAF.walk(window, 8):
        if chunk.name == b"desc":
            data = window.at(chunk.start, 32)
            if len(data) < 32:
                raise _damaged(name, "has a format that is cut short")
            rate, code, flags, packet, per_packet, channels, bits = struct.unpack(">d4sIIIII", data)
            check_shape(name, rate if math.isfinite(rate) else 0.0, channels)
            width = packet // channels
            subtype: str | None = None
            if per_packet == 1 and packet == width * channels:
                if code == b"lpcm" and flags & 1:
                    subtype = {4: "FLOAT", 8: "DOUBLE"}.get(width)
                elif code == b"lpcm" and width * 8 == bits:
                    subtype = {1: "PCM_S8", 2: "PCM_16", 3: "PCM_24", 4: "PCM_32"}.get(width)
                else:
                    subtype = {b"ulaw": "ULAW", b"alaw": "ALAW"}.get(code)
            form = _Format(subtype, "LITTLE" if flags & 2 else "BIG", rate, channels, max(packet, 1))
        elif chunk.name == b"data":
            if form is None:
                raise _damaged(name, "has data without a format")
            size = chunk.size - 4 if chunk.size > 4 else 0
            return _finish(window, name, form, chunk.start + 4, size, 1 << 63, _CAF)
    raise _damaged(name, "has no format" if form is None else "has no data where its header says")


def _read_au(window: FileWindow, name: str) -> Layout | None:
    data = window.at(0, 24)
    if len(data) < 24:
        raise _damaged(name, "is cut short")
    start, size, code, rate, channels = struct.unpack(">IIIII", data[4:])
    check_shape(name, rate, channels)
    coding = {
        1: ("ULAW", 1), 2: ("PCM_S8", 1), 3: ("PCM_16", 2), 4: ("PCM_24", 3), 5: ("PCM_32", 4),
        6: ("FLOAT", 4), 7: ("DOUBLE", 8), 27: ("ALAW", 1),
    }.get(code)  # fmt: skip
    if start < 24:
        raise _damaged(name, "says that its data begin inside the header")
    subtype, width = coding or (None, 1)
    form = _Format(subtype, "BIG", rate, channels, width * channels)
    return _finish(window, name, form, start, size, 0xFFFF_FFFF, _BARE)
