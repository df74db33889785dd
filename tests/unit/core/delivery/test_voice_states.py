"""Usual values, ticks and states of delivery."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcoach.config import DeliverySettings
from callcoach.core.delivery.profile import Profile
from callcoach.core.delivery.states import VoiceStates, read_at
from callcoach.core.delivery.ticks import HOPS, TICK, TICK_S, HopColumns, Tick, ticks
from callcoach.core.delivery.usual import Habit, Usual
from callcoach.events import Event, Notice, VoiceClosed, VoiceOpened

LEVEL = 10 ** (-30 / 10)


def speech(db: float = 0.0, st: float = 0.0, nuclei: int = 1, quietest: float = -70.0) -> Tick:
    """One tick of speech at -30 dBFS and F0 9 st over 100 Hz, moved by so much, one nucleus in 256 ms."""
    wobble = tuple(sorted(9.0 + st + 0.2 * k for k in range(-5, 6)))
    return Tick(HOPS, HOPS, HOPS * LEVEL * 10 ** (db / 10), wobble, nuclei, 0, quietest, 0)


def pause(quietest: float = -70.0) -> Tick:
    return Tick(0, 0, 0.0, (), 0, 0, quietest, 0)


def run(*parts: tuple[Tick, float], profile: Profile | None = None) -> list[Event]:
    """Feed each tick for so many seconds."""
    numbers = count(1)
    states = VoiceStates(DeliverySettings(), None, lambda: next(numbers), profile)
    found: list[Event] = []
    index = 0
    for tick, seconds in parts:
        for _ in range(round(seconds / TICK_S)):
            found += states.step(tick, read_at(index))
            index += 1
    return found + states.finish(read_at(index))


def kinds(events: list[Event]) -> list[str]:
    return [e.kind for e in events if isinstance(e, VoiceOpened)]


def test_even_speech_has_no_states_but_flat_ones() -> None:
    assert set(kinds(run((speech(), 60.0)))) <= {"flat"}


@pytest.mark.parametrize(("db", "opens"), [(5.0, False), (7.0, True)])
def test_a_level_spike_needs_6_db(db: float, opens: bool) -> None:
    events = run((speech(), 20.0), (speech(db), 5.0), (speech(), 5.0))
    assert ("level_spike" in kinds(events)) is opens


def test_a_level_spike_says_where_it_was_and_how_strong() -> None:
    events = run((speech(), 20.0), (speech(8.0), 6.0), (speech(), 8.0))
    opened = next(e for e in events if isinstance(e, VoiceOpened) and e.kind == "level_spike")
    closed = next(e for e in events if isinstance(e, VoiceClosed) and e.kind == "level_spike")
    assert opened.span.start / TICK * TICK_S == pytest.approx(20.0, abs=1.0)
    assert (opened.known_at - opened.span.start) / 16_000 < 1.5 + 1.0
    assert closed.span.end / 16_000 == pytest.approx(26.0, abs=1.5)
    assert closed.facts["rise_db"] == pytest.approx(8.0, abs=0.2)


def test_a_short_burst_is_no_spike() -> None:
    assert "level_spike" not in kinds(run((speech(), 20.0), (speech(9.0), 0.8), (speech(), 10.0)))


@pytest.mark.parametrize(("semitones", "opens"), [(2.0, False), (3.6, True)])
def test_a_pitch_spike_needs_3_semitones(semitones: float, opens: bool) -> None:
    events = run((speech(), 20.0), (speech(st=semitones), 6.0), (speech(), 6.0))
    assert ("pitch_spike" in kinds(events)) is opens


def test_a_phrase_that_goes_up_is_no_pitch_spike() -> None:
    assert "pitch_spike" not in kinds(run((speech(), 20.0), (speech(st=4.0), 1.6), (speech(), 10.0)))


def test_level_and_pitch_together_are_raised_and_named() -> None:
    events = run((speech(), 20.0), (speech(6.0, 3.0), 6.0), (speech(), 6.0))
    raised = next(e for e in events if isinstance(e, VoiceOpened) and e.kind == "raised_delivery")
    assert raised.facts["quantities"] == "level+pitch"
    assert "raised_delivery" not in kinds(run((speech(), 20.0), (speech(9.0), 6.0)))


def test_fast_and_slow_follow_the_syllables() -> None:
    assert "fast" in kinds(run((speech(), 40.0), (speech(nuclei=2), 20.0)))
    slow = [(speech(), 1.0), (speech(nuclei=0), 2.0)] * 10
    assert "slow" in kinds(run((speech(), 40.0), *slow))


def test_a_step_of_the_noise_floor_forgets_the_usual_level() -> None:
    louder = [(pause(-58.0), 2.0), (speech(8.0, quietest=-58.0), 12.0)]
    assert "level_spike" not in kinds(run((speech(), 20.0), (pause(), 3.0), *louder))
    same_floor = [(pause(), 2.0), (speech(8.0), 12.0)]
    assert "level_spike" in kinds(run((speech(), 20.0), (pause(), 3.0), *same_floor))


def test_clipping_is_told_once_in_two_minutes() -> None:
    clipped = speech()._replace(clipped=200)
    events = run((speech(), 5.0), (clipped, 60.0))
    assert [e.code for e in events if isinstance(e, Notice)] == ["S-CLIP"]
    assert not [e for e in run((speech()._replace(clipped=10), 60.0)) if isinstance(e, Notice)]


def test_a_stored_profile_counts_at_once_and_fades() -> None:
    usual = Usual(2.0, 8.0, 30.0, 2.0, Habit(-20.0, 3.0), 60.0)
    assert (usual.median, usual.spread) == (-20.0, 3.0)
    for _ in range(30):
        usual.add(-30.0, 1.0)
    assert usual.median == pytest.approx(-25.0)
    for _ in range(40):
        usual.add(-30.0, 1.0)
    assert usual.median == pytest.approx(-30.0)


def test_outliers_never_update_the_usual() -> None:
    usual = Usual(1.0, 5.0, 30.0, 2.0, None, 60.0)
    for value in (*[0.0, 0.5, -0.5] * 3, *[9.0] * 12):
        usual.add(value, 1.0)
    assert usual.median == pytest.approx(0.0)
    assert usual.z(3.0) == pytest.approx(3.0)


def test_there_is_no_usual_before_enough_speech() -> None:
    usual = Usual(1.0, 5.0, 30.0, 2.0, None, 60.0)
    usual.add(1.0, 4.9)
    assert usual.median is None
    assert usual.z(1.0) is None


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_a_tick_depends_on_its_own_hops_only(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    size = n * HOPS
    f0 = np.where(rng.random(size) < 0.6, rng.uniform(80, 300, size), np.nan)
    columns = HopColumns.of(
        rng.uniform(-80, -10, size),
        f0,
        rng.integers(0, 2, size),
        rng.integers(0, 2, size),
        rng.integers(0, 2, size),
        rng.uniform(-75, -50, size),
        rng.integers(0, 257, size),
    )
    whole = ticks(columns, 10.0)
    for k in range(n):
        part = {name: getattr(columns, name)[k * HOPS : (k + 1) * HOPS] for name in columns.__slots__}
        assert ticks(HopColumns(**part), 10.0) == [whole[k]]
