"""Tells what a file is from its bytes, never from its name, and refuses whatever is not a known recording.

A decoder is only ever started for one of ``KINDS``. Playlists, concatenation scripts, pictures and subtitles
are text or images that make decoders open other files; they end here with their own name in the message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from callcoach.errors import AudioFormatError
from callcoach.sources.mpeg import find_adts, find_mpeg_audio, skip_id3
from callcoach.sources.window import FileWindow

HEAD_BYTES: Final = 1 << 16
"""Bytes from the start that are looked at."""
SHORTEST: Final = 12
"""Bytes; no container with sound is shorter."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A container that is accepted.

    Attributes
    ----------
    label
        Its name for people.
    demuxer
        Its one demuxer in libav.
    soundfile
        Whether libsndfile reads it and is tried first.
    raw
        Whether it is a bare run of packets without time stamps or length, so that the position of a packet in
        the file is the only clock and a promised length would be a guess.
    """

    label: str
    demuxer: str
    soundfile: bool = False
    raw: bool = False


WAV: Final = Kind("WAV", "wav", soundfile=True)
W64: Final = Kind("Wave64", "w64", soundfile=True)
AIFF: Final = Kind("AIFF", "aiff", soundfile=True)
AU: Final = Kind("AU", "au", soundfile=True)
CAF: Final = Kind("CAF", "caf", soundfile=True)
FLAC: Final = Kind("FLAC", "flac", soundfile=True)
OGG: Final = Kind("Ogg", "ogg")
MP3: Final = Kind("MP3", "mp3", raw=True)
ADTS: Final = Kind("AAC", "aac", raw=True)
MP4: Final = Kind("MP4", "mov")
MATROSKA: Final = Kind("Matroska", "matroska")
AVI: Final = Kind("AVI", "avi")
ASF: Final = Kind("Windows Media", "asf")
FLV: Final = Kind("Flash video", "flv")
MPEG_TS: Final = Kind("MPEG transport stream", "mpegts")
MPEG_PS: Final = Kind("MPEG program stream", "mpeg")
AMR: Final = Kind("AMR", "amr", raw=True)
GSM: Final = Kind("GSM", "gsm", raw=True)

KINDS: Final = (
    WAV, W64, AIFF, AU, CAF, FLAC, OGG, MP3, ADTS, MP4, MATROSKA, AVI, ASF, FLV, MPEG_TS, MPEG_PS, AMR, GSM,
)  # fmt: skip
DEMUXERS: Final = frozenset(kind.demuxer for kind in KINDS)
"""Everything that libav may be asked to open. No playlist, no concatenation, no picture, no subtitle, no
device."""

_ACCEPTED: Final[tuple[tuple[int, bytes, Kind], ...]] = (
    (8, b"WAVE", WAV),  # behind RIFF, RIFX, RF64 or BW64, see below
    (0, b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00", W64),
    (8, b"AIFF", AIFF),
    (8, b"AIFC", AIFF),
    (0, b".snd", AU),
    (0, b"caff", CAF),
    (0, b"fLaC", FLAC),
    (0, b"OggS", OGG),
    (0, b"\x1a\x45\xdf\xa3", MATROSKA),
    (8, b"AVI ", AVI),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", ASF),
    (0, b"FLV\x01", FLV),
    (0, b"\x00\x00\x01\xba", MPEG_PS),
    (0, b"#!AMR", AMR),
)
_OUTER: Final = {"WAV": (b"RIFF", b"RIFX", b"RF64", b"BW64"), "AIFF": (b"FORM",), "AVI": (b"RIFF",)}

_REFUSED: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"Salted__", "an encrypted file (OpenSSL)"),
    (0, b"-----BEGIN PGP", "an encrypted file (PGP)"),
    (0, b"\x85\x01", "an encrypted file (PGP)"),
    (0, b"age-encryption.org", "an encrypted file (age)"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ\x00", "an xz archive"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"II*\x00", "a TIFF picture"),
    (0, b"MM\x00*", "a TIFF picture"),
    (8, b"WEBP", "a WebP picture"),
    (0, b"8BPS", "a Photoshop picture"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document"),
    (0, b"{\\rtf", "an RTF document"),
    (0, b"SQLite format 3\x00", "an SQLite database"),
    (0, b"\x80\x04\x95", "a Python pickle"),
    (0, b"\x80\x05\x95", "a Python pickle"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"MThd", "a MIDI file"),
    (0, b"NIST_1A", "a NIST SPHERE file"),
    (0, b"Creative Voice File", "a Creative VOC file"),
    (0, b"wvpk", "a WavPack file"),
    (0, b"MAC ", "a Monkey's Audio file"),
    (0, b".RMF", "a RealMedia file"),
    (0, b"DSD ", "a DSD file"),
    (0, b"II\x1a\x00", "a RealAudio file"),
    (0, b"!<arch>", "an archive"),
)

_TEXTS: Final[tuple[tuple[str, str], ...]] = (
    ("#extm3u", "a playlist (M3U)"),
    ("#ext-x", "a playlist (HLS)"),
    ("ffconcat", "a list of files (ffconcat)"),
    ("[playlist]", "a playlist (PLS)"),
    ("<asx", "a playlist (ASX)"),
    ("<smil", "a playlist (SMIL)"),
    ("<!doctype html", "a web page"),
    ("<html", "a web page"),
    ("<?xml", "an XML file"),
    ("webvtt", "subtitles (WebVTT)"),
    ("v=0\n", "a session description (SDP)"),
    ("v=0\r\n", "a session description (SDP)"),
    (";ffmetadata", "a list of tags"),
    ("{", "a JSON file"),
    ("version https://git-lfs", "a Git LFS pointer and not the recording itself"),
)

_HEADERLESS: Final = {
    ".g729": "G.729", ".g729a": "G.729", ".729": "G.729", ".g723": "G.723.1", ".g726": "G.726",
    ".g722": "G.722", ".vox": "Dialogic ADPCM", ".raw": "raw samples", ".pcm": "raw samples",
    ".sln": "raw samples", ".sln16": "raw samples", ".ulaw": "raw mu-law", ".ul": "raw mu-law",
    ".alaw": "raw A-law", ".al": "raw A-law", ".siren7": "Siren 7", ".siren14": "Siren 14", ".ilbc": "iLBC",
}  # fmt: skip
"""Formats that have no header at all: only the name tells, and any file would decode to noise."""

_PICTURE_BRANDS: Final = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis", b"crx ")
_MP4_BOXES: Final = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp", b"moof")


def sniff(window: FileWindow, name: str) -> Kind:
    """Return the kind of recording that the bytes of ``window`` are.

    Parameters
    ----------
    window
        The whole file.
    name
        File name for people; its ending is used in messages only.

    Raises
    ------
    AudioFormatError
        The file is none of ``KINDS``; the message names what it is if that is known.
    """
    head = window.at(0, HEAD_BYTES)
    for offset, magic, kind in _ACCEPTED:
        if head[offset : offset + len(magic)] == magic and head[:4] in _OUTER.get(kind.label, (head[:4],)):
            return kind
    if len(head) < SHORTEST:
        raise AudioFormatError(f"{name} is too short to be a recording; export or record the call again.")
    what = _refused(head) or _text(head, name)
    if what is not None:
        raise AudioFormatError(
            f"{name} is {what}; choose the recording itself as WAV, FLAC, MP3, Ogg or M4A."
        )
    for found in _by_structure(window, head):
        return found
    codec = _HEADERLESS.get(PurePath(name).suffix.lower())
    if codec is not None:
        raise AudioFormatError(
            f"{name} seems to hold {codec} without a header; convert it to WAV or FLAC first."
        )
    raise AudioFormatError(
        f"{name} has no known audio format, is damaged or encrypted; export it as WAV, FLAC, MP3, Ogg or M4A."
    )


def _by_structure(window: FileWindow, head: bytes) -> Iterator[Kind]:
    """Find the kinds that have no fixed first bytes."""
    if head[4:8] in _MP4_BOXES and not (head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS):
        yield MP4
    for step, first in ((188, 0), (192, 4)):
        if len(head) > first + 2 * step and all(
            head[i] == 0x47 for i in range(first, min(len(head), 8 * step), step)
        ):
            yield MPEG_TS
    if len(head) >= 8 * 33 and all(byte >> 4 == 0xD for byte in head[: 33 * 64 : 33]):
        yield GSM
    start = skip_id3(window)
    if start:
        head = window.at(start, HEAD_BYTES)
        if head[:4] == b"fLaC":
            yield FLAC
    whole = start + len(head) >= window.size
    if find_adts(head, whole):
        yield ADTS
    if find_mpeg_audio(head, whole) is not None:
        yield MP3


def _refused(head: bytes) -> str | None:
    if head[:4] == b"PK\x03\x04":
        locked = len(head) > 6 and head[6] & 1
        return "an encrypted ZIP archive" if locked else "a ZIP archive or an Office document"
    if head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS:
        return "a HEIF or AVIF picture"
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return "a BMP picture"
    for offset, magic, what in _REFUSED:
        if head[offset : offset + len(magic)] == magic:
            return what
    return None


def _text(head: bytes, name: str) -> str | None:
    """Name a text file, or return None if the bytes are no text."""
    sample = head[:4096]
    if sample[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = sample[: len(sample) // 2 * 2].decode("utf-16", "replace")
    else:
        try:
            text = sample.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            if error.start < len(sample) - 4 or len(sample) < 4096:  # not just a character cut in two
                return None
            text = sample[: error.start].decode("utf-8-sig")
    if any(ord(c) < 32 and c not in "\t\n\r\f\x1b" for c in text):
        return None
    low = text.lstrip().lower()
    for start, what in _TEXTS:
        if low.startswith(start):
            return "a web page" if what == "an XML file" and "<html" in low else what
    if PurePath(name).suffix.lower() == ".cue" or (low.startswith(("file ", "rem ")) and "track " in low):
        return "a cue sheet"
    if "-->" in low[:200]:
        return "subtitles"
    if low.startswith("file ") and ("'" in low or '"' in low):
        return "a list of files"
    return "a text file"
