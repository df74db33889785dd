"""Guards against invented text."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcoach.speech.guards import compression_ratio, find_repetition, is_invented, plain

PHRASE = ["thank", "you", "very", "much"]


def test_a_phrase_may_be_said_three_times() -> None:
    assert find_repetition(PHRASE * 3) is None


def test_the_fourth_time_is_surplus() -> None:
    assert find_repetition([*["well", "I", "said"], *PHRASE * 5, "bye"]) == (3 + 12, 3 + 20)


def test_case_and_punctuation_do_not_hide_a_repetition() -> None:
    words = ["I", "see", "it.", "i", "see,", "it", "I", "see", "it!", "I", "SEE", "IT"]
    assert find_repetition(words) == (9, 12)


@pytest.mark.parametrize(
    "text", ["no no no no no no no", "bye bye bye bye bye", "one two one two one two one two"]
)
def test_short_repetitions_are_real_speech_below_twelve_words(text: str) -> None:
    assert find_repetition(text.split()) is None


def test_one_word_without_end_is_a_loop() -> None:
    assert find_repetition(["you"] * 12) is not None


@given(st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=40))
def test_removing_the_surplus_always_ends_without_repetition(words: list[str]) -> None:
    steps = 0
    while surplus := find_repetition(words):
        begin, end = surplus
        assert 0 <= begin < end <= len(words)
        words = words[:begin] + words[end:]
        steps += 1
        assert steps <= 40
    assert find_repetition(words) is None


@given(st.lists(st.integers(0, 10**6), max_size=30, unique=True))
def test_words_that_differ_are_never_a_repetition(numbers: list[int]) -> None:
    assert find_repetition([f"w{n}" for n in numbers]) is None


def test_compression_ratio_of_a_loop_is_high_and_of_speech_is_low() -> None:
    speech = "I moved the meeting to Thursday because the projector in room four is still broken."
    assert compression_ratio("") == 0.0
    assert compression_ratio(speech) < 1.6
    assert compression_ratio("okay so " * 40) > 2.4
    assert compression_ratio(speech) == len(speech) / len(zlib.compress(speech.encode()))


def test_silence_needs_both_signs() -> None:
    assert is_invented(0.7, -1.2, 0.9)
    assert not is_invented(0.7, -0.5, 0.9)
    assert not is_invented(0.5, -1.2, 0.9)


def test_a_mere_guess_needs_no_second_sign() -> None:
    assert is_invented(0.0, -1.31, 0.9)
    assert not is_invented(0.0, -1.29, 0.9)


def test_a_first_word_out_of_nothing_needs_a_window_that_may_be_silent() -> None:
    assert is_invented(0.7, -0.5, 0.09)
    assert not is_invented(0.5, -0.5, 0.09)


def test_plain_keeps_inner_apostrophes() -> None:
    assert [plain(word) for word in ("Don't,", "'Hello'", "A.M.", "…")] == ["don't", "hello", "am", ""]
