from __future__ import annotations

import pytest

from callcoach.clock import to_seconds
from callcoach.core.cues.c26_vary_pitch import VaryPitch
from callcoach.events import Channel
from tests.support.coaching import Coached, Manner, coached

TALK = "agent 0-20, caller 20.5-22, agent 22.5-120"


def spoken(*manners: Manner, script: str = TALK) -> Coached:
    return coached(script, [VaryPitch], manners={Channel.AGENT: list(manners)})


def test_flat_for_30_s() -> None:
    cue = spoken(Manner(40, 100, spread_st=0.8))
    assert cue.only.facts == {"case": "flat", "variation_st": 0.8, "usual_st": 2.5}
    # the spread is taken over 10 s, so that the hold begins late
    assert 70 < to_seconds(cue.only.known_at) < 82
    assert cue.reasons == ["pitch varies again"]


def test_quiet_and_flat_for_30_s() -> None:
    cue = spoken(Manner(40, 100, spread_st=1.3, level_dbfs=-35))
    assert cue.only.facts == {"case": "quiet_flat", "variation_st": 1.3, "rise_db": -5.0}


@pytest.mark.parametrize(
    "manner",
    [
        Manner(40, 66, spread_st=0.8),  # too short
        Manner(40, 100, spread_st=1.3),  # neither flat nor quiet
        Manner(40, 100, level_dbfs=-35),  # quiet alone
        Manner(40, 100, spread_st=1.3, level_dbfs=-35, wpm=230),  # fast
    ],
)
def test_it_stays_closed(manner: Manner) -> None:
    assert spoken(manner).opened == []


def test_one_stretch_is_one_cue() -> None:
    assert len(spoken(Manner(40, 120, spread_st=0.8)).opened) == 1
