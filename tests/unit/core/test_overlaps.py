"""Every class of section 1.6, each with a case that has it and one that just misses it."""

from __future__ import annotations

import pytest

from callcoach.clock import to_samples, to_seconds
from callcoach.events import Channel, Overlap, OverlapClass
from tests.support.talking import Curve, Run, Talk, parse, talk

DONE = "'we have reset your password and it works.'"
MID = "'we have reset your password and the'"
LONG = "'thank you I will try that now then'"

# A voice that wanders between 100 and 180 Hz for four seconds and ends where it is told to.
WANDER = ((0.0, 100.0), (1.0, 180.0), (2.0, 100.0), (3.0, 180.0), (4.0, 110.0))


def ending(at: float, hz: float) -> dict[Channel, Curve]:
    """F0 of the agent up to ``at`` seconds, level at ``hz`` for the last 0.4 s."""
    return {Channel.AGENT: (*WANDER, (at - 0.4, hz), (at, hz))}


FALLS, HIGH = 96.0, 170.0


# -- backchannel -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        "agent 0-6, caller 3.1-3.5",
        "agent 0-6, caller 3.1-3.75",  # 0.65 s, below the 0.7 s of sound alone
        "agent 0-3, caller 3.25-3.65, agent 4.0-8",  # the agent paused 0.25 s before
        f"agent 0-6 {DONE}, caller 3.1-3.5 'yeah'",
        f"agent 0-6 {DONE}, caller 3.1-4.0 'yeah yeah right'",  # 0.9 s, below the 1.0 s of words
        f"agent 0-6 {DONE}, caller 3.1-3.9 'Okay, that works.'",  # three words, the first a listener's
    ],
)
def test_a_listeners_word_is_a_backchannel(script: str) -> None:
    found = talk(script)
    assert found.kinds == ["caller backchannel"]
    assert found.counted == 0
    assert {period.holder for period in found.conversation.floor.periods} == {Channel.AGENT}


@pytest.mark.parametrize(
    "script",
    [
        "agent 0-6, caller 3.1-3.9",  # 0.8 s: too long without words
        f"agent 0-6 {DONE}, caller 3.1-4.2 'yeah yeah yeah'",  # 1.1 s: too long with words
        f"agent 0-6 {DONE}, caller 3.1-3.6 'but why'",  # opens the floor
        f"agent 0-6 {DONE}, caller 3.1-3.6 'yeah but'",
        f"agent 0-6 {DONE}, caller 3.1-3.9 'yeah it never worked'",  # four words
        "agent 0-3.3, caller 3.1-3.5",  # the agent does not go on
        "agent 0-3.3, caller 3.1-3.5, agent 4.6-7",  # ... or only after 1.1 s
        "agent 0-3, caller 3.4-3.8, agent 4.2-8",  # the agent had stopped 0.4 s before
    ],
)
def test_what_is_almost_a_backchannel_is_none(script: str) -> None:
    meetings = talk(script).conversation.meetings.meetings
    assert meetings[0].incomer is Channel.CALLER
    assert OverlapClass.BACKCHANNEL not in [m.decided for m in meetings]


def test_three_yeahs_are_three_backchannels() -> None:
    found = talk(
        f"agent 0-10 {DONE}, caller 2-2.4 'yeah', caller 3.2-3.6 'yeah', caller 4.4-4.8 'yeah'",
    )
    assert found.kinds == ["caller backchannel"] * 3
    assert found.counted == 0
    assert found.turns == ["agent 0.0-10.0"]


@pytest.mark.parametrize("words", ["'yeah'", ""])
def test_a_quick_row_of_yeahs_is_no_interruption(words: str) -> None:
    """Their words and lengths do not add up: 1.8 s of listening in three pieces."""
    found = talk(f"agent 0-10, caller 2-2.4 {words}, caller 2.7-3.1 {words}, caller 3.4-3.8 {words}")
    assert set(found.kinds) == {"caller backchannel"}
    assert found.turns == ["agent 0.0-10.0"]


@pytest.mark.parametrize(
    ("statement", "is_backchannel"),
    [("'it does not work at all today'", True), ("'it works very well again today'", False)],
)
def test_no_is_a_listeners_word_only_after_a_negative_statement(statement: str, is_backchannel: bool) -> None:
    found = talk(f"agent 0-3 {statement}, agent 3.25-6 'since the morning I mean', caller 3.1-3.5 'No.'")
    assert (found.overlap.kind is OverlapClass.BACKCHANNEL) is is_backchannel
    assert found.counted == 0


# -- terminal ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        "agent 0-5, caller 4.7-9",
        f"agent 0-5 {DONE}, caller 4.7-9 {LONG}",
        f"agent 0-5 {DONE}, caller 4.9-9 {LONG}",
    ],
)
def test_coming_in_at_the_very_end_is_terminal(script: str) -> None:
    found = talk(script)
    assert found.kinds == ["caller terminal"]
    assert found.turns[0].startswith("agent 0.0-5.0")
    assert found.turns[1].startswith("caller 4.")


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (f"agent 0-5 {DONE}, caller 4.62-9 {LONG}", "unsure"),  # 0.38 s, the sentence finished
        (
            f"agent 0-5 {MID}, caller 4.7-9 {LONG}",
            "floor_taking",
        ),  # 0.3 s, but it made the agent stop in mid-clause
    ],
)
def test_what_is_almost_terminal(script: str, kind: str) -> None:
    assert talk(script).kinds == [f"caller {kind}"]


# -- simultaneous start ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        "agent 0-3, caller 4.5-8, agent 4.6-5.5",
        "agent 0-3, agent 4.5-8, caller 4.72-5.6",
        "agent 1-4, caller 1.1-2.3",
    ],
)
def test_two_who_start_within_a_quarter_of_a_second_after_a_gap(script: str) -> None:
    found = talk(script)
    assert [o.kind for o in found.overlaps] == [OverlapClass.SIMULTANEOUS_START]
    assert found.counted == 0


@pytest.mark.parametrize(
    "script",
    [
        "agent 0-3, caller 4.5-8, agent 4.8-5.7",  # 0.3 s apart
        "agent 0-3, agent 3.4-8, caller 3.5-4.7",  # the agent's pause of 0.4 s is no gap
    ],
)
def test_almost_a_simultaneous_start(script: str) -> None:
    found = talk(script)
    assert OverlapClass.SIMULTANEOUS_START not in [m.decided for m in found.conversation.meetings.meetings]
    assert len(found.overlaps) == 1


# -- cooperative -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "'Both laptops or one?'",
        "'On the second screen?'",
        "'exactly that thing happened'",
        "'the router'",
        "'both laptops'",
    ],
)
def test_a_short_question_a_supplied_word_or_agreement_is_cooperative(text: str) -> None:
    found = talk(f"agent 0-10 {DONE}, caller 4-5.2 {text}")
    assert found.kinds == ["caller cooperative"]
    assert found.counted == 0
    assert found.turns == ["agent 0.0-10.0"]


@pytest.mark.parametrize(
    "script",
    [
        f"agent 0-10 {DONE}, caller 4-5.2 'is it both laptops or one?'",  # six words
        f"agent 0-10 {DONE}, caller 4-6.1 'both laptops or one?'",  # 2.1 s
        f"agent 0-10 {DONE}, caller 4-5.2 'exactly but it never once worked'",  # a floor opener
        f"agent 0-5 {MID}, caller 4-5.2 'both laptops?', agent 6.4-8 'one only'",  # resumes after 1.2 s
    ],
)
def test_almost_cooperative(script: str) -> None:
    found = talk(script)
    assert found.overlap.kind is not OverlapClass.COOPERATIVE


def test_without_words_a_clarification_cannot_be_told_from_butting_in() -> None:
    assert talk("agent 0-10, caller 4-5.2").kinds == ["caller butting_in"]


# -- floor taking ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        f"agent 0-5 {MID}, caller 4.4-9 {LONG}",  # 0.6 s
        f"agent 0-5 {MID}, caller 4.6-9 {LONG}",  # 0.4 s: the agent stops within 0.5 s
        f"agent 0-5 {MID}, caller 4.6-5.7 'no I did that'",  # holds on for 0.7 s, speaks 1.1 s
        "agent 0-5, caller 4.1-9",
    ],
)
def test_taking_the_floor_from_somebody_in_mid_clause_is_an_interruption(script: str) -> None:
    found = talk(script)
    assert found.kinds == ["caller floor_taking"]
    assert found.overlap.kind.weight == 1.0
    assert found.turns[1].startswith("caller 4.")


@pytest.mark.parametrize(
    "script",
    [
        f"agent 0-5 {DONE}, caller 4.4-9 {LONG}",  # the sentence was finished
        f"agent 0-5 {MID}, caller 4.6-5.4 'no I did'",  # does not hold a second
        "agent 0-5, caller 4.6-9",  # sound alone cannot say that the clause was broken
    ],
)
def test_almost_taking_the_floor(script: str) -> None:
    found = talk(script)
    assert found.overlap.kind is not OverlapClass.FLOOR_TAKING
    assert found.counted == 0


def test_pitch_alone_tells_a_finished_clause() -> None:
    """Without words the end of the agent's F0 decides: low is finished, high is not."""
    assert talk("agent 0-5, caller 4.6-9", pitch=ending(5, HIGH)).kinds == ["caller floor_taking"]
    assert talk("agent 0-5, caller 4.6-9", pitch=ending(5, FALLS)).kinds == ["caller unsure"]
    assert talk("agent 0-5, caller 4.7-9", pitch=ending(5, FALLS)).kinds == ["caller terminal"]


def test_the_agent_interrupts_as_the_caller_does() -> None:
    mine = talk(f"caller 0-5 {MID}, agent 4.2-9 {LONG}")
    assert mine.kinds == ["agent floor_taking"]
    assert mine.overlap.incomer is Channel.AGENT


# -- butting in --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        "agent 0-10, caller 4-5.2",
        "agent 0-10, caller 4-4.9",
        f"agent 0-10 {DONE}, caller 4-5.2 'but I have to leave the house now'",
    ],
)
def test_a_failed_attempt_of_0_8_s_is_butting_in(script: str) -> None:
    found = talk(script)
    assert found.kinds == ["caller butting_in"]
    assert found.overlap.kind.weight == 0.5
    assert found.turns == ["agent 0.0-10.0"]


@pytest.mark.parametrize(
    "script",
    [
        f"agent 0-10 {DONE}, caller 4-4.75 'but I have to leave'",  # 0.75 s
        f"agent 0-4.6 {DONE}, caller 4-5.2 'but I have to go', agent 6.4-9 'now test it'",  # after 1.2 s
    ],
)
def test_almost_butting_in(script: str) -> None:
    found = talk(script)
    assert found.overlap.kind is OverlapClass.UNSURE
    assert found.counted == 0


# -- pause barge-in ----------------------------------------------------------------------------------------


def test_using_a_pause_in_mid_clause_is_a_pause_barge_in() -> None:
    found = talk(f"agent 0-5 {MID}, caller 5.4-9 {LONG}")
    assert found.kinds == ["caller pause_barge_in"]
    assert found.overlap.kind.weight == 0.5
    assert found.overlap.overlap == 0
    assert found.overlap.span.start == to_samples(5.0)
    assert found.overlap.span.end == to_samples(5.4)
    assert found.overlap.stage == "words"


@pytest.mark.parametrize(
    "script",
    [
        f"agent 0-5 {MID}, caller 5.9-9 {LONG}",  # 0.9 s later
        f"agent 0-5 {DONE}, caller 5.4-9 {LONG}",  # the sentence was finished
        f"agent 0-5 {MID}, caller 5.4-6.2 'no I did', agent 6.6-9 'it is new'",  # does not hold a second
        "agent 0-5, caller 5.4-9",  # needs words
    ],
)
def test_almost_a_pause_barge_in(script: str) -> None:
    """The pitch says what the words say, where there are any."""
    assert talk(script, pitch=ending(5, FALLS if DONE in script else HIGH)).kinds == []


# -- unsure ------------------------------------------------------------------------------------------------


def test_what_nothing_decides_is_listed_but_not_counted() -> None:
    found = talk(f"agent 0-10 {DONE}, caller 4-4.6 'but why'")
    assert found.kinds == ["caller unsure"]
    assert found.counted == 0


@pytest.mark.parametrize(
    "script", ["agent 0-5, caller 5.5-9", "agent 0-5, caller 4.99-9", "agent 0-3, caller 8-9"]
)
def test_people_who_do_not_meet_have_no_overlap(script: str) -> None:
    """Under one frame of common sound nothing is told."""
    assert talk(script).kinds == []


# -- words refine sound ------------------------------------------------------------------------------------


def stages(found: Talk) -> list[tuple[str, str]]:
    return [(e.stage, e.kind.value) for e in found.of(Overlap)]


def test_words_replace_what_sound_decided() -> None:
    found = talk(f"agent 0-10 {DONE}, caller 4-5.2 'both laptops or one?'")
    assert stages(found) == [("sound", "butting_in"), ("words", "cooperative")]
    sound, words = found.of(Overlap)
    assert sound.number == words.number
    assert sound.known_at < to_samples(7.0)
    assert words.known_at >= to_samples(10 + 1.5)  # the agent's words arrive 1.5 s after the run


def test_words_confirm_what_sound_decided() -> None:
    found = talk(f"agent 0-6 {DONE}, caller 3.1-3.5 'yeah'")
    assert stages(found) == [("sound", "backchannel"), ("words", "backchannel")]


def test_words_that_are_late_come_late() -> None:
    early = talk(f"agent 0-6 {DONE}, caller 3.1-3.5 'yeah'", delay_s=1.0, seconds=20)
    late = talk(f"agent 0-6 {DONE}, caller 3.1-3.5 'yeah'", delay_s=8.0, seconds=20)
    assert to_seconds(late.of(Overlap)[1].known_at - early.of(Overlap)[1].known_at) == pytest.approx(
        7.0, abs=0.05
    )


def test_words_that_never_arrive_before_the_end_refine_at_the_end() -> None:
    found = talk(f"agent 0-6 {DONE}, caller 3.1-3.5 'yeah'", delay_s=100)
    assert stages(found) == [("sound", "backchannel"), ("words", "backchannel")]
    assert found.of(Overlap)[1].known_at >= found.length


def test_without_a_recogniser_nothing_is_refined() -> None:
    found = talk("agent 0-10, caller 4-5.2", words=False)
    assert stages(found) == [("sound", "butting_in")]


def test_doubtful_words_of_a_short_utterance_count_as_unknown() -> None:
    """A misheard "mm-hmm" comes out as some rare word of low probability."""
    runs = parse(f"agent 0-6 {DONE}")
    sure = talk([*runs, Run(Channel.CALLER, 3.1, 3.7, "but why", 0.9)])
    doubtful = talk([*runs, Run(Channel.CALLER, 3.1, 3.7, "Hum mum", 0.3)])
    assert sure.overlap.kind is OverlapClass.UNSURE
    assert doubtful.overlap.kind is OverlapClass.BACKCHANNEL


# -- facts -------------------------------------------------------------------------------------------------


def test_an_overlap_says_where_both_spoke_and_what_the_incomer_said() -> None:
    o = talk(f"agent 0-5 {MID}, caller 4.2-9 {LONG}").overlap
    assert (o.span.start, o.span.end) == (to_samples(4.2), to_samples(5.0))
    assert o.overlap == to_samples(0.8)
    assert (o.utterance.start, o.utterance.end) == (to_samples(4.2), to_samples(9.0))
    assert o.holder_end == to_samples(5.0)
    assert o.clause_complete is False
    assert o.confidence == "high"


def test_an_interruption_whose_clause_is_unknown_is_of_low_confidence() -> None:
    assert talk("agent 0-5, caller 4.1-9").overlap.confidence == "low"


def test_every_meeting_has_one_number() -> None:
    found = talk("agent 0-10, caller 2-2.4, caller 4-4.4, caller 6-7.2")
    assert [o.number for o in found.overlaps] == sorted({o.number for o in found.overlaps})
    assert len(found.overlaps) == 3


def test_once_the_floor_has_passed_the_other_coming_back_is_a_meeting_of_its_own() -> None:
    found = talk(
        f"agent 0-5 {MID}, caller 4.2-12 'thank you I will try that now then and see if it works', "
        "agent 8-8.4 'okay'"
    )
    assert found.kinds == ["caller floor_taking", "agent backchannel"]
    assert found.overlaps[0].overlap == to_samples(0.8)


def test_a_breath_inside_a_move_does_not_make_two_interruptions() -> None:
    """The incomer who breathes for 0.7 s and goes on has come in once."""
    found = talk(f"agent 0-5 {MID}, caller 4.2-6 'thank you I will', caller 6.7-9 'try that now then'")
    assert found.kinds == ["caller floor_taking"]
    assert found.counted == 1
