"""Frame headers of MPEG audio and of AAC in ADTS: enough to recognise a file and to step over tags."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from callcoach.sources.window import FileWindow

ID3_MAX: Final = 64 << 20
"""Bytes; tags with a picture are a few MB, anything larger is no tag."""
JUNK_MAX: Final = 4_096
"""Bytes of rubbish that may stand before the first frame."""
CHAIN: Final = 3
"""Frames that must follow each other before bytes count as MPEG audio; two sync words by chance are
common."""

_RATES: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_KBITS: Final = {
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


@dataclass(frozen=True, slots=True)
class MpegFrame:
    """One MPEG audio frame: its length in bytes and what must not change within a file."""

    length: int
    family: tuple[int, int, int]


def mpeg_frame(data: bytes, at: int) -> MpegFrame | None:
    """Read the four header bytes at ``at``; None if they are no header of layer I, II or III."""
    return _header(data[at : at + 4])


@lru_cache(maxsize=1 << 12)
def _header(head: bytes) -> MpegFrame | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version = head[1] >> 3 & 3
    layer = 4 - (head[1] >> 1 & 3)
    bits, rate_index, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or bits in (0, 15) or rate_index == 3:
        return None
    rate = _RATES[version][rate_index]
    bitrate = _KBITS[version == 3, layer][bits] * 1000
    if layer == 1:
        length = (12 * bitrate // rate + padding) * 4
    else:
        length = (72 if layer == 3 and version != 3 else 144) * bitrate // rate + padding
    return MpegFrame(length, (version, layer, rate))


def find_mpeg_audio(data: bytes, whole: bool) -> int | None:
    """Return where MPEG audio begins, or None.

    Parameters
    ----------
    data
        The first bytes, tags left out.
    whole
        Whether ``data`` goes to the end of the file, so that fewer than ``CHAIN`` frames are enough.
    """
    at = data.find(b"\xff")
    while 0 <= at <= JUNK_MAX:
        first = mpeg_frame(data, at)
        if first is not None:
            here, seen = at, 0
            frame: MpegFrame | None = first
            while frame is not None and frame.family == first.family and seen < CHAIN:
                seen += 1
                here += frame.length
                frame = mpeg_frame(data, here)
            cut_short = whole and here >= len(data) - 4 and at == 0
            if seen >= CHAIN or (seen and cut_short):
                return at
        at = data.find(b"\xff", at + 1)
    return None


def find_adts(data: bytes, whole: bool) -> bool:
    """Tell whether ``data`` begins with AAC frames in ADTS (``whole`` as in ``find_mpeg_audio``)."""
    at, seen = 0, 0
    while seen < CHAIN and at + 7 <= len(data):
        length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        if data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0 or data[at + 2] >> 2 & 15 > 12 or length < 7:
            return False
        seen += 1
        at += length
    return seen >= CHAIN or (whole and seen > 0)


def skip_id3(window: FileWindow) -> int:
    """Return the length of the ID3v2 tags at the start of a file; 0 without a tag."""
    at = 0
    while True:
        head = window.at(at, 10)
        if len(head) < 10 or head[:3] != b"ID3" or any(byte & 0x80 for byte in head[6:10]):
            return at
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        footer = 10 if head[5] & 0x10 else 0
        if size > ID3_MAX:
            return at
        at += 10 + size + footer
