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
import sqlite3
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.bad_shapes import OK, RATE, REJECTED, SECONDS, Outcome, Shape, noise, recording_shapes
from tests.support.recordings import Samples, call_like, libav, sndfile


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


def _shapes() -> Iterator[Shape]:
    good = sndfile(call_like(RATE, SECONDS), RATE, "WAV", "PCM_16")
    yield from recording_shapes()
    yield from _not_audio()
    yield from _references(good)
    yield from _locked(call_like(RATE, SECONDS))
    yield from _paths(good)


def _not_audio() -> Iterator[Shape]:
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
        ("noise-1", "call.wav", noise(100_000)),
        ("noise-2", "call.mp3", noise(100_000, 11)),
        ("noise-3", "call.dat", noise(300_000, 12)),
        ("zip", "call.wav", packed),
        ("png", "call.wav", png + chunk + bytes(4)),
        ("jpeg", "call.mp3", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + noise(2_000)),
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
        yield Shape(f"not-{name}", file, data, REJECTED, 0)


def _references(good: bytes) -> Iterator[Shape]:
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
        yield Shape(f"list-{name}", file, beside(text), REJECTED, 0)


def _locked(audio: Samples) -> Iterator[Shape]:
    key = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "01" * 16, "encryption_kid": "02" * 16}
    yield Shape("locked-mp4", "call.m4a", libav(audio, RATE, "mp4", "aac", options=key), REJECTED, 0)
    yield Shape("locked-webm", "call.webm", _locked_matroska(), REJECTED, 0)
    drm = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + struct.pack("<QIBB", 200, 1, 1, 2)
    drm += bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e") + struct.pack("<Q", 170) + noise(146)
    yield Shape("locked-asf", "call.wma", drm + noise(2_000), REJECTED, 0)
    locked_zip = bytearray(b"PK\x03\x04\x14\x00\x01\x00" + bytes(22) + noise(300))
    yield Shape("locked-zip", "call.wav", bytes(locked_zip), REJECTED, 0)
    yield Shape("locked-openssl", "call.wav", b"Salted__" + noise(20_000), REJECTED, 0)
    yield Shape("locked-pgp", "call.wav", b"-----BEGIN PGP MESSAGE-----\n\nhQEM\n", REJECTED, 0)


def _locked_matroska() -> bytes:
    """Write a Matroska file by hand, with one Opus track behind AES."""

    def element(name: str, *parts: bytes) -> bytes:
        data = b"".join(parts)
        return bytes.fromhex(name) + (len(data) | 1 << 56).to_bytes(8, "big") + data

    lock = element("6d80", element("6240", element("5035", element("47e1", b"\x05"))))
    sound = element("e1", element("b5", struct.pack(">d", 48_000.0)), element("9f", b"\x02"))
    track = element("ae", element("d7", b"\1"), element("83", b"\2"), element("86", b"A_OPUS"), sound, lock)
    block = element("a3", b"\x81\0\0\x80" + noise(200))
    cluster = element("1f43b675", element("e7", b"\0"), *[block] * 20)
    head = element("1a45dfa3", element("4282", b"webm"))
    return head + element("18538067", element("1654ae6b", track), cluster)


def _paths(good: bytes) -> Iterator[Shape]:
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

    yield Shape("folder", "call.wav", folder, REJECTED, 0)
    yield Shape("missing", "call.wav", nothing, REJECTED, 0)
    yield Shape("missing-folder", "no/such/call.wav", lambda path: None, REJECTED, 0)
    yield Shape(
        "file-as-folder", "other.wav/call.wav", lambda path: path.parent.write_bytes(good), REJECTED, 0
    )
    yield Shape("endless-name", "x" * 300 + ".wav", lambda path: None, REJECTED, 0)
    yield Shape("link", "call.wav", good_link, OK)
    yield Shape("name-unicode", "Anruf – müde Katze 電話 🎧.wav", good, OK)
    yield Shape("name-newline", "call\nsecond line.wav", good, OK)
    yield Shape("name-blank", " .wav", good, OK)
    yield Shape("name-dash", "-call.wav", good, OK)
    yield Shape("name-long", "x" * 240 + ".wav", good, OK)
    yield Shape("name-markup", "[red]call[bold] <b>.wav", good, OK)
    if os.name == "posix":
        yield Shape("pipe", "call.wav", pipe, REJECTED, 0)
        yield Shape("device-zero", "call.wav", link("/dev/zero"), REJECTED, 0)
        yield Shape("device-null", "call.wav", link("/dev/null"), REJECTED, 0)
        yield Shape("link-loop", "call.wav", link("call.wav"), REJECTED, 0)
        yield Shape("link-dangling", "call.wav", link("nowhere.wav"), REJECTED, 0)
        if os.geteuid() != 0:  # root may read everything
            yield Shape("no-permission", "call.wav", no_permission, REJECTED, 0)


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
