from __future__ import annotations

import pytest

from callcoach.clock import to_seconds
from callcoach.core.cues.c17_show_listening import ShowListening
from tests.support.coaching import coached


def test_45_s_of_speech_without_a_sound() -> None:
    cue = coached("agent 0-2, caller 3-30, caller 33-60, agent 61-62", [ShowListening])
    # 27 s, a pause of 3 s, 18 s more
    assert cue.times == [("text", 51.0)]
    assert cue.only.facts == {"caller_s": 45.0, "limit_s": 45.0}
    assert to_seconds(cue.only.span.start) == pytest.approx(3.0, abs=0.1)
    assert cue.reasons == ["the agent made a sound"]


@pytest.mark.parametrize(
    "script",
    [
        "agent 0-2, caller 3-46, agent 46.5-48",
        "agent 0-2, caller 3-80, agent 40-40.4",  # any sound counts
        "agent 0-2, caller 3-43, agent 43.2-43.5, caller 44-80",
        "agent 0-2, caller 3-20, agent 60-61",  # silence is not speech
    ],
)
def test_it_stays_closed(script: str) -> None:
    assert coached(script, [ShowListening]).opened == []


def test_it_counts_anew_after_a_sound() -> None:
    cue = coached("agent 0-2, caller 3-120, agent 20-20.5, agent 70-70.5", [ShowListening])
    assert cue.times == [("text", 65.5), ("text", 115.5)]
