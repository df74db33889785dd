"""Metrics of section 2 over conversations whose values can be counted by hand."""

from __future__ import annotations

import pytest

from callcoach.contract import CallDocument
from callcoach.contract import metrics as m
from tests.support.documents import document_of
from tests.support.talking import Talk, talk

MID = "'we have reset your password and the'"
LONG = "'thank you I will try that now then'"


def metrics(found: Talk) -> m.Metrics:
    return document(found).metrics


def document(found: Talk) -> CallDocument:
    return document_of(found)


def test_talk_time_share_and_ratio() -> None:
    values = metrics(talk("agent 0-6, caller 6.5-8.5", seconds=10))
    assert m.TalkTime(agent_s=6.0, caller_s=2.0) == values.M01
    assert m.TalkShare(agent_pct=75.0) == values.M02
    assert m.TalkToListen(agent_per_caller=3.0) == values.M03


def test_overlap_counts_for_both_and_once_in_the_union() -> None:
    values = metrics(talk("agent 0-6, caller 5-10", seconds=12))
    assert m.TalkTime(agent_s=6.0, caller_s=5.0) == values.M01
    assert m.OverlapRatio(overlap_s=1.0, pct=10.0) == values.M06


def test_non_talk_time_is_silence_over_3_s_and_hold() -> None:
    values = metrics(talk("agent 0-2, caller 6-8, agent 10-12, caller 43-45", seconds=50))
    assert m.NonTalkTime(total_s=40.0, pct=80.0, silence_s=9.0, hold_s=31.0) == values.M04


def test_dead_air_by_owner() -> None:
    values = metrics(
        talk(
            "agent 0-3 'What does it say on the label?', caller 10-12 'it says forty two I think', "
            "agent 20-22 'I see'",
            seconds=22,
        )
    )
    assert m.DeadAir(count=2, total_s=15.0, longest_s=8.0, agent_owned=1, caller_owned=1) == values.M05


def test_no_dead_air_is_a_zero_and_not_a_null() -> None:
    assert (
        m.DeadAir(count=0, total_s=0.0, longest_s=0.0, agent_owned=0, caller_owned=0)
        == metrics(talk("agent 0-3, caller 3.2-5")).M05
    )


def test_interruptions_point_at_their_overlaps() -> None:
    found = talk(
        f"caller 0-12 {MID}, agent 4-4.4 'okay', agent 11-16 {LONG}, "
        "caller 13-14.2 'but I have to leave the house'"
    )
    values = metrics(found)
    entries = document(found).overlaps
    assert values.M07 is not None
    assert [entries[i].overlap_class for i in values.M07.agent] == ["floor_taking"]
    assert [entries[i].overlap_class for i in values.M07.caller] == ["butting_in"]
    assert (values.M07.agent_weight, values.M07.caller_weight) == (1.0, 0.5)
    caller_minutes = (12 + 1.2) / 60
    assert m.InterruptionRate(per_10min=round(10 / caller_minutes, 3)) == values.M08
    assert values.M10 is not None
    assert values.M10.count == 1
    assert values.M10.per_10min == round(10 * 0.5 / (18 / 60), 3)


def test_the_rate_needs_10_s_of_caller_speech() -> None:
    few = metrics(talk("caller 0-9.9, agent 10-14"))
    assert few.M08 is None
    assert few.M17 is None
    assert "10 s" in few.why_null["M08"]
    enough = metrics(talk("caller 0-10.1, agent 10.4-14"))
    assert m.InterruptionRate(per_10min=0.0) == enough.M08


def test_overtalk_turns() -> None:
    values = metrics(
        talk(f"caller 0-6 {MID}, agent 5-9 {LONG}, caller 9.4-14 'so that is it.', agent 14.4-18 {LONG}")
    )
    assert m.OvertalkShare(pct=50.0, overtalk_turns=1, turns=2) == values.M09


def test_response_latency_of_the_agent_only() -> None:
    values = metrics(talk("agent 0-3, caller 3.1-6, agent 6.4-9, caller 11-14, agent 15-18"))
    assert values.M12 is not None
    assert values.M12.n == 2
    assert values.M12.median_ms == 700
    assert values.M12.p10_ms == 460
    assert values.M12.p90_ms == 940


def test_the_first_turn_is_no_answer() -> None:
    values = metrics(talk("agent 0-3"))
    assert values.M12 is None
    assert values.why_null["M12"] == "the agent never answers a caller turn"


def test_monologues_of_each_side() -> None:
    values = metrics(talk("agent 0-3, caller 3.4-9, agent 9.4-11"))
    assert m.LongestMonologue(begin=0, end=3000, longest_s=3.0) == values.M14
    assert m.LongestMonologue(begin=3400, end=9000, longest_s=5.6) == values.M15


def test_switches() -> None:
    values = metrics(talk("agent 0-3, caller 3.4-9, agent 9.4-11, agent 15-17, caller 17.4-20", seconds=30))
    assert m.Switches(count=3, per_min=6.0, per_hour=360.0) == values.M16


def test_backchannels_per_minute_of_caller_speech() -> None:
    values = metrics(talk("caller 0-12, agent 3-3.4, agent 6-6.4, agent 9-9.4, agent 12.3-15"))
    assert m.BackchannelRate(count=3, per_min=15.0) == values.M17


def test_greeting_latency() -> None:
    assert m.GreetingLatency(seconds=1.5) == metrics(talk("agent 1.5-3, caller 3.4-9")).M21


def test_the_story_as_a_metric() -> None:
    found = talk(
        "agent 0-3 'hello there you', caller 3.4-12 'my screen is black.', agent 12.4-16 'I see that.'"
    )
    assert (
        m.OpeningStoryMetric(length_s=8.6, words=4, backchannels=0, completed=True, cut_at_ms=None)
        == metrics(found).M11
    )


def test_without_words_the_story_has_no_word_count() -> None:
    story = metrics(talk("agent 0-3, caller 3.4-12, agent 12.4-16")).M11
    assert story is not None
    assert story.words is None


def test_a_silent_call_says_of_each_null_why() -> None:
    values = metrics(talk("", seconds=20))
    assert m.TalkTime(agent_s=0.0, caller_s=0.0) == values.M01
    assert m.NonTalkTime(total_s=20.0, pct=100.0, silence_s=20.0, hold_s=0.0) == values.M04
    for key in ("M02", "M03", "M06", "M08", "M09", "M11", "M12", "M14", "M15", "M17", "M21"):
        assert getattr(values, key) is None
        assert values.why_null[key] not in ("", m.NOT_MEASURED_YET)


@pytest.mark.parametrize("key", ["V06", "V12"])
def test_what_is_not_built_yet_says_so(key: str) -> None:
    assert metrics(talk("agent 0-3, caller 3.4-12")).why_null[key] == m.NOT_MEASURED_YET
