"""The matcher: longest match, places, negation, reported speech, words with a low probability, time."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcoach.lexicon import Lexicon, Match, Matcher, Place, Row, load_lexicon
from callcoach.lexicon.rows import Negation


def with_rows(*rows: Row, negation: Negation = Negation.DROP, reported: bool = True) -> Lexicon:
    """Lexicon whose list ``discouraged`` holds these rows only."""
    lexicon = load_lexicon()
    words = replace(lexicon.lists["discouraged"], rows=rows, negation=negation, reported=reported)
    return replace(lexicon, lists={"discouraged": words})


def row(row_id: str, *patterns: str, **given: object) -> Row:
    return Row(id=row_id, list="discouraged", kind="blame", patterns=patterns, **given)  # type: ignore[arg-type]


def find(text: str, *rows: Row, **given: object) -> list[Match]:
    return Matcher(with_rows(*rows), ["discouraged"]).find(text.split(), **given)  # type: ignore[arg-type]


def ids(matches: list[Match]) -> list[str]:
    return [m.row.id for m in matches]


SHORT, LONG = row("A", "you need to"), row("B", "you need to calm down")


def test_the_longest_match_wins_and_matches_of_a_list_do_not_overlap() -> None:
    assert ids(find("Well, you need to calm down.", SHORT, LONG)) == ["B"]
    assert ids(find("You need to wait, you need to calm down", SHORT, LONG)) == ["A", "B"]


def test_rows_of_different_lists_may_overlap() -> None:
    found = Matcher(load_lexicon(), ["acknowledgement", "check_back"]).find(
        ["Have", "I", "missed", "anything?"]
    )
    assert {m.row.list for m in found} == {"acknowledgement", "check_back"}


def test_matches_are_given_as_indices_of_the_words() -> None:
    words = ["So", "-", "I'm", "afraid,", "well...", "you", "can't", "do", "that", "!"]
    (match,) = find(" ".join(words), row("A", "you cannot do that"))
    assert words[match.first : match.last + 1] == ["you", "can't", "do", "that"]


@pytest.mark.parametrize(
    "text",
    ["you um need to go", "you you need to go", "you need, uh, er, to go", "You NEED to-go"],
)
def test_fillers_and_words_said_twice_are_stepped_over(text: str) -> None:
    assert ids(find(text, row("A", "you need to go"))) == ["A"]


def test_alternatives_options_inflections_and_slots() -> None:
    rows = (row("A", "[please] (stop|cease) talk~ about {thing} now"),)
    assert ids(find("stop talking about my old laptop now", *rows)) == ["A"]
    assert ids(find("please cease talks about it now", *rows)) == ["A"]
    assert find("stop talking about one two three four five six seven now", *rows) == []
    assert find("stop talking about it. Really now", *rows) == []


@pytest.mark.parametrize(
    "text", ["for 10 minutes", "for twenty five minutes", "for a couple of minutes", "for half an hour"]
)
def test_lengths_of_time(text: str) -> None:
    assert ids(find(f"wait {text} please", row("A", "wait for {span} please"))) == ["A"]


def test_a_slot_of_any_words_stays_in_its_sentence() -> None:
    rows = (row("A", "with {thing} done"),)
    assert ids(find("with my work. Done", *rows)) == ["A"]
    assert find("with my. Work is done", *rows) == []
    assert find("With. Work done", *rows) == []


def test_no_match_reaches_over_the_start_of_a_turn() -> None:
    words = ["you", "need", "to", "go"]
    matcher = Matcher(with_rows(row("A", "you need to go")), ["discouraged"])
    assert ids(matcher.find(words)) == ["A"]
    assert matcher.find(words, turn_starts=[2]) == []


def test_places() -> None:
    fine = row("A", "^ fine $")
    assert ids(find("Fine. I'll do it.", fine)) == ["A"]
    assert ids(find("Well, um, fine.", fine)) == ["A"]
    assert find("That is fine.", fine) == []
    assert find("Fine by me.", fine) == []
    look = row("A", "look", places=frozenset({Place.TURN_START}))
    assert ids(find("Well look, it is done.", look)) == ["A"]
    assert find("It is done. Look.", look) == []
    alone = row("A", "just a minute", places=frozenset({Place.ALONE}))
    assert ids(find("Hold on. Just a minute. Let me see.", alone)) == ["A"]
    assert find("Just a minute while I check.", alone) == []


def test_exceptions_cancel_their_own_row_only() -> None:
    rows = (row("A", "hold on", exceptions=("hold on to",)), row("B", "on to it"))
    assert ids(find("hold on to it", *rows)) == ["B"]
    assert ids(find("hold on please", *rows)) == ["A"]


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("It's a nightmare.", True),
        ("It's not a nightmare.", False),
        ("It was never really a nightmare.", False),
        ("It is not what I would call a nightmare.", True),
        ("No, a nightmare.", True),
        ("I'm not sure, a nightmare maybe.", True),
    ],
)
def test_negation_reaches_three_words_and_stops_at_a_mark(text: str, counts: bool) -> None:
    assert bool(find(text, row("A", "a nightmare"))) is counts


def test_a_clause_of_its_own_is_negated_by_an_opinion_only() -> None:
    rows = (row("A", "you broke it"),)
    assert ids(find("I do not know you broke it", *rows)) == ["A"]
    assert find("I do not think you broke it", *rows) == []
    assert ids(find("no you broke it", *rows)) == ["A"]


def test_negated_matches_can_be_kept_or_marked() -> None:
    text = ["it", "is", "not", "good"]
    kept = Matcher(with_rows(row("A", "good"), negation=Negation.KEEP), ["discouraged"]).find(text)
    assert [(m.row.id, m.negated) for m in kept] == [("A", False)]
    marked = Matcher(with_rows(row("A", "good"), negation=Negation.MARK), ["discouraged"]).find(text)
    assert [(m.row.id, m.negated) for m in marked] == [("A", True)]
    own = Matcher(with_rows(row("A", "good", negation=Negation.KEEP)), ["discouraged"]).find(text)
    assert ids(own) == ["A"]


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("he told me calm down", False),
        ("She said I should really calm down", False),
        ("She said that I should really now calm down", True),
        ("That's what he said. Calm down.", True),
        ("they keep saying calm down", False),
    ],
)
def test_reported_speech_does_not_count(text: str, counts: bool) -> None:
    assert bool(find(text, row("A", "calm down"))) is counts
    matcher = Matcher(with_rows(row("A", "calm down"), reported=False), ["discouraged"])
    assert ids(matcher.find(text.split())) == ["A"]


def test_a_match_on_an_improbable_word_is_marked() -> None:
    rows = (row("A", "you need to"),)
    text = "well you need to go"
    for probabilities, low in (
        ([0.1, 0.9, 0.9, 0.9, 0.1], False),
        ([0.9, 0.9, 0.3, 0.9, 0.9], True),
        ([None, None, None, None, None], False),
    ):
        (match,) = find(text, *rows, probabilities=probabilities)
        assert match.low is low
    (match,) = find(text, *rows, probabilities=[0.9, 0.9, 0.3, 0.9, 0.9], least_probability=0.2)
    assert not match.low


def test_nothing_is_found_in_nothing() -> None:
    assert find("", SHORT) == []
    assert find("... - , !", SHORT) == []


def test_an_own_row_that_takes_too_long_is_left_out_and_named() -> None:
    ticks = iter(range(1_000_000))
    slow = replace(SHORT, own=True)
    quick = Matcher(with_rows(slow, LONG), ["discouraged"])
    words = ("you need to go " * 100).split()
    assert len(quick.find(words)) == 100
    assert quick.warnings == []
    bounded = Matcher(with_rows(slow, LONG), ["discouraged"], clock=lambda: float(next(ticks)))
    assert len(bounded.find(words)) < 100
    (warning,) = bounded.warnings
    assert "own row A" in warning
    assert bounded.find(words) == []
    assert len(bounded.warnings) == 1


def test_costly_own_patterns_end_in_time() -> None:
    heavy = row("A", "a " + "[{thing}] " * 40 + "z", own=True)
    matcher = Matcher(with_rows(heavy), ["discouraged"])
    begin = time.process_time()
    matcher.find(["a"] * 3000)
    assert time.process_time() - begin < 1.0


def test_memory_of_states_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    matcher = Matcher(with_rows(row("A", "so {thing} {thing} done")), ["discouraged"])
    monkeypatch.setattr(type(matcher._shipped), "most_states", 3)
    text = ["so", "this", "is", "it", "now", "done"]
    assert [ids(matcher.find(text)) for _ in range(3)] == [["A"]] * 3
    assert len(matcher._shipped.steps) < 40


def test_time_is_linear_in_the_text() -> None:
    """Twenty times the words take far less than the square of it."""
    lexicon = load_lexicon()
    matcher = Matcher(lexicon, ["discouraged", "strong", "acknowledgement"])
    once = re.findall(r"\w+", "so you need to open it with the old one and i was told it is not good enough")
    matcher.find(once * 20)
    took = []
    for size in (20, 400):
        begin = time.process_time()
        matcher.find(once * size)
        took.append(time.process_time() - begin)
    assert took[1] < 20 * took[0] * 4


SAID = ["you", "need", "to", "calm", "down", "not", "um", "well", ".", ",", "stop"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(["you", "need", "to", "calm", "down", "not", "um", "well", ".", ",", "stop"]),
        max_size=40,
    )
)
def test_matches_of_any_text_lie_inside_it_in_order_and_do_not_overlap(words: list[str]) -> None:
    found = Matcher(with_rows(SHORT, LONG, row("C", "calm {thing} stop")), ["discouraged"]).find(words)
    before = -1
    for match in found:
        assert before < match.first <= match.last < len(words)
        before = match.last
