"""Mutual silences: how they are named, and whose they are."""

from __future__ import annotations

import pytest

from callcoach.clock import to_samples
from callcoach.events import Channel
from tests.support.talking import talk


def test_under_3_s_is_no_silence() -> None:
    assert talk("agent 0-2, caller 4.9-7").silences == []


def test_3_s_are_a_gap_of_nobody() -> None:
    assert talk("agent 0-2, caller 5.1-7").silences == ["None gap 2.0-5.1"]


def test_6_s_are_dead_air_of_the_agent() -> None:
    assert talk("agent 0-2, caller 7.9-9").silences == ["None gap 2.0-7.9"]
    assert talk("agent 0-2, caller 8.1-10").silences == ["agent dead_air 2.0-8.1"]


def test_30_s_without_a_word_can_only_be_a_hold() -> None:
    assert talk("agent 0-2, caller 31.9-33").silences == ["agent dead_air 2.0-31.9"]
    assert talk("agent 0-2, caller 32.1-34").silences == ["agent hold 2.0-32.1"]


def test_silence_before_the_first_word_counts() -> None:
    assert talk("agent 7-9").silences[0] == "agent dead_air 0.0-7.0"


def test_silence_at_the_end_is_a_gap() -> None:
    """Nobody was to act any more: the call is over."""
    assert talk("agent 0-2", seconds=20).silences == ["None gap 2.0-20.0"]


def test_a_silence_is_told_when_it_ends() -> None:
    (event,) = talk("agent 0-2, caller 8.1-10").silence_events
    assert (event.span.start, event.span.end) == (to_samples(2.0), to_samples(8.1))
    assert event.known_at < to_samples(8.5)
    assert event.stage == "sound"


def test_speech_of_either_side_ends_it() -> None:
    assert talk("agent 0-4, caller 3-9, agent 11-13, caller 16.5-18").silences == ["None gap 13.0-16.5"]


@pytest.mark.parametrize(
    "text", ["'I will put you on hold now.'", "'Let me transfer you to the team.'", "'Please hold the line.'"]
)
def test_an_announced_hold_is_a_hold_of_any_length(text: str) -> None:
    found = talk(f"agent 0-3 {text}, caller 11-13 'there you are again'")
    assert found.silences == ["agent hold 3.0-11.0"]
    assert [e.stage for e in found.silence_events] == ["sound", "words"]


def test_a_hold_is_announced_by_the_agent_only() -> None:
    found = talk("caller 0-3 'they put me on hold for an hour', agent 11-13 'I am sorry to hear that'")
    assert found.silences == ["agent dead_air 3.0-11.0"]


@pytest.mark.parametrize(
    "text", ["'Bear with me while I check that.'", "'Let me have a look at your ticket.'"]
)
def test_a_silence_that_was_announced_is_narrated(text: str) -> None:
    found = talk(f"agent 0-3 {text}, agent 11-13 'right there it is'")
    assert found.silences == ["agent narrated 3.0-11.0"]


def test_an_announcement_long_before_does_not_count() -> None:
    far = "agent 5-15 'and this is what I have seen in your ticket before now it seems'"
    found = talk(f"agent 0-3 'bear with me', {far}, agent 24-26 'right there it is'")
    assert found.silences == ["agent dead_air 15.0-24.0"]


def test_a_caller_may_ask_for_a_moment() -> None:
    found = talk("caller 0-3 'one moment I get my glasses', caller 11-13 'so here I am'")
    assert found.silences == ["caller narrated 3.0-11.0"]


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        ("'What does it say on the label?'", Channel.CALLER),
        ("'Please restart the computer now.'", Channel.CALLER),
        ("'I see that it has failed.'", Channel.AGENT),
        ("'Please restart it. I will wait for that.'", Channel.AGENT),  # the last sentence counts
    ],
)
def test_after_a_question_or_an_instruction_the_caller_is_to_act(text: str, owner: Channel) -> None:
    found = talk(f"agent 0-3 {text}, caller 10-12 'it is done now I think'")
    assert found.silences == [f"{owner} dead_air 3.0-10.0"]


def test_after_the_callers_words_the_agent_is_to_act() -> None:
    found = talk("caller 0-3 'can you restart it?', agent 10-12 'yes I have done that'")
    assert found.silences == ["agent dead_air 3.0-10.0"]


def test_a_short_gap_is_not_renamed_by_narration() -> None:
    found = talk("agent 0-3 'one moment please', agent 7-9 'right there it is'")
    assert found.silences == ["None gap 3.0-7.0"]


def test_without_words_nothing_is_renamed() -> None:
    assert [e.stage for e in talk("agent 0-3, caller 11-13", words=False).silence_events] == ["sound"]
