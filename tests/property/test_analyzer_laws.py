"""Laws of the whole core on real speech: how a call is cut into blocks leaves no trace."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import soxr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcoach.clock import SAMPLE_RATE
from callcoach.events import Channel, Event, SpeechSegment
from callcoach.ports import Audio
from tests.support.running import cut, equal, read, run

SECONDS = 20
RATES = (8_000, SAMPLE_RATE, 44_100)


@cache
def sound(rate: int) -> Audio:
    """Both sides of the first 20 s of a shipped call, at any rate."""
    audio, given_rate = read("s02_interrupted_scanner", seconds=SECONDS)
    return audio if rate == given_rate else np.asarray(soxr.resample(audio, given_rate, rate), np.float32)


@cache
def at_once(rate: int) -> tuple[Event, ...]:
    return tuple(run([sound(rate)], rate))


@pytest.mark.parametrize("rate", RATES)
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_block_size_does_not_matter(rate: int, data: st.DataObject) -> None:
    audio = sound(rate)
    cuts = data.draw(st.lists(st.integers(1, len(audio) - 1), unique=True, max_size=60))
    assert tuple(run(cut(audio, cuts), rate)) == at_once(rate)


@pytest.mark.parametrize("size", [160, 511, 513, 4096])
def test_blocks_of_one_size_give_the_same_events(size: int) -> None:
    assert tuple(run(equal(sound(SAMPLE_RATE), size), SAMPLE_RATE)) == at_once(SAMPLE_RATE)


def test_blocks_of_single_samples_give_the_same_events() -> None:
    audio = sound(SAMPLE_RATE)
    single = [*equal(audio[: 3 * SAMPLE_RATE], 1), audio[3 * SAMPLE_RATE :]]
    assert tuple(run(single, SAMPLE_RATE)) == at_once(SAMPLE_RATE)


@pytest.mark.parametrize("rate", RATES)
def test_the_order_of_a_log(rate: int) -> None:
    events = at_once(rate)
    assert len(events) > 10
    known = [e.known_at for e in events]
    assert known == sorted(known)
    assert all(e.span.end <= e.known_at for e in events)


@pytest.mark.parametrize("rate", RATES)
def test_speech_of_one_side_never_overlaps_itself_and_lies_inside(rate: int) -> None:
    segments = [e for e in at_once(rate) if isinstance(e, SpeechSegment)]
    for channel in Channel:
        mine = sorted((e.span.start, e.span.end) for e in segments if e.channel is channel)
        assert mine
        assert all(a[1] <= b[0] for a, b in pairwise(mine))
        assert mine[-1][1] <= SECONDS * SAMPLE_RATE + 512


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(length=st.integers(1, SECONDS * SAMPLE_RATE))
def test_a_call_may_end_anywhere(length: int) -> None:
    events = run([sound(SAMPLE_RATE)[:length]], SAMPLE_RATE)
    known = [e.known_at for e in events]
    assert known == sorted(known)
    assert all(e.span.end <= -(-length // 512) * 512 for e in events)
    early = [e for e in at_once(SAMPLE_RATE) if e.known_at <= length // 512 * 512]
    assert events[: len(early)] == early  # the past does not depend on what follows
