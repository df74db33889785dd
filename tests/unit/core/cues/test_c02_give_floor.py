from __future__ import annotations

import pytest

from callcoach.core.cues.c02_give_floor import GiveFloor
from callcoach.core.phases import PhaseTracker
from tests.support.coaching import coached

STORY = "agent 0-2, caller 3-8, "


def test_a_minute_of_floor_opens_it() -> None:
    cue = coached(STORY + "agent 9-80, caller 80.5-84", [GiveFloor])
    assert cue.times == [("text", 69.0)]
    assert cue.only.facts == {"floor_s": 60.0, "limit_s": 60.0}
    assert cue.reasons == ["the caller took the floor"]


def test_backchannels_of_the_caller_do_not_count() -> None:
    cue = coached(STORY + "agent 9-80, caller 30-30.5, caller 50-50.4", [GiveFloor])
    assert cue.times == [("text", 69.0)]


@pytest.mark.parametrize(
    "script",
    [
        STORY + "agent 9-60",
        STORY + "agent 9-40, caller 40.5-44, agent 45-80",  # the caller had the floor
        STORY + "agent 9-40, agent 44-80",  # a silence of 4 s released it
    ],
)
def test_it_stays_closed(script: str) -> None:
    assert coached(script, [GiveFloor]).opened == []


def test_a_short_answer_in_words_ends_the_stretch() -> None:
    with_answer = STORY + "agent 9-40 'so it goes', caller 40.3-41 'no that is wrong', agent 41.5-80 'well'"
    assert coached(with_answer, [GiveFloor]).opened == []


def test_it_closes_when_nobody_holds_the_floor() -> None:
    cue = coached(STORY + "agent 9-75", [GiveFloor], seconds=90)
    assert cue.reasons == ["nobody holds the floor"]


@pytest.mark.parametrize(("phase", "limit"), [("story", 45.0), ("diagnose", 60.0)])
def test_the_limit_is_that_of_the_phase(phase: str, limit: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PhaseTracker, "phase", property(lambda _: phase))
    assert coached(STORY + "agent 9-80", [GiveFloor]).only.facts["limit_s"] == limit
