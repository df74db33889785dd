from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcoach.capture.fractional import HALF, read_between

RATE = 16_000
LEVEL = 16_000.0


def sine(hz: float, at: np.ndarray) -> np.ndarray:
    return LEVEL * np.sin(2 * np.pi * hz * at / RATE)


@pytest.mark.parametrize("hz", [100.0, 1000.0, 3000.0, 6000.0, 7000.0])
@pytest.mark.parametrize("step", [0.999, 1.001])
def test_every_sample_has_the_value_of_its_position(hz: float, step: float) -> None:
    """Against the true sine, not only in spectrum: delay and level count too. DEV-7 asks for 60 dB."""
    pcm = np.rint(sine(hz, np.arange(20_000))).astype(np.int16)
    out = read_between(pcm, 0.3, step, 16_000)
    true = sine(hz, 0.3 + np.arange(16_000) * step + HALF - 1)
    assert 10 * np.log10(np.mean(true**2) / np.mean((out - true) ** 2)) > 75


@given(seed=st.integers(0, 1000), count=st.integers(1, 400))
def test_a_whole_position_is_the_sample_itself(seed: int, count: int) -> None:
    pcm = np.random.default_rng(seed).integers(-32768, 32768, count + 2 * HALF).astype(np.int16)
    assert np.array_equal(read_between(pcm, 0.0, 1.0, count), pcm[HALF - 1 : HALF - 1 + count])


@given(cut=st.integers(1, 299), step=st.floats(0.997, 1.003), first=st.floats(0, 0.999))
def test_it_does_not_matter_in_how_many_pieces_one_reads(cut: int, step: float, first: float) -> None:
    pcm = np.random.default_rng(1).integers(-9000, 9000, 600).astype(np.int16)
    whole = read_between(pcm, first, step, 300)
    moved = first + cut * step
    rest = read_between(pcm[int(moved) :], moved - int(moved), step, 300 - cut)
    apart = np.concatenate([read_between(pcm, first, step, cut), rest])
    assert np.abs(whole.astype(int) - apart).max() <= 1  # the last bit of a float position may round


def test_loud_sound_is_limited_and_does_not_wrap_round() -> None:
    pcm = np.tile(np.array([32767] * 5 + [-32768] * 5, np.int16), 60)
    out = read_between(pcm, 0.5, 1.0, 400).astype(int)
    assert out.max() == 32767
    assert out.min() == -32768
    # between two neighbours at the upper end lies nothing at the lower end
    inside = (pcm[HALF - 1 : HALF + 399] == 32767) & (pcm[HALF : HALF + 400] == 32767)
    assert out[inside].min() > 20_000
