"""The fast mask, frame by frame, from scripted probabilities and levels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest

from callcoach.clock import FRAME_LENGTH, HOP_LENGTH, SAMPLE_RATE
from callcoach.config import ActivitySettings
from callcoach.core.activity import Ipu, SpeechActivity

FLOOR, LOUD = -65.0, -22.0
FRAME_S = FRAME_LENGTH / SAMPLE_RATE


@dataclass(frozen=True)
class Sound:
    """A stretch with one probability and one level; times in frames."""

    start: int
    end: int
    probability: float = 0.95
    level: float = LOUD


def masked(
    sounds: list[Sound], frames: int = 100, quiet: float = 0.01, denied: range = range(0)
) -> SpeechActivity:
    """Run the mask over sounds that begin and end with frames."""
    activity = SpeechActivity(ActivitySettings())
    for i in range(frames):
        here = next((s for s in sounds if s.start <= i < s.end), None)
        probability, level = (here.probability, here.level) if here else (quiet, FLOOR)
        activity.step(i * FRAME_LENGTH, probability, (level, level), i not in denied)
    activity.finish(frames * FRAME_LENGTH)
    return activity


def kept(activity: SpeechActivity) -> list[Ipu]:
    return [i for i in activity.ipus if not i.dropped]


def bounds(activity: SpeechActivity) -> list[tuple[int, int]]:
    return [(i.start // FRAME_LENGTH, -(-i.end // FRAME_LENGTH)) for i in kept(activity)]


def test_edges_lie_where_the_sound_begins_and_ends() -> None:
    activity = masked([Sound(30, 60)])
    (ipu,) = kept(activity)
    assert (ipu.start, ipu.end) == (30 * FRAME_LENGTH, 60 * FRAME_LENGTH)


def test_edges_follow_the_level_on_the_16_ms_grid() -> None:
    """The detector answers late; the level says which half of a frame the sound begins and ends in."""
    activity = SpeechActivity(ActivitySettings())
    for i in range(100):
        levels = (
            (LOUD, LOUD)
            if 30 <= i < 60
            else (FLOOR, LOUD)
            if i == 29
            else (LOUD, FLOOR)
            if i == 60
            else (FLOOR, FLOOR)
        )
        activity.step(i * FRAME_LENGTH, 0.95 if 31 <= i < 60 else 0.01, levels)
    activity.finish(100 * FRAME_LENGTH)
    (ipu,) = kept(activity)
    assert ipu.start == 29 * FRAME_LENGTH + HOP_LENGTH
    assert ipu.end == 60 * FRAME_LENGTH + HOP_LENGTH


def test_speech_opens_after_60_ms_above_a_half() -> None:
    activity = SpeechActivity(ActivitySettings())
    for i in range(30):
        activity.step(i * FRAME_LENGTH, 0.01, (FLOOR, FLOOR))
    activity.step(30 * FRAME_LENGTH, 0.95, (LOUD, LOUD))
    assert not activity.speaking
    activity.step(31 * FRAME_LENGTH, 0.95, (LOUD, LOUD))
    assert activity.speaking
    assert activity.ipus[0].opened_at == 32 * FRAME_LENGTH


def test_one_frame_above_is_not_enough() -> None:
    assert masked([Sound(30, 31)]).ipus == []


def test_speech_closes_after_150_ms_below() -> None:
    activity = SpeechActivity(ActivitySettings())
    for i in range(60):
        speech = 30 <= i < 50
        activity.step(i * FRAME_LENGTH, 0.95 if speech else 0.01, (LOUD, LOUD) if speech else (FLOOR, FLOOR))
        if i == 53:
            assert activity.speaking  # 0.128 s below
        if i == 54:
            assert not activity.speaking  # 0.16 s


def test_gaps_under_0_2_s_are_merged() -> None:
    assert bounds(masked([Sound(30, 45), Sound(51, 70)])) == [(30, 70)]  # 0.192 s


def test_gaps_of_more_than_0_2_s_are_not() -> None:
    assert bounds(masked([Sound(30, 45), Sound(52, 70)])) == [(30, 45), (52, 70)]  # 0.224 s


def test_bursts_under_0_1_s_are_dropped() -> None:
    activity = masked([Sound(30, 33)])  # 0.096 s
    assert len(activity.ipus) == 1
    assert kept(activity) == []


def test_bursts_of_more_than_0_1_s_are_kept() -> None:
    assert bounds(masked([Sound(30, 34)])) == [(30, 34)]  # 0.128 s


@pytest.mark.parametrize("probability", [0.14, 0.3, 0.45])
def test_a_loud_mm_hmm_that_the_detector_doubts_is_kept(probability: float) -> None:
    """43 dB over the noise floor: the detector alone would lose the listener's word."""
    assert bounds(masked([Sound(40, 49, probability)], quiet=0.005)) == [(40, 49)]


@pytest.mark.parametrize("level", [-48.0, -57.0])
def test_the_same_doubt_near_the_noise_floor_is_no_speech(level: float) -> None:
    assert masked([Sound(40, 49, 0.14, level)]).ipus == []


def test_faint_speech_needs_the_detector_alone() -> None:
    assert bounds(masked([Sound(40, 60, 0.6, -57.0)])) == [(40, 60)]


def test_loud_music_that_the_detector_denies_never_opens() -> None:
    assert masked([Sound(20, 90, 0.09)]).ipus == []


def test_what_the_bleed_gate_denies_is_not_speech() -> None:
    assert masked([Sound(30, 60)], denied=range(25, 65)).ipus == []


def test_edges_do_not_reach_into_what_the_bleed_gate_denies() -> None:
    (ipu,) = kept(masked([Sound(30, 60)], denied=range(25, 40)))
    assert ipu.start == 40 * FRAME_LENGTH


def test_speech_that_lasts_to_the_end_is_closed_by_finish() -> None:
    activity = masked([Sound(30, 100)])
    (ipu,) = kept(activity)
    assert ipu.closed
    assert ipu.end == 100 * FRAME_LENGTH


def test_an_open_run_grows_and_a_closed_one_stands() -> None:
    activity = SpeechActivity(ActivitySettings())
    ends: list[tuple[bool, int]] = []
    for i in range(100):
        speech = 30 <= i < 50
        activity.step(i * FRAME_LENGTH, 0.95 if speech else 0.01, (LOUD, LOUD) if speech else (FLOOR, FLOOR))
        if activity.ipus:
            ends.append((activity.ipus[0].closed, activity.ipus[0].end))
    sealed = [end for closed, end in ends if closed]
    assert set(sealed) == {50 * FRAME_LENGTH}
    # merging stays possible for 0.2 s, and an opening is known late by its 60 ms and the reach of its edge
    first = next(i for i, (closed, _) in enumerate(ends) if closed)
    assert 31 + first < 50 + 20


def test_drop_open_takes_the_open_run_back() -> None:
    activity = SpeechActivity(ActivitySettings())
    for i in range(40):
        activity.step(
            i * FRAME_LENGTH, 0.95 if i >= 30 else 0.01, (LOUD, LOUD) if i >= 30 else (FLOOR, FLOOR)
        )
    assert activity.speaking
    activity.drop_open()
    assert not activity.speaking
    assert kept(activity) == []


def test_no_two_runs_of_a_channel_overlap() -> None:
    """A start that level pulls back stops at the end of the run before."""
    sounds = [Sound(a, a + n) for a, n in ((10, 6), (23, 9), (40, 4), (51, 20), (79, 6))]
    ipus = masked(sounds).ipus
    assert all(a.end <= b.start for a, b in pairwise(ipus))
