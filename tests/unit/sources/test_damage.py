"""IMP-7: damage costs the damaged part, later audio stays where it belongs, and the verdict says where."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from callcoach.ports import Audio, Verdict
from callcoach.sources.file import open_recording
from tests.support.recordings import Samples, call_like, libav, sndfile

RATE = 16_000


@cache
def call() -> Samples:
    return call_like(RATE, 60.0)


FILES: dict[str, Callable[[], bytes]] = {
    "flac": lambda: sndfile(call(), RATE, "FLAC", "PCM_16"),
    "mp3": lambda: libav(call(), RATE, "mp3", "libmp3lame", bit_rate=32_000),
    "ogg": lambda: sndfile(call(), RATE, "OGG", "VORBIS"),
    "opus": lambda: libav(call(), RATE, "ogg", "libopus"),
    "m4a": lambda: libav(call(), RATE, "ipod", "aac"),
    "mkv": lambda: libav(call(), RATE, "matroska", "aac", options={"cluster_time_limit": "1000"}),
    "adts": lambda: libav(call(), RATE, "adts", "aac"),
}
OVERLAP = 4_096
"""Frames behind a gap in which a lossy decoder finds its state again."""


@cache
def encoded(name: str) -> bytes:
    return FILES[name]()


def read(path: Path) -> tuple[Audio, Verdict, int]:
    source = open_recording(path)
    try:
        return np.concatenate(list(source.blocks())), source.verdict, source.rate
    finally:
        source.close()


def outside(verdict: Verdict, length: int, margin: int) -> np.ndarray:
    """Return which frames lie in no damaged span, nor within ``margin`` of one."""
    sound = np.ones(length, bool)
    for start, end in verdict.spans:
        sound[max(0, start - margin) : end + margin] = False
    return sound


@pytest.mark.parametrize("kind", ["zeros", "noise"])
@pytest.mark.parametrize("name", FILES)
def test_damage_in_one_place_costs_that_place(name: str, kind: str, tmp_path: Path) -> None:
    data, path = encoded(name), tmp_path / "call"
    path.write_bytes(data)
    whole, _, _ = read(path)
    at, size = len(data) * 2 // 5, 300
    rubbish = bytes(size) if kind == "zeros" else random.Random(4).randbytes(size)
    path.write_bytes(data[:at] + rubbish + data[at + size :])
    part, verdict, rate = read(path)

    assert verdict.status == "salvaged"
    assert verdict.spans
    lost = sum(end - start for start, end in verdict.spans)
    damaged = len(whole) * size / len(data)
    assert lost - damaged < 0.05 * len(whole), f"{lost / rate:.2f} s were given up"
    for start, end in verdict.spans:
        if end - start > rate // 10:  # neighbouring spans are merged, so only most of it is silence
            assert np.mean(part[start:end] == 0) > 0.5, "the span is not silence"
    assert abs(len(part) - len(whole)) <= rate // 50
    # What lies outside the marked spans is what the whole file has at the same place.
    n = min(len(part), len(whole))
    same = np.isclose(part[:n], whole[:n], atol=1e-4).all(axis=1)
    assert same[outside(verdict, n, OVERLAP)].mean() > 0.99


@pytest.mark.parametrize("name", ["flac", "m4a", "mp3"])
def test_damage_in_ten_places_keeps_95_percent_of_the_rest(name: str, tmp_path: Path) -> None:
    data, path = bytearray(encoded(name)), tmp_path / "call"
    path.write_bytes(data)
    whole, _, rate = read(path)
    rng = random.Random(8)
    for i in range(10):
        at = len(data) * (2 * i + 3) // 24
        data[at : at + 20] = rng.randbytes(20)
    path.write_bytes(data)
    part, verdict, _ = read(path)
    frame = {"flac": 4_096, "m4a": 1_024, "mp3": 576}[name]
    lost = sum(end - start for start, end in verdict.spans)
    undamaged = len(whole) - 10 * frame
    assert len(part) - lost >= 0.95 * undamaged, f"{lost / rate:.2f} s were given up"


def test_flac_goes_on_exactly_behind_the_damage(tmp_path: Path) -> None:
    data, path = bytearray(encoded("flac")), tmp_path / "call.flac"
    path.write_bytes(data)
    whole, _, _ = read(path)
    at = len(data) // 2
    data[at] ^= 0x55
    path.write_bytes(data)
    part, verdict, _ = read(path)
    assert verdict.status == "salvaged"
    assert len(part) == len(whole)
    sound = outside(verdict, len(whole), 0)
    assert np.array_equal(part[sound], whole[sound])
    assert not part[~sound].any()
    assert np.count_nonzero(~sound) <= 5 * 4_096


def test_mp3_time_is_kept_when_frames_are_overwritten(tmp_path: Path) -> None:
    """At a constant bit rate the bytes between two frames say how long the hole is."""
    data, path = bytearray(encoded("mp3")), tmp_path / "call.mp3"
    path.write_bytes(data)
    whole, _, rate = read(path)
    at, size = len(data) // 3, len(data) // 20  # three seconds
    data[at : at + size] = bytes(size)
    path.write_bytes(data)
    part, verdict, _ = read(path)
    assert verdict.status == "salvaged"
    behind = verdict.spans[-1][1] + OVERLAP
    assert abs(verdict.spans[-1][1] - verdict.spans[0][0] - 3 * rate) < rate // 10
    a, b = part[behind : behind + 10 * rate, 0], whole[behind : behind + 10 * rate, 0]
    assert np.isclose(a, b, atol=1e-4).mean() > 0.99


def test_encrypted_or_undecodable_sound_is_not_turned_into_noise(tmp_path: Path) -> None:
    data, path = bytearray(encoded("m4a")), tmp_path / "call.m4a"
    start = data.index(b"mdat") + 4
    data[start : start + len(data) // 2] = random.Random(3).randbytes(len(data) // 2)
    path.write_bytes(data)
    part, verdict, _ = read(path)
    assert verdict.status == "salvaged"
    marked = ~outside(verdict, len(part), 0)
    assert marked.mean() > 0.4
