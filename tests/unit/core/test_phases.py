from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcoach.clock import Samples, Span, to_samples
from callcoach.config import Settings
from callcoach.config_cues import PhaseSettings
from callcoach.contract import TranscriptInput
from callcoach.core.phases import PhaseTracker
from callcoach.core.phrases import phrases
from callcoach.core.replay import TranscriptReplay
from callcoach.events import Channel, Event, FloorTaken, OpeningStory, SpeechSegment, Turn, Word, Words

A, C = Channel.AGENT, Channel.CALLER
SAMPLES = Path(__file__).parents[3] / "samples"


def span(start: float, end: float) -> Span:
    return Span(to_samples(start), to_samples(end))


def floor(channel: Channel, start: float, known: float | None = None) -> FloorTaken:
    known_at = to_samples(start + 1.0 if known is None else known)
    return FloorTaken(span=Span(to_samples(start), known_at), known_at=known_at, channel=channel, offset=None)


def turn(channel: Channel, start: float, end: float) -> Turn:
    return Turn(span=span(start, end), known_at=to_samples(end + 1), channel=channel, segments=1)


def story(start: float, end: float) -> OpeningStory:
    return OpeningStory(
        span=span(start, end),
        known_at=to_samples(end + 2),
        completed=True,
        cut_at=None,
        backchannels=0,
        stage="sound",
    )


def said(channel: Channel, start: float, text: str, late: float = 5.0) -> Words:
    """Words at three a second, known ``late`` seconds after the last of them."""
    at = start
    items = []
    for token in text.split():
        items.append(Word(token, span(at, at + 0.3), 0.9))
        at += 1 / 3
    return Words(span=span(start, at), known_at=to_samples(at + late), channel=channel, items=tuple(items))


def after_story(*events: Event) -> PhaseTracker:
    """A call whose story ran from 5 to 30 s."""
    tracker = PhaseTracker(phrases())
    for event in (
        floor(A, 0.5),
        turn(A, 0.5, 4.5),
        floor(C, 5),
        turn(C, 5, 30),
        floor(A, 31),
        story(5, 30),
        *events,
    ):
        tracker.handle(event)
    return tracker


def phase_of(tracker: PhaseTracker, begin: float, end: float) -> str:
    return tracker.phase_of(to_samples(begin), to_samples(end))


def test_live_the_phase_follows_the_floor() -> None:
    tracker = PhaseTracker(phrases())
    assert tracker.phase == "opening"
    tracker.handle(floor(A, 0.5))
    assert tracker.phase == "opening"
    tracker.handle(floor(C, 5))
    assert tracker.phase == "story"
    tracker.handle(floor(A, 31))
    assert tracker.phase == "story"
    tracker.handle(story(5, 30))
    assert tracker.phase == "diagnose"


def test_a_short_word_of_the_caller_in_the_greeting_is_no_story() -> None:
    tracker = PhaseTracker(phrases())
    for event in (floor(C, 0.2), turn(C, 0.2, 1.5), floor(A, 2)):
        tracker.handle(event)
    assert tracker.phase == "opening"
    tracker.handle(turn(A, 2, 5))
    tracker.handle(floor(C, 6))
    assert tracker.phase == "story"
    assert phase_of(tracker, 0.2, 1.5) == "opening"
    assert phase_of(tracker, 2, 5) == "opening"


def test_without_words_there_are_three_phases() -> None:
    tracker = after_story(turn(A, 31, 40), floor(C, 41))
    assert phase_of(tracker, 0.5, 4.5) == "opening"
    assert phase_of(tracker, 5, 30) == "story"
    assert phase_of(tracker, 31, 40) == "diagnose"


def test_a_caller_who_never_stops_is_still_telling_the_story() -> None:
    tracker = PhaseTracker(phrases())
    for event in (floor(A, 0.5), turn(A, 0.5, 4), floor(C, 5), turn(C, 5, 300)):
        tracker.handle(event)
    assert phase_of(tracker, 5, 300) == "story"


def test_a_call_in_which_the_caller_never_speaks_is_unknown() -> None:
    tracker = PhaseTracker(phrases())
    tracker.handle(floor(A, 0.5))
    assert phase_of(tracker, 0.5, 20) == "diagnose"


def test_an_agent_turn_that_comes_in_before_the_story_ended_is_not_part_of_it() -> None:
    assert phase_of(after_story(), 29.4, 36) == "diagnose"


def test_the_story_is_revised_when_words_show_that_it_went_on() -> None:
    tracker = after_story()
    assert phase_of(tracker, 31, 36) == "diagnose"
    tracker.handle(story(5, 50))
    assert phase_of(tracker, 31, 36) == "story"
    assert phase_of(tracker, 51, 55) == "diagnose"


def test_two_instructions_in_half_a_minute_guide() -> None:
    tracker = after_story(said(A, 40, "Please open the settings."))
    assert tracker.phase == "diagnose"
    assert phase_of(tracker, 40, 42) == "diagnose"
    tracker.handle(said(A, 60, "Then click on the first line."))
    assert tracker.phase == "guide"
    # the first instruction began it, and what the caller did in between belongs to it
    assert [phase_of(tracker, *t) for t in ((31, 39), (40, 42), (43, 58), (60, 63))] == [
        "diagnose",
        "guide",
        "guide",
        "guide",
    ]


def test_two_instructions_far_apart_do_not() -> None:
    tracker = after_story(
        said(A, 40, "Please open the settings."), said(A, 75, "Then click on the first line.")
    )
    assert tracker.phase == "diagnose"
    assert phase_of(tracker, 40, 42) == "diagnose"


@pytest.mark.parametrize("verb", ["click", "open", "type", "press", "restart", "log in", "select", "go to"])
def test_every_verb_of_the_definition_counts(verb: str) -> None:
    assert after_story(said(A, 40, f"Now {verb} it, and {verb} that.")).phase == "guide"


@pytest.mark.parametrize(
    "text",
    [
        "When did it open? It was open on Monday.",
        "Hold on. Take your time, hold the line.",
        "I open the list here, and I press the key myself.",
        "The press and the type of the select box.",
        "Did you open it, or did they close it?",
    ],
)
def test_what_only_sounds_like_an_instruction_does_not(text: str) -> None:
    assert after_story(said(A, 40, text)).phase == "diagnose"


def test_the_callers_verbs_are_no_instructions() -> None:
    assert after_story(said(C, 40, "Click this, press that, open the other.")).phase == "diagnose"


def test_an_instruction_put_as_a_question_is_one() -> None:
    assert after_story(said(A, 40, "Could you open the mail page? Can you press the key?")).phase == "guide"


def test_questions_that_outnumber_instructions_end_guiding() -> None:
    tracker = after_story(said(A, 40, "Open the settings, and click the lock."))
    tracker.handle(said(A, 80, "Which number is on the label?"))
    assert tracker.phase == "guide"
    tracker.handle(said(A, 90, "When did that begin?"))
    assert tracker.phase == "diagnose"
    assert phase_of(tracker, 60, 70) == "guide"
    assert phase_of(tracker, 90, 93) == "diagnose"


def test_asking_whether_a_step_worked_goes_on_guiding() -> None:
    tracker = after_story(said(A, 40, "Open the settings, and click the lock."))
    tracker.handle(said(A, 80, "What do you see on the screen now? Is it doing what you'd expect?"))
    assert tracker.phase == "guide"


@pytest.mark.parametrize(
    "text",
    [
        "So today we set a new password.",
        "What else can I help with?",
        "Anything else?",
        "Is that all?",
        "Goodbye.",
        "Have a good day.",
    ],
)
def test_a_farewell_of_the_agent_closes(text: str) -> None:
    assert after_story(said(A, 60, text)).phase == "close"


def test_a_farewell_of_the_caller_closes() -> None:
    tracker = after_story(said(C, 60, "Thank you. Bye."))
    assert tracker.phase == "close"
    assert phase_of(tracker, 60, 62) == "close"


def test_a_recap_closes_only_after_guiding() -> None:
    recap = "In short, the second line is the right one."
    assert after_story(said(A, 60, recap)).phase == "diagnose"
    guided = said(A, 40, "Open the settings, and click the lock.")
    assert after_story(guided, said(A, 60, recap)).phase == "close"


def test_a_greeting_that_thanks_for_calling_is_no_close() -> None:
    tracker = after_story(said(A, 0.5, "Thank you for calling, Jo speaking, is there anything else?"))
    assert tracker.phase == "diagnose"
    assert phase_of(tracker, 31, 40) == "diagnose"


def test_a_turn_is_what_it_leads_to() -> None:
    tracker = after_story(said(A, 60, "It works now, that was the cable. What else can I help with?"))
    assert phase_of(tracker, 59, 65) == "close"


def test_what_the_next_turn_says_is_not_part_of_this_one() -> None:
    tracker = after_story(floor(A, 59.8), said(A, 59.9, "Open the settings, and click the lock."))
    assert phase_of(tracker, 50, 60.5) == "diagnose"
    assert phase_of(tracker, 59.8, 64) == "guide"


def test_a_new_matter_after_the_close_is_followed() -> None:
    tracker = after_story(said(A, 60, "Is there anything else?"))
    tracker.handle(said(A, 80, "Press the round key once."))
    assert tracker.phase == "close"
    tracker.handle(said(A, 85, "Then open the lid."))
    assert tracker.phase == "guide"
    asked = after_story(said(A, 60, "Is there anything else?"))
    asked.handle(said(A, 70, "Which printer is that? How long has it been so?"))
    assert asked.phase == "diagnose"


def test_late_words_are_put_where_they_were_said() -> None:
    first, second = (
        said(A, 40, "Open the settings, and click the lock."),
        said(C, 44, "Goodbye then."),
    )
    in_order, late = after_story(first, second), after_story(second, first)
    assert in_order.phase == late.phase == "close"
    for begin in range(30, 60):
        assert phase_of(in_order, begin, begin + 1) == phase_of(late, begin, begin + 1)


LINES = st.sampled_from(
    [
        (A, "Open the settings."),
        (A, "Then press the key, and click on it."),
        (A, "Which one is it?"),
        (A, "How long has it been like that?"),
        (A, "In short, it works."),
        (A, "Is there anything else?"),
        (C, "I see."),
        (C, "Bye."),
    ]
)


@given(lines=st.lists(LINES, max_size=20), order=st.randoms(use_true_random=False))
def test_the_order_in_which_words_arrive_does_not_matter(
    lines: list[tuple[Channel, str]], order: object
) -> None:
    events = [said(channel, 32 + 8 * i, text) for i, (channel, text) in enumerate(lines)]
    shuffled = list(events)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = after_story(*events), after_story(*shuffled)
    assert one.phase == other.phase
    for i in range(len(lines)):
        assert phase_of(one, 32 + 8 * i, 36 + 8 * i) == phase_of(other, 32 + 8 * i, 36 + 8 * i)


def test_times_and_counts_are_settings() -> None:
    tracker = PhaseTracker(phrases(), PhaseSettings(instructions=1))
    for event in (floor(A, 0.5), floor(C, 5), floor(A, 31), story(5, 30), said(A, 40, "Press the key.")):
        tracker.handle(event)
    assert tracker.phase == "guide"


def test_other_events_and_words_of_a_mono_recording_change_nothing() -> None:
    tracker = after_story()
    tracker.handle(SpeechSegment(span=span(40, 41), known_at=to_samples(42), channel=A))
    words = said(A, 40, "Open it, press it. Goodbye.")
    tracker.handle(Words(span=words.span, known_at=words.known_at, channel=None, items=words.items))
    tracker.handle(Words(span=span(50, 51), known_at=to_samples(52), channel=A, items=()))
    assert tracker.phase == "diagnose"


def test_three_hours_of_words_are_quick() -> None:
    tracker = after_story()
    begin = time.perf_counter()
    for i in range(1200):
        channel, at = (A, C)[i % 2], 40 + 9 * i
        tracker.handle(floor(channel, at))
        tracker.handle(said(channel, at, "Please open the list, and press the key. Which one is it?"))
    for i in range(1200):
        phase_of(tracker, 40 + 9 * i, 48 + 9 * i)
    assert time.perf_counter() - begin < 2.0


def test_no_instruction_is_longer_than_what_is_looked_for() -> None:
    lists = phrases()
    looked_for = lists.phase_instructions | lists.phase_not_instructions | lists.phase_lead_ins
    assert max(len(phrase.split()) for phrase in looked_for) <= 4


READ = {
    # phase of every utterance, by reading the text: o, s, d, g, c; - is a backchannel
    "s01_good_second_screen": "o s - - - d d d d g - g g g g c c c c",
    "s02_interrupted_scanner": "o s d d d d d d d g g g g g g - c c c c c",
    "s03_hold_and_dead_air": "o s - d d d d d d d d d d d g g c c c c",
    "s04_phone_line_with_bleed": "o s - - d d g g g g g g g g g g g c c c",
}
NAMES = {"o": "opening", "s": "story", "d": "diagnose", "g": "guide", "c": "close"}


def test_transcripts_without_audio_agree_with_reading() -> None:
    """At least nine of ten turns of the samples have the phase that a reader gives them."""
    right = total = 0
    for name, read in READ.items():
        truth = json.loads((SAMPLES / f"{name}.truth.json").read_text("utf-8"))
        utterances = truth["utterances"]
        labels = read.split()
        assert len(labels) == len(utterances)
        given_words = TranscriptInput.model_validate(
            {
                "schema": "callcoach.transcript/1",
                "language": "en",
                "segments": [
                    {
                        "role": ("agent", "caller")[u["channel"]],
                        "begin": round(u["start"] * 1000),
                        "end": round(u["end"] * 1000),
                        "text": u["text"],
                    }
                    for u in sorted(utterances, key=lambda u: u["start"])
                ],
            }
        )
        tracker = PhaseTracker(phrases())
        for event in TranscriptReplay(Settings(), given_words).run():
            tracker.handle(event)
        for u, label in zip(utterances, labels, strict=True):
            if label != "-":
                total += 1
                right += phase_of(tracker, u["start"], u["end"]) == NAMES[label]
    assert total >= 65
    assert right / total >= 0.9


def test_a_phase_is_known_for_any_stretch() -> None:
    tracker = PhaseTracker(phrases())
    assert tracker.phase_of(Samples(0), Samples(0)) == "diagnose"
    assert after_story().phase_of(Samples(0), Samples(0)) == "opening"
