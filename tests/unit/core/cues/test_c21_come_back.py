from __future__ import annotations

import pytest

from callcoach.core.cues.c21_come_back import ComeBack
from tests.support.coaching import coached

ASKED = "caller 0-3 'It is slow.', "


def test_45_s_on_hold() -> None:
    cue = coached(ASKED + "agent 4-8 'I will put you on hold now.', agent 80-82 'Hello.'", [ComeBack])
    assert cue.times == [("text", 53.0)]
    assert cue.only.facts == {"hold_s": 45.0, "limit_s": 45.0}
    assert cue.reasons == ["the agent came back"]


def test_the_time_that_was_promised() -> None:
    script = ASKED + "agent 4-8 'I will put you on hold for two minutes.', agent 80-82 'Hello.'"
    facts = coached(script, [ComeBack]).only.facts
    assert facts["case"] == "time_given"
    assert facts["promised_s"] == 120


def test_the_caller_may_speak_on_hold() -> None:
    script = ASKED + "agent 4-8 'I will put you on hold now.', caller 30-30.8 'Hello?', agent 80-82 'Hello.'"
    assert coached(script, [ComeBack]).times == [("text", 53.0)]


@pytest.mark.parametrize("words", [True, False])
def test_a_silence_that_long_is_a_hold_in_any_case(words: bool) -> None:
    script = "caller 0-3 'It is slow.', agent 4-8 'Right then.', agent 80-82 'Hello.'"
    assert coached(script, [ComeBack], words=words).times == [("text", 53.0)]


@pytest.mark.parametrize(
    "script",
    [
        ASKED + "agent 4-8 'I will put you on hold now.', agent 50-52 'Hello.'",
        ASKED + "agent 4-8 'I will put you on hold now.', caller 9-70 'Before you do that I would say this'",
        ASKED + "agent 4-8 'Right then.', caller 40-42 'Hello?', agent 80-82 'Yes.'",
    ],
)
def test_it_stays_closed(script: str) -> None:
    assert coached(script, [ComeBack]).opened == []
