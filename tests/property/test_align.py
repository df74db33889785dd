"""Whatever the devices do: nothing is made up, nothing is lost unseen, and both sides stay one call."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcoach.events import Channel
from tests.support.fake_inputs import FakeClock, FakeInput, Fault, LiveRig, Loss, Stall, Vanish

RATE = 16_000
SECONDS = 12.0

at = st.floats(1.0, 8.0)
faults = st.one_of(
    st.builds(Stall, at, st.floats(0.05, 3.0)),
    st.builds(Loss, at, st.integers(1, 2 * RATE)),
    st.builds(Vanish, at, st.floats(0.1, 2.0), st.sampled_from(["lost", "moved", "failed"]), st.booleans()),
)
sides = st.tuples(
    st.lists(faults, max_size=2),
    st.floats(-1000, 1000),
    st.sampled_from([0.0, 0.003, 0.015]),
    st.sampled_from(["arrival", "device"]),
    st.sampled_from([160, 320, 341]),
)


def steady(t: np.ndarray) -> np.ndarray:
    """Give a signal without a zero in it: every zero that comes out was put in."""
    return np.full(len(t), 0.25)


def device(clock: FakeClock, side: tuple[list[Fault], float, float, str, int], seed: int) -> FakeInput:
    found, ppm, jitter, stamps, block = side
    return FakeInput(
        "device",
        clock,
        steady,
        drift_ppm=ppm,
        jitter=jitter,
        stamps=stamps,
        faults=found,
        block=block,
        seed=seed,
    )


@given(agent=sides, caller=sides, poll=st.sampled_from([0.01, 0.02, 0.05]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_zero_has_a_reason_and_every_sample_a_place(
    agent: tuple[list[Fault], float, float, str, int],
    caller: tuple[list[Fault], float, float, str, int],
    poll: float,
) -> None:
    clock = FakeClock()
    rig = LiveRig(clock, device(clock, agent, 1), device(clock, caller, 2), poll=poll)
    rig.run(SECONDS)
    rig.drain()
    block, marks = rig.aligner.finish()
    audio = np.concatenate([rig.audio(), block])
    late = [*rig.late, *rig.aligner.late()]
    assert len(audio) == rig.aligner.position
    for column, channel in enumerate(Channel):
        sound = audio[:, column] != 0
        silent = np.zeros(len(audio), bool)
        erased = np.zeros(len(audio), bool)
        mine = [mark for mark in rig.marks + marks if mark.channel is channel]
        for mark in mine:
            assert 0 <= mark.start < mark.end <= len(audio)
            assert mark.reason
            whole = audio[mark.start : mark.end, column]
            (erased if mark.reason == "moved" and whole.any() else silent)[mark.start : mark.end] = True
        for before, after in pairwise(sorted(mine, key=lambda mark: mark.start)):
            assert before.end <= after.start or "moved" in (before.reason, after.reason)
        assert not (sound & silent).any()
        # resampling reaches 24 samples over the edge of a gap, so some zeros there are audio
        assert (~sound & ~silent & ~erased).sum() <= 48 * (len(mine) + 1)
        for piece in late:
            if piece.channel is channel:
                assert 0 <= piece.position <= piece.position + len(piece.pcm) <= len(audio)
        counts = rig.aligner.counts(channel)
        assert counts.late == sum(len(piece.pcm) for piece in late if piece.channel is channel)
        if not any(mark.reason == "moved" for mark in mine):
            placed = int(sound.sum()) + counts.late
            slack = 400 + 0.002 * RATE * SECONDS + counts.skipped
            assert abs(counts.received - placed) < slack
