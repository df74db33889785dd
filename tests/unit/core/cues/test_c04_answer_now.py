from __future__ import annotations

import pytest

from callcoach.core.cues.c04_answer_now import AnswerNow
from tests.support.coaching import coached

ASKED = "agent 0-2 'Hello there.', caller 3-6 'It is broken. Can you help me?', "


def test_ring_then_text() -> None:
    cue = coached(ASKED + "agent 13-14 'Yes.'", [AnswerNow])
    assert cue.times == [("ring", 10.0), ("text", 11.0)]
    assert cue.opened[-1].facts == {"since_s": 5.0, "limit_s": 4.0}
    assert cue.reasons == ["the agent spoke"]


def test_late_words_open_the_text_at_once() -> None:
    cue = coached(ASKED + "agent 15-16 'Yes.'", [AnswerNow], delay_s=6.0)
    assert cue.times == [("text", 12.0)]


@pytest.mark.parametrize(
    "script",
    [
        ASKED + "agent 9-10 'Yes.'",  # answered in time
        ASKED + "agent 6.4-6.8 'Mm.', agent 13-14 'Yes.'",  # a sound of the agent
        ASKED + "caller 8-9 'Hello?', agent 12-13 'Yes.'",  # asked again, 3 s ago
        "agent 0-2 'Hello there.', caller 3-6 'When I click it nothing happens.', agent 13-14 'I see.'",
        "agent 0-2 'Hello there.', caller 3-6 'Can you help? It is broken.', agent 13-14 'I see.'",
        "agent 0-2, caller 3-6, agent 13-14",  # no words
    ],
)
def test_it_stays_closed(script: str) -> None:
    assert coached(script, [AnswerNow]).opened == []


def test_a_question_without_a_mark_counts() -> None:
    script = "agent 0-2 'Hello there.', caller 3-6 'It is broken. can you help me', agent 13-14 'Yes.'"
    assert [form for form, _ in coached(script, [AnswerNow]).times] == ["ring", "text"]


def test_it_closes_when_the_caller_goes_on() -> None:
    cue = coached(ASKED + "caller 12-14 'Hello?', agent 14.5-15 'Yes.'", [AnswerNow])
    assert cue.reasons == ["the caller went on"]
