"""F0 of sounds whose F0 is known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from callcoach.clock import FRAME_LENGTH, HOP_LENGTH, SAMPLE_RATE
from callcoach.config import PitchSettings
from callcoach.core.level import hop_levels
from callcoach.core.pitch import LONGEST_DELAY_HOPS, PitchTrack
from callcoach.ports import Audio
from tests.support.sounding import noise, placed, tone

EDGE = 2
"""Hops at an end whose window holds more than the sound."""
CALL_FLOOR = -70.0


def feed(pitch: PitchTrack, frame: Audio, floor: float = CALL_FLOOR) -> None:
    first, second = hop_levels(frame)
    pitch.step(frame, (float(first), float(second)), floor)


def track(sound: Audio, floor: float = CALL_FLOOR, settings: PitchSettings | None = None) -> np.ndarray:
    pitch = PitchTrack(settings or PitchSettings())
    for at in range(0, len(sound) // FRAME_LENGTH * FRAME_LENGTH, FRAME_LENGTH):
        feed(pitch, sound[at : at + FRAME_LENGTH], floor)
    pitch.finish()
    return np.array(pitch.f0_hz)


def voice(seconds: float, hz: float | np.ndarray, lowest_hz: float = 0.0) -> Audio:
    """Harmonics up to 3.4 kHz that fall by 6 dB per octave, those under ``lowest_hz`` left out."""
    each = np.broadcast_to(hz, round(seconds * SAMPLE_RATE))
    phase = 2 * np.pi * np.cumsum(each) / SAMPLE_RATE
    heard = range(1 + int(lowest_hz / each.min()), int(3400 / each.max()) + 1)
    return np.asarray(0.1 * sum(np.sin(k * phase) / k for k in heard), np.float32)


def semitones(hz: np.ndarray, wanted: float | np.ndarray) -> np.ndarray:
    return 12 * np.abs(np.log2(hz / wanted))


@pytest.mark.parametrize("hz", [80.0, 110.0, 180.0, 240.0, 400.0])
def test_a_tone_is_found_within_a_tenth_of_a_semitone(hz: float) -> None:
    found = track(tone(1.024, hz))[EDGE:-EDGE]
    assert not np.isnan(found).any()
    assert semitones(found, hz).max() < 0.1


@pytest.mark.parametrize("hz", [75.0, 100.0, 150.0, 220.0, 330.0])
def test_a_voice_with_harmonics_is_found_within_a_tenth_of_a_semitone(hz: float) -> None:
    found = track(voice(1.024, hz))[EDGE:-EDGE]
    assert not np.isnan(found).any()
    assert semitones(found, hz).max() < 0.1


@pytest.mark.parametrize("hz", [85.0, 110.0, 140.0, 200.0, 260.0])
def test_a_telephone_voice_without_its_fundamental_is_right(hz: float) -> None:
    found = track(voice(2.048, hz, lowest_hz=300.0))[EDGE:-EDGE]
    assert not np.isnan(found).any()
    assert semitones(found, hz).max() < 0.1


def test_a_gliding_voice_is_followed_at_the_middle_of_each_hop() -> None:
    """A track that lags by half a hop (8 ms) would be off by 0.1 st."""
    hz = 120 * 2 ** (np.arange(round(1.024 * SAMPLE_RATE)) / SAMPLE_RATE)  # 12 st/s
    found = track(voice(1.024, hz))
    middles = hz[HOP_LENGTH // 2 :: HOP_LENGTH]
    error = 12 * np.log2(found / middles)[EDGE:-EDGE]
    assert abs(float(np.median(error))) < 0.03
    assert np.abs(error).max() < 0.1


@pytest.mark.parametrize("level", [-50.0, -20.0])
def test_noise_is_unvoiced(level: float) -> None:
    assert np.isnan(track(noise(4.0, level))).mean() > 0.98


def test_silence_is_unvoiced() -> None:
    assert np.isnan(track(np.zeros(SAMPLE_RATE, np.float32))).all()


def test_a_tone_near_the_noise_floor_is_unvoiced() -> None:
    over = PitchSettings().over_floor_db
    assert np.isnan(track(tone(1.0, 180, -40.0), floor=-40.0 - over + 1)).all()
    assert not np.isnan(track(tone(1.0, 180, -40.0), floor=-40.0 - over - 1)[EDGE:-EDGE]).any()


def test_a_voice_in_noise_is_found() -> None:
    """10 dB over white noise."""
    sound = voice(2.048, 130.0)
    level = 10 * np.log10(float(np.mean(sound**2)))
    found = track(sound + noise(2.048, level - 10)[: len(sound)], floor=level - 10)[EDGE:-EDGE]
    assert np.isnan(found).mean() < 0.02
    assert np.nanmedian(semitones(found, 130.0)) < 0.1


def test_a_short_stretch_of_every_second_period_does_not_halve_f0() -> None:
    """Periods of unequal strength have the lower octave as period, but a speaker does not jump there."""
    steady, rough = voice(1.024, 200.0), voice(0.064, 200.0)
    swing = 1 + 0.5 * np.sin(2 * np.pi * 100 * np.arange(len(rough)) / SAMPLE_RATE)
    found = track(np.concatenate([steady, (rough * swing).astype(np.float32), steady]))[EDGE:-EDGE]
    assert semitones(found[~np.isnan(found)], 200.0).max() < 1


def test_no_neighbours_differ_by_more_than_the_largest_jump() -> None:
    low, high = voice(0.256, 150.0), voice(0.256, 300.0)
    found = track(np.concatenate([low, high] * 6))
    voiced = found[~np.isnan(found)]
    assert (semitones(voiced, 150.0) < 1).any()
    assert (semitones(voiced, 300.0) < 1).any()
    limit = PitchSettings().largest_jump_st
    assert all(not 12 * abs(np.log2(b / a)) > limit for a, b in pairwise(found))
    free = track(np.concatenate([low, high] * 6), settings=PitchSettings(largest_jump_st=24))
    assert any(12 * abs(np.log2(b / a)) > limit for a, b in pairwise(free))


def test_a_voice_that_rises_by_an_octave_is_followed() -> None:
    found = track(np.concatenate([voice(4.096, 150.0), voice(1.024, 300.0)]))
    assert semitones(found[256 + 6 : -EDGE], 300.0).max() < 0.1  # within 0.1 s


def test_a_spike_of_three_semitones_is_seen_at_once() -> None:
    raised = 150.0 * 2 ** (3 / 12)
    found = track(np.concatenate([voice(1.024, 150.0), voice(0.512, raised)]))
    assert semitones(found[64 + EDGE : -EDGE], raised).max() < 0.1


def test_there_is_one_value_per_hop_whatever_the_length() -> None:
    for frames in (0, 1, 3, 4, 5, 6, 7, 8, 9, 33):
        assert len(track(tone(1.5)[: frames * FRAME_LENGTH])) == 2 * frames


def test_values_are_out_within_256_ms_of_the_start_of_their_hop() -> None:
    pitch = PitchTrack(PitchSettings())
    sound = voice(4.096, 150.0)
    late = 0
    for at in range(0, len(sound), FRAME_LENGTH):
        feed(pitch, sound[at : at + FRAME_LENGTH])
        heard = (at + FRAME_LENGTH) // HOP_LENGTH
        late = max(late, heard - len(pitch.f0_hz))
    # the next hop to come out started `late` hops ago, and one frame arrives before it can
    assert late + FRAME_LENGTH // HOP_LENGTH - 1 <= LONGEST_DELAY_HOPS
    assert LONGEST_DELAY_HOPS * HOP_LENGTH / SAMPLE_RATE <= 0.256


def test_what_comes_later_does_not_change_what_is_out() -> None:
    first = voice(1.024, 180.0)
    followed: list[np.ndarray] = []
    for after in (np.zeros_like(first), voice(1.024, 300.0), noise(1.024, -10.0)):
        pitch = PitchTrack(PitchSettings())
        for at in range(0, len(first), FRAME_LENGTH):
            feed(pitch, first[at : at + FRAME_LENGTH])
        out = np.array(pitch.f0_hz)
        for at in range(0, len(after) // FRAME_LENGTH * FRAME_LENGTH, FRAME_LENGTH):
            feed(pitch, after[at : at + FRAME_LENGTH])
        assert np.array_equal(np.array(pitch.f0_hz)[: len(out)], out, equal_nan=True)
        followed.append(out)
    assert len(followed[0]) >= len(first) // HOP_LENGTH - LONGEST_DELAY_HOPS
    assert all(np.array_equal(followed[0], other, equal_nan=True) for other in followed[1:])


def test_a_voice_is_the_same_after_a_whole_number_of_batches_of_silence() -> None:
    """Values depend on positions of hops alone."""
    sound = voice(1.024, 180.0)
    alone = track(sound)
    later = track(np.concatenate([np.zeros(64 * HOP_LENGTH, np.float32), sound]))
    assert np.array_equal(alone[EDGE:], later[64 + EDGE :], equal_nan=True)


def test_a_tone_is_voiced_where_it_sounds() -> None:
    found = track(placed(3.0, [(1.024, tone(1.024, 200))]))
    voiced = ~np.isnan(found)
    start, end = 64, 128  # hops
    assert not voiced[: start - 1].any()
    assert voiced[start + 1 : end - 1].all()
    assert not voiced[end + 1 :].any()
