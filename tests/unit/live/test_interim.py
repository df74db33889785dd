"""Interim text: what two looks agree on stays."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from callcoach.clock import SAMPLE_RATE, Samples, Span, from_ms, to_samples
from callcoach.events import Channel, Word
from callcoach.live.interim import InterimPlan, InterimText, moved

BEGIN = to_samples(10)


def said(text: str, begin: float = 10.0, pace: float = 0.3) -> list[Word]:
    """Words of 0.3 s each, one after the other."""
    words = []
    for index, word in enumerate(text.split()):
        start = to_samples(begin + index * pace)
        words.append(Word(word, Span(start, Samples(start + to_samples(pace - 0.02))), 0.9))
    return words


def look(text: InterimText, words: Sequence[Word], seconds: float) -> bool:
    return text.hear(words, text.begin_next, to_samples(10 + seconds))


def test_two_looks_that_agree_make_words_stable() -> None:
    text = InterimText(BEGIN)
    assert look(text, said("my screen is"), 1.2)
    assert (text.text, text.stable) == ("my screen is", 0)
    assert look(text, said("my screen is black since"), 2.0)
    assert (text.text, text.stable) == ("my screen is black since", 3)
    assert look(text, said("my screen is back sins this"), 2.8)
    assert (text.text, text.stable) == ("my screen is back sins this", 3)


def test_a_word_at_the_edge_of_the_sound_is_not_stable() -> None:
    text = InterimText(BEGIN)
    look(text, said("the print"), 0.6)
    look(text, said("the print"), 0.7)
    assert text.stable == 1
    look(text, said("the printer is"), 1.3)
    assert text.text == "the printer is"


def test_a_stable_word_stays_as_it_was_shown() -> None:
    text = InterimText(BEGIN)
    look(text, said("well I can see it"), 2.5)
    look(text, said("well I can see it"), 2.6)
    assert text.stable == 5
    look(text, said("Well, I can't see it now"), 3.0)
    assert text.text == "well I can see it now"


def test_a_look_that_begins_later_continues_the_text() -> None:
    text = InterimText(BEGIN, InterimPlan(long_s=3.0, keep_s=1.5))
    whole = said("so we did that. then the whole thing came back up")
    look(text, whole[:9], 2.9)
    look(text, whole[:10], 3.3)
    begin = text.begin_next
    assert BEGIN < begin < to_samples(11.8)
    later = [word for word in whole if word.span.start >= begin]
    assert later
    assert text.hear(later, begin, to_samples(13.5))
    assert text.text == "so we did that. then the whole thing came back up"


def test_the_next_look_never_leaves_out_what_is_not_stable() -> None:
    text = InterimText(BEGIN, InterimPlan(long_s=3.0, keep_s=1.5))
    look(text, said("a b c d e f g h i j k l"), 3.6)
    assert text.begin_next == BEGIN


def test_a_look_that_comes_late_changes_nothing() -> None:
    text = InterimText(BEGIN)
    look(text, said("one two three four"), 2.0)
    assert not text.hear(said("one"), BEGIN, to_samples(11))
    assert text.text == "one two three four"
    text.finish(said("one two"), to_samples(12))
    assert not look(text, said("one two three"), 3.0)
    assert text.text == "one two"


def test_a_look_without_words_leaves_the_text_alone() -> None:
    text = InterimText(BEGIN)
    look(text, said("one two three"), 1.5)
    assert not look(text, [], 2.0)
    assert text.text == "one two three"
    look(text, said("one two three four"), 2.5)
    assert text.stable == 3


def test_the_final_words_are_stable_and_what_they_move_is_counted() -> None:
    text = InterimText(BEGIN)
    look(text, said("one to three four"), 2.0)
    look(text, said("one to three four"), 2.1)
    assert text.stable == 4
    assert text.finish(said("one two three four five"), to_samples(12.3)) == 1
    assert (text.text, text.stable) == ("one two three four five", 5)


def test_case_and_punctuation_do_not_move_a_word() -> None:
    assert moved(said("well I do"), said("Well, I do.")) == 0
    assert moved(said("a b c"), said("x a b c")) == 0
    assert moved(said("a b c"), said("a c")) == 1
    assert moved(said("a b c"), []) == 3


def test_a_loop_is_not_settled() -> None:
    text = InterimText(BEGIN)
    loop = said("I do not know " * 8, pace=0.1)
    look(text, loop, 6.0)
    look(text, loop, 6.5)
    assert text.stable == 0
    look(text, said("I do not know that name"), 7.0)
    assert text.text == "I do not know that name"


def test_a_line_of_the_log() -> None:
    text = InterimText(Samples(from_ms(10_500)))
    look(text, said("good morning", begin=10.5), 2.0)
    line = text.record(Channel.CALLER, 12.3456789).as_json()
    assert json.loads(json.dumps(line)) == {
        "role": "caller",
        "begin": 10_500,
        "end": 12_000,
        "text": "good morning",
        "stable": 0,
        "wall_s": 12.346,
    }


def test_stable_counts_the_words_of_the_text() -> None:
    """The recogniser may hand out a word with a blank in it; the count is that of the text."""
    text = InterimText(BEGIN)
    words = [Word("at 3 p.m.", Span(BEGIN, Samples(BEGIN + SAMPLE_RATE)), 0.9)]
    look(text, words, 2.0)
    look(text, words, 2.1)
    assert text.stable == len(text.text.split()) == 3


WORDS = st.lists(st.sampled_from("abcdef"), max_size=14)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(WORDS, st.floats(0.05, 2.0), st.floats(0.12, 0.5)), min_size=1, max_size=12), WORDS)
def test_a_stable_word_never_changes(
    looks: Sequence[tuple[list[str], float, float]], last: list[str]
) -> None:
    text = InterimText(BEGIN, InterimPlan(long_s=3.0, keep_s=1.0))
    seconds = 0.0
    before: list[str] = []
    for heard, more, pace in looks:
        seconds += more
        begin = text.begin_next
        assert BEGIN <= begin <= text.end
        words = said(" ".join(heard), begin / SAMPLE_RATE, pace)
        end = to_samples(10 + seconds)
        words = [w for w in words if w.span.end <= end]
        told = text.text, text.stable
        assert text.hear(words, begin, end) == (told != (text.text, text.stable))
        assert text.text.split()[: len(before)] == before
        assert text.stable >= len(before)
        assert text.stable <= len(text.text.split())
        before = text.text.split()[: text.stable]
        assert all(w.span.end <= text.end for w in text.settled)
    text.finish(said(" ".join(last)), to_samples(10 + seconds))
    assert text.text.split() == last
    assert text.stable == len(last)
