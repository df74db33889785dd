"""The bytes of a journal are those of docs/journal-format.md."""

from __future__ import annotations

import hashlib
import json
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from callcoach.capture import journal_format
from callcoach.capture.journal import ROLL_BYTES, JournalWriter
from callcoach.capture.journal_format import HEADER_BYTES, Kind, call_key, pack_frame, unpack_header
from callcoach.events import Channel
from tests.support.storing import BOTH, FakeTime, FaultyStorage, counted

PAGE = (Path(__file__).parents[3] / "docs" / "journal-format.md").read_text("utf-8")


def frames(content: bytes) -> list[tuple[int, int, int, int, int, bytes]]:
    """Read as the page says, without any code of the product."""
    found, at = [], 0
    while at < len(content):
        assert content[at : at + 8] == bytes.fromhex("8B43434A0D0A1A0A")
        assert content[at + 8 : at + 24] == hashlib.blake2b(b"call-1", digest_size=16).digest()
        kind, channel = content[at + 24], content[at + 25]
        (flags,) = struct.unpack("<H", content[at + 26 : at + 28])
        (length,) = struct.unpack("<I", content[at + 28 : at + 32])
        (position,) = struct.unpack("<q", content[at + 32 : at + 40])
        (time,) = struct.unpack("<q", content[at + 40 : at + 48])
        body = content[at + 56 : at + 56 + length]
        assert struct.unpack("<I", content[at + 48 : at + 52]) == (zlib.crc32(body),)
        assert struct.unpack("<I", content[at + 52 : at + 56]) == (zlib.crc32(content[at : at + 52]),)
        found.append((kind, channel, flags, position, time, body))
        at += 56 + length
    return found


def test_a_journal_reads_as_the_page_says(tmp_path: Path) -> None:
    journal = JournalWriter(tmp_path, "call-1", clock=FakeTime(12.5), storage=FaultyStorage())
    journal.write(0, counted(5000), BOTH)
    journal.erase(100, 200, [Channel.CALLER])
    journal.close(end=6000)
    found = frames((tmp_path / "audio" / "journal-0001.ccj").read_bytes())
    assert [(kind, channel, flags, position) for kind, channel, flags, position, _, _ in found] == [
        (0, 0, 0, 0),
        (1, 0, 0, 0),
        (1, 1, 2, 0),
        (1, 0, 0, 4000),
        (1, 1, 0, 4000),
        (2, 0, 0, 100),
        (1, 1, 0, 0),
        (1, 1, 0, 200),
        (3, 0, 0, 6000),
    ]
    assert json.loads(found[0][5]) == {"call": "call-1", "rate": 16_000, "columns": ["agent", "caller"]}
    np.testing.assert_array_equal(np.frombuffer(found[1][5], "<i2"), counted(4000)[:, 0])
    assert found[2][5] == bytes(8000)
    assert struct.unpack("<qqB", found[5][5]) == (100, 200, 0b10)
    np.testing.assert_array_equal(np.frombuffer(found[7][5], "<i2"), counted(4000)[200:, 1])
    assert {time for kind, *_, time, _ in found if kind == 1} == {12_500_000}


def test_the_page_names_the_values_of_the_code() -> None:
    assert " ".join(f"{byte:02X}" for byte in journal_format.MAGIC) in PAGE
    kinds = re.search(r"\| kind: (.*?) \|", PAGE)
    assert kinds is not None
    assert kinds[1] == ", ".join(f"{kind.value} {kind.name.lower()}" for kind in Kind)
    assert f"at most {journal_format.MAX_PAYLOAD:,}" in PAGE
    assert f"{ROLL_BYTES >> 20} MiB" in PAGE
    assert f"| {HEADER_BYTES} | | content |" in PAGE


@pytest.mark.parametrize(
    "frame",
    [
        pack_frame(Kind.AUDIO, call_key("x"), bytes(3)),
        pack_frame(Kind.AUDIO, call_key("x"), bytes(16_002)),
        pack_frame(Kind.AUDIO, call_key("x"), bytes(2), column=2),
        pack_frame(Kind.AUDIO, call_key("x"), bytes(2), position=-1),
        pack_frame(Kind.HEAD, call_key("x"), bytes(journal_format.MAX_PAYLOAD + 1)),
        pack_frame(Kind.AUDIO, call_key("x"), bytes(2))[: HEADER_BYTES - 1],
    ],
    ids=["odd length", "longer than 0.5 s", "third channel", "before the start", "long content", "cut"],
)
def test_headers_that_no_writer_makes_are_refused(frame: bytes) -> None:
    assert unpack_header(frame, 0) is None
