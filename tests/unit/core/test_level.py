"""Level per hop and the noise floor."""

from __future__ import annotations

import numpy as np
import pytest

from callcoach.clock import FRAME_LENGTH, SAMPLE_RATE
from callcoach.core.level import SILENCE_DBFS, NoiseFloor, hop_levels


def test_a_full_scale_sine_has_minus_3_01_dbfs() -> None:
    t = np.arange(FRAME_LENGTH) / SAMPLE_RATE
    levels = hop_levels(np.sin(2 * np.pi * 1000 * t).astype(np.float32))
    assert len(levels) == 2
    assert levels == pytest.approx([-3.01, -3.01], abs=0.01)


def test_each_hop_has_its_own_level() -> None:
    frame = np.concatenate([np.full(256, 0.1), np.full(256, 0.01)]).astype(np.float32)
    assert hop_levels(frame) == pytest.approx([-20, -40], abs=0.001)


def test_digital_silence_has_minus_180_dbfs() -> None:
    assert hop_levels(np.zeros(FRAME_LENGTH, np.float32)) == pytest.approx([SILENCE_DBFS] * 2)


@pytest.mark.parametrize("shape", [(511,), (256,), (512, 1), (0,)])
def test_a_wrong_frame_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="512"):
        hop_levels(np.zeros(shape, np.float32))


def test_the_floor_is_the_lowest_smoothed_level_of_the_window() -> None:
    floor = NoiseFloor(1.0)
    for _ in range(10):
        floor.step(-60.0)
    assert floor.step(-20.0) == pytest.approx(-60.0)
    for _ in range(60):  # two windows later the quiet is forgotten
        last = floor.step(-20.0)
    assert last == pytest.approx(-20.0)


def test_one_quiet_frame_among_loud_ones_is_not_the_floor() -> None:
    floor = NoiseFloor(10.0)
    for _ in range(20):
        floor.step(-30.0)
    floor.step(-60.0)
    assert floor.step(-30.0) == pytest.approx(-40.0)  # smoothed over three frames


def test_the_floor_of_digital_silence_stays_at_minus_75_dbfs() -> None:
    assert NoiseFloor(10.0).step(SILENCE_DBFS) == -75.0
