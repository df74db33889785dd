"""Acknowledgement windows (section 4.4): hit, late, miss, merged, and the procedure question."""

from __future__ import annotations

import pytest

from tests.support.saying import said, value

STRONG = "caller 0-6 'This is ridiculous, nobody called me back.'"


def results(script: str) -> list[tuple[str, float, float | None]]:
    return [
        (w.result, w.opened / 1000, None if w.answered is None else w.answered / 1000)
        for w in said(script).windows
    ]


def test_a_hit_in_the_first_words() -> None:
    found = said(STRONG + ", agent 6.5-12 'I hear you. Let me look at it now.'")
    (window,) = found.windows
    assert (window.result, window.opened, window.answered) == ("hit", 6000, 6500)
    assert window.types == ("attentive",)
    assert value(found, "L04").hit_pct == 100.0
    assert value(found, "M22").median_s == 0.5
    assert value(found, "M13").n == 1


def test_a_match_after_eight_seconds_of_speech_is_late() -> None:
    filler = "the server is being looked at by us and it takes a good while as it is so large right now"
    assert results(f"{STRONG}, agent 6.5-18 '{filler}. I hear you.'")[0][0] == "late"


def test_a_match_in_a_later_turn_is_late_and_after_45_s_a_miss() -> None:
    late = (
        STRONG + ", agent 7-9 'Open the settings please.', caller 10-12 'Done.', agent 12.5-15 'I hear you.'"
    )
    assert [r[0] for r in results(late)] == ["late"]
    missed = (
        STRONG + ", agent 7-9 'Open the settings please.', caller 10-50 'Done.', agent 56-58 'I hear you.'"
    )
    assert results(missed)[0] == ("miss", 6.0, None)


def test_a_procedure_question_first_is_a_miss() -> None:
    found = said(STRONG + ", agent 6.5-13 'What is your employee number? I hear you.'")
    (window,) = found.windows
    assert window.result == "miss"
    assert window.reason == "a procedure question came first"


def test_words_that_have_faded_or_are_mild_alone_open_nothing() -> None:
    assert results("caller 0-3 'It is still not working.', agent 3.5-5 'Open it again.'") == []
    assert results("caller 0-3 'I am fed up.', caller 90-95 'Anyway.', agent 96-98 'Open it.'") == []


def test_windows_within_20_s_are_one() -> None:
    script = (
        STRONG + ", agent 7-9 'Open it please.', caller 10-14 'That is unacceptable.', agent 15-17 'Open it.'"
    )
    assert [r[1] for r in results(script)] == [6.0]


def test_an_acknowledgement_settles_what_was_said_before_it() -> None:
    script = (
        STRONG
        + ", agent 6.5-9 'I hear you.', caller 10-13 'Unacceptable.', agent 13.5-16 'I hear you.', "
        + "caller 30-33 'The blue one.', agent 34-36 'Open it.'"
    )
    assert [r[1] for r in results(script)] == [6.0]


def test_a_call_that_ends_on_the_caller_has_no_window() -> None:
    assert results("agent 0-2 'Hello there.', caller 3-8 'This is ridiculous, I give up.'") == []


@pytest.mark.parametrize("said_by_agent", ["Hello there friend.", "Open the door."])
def test_without_strong_words_there_is_no_window(said_by_agent: str) -> None:
    found = said(f"caller 0-4 'The printer is out of paper.', agent 5-7 '{said_by_agent}'")
    assert found.windows == ()
    assert "no strong words" in found.why_null["L04"]
