from __future__ import annotations

import pytest

from callcoach.core.cues.c11_acknowledge import Acknowledge
from tests.support.coaching import coached

STRONG = "caller 0-6 'This is ridiculous, nobody called me back.'"
PLAIN = "the server is being looked at by somebody over there right now as we speak here"


def test_four_seconds_without_a_match_and_all_words_known() -> None:
    cue = coached(f"{STRONG}, agent 6.5-12 '{PLAIN}.', caller 20-22 'Okay.'", [Acknowledge])
    ((form, at),) = cue.times
    assert form == "text"
    assert at == pytest.approx(13.5, abs=0.2), "the agent's words arrive 1.5 s after their end"
    facts = cue.only.facts
    assert facts["speech_s"] >= 4.0
    assert facts["limit_s"] == 4.0
    assert "ridiculous" in str(facts["quoted"])
    assert facts["line"]


def test_an_agent_who_acknowledges_late_in_the_utterance_is_not_nagged() -> None:
    script = f"{STRONG}, agent 6.5-18 '{PLAIN}. I hear you.'"
    assert coached(script, [Acknowledge]).opened == []


@pytest.mark.parametrize(
    "script",
    [
        f"{STRONG}, agent 6.5-14 'I hear you. {PLAIN}.'",
        f"{STRONG}, agent 6.5-9 'Open it.', caller 9.5-11 'Okay.'",  # under 4 s of speech
        f"caller 0-6 'The printer is out of paper.', agent 6.5-14 '{PLAIN}.'",
        f"caller 0-6 'It is still not working.', agent 6.5-14 '{PLAIN}.'",  # under mild
        f"{STRONG}, agent 60-68 '{PLAIN}.'",  # faded, and the window is over
        "caller 0-6, agent 6.5-14",
    ],
)
def test_nothing_to_say(script: str) -> None:
    assert coached(script, [Acknowledge]).opened == []


def test_it_closes_with_the_acknowledgement() -> None:
    script = f"{STRONG}, agent 6.5-12 '{PLAIN}.', agent 16-18 'I hear you.', caller 25-27 'Okay.'"
    cue = coached(script, [Acknowledge])
    assert cue.reasons == ["acknowledged"]


def test_it_closes_with_the_window() -> None:
    cue = coached(f"{STRONG}, agent 6.5-12 '{PLAIN}.', caller 70-72 'Hello?'", [Acknowledge])
    assert cue.reasons == ["the window is over"]


def test_once_per_window() -> None:
    script = f"{STRONG}, agent 6.5-12 '{PLAIN}.', agent 13-19 '{PLAIN}.', agent 20-26 '{PLAIN}.'"
    assert len(coached(script, [Acknowledge]).opened) == 1
