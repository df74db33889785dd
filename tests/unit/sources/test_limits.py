"""IMP-4: bounds before memory; and the book of damage."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from callcoach.errors import AudioFormatError
from callcoach.sources import limits, timeline
from callcoach.sources.file import open_recording
from callcoach.sources.limits import DamageLog, check_shape, duration_text, frame_cap
from tests.support.recordings import call_like, pcm16, wav

RATE = 16_000


@pytest.mark.parametrize(("rate", "channels"), [(4_000, 1), (384_000, 32), (8_000, 2)])
def test_shapes_inside_the_bounds_pass(rate: int, channels: int) -> None:
    check_shape("call.wav", rate, channels)


@pytest.mark.parametrize(
    ("rate", "channels"),
    [(3_999, 2), (384_001, 2), (0, 2), (-8_000, 2), (float("nan"), 2), (8_000, 0), (8_000, 33)],
)
def test_shapes_outside_the_bounds_are_refused(rate: float, channels: int) -> None:
    with pytest.raises(AudioFormatError, match=r"^call\.wav declares"):
        check_shape("call.wav", rate, channels)


@pytest.mark.parametrize("rate", [1, 100, 3_999, 384_001, 0xFFFF_FFFF])
@pytest.mark.parametrize("form", ["wav", "flac", "w64", "aiff", "au", "caf"])
def test_no_container_gets_around_the_rate(form: str, rate: int, tmp_path: Path) -> None:
    data = {
        "wav": wav(pcm16(call_like(RATE, 0.1)), rate=rate),
        "flac": b"fLaC\x80\x00\x00\x22"
        + struct.pack(">HHIHQ", 4096, 4096, 0, 0, (rate & 0xFFFFF) << 44 | 1 << 41 | 15 << 36 | 1_000)
        + bytes(50),
        "w64": _w64(rate),
        "aiff": b"FORM\x00\x00\x01\x00AIFFCOMM\x00\x00\x00\x12"
        + struct.pack(">hIh", 2, 100, 16)
        + _extended(rate)
        + b"SSND\x00\x00\x00\xd8"
        + bytes(8 + 208),
        "au": b".snd" + struct.pack(">5I", 24, 400, 3, rate, 2) + bytes(400),
        "caf": b"caff\x00\x01\x00\x00desc"
        + struct.pack(">qd4sIIIII", 32, float(rate), b"lpcm", 2, 4, 1, 2, 16)
        + b"data"
        + struct.pack(">qI", 404, 0)
        + bytes(400),
    }[form]
    path = tmp_path / "call"
    path.write_bytes(data)
    with pytest.raises(AudioFormatError, match=r"Hz|opened"):
        open_recording(path)


def _w64(rate: int) -> bytes:
    tail = bytes.fromhex("f3acd3118cd100c04f8edb8a")
    form = struct.pack("<HHIIHH", 1, 2, rate, 0, 4, 16)
    return (
        b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00" + struct.pack("<Q", 500) + b"wave" + tail
        + b"fmt " + tail + struct.pack("<Q", 40) + form
        + b"data" + tail + struct.pack("<Q", 424) + bytes(400)
    )  # fmt: skip


def _extended(rate: int) -> bytes:
    shift = rate.bit_length() - 1
    return struct.pack(">HQ", 16383 + shift, rate << (63 - shift))


def test_the_cap_follows_size_and_codec() -> None:
    assert frame_cap(8_000, 0, "aac") == limits.CAP_SLACK_SECONDS * 8_000
    assert frame_cap(8_000, 500_000, "mp3") == (60 + 1_000) * 8_000
    assert frame_cap(8_000, 500_000, "aac") == (60 + 62_500) * 8_000
    assert frame_cap(8_000, 1 << 40, "mp3") == 24 * 3600 * 8_000


def test_a_small_file_cannot_claim_hours_of_silence(tmp_path: Path) -> None:
    """Each time stamp jumps just less far than is believed; the size of the file ends it."""
    path = tmp_path / "call.mkv"
    with av.open(str(path), "w", format="matroska") as out:
        stream = out.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for number in range(20):
            frame = av.AudioFrame.from_ndarray(
                np.full((1, 160), 1_000, np.int16), format="s16", layout="mono"
            )
            frame.sample_rate = RATE
            for packet in stream.encode(frame):
                packet.time_base = Fraction(1, 1_000)
                packet.pts = packet.dts = number * 3_500_000
                out.mux(packet)
    source = open_recording(path)
    found = sum(len(block) for block in source.blocks())
    source.close()
    assert source.verdict.status == "salvaged"
    assert found <= frame_cap(RATE, path.stat().st_size, "pcm_s16le")
    assert found < 300 * RATE
    assert timeline.CAPPED in source.verdict.reasons


def test_lengths_are_written_for_people() -> None:
    assert duration_text(20_000, 16_000) == "1.2 s"
    assert duration_text(16_000 * 10_805, 16_000) == "3:00:05"


def test_spans_are_merged_and_sorted() -> None:
    log = DamageLog()
    log.set_rate(1_000)
    for start, end in ((0, 10), (50, 60), (500, 600), (161, 170), (2_000, 2_000)):
        log.damage("Because.", start, end)
    log.finish()
    assert log.verdict.spans == [(0, 60), (161, 170), (500, 600)]
    assert log.verdict.reasons == ["Because."]
    assert log.verdict.status == "salvaged"


def test_a_note_does_not_change_the_status() -> None:
    log = DamageLog()
    log.note("By the way.")
    log.note("By the way.")
    assert (log.verdict.status, log.verdict.reasons) == ("ok", ["By the way."])
