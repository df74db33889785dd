"""The one clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcoach.clock import Samples, Span, from_ms, to_ms, to_samples, to_seconds


def span(start: int, end: int) -> Span:
    return Span(Samples(start), Samples(end))


@given(st.integers(0, 10**9))
def test_milliseconds_survive(ms: int) -> None:
    assert to_ms(from_ms(ms)) == ms


@given(st.integers(0, 10**9))
def test_samples_survive_seconds(samples: int) -> None:
    assert to_samples(to_seconds(samples)) == samples


@pytest.mark.parametrize(
    ("samples", "ms"), [(0, 0), (7, 0), (8, 1), (16, 1), (23, 1), (24, 2), (15_999, 1000)]
)
def test_milliseconds_are_rounded_to_nearest(samples: int, ms: int) -> None:
    assert to_ms(samples) == ms


@pytest.mark.parametrize(("start", "end"), [(-1, 0), (5, 4)])
def test_a_span_is_ordered_and_not_before_the_call(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="span"):
        span(start, end)


def test_what_two_spans_share() -> None:
    assert span(0, 10).overlap(span(5, 20)) == 5
    assert span(0, 10).overlap(span(10, 20)) == 0
    assert span(0, 10).overlap(span(12, 20)) == 0
    assert span(0, 10).overlap(span(2, 4)) == 2
    assert span(3, 10).length == 7
