"""C10 after strong words (V04), and C24 for an early acknowledgement (L04)."""

from __future__ import annotations

from callcoach.core.cues.c10_breathe import Breathe
from callcoach.core.cues.c24_good_move import GoodMove
from callcoach.core.cues.catalogue import catalogue
from callcoach.events import Channel
from tests.support.coaching import Manner, coached

STRONG = "caller 40-46 'This is ridiculous, nobody called me back.'"
BEFORE = "agent 0-38 'we look at the printer together now'"


def test_an_early_acknowledgement_is_named() -> None:
    script = (
        "agent 0-2 'Hello.', caller 3-9 'This is ridiculous, nobody called me back.', "
        "agent 9.5-12 'I hear you.'"
    )
    cue = coached(script, [GoodMove])
    assert cue.only.facts == {"case": "acknowledged", "after_s": 0.5, "limit_s": 5.0}
    assert catalogue()["C24"].worded(cue.only.facts, "acknowledged").text


def test_a_later_one_is_not() -> None:
    script = (
        "agent 0-2 'Hello.', caller 3-9 'This is ridiculous, nobody called me back.', "
        "agent 9.5-20 'We are looking at it now with all of our people over there. I hear you.'"
    )
    assert coached(script, [GoodMove]).opened == []


def test_pace_after_strong_words() -> None:
    manners = {Channel.AGENT: [Manner(0, 39, wpm=140), Manner(46, 60, wpm=185)]}
    cue = coached(
        f"{BEFORE}, {STRONG}, agent 46.5-58 'one two three'", [Breathe], manners=manners, seconds=90
    )
    found = [e for e in cue.opened if e.facts["case"] == "pace_after_words"]
    assert len(found) == 1
    assert float(str(found[0].facts["rise_wpm"])) >= 15
    assert catalogue()["C10"].worded(found[0].facts, "pace_after_words").line
    assert "back to the usual" in cue.reasons


def test_the_same_pace_without_strong_words_says_nothing_of_them() -> None:
    manners = {Channel.AGENT: [Manner(0, 39, wpm=140), Manner(46, 60, wpm=185)]}
    plain = "caller 40-46 'The blue one over there.'"
    cue = coached(f"{BEFORE}, {plain}, agent 46.5-58 'one two three'", [Breathe], manners=manners, seconds=90)
    assert [e for e in cue.opened if e.facts["case"] == "pace_after_words"] == []
