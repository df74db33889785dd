"""Call documents for tests: a small hand-made one, and ones built from the truth of synthetic calls."""

from __future__ import annotations

import itertools
import json
import statistics
from pathlib import Path
from typing import Any

from callcoach.contract import (
    CallDocument,
    CallInfo,
    Metrics,
    ModelInfo,
    MonologueEntry,
    OpeningStory,
    OverlapEntry,
    Quality,
    SegmentEntry,
    SilenceEntry,
    TranscriptEntry,
    TurnEntry,
    VerdictInfo,
    WordEntry,
)
from callcoach.contract import metrics as m
from callcoach.events import Channel

AGENT, CALLER = Channel.AGENT, Channel.CALLER
ROLES = (AGENT, CALLER)
SYNTHETIC_CALLS = Path(__file__).parents[3] / "shared" / "data" / "synthetic_calls"
"""Beside the checkout; absent on machines without the shared data."""


def truth_names() -> list[str]:
    """Names of the synthetic calls at hand; empty when the data is absent."""
    return sorted(path.name.removesuffix(".truth.json") for path in SYNTHETIC_CALLS.glob("*.truth.json"))


def words_of(text: str, begin: int, end: int) -> tuple[WordEntry, ...]:
    """Spread the words of a text over an interval (ms)."""
    texts = text.split()
    step = (end - begin) / max(1, len(texts))
    return tuple(
        WordEntry(w=w, b=round(begin + i * step), e=round(begin + (i + 1) * step), p=0.9)
        for i, w in enumerate(texts)
    )


def said(role: Channel | None, begin: int, end: int, text: str, kind: str = "turn") -> TranscriptEntry:
    """One entry of a transcript with spread words."""
    assert kind in ("turn", "backchannel")
    return TranscriptEntry(
        role=role,
        begin=begin,
        end=end,
        text=text,
        kind="turn" if kind == "turn" else "backchannel",
        words=words_of(text, begin, end),
    )


def call_info(**changes: Any) -> CallInfo:
    """Facts about a made-up two-channel call of 40 s."""
    facts: dict[str, Any] = {
        "id": "call-1",
        "source": "example.wav",
        "started_at": None,
        "duration_ms": 40_000,
        "sample_rate": 8000,
        "channel_mode": "dual",
        "language": "en",
        "model": ModelInfo(id="base", sha256="ab" * 32),
        "settings_digest": "0123abcd",
        "version": "0.1.0",
    }
    return CallInfo(**(facts | changes))


def small_document(**changes: Any) -> CallDocument:
    """A call of 40 s: greeting, a story that the agent cuts off, a backchannel, dead air."""
    values: dict[str, Any] = {
        "call": call_info(),
        "verdict": VerdictInfo(status="ok"),
        "quality": Quality(bleed_share=0.0, clipping_pct=0.0, mean_word_probability=0.91),
        "segments": (
            SegmentEntry(role=AGENT, begin=500, end=3000),
            SegmentEntry(role=CALLER, begin=3400, end=15_000),
            SegmentEntry(role=AGENT, begin=8000, end=8400),
            SegmentEntry(role=AGENT, begin=14_300, end=20_000),
            SegmentEntry(role=CALLER, begin=20_500, end=24_000),
            SegmentEntry(role=AGENT, begin=32_000, end=39_000),
        ),
        "turns": (
            TurnEntry(role=AGENT, begin=500, end=3000, phase="opening"),
            TurnEntry(role=CALLER, begin=3400, end=15_000, phase="story"),
            TurnEntry(role=AGENT, begin=14_300, end=20_000, phase="diagnose"),
            TurnEntry(role=CALLER, begin=20_500, end=24_000, phase="diagnose"),
            TurnEntry(role=AGENT, begin=32_000, end=39_000, phase="diagnose"),
        ),
        "transcript": (
            said(AGENT, 500, 3000, "Service desk, Mika here, how can I help?"),
            said(CALLER, 3400, 15_000, "My printer went dark and I need the forms for the big meeting at"),
            said(AGENT, 8000, 8400, "Right.", "backchannel"),
            said(AGENT, 14_300, 20_000, "What is the number on the label?"),
            said(CALLER, 20_500, 24_000, "It says four four two."),
            said(AGENT, 32_000, 39_000, "Thank you for waiting, I found it, please switch it off and on."),
        ),
        "overlaps": (
            OverlapEntry(
                incomer=AGENT,
                begin=8000,
                end=8400,
                overlap_class="backchannel",
                counted=False,
                weight=0,
                confidence="high",
                facts={"overlap_ms": 400},
            ),
            OverlapEntry(
                incomer=AGENT,
                begin=14_300,
                end=15_000,
                overlap_class="floor_taking",
                counted=True,
                weight=1.0,
                confidence="high",
                facts={"overlap_ms": 700, "other_stopped": True},
            ),
        ),
        "silences": (SilenceEntry(begin=24_000, end=32_000, kind="dead_air", owner=AGENT),),
        "opening_story": OpeningStory(
            begin=3400, end=15_000, completed=False, cut_at=14_300, words=14, backchannels=1
        ),
        "metrics": Metrics(
            M01=m.TalkTime(agent_s=15.6, caller_s=15.1),
            M02=m.TalkShare(agent_pct=50.8),
            M03=m.TalkToListen(agent_per_caller=1.033),
            M04=m.NonTalkTime(total_s=8.0, pct=20.0, silence_s=8.0, hold_s=0.0),
            M05=m.DeadAir(count=1, total_s=8.0, longest_s=8.0, agent_owned=1, caller_owned=0),
            M06=m.OverlapRatio(overlap_s=1.1, pct=3.7),
            M07=m.Interruptions(agent=(1,), caller=(), agent_weight=1.0, caller_weight=0.0),
            M08=m.InterruptionRate(per_10min=39.7),
            M09=m.OvertalkShare(pct=33.3, overtalk_turns=1, turns=3),
            M10=m.CallerInterruptions(count=0, per_10min=0.0),
            M11=m.OpeningStoryMetric(
                length_s=11.6, words=14, backchannels=1, completed=False, cut_at_ms=14_300
            ),
            M12=m.LatencySummary(median_ms=3650, p10_ms=-700, p90_ms=8000, n=2),
            M14=m.LongestMonologue(begin=32_000, end=39_000, longest_s=7.0),
            M15=m.LongestMonologue(begin=3400, end=15_000, longest_s=11.6),
            M16=m.Switches(count=4, per_min=6.0, per_hour=360.0),
            M17=m.BackchannelRate(count=1, per_min=3.97),
            M21=m.GreetingLatency(seconds=0.5),
        ),
    }
    return CallDocument(**(values | changes))


def mono_document() -> CallDocument:
    """A mono recording of 40 s: words and speech of nobody in particular."""
    return small_document(
        call=call_info(channel_mode="mono", source="mono.wav"),
        segments=(SegmentEntry(role=None, begin=500, end=9000),),
        turns=(),
        transcript=(said(None, 500, 9000, "Hello my printer went dark this morning"),),
        overlaps=(),
        opening_story=None,
        silences=(SilenceEntry(begin=24_000, end=32_000, kind="dead_air", owner=None),),
        metrics=Metrics(why_null={"M01": "one channel holds both sides"}),
    )


def ms(seconds: float) -> int:
    """Seconds of a truth file in whole milliseconds."""
    return round(seconds * 1000)


def document_from_truth(name: str) -> CallDocument:
    """The document that a perfect analysis of a synthetic call would give."""
    truth = json.loads((SYNTHETIC_CALLS / f"{name}.truth.json").read_text(encoding="utf-8"))
    story = truth["opening_story"]
    utterances = sorted(truth["utterances"], key=lambda u: u["start"])
    beside = {
        (o["incomer"], o["incomer_start"])
        for o in truth["overlaps"]
        if o["class"] in ("backchannel", "butting_in", "cooperative")
    }
    turns: list[TurnEntry] = []
    for u in utterances:
        if u["role"] == "backchannel" or (u["channel"], u["start"]) in beside:
            continue
        role, begin, end = ROLES[u["channel"]], ms(u["start"]), ms(u["end"])
        if turns and turns[-1].role is role:
            turns[-1] = TurnEntry(role=role, begin=turns[-1].begin, end=end, phase=turns[-1].phase)
        else:
            before = begin < ms(story["start"])
            within = ms(story["start"]) <= begin < ms(story["end"]) and role is CALLER
            phase: Any = "opening" if before else "story" if within else "diagnose"
            turns.append(TurnEntry(role=role, begin=begin, end=end, phase=phase))
    overlaps = tuple(_overlap(o) for o in sorted(truth["overlaps"], key=lambda o: o["start"]))
    info = call_info(
        id=name, source=f"{name}.flac", duration_ms=ms(truth["duration_s"]), sample_rate=truth["sample_rate"]
    )
    return CallDocument(
        call=info,
        verdict=VerdictInfo(status="ok"),
        quality=Quality(bleed_share=0.0, clipping_pct=0.0, mean_word_probability=0.9),
        segments=tuple(
            SegmentEntry(role=ROLES[u["channel"]], begin=ms(b), end=ms(e))
            for u in utterances
            for b, e in u["ipus"]
        ),
        turns=tuple(turns),
        transcript=tuple(_entry(u) for u in utterances),
        overlaps=overlaps,
        silences=tuple(_silence(s) for s in truth["silences"]),
        monologues=tuple(
            MonologueEntry(role=ROLES[x["channel"]], begin=ms(x["start"]), end=ms(x["end"]))
            for x in truth["monologues"]
        ),
        opening_story=OpeningStory(
            begin=ms(story["start"]),
            end=ms(story["end"]),
            completed=story["completed"],
            cut_at=None if story["completed"] else ms(story["cut_at"]),
            words=story["words"],
            backchannels=sum(story["start"] <= b["start"] < story["end"] for b in truth["backchannels"]),
        ),
        metrics=_metrics(truth, turns, overlaps, info.duration_ms),
    )


def _overlap(o: dict[str, Any]) -> OverlapEntry:
    barge = o["class"] == "pause_barge_in"
    return OverlapEntry(
        incomer=ROLES[o["incomer"]],
        begin=ms(o["other_end"] if barge else o["start"]),
        end=ms(o["incomer_start"] if barge else o["end"]),
        overlap_class=o["class"],
        counted=o["counted"],
        weight=o["weight"],
        confidence="high",
        facts={"overlap_ms": ms(o["overlap_s"])},
    )


def _entry(u: dict[str, Any]) -> TranscriptEntry:
    return TranscriptEntry(
        role=ROLES[u["channel"]],
        begin=ms(u["start"]),
        end=ms(u["end"]),
        text=u["text"],
        kind="backchannel" if u["role"] == "backchannel" else "turn",
        words=tuple(WordEntry(w=w, b=ms(b), e=ms(e), p=0.9) for w, b, e in u["words"]),
    )


def _silence(s: dict[str, Any]) -> SilenceEntry:
    kind: Any = "narrated" if s["announced"] else "dead_air" if s["dead_air"] else "gap"
    return SilenceEntry(begin=ms(s["start"]), end=ms(s["end"]), kind=kind, owner=AGENT)


def _metrics(
    truth: dict[str, Any], turns: list[TurnEntry], overlaps: tuple[OverlapEntry, ...], duration_ms: int
) -> Metrics:
    agent_s, caller_s = truth["talk_time_s"]
    dead = [s for s in truth["silences"] if s["dead_air"]]
    lengths = [s["end"] - s["start"] for s in dead]
    quiet = sum(s["end"] - s["start"] for s in truth["silences"])
    listed = {
        role: tuple(i for i, o in enumerate(overlaps) if o.counted and o.incomer is role) for role in ROLES
    }
    weights = {role: sum(overlaps[i].weight for i in indices) for role, indices in listed.items()}
    pairs = list(itertools.pairwise(turns))
    offsets = [b.begin - a.end for a, b in pairs if a.role is CALLER and b.role is AGENT]
    tenths = statistics.quantiles(offsets, n=10, method="inclusive")
    backchannels = sum(b["channel"] == 0 for b in truth["backchannels"])
    story = truth["opening_story"]
    longest = {role: max((t for t in turns if t.role is role), key=lambda t: t.length_ms) for role in ROLES}
    return Metrics(
        M01=m.TalkTime(agent_s=agent_s, caller_s=caller_s),
        M02=m.TalkShare(agent_pct=100 * agent_s / (agent_s + caller_s)),
        M03=m.TalkToListen(agent_per_caller=agent_s / caller_s),
        M04=m.NonTalkTime(total_s=quiet, pct=100_000 * quiet / duration_ms, silence_s=quiet, hold_s=0.0),
        M05=m.DeadAir(
            count=len(dead),
            total_s=sum(lengths),
            longest_s=max(lengths, default=0.0),
            agent_owned=len(dead),
            caller_owned=0,
        ),
        M07=m.Interruptions(
            agent=listed[AGENT],
            caller=listed[CALLER],
            agent_weight=weights[AGENT],
            caller_weight=weights[CALLER],
        ),
        M08=m.InterruptionRate(per_10min=600 * weights[AGENT] / caller_s),
        M10=m.CallerInterruptions(
            count=len(listed[CALLER]), per_10min=600_000 * len(listed[CALLER]) / duration_ms
        ),
        M11=m.OpeningStoryMetric(
            length_s=story["end"] - story["start"],
            words=story["words"],
            backchannels=0,
            completed=story["completed"],
            cut_at_ms=None if story["completed"] else ms(story["cut_at"]),
        ),
        M12=m.LatencySummary(
            median_ms=statistics.median(offsets), p10_ms=tenths[0], p90_ms=tenths[-1], n=len(offsets)
        ),
        M14=m.LongestMonologue(
            begin=longest[AGENT].begin, end=longest[AGENT].end, longest_s=longest[AGENT].length_ms / 1000
        ),
        M15=m.LongestMonologue(
            begin=longest[CALLER].begin, end=longest[CALLER].end, longest_s=longest[CALLER].length_ms / 1000
        ),
        M16=m.Switches(
            count=len(pairs),
            per_min=60_000 * len(pairs) / duration_ms,
            per_hour=3_600_000 * len(pairs) / duration_ms,
        ),
        M17=m.BackchannelRate(count=backchannels, per_min=60 * backchannels / caller_s),
        M21=m.GreetingLatency(seconds=turns[0].begin / 1000),
    )
