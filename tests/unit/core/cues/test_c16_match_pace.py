from __future__ import annotations

import pytest

from callcoach.config import Settings
from callcoach.core.cues.c16_match_pace import MatchPace
from callcoach.core.delivery.meter import DeliveryMeter
from callcoach.core.delivery.pace_match import PaceMatch
from callcoach.core.delivery.ticks import Tick
from callcoach.events import Channel
from tests.support.coaching import Coached, Manner, coached

TALK = "agent 0-30, caller 31-61, agent 62-100"
DELIVERY = Settings().delivery


def call(agent_wpm: float, caller_wpm: float, script: str = TALK) -> Coached:
    manners = {
        Channel.AGENT: [Manner(0, 300, wpm=agent_wpm)],
        Channel.CALLER: [Manner(0, 300, wpm=caller_wpm)],
    }
    return coached(script, [MatchPace], manners=manners)


@pytest.mark.parametrize(("agent_wpm", "caller_wpm"), [(150, 110), (110, 160), (220, 150)])
def test_outside_for_20_s(agent_wpm: float, caller_wpm: float) -> None:
    cue = call(agent_wpm, caller_wpm)
    assert cue.only.facts["agent_wpm"] == pytest.approx(agent_wpm, abs=5)
    assert cue.only.facts["caller_wpm"] == pytest.approx(caller_wpm, abs=5)
    # the agent speaks again from 62 s, the hold ends 20 s later
    assert cue.times[0][1] == pytest.approx(82, abs=1)


@pytest.mark.parametrize(
    ("agent_wpm", "caller_wpm", "script"),
    [
        (150, 140, TALK),
        (150, 110, "agent 0-30, caller 31-48, agent 49-100"),  # 17 s of the caller are too little
        (150, 110, "agent 0-15, caller 16-100"),
        (110, 180, TALK),  # nobody is asked to speak at 180
        (240, 180, TALK),
        (150, 110, "agent 0-30, caller 31-100"),  # the agent says nothing more
    ],
)
def test_it_stays_closed(agent_wpm: float, caller_wpm: float, script: str) -> None:
    assert call(agent_wpm, caller_wpm, script).opened == []


def test_it_closes_when_the_paces_are_close() -> None:
    manners = {
        Channel.AGENT: [Manner(0, 80, wpm=150), Manner(80, 300, wpm=105)],
        Channel.CALLER: [Manner(0, 300, wpm=110)],
    }
    cue = coached("agent 0-30, caller 31-61, agent 62-170", [MatchPace], manners=manners)
    assert cue.reasons == ["the paces are close"]


def tick(nuclei: int, active: int = 16) -> Tick:
    return Tick(active, active, 0.01, (), nuclei, 0, -70.0, 0)


def test_each_party_is_scaled_by_its_own_syllables_per_word() -> None:
    meters = {c: DeliveryMeter(DELIVERY) for c in Channel}
    match = PaceMatch(DELIVERY, meters)
    for _ in range(200):
        for channel in Channel:
            meters[channel].step(tick(1))
            match.step(channel, tick(1))
    assert match.ratio == pytest.approx(1.0)
    meters[Channel.CALLER].words(70, 0, 140)  # two syllables a word
    assert match.ratio == pytest.approx(meters[Channel.CALLER].syllables_per_word / 1.45)
    assert match.ratio is not None
    assert match.ratio > 1.2
