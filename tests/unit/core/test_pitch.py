"""F0 of sounds whose F0 is known."""

from __future__ import annotations

import numpy as np
import pytest

from callcoach.clock import FRAME_LENGTH, HOP_LENGTH, SAMPLE_RATE
from callcoach.config import PitchSettings
from callcoach.core.level import hop_levels
from callcoach.core.pitch import PitchTrack
from callcoach.ports import Audio
from tests.support.sounding import noise, placed, tone

SETTLED = 8
"""Hops after which the window holds nothing but the sound."""


def track(sound: Audio, floor: float = -70.0) -> np.ndarray:
    pitch = PitchTrack(PitchSettings())
    for at in range(0, len(sound) // FRAME_LENGTH * FRAME_LENGTH, FRAME_LENGTH):
        frame = sound[at : at + FRAME_LENGTH]
        first, second = hop_levels(frame)
        pitch.step(frame, (float(first), float(second)), floor)
    pitch.finish()
    return np.array(pitch.f0_hz)


def cents(hz: np.ndarray, wanted: float) -> np.ndarray:
    return 1200 * np.abs(np.log2(hz / wanted))


@pytest.mark.parametrize("hz", [80.0, 110.0, 180.0, 240.0, 400.0])
def test_a_tone_is_found_within_20_cents(hz: float) -> None:
    found = track(tone(1.0, hz))[SETTLED:]
    assert not np.isnan(found).any()
    assert cents(found, hz).max() < 20


def test_a_voice_with_harmonics_is_not_taken_an_octave_off() -> None:
    t = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    sound = sum(np.sin(2 * np.pi * 150 * k * t) / k for k in range(1, 15)) * 0.1
    found = track(np.asarray(sound, np.float32))[SETTLED:]
    assert cents(found, 150.0).max() < 20


def test_noise_is_unvoiced() -> None:
    found = track(noise(2.0, -20.0))
    assert np.isnan(found).mean() > 0.98


def test_silence_is_unvoiced() -> None:
    assert np.isnan(track(np.zeros(SAMPLE_RATE, np.float32))).all()


def test_a_tone_near_the_noise_floor_is_unvoiced() -> None:
    assert np.isnan(track(tone(1.0, 180, -40.0), floor=-48.0)).all()
    assert not np.isnan(track(tone(1.0, 180, -40.0), floor=-52.0)[SETTLED:]).any()


def test_there_is_one_value_per_hop_whatever_the_length() -> None:
    for frames in (1, 7, 8, 9, 33):
        assert len(track(tone(1.5)[: frames * FRAME_LENGTH])) == 2 * frames


def test_the_future_does_not_change_the_past() -> None:
    """What follows a moment has no influence on the F0 at that moment."""
    first = tone(1.024, 180)
    quiet = track(np.concatenate([first, np.zeros_like(first)]))
    other = track(np.concatenate([first, tone(1.024, 300)]))
    hops = len(first) // HOP_LENGTH
    assert np.array_equal(quiet[:hops], other[:hops], equal_nan=True)


def test_a_tone_is_voiced_where_it_sounds() -> None:
    found = track(placed(3.0, [(1.024, tone(1.024, 200))]))
    voiced = ~np.isnan(found)
    start, end = 64, 128  # hops
    assert not voiced[: start - 1].any()
    assert voiced[start + 4 : end].all()
    assert not voiced[end + 4 :].any()
