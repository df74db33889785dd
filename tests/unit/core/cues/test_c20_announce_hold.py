from __future__ import annotations

import pytest

from callcoach.core.cues.c20_announce_hold import AnnounceHold
from tests.support.coaching import coached

ASKED = "caller 0-3 'It is slow.', "
CHECK = ASKED + "agent 4-6 'Let me check that for you.', "


def test_let_me_check_without_a_time() -> None:
    cue = coached(CHECK + "caller 6.5-7 'okay', agent 20-22 'So.'", [AnnounceHold])
    assert cue.times == [("text", 14.0)]
    assert cue.only.facts == {"silence_s": 8.0, "limit_s": 8.0, "said": "let me check"}
    assert cue.reasons == ["the agent came back"]


def test_it_waits_for_words() -> None:
    assert coached(CHECK + "agent 20-22 'So.'", [AnnounceHold], delay_s=10).times == [("text", 16.0)]


@pytest.mark.parametrize(
    "script",
    [
        CHECK + "agent 13.5-15 'So.'",  # back in time
        ASKED + "agent 4-6 'Let me check, about twenty seconds.', agent 20-22 'So.'",
        ASKED + "agent 4-6 'Let me check, a few minutes.', agent 20-22 'So.'",
        ASKED + "agent 4-6 'That should be all.', agent 20-22 'So.'",
        ASKED + "agent 4-6 'I will put you on hold, let me check.', agent 20-22 'So.'",  # that is C21
        CHECK
        + "caller 7-12 'It began on Monday when I moved.', agent 20-22 'So.'",  # the caller has the floor
        "caller 0-3, agent 4-6, agent 20-22",
    ],
)
def test_it_stays_closed(script: str) -> None:
    assert coached(script, [AnnounceHold]).opened == []


def test_it_closes_when_the_caller_takes_the_floor() -> None:
    cue = coached(CHECK + "caller 16-19 'Hello, are you still there?', agent 20-22 'Yes.'", [AnnounceHold])
    assert cue.reasons == ["the caller has the floor"]
