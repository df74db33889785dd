"""The pattern language: what it refuses, and why."""

from __future__ import annotations

import pytest

from callcoach.lexicon import load_lexicon
from callcoach.lexicon.patterns import PatternError, inflections, make_grammar, read_pattern

GRAMMAR = load_lexicon().grammar


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("[please]", "no word"),
        ("(a|)", "empty"),
        ("(a|b", "not closed"),
        ("(a|b]", "not closed"),
        ("a)", "not opened"),
        ("a {nothing}", "no slot"),
        ("{thing} done", "begins with a slot"),
        ("[please] {word} done", "begins with a slot"),
        ("can't~", "more than one token"),
        ("what?", "not understood"),
        ("a.*b", "not understood"),
        ("a $ b", "not understood"),
        ("(" * 12 + "a" + ")" * 12, "nested"),
        ("a " * 500, "characters"),
        ("a " + "{time} " * 70, "parts"),
    ],
)
def test_patterns_that_cannot_be_used_are_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(PatternError, match=why):
        read_pattern(text, GRAMMAR)


def test_slots_use_those_before_them_only() -> None:
    speller = GRAMMAR.speller
    assert make_grammar({"a": ["x"], "b": ["{a} y"]}, speller, {}).slots.keys() == {"a", "b"}
    with pytest.raises(PatternError, match="no slot"):
        make_grammar({"a": ["{b}"], "b": ["y"]}, speller, {})


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("work", {"work", "works", "worked", "working"}),
        ("freeze", {"freeze", "freezes", "froze", "frozen", "freezing"}),
        ("try", {"try", "tries", "tried", "trying"}),
        ("stop", {"stop", "stops", "stopped", "stopping"}),
        ("crash", {"crash", "crashes", "crashed", "crashing"}),
        ("play", {"play", "plays", "played", "playing"}),
    ],
)
def test_inflections(word: str, forms: set[str]) -> None:
    assert forms <= inflections(word, GRAMMAR.inflections)
