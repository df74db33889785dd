"""Words of a joined window find their place on the call's clock."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcoach.clock import SAMPLE_RATE, Samples, Span, from_ms
from callcoach.events import Channel
from callcoach.ports import SpeechWindow
from callcoach.speech.placing import MIN_WORD_LENGTH, HeardWord, place_words

JOINT = from_ms(300)


def window(*pieces_ms: tuple[int, int]) -> SpeechWindow:
    """Pieces given by begin and end in ms on the call's clock, joined by pauses of 300 ms."""
    spans = tuple(Span(from_ms(a), from_ms(b)) for a, b in pieces_ms)
    offsets, at = [], 0
    for span in spans:
        offsets.append(at)
        at += span.length + JOINT
    return SpeechWindow(Channel.CALLER, np.zeros(at - JOINT, np.float32), spans, tuple(offsets))


def seconds(words: tuple[object, ...]) -> list[tuple[float, float]]:
    return [(w.span.start / SAMPLE_RATE, w.span.end / SAMPLE_RATE) for w in words]  # type: ignore[attr-defined]


def heard(*times: tuple[float, float]) -> list[HeardWord]:
    return [HeardWord(f"w{i}", a, b, 0.5) for i, (a, b) in enumerate(times)]


def test_each_word_is_moved_with_its_piece() -> None:
    two = window((10_000, 12_000), (20_000, 21_000))  # the second begins at 2.3 s of the window
    placed = place_words(heard((0.5, 0.9), (1.0, 1.4), (2.4, 2.8)), two)
    assert seconds(placed) == [(10.5, 10.9), (11.0, 11.4), (20.1, 20.5)]


def test_a_word_over_the_joint_goes_where_its_middle_lies_and_is_cut_there() -> None:
    two = window((10_000, 12_000), (20_000, 21_000))
    first, second = place_words(heard((1.5, 2.4), (2.0, 3.0)), two)
    assert (first.span.start, first.span.end) == (from_ms(11_500), from_ms(12_000))
    assert (second.span.start, second.span.end) == (from_ms(20_000), from_ms(20_700))


@pytest.mark.parametrize(("middle", "piece"), [(2.10, 0), (2.20, 1)])
def test_a_word_in_the_pause_goes_to_the_nearer_piece(middle: float, piece: int) -> None:
    two = window((10_000, 12_000), (20_000, 21_000))
    (word,) = place_words(heard((middle - 0.02, middle + 0.02)), two)
    assert two.pieces[piece].overlap(word.span) == word.span.length > 0


def test_words_without_length_share_what_is_left_of_the_piece() -> None:
    one = window((1_000, 2_000))
    placed = place_words(heard((0.9, 1.0), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0)), one)
    assert [word.span.length for word in placed[1:]] == [MIN_WORD_LENGTH] * 3
    assert placed[-1].span.end == from_ms(2_000)


def test_probability_is_kept_in_range_and_text_is_stripped() -> None:
    (word,) = place_words(
        [HeardWord(" hello ", 0.1, 0.4, 1.0000001), HeardWord("  ", 0.4, 0.5, 0.5)], window((0, 999))
    )
    assert (word.text, word.probability) == ("hello", 1.0)


def test_a_window_without_pieces_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="pieces"):
        place_words([], SpeechWindow(Channel.AGENT, np.zeros(0, np.float32), (), ()))


lengths = st.lists(st.tuples(st.integers(0, 5_000), st.integers(250, 4_000)), min_size=1, max_size=5)
times = st.lists(st.tuples(st.floats(0, 20), st.floats(0, 3)), max_size=40)


@given(lengths, times)
def test_words_are_in_order_inside_their_pieces_and_longer_than_nothing(
    gaps: list[tuple[int, int]], raw: list[tuple[float, float]]
) -> None:
    pieces, at = [], 0
    for gap, length in gaps:
        pieces.append((at + gap, at + gap + length))
        at += gap + length
    target = window(*pieces)
    words = heard(*[(begin, begin + length) for begin, length in sorted(raw)])
    placed = place_words(words, target)
    assert len(placed) == len(words)
    before = Samples(0)
    for word in placed:
        assert word.span.start >= before
        assert word.span.end > word.span.start
        assert sum(piece.overlap(word.span) for piece in target.pieces) == word.span.length
        before = word.span.end
