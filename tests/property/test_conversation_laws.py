"""Laws of turn-taking over conversations nobody would have thought of."""

from __future__ import annotations

import json
from itertools import pairwise

import jsonschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcoach.clock import to_samples
from callcoach.contract.schemas import load_schema
from callcoach.events import Channel, FloorTaken, OpeningStory, Overlap, OverlapClass, Silence, Turn
from tests.support.documents import document_of
from tests.support.talking import Run, Talk, talk

SCHEMA = jsonschema.Draft202012Validator(load_schema("call-1"))
VOCABULARY = (
    "yeah", "no", "mm-hmm", "okay.", "but", "the", "screen", "black", "name?", "hold", "moment", "because",
    "restart", "um", "so.", "it...", "Your", "please", "exactly", "why?",
)  # fmt: skip


@st.composite
def sides(draw: st.DrawFn, channel: Channel) -> list[Run]:
    """Runs of one side, never overlapping themselves, on a grid of 10 ms."""
    runs: list[Run] = []
    at = 0
    with_words = draw(st.booleans())
    for _ in range(draw(st.integers(0, 9))):
        at += draw(st.one_of(st.integers(20, 150), st.integers(20, 900)))
        length = draw(st.one_of(st.integers(10, 90), st.integers(10, 600)))
        text = " ".join(draw(st.lists(st.sampled_from(VOCABULARY), max_size=8))) if with_words else None
        runs.append(Run(channel, at / 100, (at + length) / 100, text, draw(st.sampled_from([0.3, 0.9]))))
        at += length
    return runs


CONVERSATIONS = st.builds(lambda a, c: [*a, *c], sides(Channel.AGENT), sides(Channel.CALLER))
LAWS = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def played(runs: list[Run], delay_s: float = 1.5) -> Talk:
    last = max((r.end for r in runs), default=0.0)
    return talk(runs, delay_s=delay_s, seconds=last + 0.5)


@LAWS
@given(CONVERSATIONS, st.sampled_from([0.0, 1.5, 30.0]))
def test_the_log_is_in_order_and_inside_the_call(runs: list[Run], delay_s: float) -> None:
    found = played(runs, delay_s)
    known = [e.known_at for e in found.events]
    assert known == sorted(known)
    end = -(-found.length // 512) * 512
    assert all(e.span.end <= end for e in found.events)


@LAWS
@given(CONVERSATIONS)
def test_every_overlap_has_one_number_and_one_story(runs: list[Run]) -> None:
    found = played(runs)
    by_number: dict[int, list[Overlap]] = {}
    for event in found.of(Overlap):
        by_number.setdefault(event.number, []).append(event)
    for events in by_number.values():
        stages = [e.stage for e in events]
        assert stages in (["sound"], ["words"], ["sound", "words"])
        assert (
            len({(e.incomer, e.utterance.start) for e in events if e.kind is not OverlapClass.TERMINAL}) <= 1
        )
    for event in found.overlaps:
        assert 0 <= event.overlap <= max(event.utterance.length, event.span.length)
        if event.kind is OverlapClass.PAUSE_BARGE_IN:
            assert event.overlap == 0
        if event.kind is OverlapClass.BACKCHANNEL:
            assert not event.kind.counted


@LAWS
@given(CONVERSATIONS)
def test_turns_follow_each_other(runs: list[Run]) -> None:
    found = played(runs)
    periods = found.conversation.floor.periods
    starts = [p.start for p in periods]
    assert starts == sorted(starts)
    assert len(set(starts)) == len(starts)
    assert all(p.start <= p.end for p in periods)
    for channel in Channel:
        mine = [p for p in periods if p.holder is channel]
        assert all(a.end <= b.start for a, b in pairwise(mine))
    assert len(found.of(FloorTaken)) == sum(not p.from_words for p in periods) or any(
        p.from_words for p in periods
    )
    spoken = {c: [r for r in runs if r.channel is c] for c in Channel}
    for turn in found.of(Turn):
        assert any(
            to_samples(r.start) < turn.span.end and to_samples(r.end) > turn.span.start
            for r in spoken[turn.channel]
        )


@LAWS
@given(CONVERSATIONS)
def test_nobody_speaks_in_a_silence(runs: list[Run]) -> None:
    found = played(runs)
    quiets = found.conversation.silences.quiets
    assert all(a.end <= b.start for a, b in pairwise(quiets))
    for quiet in quiets:
        assert quiet.end - quiet.start >= to_samples(3.0)
        for run in runs:
            assert min(to_samples(run.end), quiet.end) <= max(to_samples(run.start), quiet.start)
    told = {(e.span.start, e.span.end) for e in found.of(Silence)}
    assert told == {(q.start, q.end) for q in quiets}


@LAWS
@given(CONVERSATIONS)
def test_metrics_are_in_range_and_the_document_fits_its_schema(runs: list[Run]) -> None:
    found = played(runs)
    document = document_of(found)
    SCHEMA.validate(json.loads(document.to_json()))
    values = document.metrics
    assert values.M01 is not None
    speech = {
        c: sum(to_samples(r.end) - to_samples(r.start) for r in runs if r.channel is c) / 16_000
        for c in Channel
    }
    assert values.M01.agent_s >= speech[Channel.AGENT] - 0.01
    assert values.M01.caller_s >= speech[Channel.CALLER] - 0.01
    if values.M06 is not None:
        assert values.M06.overlap_s <= min(values.M01.agent_s, values.M01.caller_s) + 0.001
    if values.M04 is not None:
        assert values.M04.pct <= 100
    assert values.M07 is not None
    assert len(values.M07.agent) + len(values.M07.caller) == sum(o.counted for o in document.overlaps)


@LAWS
@given(CONVERSATIONS)
def test_a_story_lies_in_the_call(runs: list[Run]) -> None:
    found = played(runs)
    for event in found.of(OpeningStory):
        assert event.completed == (event.cut_at is None)
        if event.cut_at is not None:
            assert event.span.start <= event.cut_at
        assert event.backchannels >= 0


@LAWS
@given(CONVERSATIONS)
def test_agent_and_caller_are_treated_alike(runs: list[Run]) -> None:
    """Exchange the two sides: the same overlaps come out with the sides exchanged."""
    swapped = [Run(r.channel.other, r.start, r.end, r.text, r.probability) for r in runs]
    one = [(o.incomer, o.span, o.kind) for o in played(runs).overlaps]
    two = [(o.incomer.other, o.span, o.kind) for o in played(swapped).overlaps]
    starts = {c: {r.start for r in runs if r.channel is c} for c in Channel}
    if not starts[Channel.AGENT] & starts[Channel.CALLER]:  # a tie is the agent's
        assert sorted(one, key=str) == sorted(two, key=str)
