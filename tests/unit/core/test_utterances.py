"""Runs of speech of one party, chained into utterances."""

from __future__ import annotations

from callcoach.core.activity import Ipu
from callcoach.core.utterances import Party

GAP = 8_000
"""0.5 s."""


def ipu(start: int, end: int, *, closed: bool = True) -> Ipu:
    return Ipu(start=start, end=end, opened_at=start, closed=closed)


def party(*runs: Ipu) -> Party:
    made = Party(GAP, 0)
    made.update(list(runs), False, runs[-1].end if runs else 0)
    return made


def test_a_pause_under_half_a_second_is_inside_one_utterance() -> None:
    made = party(ipu(0, 1000), ipu(8999, 10_000))
    assert [(u.start, u.end, u.speech) for u in made.utterances] == [(0, 10_000, 2001)]


def test_a_pause_of_half_a_second_ends_it() -> None:
    made = party(ipu(0, 1000), ipu(9000, 10_000))
    assert [(u.start, u.end) for u in made.utterances] == [(0, 1000), (9000, 10_000)]


def test_the_begin_of_an_utterance_is_told_once() -> None:
    made = Party(GAP, 0)
    first = ipu(100, 200, closed=False)
    begun = made.update([first], True, 200)
    assert begun is made.utterances[0]
    first.end = 900
    assert made.update([first], True, 900) is None
    assert made.utterances[0].end == 900


def test_an_utterance_closes_when_nothing_can_join_any_more() -> None:
    made = Party(GAP, 500)
    run = ipu(0, 1000)
    made.update([run], False, 1000 + GAP + 499)
    assert not made.utterances[0].closed
    made.update([run], False, 1000 + GAP + 500)
    assert made.utterances[0].closed


def test_a_burst_that_was_dropped_is_taken_out() -> None:
    made = Party(GAP, 0)
    kept, burst = ipu(0, 5000), ipu(30_000, 30_500, closed=False)
    made.update([kept, burst], True, 30_500)
    assert len(made.utterances) == 2
    burst.dropped = burst.closed = True
    made.update([kept, burst], False, 31_000)
    assert made.ipus == [kept]
    assert [u.start for u in made.utterances] == [0]


def test_withdraw_takes_back_what_began_since() -> None:
    made = party(ipu(0, 5000), ipu(20_000, 25_000), ipu(40_000, 41_000))
    second = made.utterances[1]
    made.withdraw(20_000)
    assert [i.start for i in made.ipus] == [0]
    assert second.dropped


def test_rejoin_makes_two_utterances_one() -> None:
    made = party(ipu(0, 5000), ipu(20_000, 25_000))
    first = made.utterances[0]
    made.rejoin(first)
    assert made.utterances == [first]
    assert (first.start, first.end, first.speech) == (0, 25_000, 10_000)


def test_looking_up_positions() -> None:
    a, b = ipu(100, 200), ipu(20_000, 21_000)
    made = party(a, b)
    assert made.active_at(99) is None
    assert made.active_at(100) is a
    assert made.active_at(199) is a
    assert made.active_at(200) is None  # half-open
    assert made.last_before(99) is None
    assert made.last_before(19_999) is a
    assert made.first_after(99) is a
    assert made.first_after(100) is b
    assert made.first_after(20_000) is None


def test_runs_that_meet_a_stretch() -> None:
    a, b, c = ipu(100, 200), ipu(20_000, 21_000), ipu(40_000, 41_000)
    made = party(a, b, c)
    assert made.between(0, 100) == []
    assert made.between(199, 20_001) == [a, b]
    assert made.between(200, 20_000) == []
    assert made.between(20_500, 20_600) == [b]
    assert made.between(0, 50_000) == [a, b, c]


def test_finish_closes_the_last_utterance() -> None:
    made = Party(GAP, 0)
    made.update([ipu(0, 1000)], False, 1000)
    assert not made.utterances[0].closed
    made.finish()
    assert made.utterances[0].closed
