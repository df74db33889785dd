"""Level of strong words (L03): weights, fading, relief."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcoach.clock import to_samples
from callcoach.config_language import LanguageSettings
from callcoach.core.language.strong import Mark, level_of

SETTINGS = LanguageSettings()


def test_the_level_is_the_faded_sum() -> None:
    found = level_of([Mark(0, 2.0), Mark(to_samples(10), 3.0)], SETTINGS)
    at = to_samples(30)
    assert found.at(at) == pytest.approx(2 * math.exp(-30 / 45) + 3 * math.exp(-20 / 45))
    assert found.at(to_samples(9.9)) == pytest.approx(2 * math.exp(-9.9 / 45))


def test_relief_takes_off_and_never_below_zero() -> None:
    found = level_of([Mark(0, 1.0), Mark(to_samples(1), -1.5), Mark(to_samples(2), 2.0)], SETTINGS)
    assert found.at(to_samples(1.5)) == 0.0
    assert found.at(to_samples(2)) == 2.0, "relief that was too much is not saved up"


def test_order_of_arrival_does_not_matter() -> None:
    marks = [Mark(to_samples(5), 2.0), Mark(0, 1.0), Mark(to_samples(3), -1.5)]
    assert level_of(marks, SETTINGS).at(99_999) == level_of(sorted(marks), SETTINGS).at(99_999)


def test_peak_and_time_over_a_level() -> None:
    found = level_of([Mark(to_samples(10), 3.0)], SETTINGS)
    assert found.peak() == (3.0, to_samples(10))
    assert found.time_over(1.0, to_samples(600)) == pytest.approx(45 * math.log(3), abs=0.01)
    assert found.time_over(1.0, to_samples(20)) == pytest.approx(10, abs=0.01)
    assert level_of([], SETTINGS).peak() == (0.0, None)


@given(
    st.lists(st.tuples(st.integers(0, 10**7), st.sampled_from([1.0, 2.0, 3.0, -1.5])), max_size=12),
    st.integers(0, 10**7),
    st.floats(0.1, 5),
)
def test_it_falls_below_a_level_where_it_says(
    marks: list[tuple[int, float]], position: int, least: float
) -> None:
    found = level_of([Mark(at, w) for at, w in marks if at <= position], SETTINGS)
    when = found.falls_below(least, position)
    assert when >= position
    assert found.at(when) < least
    if when > position:
        assert found.at(max(position, when - 2)) >= least * (1 - 1e-6)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(0.5, 3)), max_size=8), st.integers(0, 10**6))
def test_later_words_never_change_the_level_before(marks: list[tuple[int, float]], position: int) -> None:
    early = [Mark(at, w) for at, w in marks if at <= position]
    assert level_of(early, SETTINGS).at(position) == level_of([Mark(*m) for m in marks], SETTINGS).at(
        position
    )
