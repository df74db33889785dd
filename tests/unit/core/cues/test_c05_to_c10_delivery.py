"""C05 to C10 rest on a state of the agent's delivery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from callcoach.clock import to_seconds
from callcoach.config import Settings
from callcoach.core.cues.c05_slow_down import SlowDown
from callcoach.core.cues.c06_pick_up import PickUp
from callcoach.core.cues.c07_soften import Soften
from callcoach.core.cues.c08_speak_up import SpeakUp
from callcoach.core.cues.c09_lower_pitch import LowerPitch
from callcoach.core.cues.c10_breathe import Breathe
from callcoach.core.cues.rule import Rule
from callcoach.events import Channel
from tests.support.coaching import Coached, Manner, coached

TALK = "agent 0-20, caller 20.5-22, agent 22.5-90, caller 91-92"
FAMILY: list[type[Rule]] = [SlowDown, PickUp, Soften, SpeakUp, LowerPitch, Breathe]


def spoken(rules: Sequence[type[Rule]], **how: Any) -> Coached:
    return coached(TALK, rules, manners={Channel.AGENT: [Manner(40, 80, **how)]})


@pytest.mark.parametrize(
    ("rule", "how", "facts"),
    [
        (SlowDown, {"wpm": 210}, {"very_fast": True}),
        (PickUp, {"wpm": 80}, {}),
        (Soften, {"level_dbfs": -22}, {"rise_db": 8.0}),
        (SpeakUp, {"level_dbfs": -40}, {"rise_db": -10.0}),
        (LowerPitch, {"semitones": 10}, {"rise_st": 4.0}),
    ],
)
def test_one_quantity_opens_one_cue(
    rule: type[Rule], how: dict[str, float], facts: dict[str, object]
) -> None:
    cue = spoken(FAMILY, **how)
    assert cue.only.cue == rule.cue
    assert 39.5 <= to_seconds(cue.only.span.start) <= 46.0
    assert cue.only.facts.items() >= facts.items()
    assert cue.reasons == ["back to the usual"]
    assert 80 < to_seconds(cue.closed[0].known_at) < 88


@pytest.mark.parametrize("how", [{"wpm": 210}, {"level_dbfs": -20}, {"semitones": 12}])
def test_the_callers_delivery_opens_nothing(how: dict[str, float]) -> None:
    call = coached(
        "caller 0-20, agent 20.5-22, caller 22.5-90, agent 91-92",
        FAMILY,
        manners={Channel.CALLER: [Manner(40, 80, **how)]},
    )
    assert call.opened == []


def test_even_speech_opens_nothing() -> None:
    assert spoken(FAMILY).opened == []


def test_c05_names_pace_and_usual_pace() -> None:
    facts = spoken([SlowDown], wpm=200).only.facts
    assert facts["pace_wpm"] == pytest.approx(200, abs=8)
    assert facts["usual_wpm"] == pytest.approx(150, abs=8)


def test_c06_is_silent_while_guiding_and_closes_when_guiding_begins() -> None:
    steps = "agent 0-20 'well', caller 20.5-24 'so', agent 24.5-30 'Click start. Then open the folder.', "
    guiding = steps + "agent 30.5-90 'now', caller 91-92 'yes'"
    manners = {Channel.AGENT: [Manner(40, 80, wpm=80)]}
    assert coached(guiding, [PickUp], manners=manners).opened == []
    later = "agent 0-20 'well', caller 20.5-24 'so', agent 24.5-60 'well', "
    later += "agent 60.3-64 'Click start. Open it.', "
    cue = coached(later + "agent 64.5-90 'now', caller 91-92 'yes'", [PickUp], manners=manners)
    assert cue.reasons == ["guiding now"]


def test_c07_says_for_how_long() -> None:
    facts = spoken([Soften], level_dbfs=-22).only.facts
    assert facts["held_s"] == pytest.approx(Settings().delivery.spike_s, abs=0.6)


def test_c08_opens_on_what_the_caller_says() -> None:
    script = "agent 0-20 'Hello.', caller 21-23 'Sorry, I can barely hear you.', agent 24-40 'I see.'"
    cue = coached(script, [SpeakUp])
    assert cue.only.facts == {"case": "caller_said", "phrase": "can barely hear you", "rise_db": 0.0}
    (span,) = cue.only.evidence
    assert 21 < to_seconds(span.start) < 22
    assert cue.reasons == ["the agent has spoken since"]


@pytest.mark.parametrize(
    "said", ["They told me they can't hear you.", "I can't hear it at all.", "I can hear you fine."]
)
def test_c08_is_not_about_somebody_else(said: str) -> None:
    script = f'agent 0-20 "Hello.", caller 21-23 "{said}", agent 24-40 "I see."'
    assert coached(script, [SpeakUp]).opened == []


def test_c09_waits_for_a_spike_of_level_that_opens_later() -> None:
    """The state of pitch opens half a second before that of level."""
    assert [c.cue for c in spoken([Soften, LowerPitch], semitones=10, level_dbfs=-22).opened] == ["C07"]


def test_c09_closes_when_the_level_rises_as_well() -> None:
    manners = [Manner(40, 50, semitones=10), Manner(50, 80, semitones=10, level_dbfs=-22)]
    cue = coached(TALK, [LowerPitch], manners={Channel.AGENT: manners})
    assert cue.reasons == ["the level rose as well"]


@pytest.mark.parametrize(
    ("how", "case", "figures"),
    [
        ({"level_dbfs": -24, "wpm": 210}, "level_pace", {"rise_db": 6.0}),
        ({"level_dbfs": -24, "semitones": 9}, "level_pitch", {"rise_db": 6.0, "rise_st": 3.0}),
        ({"semitones": 9, "wpm": 210}, "pitch_pace", {"rise_st": 3.0}),
        # of three the two furthest out: 8 dB are 4 spreads, 10 st are 10, 60 WPM are 5
        ({"level_dbfs": -22, "semitones": 16, "wpm": 210}, "pitch_pace", {"rise_st": 10.0}),
    ],
)
def test_c10_names_two_quantities(how: dict[str, float], case: str, figures: dict[str, float]) -> None:
    # pace is known later than the others
    manners = {Channel.AGENT: [Manner(30, 40, wpm=how.get("wpm", 150)), Manner(40, 80, **how)]}
    cue = coached(TALK, [Breathe], manners=manners)
    assert cue.opened[-1].facts["case"] == case
    assert cue.opened[-1].facts.items() >= figures.items()
    if "wpm" in how:
        assert cue.opened[-1].facts["rise_wpm"] == pytest.approx(60, abs=35)


@pytest.mark.parametrize("how", [{"wpm": 210}, {"level_dbfs": -20}, {"semitones": 12}])
def test_c10_needs_two_quantities(how: dict[str, float]) -> None:
    assert spoken([Breathe], **how).opened == []
