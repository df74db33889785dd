from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcoach.clock import Samples, Span
from callcoach.config_redaction import RedactionSettings
from callcoach.events import Channel
from callcoach.lexicon.redaction import Redactor
from callcoach.lexicon.redaction_kinds import MaskKind, Match
from callcoach.lexicon.silencing import (
    apply_silence,
    in_columns,
    joined,
    silence_in_words,
    silence_spans,
    silenced,
    stored_parts,
)
from tests.support.spoken import spoken


def span(start: int, end: int) -> Span:
    return Span(Samples(start), Samples(end))


def match(channel: Channel | None, start: int, end: int) -> Match:
    return Match(MaskKind.NUMBER, channel, 0, 0, span(start, end), span(start, end))


def test_runs_get_a_margin_and_are_joined_where_they_meet() -> None:
    found = silence_spans(
        [
            match(Channel.CALLER, 40_000, 48_000),
            match(Channel.CALLER, 4_000, 30_000),
            match(Channel.AGENT, 9, 10),
        ]
    )
    assert found[Channel.CALLER] == (span(0, 56_000),)
    assert found[Channel.AGENT] == (span(0, 8_010),)


def test_the_margin_is_as_asked_for() -> None:
    (only,) = silence_spans([match(None, 50_000, 60_000)], margin_s=1.0)[None]
    assert only == span(34_000, 76_000)


def test_sound_up_to_the_next_words_is_silenced_too() -> None:
    wide = replace(match(None, 50_000, 60_000), room=span(30_000, 61_000))
    assert silence_spans([wide])[None] == (span(30_000, 68_000),)


def test_touching_spans_are_joined() -> None:
    assert joined([span(5, 9), span(0, 5), span(12, 13)]) == (span(0, 9), span(12, 13))


def test_columns_of_a_call() -> None:
    spans = {Channel.CALLER: (span(5, 9),), Channel.AGENT: (span(8, 20),)}
    own = in_columns(spans, list(Channel), across=False)
    assert own == {0: (span(8, 20),), 1: (span(5, 9),)}
    assert in_columns(spans, list(Channel), across=True) == {0: (span(5, 20),), 1: (span(5, 20),)}
    assert in_columns(spans, [None], across=False) == {0: (span(5, 20),)}


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_zeros_only_inside_and_the_block_itself_is_left(kind: type[np.generic]) -> None:
    block = np.ones((100, 2), dtype=kind)
    out = apply_silence(block, 1000, {1: [span(1010, 1020), span(1090, 2000)]})
    assert out.dtype == kind
    assert block.all()
    assert out[:, 0].all()
    assert np.flatnonzero(out[:, 1] == 0).tolist() == [*range(10, 20), *range(90, 100)]


def test_a_block_without_masked_sound_is_handed_on_as_it_is() -> None:
    block = np.ones(100, np.int16)
    assert apply_silence(block, 0, {0: [span(100, 200)]}) is block


def test_at_another_rate_spans_grow_to_whole_samples() -> None:
    out = apply_silence(np.ones(100, np.float32), 0, {0: [span(3, 5)]}, rate=8_000)
    assert np.flatnonzero(out == 0).tolist() == [1, 2]
    out = apply_silence(np.ones(100, np.float32), 0, {0: [span(3, 5)]}, rate=44_100)
    assert np.flatnonzero(out == 0).tolist() == list(range(8, 14))


@settings(deadline=None)
@given(
    ends=st.lists(st.integers(0, 400), min_size=2, max_size=8, unique=True),
    cuts=st.lists(st.integers(0, 300), max_size=6),
    rate=st.sampled_from([8_000, 16_000, 44_100]),
)
def test_blocks_of_any_size_give_the_same_sound(ends: list[int], cuts: list[int], rate: int) -> None:
    ends = sorted(ends)[: len(ends) // 2 * 2]
    spans = {0: [span(a, b) for a, b in zip(ends[::2], ends[1::2], strict=True)]}
    sound = np.arange(1, 301, dtype=np.int16)
    expected = apply_silence(sound, 0, spans, rate)
    blocks = np.split(sound, sorted(cuts))
    assert np.array_equal(np.concatenate(list(silenced(blocks, spans, rate))), expected)
    for one in spans[0]:
        assert not expected[one.start * rate // 16_000 : -(-one.end * rate // 16_000)].any()


def test_what_is_stored_has_to_be_erased() -> None:
    assert stored_parts([span(0, 10), span(20, 40), span(50, 60)], 30) == [span(0, 10), span(20, 30)]


def test_masked_words_of_a_log_tell_what_to_silence() -> None:
    settings = RedactionSettings()
    words = spoken("<3> it is <0.7> four two seven nine then <2> thank you")
    redactor = Redactor(settings, Channel.CALLER)
    masked = [*redactor.push(words), *redactor.finish()]
    from_log = silence_in_words({Channel.CALLER: masked, Channel.AGENT: spoken("hello there")}, settings)
    assert from_log == silence_spans(redactor.matches, settings.margin_s)
