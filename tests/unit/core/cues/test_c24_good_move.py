from __future__ import annotations

import pytest

from callcoach.clock import Samples, Span, to_samples
from callcoach.core.cues.c24_good_move import GoodMove
from callcoach.events import Channel, VoiceClosed
from tests.support.coaching import Manner, coached

LONG = "caller 8.5-20 'well it is all very slow today and then it stops'"


def test_an_open_question_that_is_answered_at_length() -> None:
    cue = coached("caller 0-3 'Hello.', agent 4-8 'So, what have you noticed?', " + LONG, [GoodMove])
    assert cue.times == [("text", 18.5)]
    assert cue.only.facts == {"case": "open_question", "caller_s": 10.0, "limit_s": 10.0}


def test_it_closes_after_3_s() -> None:
    cue = coached(
        "caller 0-3 'Hello.', agent 4-8 'So, what have you noticed?', " + LONG, [GoodMove], seconds=40
    )
    assert cue.reasons == ["some time has passed"]
    assert cue.closed[0].known_at - cue.only.known_at == pytest.approx(to_samples(3), abs=512)


def test_words_may_come_after_the_answer() -> None:
    script = "caller 0-3 'Hello.', agent 4-8 'Tell me about it.', " + LONG + ", agent 21-23 'I see.'"
    cue = coached(script, [GoodMove], delay_s=15, seconds=60)
    assert cue.times == [("text", 23.0)]
    assert cue.only.facts["caller_s"] == pytest.approx(11.5, abs=0.1)


@pytest.mark.parametrize(
    "script",
    [
        "caller 0-3 'Hello.', agent 4-8 'Is it very slow today?', " + LONG,
        "caller 0-3 'Hello.', agent 4-8 'That is what I have noticed.', " + LONG,
        "caller 0-3 'Hello.', agent 4-8 'What have you noticed?', caller 8.5-16 'well it is slow'",
        "caller 0-3 'Hello.', agent 1-3 'What have you noticed?', " + LONG,  # long before the answer
        "caller 0-3, agent 4-8, caller 8.5-20",
    ],
)
def test_other_questions_and_short_answers(script: str) -> None:
    assert coached(script, [GoodMove]).opened == []


def test_a_silence_that_was_announced_with_a_time() -> None:
    script = "caller 0-3 'Hello.', agent 4-8 'Give me about ten seconds.', agent 17-22 'Here we are.'"
    cue = coached(script, [GoodMove])
    assert cue.only.facts == {"case": "announced", "announced_s": 9.0, "silence_s": 9.0}


def test_the_share_counts_what_was_not_announced() -> None:
    script = (
        "caller 0-3 'Hello.', agent 4-8 'I see.', agent 18-20 'Right.', caller 21-23 'Yes.', "
        "agent 24-28 'Give me about ten seconds.', agent 37-40 'Here we are.'"
    )
    facts = coached(script, [GoodMove]).only.facts
    assert (facts["announced_s"], facts["silence_s"]) == (9.0, 19.0)


@pytest.mark.parametrize(
    "script",
    [
        "caller 0-3 'Hello.', agent 4-8 'I see.', agent 17-22 'Here we are.'",
        "caller 0-3 'Hello.', agent 4-8 'Let me check.', agent 17-22 'Here we are.'",  # no time given: C20
        "caller 0-3 'Hello.', agent 4-8 'Give me about ten seconds.', caller 17-22 'Are you there?'",
        "caller 0-3 'Hello.', agent 4-8 'Give me about ten seconds.', agent 60-62 'Here.'",  # too long: C21
    ],
)
def test_silences_that_are_not_praised(script: str) -> None:
    assert coached(script, [GoodMove]).opened == []


def test_back_to_the_usual_within_20_s() -> None:
    manners = {Channel.AGENT: [Manner(40, 52, level_dbfs=-22, semitones=12)]}
    cue = coached("agent 0-20, caller 20.5-22, agent 22.5-80", [GoodMove], manners=manners)
    assert cue.only.facts["case"] == "recovered"
    assert cue.only.facts["recovery_s"] == pytest.approx(12, abs=2)


@pytest.mark.parametrize(
    "manner", [Manner(40, 70, level_dbfs=-22, semitones=12), Manner(70, 80, level_dbfs=-22, semitones=12)]
)
def test_too_late_or_only_silent(manner: Manner) -> None:
    cue = coached(
        "agent 0-20, caller 20.5-22, agent 22.5-80", [GoodMove], manners={Channel.AGENT: [manner]}, seconds=95
    )
    assert cue.opened == []


def test_the_callers_recovery_is_not_the_agents() -> None:
    closed = VoiceClosed(
        span=Span(to_samples(5), to_samples(9)),
        known_at=Samples(to_samples(9.5)),
        number=1,
        channel=Channel.CALLER,
        kind="raised_delivery",
        facts={},
    )
    assert coached("agent 0-20, caller 21-22", [GoodMove], extra=[closed]).opened == []
