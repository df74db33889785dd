"""Calls for the tests of the report: one with every kind of event; sound and curves for any call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from callcoach.contract import (
    CallDocument,
    CueEntry,
    LanguageEventEntry,
    Metrics,
    OverlapEntry,
    QaCardEntry,
    Scores,
    SilenceEntry,
    VoiceEventEntry,
)
from callcoach.contract import delivery_metrics as v
from callcoach.contract import metrics as m
from callcoach.events import Channel
from callcoach.sinks.folder import ProsodyTrack
from tests.support.call_documents import AGENT, CALLER, said, small_document

RATE = 16_000
HOP_S = 0.016


def overlap(kind: Any, incomer: Channel, begin: int, end: int, **more: Any) -> OverlapEntry:
    """One overlap with the weight of its class."""
    weight = {"floor_taking": 1.0, "butting_in": 0.5, "pause_barge_in": 0.5}.get(kind, 0.0)
    return OverlapEntry(
        incomer=incomer,
        begin=begin,
        end=end,
        overlap_class=kind,
        counted=weight > 0,
        weight=weight,
        confidence=more.pop("confidence", "high"),
        facts={"overlap_ms": end - begin, **more},
    )


def cue(number: str, text: str, opened: int, closed: int, **more: Any) -> CueEntry:
    """One cue; shown unless ``suppressed_by`` is given."""
    by = more.pop("suppressed_by", None)
    return CueEntry(
        id=number,
        key=more.pop("key", "let_them_finish"),
        opened=opened,
        closed=closed,
        known_at=opened + 300,
        shown=by is None,
        suppressed_by=by,
        text=text,
        **more,
    )


def full_document(**changes: Any) -> CallDocument:
    """The small call of 40 s with something in every list."""
    small = small_document()
    values: dict[str, Any] = {
        "overlaps": (
            small.overlaps[0],
            overlap("cooperative", AGENT, 10_000, 10_900),
            small.overlaps[1],
            overlap("butting_in", AGENT, 21_000, 22_100),
            overlap("pause_barge_in", AGENT, 23_200, 23_500),
            overlap("terminal", CALLER, 34_000, 34_200),
            overlap("unsure", CALLER, 36_000, 36_500, confidence="low"),
        ),
        "silences": (
            SilenceEntry(begin=24_000, end=32_000, kind="dead_air", owner=AGENT),
            SilenceEntry(begin=15_000, end=18_200, kind="gap", owner=None),
        ),
        "voice_events": (
            VoiceEventEntry(
                role=AGENT,
                kind="level_spike",
                begin=15_500,
                end=17_500,
                known_at=17_000,
                facts={"rise_db": 7.2},
            ),
            VoiceEventEntry(
                role=AGENT,
                kind="raised_delivery",
                begin=33_000,
                end=37_000,
                known_at=35_000,
                facts={"quantities": "level+pace", "rise_db": 6.5, "rise_wpm": 24.0},
            ),
            VoiceEventEntry(
                role=CALLER, kind="fast", begin=4000, end=6000, known_at=6000, facts={"wpm": 231.5}
            ),
        ),
        "language_events": (
            LanguageEventEntry(
                role=CALLER,
                kind="strong_words",
                id="S01",
                phrase="went dark",
                begin=5000,
                end=5900,
                severity=1,
            ),
            LanguageEventEntry(
                role=AGENT,
                kind="jargon",
                id="J001",
                phrase="driver",
                begin=16_000,
                end=16_500,
                suggestion="the printer's helper program",
                unexplained=True,
            ),
            LanguageEventEntry(
                role=AGENT, kind="thanks", id="T01", phrase="thank you for waiting", begin=32_000, end=33_200
            ),
        ),
        "cues": (
            cue(
                "C01",
                "Let them finish",
                14_800,
                19_000,
                facts={"overlap_s": 0.7},
                evidence=((14_300, 15_000),),
            ),
            cue(
                "C07",
                "Softer voice",
                16_500,
                18_000,
                key="soften",
                suppressed_by="budget",
                held_back="8 s after the last prompt, least gap 20 s",
                facts={"rise_db": 7.2, "held_s": 1.5},
            ),
            cue(
                "C03",
                "Say what you're doing",
                30_000,
                32_000,
                form="ring",
                held_back="10 s after the last prompt",
                shown_at=30_400,
                key="narrate_silence",
                facts={"silence_s": 6.0},
            ),
            cue("C24", "Good: open question", 24_500, 27_500, key="good_move", facts={"caller_s": 3.5}),
        ),
        "metrics": Metrics(
            **{
                key: getattr(small.metrics, key)
                for key in Metrics.model_fields
                if key != "why_null" and getattr(small.metrics, key) is not None and key != "M07"
            },
            M07=m.Interruptions(agent=(2, 3, 4), caller=(), agent_weight=2.0, caller_weight=0.0),
            V01=v.WordsPerMinute(agent_wpm=152.4, caller_wpm=128.0, in_band_pct=71.0, n=3),
            V03=v.PaceState(usual_wpm=146.0, fast_pct=12.0, very_fast_pct=0.0, slow_pct=0.0),
            V05=v.PaceMatch(median_ratio=1.19, outside_pct=8.0, n=4),
            V06=v.Level(usual_dbfs=-26.0, spikes=1, per_10min=15.0, strongest_db=7.2, quiet=0),
            V09=v.Pitch(usual_hz=118.0, spikes=0, per_10min=0.0, strongest_st=None),
            V10=v.PitchVariation(median_st=2.4, flat_pct=3.0),
            V12=v.RaisedDelivery(openings=1, per_10min=15.0, total_s=4.0),
            V14=v.FilledPauses(count=2, per_min=1.1),
            V16=v.RecoveryTime(median_s=4.0, longest_s=4.0, n=1),
            why_null={"M13": "no strong words in this call", "M20": "fewer than 2 long silences"},
        ),
        "scores": Scores(
            listening=41.5,
            delivery=63.0,
            missing=(
                "listening: L10 paraphrase, not measured yet",
                "acknowledgement: not enough data, 0 % of its weight",
                "overall: acknowledgement",
            ),
        ),
        "qa_card": (
            QaCardEntry(item="Greeting with own name and offer of help", points=None, max=5, source="auto"),
            QaCardEntry(
                item="Let the caller tell the whole story",
                points=3.5,
                max=15,
                source="auto",
                evidence=((3400, 15_000), (14_300, 15_000)),
            ),
        ),
    }
    return small_document(**(values | changes))


def hostile_document(text: str) -> CallDocument:
    """The full call in which every free text is ``text``."""
    base = full_document()
    return full_document(
        call=base.call.model_copy(update={"source": text, "language": text}),
        transcript=(said(AGENT, 500, 3000, text), said(CALLER, 3400, 9000, text)),
        language_events=tuple(
            e.model_copy(update={"phrase": text, "suggestion": text}) for e in base.language_events
        ),
        cues=tuple(
            c.model_copy(update={"text": text, "facts": {text: text}, "held_back": text}) for c in base.cues
        ),
        voice_events=tuple(e.model_copy(update={"facts": {text: text}}) for e in base.voice_events),
        overlaps=tuple(o.model_copy(update={"facts": {text: text}}) for o in base.overlaps),
        qa_card=tuple(q.model_copy(update={"item": text}) for q in base.qa_card),
        scores=Scores(missing=(text,)),
        verdict=base.verdict.model_copy(update={"status": "salvaged", "reasons": (text,)}),
    )


def sound(document: CallDocument, channels: int = 2) -> NDArray[np.float32]:
    """Tones where somebody speaks; float32, shape (n, channels), 16 kHz."""
    n = document.call.duration_ms * RATE // 1000
    samples = np.zeros((n, channels), np.float32)
    for segment in document.segments:
        side = 1 if segment.role is CALLER and channels == 2 else 0
        first, last = segment.begin * RATE // 1000, segment.end * RATE // 1000
        at = np.arange(first, min(last, n)) / RATE
        tone = (
            0.2 * np.sin(2 * np.pi * (220 if side else 140) * at) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * at))
        )
        samples[first : first + len(at), side] += tone.astype(np.float32)
    return samples


def blocks(samples: NDArray[np.float32], size: int = 48_000) -> Iterator[NDArray[np.float32]]:
    """Cut sound into blocks."""
    return (samples[i : i + size] for i in range(0, len(samples), size))


def tracks(document: CallDocument) -> dict[Channel | None, ProsodyTrack]:
    """Delivery curves of both sides, with movement where they speak."""
    n = round(document.call.duration_ms / 1000 / HOP_S)
    t = np.arange(n) * HOP_S
    found: dict[Channel | None, ProsodyTrack] = {}
    roles: tuple[Channel | None, ...] = (None,) if document.call.channel_mode == "mono" else (AGENT, CALLER)
    for role in roles:
        speech = np.zeros(n, bool)
        for segment in document.segments:
            if segment.role is role:
                speech |= (t >= segment.begin / 1000) & (t < segment.end / 1000)
        level = np.where(speech, -26 + 4 * np.sin(t * 1.3) + 2 * np.sin(t * 9), -80.0)
        f0 = np.where(speech & (np.sin(t * 11) > -0.6), 118 * 2 ** (np.sin(t * 2.1) * 2.5 / 12), np.nan)
        found[role] = ProsodyTrack(t, level.astype(np.float32), f0.astype(np.float32), speech)
    return found
