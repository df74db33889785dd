"""Was the clause finished? From the last word, its mark, and the F0 at the stop."""

from __future__ import annotations

from array import array

import numpy as np
import pytest

from callcoach.clock import HOP_LENGTH, to_samples
from callcoach.config import OverlapSettings, PitchSettings
from callcoach.core.clause import ClauseJudge
from callcoach.core.phrases import phrases
from callcoach.core.pitch import PitchTrack
from callcoach.core.transcript import Transcript
from callcoach.events import Channel
from tests.support.sounding import word

STOP = 5.0
NOTHING = float("nan")


def judge(
    text: str | None,
    ends_at_hz: float = NOTHING,
    *,
    history: bool = True,
    before: str = "it",
    probability: float = 0.9,
) -> ClauseJudge:
    """Judge an agent whose F0 wandered between 100 and 200 Hz and ended as told, ``text`` the last word."""
    hops = to_samples(STOP) // HOP_LENGTH + 10
    f0 = 150 + 50 * np.sin(np.arange(hops) / 10) if history else np.full(hops, NOTHING)
    f0[-40:] = ends_at_hz
    track = PitchTrack(PitchSettings())
    track.f0_hz = array("f", f0.astype(np.float32))
    transcript = Transcript(enabled=True)
    if text is not None:
        transcript.add(Channel.AGENT, (word(before, 4.0, 4.3), word(text, 4.5, STOP, probability)))
    pitch = {Channel.AGENT: track, Channel.CALLER: PitchTrack(PitchSettings())}
    return ClauseJudge(OverlapSettings(), pitch, transcript, phrases())


def complete(text: str | None, hz: float = NOTHING, *, with_words: bool = True) -> bool | None:
    return judge(text, hz).complete(Channel.AGENT, to_samples(STOP), with_words=with_words)


@pytest.mark.parametrize("text", ["the", "and", "my", "because", "um", "Uh.", "the.", "because."])
def test_a_continuation_word_or_filled_pause_leaves_it_open(text: str) -> None:
    """A full stop that the recogniser put behind it does not help."""
    assert complete(text) is False


@pytest.mark.parametrize("text", ["works...", "works-", "works…"])
def test_a_mark_of_breaking_off_leaves_it_open(text: str) -> None:
    assert complete(text) is False


@pytest.mark.parametrize("text", ["works.", "works?", "works!"])
def test_a_final_mark_finishes_it(text: str) -> None:
    assert complete(text) is True


def test_a_full_stop_at_a_high_pitch_is_not_believed() -> None:
    assert complete("works.", 195.0) is not True
    assert complete("works?", 195.0) is True
    assert complete("works.", 100.0) is True


def test_a_sentence_that_begins_like_a_question_may_end_high() -> None:
    asked = judge("works.", 195.0, before="which")
    assert asked.complete(Channel.AGENT, to_samples(STOP), with_words=True) is True


@pytest.mark.parametrize(("text", "hz", "expected"), [("works.", NOTHING, None), ("works.", 98.0, True)])
def test_a_half_heard_last_word_leaves_it_to_the_pitch(text: str, hz: float, expected: bool | None) -> None:
    doubtful = judge(text, hz, probability=0.2)
    assert doubtful.complete(Channel.AGENT, to_samples(STOP), with_words=True) is expected


def test_words_that_can_end_a_sentence_need_a_mark_and_no_high_pitch() -> None:
    assert complete("so") is False
    assert complete("so.") is True
    assert complete("so.", 195.0) is False
    assert complete("that?", 195.0) is True


def test_a_plain_word_without_a_mark_leaves_it_to_the_pitch() -> None:
    assert complete("works") is None
    assert complete("works", 100.0) is True
    assert complete("works", 150.0) is False


def test_pitch_alone() -> None:
    assert complete("the", 100.0, with_words=False) is True
    assert complete("the", 195.0, with_words=False) is False
    assert complete("the", 112.0, with_words=False) is None  # low third, but not the bottom
    assert complete("the", with_words=False) is None


def test_a_word_too_far_away_does_not_count() -> None:
    far = judge("the").complete(Channel.AGENT, to_samples(STOP + 2.0), with_words=True)
    assert far is None


def test_two_seconds_of_voice_must_have_been_heard() -> None:
    quiet = judge("works", 100.0, history=False)
    assert quiet.ending_height(Channel.AGENT, to_samples(STOP)) is None


def test_the_height_runs_from_bottom_to_top() -> None:
    low = judge(None, 98.0).ending_height(Channel.AGENT, to_samples(STOP))
    high = judge(None, 205.0).ending_height(Channel.AGENT, to_samples(STOP))
    assert low is not None
    assert high is not None
    assert low < 0.1
    assert high > 0.9


def test_a_question_rises() -> None:
    rising = judge(None)
    track = np.array(rising._pitch[Channel.AGENT].f0_hz)
    track[-40:] = np.linspace(120, 180, 40)
    rising._pitch[Channel.AGENT].f0_hz = array("f", track.astype(np.float32))
    assert rising.rises(Channel.AGENT, to_samples(STOP))
    assert not judge(None, 150.0).rises(Channel.AGENT, to_samples(STOP))
    assert not judge(None).rises(Channel.AGENT, to_samples(STOP))  # unvoiced
