"""Conversation metrics M01 to M17 and M21 over a finished call (section 2)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from callcoach.clock import SAMPLE_RATE, to_samples, to_seconds
from callcoach.contract import metrics as m
from callcoach.core.call_facts import Talk
from callcoach.core.floor import Period
from callcoach.core.silences import Quiet
from callcoach.core.story import Story
from callcoach.core.utterances import Party
from callcoach.events import Channel, OverlapClass

NEED_CALLER: Final = (
    "M01",
    "M02",
    "M03",
    "M04",
    "M05",
    "M06",
    "M07",
    "M08",
    "M09",
    "M10",
    "M11",
    "M12",
    "M15",
    "M16",
    "M17",
)
"""What the agent's channel alone does not tell."""
LEAST_SPEECH_S: Final = 10.0
"""Caller speech a rate per minute needs; less gives null; [D]."""


def conversation_metrics(
    talk: Talk,
    parties: Mapping[Channel | None, Party],
    length: int,
    counted: dict[Channel, tuple[int, ...]],
    weights: dict[Channel, float],
    story_words: int | None,
) -> m.Metrics:
    """Compute what two channels allow.

    Parameters
    ----------
    talk : turn-taking of both parties.
    parties : their runs of speech.
    length : int
        Samples at 16 kHz of the whole call.
    counted, weights : indices of the counted overlaps in the document, and their summed weight, by side.
    story_words : words of the opening story, or None without words.
    """
    agent, caller = (parties[c].ipus for c in Channel)
    agent_talk, caller_talk = (sum(i.length for i in ipus) for ipus in (agent, caller))
    both_talk = agent_talk + caller_talk
    shared = sum(
        max(0, min(a.end, c.end) - max(a.start, c.start))
        for a in agent
        for c in parties[Channel.CALLER].between(a.start, a.end)
    )
    why: dict[str, str] = {}
    values: dict[str, object] = {
        "M01": m.TalkTime(agent_s=_s(agent_talk), caller_s=_s(caller_talk)),
        "M07": m.Interruptions(
            agent=counted[Channel.AGENT],
            caller=counted[Channel.CALLER],
            agent_weight=weights[Channel.AGENT],
            caller_weight=weights[Channel.CALLER],
        ),
    }

    def put(key: str, value: object | None, reason: str) -> None:
        if value is None:
            why[key] = reason
        else:
            values[key] = value

    nobody = "nobody speaks"
    put("M02", m.TalkShare(agent_pct=_pct(agent_talk, both_talk)) if both_talk else None, nobody)
    put(
        "M03",
        m.TalkToListen(agent_per_caller=_r(agent_talk / caller_talk)) if caller_talk else None,
        "the caller never speaks",
    )
    put("M04", _non_talk(talk.quiets, length), "the recording is empty")
    values["M05"] = _dead_air(talk.quiets)
    union = both_talk - shared
    put("M06", m.OverlapRatio(overlap_s=_s(shared), pct=_pct(shared, union)) if union else None, nobody)
    enough = to_seconds(caller_talk) >= LEAST_SPEECH_S
    little = f"less than {LEAST_SPEECH_S:.0f} s of caller speech"
    minutes = to_seconds(caller_talk) / 60
    put(
        "M08",
        m.InterruptionRate(per_10min=_r(10 * weights[Channel.AGENT] / minutes)) if enough else None,
        little,
    )
    periods = talk.periods
    put("M09", _overtalk(talk), "the agent never takes the floor")
    call_minutes = length / SAMPLE_RATE / 60
    put(
        "M10",
        m.CallerInterruptions(
            count=len(counted[Channel.CALLER]), per_10min=_r(10 * weights[Channel.CALLER] / call_minutes)
        )
        if length
        else None,
        "the recording is empty",
    )
    put("M11", _story(talk.story, story_words), "the caller tells no opening story")
    put("M12", _latency(periods), "the agent never answers a caller turn")
    for key, channel in (("M14", Channel.AGENT), ("M15", Channel.CALLER)):
        put(key, _longest(periods, channel), f"the {channel.value} never takes the floor")
    switches = sum(a.holder is not b.holder for a, b in itertools.pairwise(periods))
    put(
        "M16",
        m.Switches(
            count=switches, per_min=_r(switches / call_minutes), per_hour=_r(60 * switches / call_minutes)
        )
        if length
        else None,
        "the recording is empty",
    )
    backchannels = sum(
        x.incomer is Channel.AGENT and x.decided is OverlapClass.BACKCHANNEL for x in talk.meetings
    )
    put(
        "M17",
        m.BackchannelRate(count=backchannels, per_min=_r(backchannels / minutes)) if enough else None,
        little,
    )
    first = agent[0].start if agent else None
    put("M21", None if first is None else m.GreetingLatency(seconds=_s(first)), "the agent never speaks")
    return m.Metrics.model_validate({**values, "why_null": why})


def _non_talk(quiets: Sequence[Quiet], length: int) -> m.NonTalkTime | None:
    if not length:
        return None
    hold = sum(q.end - q.start for q in quiets if q.kind == "hold")
    silence = sum(min(q.end, length) - q.start for q in quiets if q.kind != "hold")
    return m.NonTalkTime(
        total_s=_s(hold + silence), pct=_pct(hold + silence, length), silence_s=_s(silence), hold_s=_s(hold)
    )


def _dead_air(quiets: Sequence[Quiet]) -> m.DeadAir:
    dead = [q for q in quiets if q.kind == "dead_air"]
    lengths = [q.end - q.start for q in dead]
    return m.DeadAir(
        count=len(dead),
        total_s=_s(sum(lengths)),
        longest_s=_s(max(lengths, default=0)),
        agent_owned=sum(q.owner is Channel.AGENT for q in dead),
        caller_owned=sum(q.owner is Channel.CALLER for q in dead),
    )


def _overtalk(talk: Talk) -> m.OvertalkShare | None:
    turns = [p for p in talk.periods if p.holder is Channel.AGENT]
    if not turns:
        return None
    starts = [
        x.utterance.start
        for x in talk.meetings
        if x.incomer is Channel.AGENT and x.decided is not None and x.decided.counted
    ]
    near = to_samples(1.0)
    over = sum(any(t.start - near <= s <= t.start + near for s in starts) for t in turns)
    return m.OvertalkShare(pct=_pct(over, len(turns)), overtalk_turns=over, turns=len(turns))


def _story(story: Story | None, words: int | None) -> m.OpeningStoryMetric | None:
    if story is None:
        return None
    return m.OpeningStoryMetric(
        length_s=_s(story.end - story.start),
        words=words,
        backchannels=story.backchannels,
        completed=story.completed,
        cut_at_ms=None if story.cut_at is None else round(story.cut_at * 1000 / SAMPLE_RATE),
    )


def _latency(periods: Sequence[Period]) -> m.LatencySummary | None:
    offsets = [
        p.offset * 1000 / SAMPLE_RATE for p in periods if p.holder is Channel.AGENT and p.offset is not None
    ]
    if not offsets:
        return None
    p10, median, p90 = np.percentile(offsets, [10, 50, 90])
    return m.LatencySummary(
        median_ms=round(float(median)), p10_ms=round(float(p10)), p90_ms=round(float(p90)), n=len(offsets)
    )


def _longest(periods: Sequence[Period], channel: Channel) -> m.LongestMonologue | None:
    mine = [p for p in periods if p.holder is channel]
    if not mine:
        return None
    longest = max(mine, key=lambda p: p.end - p.start)
    return m.LongestMonologue(
        begin=round(longest.start * 1000 / SAMPLE_RATE),
        end=round(longest.end * 1000 / SAMPLE_RATE),
        longest_s=_s(longest.end - longest.start),
    )


def _s(samples: int) -> float:
    return round(to_seconds(samples), 3)


def _r(value: float) -> float:
    return round(value, 3)


def _pct(part: float, whole: float) -> float:
    return round(100 * part / whole, 2) if whole else 0.0
