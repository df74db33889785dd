"""Normal tokens and their way back to the words."""

from __future__ import annotations

import pytest

from callcoach.lexicon import load_lexicon
from callcoach.lexicon.tokens import Tokens, normal_tokens


def tokens(text: str, *turn_starts: int) -> Tokens:
    return normal_tokens(text.split(), load_lexicon().grammar.speller, turn_starts)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("can't", "cannot"),
        ("CAN’T", "can not"),
        ("I'm", "I am"),
        ("won't.", "will not"),
        ("you're", "you are"),
        ("I'd've", "I would have"),
        ("that's", "that is"),
        ("the printer's tray", "the printer tray"),
        ("gonna", "going to"),
        ("okay", "OK"),
        ("alright", "all right"),
        ("apologise", "apologize"),
        ("Wi-Fi", "wifi"),
        ("e-mail,", "email"),
        ("two-factor", "two factor"),
        ("sign‑in", "sign in"),
        ("“Hello?”", "hello"),
        ("100%", "100"),
        ("nine o'clock", "nine oclock"),
        ("wait...", "wait"),
        ("[noise] yes <unk>", "yes"),
    ],
)
def test_two_ways_to_write_the_same(one: str, other: str) -> None:
    assert tokens(one).texts == tokens(other).texts != ()


def test_every_token_keeps_the_index_of_its_word() -> None:
    found = tokens("Well - I'm sure it can't.")
    assert found.texts == ("well", "i", "am", "sure", "it", "can", "not")
    assert found.word == (0, 2, 2, 3, 4, 5, 5)


def test_starts_of_sentences_and_turns_pauses_and_questions() -> None:
    found = tokens("Yes, it is. Is it? No... well", 5)
    assert [t for t, s in zip(found.texts, found.after_stop, strict=True) if s] == ["yes", "is", "no"]
    assert [t for t, s in zip(found.texts, found.after_pause, strict=True) if s] == [
        "yes",
        "it",
        "is",
        "no",
        "well",
    ]
    assert [t for t, s in zip(found.texts, found.asks, strict=True) if s] == ["it"]
    assert [t for t, s in zip(found.texts, found.turn_start, strict=True) if s] == ["yes", "no"]
    assert found.ends_sentence(2)
    assert not found.ends_sentence(1)
    assert found.ends_sentence(len(found) - 1)
