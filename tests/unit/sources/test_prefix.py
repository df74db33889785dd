"""IMP-6: a file that is cut short gives the start of what the whole file gives, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from callcoach.errors import AudioFormatError
from callcoach.ports import Audio, Verdict
from callcoach.sources.file import open_recording
from tests.support.recordings import Samples, call_like, libav, sndfile

RATE = 16_000
POINTS = 200


@cache
def call() -> Samples:
    return call_like(RATE, 3.0)


FILES: dict[str, Callable[[], bytes]] = {
    "wav-16": lambda: sndfile(call(), RATE, "WAV", "PCM_16"),
    "wav-24": lambda: sndfile(call(), RATE, "WAV", "PCM_24"),
    "wav-float": lambda: sndfile(call(), RATE, "WAV", "FLOAT"),
    "wav-ulaw": lambda: sndfile(call(), RATE, "WAV", "ULAW"),
    "wav-ima": lambda: sndfile(call(), RATE, "WAV", "IMA_ADPCM"),
    "wav-gsm": lambda: sndfile(call_like(8_000, 3.0, 1), 8_000, "WAV", "GSM610"),
    "aiff": lambda: sndfile(call(), RATE, "AIFF", "PCM_16"),
    "flac": lambda: sndfile(call(), RATE, "FLAC", "PCM_16"),
    "mp3": lambda: libav(call(), RATE, "mp3", "libmp3lame"),
    "ogg": lambda: sndfile(call(), RATE, "OGG", "VORBIS"),
    "opus": lambda: libav(call(), RATE, "ogg", "libopus"),
    "m4a": lambda: libav(call(), RATE, "ipod", "aac", options={"movflags": "faststart"}),
    "webm": lambda: libav(call(), RATE, "webm", "libopus"),
}
EXACT = {"wav-16", "wav-24", "wav-float", "wav-ulaw", "aiff", "flac"}
LAST_PACKET = {
    "wav-ima": 1_017,
    "wav-gsm": 320,
    "mp3": 1_152,
    "ogg": 4_096,
    "opus": 2_880,
    "m4a": 2_048,
    "webm": 2_880,
}
"""Frames at the end that may differ: a packet cut in two, and the overlap with the one before."""


@cache
def encoded(name: str) -> bytes:
    return FILES[name]()


def read(path: Path) -> tuple[Audio, Verdict]:
    source = open_recording(path)
    try:
        return np.concatenate(list(source.blocks())), source.verdict
    finally:
        source.close()


@pytest.mark.parametrize("name", FILES)
def test_a_cut_file_gives_a_prefix(name: str, tmp_path: Path) -> None:
    data, path = encoded(name), tmp_path / "call"
    path.write_bytes(data)
    whole, verdict = read(path)
    assert verdict.status == "ok"
    rng = random.Random(6)
    decoded = 0
    for at in sorted(rng.sample(range(1, len(data)), POINTS)):
        path.write_bytes(data[:at])
        try:
            part, verdict = read(path)
        except AudioFormatError:
            continue
        decoded += 1
        assert len(part) <= len(whole), f"cut at {at}"
        sure = len(part) if name in EXACT else max(0, len(part) - LAST_PACKET[name])
        assert np.array_equal(part[:sure], whole[:sure]), f"cut at {at}"
        assert not verdict.spans, f"cut at {at}: silence was put in"
        missing = (len(whole) - len(part)) / len(whole)
        if missing > 0.2 and name != "webm":
            assert verdict.status == "salvaged", f"cut at {at}: {missing:.0%} are missing without a word"
    assert decoded > POINTS // 3


def test_the_block_iterator_of_soundfile_is_not_used() -> None:
    sources = Path(__file__).parents[3] / "callcoach" / "sources"
    for file in sources.glob("*.py"):
        code = file.read_text(encoding="utf-8")
        assert ".blocks(" not in code.replace("source.blocks(", ""), file.name
