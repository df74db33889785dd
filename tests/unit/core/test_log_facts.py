"""The facts of a call from its log are those of the running analysis."""

from __future__ import annotations

import dataclasses
import json
import random
from functools import cache

import numpy as np
import pytest

from callcoach.clock import HOP_LENGTH, Samples, Span, to_samples
from callcoach.config import Settings
from callcoach.contract import Quality, VerdictInfo
from callcoach.core.delivery_metrics import delivery_metrics
from callcoach.core.document import document_of_facts
from callcoach.core.log_facts import ECHO, Floor, facts_of_log, parties_of, segments_of
from callcoach.events import (
    Channel,
    Event,
    FloorTaken,
    Notice,
    Overlap,
    OverlapClass,
    Silence,
    Turn,
    event_from_json,
    event_to_json,
)
from tests.support.documents import call_info, document_of
from tests.support.live_logs import analysed, ended, said, span, speech
from tests.support.talking import Run, Talk, talk

SEEDS = range(16)
TEXTS = (
    "okay",
    "yes I see",
    "and then it just",
    "what happened there?",
    "please open the menu now",
    "one moment please",
    "no",
    "can I have your name?",
    "mm-hmm",
    "thank you goodbye",
)


def log_of(found: Talk) -> list[Event]:
    """What a log holds of a conversation."""
    runs: list[Event] = [
        speech(c, i.start / 16_000, i.end / 16_000)
        for c, party in found.conversation.parties.items()
        for i in party.ipus
    ]
    told = [event_from_json(json.loads(json.dumps(event_to_json(e)))) for e in found.events]
    return [*runs, *told, ended(found.length / 16_000)]


def same_document(found: Talk, *, words: bool) -> list[str]:
    """Compare the documents of the conversation and of its log; return the keys that differ."""
    facts = facts_of_log(log_of(found), settings=found.settings, length=found.length, words=words)
    document = document_of_facts(
        dataclasses.replace(facts, told=None),
        info=call_info(found.length),
        verdict=VerdictInfo(status="ok"),
        quality=Quality(),
        settings=found.settings,
        length=found.length,
    )
    wanted, got = json.loads(document_of(found).to_json()), json.loads(document.to_json())
    return [key for key in wanted if wanted[key] != got[key]]


@cache
def at_random(seed: int) -> tuple[Talk, bool]:
    """Two parties that talk whenever they like, and whether their words are recognised."""
    rng = random.Random(seed)
    runs: list[Run] = []
    end = rng.uniform(15, 40)
    for channel in Channel:
        at = rng.random() * 3
        while at < end:
            length = rng.choice([0.15, 0.3, 0.6, 0.8, 0.95, 1.5, 3, 6, rng.uniform(0.1, 9)])
            text = rng.choice(TEXTS)
            if length < 1.2:
                text = " ".join(text.split()[: rng.randint(1, 4)])
            runs.append(Run(channel, round(at, 3), round(at + length, 3), text))
            at += length + rng.choice([0.21, 0.4, 0.7, 1.2, 3, rng.uniform(0.2, 8)])
    words = rng.random() < 0.8
    return talk(runs, words=words, delay_s=rng.choice([0.5, 1.5, 4])), words


@pytest.mark.parametrize("seed", SEEDS)
def test_any_conversation_gives_the_same_document(seed: int) -> None:
    found, words = at_random(seed)
    assert same_document(found, words=words) == []


def test_the_conversations_have_what_is_hard() -> None:
    """Short turns that only words gave away, and turns that go on after them."""
    inserted = resumed = 0
    for seed in SEEDS:
        found, _ = at_random(seed)
        periods = found.conversation.floor.periods
        inserted += sum(p.from_words for p in periods)
        taken = {(e.channel, e.span.start) for e in found.events if isinstance(e, FloorTaken)}
        resumed += sum((p.holder, p.start) not in taken and not p.from_words for p in periods)
    assert inserted >= 3
    assert resumed >= 1


def test_a_short_turn_splits_the_one_around_it() -> None:
    found = talk(
        "agent 0-6 'let me tell you how this works here', caller 6.3-7.0 'I know that', "
        "agent 7.4-12 'good then we can go on with it'",
        delay_s=8,
    )
    assert found.turns == ["agent 0.0-6.0", "caller 6.3-7.0", "agent 7.4-12.0"]
    assert same_document(found, words=True) == []


def test_a_turn_that_nobody_ended_is_open() -> None:
    taken = FloorTaken(span=span(1, 2), known_at=to_samples(2), channel=Channel.AGENT, offset=None)
    events = [taken, speech(Channel.AGENT, 1, 4)]
    floor = Floor(parties_of(events, Settings()))
    assert floor.open_turn(events) == (Channel.AGENT, to_samples(1))
    over = Turn(span=span(1, 4), known_at=to_samples(7), channel=Channel.AGENT, segments=1)
    assert Floor(parties_of(events, Settings())).open_turn([*events, over]) is None


def test_the_last_name_of_a_silence_counts() -> None:
    def silence(kind: str, owner: Channel | None, stage: str) -> Silence:
        record = {"type": "Silence", "span": [16_000, 160_000], "known_at": 170_000, "kind": kind}
        event = event_from_json({**record, "owner": owner, "stage": stage})
        assert isinstance(event, Silence)
        return event

    events = [silence("dead_air", Channel.AGENT, "sound"), silence("narrated", Channel.AGENT, "words")]
    facts = facts_of_log([*events, ended(20)], settings=Settings(), length=320_000, words=True)
    assert facts.talk is not None
    assert [(q.kind, q.start) for q in facts.talk.quiets] == [("narrated", 16_000)]


def test_words_that_come_late_stand_where_they_were_said() -> None:
    agent = Channel.AGENT
    events = [speech(agent, 1, 3), speech(agent, 5, 8), said(agent, 5, 8, "second part")]
    events = [*events, ended(10), said(agent, 1, 3, "first part", known=11)]
    facts = facts_of_log(events, settings=Settings(), length=160_000, words=True)
    assert [w.text for w in facts.transcript.all(agent)] == ["first", "part", "second", "part"]


# -- echo --------------------------------------------------------------------------------------------------


def echoed() -> list[Event]:
    """Speech of the agent that the caller's loudspeaker was, with the meeting that it seemed to be."""
    meeting = Overlap(
        span=span(3.2, 4),
        known_at=to_samples(5),
        number=1,
        incomer=Channel.AGENT,
        kind=OverlapClass.FLOOR_TAKING,
        stage="sound",
        confidence="low",
        utterance=span(3.2, 4),
        overlap=to_samples(0.8),
        holder_end=None,
        clause_complete=None,
    )
    return [
        speech(Channel.AGENT, 0, 1),
        speech(Channel.AGENT, 3.2, 4),
        meeting,
        speech(Channel.CALLER, 3, 6),
    ]


def test_what_a_notice_takes_back_was_never_said() -> None:
    notice = Notice(span=span(2, 7), known_at=to_samples(7), code=ECHO, value=0.5)
    later = speech(Channel.AGENT, 8, 9)
    events = [*echoed(), notice, later, ended(10)]
    facts = facts_of_log(events, settings=Settings(), length=160_000, words=False)
    assert [i.start for i in facts.parties[Channel.AGENT].ipus] == [0, to_samples(8)]
    assert facts.talk is not None
    assert facts.talk.meetings == []
    assert len(facts.parties[Channel.CALLER].ipus) == 1


def test_the_mask_tells_what_was_taken_back() -> None:
    mask = np.zeros(160_000 // HOP_LENGTH, np.bool_)
    mask[: 16_000 // HOP_LENGTH] = True
    facts = facts_of_log(
        [*echoed(), ended(10)],
        settings=Settings(),
        length=160_000,
        words=False,
        speech={Channel.AGENT: mask},
    )
    assert [i.start for i in facts.parties[Channel.AGENT].ipus] == [0]
    assert facts.talk is not None
    assert facts.talk.meetings == []


def test_without_a_notice_everything_told_stands() -> None:
    facts = facts_of_log([*echoed(), ended(10)], settings=Settings(), length=160_000, words=False)
    assert len(facts.parties[Channel.AGENT].ipus) == 2
    assert facts.talk is not None
    assert len(facts.talk.meetings) == 1


# -- delivery ----------------------------------------------------------------------------------------------


def test_the_agents_delivery_needs_no_curves_of_the_caller() -> None:
    """Of the caller only when they spoke is kept (DLV-7); the paces can then not be compared."""
    call = analysed("s02_interrupted_scanner")
    settings = Settings()
    metrics = []
    for columns in (call.curves.columns, {Channel.AGENT: call.curves.columns[Channel.AGENT]}):
        facts = facts_of_log(
            call.events,
            settings=settings,
            length=call.length,
            words=True,
            columns=columns,
            speech=call.curves.speech,
            active=call.curves.active,
        )
        assert facts.voices is not None
        metrics.append(delivery_metrics(facts.voices, facts.parties, facts.transcript, settings, call.length))
    (both, _), (own, why) = metrics
    assert {k for k in both if both[k] != own.get(k)} == {"V05", "V08"}
    assert why["V05"] == "the caller's delivery is not kept"
    assert both["V08"].agent_pct == own["V08"].agent_pct  # type: ignore[attr-defined]


def test_runs_of_speech_come_in_order_of_time() -> None:
    events = [speech(Channel.AGENT, 5, 6), speech(Channel.AGENT, 1, 2), speech(Channel.CALLER, 3, 4)]
    assert [e.span for e in segments_of(events, Channel.AGENT)] == [span(1, 2), span(5, 6)]
    assert segments_of(events, None) == []


def test_nothing_lies_beyond_the_end() -> None:
    taken = FloorTaken(span=span(1, 2), known_at=to_samples(2), channel=Channel.AGENT, offset=None)
    turn = Turn(
        span=Span(to_samples(1), Samples(99_999)), known_at=Samples(99_999), channel=Channel.AGENT, segments=1
    )
    facts = facts_of_log([taken, turn, ended(5)], settings=Settings(), length=80_000, words=False)
    assert facts.talk is not None
    assert facts.talk.periods[0].end == 80_000
