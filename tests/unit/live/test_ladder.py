"""The overload ladder: down within seconds, up after half a minute, never to and fro."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcoach.live.ladder import HIGHEST, Ladder, Load, Step

TICK = 0.25


class Machine:
    """Feeds a ladder with a share of real time that changes."""

    def __init__(self) -> None:
        self.ladder = Ladder()
        self.now = self.recogniser = self.analysis = 0.0
        self.steps: list[Step] = []

    def run(
        self, seconds: float, recogniser: float, analysis: float = 0.0, behind: float = 0.0
    ) -> list[Step]:
        before = len(self.steps)
        for _ in range(round(seconds / TICK)):
            self.now += TICK
            self.recogniser += recogniser * TICK
            self.analysis += analysis * TICK
            step = self.ladder.step(
                Load(self.now, self.recogniser, self.analysis, behind_s=behind, waiting_s=behind)
            )
            if step is not None:
                self.steps.append(step)
        return self.steps[before:]


def test_an_easy_call_stays_on_level_0() -> None:
    machine = Machine()
    assert machine.run(600, 0.4, 0.1) == []
    assert machine.ladder.load == pytest.approx(0.4)


@pytest.mark.parametrize(("recogniser", "analysis"), [(0.95, 0.1), (0.1, 0.95)])
def test_down_within_8_s_of_overload(recogniser: float, analysis: float) -> None:
    machine = Machine()
    machine.run(20, 0.3, 0.1)
    (step, *_) = machine.run(9, recogniser, analysis)
    assert step.level == 1
    assert 4.5 <= step.now - 20 <= 8  # the mean of 5 s counts


def test_a_short_burst_is_no_overload() -> None:
    machine = Machine()
    for _ in range(20):
        assert machine.run(4, 1.0) == []
        assert machine.run(3, 0.2) == []


def test_up_only_after_30_s_of_calm() -> None:
    machine = Machine()
    machine.run(6, 1.0)
    assert machine.ladder.level == 1
    (step,) = machine.run(40, 0.3)
    assert step.level == 0
    assert 30 <= step.now - 6 <= 40


def test_between_the_bounds_nothing_moves() -> None:
    machine = Machine()
    machine.run(6, 1.0)
    assert machine.run(300, 0.75) == []


def test_far_behind_goes_to_words_after_the_call_at_once() -> None:
    machine = Machine()
    machine.run(10, 0.5)
    (step, *_) = machine.run(1, 0.5, behind=16.0)
    assert (step.before, step.level) == (0, 3)
    assert "after the call" in step.reason


def test_a_step_up_that_does_not_last_makes_the_next_one_wait_longer() -> None:
    machine = Machine()
    machine.run(6, 1.0)
    ups = []
    for _ in range(4):
        before = machine.now
        while machine.ladder.level == 1:
            machine.run(TICK, 0.3)
        ups.append(machine.now - before)
        while machine.ladder.level == 0:
            machine.run(TICK, 1.0)
    assert ups[1] > 1.8 * ups[0]
    assert ups[3] > 1.8 * ups[2] > 3.2 * ups[1]


def test_a_step_up_that_lasts_resets_the_wait() -> None:
    machine = Machine()
    machine.run(6, 1.0)
    for _ in range(2):
        while machine.ladder.level == 1:
            machine.run(TICK, 0.3)
        while machine.ladder.level == 0:
            machine.run(TICK, 1.0)
    while machine.ladder.level == 1:
        machine.run(TICK, 0.3)
    machine.run(400, 0.3)
    machine.run(6, 1.0)
    assert machine.ladder.level == 1
    (step,) = machine.run(40, 0.3)
    assert step.level == 0


def test_every_reason_is_a_sentence_that_differs_by_level() -> None:
    machine = Machine()
    steps = machine.run(120, 1.0, 1.0)
    assert [step.level for step in steps][-1] == HIGHEST
    assert len({step.reason for step in steps}) == len(steps)
    assert all(step.reason.endswith(".") and step.reason[0].isupper() for step in steps)


LOADS = st.lists(
    st.tuples(
        st.floats(0.25, 20), st.floats(0, 1), st.floats(0, 1), st.sampled_from([0.0, 0.0, 0.0, 5.0, 16.0])
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(LOADS)
def test_laws_for_any_load(loads: Sequence[tuple[float, float, float, float]]) -> None:
    machine = Machine()
    shares: list[tuple[float, float]] = []
    level = 0
    for seconds, recogniser, analysis, behind in loads:
        for _ in range(max(1, round(seconds / TICK))):
            steps = machine.run(TICK, recogniser, analysis, behind)
            shares.append((machine.now, max(recogniser, analysis)))
            # never far behind without having put words off
            assert behind < 15 or machine.ladder.level >= 3
            for step in steps:
                assert step.before == level
                assert 0 <= step.level <= HIGHEST
                if step.level < level:
                    assert step.level == level - 1
                    calm = [share for at, share in shares if step.now - 25 < at <= step.now]
                    assert max(calm) < 0.6 or sum(calm) / len(calm) < 0.6
                elif behind < 15:
                    recent = [share for at, share in shares if step.now - 5 < at <= step.now]
                    assert sum(recent) / len(recent) > 0.85
                level = step.level
    times = [step.now for step in machine.steps]
    assert all(b - a >= 60 for a, b in zip(times, times[4:], strict=False))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(1.0, 40), min_size=1, max_size=15))
def test_lasting_overload_always_ends_at_the_bottom(breaks: Sequence[float]) -> None:
    machine = Machine()
    for seconds in breaks:
        machine.run(seconds, 0.2)
        machine.run(seconds, 1.0)
    machine.run(90, 1.0, 1.0)
    assert machine.ladder.level == HIGHEST


def test_the_figures_before_a_change_do_not_count_after_it() -> None:
    machine = Machine()
    machine.run(5.5, 1.0)
    assert machine.run(4, 1.0) == []
    assert len(machine.run(2, 1.0)) == 1
