"""Words a minute from words and the fast mask (V01)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from callcoach.clock import Samples, Span, to_samples
from callcoach.core.delivery.word_pace import pace_windows, stretches, words_per_minute
from callcoach.events import Word


def spoken(start: float, end: float, count: int) -> list[Word]:
    step = (end - start) / count
    edges = [Samples(to_samples(start + step * i)) for i in range(count + 1)]
    return [Word("w", Span(a, b), 0.9) for a, b in pairwise(edges)]


def runs(*pairs: tuple[float, float]) -> list[tuple[int, int]]:
    return [(int(to_samples(a)), int(to_samples(b))) for a, b in pairs]


def test_pauses_of_half_a_second_are_speech_time() -> None:
    assert stretches(runs((0, 2), (2.5, 4), (4.6, 5)), 0.5) == runs((0, 4), (4.6, 5))


def test_words_a_minute_of_speech_time() -> None:
    words = spoken(0, 10, 25) + spoken(20, 30, 25)
    assert words_per_minute(words, runs((0, 10), (20, 30)), 0.5) == pytest.approx(150)
    assert words_per_minute(words[:11], runs((0, 10)), 0.5) is None
    assert words_per_minute(spoken(0, 5, 20), runs((0, 5)), 0.5) is None


def test_windows_hold_twelve_seconds_of_speech_across_pauses() -> None:
    words = spoken(0, 10, 20) + spoken(20, 36, 64)
    first, second = pace_windows(words, runs((0, 10), (20, 36)), 0.5)
    assert (first.span.start, first.span.end) == (0, to_samples(22))
    assert (first.speech_s, first.words) == (12.0, 28)
    assert second.wpm == pytest.approx(240)


def test_a_last_window_needs_six_seconds_and_twelve_words() -> None:
    assert len(pace_windows(spoken(0, 17, 40), runs((0, 17)), 0.5)) == 1
    assert len(pace_windows(spoken(0, 19, 40), runs((0, 19)), 0.5)) == 2
    assert pace_windows(spoken(0, 12, 11), runs((0, 12)), 0.5) == []
