"""The caller's opening story (M11)."""

from __future__ import annotations

from callcoach.clock import to_samples, to_seconds
from callcoach.events import OpeningStory
from tests.support.talking import talk

GREETING = "agent 0-3 'Service desk, this is Ann, how can I help?'"
TOLD = "caller 3.5-12 'Since this morning my second screen stays black and I have tried every cable I have.'"
BROKEN = "caller 3.5-12 'Since this morning my second screen stays black and I have tried it with the'"
ANSWER = "agent 12.4-16 'That sounds tiresome, we will find out together.'"


def test_a_story_that_is_told_to_its_end() -> None:
    found = talk(f"{GREETING}, {TOLD}, {ANSWER}")
    assert found.story.completed
    assert found.story.cut_at is None
    assert (to_seconds(found.story.span.start), to_seconds(found.story.span.end)) == (3.5, 12.0)


def test_a_story_that_is_cut() -> None:
    found = talk(f"{GREETING}, {BROKEN}, agent 11.2-16 'What kind of cable do you have on the desk?'")
    assert not found.story.completed
    assert found.story.cut_at == to_samples(11.2)
    assert found.kinds == ["agent floor_taking"]


def test_butting_in_does_not_cut_a_story() -> None:
    found = talk(f"{GREETING}, {TOLD}, agent 6-7 'but which of the screens', {ANSWER}")
    assert "agent butting_in" in found.kinds
    assert found.story.completed


def test_listening_is_counted_and_does_not_end_it() -> None:
    found = talk(f"{GREETING}, {TOLD}, agent 6-6.4 'mm-hmm', agent 9-9.4 'okay', {ANSWER}")
    assert found.story.completed
    assert found.story.backchannels == 2


def test_listening_outside_the_story_is_not_counted() -> None:
    after = "caller 16.4-22 'and it is the same with the other computer here', agent 18-18.4 'okay'"
    found = talk(f"{GREETING}, {TOLD}, agent 6-6.4 'mm-hmm', {ANSWER}, {after}")
    assert found.story.backchannels == 1


def test_an_identity_check_passes() -> None:
    found = talk(
        f"{GREETING}, caller 3.5-7 'Hello, my second screen stays black since today.', "
        "agent 7.4-9.4 'May I have your name please?', "
        "caller 9.8-16 'Ben Stone. So I have tried every cable I have.', agent 16.4-20 'That is tiresome.'"
    )
    assert found.story.completed
    assert to_seconds(found.story.span.end) == 16.0


def test_a_question_about_the_matter_ends_it() -> None:
    found = talk(
        f"{GREETING}, caller 3.5-7 'Hello, my second screen stays black since today.', "
        "agent 7.4-9.4 'Which of the two screens?', "
        "caller 9.8-16 'The left one. I have tried every cable I have.', agent 16.4-20 'That is tiresome.'"
    )
    assert to_seconds(found.story.span.end) == 7.0


def test_a_long_agent_turn_is_no_identity_check() -> None:
    found = talk(
        f"{GREETING}, caller 3.5-7 'Hello, my second screen stays black since today.', "
        "agent 7.4-16 'May I have your name and I will tell you all about our new portal now then?', "
        "caller 16.4-22 'Ben Stone. I have tried every cable I have.', agent 22.4-25 'That sounds tiresome.'"
    )
    assert to_seconds(found.story.span.end) == 7.0


def test_without_words_no_turn_passes_as_an_identity_check() -> None:
    found = talk("agent 0-3, caller 3.5-7, agent 7.4-9.4, caller 9.8-16, agent 16.4-20")
    assert to_seconds(found.story.span.end) == 7.0
    assert found.story.stage == "sound"


def test_a_greeting_of_the_caller_is_not_the_story() -> None:
    found = talk(
        f"caller 0.2-1.4 'Hi is this the desk?', agent 1.8-4 'Yes, how can I help?', "
        f"{TOLD.replace('3.5', '4.5')}, {ANSWER}"
    )
    assert to_seconds(found.story.span.start) == 4.5


def test_nobody_calls_no_story() -> None:
    found = talk("agent 0-3, agent 8-12")
    assert found.of(OpeningStory) == []
    assert found.conversation.story is None


def test_while_it_is_told_nothing_is_said_about_it() -> None:
    """The recording ends inside the story: it is known, but no event claims that it has ended."""
    found = talk(f"{GREETING}, {TOLD}")
    assert found.of(OpeningStory) == []
    assert found.conversation.story is not None
    assert not found.conversation.story.ended


def test_words_may_change_the_verdict() -> None:
    """Sound alone takes the agent for an interrupter; the words show that the caller had finished."""
    found = talk(f"{GREETING}, {TOLD}, agent 11.4-16 'That sounds tiresome, we will find out.'")
    verdicts = [(e.stage, e.completed) for e in found.of(OpeningStory)]
    assert verdicts[0] == ("sound", False)
    assert verdicts[-1] == ("words", True)
