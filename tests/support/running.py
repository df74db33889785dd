"""Whole calls through the analyzer: any cut of the blocks, any pace, without sleeping."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile

from callcoach.config import Settings
from callcoach.core.analyzer import Analyzer
from callcoach.events import Event, Word, Words, event_from_json, event_to_json
from callcoach.ports import Audio, Pending, SpeechWindow, Transcriber
from callcoach.speech.silero import StreamingSilero
from tests.support.sounding import RememberingDetector

SAMPLES = Path(__file__).parents[2] / "samples"
NAMES = sorted(p.stem for p in SAMPLES.glob("s*.flac"))


def read(name: str, *, start: float = 0.0, seconds: float | None = None) -> tuple[Audio, int]:
    """Sound of a shipped sample, shape (n, 2), and its rate."""
    path = SAMPLES / f"{name}.flac"
    rate = int(soundfile.info(path).samplerate)
    frames = -1 if seconds is None else round(seconds * rate)
    audio, _ = soundfile.read(path, start=round(start * rate), frames=frames, dtype="float32", always_2d=True)
    return np.asarray(audio, np.float32), rate


def equal(audio: Audio, size: int) -> Iterator[Audio]:
    """Blocks of one size; the last may be shorter."""
    return (audio[at : at + size] for at in range(0, len(audio), size))


def cut(audio: Audio, cuts: Iterable[int]) -> Iterator[Audio]:
    """Blocks between positions."""
    return (audio[a:b] for a, b in pairwise(sorted({0, *cuts, len(audio)})))


@dataclass
class Pace:
    """A clock that only sound and work move: ``speed`` 1 is a live call, None as fast as it goes.

    The transcriber needs ``cost_s`` per window, one after the other, as a single worker thread does.
    """

    transcriber: Transcriber
    speed: float | None = None
    cost_s: float = 1.0
    wall_s: float = 0.0
    _free_at: float = 0.0
    windows: list[SpeechWindow] = field(default_factory=list)

    def heard(self, seconds: float) -> None:
        """Let a block of sound arrive."""
        if self.speed is not None:
            self.wall_s += seconds / self.speed

    def submit(self, window: SpeechWindow) -> Pending:
        """Take a window into the queue."""
        self._free_at = max(self._free_at, self.wall_s) + self.cost_s
        self.windows.append(window)
        return _Job(self, window, self._free_at)


@dataclass
class _Job:
    pace: Pace
    window: SpeechWindow
    ready_at: float

    def done(self) -> bool:
        return self.pace.wall_s >= self.ready_at

    def result(self) -> tuple[Word, ...]:
        self.pace.wall_s = max(self.pace.wall_s, self.ready_at)
        return self.pace.transcriber.transcribe(self.window)


def analyzer(
    rate: int,
    pace: Pace | None = None,
    *,
    on_miss: Literal["wait", "skip"] = "wait",
    settings: Settings | None = None,
) -> Analyzer:
    """Analyzer of two channels with the real detector."""
    return Analyzer(
        settings or Settings(),
        rate=rate,
        channels=2,
        detector=lambda: RememberingDetector(StreamingSilero()),
        submit=None if pace is None else pace.submit,
        on_miss=on_miss,
    )


def run(
    blocks: Iterable[Audio], rate: int, pace: Pace | None = None, *, on_miss: Literal["wait", "skip"] = "wait"
) -> list[Event]:
    """All events of a call."""
    a = analyzer(rate, pace, on_miss=on_miss)
    events: list[Event] = []
    for block in blocks:
        if pace is not None:
            pace.heard(len(block) / rate)
        events += a.push(block)
    return events + a.finish()


def log(events: Iterable[Event]) -> list[str]:
    """Lines as they stand in an event log."""
    return [json.dumps(event_to_json(e), ensure_ascii=False) for e in events]


class RecordedTranscriber:
    """Words that were recognised once, by window; a window that is not among them is an error."""

    def __init__(self, record: dict[str, list[dict[str, Any]]]) -> None:
        self._record = record

    @classmethod
    def load(cls, path: Path) -> RecordedTranscriber:
        """Read what `tests.golden.update` wrote."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    @staticmethod
    def key(window: SpeechWindow) -> str:
        """Name of a window: channel, and the bounds of its pieces in samples."""
        return f"{window.channel}:" + ",".join(f"{p.start}-{p.end}" for p in window.pieces)

    def transcribe(self, window: SpeechWindow) -> tuple[Word, ...]:
        key = self.key(window)
        if key not in self._record:
            raise LookupError(f"no words are recorded for the window {key}; run 'make golden'")
        line = {"type": "Words", "span": [0, 0], "known_at": 0, "channel": None, "items": self._record[key]}
        event = event_from_json(line)
        assert isinstance(event, Words)
        return event.items
