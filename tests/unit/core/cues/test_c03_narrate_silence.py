from __future__ import annotations

import pytest

from callcoach.core.cues.c03_narrate_silence import NarrateSilence
from tests.support.coaching import coached

TOLD = "caller 0-3 'It does not work.', "


def test_silence_that_nobody_announced() -> None:
    cue = coached(TOLD + "agent 4-6 'I will look at that now.', agent 18-20 'So.'", [NarrateSilence])
    assert cue.times == [("text", 12.0)]
    assert cue.only.facts == {"silence_s": 6.0, "limit_s": 6.0}
    assert cue.reasons == ["the agent spoke"]


def test_the_callers_voice_ends_it() -> None:
    cue = coached(TOLD + "agent 4-6 'Right then.', caller 14-15 'hello'", [NarrateSilence])
    assert cue.reasons == ["the caller spoke"]


@pytest.mark.parametrize(
    "script",
    [
        TOLD + "agent 4-6 'Right then.', agent 11.5-13 'So.'",  # under 6 s
        TOLD + "agent 4-6 'Give me about ten seconds.', agent 16-18 'So.'",  # announced
        TOLD + "agent 4-6 'I will put you on hold now.', agent 30-31 'So.'",  # a hold
        TOLD + "agent 4-6 'What does it say now?', caller 16-18 'Nothing.'",  # the caller is to act
        TOLD + "agent 4-6 'Please restart the machine.', caller 16-18 'Done.'",
        TOLD
        + "agent 4-6 'Right then.', caller 6.5-8 'Hang on a bit.', agent 20-21 'So.'",  # the caller's pause
    ],
)
def test_it_stays_closed(script: str) -> None:
    assert coached(script, [NarrateSilence], delay_s=3.0).opened == []


def test_it_waits_for_words_that_may_hold_the_announcement() -> None:
    cue = coached(TOLD + "agent 4-6 'Right then.', agent 18-20 'So.'", [NarrateSilence], delay_s=8.0)
    assert cue.times == [("text", 14.0)]
    late = coached(TOLD + "agent 4-6 'Right then.', agent 13-15 'So.'", [NarrateSilence], delay_s=8.0)
    assert late.opened == []


def test_without_words_only_strong_dead_air_opens_it() -> None:
    assert coached("caller 0-3, agent 4-6, agent 15-16", [NarrateSilence]).opened == []
    assert coached("caller 0-3, agent 4-6, agent 18-19", [NarrateSilence]).times == [("text", 16.0)]


def test_a_murmur_too_short_for_the_recogniser_is_not_waited_for() -> None:
    script = TOLD + "agent 4-6 'Right then.', agent 6.8-6.95, agent 18-20 'So.'"
    assert coached(script, [NarrateSilence]).times == [("text", 13.0)]
