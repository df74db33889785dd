"""What a file is, and where its samples lie: sniffing and layouts."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from callcoach.errors import AudioFormatError
from callcoach.sources.file import open_recording
from callcoach.sources.layout import Layout, read_layout
from callcoach.sources.mpeg import find_adts, find_mpeg_audio, mpeg_frame
from callcoach.sources.sniff import KINDS, WAV, sniff
from callcoach.sources.window import open_regular
from tests.support.recordings import call_like, libav, pcm16, sndfile, wav

RATE = 16_000


def kind_of(data: bytes, path: Path) -> str:
    path.write_bytes(data)
    window = open_regular(path)
    try:
        return sniff(window, path.name).demuxer
    finally:
        window.close()


def layout_of(data: bytes, path: Path) -> Layout | None:
    path.write_bytes(data)
    window = open_regular(path)
    try:
        return read_layout(window, WAV, path.name)
    finally:
        window.close()


@pytest.mark.parametrize(
    ("demuxer", "form", "codec"),
    [
        ("wav", "wav", "pcm_s16le"),
        ("w64", "w64", "pcm_s16le"),
        ("aiff", "aiff", "pcm_s16be"),
        ("au", "au", "pcm_s16be"),
        ("caf", "caf", "pcm_s16le"),
        ("flac", "flac", "flac"),
        ("ogg", "ogg", "libopus"),
        ("mp3", "mp3", "libmp3lame"),
        ("mp3", "mp2", "mp2"),
        ("aac", "adts", "aac"),
        ("mov", "ipod", "aac"),
        ("mov", "mov", "pcm_s16le"),
        ("mov", "3gp", "aac"),
        ("matroska", "matroska", "aac"),
        ("matroska", "webm", "libopus"),
        ("avi", "avi", "pcm_s16le"),
        ("asf", "asf", "wmav2"),
        ("flv", "flv", "nellymoser"),
        ("mpegts", "mpegts", "aac"),
        ("mpeg", "vob", "mp2"),
    ],
)
def test_every_accepted_format_is_recognised_and_read(
    demuxer: str, form: str, codec: str, tmp_path: Path
) -> None:
    mono = codec == "nellymoser"
    data = libav(call_like(RATE, 2.0, 1 if mono else 2), RATE, form, codec, bit_rate=48_000)
    path = tmp_path / "call.without-a-useful-ending"
    assert kind_of(data, path) == demuxer
    source = open_recording(path)
    audio = np.concatenate(list(source.blocks()))
    source.close()
    assert abs(len(audio) / source.rate - 2.0) < 0.3
    assert audio.shape[1] == (1 if mono else 2)
    assert 0.05 < np.abs(audio).max() < 2.0
    assert source.verdict.status == "ok", source.verdict.reasons


def test_every_kind_is_tried_above() -> None:
    tried = {mark.args[1][i][0] for mark in test_every_accepted_format_is_recognised_and_read.pytestmark
             for i in range(len(mark.args[1]))}  # fmt: skip
    assert {kind.demuxer for kind in KINDS} - tried == {"amr", "gsm"}  # narrow-band, below


def test_narrow_band_formats_are_recognised(tmp_path: Path) -> None:
    mono = call_like(8_000, 2.0, 1)
    amr = libav(mono, 8_000, "amr", "libopencore_amrnb", bit_rate=12_200)
    assert kind_of(amr, tmp_path / "a") == "amr"
    gsm_frames = sndfile(mono, 8_000, "RAW", "GSM610")
    assert kind_of(gsm_frames, tmp_path / "b") == "gsm"
    source = open_recording(tmp_path / "b")
    assert abs(sum(len(block) for block in source.blocks()) - 16_000) <= 160
    source.close()


def test_mpeg_frame_headers() -> None:
    assert mpeg_frame(b"\xff\xfb\x90\x00", 0).length == 417  # layer III, 128 kbit/s, 44.1 kHz
    assert mpeg_frame(b"\xff\xf3\x48\xc4", 0).length == 144  # version 2, 32 kbit/s, 16 kHz
    assert mpeg_frame(b"\xff\xff\xff\xff", 0) is None
    assert mpeg_frame(b"\xff\xfb\x90", 0) is None


def test_two_sync_words_by_chance_are_no_mp3() -> None:
    data = bytearray(5_000)
    data[0:4] = data[417:421] = b"\xff\xfb\x90\x00"
    assert find_mpeg_audio(bytes(data), whole=False) is None
    data[834:838] = b"\xff\xfb\x90\x00"
    assert find_mpeg_audio(bytes(data), whole=False) == 0
    assert not find_adts(bytes(data), whole=False)


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_never_sound(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(np.random.default_rng(seed).bytes(200_000))
    with pytest.raises(AudioFormatError):
        open_recording(path)


def test_a_wav_is_read_where_its_data_lie(tmp_path: Path) -> None:
    data = pcm16(call_like(RATE, 0.5))
    junk = b"JUNK" + struct.pack("<I", 27) + bytes(28)
    layout = layout_of(wav(data, before=junk), tmp_path / "x")
    assert layout is not None
    assert (layout.start, layout.available, layout.declared) == (80, len(data), len(data))
    assert (layout.subtype, layout.endian, layout.rate, layout.channels) == ("PCM_16", "LITTLE", RATE, 2)
    assert (layout.declared_frames, layout.leftover) == (8_000, 0)


@pytest.mark.parametrize(
    ("tag", "bits", "align", "subtype", "bytes_per_frame"),
    [
        (1, 8, 2, "PCM_U8", 2),
        (1, 12, 4, "PCM_16", 4),
        (1, 20, 6, "PCM_24", 6),
        (1, 24, 8, "PCM_32", 8),  # 24 bits in a container of 32
        (1, 16, 0, "PCM_16", 4),
        (1, 16, 3, "PCM_16", 4),
        (3, 32, 8, "FLOAT", 8),
        (3, 64, 16, "DOUBLE", 16),
        (6, 8, 2, "ALAW", 2),
        (7, 8, 2, "ULAW", 2),
    ],
)
def test_sample_sizes(
    tag: int, bits: int, align: int, subtype: str, bytes_per_frame: int, tmp_path: Path
) -> None:
    layout = layout_of(wav(bytes(960), tag=tag, bits=bits, align=align), tmp_path / "x")
    assert layout is not None
    assert (layout.subtype, layout.block_bytes) == (subtype, bytes_per_frame)
    assert layout.declared_frames == 960 // bytes_per_frame


def test_more_than_four_gigabytes_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    size = 5 << 30
    head = bytearray(sndfile(np.zeros((4, 2), np.float32), 48_000, "RF64", "PCM_16"))
    at = head.index(b"ds64") + 16
    head[at : at + 8] = struct.pack("<Q", size)
    start = head.index(b"data") + 8
    with path.open("wb") as file:
        file.write(head[:start])
        file.truncate(start + size)  # a hole: takes no room
    source = open_recording(path)
    assert source.declared_length == size // 4
    assert source.verdict.status == "ok"
    source.close()
