"""When the recogniser is asked for words of open speech, and what stands in front of a piece."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcoach.clock import FRAME_LENGTH, SAMPLE_RATE, Samples, Span, to_samples
from callcoach.core.windows import join_pieces
from callcoach.events import Channel
from callcoach.live.context import JOINT, Before, ContextPlan
from callcoach.live.schedule import InterimSchedule, SchedulePlan, Wish, shorten
from callcoach.ports import SpeechWindow

PAD = to_samples(0.2)
LONGEST = to_samples(15)


class Talk:
    """Speech of one party as its cutter would show it: (start, end) in seconds."""

    def __init__(self, *runs: tuple[float, float]) -> None:
        self.runs = [(int(to_samples(a)), int(to_samples(b))) for a, b in runs]
        self.done = 0

    def open_span(self, now: int) -> Span | None:
        heard = [(a, min(b, now)) for a, b in self.runs if b > self.done and a < now]
        if not heard:
            return None
        if now - heard[-1][1] >= to_samples(0.5) or heard[-1][1] - heard[0][0] > LONGEST - 2 * PAD:
            self.done = heard[-1][1]
            return None
        first = max(heard[0][0], self.done) - PAD
        return Span(Samples(max(0, first)), Samples(min(heard[-1][1] + PAD, now, first + LONGEST)))

    def open_piece(self, now: int) -> SpeechWindow | None:
        span = self.open_span(now)
        return None if span is None else window(span.start, span.end)


def window(start: int, end: int, channel: Channel = Channel.AGENT) -> SpeechWindow:
    span = Span(Samples(start), Samples(end))
    return SpeechWindow(channel, np.arange(start, end, dtype=np.float32), (span,), (0,))


def run(talk: Talk, seconds: float, *, interim: bool = True, ahead: bool = True) -> list[tuple[float, Wish]]:
    schedule = InterimSchedule(SchedulePlan(every_s=0.8, first_s=0.6, silent_s=0.25))
    found = []
    for now in range(FRAME_LENGTH, to_samples(seconds), FRAME_LENGTH):
        wish = schedule.step(now, Channel.AGENT, talk, pad=PAD, interim=interim, ahead=ahead)
        if wish is not None:
            found.append((now / SAMPLE_RATE, wish))
    return found


def test_an_interim_window_every_0_8_s_of_speech() -> None:
    found = run(Talk((1.0, 6.0)), 6.0)
    times = [at for at, _ in found]
    assert times[0] == pytest.approx(1.6, abs=0.05)
    assert np.diff(times) == pytest.approx([0.8] * (len(times) - 1), abs=0.05)
    assert all(wish.start == to_samples(0.8) for _, wish in found)
    assert all(wish.window.pieces[0].start == wish.start for _, wish in found)
    assert not any(wish.ahead for _, wish in found)


def test_the_final_window_is_asked_for_once_before_the_silence_is_long_enough() -> None:
    found = [(at, wish) for at, wish in run(Talk((1.0, 3.3)), 6.0) if wish.ahead]
    ((at, wish),) = found
    assert at == pytest.approx(3.55, abs=0.05)
    assert wish.window.pieces == (Span(to_samples(0.8), to_samples(3.5)),)


def test_speech_that_goes_on_is_asked_for_again() -> None:
    found = [wish for _, wish in run(Talk((1.0, 3.0), (3.4, 5.0)), 8.0) if wish.ahead]
    assert [wish.window.pieces[0].end for wish in found] == [to_samples(3.2), to_samples(5.2)]
    assert len({wish.start for wish in found}) == 1


def test_a_short_pause_is_not_the_end() -> None:
    assert not [w for at, w in run(Talk((1.0, 3.0), (3.2, 5.0)), 5.0) if w.ahead]


def test_nothing_is_asked_for_when_it_is_not_wanted() -> None:
    talk = (1.0, 6.0), (8.0, 9.0)
    assert all(wish.ahead for _, wish in run(Talk(*talk), 10, interim=False))
    assert not any(wish.ahead for _, wish in run(Talk(*talk), 10, ahead=False))
    assert run(Talk(*talk), 10, interim=False, ahead=False) == []
    assert run(Talk(), 10) == []


def test_an_interim_window_may_begin_at_a_settled_word_and_is_never_longer_than_15_s() -> None:
    schedule, talk = InterimSchedule(), Talk((1.0, 40.0))
    begin: int | None = None
    for now in range(FRAME_LENGTH, to_samples(15.5), FRAME_LENGTH):
        wish = schedule.step(now, Channel.AGENT, talk, pad=PAD, begin=begin)
        if wish is not None:
            assert len(wish.window.audio) <= LONGEST
            if begin is not None:
                assert wish.window.pieces[0].start == max(begin, wish.start) == wish.window.audio[0]
            begin = max(0, now - to_samples(4))


def test_shorten_keeps_sound_and_place_together() -> None:
    short = shorten(window(1000, 5000), 3000)
    assert (short.pieces, short.offsets) == ((Span(Samples(3000), Samples(5000)),), (0,))
    assert short.audio[0] == 3000
    assert len(short.audio) == 2000
    assert shorten(window(1000, 5000), 500).pieces[0].start == 1000
    assert len(shorten(window(1000, 5000), 9000).audio) == 0


TALK = st.lists(st.tuples(st.floats(0.05, 3.0), st.floats(0.1, 20.0)), min_size=1, max_size=3)


@settings(max_examples=30, deadline=None)
@given(TALK, st.booleans())
def test_laws_for_any_talk(pauses_and_runs: Sequence[tuple[float, float]], busy: bool) -> None:
    at, runs = 0.5, []
    for pause, length in pauses_and_runs:
        runs.append((at + pause, at + pause + length))
        at += pause + length
    found = run(Talk(*runs), at + 2, interim=not busy)
    last: dict[tuple[int, bool], int] = {}
    for when, wish in found:
        (piece,) = wish.window.pieces
        assert len(wish.window.audio) == piece.length <= LONGEST
        assert wish.start <= piece.start
        assert piece.end <= round(when * SAMPLE_RATE)
        key = (wish.start, wish.ahead)
        assert piece.end > last.get(key, -1)  # the same sound is never asked for twice
        if not wish.ahead and key in last:
            assert piece.end - last[key] >= to_samples(0.8)
        last[key] = piece.end
        assert not (busy and not wish.ahead)


def test_pieces_just_before_stand_in_front() -> None:
    before = Before(ContextPlan(gap_s=3, most_s=6, window_s=15))
    first, second = window(0, to_samples(2)), window(to_samples(3), to_samples(5))
    before.add(first)
    before.add(second)
    piece = window(to_samples(6), to_samples(6.5))
    assert before.of(piece) == [first, second]
    joined = join_pieces([*before.of(piece), piece], JOINT)
    assert joined.pieces[-1] == piece.pieces[0]
    assert joined.audio[joined.offsets[-1]] == piece.audio[0]


def test_what_is_too_far_or_too_long_stays_out() -> None:
    before = Before(ContextPlan(gap_s=3, most_s=6, window_s=15))
    before.add(window(0, to_samples(2)))
    assert before.of(window(to_samples(5.1), to_samples(6))) == []
    before.add(window(to_samples(4), to_samples(9.9)))
    assert before.of(window(to_samples(10), to_samples(11))) == []
    before.add(window(to_samples(10), to_samples(11)))
    assert len(before.of(window(to_samples(12), to_samples(13)))) == 1
    assert before.of(window(to_samples(12), to_samples(26))) == []
    before.clear()
    assert before.of(window(to_samples(12), to_samples(13))) == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 4.0), st.floats(0.3, 14.9)), min_size=1, max_size=12))
def test_a_window_with_what_is_in_front_is_never_too_long(parts: Sequence[tuple[float, float]]) -> None:
    before, at = Before(), 0.0
    for pause, length in parts:
        at += pause
        piece = window(to_samples(at), to_samples(at + length))
        at += length
        front = before.of(piece)
        whole = join_pieces([*front, piece], JOINT)
        assert len(whole.audio) <= LONGEST
        spans = [w.pieces[0] for w in [*front, piece]]
        assert all(a.end <= b.start <= a.end + to_samples(4) for a, b in pairwise(spans))
        before.add(piece)
