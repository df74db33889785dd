"""Logs of calls as the live path writes them, and small ones written by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from callcoach.clock import SAMPLE_RATE, Samples, Span, to_samples
from callcoach.config import Settings
from callcoach.contract import CallDocument, CallInfo, VerdictInfo
from callcoach.core.analyzer import Analyzer
from callcoach.core.delivery.ticks import HopColumns
from callcoach.core.document import build_document
from callcoach.core.phases import PhaseTracker
from callcoach.core.phrases import phrases
from callcoach.events import (
    Call,
    CallEnded,
    Channel,
    Event,
    SpeechSegment,
    Word,
    Words,
    event_from_json,
    event_to_json,
)
from callcoach.live.rebuild import Curves, quality_of
from callcoach.live.tail import event_line
from callcoach.ports import Audio
from tests.golden.update import words_path
from tests.support.running import Pace, RecordedTranscriber, analyzer, equal, read

COLUMNS = [f.name for f in dataclasses.fields(HopColumns)]


def header(*, words: bool = True, settings: Settings | None = None) -> Call:
    """First line of a log."""
    settings = settings or Settings()
    return Call(
        span=Span(Samples(0), Samples(0)),
        known_at=Samples(0),
        id="20260102T030405000000Z",
        source="live",
        started_at="2026-01-02T03:04:05.000Z",
        channel_mode="dual",
        settings_digest=settings.digest(),
        weights=None,
        version="0",
        settings=settings.changed(),
        words=words,
    )


@dataclass(frozen=True, slots=True)
class Analysed:
    """A call through the analyzer, and the document that it made of it."""

    header: Call
    events: tuple[Event, ...]
    """As a log gives them back."""
    document: CallDocument
    curves: Curves

    @property
    def length(self) -> int:
        """Samples."""
        return next(e.span.end for e in self.events if isinstance(e, CallEnded))


@cache
def analysed(
    name: str,
    *,
    words: bool = True,
    speed: float | None = None,
    on_miss: Literal["wait", "skip"] = "wait",
    seconds: float | None = None,
) -> Analysed:
    """Analyse a shipped sample with its recorded words."""
    audio, rate = read(name, seconds=seconds)
    pace = Pace(RecordedTranscriber.load(words_path(name)), speed, 2.0) if words else None
    return analyse(audio, rate, pace, on_miss=on_miss)


def analyse(
    audio: Audio, rate: int, pace: Pace | None, *, on_miss: Literal["wait", "skip"] = "wait"
) -> Analysed:
    """Analyse sound of two channels."""
    running = analyzer(rate, pace, on_miss=on_miss)
    events: list[Event] = []
    for block in equal(audio, 1600):
        if pace is not None:
            pace.heard(len(block) / rate)
        events += running.push(block)
    events += running.finish()
    first = header(words=pace is not None)
    kept = tuple(event_from_json(event_to_json(e)) for e in events)
    curves = _curves(running)
    return Analysed(first, kept, _document(running, first, kept, curves), curves)


def _curves(running: Analyzer) -> Curves:
    whole = {t.channel: t.hops(0, len(t.levels)) for t in running.tracks}
    return Curves(
        {c: HopColumns(**{n: getattr(h, n) for n in COLUMNS}) for c, h in whole.items()},
        {t.channel: t.speech_mask() for t in running.tracks},
        {t.channel: np.array(t.active, np.int8) for t in running.tracks},
    )


def _document(running: Analyzer, first: Call, events: Sequence[Event], curves: Curves) -> CallDocument:
    """Document of the running objects, as the runner makes it."""
    scene = running.coach.scene
    return build_document(
        info=CallInfo.model_validate(
            {
                "id": first.id,
                "source": first.source,
                "started_at": first.started_at,
                "duration_ms": running.length * 1000 // SAMPLE_RATE,
                "sample_rate": SAMPLE_RATE,
                "channel_mode": "dual",
                "language": None,
                "model": None,
                "settings_digest": first.settings_digest,
                "version": first.version,
            }
        ),
        verdict=VerdictInfo(status="ok"),
        quality=quality_of(events, running.settings, words=first.words, columns=curves.columns),
        settings=running.settings,
        length=running.length,
        parties={t.channel: t.party for t in running.tracks},
        transcript=running.transcript,
        conversation=running.conversation,
        coach=running.coach,
        phases=PhaseTracker(phrases()) if scene is None else scene.phases,
    )


def write_log(folder: Path, events: Iterable[Event], first: Call | None = None) -> Path:
    """Write a log into a folder; return its path."""
    path = folder / "events.jsonl"
    path.write_bytes(b"".join(event_line(e) for e in [first or header(), *events]))
    return path


def span(start: float, end: float) -> Span:
    """Span of seconds."""
    return Span(to_samples(start), to_samples(end))


def speech(channel: Channel | None, start: float, end: float) -> SpeechSegment:
    """A run of speech, known when it ends."""
    return SpeechSegment(span=span(start, end), known_at=to_samples(end), channel=channel)


def said(channel: Channel | None, start: float, end: float, text: str, known: float | None = None) -> Words:
    """Words, spread evenly."""
    texts = text.split()
    step = (end - start) / max(1, len(texts))
    items = tuple(Word(t, span(start + i * step, start + (i + 1) * step), 0.9) for i, t in enumerate(texts))
    at = to_samples(end if known is None else known)
    return Words(span=span(start, end), known_at=at, channel=channel, items=items)


def ended(at: float) -> CallEnded:
    """The end of a call."""
    end = to_samples(at)
    return CallEnded(span=Span(end, end), known_at=Samples(-(-end // 512) * 512))
