from __future__ import annotations

import pytest

from callcoach.core.cues.c18_give_thinking_time import GiveThinkingTime
from tests.support.coaching import coached

FIRST = "caller 0-3 'Hello there.', agent 4-6 'What have you noticed?', agent 6.8-8 'It was slow.', "
ANSWER = "caller 9-12 'Yes it was.', "
SECOND = "agent 13-15 'So what changed?', agent 16-17 'Anything new?', caller 18-20 'No.'"


def test_twice_opens_it_for_20_s() -> None:
    cue = coached(FIRST + ANSWER + SECOND, [GiveThinkingTime], seconds=60)
    assert cue.times == [("text", 18.5)]
    assert cue.only.facts == {"restart_s": 1.0, "limit_s": 1.5, "times": 2}
    assert len(cue.only.evidence) == 2
    assert cue.reasons == ["some time has passed"]


def test_words_may_come_in_two_windows() -> None:
    split = (
        "agent 13-13.6 'So', agent 13.8-15 'what changed?', agent 16-16.5 'Anything', agent 16.7-17 'new?'"
    )
    assert len(coached(FIRST + ANSWER + split, [GiveThinkingTime]).opened) == 1


@pytest.mark.parametrize(
    "script",
    [
        FIRST + ANSWER,  # once
        FIRST + ANSWER + "agent 13-15 'So what changed?', agent 17-18 'Anything new?'",  # a pause of 2 s
        FIRST + ANSWER + "agent 13-15 'So what changed?', caller 15.2-15.8 'Hm.', agent 16-17 'Anything?'",
        FIRST + ANSWER + "agent 13-15 'Did it change?', agent 16-17 'Anything new?'",  # not an open question
        FIRST + ANSWER + "agent 13-15 'That is what changed.', agent 16-17 'Anything new?'",
        "caller 0-3, agent 4-6, agent 6.8-8, agent 13-15, agent 16-17",
    ],
)
def test_it_stays_closed(script: str) -> None:
    assert coached(script, [GiveThinkingTime]).opened == []
