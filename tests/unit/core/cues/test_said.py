from __future__ import annotations

import dataclasses

import pytest

from callcoach.clock import Samples, Span
from callcoach.core.cues.said import cue_lists, instructs, promised_s, said_here, sentences, without_lead_ins
from callcoach.core.phrases import normal, phrases
from callcoach.events import Word

LISTS = cue_lists()


def words(text: str) -> list[Word]:
    return [Word(w, Span(Samples(i * 100), Samples(i * 100 + 90)), 0.9) for i, w in enumerate(text.split())]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("give me about twenty seconds", 20),
        ("about twenty five seconds", 25),
        ("forty-five seconds", 45),
        ("30 seconds", 30),
        ("half a minute", 30),
        ("about a minute", 60),
        ("a minute or two", 120),
        ("two or three minutes", 180),
        ("a couple of minutes", 120),
        ("two more minutes", 120),
        ("a few minutes", 0),
        ("one moment please", None),
        ("just a second", None),
        ("bear with me one minute", None),
        ("let me check the minutes", None),
        ("", None),
    ],
)
def test_promised_times(text: str, seconds: float | None) -> None:
    assert promised_s(text, LISTS) == seconds


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("What have you noticed?", True),
        ("Okay, so what changed?", True),
        ("Could you walk me through it.", True),
        ("Can you tell me about that?", True),
        ("What changed is the cable.", False),
        ("Is it on?", False),
        ("What have you noticed", False),
        ("So?", False),
    ],
)
def test_open_questions(text: str, is_open: bool) -> None:
    assert sentences(words(text))[-1].is_open_question(LISTS) is is_open


def test_sentences_end_at_marks() -> None:
    found = sentences(words("It broke. Can you help? I am at"))
    assert [(s.text, s.asks, s.ended) for s in found] == [
        ("it broke", False, True),
        ("can you help", True, True),
        ("i am at", False, False),
    ]
    assert (found[1].start, found[1].end) == (200, 490)
    assert sentences([]) == []


def test_lead_ins_never_eat_the_whole_sentence() -> None:
    assert without_lead_ins("okay so", LISTS.question_lead_ins) == "so"
    assert without_lead_ins("so then describe it", LISTS.question_lead_ins) == "describe it"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("please restart it", True),
        ("click it and tell me when it opens", True),
        ("i need you to open the folder", True),
        ("i'll open it for you", False),
        ("let me have a look at it", False),
        ("i will just quickly check it", False),
        ("i'll check it and you click start", True),
        ("that is all", False),
    ],
)
def test_who_is_told_to_act(text: str, told: bool) -> None:
    assert instructs(text, phrases()) is told


def test_reported_speech_is_not_taken_as_said() -> None:
    wanted = frozenset({"can't hear you", "hear you"})
    assert said_here("sorry i can't hear you", wanted, LISTS) == "can't hear you"
    assert said_here("they said i can't hear you", wanted, LISTS) is None
    assert said_here("all fine", wanted, LISTS) is None


def test_the_shipped_lists_are_in_normal_form() -> None:
    for field in dataclasses.fields(LISTS):
        entries = getattr(LISTS, field.name)
        assert entries
        assert [p for p in entries if normal(p) != p] == []


def test_a_language_without_lists_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        cue_lists("xx")
