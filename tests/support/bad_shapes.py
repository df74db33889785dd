"""Recordings that are whole, cut, damaged or wrong in their header: the larger half of ``bad_inputs``."""

from __future__ import annotations

import re
import struct
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
class Shape:
    """One file: its name, what is in it or what makes it, and what may come of it (see ``BadInput``)."""

    name: str
    file: str
    data: bytes | Callable[[Path], None]
    expected: frozenset[Outcome]
    seconds: float = SECONDS + 0.3  # encoders pad


def recording_shapes() -> Iterator[Shape]:
    """Yield everything that is, or nearly is, a recording."""
    audio = call_like(RATE, SECONDS)
    good = sndfile(audio, RATE, "WAV", "PCM_16")
    yield from _whole(audio)
    yield from _cut(audio)
    yield from _headers(audio, good)
    yield from _lengths(audio)
    yield from _values(audio)
    yield from _damaged(audio)


def codecs(audio: Samples) -> dict[str, tuple[str, bytes]]:
    """Encode audio in the usual formats: name -> file name and bytes; the rate is ``RATE``."""
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


def _whole(audio: Samples) -> Iterator[Shape]:
    """Sound files in every accepted format, so that strictness is tested too."""
    mono = np.ascontiguousarray(audio[:, :1])
    narrow = call_like(8_000, SECONDS)
    for name, (file, data) in codecs(audio).items():
        yield Shape(f"whole-{name}", file, data, OK)
    for subtype in ("PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "IMA_ADPCM", "MS_ADPCM"):
        yield Shape(f"wav-{subtype.lower()}", "call.wav", sndfile(audio, RATE, "WAV", subtype), OK)
    yield Shape("wav-gsm", "call.wav", sndfile(call_like(8_000, SECONDS, 1), 8_000, "WAV", "GSM610"), OK)
    yield Shape("wav-g722", "call.wav", libav(mono, RATE, "wav", "g722"), OK)
    yield Shape("wav-mp3-inside", "call.wav", libav(audio, RATE, "wav", "libmp3lame"), OK)
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
        yield Shape(name, f"call.{form.lower()}", sndfile(audio, RATE, form, subtype), OK)
    yield Shape("rifx", "call.wav", sndfile(audio, RATE, "WAV", "PCM_16", "BIG"), OK)
    yield Shape(
        "amr", "call.amr", libav(narrow[:, :1], 8_000, "amr", "libopencore_amrnb", bit_rate=12_200), OK
    )
    yield Shape("aac-bare", "call.aac", libav(audio, RATE, "adts", "aac"), OK)
    yield Shape("alac-m4a", "call.m4a", libav(audio, RATE, "ipod", "alac"), OK)
    yield Shape("wma", "call.wma", libav(audio, RATE, "asf", "wmav2", bit_rate=48_000), OK)
    yield Shape("mkv-flac", "call.mkv", libav(audio, RATE, "matroska", "flac"), OK)
    yield Shape("video-mp4", "call.mp4", libav(audio, RATE, "mp4", "aac", video="mpeg4"), OK)
    yield Shape("video-mkv", "call.mkv", libav(audio, RATE, "matroska", "libopus", video="mpeg4"), OK)
    yield Shape("video-avi", "call.avi", libav(audio, RATE, "avi", "pcm_s16le", video="mpeg4"), OK)
    yield Shape("video-mov", "call.mov", libav(audio, RATE, "mov", "pcm_s16le", video="mpeg4"), OK)
    yield Shape("video-silent", "call.mp4", libav(audio[:0], RATE, "mp4", "aac", video="mpeg4"), REJECTED, 0)
    yield Shape("two-tracks", "call.mkv", libav(audio, RATE, "matroska", "aac", tracks=2), OK)
    yield Shape("mono", "call.wav", sndfile(mono, RATE, "WAV", "PCM_16"), OK)
    yield Shape("eight-channels", "call.wav", sndfile(call_like(RATE, SECONDS, 8), RATE, "WAV", "PCM_16"), OK)
    yield Shape("rate-192k", "call.wav", sndfile(call_like(192_000, 0.5), 192_000, "WAV", "PCM_16"), OK)
    yield Shape("rate-8k", "call.wav", sndfile(narrow, 8_000, "WAV", "PCM_16"), OK)
    yield Shape("one-sample", "call.wav", wav(pcm16(audio[:1])), OK)
    yield Shape("one-frame-flac", "call.flac", sndfile(audio[:1], RATE, "FLAC", "PCM_16"), OK)
    yield Shape("wrong-ending", "call.mp3.wav", libav(audio, RATE, "mp3", "libmp3lame"), OK)
    yield Shape("no-ending", "call", sndfile(audio, RATE, "WAV", "PCM_16"), OK)
    yield Shape("tagged-mp3", "call.mp3", _id3(1 << 20) + libav(audio, RATE, "mp3", "libmp3lame"), OK)
    yield Shape("joined-mp3", "call.mp3", 2 * libav(audio, RATE, "mp3", "libmp3lame"), ANY, 2 * SECONDS + 0.5)
    yield Shape("joined-ogg", "call.ogg", 2 * sndfile(audio, RATE, "OGG", "VORBIS"), ANY, 2 * SECONDS + 0.5)


def _cut(audio: Samples) -> Iterator[Shape]:
    """Recordings that stop at one of twenty points, from inside the header to just before the end."""
    for name, (file, data) in codecs(audio).items():
        expected = ANY if name in ("mp3", "webm") else CUT  # without a length in the header nothing shows
        for i in range(CUTS):
            at = round(len(data) * (i + 0.5) / CUTS)
            yield Shape(f"cut-{name}-{i:02d}", file, data[:at], expected)
    good = codecs(audio)["wav"][1]
    for at in (1, 4, 12, 20, 36, 43, 44):
        yield Shape(f"header-{at}-bytes", "call.wav", good[:at], REJECTED, 0)
    flac = codecs(audio)["flac"][1]
    for at in (4, 20, 42):
        yield Shape(f"flac-header-{at}-bytes", "call.flac", flac[:at], REJECTED, 0)


def _headers(audio: Samples, good: bytes) -> Iterator[Shape]:
    data = pcm16(audio)
    yield Shape("rate-1-hz", "call.wav", wav(data, rate=1), REJECTED, 0)
    yield Shape("rate-0-hz", "call.wav", wav(data, rate=0), REJECTED, 0)
    yield Shape("rate-500-khz", "call.wav", wav(data, rate=500_000), REJECTED, 0)
    yield Shape("rate-4-ghz", "call.wav", wav(data, rate=0xFFFF_FFFF), REJECTED, 0)
    yield Shape("no-channels", "call.wav", wav(data, channels=0, align=4), REJECTED, 0)
    yield Shape("33-channels", "call.wav", wav(data, channels=33), REJECTED, 0)
    yield Shape("65535-channels", "call.wav", wav(data, channels=65_535), REJECTED, 0)
    yield Shape("bits-0", "call.wav", wav(data, bits=0), REJECTED, 0)
    yield Shape("bits-64", "call.wav", wav(data, bits=64), REJECTED, 0)
    yield Shape("align-0", "call.wav", wav(data, align=0), OK)
    yield Shape("align-wrong", "call.wav", wav(data, align=3), OK)
    yield Shape("unknown-codec", "call.wav", wav(data, tag=0x1234), REJECTED, 0)
    yield Shape(
        "g729-wav", "call.wav", wav(bytes(2_000), tag=0x83, channels=1, rate=8_000, bits=0, align=10), ANY
    )
    yield Shape("g729-bare", "call.g729", noise(1_000), REJECTED, 0)
    yield Shape("no-format", "call.wav", good[:12] + good[36:], REJECTED, 0)
    yield Shape("no-data", "call.wav", good[:36], REJECTED, 0)
    yield Shape(
        "chunk-beyond-end", "call.wav", wav(data, before=b"LIST" + struct.pack("<I", 1 << 30)), REJECTED, 0
    )
    yield Shape("wrong-magic", "call.wav", b"RIFZ" + good[4:], REJECTED, 0)
    yield Shape("riff-other", "call.wav", good[:8] + b"XYZW" + good[12:], REJECTED, 0)
    yield Shape("tags-only", "call.mp3", _id3(4_096), REJECTED, 0)
    yield Shape(
        "flac-rate-1-hz", "call.flac", _flac_rate(sndfile(audio, RATE, "FLAC", "PCM_16"), 1), REJECTED, 0
    )
    yield Shape(
        "au-data-in-header", "call.au", b".snd" + struct.pack(">5I", 4, 400, 3, RATE, 2) + data, REJECTED, 0
    )
    ogg = sndfile(audio, RATE, "OGG", "VORBIS")
    first = next(at for at in _pages(ogg) if struct.unpack("<q", ogg[at + 6 : at + 14])[0] > 0)
    yield Shape("ogg-headers-only", "call.ogg", ogg[:first], REJECTED, 0)
    plain = libav(audio, RATE, "mp4", "aac")
    yield Shape("mp4-without-index", "call.m4a", plain[: plain.rindex(b"moov") - 4], REJECTED, 0)
    at = plain.rindex(b"stsz") + 8
    yield Shape(
        "mp4-endless-index",
        "call.m4a",
        plain[:at] + struct.pack(">II", 1, 0xFFFF_FFF0) + plain[at + 8 :],
        CUT,
        0,
    )


def _lengths(audio: Samples) -> Iterator[Shape]:
    data = pcm16(audio)
    yield Shape("data-size-0", "call.wav", wav(data, size=0), OK)
    yield Shape("data-size-ones", "call.wav", wav(data, size=0xFFFF_FFFF), OK)
    yield Shape("data-size-2-gib", "call.wav", wav(data, size=0x7FFF_FFDB), OK)
    yield Shape("data-size-small", "call.wav", wav(data, size=len(data) // 2), SALVAGED, SECONDS / 2 + 0.01)
    yield Shape("data-size-large", "call.wav", wav(data, size=len(data) * 2), SALVAGED)
    yield Shape("data-size-0-and-tags", "call.wav", wav(b"", after=_list_chunk()), REJECTED, 0)
    yield Shape("tags-behind", "call.wav", wav(data, after=_list_chunk()), OK)
    yield Shape("rubbish-behind", "call.wav", wav(data, after=noise(5_000)), SALVAGED)
    yield Shape("half-a-frame-behind", "call.wav", wav(data + b"\1"), OK)
    rf64 = bytearray(sndfile(audio, RATE, "RF64", "PCM_16"))
    at = rf64.index(b"ds64") + 16
    rf64[at : at + 8] = b"\xff" * 8
    yield Shape("rf64-size-ones", "call.rf64", bytes(rf64), OK)
    head = b".snd" + struct.pack(">5I", 24, 0xFFFF_FFFF, 3, RATE, 2)
    yield Shape("au-size-ones", "call.au", head + np.frombuffer(data, "<i2").byteswap().tobytes(), OK)
    caf = bytearray(sndfile(audio, RATE, "CAF", "PCM_16"))
    at = caf.index(b"data") + 4
    caf[at : at + 8] = b"\xff" * 8
    yield Shape("caf-size-ones", "call.caf", bytes(caf), OK)
    aiff = bytearray(sndfile(audio, RATE, "AIFF", "PCM_16"))
    at = aiff.index(b"SSND") + 4
    aiff[at : at + 4] = bytes(4)
    yield Shape("aiff-size-0", "call.aiff", bytes(aiff), ANY)
    flac = bytearray(sndfile(audio, RATE, "FLAC", "PCM_16"))
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)
    yield Shape("flac-length-0", "call.flac", bytes(flac), OK)
    yield Shape("longer-than-a-day", "call.wav", _sparse_day, REJECTED, 0)


def _values(audio: Samples) -> Iterator[Shape]:
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

    yield Shape("nan", "call.wav", floats(some_nan), SALVAGED)
    yield Shape("infinite", "call.wav", floats(some_inf), SALVAGED)
    yield Shape("all-nan", "call.wav", floats(all_nan), SALVAGED)
    yield Shape("every-other-nan", "call.wav", floats(every_other), SALVAGED)
    yield Shape("huge-doubles", "call.wav", floats(huge, "<f8"), SALVAGED)
    yield Shape("subnormal", "call.wav", floats(subnormal), OK)
    yield Shape("offset", "call.wav", floats(offset), OK)
    yield Shape("clipped", "call.wav", floats(clipped), OK)
    yield Shape("digital-silence", "call.wav", floats(nothing), OK)


def _damaged(audio: Samples) -> Iterator[Shape]:
    """Sound files with a stretch of bytes zeroed, replaced or taken out of the middle."""
    for name, (file, data) in codecs(audio).items():
        if name in ("wav", "ulaw"):
            continue  # any byte is a sample
        middle, length = len(data) // 2, max(200, len(data) // 20)
        yield Shape(f"zeroed-{name}", file, data[:middle] + bytes(length) + data[middle + length :], ANY)
        yield Shape(f"noise-{name}", file, data[:middle] + noise(length) + data[middle + length :], ANY)
        yield Shape(f"dropped-{name}", file, data[:middle] + data[middle + length :], ANY)
    mp3 = codecs(audio)["mp3"][1]
    yield Shape("rubbish-before-mp3", "call.mp3", bytes(1_000) + mp3, ANY)
    ogg = bytearray(codecs(audio)["ogg"][1])
    for at in _pages(bytes(ogg)):
        ogg[at + 22 : at + 26] = b"\x12\x34\x56\x78"
    yield Shape("ogg-wrong-checksums", "call.ogg", bytes(ogg), CUT)


def _sparse_day(path: Path) -> None:
    """Write a header for 25 hours, with the bytes to go with it as a hole in the file."""
    size = 25 * 3600 * 4_000
    with path.open("wb") as file:
        file.write(wav(b"", channels=1, rate=4_000, bits=8, size=size))
        file.truncate(44 + size)


def noise(count: int, seed: int = SEED) -> bytes:
    """Return random bytes."""
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
