"""At least 70 named files that a recording must not be, or only just is: one call makes them all.

``python -m tests.support.bad_inputs DIR`` writes them and prints a table. Every file must end in a verdict or
in one sentence, within 10 s, without a traceback, a hang or audio that was never there.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import pickle
import re
import sqlite3
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from tests.support.recordings import Samples, call_like, libav, pcm16, sndfile, wav

Outcome = Literal["ok", "salvaged", "rejected"]
RATE: Final = 16_000
SECONDS: Final = 2.0
CUTS: Final = 20
SEED: Final = 7

OK: Final = frozenset[Outcome]({"ok"})
SALVAGED: Final = frozenset[Outcome]({"salvaged"})
REJECTED: Final = frozenset[Outcome]({"rejected"})
CUT: Final = frozenset[Outcome]({"salvaged", "rejected"})
ANY: Final = frozenset[Outcome]({"ok", "salvaged", "rejected"})


@dataclass(frozen=True, slots=True)
class BadInput:
    """One file.

    Attributes
    ----------
    name
        Unique name of the shape.
    path
        Where it lies; for ``missing`` there is nothing.
    expected
        Outcomes that are right. ``rejected`` is a ``CallCoachError`` with exit status 2 or 3.
    seconds
        No more audio than this may come out.
    """

    name: str
    path: Path
    expected: frozenset[Outcome]
    seconds: float


@dataclass(frozen=True, slots=True)
class _Shape:
    name: str
    file: str
    data: bytes | Callable[[Path], None]
    expected: frozenset[Outcome]
    seconds: float = SECONDS + 0.3  # encoders pad


def generate(folder: Path) -> list[BadInput]:
    """Write every shape into ``folder`` (each in a folder of its own) and return the list."""
    made = []
    for shape in _shapes():
        place = folder / shape.name
        place.mkdir(parents=True, exist_ok=True)
        path = place / shape.file
        if callable(shape.data):
            shape.data(path)
        else:
            path.write_bytes(shape.data)
        made.append(BadInput(shape.name, path, shape.expected, shape.seconds))
    return made


def _shapes() -> Iterator[_Shape]:
    audio = call_like(RATE, SECONDS)
    good = sndfile(audio, RATE, "WAV", "PCM_16")
    yield from _whole(audio)
    yield from _cut(audio)
    yield from _headers(audio, good)
    yield from _lengths(audio, good)
    yield from _values(audio)
    yield from _damaged(audio)
    yield from _not_audio()
    yield from _references(good)
    yield from _locked(audio)
    yield from _paths(good)


def _codecs(audio: Samples) -> dict[str, tuple[str, bytes]]:
    return {
        "wav": ("call.wav", sndfile(audio, RATE, "WAV", "PCM_16")),
        "ulaw": ("call.wav", sndfile(audio, RATE, "WAV", "ULAW")),
        "flac": ("call.flac", sndfile(audio, RATE, "FLAC", "PCM_16")),
        "mp3": ("call.mp3", libav(audio, RATE, "mp3", "libmp3lame")),
        "ogg": ("call.ogg", sndfile(audio, RATE, "OGG", "VORBIS")),
        "opus": ("call.opus", sndfile(audio, RATE, "OGG", "OPUS")),
        "m4a": ("call.m4a", libav(audio, RATE, "ipod", "aac", options={"movflags": "faststart"})),
        "webm": ("call.webm", libav(call_like(48_000, SECONDS), 48_000, "webm", "libopus")),
    }


def _whole(audio: Samples) -> Iterator[_Shape]:
    """Sound files in every accepted format, so that strictness is tested too."""
    mono = np.ascontiguousarray(audio[:, :1])
    narrow = call_like(8_000, SECONDS)
    for name, (file, data) in _codecs(audio).items():
        yield _Shape(f"whole-{name}", file, data, OK)
    for subtype in ("PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "IMA_ADPCM", "MS_ADPCM"):
        yield _Shape(f"wav-{subtype.lower()}", "call.wav", sndfile(audio, RATE, "WAV", subtype), OK)
    yield _Shape("wav-gsm", "call.wav", sndfile(call_like(8_000, SECONDS, 1), 8_000, "WAV", "GSM610"), OK)
    yield _Shape("wav-g722", "call.wav", libav(mono, RATE, "wav", "g722"), OK)
    yield _Shape("wav-mp3-inside", "call.wav", libav(audio, RATE, "wav", "libmp3lame"), OK)
    for code in [
        "WAVEX PCM_16",
        "RF64 PCM_24",
        "W64 PCM_16",
        "AIFF PCM_16",
        "AIFF FLOAT",
        "AU ULAW",
        "AU PCM_16",
        "CAF PCM_24",
        "CAF ALAC_16",
        "FLAC PCM_24",
    ]:
        form, subtype = code.split()
        name = f"{form}-{subtype}".lower().replace("_", "")
        yield _Shape(name, f"call.{form.lower()}", sndfile(audio, RATE, form, subtype), OK)
    yield _Shape("rifx", "call.wav", sndfile(audio, RATE, "WAV", "PCM_16", "BIG"), OK)
    yield _Shape(
        "amr", "call.amr", libav(narrow[:, :1], 8_000, "amr", "libopencore_amrnb", bit_rate=12_200), OK
    )
    yield _Shape("aac-bare", "call.aac", libav(audio, RATE, "adts", "aac"), OK)
    yield _Shape("alac-m4a", "call.m4a", libav(audio, RATE, "ipod", "alac"), OK)
    yield _Shape("wma", "call.wma", libav(audio, RATE, "asf", "wmav2", bit_rate=48_000), OK)
    yield _Shape("mkv-flac", "call.mkv", libav(audio, RATE, "matroska", "flac"), OK)
    yield _Shape("video-mp4", "call.mp4", libav(audio, RATE, "mp4", "aac", video="mpeg4"), OK)
    yield _Shape("video-mkv", "call.mkv", libav(audio, RATE, "matroska", "libopus", video="mpeg4"), OK)
    yield _Shape("video-avi", "call.avi", libav(audio, RATE, "avi", "pcm_s16le", video="mpeg4"), OK)
    yield _Shape("video-mov", "call.mov", libav(audio, RATE, "mov", "pcm_s16le", video="mpeg4"), OK)
    yield _Shape("video-silent", "call.mp4", libav(audio[:0], RATE, "mp4", "aac", video="mpeg4"), REJECTED, 0)
    yield _Shape("two-tracks", "call.mkv", libav(audio, RATE, "matroska", "aac", tracks=2), OK)
    yield _Shape("mono", "call.wav", sndfile(mono, RATE, "WAV", "PCM_16"), OK)
    yield _Shape(
        "eight-channels", "call.wav", sndfile(call_like(RATE, SECONDS, 8), RATE, "WAV", "PCM_16"), OK
    )
    yield _Shape("rate-192k", "call.wav", sndfile(call_like(192_000, 0.5), 192_000, "WAV", "PCM_16"), OK)
    yield _Shape("rate-8k", "call.wav", sndfile(narrow, 8_000, "WAV", "PCM_16"), OK)
    yield _Shape("one-sample", "call.wav", wav(pcm16(audio[:1])), OK)
    yield _Shape("one-frame-flac", "call.flac", sndfile(audio[:1], RATE, "FLAC", "PCM_16"), OK)
    yield _Shape("wrong-ending", "call.mp3.wav", libav(audio, RATE, "mp3", "libmp3lame"), OK)
    yield _Shape("no-ending", "call", sndfile(audio, RATE, "WAV", "PCM_16"), OK)
    yield _Shape("tagged-mp3", "call.mp3", _id3(1 << 20) + libav(audio, RATE, "mp3", "libmp3lame"), OK)
    yield _Shape(
        "joined-mp3", "call.mp3", 2 * libav(audio, RATE, "mp3", "libmp3lame"), ANY, 2 * SECONDS + 0.5
    )
    yield _Shape("joined-ogg", "call.ogg", 2 * sndfile(audio, RATE, "OGG", "VORBIS"), ANY, 2 * SECONDS + 0.5)


def _cut(audio: Samples) -> Iterator[_Shape]:
    """Recordings that stop at one of twenty points, from inside the header to just before the end."""
    for name, (file, data) in _codecs(audio).items():
        expected = ANY if name in ("mp3", "webm") else CUT  # without a length in the header nothing shows
        for i in range(CUTS):
            at = round(len(data) * (i + 0.5) / CUTS)
            yield _Shape(f"cut-{name}-{i:02d}", file, data[:at], expected)
    good = _codecs(audio)["wav"][1]
    for at in (1, 4, 12, 20, 36, 43, 44):
        yield _Shape(f"header-{at}-bytes", "call.wav", good[:at], REJECTED, 0)
    flac = _codecs(audio)["flac"][1]
    for at in (4, 20, 42):
        yield _Shape(f"flac-header-{at}-bytes", "call.flac", flac[:at], REJECTED, 0)


def _headers(audio: Samples, good: bytes) -> Iterator[_Shape]:
    data = pcm16(audio)
    yield _Shape("rate-1-hz", "call.wav", wav(data, rate=1), REJECTED, 0)
    yield _Shape("rate-0-hz", "call.wav", wav(data, rate=0), REJECTED, 0)
    yield _Shape("rate-500-khz", "call.wav", wav(data, rate=500_000), REJECTED, 0)
    yield _Shape("rate-4-ghz", "call.wav", wav(data, rate=0xFFFF_FFFF), REJECTED, 0)
    yield _Shape("no-channels", "call.wav", wav(data, channels=0, align=4), REJECTED, 0)
    yield _Shape("33-channels", "call.wav", wav(data, channels=33), REJECTED, 0)
    yield _Shape("65535-channels", "call.wav", wav(data, channels=65_535), REJECTED, 0)
    yield _Shape("bits-0", "call.wav", wav(data, bits=0), REJECTED, 0)
    yield _Shape("bits-64", "call.wav", wav(data, bits=64), REJECTED, 0)
    yield _Shape("align-0", "call.wav", wav(data, align=0), OK)
    yield _Shape("align-wrong", "call.wav", wav(data, align=3), OK)
    yield _Shape("unknown-codec", "call.wav", wav(data, tag=0x1234), REJECTED, 0)
    yield _Shape(
        "g729-wav", "call.wav", wav(bytes(2_000), tag=0x83, channels=1, rate=8_000, bits=0, align=10), ANY
    )
    yield _Shape("g729-bare", "call.g729", _noise(1_000), REJECTED, 0)
    yield _Shape("no-format", "call.wav", good[:12] + good[36:], REJECTED, 0)
    yield _Shape("no-data", "call.wav", good[:36], REJECTED, 0)
    yield _Shape(
        "chunk-beyond-end", "call.wav", wav(data, before=b"LIST" + struct.pack("<I", 1 << 30)), REJECTED, 0
    )
    yield _Shape("wrong-magic", "call.wav", b"RIFZ" + good[4:], REJECTED, 0)
    yield _Shape("riff-other", "call.wav", good[:8] + b"XYZW" + good[12:], REJECTED, 0)
    yield _Shape("tags-only", "call.mp3", _id3(4_096), REJECTED, 0)
    yield _Shape(
        "flac-rate-1-hz", "call.flac", _flac_rate(sndfile(audio, RATE, "FLAC", "PCM_16"), 1), REJECTED, 0
    )
    yield _Shape(
        "au-data-in-header", "call.au", b".snd" + struct.pack(">5I", 4, 400, 3, RATE, 2) + data, REJECTED, 0
    )
    ogg = sndfile(audio, RATE, "OGG", "VORBIS")
    first = next(at for at in _pages(ogg) if struct.unpack("<q", ogg[at + 6 : at + 14])[0] > 0)
    yield _Shape("ogg-headers-only", "call.ogg", ogg[:first], REJECTED, 0)
    plain = libav(audio, RATE, "mp4", "aac")
    yield _Shape("mp4-without-index", "call.m4a", plain[: plain.rindex(b"moov") - 4], REJECTED, 0)
    at = plain.rindex(b"stsz") + 8
    yield _Shape(
        "mp4-endless-index",
        "call.m4a",
        plain[:at] + struct.pack(">II", 1, 0xFFFF_FFF0) + plain[at + 8 :],
        CUT,
        0,
    )


def _lengths(audio: Samples, good: bytes) -> Iterator[_Shape]:
    data = pcm16(audio)
    yield _Shape("data-size-0", "call.wav", wav(data, size=0), OK)
    yield _Shape("data-size-ones", "call.wav", wav(data, size=0xFFFF_FFFF), OK)
    yield _Shape("data-size-2-gib", "call.wav", wav(data, size=0x7FFF_FFDB), OK)
    yield _Shape("data-size-small", "call.wav", wav(data, size=len(data) // 2), SALVAGED, SECONDS / 2 + 0.01)
    yield _Shape("data-size-large", "call.wav", wav(data, size=len(data) * 2), SALVAGED)
    yield _Shape("data-size-0-and-tags", "call.wav", wav(b"", after=_list_chunk()), REJECTED, 0)
    yield _Shape("tags-behind", "call.wav", wav(data, after=_list_chunk()), OK)
    yield _Shape("rubbish-behind", "call.wav", wav(data, after=_noise(5_000)), SALVAGED)
    yield _Shape("half-a-frame-behind", "call.wav", wav(data + b"\1"), OK)
    rf64 = bytearray(sndfile(audio, RATE, "RF64", "PCM_16"))
    at = rf64.index(b"ds64") + 16
    rf64[at : at + 8] = b"\xff" * 8
    yield _Shape("rf64-size-ones", "call.rf64", bytes(rf64), OK)
    head = b".snd" + struct.pack(">5I", 24, 0xFFFF_FFFF, 3, RATE, 2)
    yield _Shape("au-size-ones", "call.au", head + np.frombuffer(data, "<i2").byteswap().tobytes(), OK)
    caf = bytearray(sndfile(audio, RATE, "CAF", "PCM_16"))
    at = caf.index(b"data") + 4
    caf[at : at + 8] = b"\xff" * 8
    yield _Shape("caf-size-ones", "call.caf", bytes(caf), OK)
    aiff = bytearray(sndfile(audio, RATE, "AIFF", "PCM_16"))
    at = aiff.index(b"SSND") + 4
    aiff[at : at + 4] = bytes(4)
    yield _Shape("aiff-size-0", "call.aiff", bytes(aiff), ANY)
    flac = bytearray(sndfile(audio, RATE, "FLAC", "PCM_16"))
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)
    yield _Shape("flac-length-0", "call.flac", bytes(flac), OK)
    yield _Shape("longer-than-a-day", "call.wav", _sparse_day, REJECTED, 0)


def _values(audio: Samples) -> Iterator[_Shape]:
    def floats(change: Callable[[np.ndarray], None], kind: str = "<f4") -> bytes:
        values = audio.astype(kind)
        change(values)
        return wav(values.tobytes(), tag=3, bits=8 * values.itemsize)

    def some_nan(x: np.ndarray) -> None:
        x[1_000:1_100, 0] = np.nan

    def some_inf(x: np.ndarray) -> None:
        x[5_000, 1], x[9_000, 0] = np.inf, -np.inf

    def all_nan(x: np.ndarray) -> None:
        x[:] = np.nan

    def every_other(x: np.ndarray) -> None:
        x[::2] = np.nan

    def huge(x: np.ndarray) -> None:
        x[100:200] = 1e300

    def subnormal(x: np.ndarray) -> None:
        x[:] = 1e-42

    def offset(x: np.ndarray) -> None:
        x += 0.4

    def clipped(x: np.ndarray) -> None:
        np.clip(20 * x, -1, 1, out=x)

    def nothing(x: np.ndarray) -> None:
        x[:] = 0

    yield _Shape("nan", "call.wav", floats(some_nan), SALVAGED)
    yield _Shape("infinite", "call.wav", floats(some_inf), SALVAGED)
    yield _Shape("all-nan", "call.wav", floats(all_nan), SALVAGED)
    yield _Shape("every-other-nan", "call.wav", floats(every_other), SALVAGED)
    yield _Shape("huge-doubles", "call.wav", floats(huge, "<f8"), SALVAGED)
    yield _Shape("subnormal", "call.wav", floats(subnormal), OK)
    yield _Shape("offset", "call.wav", floats(offset), OK)
    yield _Shape("clipped", "call.wav", floats(clipped), OK)
    yield _Shape("digital-silence", "call.wav", floats(nothing), OK)


def _damaged(audio: Samples) -> Iterator[_Shape]:
    """Sound files with a stretch of bytes zeroed, replaced or taken out of the middle."""
    for name, (file, data) in _codecs(audio).items():
        if name in ("wav", "ulaw"):
            continue  # any byte is a sample
        middle, length = len(data) // 2, max(200, len(data) // 20)
        yield _Shape(f"zeroed-{name}", file, data[:middle] + bytes(length) + data[middle + length :], ANY)
        yield _Shape(f"noise-{name}", file, data[:middle] + _noise(length) + data[middle + length :], ANY)
        yield _Shape(f"dropped-{name}", file, data[:middle] + data[middle + length :], ANY)
    mp3 = _codecs(audio)["mp3"][1]
    yield _Shape("rubbish-before-mp3", "call.mp3", bytes(1_000) + mp3, ANY)
    ogg = bytearray(_codecs(audio)["ogg"][1])
    for at in _pages(bytes(ogg)):
        ogg[at + 22 : at + 26] = b"\x12\x34\x56\x78"
    yield _Shape("ogg-wrong-checksums", "call.ogg", bytes(ogg), CUT)


def _not_audio() -> Iterator[_Shape]:
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("call.txt", "nothing")
        packed = buffer.getvalue()
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "x.db")
        connection.execute("create table t(a)")
        connection.commit()
        connection.close()
        database = (Path(folder) / "x.db").read_bytes()
    chunk = zlib.compress(bytes(100))
    png = (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + b"IHDR"
        + bytes(17)
        + struct.pack(">I", len(chunk))
        + b"IDAT"
    )
    for name, file, data in (
        ("empty", "call.wav", b""),
        ("one-byte", "call.wav", b"R"),
        ("zeros", "call.wav", bytes(100_000)),
        ("noise-1", "call.wav", _noise(100_000)),
        ("noise-2", "call.mp3", _noise(100_000, 11)),
        ("noise-3", "call.dat", _noise(300_000, 12)),
        ("zip", "call.wav", packed),
        ("png", "call.wav", png + chunk + bytes(4)),
        ("jpeg", "call.mp3", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + _noise(2_000)),
        ("gif", "call.wav", b"GIF89a" + bytes(200)),
        ("bmp", "call.wav", b"BM" + struct.pack("<IHHI", 200, 0, 0, 54) + bytes(200)),
        ("webp", "call.wav", b"RIFF" + struct.pack("<I", 200) + b"WEBPVP8 " + bytes(200)),
        ("heic", "call.m4a", struct.pack(">I", 24) + b"ftypheic" + bytes(400)),
        ("svg", "call.wav", b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'></svg>"),
        ("pdf", "call.wav", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n"),
        ("html", "call.wav", b"<!DOCTYPE html><html><body>404 Not Found</body></html>"),
        ("json", "call.wav", json.dumps({"error": "not found"}).encode()),
        ("sqlite", "call.wav", database),
        ("pickle", "call.wav", pickle.dumps({"samples": list(range(100))})),
        ("numpy", "call.wav", b"\x93NUMPY\x01\x00" + bytes(200)),
        ("program", "call.wav", b"\x7fELF\x02\x01\x01" + bytes(200)),
        ("midi", "call.wav", b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96) + b"MTrk" + bytes(8)),
        ("gzip", "call.wav.gz", b"\x1f\x8b\x08\x00" + bytes(60)),
        ("tar", "call.tar", bytes(257) + b"ustar\x0000" + bytes(800)),
        ("git-lfs", "call.wav", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
        ("text", "call.wav", b"This is a note about the call.\n"),
        ("text-utf16", "call.wav", "This is a note about the call.\n".encode("utf-16")),
        ("subtitles-srt", "call.wav", b"1\n00:00:01,000 --> 00:00:02,000\nHello\n"),
        ("subtitles-vtt", "call.wav", b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n"),
    ):
        yield _Shape(f"not-{name}", file, data, REJECTED, 0)


def _references(good: bytes) -> Iterator[_Shape]:
    """Text files that make decoders read another file; a sound one lies beside each."""

    def beside(text: str) -> Callable[[Path], None]:
        def write(path: Path) -> None:
            (path.parent / "other.wav").write_bytes(good)
            path.write_text(text.replace("OTHER", (path.parent / "other.wav").as_posix()), encoding="utf-8")

        return write

    m3u8 = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n"
    for name, file, text in (
        ("hls", "call.wav", m3u8.format("other.wav")),
        ("hls-absolute", "call.m4a", m3u8.format("file://OTHER")),
        ("m3u", "call.mp3", "#EXTM3U\nother.wav\n"),
        ("pls", "call.wav", "[playlist]\nFile1=other.wav\nNumberOfEntries=1\n"),
        ("asx", "call.wma", '<asx version="3.0"><entry><ref href="other.wav"/></entry></asx>'),
        ("xspf", "call.wav", '<?xml version="1.0"?><playlist><trackList/></playlist>'),
        ("ffconcat", "call.wav", "ffconcat version 1.0\nfile other.wav\n"),
        ("concat", "call.wav", "file 'other.wav'\n"),
        ("cue", "call.cue", 'FILE "other.wav" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n'),
        ("sdp", "call.wav", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=audio 5004 RTP/AVP 0\n"),
        ("dash", "call.mp4", '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>'),
    ):
        yield _Shape(f"list-{name}", file, beside(text), REJECTED, 0)


def _locked(audio: Samples) -> Iterator[_Shape]:
    key = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "01" * 16, "encryption_kid": "02" * 16}
    yield _Shape("locked-mp4", "call.m4a", libav(audio, RATE, "mp4", "aac", options=key), REJECTED, 0)
    drm = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + struct.pack("<QIBB", 200, 1, 1, 2)
    drm += bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e") + struct.pack("<Q", 170) + _noise(146)
    yield _Shape("locked-asf", "call.wma", drm + _noise(2_000), REJECTED, 0)
    locked_zip = bytearray(b"PK\x03\x04\x14\x00\x01\x00" + bytes(22) + _noise(300))
    yield _Shape("locked-zip", "call.wav", bytes(locked_zip), REJECTED, 0)
    yield _Shape("locked-openssl", "call.wav", b"Salted__" + _noise(20_000), REJECTED, 0)
    yield _Shape("locked-pgp", "call.wav", b"-----BEGIN PGP MESSAGE-----\n\nhQEM\n", REJECTED, 0)


def _paths(good: bytes) -> Iterator[_Shape]:
    def folder(path: Path) -> None:
        path.mkdir(exist_ok=True)

    def nothing(path: Path) -> None:
        path.unlink(missing_ok=True)

    def pipe(path: Path) -> None:
        path.unlink(missing_ok=True)
        os.mkfifo(path)

    def link(target: str) -> Callable[[Path], None]:
        def make(path: Path) -> None:
            path.unlink(missing_ok=True)
            path.symlink_to(target)

        return make

    def good_link(path: Path) -> None:
        (path.parent / "real.wav").write_bytes(good)
        link("real.wav")(path)

    def no_permission(path: Path) -> None:
        path.unlink(missing_ok=True)
        path.write_bytes(good)
        path.chmod(0)

    yield _Shape("folder", "call.wav", folder, REJECTED, 0)
    yield _Shape("missing", "call.wav", nothing, REJECTED, 0)
    yield _Shape("missing-folder", "no/such/call.wav", lambda path: None, REJECTED, 0)
    yield _Shape(
        "file-as-folder", "other.wav/call.wav", lambda path: path.parent.write_bytes(good), REJECTED, 0
    )
    yield _Shape("endless-name", "x" * 300 + ".wav", lambda path: None, REJECTED, 0)
    yield _Shape("link", "call.wav", good_link, OK)
    yield _Shape("name-unicode", "Anruf – müde Katze 電話 🎧.wav", good, OK)
    yield _Shape("name-newline", "call\nsecond line.wav", good, OK)
    yield _Shape("name-blank", " .wav", good, OK)
    yield _Shape("name-dash", "-call.wav", good, OK)
    yield _Shape("name-long", "x" * 240 + ".wav", good, OK)
    yield _Shape("name-markup", "[red]call[bold] <b>.wav", good, OK)
    if os.name == "posix":
        yield _Shape("pipe", "call.wav", pipe, REJECTED, 0)
        yield _Shape("device-zero", "call.wav", link("/dev/zero"), REJECTED, 0)
        yield _Shape("device-null", "call.wav", link("/dev/null"), REJECTED, 0)
        yield _Shape("link-loop", "call.wav", link("call.wav"), REJECTED, 0)
        yield _Shape("link-dangling", "call.wav", link("nowhere.wav"), REJECTED, 0)
        if os.geteuid() != 0:  # root may read everything
            yield _Shape("no-permission", "call.wav", no_permission, REJECTED, 0)


def _sparse_day(path: Path) -> None:
    """Write a header for 25 hours, with the bytes to go with it as a hole in the file."""
    size = 25 * 3600 * 4_000
    with path.open("wb") as file:
        file.write(wav(b"", channels=1, rate=4_000, bits=8, size=size))
        file.truncate(44 + size)


def _noise(count: int, seed: int = SEED) -> bytes:
    return np.random.default_rng(seed).bytes(count)


def _id3(size: int) -> bytes:
    syncsafe = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\x00\x00" + syncsafe + b"TIT2" + bytes(size - 4)


def _list_chunk() -> bytes:
    text = b"INFOISFT\x06\x00\x00\x00tests\x00"
    return b"LIST" + struct.pack("<I", len(text)) + text


def _pages(ogg: bytes) -> list[int]:
    return [match.start() for match in re.finditer(b"OggS", ogg)]


def _flac_rate(data: bytes, rate: int) -> bytes:
    changed = bytearray(data)
    packed = struct.unpack(">Q", data[18:26])[0] & ~(0xFFFFF << 44) | rate << 44
    changed[18:26] = struct.pack(">Q", packed)
    return bytes(changed)


def main() -> None:
    """Write the files into the folder named on the command line."""
    parser = argparse.ArgumentParser(description="Write recordings that are broken in many ways.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    made = generate(folder)
    for item in made:
        print(f"{item.name:28} {'|'.join(sorted(item.expected)):20} {item.path}")  # noqa: T201
    print(f"{len(made)} inputs")  # noqa: T201


if __name__ == "__main__":
    main()
