from __future__ import annotations

import numpy as np
import pytest

from callcoach.devices.to_call_rate import ToCallRate
from tests.support.pulse_rig import tone_level


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (44_100, 1), (16_000, 1), (8_000, 2)])
def test_a_tone_comes_out_at_its_level_and_in_its_time(rate: int, channels: int) -> None:
    t = np.arange(2 * rate) / rate
    sine = (0.25 * np.sin(2 * np.pi * 440 * t) * (t >= 1.0)).astype(np.float32)
    interleaved = np.repeat(sine, channels)
    converter, step = ToCallRate(rate, channels), rate // 50
    blocks = [
        converter.feed(100.0 + k / rate, interleaved[k * channels : (k + step) * channels])
        for k in range(0, len(sine), step)
    ]
    made = [block for block in blocks if block is not None]
    audio = np.concatenate([block.pcm for block in made])
    assert audio.dtype == np.int16
    assert tone_level(audio[17_600:], 440) == pytest.approx(-12.04, abs=0.05)
    ends = np.array([block.t + len(block.pcm) / 16_000 for block in made])
    starts = np.array([block.t for block in made])
    assert np.abs(ends[:-1] - starts[1:]).max() < 2e-4, "no block overlaps the next"
    onset = np.flatnonzero(np.abs(audio) > 800)[0]
    assert made[0].t + onset / 16_000 == pytest.approx(101.0, abs=0.002)


def test_two_channels_become_their_mean_and_full_scale_does_not_wrap() -> None:
    converter = ToCallRate(16_000, 2)
    interleaved = np.tile(np.array([1.5, 1.5], np.float32), 16_000)
    audio = [
        b.pcm for k in range(0, 32_000, 640) if (b := converter.feed(k / 32_000, interleaved[k : k + 640]))
    ]
    assert np.concatenate(audio).max() == 32_767
    assert np.concatenate(audio)[1000:].min() > 32_000


@pytest.mark.parametrize(("rate", "channels"), [(0, 1), (48_000, 0), (-1, 2)])
def test_impossible_streams_are_refused(rate: int, channels: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        ToCallRate(rate, channels)
