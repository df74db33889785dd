from __future__ import annotations

import numpy as np
import pytest

from callcoach.capture.stream_clock import StreamClock

RATE = 16_000
BLOCK = 320


def feed(
    clock: StreamClock, seconds: float, *, ppm: float = 0.0, late: np.ndarray | None = None, first: int = 0
) -> int:
    """Show the clock so many seconds of blocks that begin at 1000 s; return the next sample."""
    count = int(seconds * RATE / BLOCK)
    late = np.zeros(count) if late is None else late
    for k in range(count):
        sample = first + k * BLOCK
        clock.observe(sample, 1000 + sample / (RATE * (1 + ppm * 1e-6)) + late[k])
    return first + count * BLOCK


@pytest.mark.parametrize("ppm", [-1000.0, -37.0, 0.0, 250.0, 1000.0])
def test_rate_and_offset_are_learned_in_spite_of_lateness(ppm: float) -> None:
    clock = StreamClock()
    late = np.random.default_rng(3).uniform(0, 0.012, 6000)
    end = feed(clock, 120, ppm=ppm, late=late)
    assert (clock.rate / RATE - 1) * 1e6 == pytest.approx(ppm, abs=3)
    assert clock.time_of(end) == pytest.approx(1000 + end / (RATE * (1 + ppm * 1e-6)), abs=0.001)
    assert clock.sample_at(clock.time_of(end)) == pytest.approx(end, abs=1e-4)
    assert clock.error < 0.001


def test_exact_times_give_exactly_the_nominal_rate() -> None:
    clock = StreamClock()
    end = feed(clock, 60)
    assert clock.time_of(end) == pytest.approx(1000 + end / RATE, abs=1e-8)
    assert abs(clock.rate - RATE) < 1e-5


def test_a_burst_after_a_stall_leaves_the_line_alone() -> None:
    clock = StreamClock()
    late = np.zeros(1500)
    late[500:800] = np.arange(6, 0, -0.02)  # nothing for 6 s, then all of it
    end = feed(clock, 30, ppm=200, late=late)
    assert clock.time_of(end) == pytest.approx(1000 + end / (RATE * 1.0002), abs=0.002)


def test_a_longer_way_from_the_device_is_followed_and_the_rate_stays() -> None:
    clock = StreamClock()
    end = feed(clock, 60, ppm=300)
    feed(clock, 30, ppm=300, late=np.full(1500, 0.03), first=end)
    assert (clock.rate / RATE - 1) * 1e6 == pytest.approx(300, abs=20)
    end += 1500 * BLOCK
    assert clock.time_of(end) == pytest.approx(1000.03 + end / (RATE * 1.0003), abs=0.003)


def test_blocks_that_come_earlier_are_believed_soon() -> None:
    clock = StreamClock()
    end = feed(clock, 30, late=np.full(1500, 0.04))
    feed(clock, 3, first=end)
    end += 150 * BLOCK
    assert clock.time_of(end) == pytest.approx(1000 + end / RATE, abs=0.003)


def test_renumbering_moves_samples_and_no_times() -> None:
    clock = StreamClock()
    end = feed(clock, 20, ppm=500)
    before = clock.time_of(end)
    clock.renumber(123_456_789)
    assert clock.time_of(end + 123_456_789) == pytest.approx(before, abs=1e-7)
    assert clock.rate == pytest.approx(RATE * 1.0005, rel=1e-6)


def test_a_rate_that_no_clock_has_is_not_believed() -> None:
    clock = StreamClock()
    feed(clock, 30, ppm=20_000)
    assert abs(clock.rate / RATE - 1) < 0.0031
