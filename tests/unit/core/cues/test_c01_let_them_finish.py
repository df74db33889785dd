from __future__ import annotations

import pytest

from callcoach.clock import to_samples, to_seconds
from callcoach.config import Settings
from callcoach.core.cues.c01_let_them_finish import LetThemFinish
from tests.support.coaching import coached


def test_a_ring_comes_first_and_a_text_when_it_goes_on() -> None:
    cue = coached("caller 0-10, agent 5-9", [LetThemFinish])
    # the ring is past a backchannel, the text past a clarification
    assert cue.times == [("ring", 5.9), ("text", 6.7)]
    assert [e.number for e in cue.opened] == [1, 1]
    assert cue.opened[0].facts["overlap_s"] == 0.7
    assert cue.reasons == ["the agent let them speak"]


def test_it_is_known_soon_after_it_is_true() -> None:
    cue = coached("caller 0-10, agent 5-9", [LetThemFinish])
    settings = Settings()
    ring = 5 + max(settings.c01.hold_s, settings.overlap.backchannel_no_text_s)
    text = 5 + settings.c01.text_s
    assert 0 <= to_seconds(cue.opened[0].known_at) - ring <= 0.3
    assert 0 <= to_seconds(cue.opened[1].known_at) - text <= 1.0


def test_a_second_time_within_a_minute_is_a_text_at_once() -> None:
    cue = coached("caller 0-20, agent 5-7, caller 21-40, agent 30-33", [LetThemFinish])
    assert [form for form, _ in cue.times] == ["ring", "text", "text"]
    assert cue.opened[-1].facts["again"] is True


def test_a_clarification_only_rings_and_makes_no_second_time() -> None:
    cue = coached("caller 0-40, agent 5-6.2, agent 20-21.2", [LetThemFinish])
    assert [form for form, _ in cue.times] == ["ring", "ring"]


def test_a_caller_who_gives_way_at_once_is_an_interruption() -> None:
    """The overlap is too short for the clock; the turn-taking rules decide a second later."""
    cue = coached("caller 0-10 'so then I went to the', agent 9.45-14 'Which one is it'", [LetThemFinish])
    assert [form for form, _ in cue.times] == ["ring"]
    assert cue.reasons == ["the caller gave way"]


def test_a_pause_of_the_caller_in_the_overlap_changes_nothing() -> None:
    cue = coached("caller 0-5.6, caller 5.9-12, agent 5-9", [LetThemFinish])
    assert [form for form, _ in cue.times] == ["ring", "text"]


@pytest.mark.parametrize(
    "script",
    [
        "caller 0-10, agent 5-5.5",  # a backchannel
        "agent 0-10, caller 5-9",  # the caller comes in
        "agent 0-5, caller 4.8-10",  # the agent's own turn ends in the overlap
        "agent 0-2, agent 4-10, caller 4.1-9",  # both at once
    ],
)
def test_it_stays_closed(script: str) -> None:
    assert coached(script, [LetThemFinish]).opened == []


def test_the_evidence_is_the_overlap() -> None:
    (ring, _) = coached("caller 0-10, agent 5-9", [LetThemFinish]).opened
    (span,) = ring.evidence
    assert abs(span.start - to_samples(5)) <= to_samples(0.1)
    assert span.end == ring.known_at
