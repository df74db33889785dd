"""A transcript without audio through the same conversation."""

from __future__ import annotations

import pytest

from callcoach.clock import to_ms, to_samples
from callcoach.config import Settings
from callcoach.contract import TranscriptInput
from callcoach.core.replay import TranscriptReplay
from callcoach.events import Channel, Event, OpeningStory, Overlap, SpeechSegment, Turn, Words


def given(*segments: tuple[str, int, int, str]) -> TranscriptInput:
    return TranscriptInput.model_validate_json(
        TranscriptInput.model_validate(
            {
                "schema": "callcoach.transcript/1",
                "language": "en",
                "segments": [
                    {"role": Channel(r), "begin": b, "end": e, "text": t} for r, b, e, t in segments
                ],
            }
        ).model_dump_json()
    )


def replayed(transcript: TranscriptInput) -> tuple[TranscriptReplay, list[Event]]:
    replay = TranscriptReplay(Settings(), transcript)
    return replay, replay.run()


CALL = given(
    ("agent", 0, 3000, "Service desk, how can I help?"),
    ("caller", 3400, 12_000, "My screen stays black and I have tried it with the"),
    ("agent", 6000, 6400, "mm-hmm"),
    ("agent", 11_000, 16_000, "What kind of cable do you have on the desk?"),
)


def test_speech_turns_and_overlaps_follow_the_times() -> None:
    _, events = replayed(CALL)
    segments = [e for e in events if isinstance(e, SpeechSegment)]
    assert [(e.channel, to_ms(e.span.start), to_ms(e.span.end)) for e in segments] == [
        ("agent", 0, 3000),
        ("agent", 6000, 6400),
        ("agent", 11_000, 16_000),
        ("caller", 3400, 12_000),
    ]
    last = {e.number: e for e in events if isinstance(e, Overlap)}
    assert [(e.incomer, e.kind, e.stage) for e in last.values()] == [
        ("agent", "backchannel", "words"),
        ("agent", "floor_taking", "words"),
    ]
    assert [e.channel for e in events if isinstance(e, Turn)] == ["agent", "caller", "agent"]


def test_the_story_is_judged_by_words_alone() -> None:
    _, events = replayed(CALL)
    story = [e for e in events if isinstance(e, OpeningStory)][-1]
    assert not story.completed
    assert story.cut_at == to_samples(11.0)
    assert story.backchannels == 1
    assert story.stage == "words"


def test_all_words_are_delivered_once() -> None:
    replay, events = replayed(CALL)
    words = {e.channel: [w.text for w in e.items] for e in events if isinstance(e, Words)}
    assert words[Channel.CALLER] == CALL.segments[1].text.split()
    assert len(words[Channel.AGENT]) == 6 + 1 + 10
    assert replay.mean_probability is None


def test_segments_closer_than_0_2_s_are_one_run() -> None:
    _, events = replayed(
        given(("agent", 0, 1000, "one two"), ("agent", 1150, 2000, "three"), ("agent", 2300, 3000, "four"))
    )
    segments = [(to_ms(e.span.start), to_ms(e.span.end)) for e in events if isinstance(e, SpeechSegment)]
    assert segments == [(0, 2000), (2300, 3000)]


def test_word_times_show_pauses_inside_a_segment() -> None:
    transcript = TranscriptInput.model_validate(
        {
            "schema": "callcoach.transcript/1",
            "language": "en",
            "segments": [
                {
                    "role": Channel.AGENT,
                    "begin": 0,
                    "end": 4000,
                    "text": "one two",
                    "words": [
                        {"w": "one", "b": 0, "e": 500, "p": 0.5},
                        {"w": "two", "b": 3000, "e": 4000, "p": 1.0},
                    ],
                }
            ],
        }
    )
    replay, events = replayed(transcript)
    segments = [(to_ms(e.span.start), to_ms(e.span.end)) for e in events if isinstance(e, SpeechSegment)]
    assert segments == [(0, 500), (3000, 4000)]
    assert replay.mean_probability == 0.75


@pytest.mark.parametrize("text", ["", "[music]", "<noise>", "..."])
def test_what_holds_no_word_is_no_speech(text: str) -> None:
    _, events = replayed(given(("agent", 0, 3000, text), ("caller", 4000, 6000, "hello")))
    assert {e.channel for e in events if isinstance(e, SpeechSegment)} == {Channel.CALLER}


def test_an_empty_transcript_gives_no_events() -> None:
    replay, events = replayed(given())
    assert (replay.length, events) == (0, [])


def test_known_at_never_decreases() -> None:
    _, events = replayed(CALL)
    known = [e.known_at for e in events]
    assert known == sorted(known)
