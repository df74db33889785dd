"""Blocks of any size become the same frames."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from callcoach.clock import FRAME_LENGTH, SAMPLE_RATE
from callcoach.core.reframe import Reframer
from callcoach.ports import Audio


def sound(rate: int, seconds: float, channels: int = 2) -> Audio:
    rng = np.random.default_rng(rate)
    return (0.2 * rng.standard_normal((round(rate * seconds), channels))).astype(np.float32)


def reframed(sound: Audio, rate: int, sizes: list[int]) -> tuple[Audio, int]:
    """Push in blocks of the given sizes, over and over; return all frames in a row and the length."""
    reframer = Reframer(rate, sound.shape[1])
    frames: list[Audio] = []
    at = turn = 0
    while at < len(sound):
        size = sizes[turn % len(sizes)]
        frames += reframer.push(sound[at : at + size])
        at, turn = at + size, turn + 1
    frames += reframer.finish()
    assert all(f.shape == (FRAME_LENGTH, sound.shape[1]) and f.dtype == np.float32 for f in frames)
    return np.concatenate(frames), reframer.samples


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_resampling_in_blocks_equals_resampling_at_once(rate: int) -> None:
    given = sound(rate, 1.5)
    frames, length = reframed(given, rate, [317])
    whole = soxr.resample(given, rate, SAMPLE_RATE)
    assert length == len(whole)
    np.testing.assert_allclose(frames[:length], whole, atol=1e-6)


@pytest.mark.parametrize("rate", [8_000, SAMPLE_RATE, 44_100])
@pytest.mark.parametrize("sizes", [[1], [511], [512], [513], [1, 4096, 7], [100_000]])
def test_the_cut_of_the_blocks_leaves_no_trace(rate: int, sizes: list[int]) -> None:
    given = sound(rate, 0.4)
    frames, length = reframed(given, rate, sizes)
    at_once, length_at_once = reframed(given, rate, [len(given)])
    assert length == length_at_once
    assert np.array_equal(frames, at_once)


def test_at_16_khz_nothing_is_changed_and_the_last_frame_is_filled_with_zeros() -> None:
    given = sound(SAMPLE_RATE, 0.1, 1)  # 1600 samples: three frames and 64
    frames, length = reframed(given, SAMPLE_RATE, [160])
    assert length == 1600
    assert len(frames) == 4 * FRAME_LENGTH
    assert np.array_equal(frames[:1600], given)
    assert not frames[1600:].any()


def test_finish_flushes_what_the_resampler_holds_back() -> None:
    given = sound(8_000, 0.5, 1)
    reframer = Reframer(8_000, 1)
    before = sum(len(f) for f in reframer.push(given))
    after = before + sum(len(f) for f in reframer.finish())
    assert reframer.samples == 8_000
    assert before < 8_000 <= after


def test_finish_without_sound_gives_nothing() -> None:
    assert Reframer(SAMPLE_RATE, 2).finish() == []


def test_whole_frames_leave_no_empty_one_behind() -> None:
    reframer = Reframer(SAMPLE_RATE, 1)
    assert len(reframer.push(np.zeros((2 * FRAME_LENGTH, 1), np.float32))) == 2
    assert reframer.finish() == []


@pytest.mark.parametrize("shape", [(100,), (100, 1), (100, 3)])
def test_a_wrong_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        Reframer(SAMPLE_RATE, 2).push(np.zeros(shape, np.float32))
