"""Who holds the floor, and the turns."""

from __future__ import annotations

import pytest

from callcoach.clock import to_samples, to_seconds
from callcoach.events import Channel, FloorTaken, Monologue, Turn
from tests.support.talking import talk


def test_a_second_of_speech_takes_the_floor() -> None:
    assert talk("agent 0-1.1").turns == ["agent 0.0-1.1"]
    assert talk("agent 0-0.9").turns == []


def test_a_backchannel_of_any_number_never_takes_the_floor() -> None:
    found = talk("agent 0-20, caller 3-3.4, caller 5-5.4, caller 9-9.6, caller 12-12.4")
    assert found.turns == ["agent 0.0-20.0"]


def test_the_floor_is_kept_through_a_silence_of_under_3_s() -> None:
    assert talk("agent 0-2, agent 4.9-7").turns == ["agent 0.0-7.0"]


def test_3_s_of_mutual_silence_release_the_floor() -> None:
    assert talk("agent 0-2, agent 5.2-7").turns == ["agent 0.0-2.0", "agent 5.2-7.0"]


def test_a_short_word_of_the_other_delays_the_release() -> None:
    assert talk("agent 0-2, caller 3.5-3.9, agent 6.5-8").turns == ["agent 0.0-8.0"]


def test_the_other_takes_the_floor_with_the_first_sample_of_the_turn() -> None:
    found = talk("agent 0-4, caller 4.3-8")
    assert found.turns == ["agent 0.0-4.0", "caller 4.3-8.0"]
    second = found.of(FloorTaken)[1]
    assert second.channel is Channel.CALLER
    assert second.span.start == to_samples(4.3)
    assert to_seconds(second.known_at) == pytest.approx(5.3, abs=0.05)


@pytest.mark.parametrize(("start", "offset"), [(4.3, 0.3), (3.7, -0.3), (6.9, 2.9)])
def test_the_floor_transfer_offset_is_signed(start: float, offset: float) -> None:
    taken = talk(f"agent 0-4, caller {start}-9").of(FloorTaken)
    assert taken[0].offset is None
    assert taken[1].offset == to_samples(offset)


def test_while_both_talk_the_holder_keeps_the_floor() -> None:
    found = talk("agent 0-10, caller 3-6")
    assert found.turns == ["agent 0.0-10.0"]


def test_a_contest_is_won_by_who_goes_on_alone_for_half_a_second() -> None:
    assert talk("agent 0-5, caller 4-5.4").turns == ["agent 0.0-5.0"]
    assert talk("agent 0-5, caller 4-5.7").turns == ["agent 0.0-5.0", "caller 4.0-5.7"]


def test_a_turn_begins_at_the_short_word_before_it() -> None:
    """ "Hi. ... My connection is gone." is one turn."""
    assert talk("agent 0-2, caller 2.5-2.9, caller 3.7-7").turns == ["agent 0.0-2.0", "caller 2.5-7.0"]
    assert talk("agent 0-2, caller 2.5-2.9, caller 4.1-7").turns == ["agent 0.0-2.0", "caller 4.1-7.0"]


def test_three_words_in_under_a_second_are_a_turn() -> None:
    found = talk(
        "agent 0-4 'what is the name on the label?', caller 4.4-5.2 'it says Bravo', "
        "agent 5.8-9 'then we can go on with it.'"
    )
    assert found.turns == ["agent 0.0-4.0", "caller 4.4-5.2", "agent 5.8-9.0"]
    assert [t.channel for t in found.of(Turn)].count(Channel.CALLER) == 1


@pytest.mark.parametrize("text", ["'it says'", "'yes yes yes'"])
def test_two_words_or_mere_listening_are_none(text: str) -> None:
    found = talk(
        f"agent 0-4 'we can look at the label now.', caller 4.25-5 {text}, "
        "agent 5.4-9 'then we can go on with it.'"
    )
    assert found.turns == ["agent 0.0-9.0"]


def test_without_words_a_short_answer_is_no_turn() -> None:
    assert talk("agent 0-4, caller 4.4-5.2, agent 5.8-9").turns == ["agent 0.0-9.0"]


def test_a_turn_event_tells_its_segments() -> None:
    found = talk("agent 0-2, agent 2.6-4, agent 4.8-6, caller 6.5-9")
    assert [(t.channel, t.segments) for t in found.of(Turn)] == [(Channel.AGENT, 3), (Channel.CALLER, 1)]


def test_45_s_of_floor_are_a_monologue_backchannels_ignored() -> None:
    steps = ", ".join(f"agent {t}-{t + 4.5}" for t in range(0, 50, 5))
    found = talk(f"{steps}, caller 20-20.4, caller 54-57")
    (monologue,) = found.of(Monologue)
    assert monologue.channel is Channel.AGENT
    assert to_seconds(monologue.span.length) == pytest.approx(49.5, abs=0.01)
    assert talk("agent 0-44.5, caller 46-50").of(Monologue) == []


def test_nobody_speaks_nobody_holds_the_floor() -> None:
    found = talk("", seconds=10)
    assert found.turns == []
    assert found.of(Turn) == []


def test_the_last_turn_ends_with_the_recording() -> None:
    found = talk("agent 0-4, caller 4.3-8", seconds=8.0)
    assert [(t.channel, to_seconds(t.span.end)) for t in found.of(Turn)] == [
        (Channel.AGENT, 4.0),
        (Channel.CALLER, 8.0),
    ]
