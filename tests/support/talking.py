"""A small language for conversations, run frame by frame through `callcoach.core.conversation.Conversation`.

``talk("agent 0-6 'my name is Ann', caller 3.1-3.5 'yeah'")`` says who speaks when (seconds) and, where words
matter, what. Each entry is one run of speech; its words are spread evenly over it.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np

from callcoach.clock import FRAME_LENGTH, HOP_LENGTH, SAMPLE_RATE, Samples, Span, to_samples, to_seconds
from callcoach.config import Settings
from callcoach.core.activity import Ipu
from callcoach.core.conversation import Conversation
from callcoach.core.phrases import phrases
from callcoach.core.pitch import PitchTrack
from callcoach.core.transcript import Transcript
from callcoach.core.utterances import Party, Utterance
from callcoach.events import Channel, Event, OpeningStory, Overlap, OverlapClass, Silence, Turn, Word, Words

_ENTRY = re.compile(r"(agent|caller)\s+([\d.]+)-([\d.]+)(?:\s+(?:'([^']*)'|\"([^\"]*)\"))?")

Curve = Sequence[tuple[float, float]]
"""F0 as corner points (seconds, Hz), straight lines between them; unvoiced outside."""

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of speech, seconds; ``text`` None where nothing is said about words."""

    channel: Channel
    start: float
    end: float
    text: str | None = None
    probability: float = 0.9

    def words(self) -> tuple[Word, ...]:
        """The words, spread evenly."""
        texts = (self.text or "").split()
        start, length = to_samples(self.start), to_samples(self.end) - to_samples(self.start)
        edges = [Samples(start + length * i // max(len(texts), 1)) for i in range(len(texts) + 1)]
        return tuple(
            Word(t, Span(a, b), self.probability) for t, (a, b) in zip(texts, pairwise(edges), strict=True)
        )


def parse(script: str) -> list[Run]:
    """Read a script; raises ValueError on anything that is not an entry."""
    runs: list[Run] = []
    at = 0
    for found in _ENTRY.finditer(script):
        if script[at : found.start()].strip(" ,\n\t"):
            raise ValueError(f"not an entry: {script[at : found.start()]!r}")
        role, start, end, single, double = found.groups()
        runs.append(Run(Channel(role), float(start), float(end), single if single is not None else double))
        at = found.end()
    if script[at:].strip(" ,\n\t"):
        raise ValueError(f"not an entry: {script[at:]!r}")
    return runs


@dataclass(frozen=True, slots=True)
class Talk:
    """What a conversation gave."""

    conversation: Conversation
    transcript: Transcript
    events: list[Event]
    settings: Settings
    length: int

    def of(self, kind: type[E]) -> list[E]:
        """Events of one class, in the order in which they became known."""
        return [e for e in self.events if isinstance(e, kind)]

    @property
    def overlaps(self) -> list[Overlap]:
        """The last word on every overlap, in order of time."""
        last = {e.number: e for e in self.of(Overlap)}
        return sorted(last.values(), key=lambda e: (e.span.start, e.number))

    @property
    def kinds(self) -> list[str]:
        """Who came in how, ``agent backchannel``, in order of time."""
        return [f"{o.incomer} {o.kind}" for o in self.overlaps]

    @property
    def counted(self) -> int:
        """Number of interruptions."""
        return sum(o.kind.counted for o in self.overlaps)

    @property
    def overlap(self) -> Overlap:
        """The one overlap there is."""
        (only,) = self.overlaps
        return only

    @property
    def decided(self) -> OverlapClass | None:
        """Class of the one meeting there is, told or not."""
        (only,) = self.conversation.meetings.meetings
        return only.decided

    @property
    def turns(self) -> list[str]:
        """Turns of the floor, ``agent 0.0-6.0``, rounded to a tenth of a second."""
        return [
            f"{p.holder} {to_seconds(p.start):.1f}-{to_seconds(p.end):.1f}"
            for p in self.conversation.floor.periods
        ]

    @property
    def turn_events(self) -> list[Turn]:
        """All `Turn` events."""
        return self.of(Turn)

    @property
    def silences(self) -> list[str]:
        """Mutual silences as they are named in the end, ``caller dead_air 10.0-17.0``."""
        return [
            f"{q.owner} {q.kind} {to_seconds(q.start):.1f}-{to_seconds(q.end):.1f}"
            for q in self.conversation.silences.quiets
        ]

    @property
    def silence_events(self) -> list[Silence]:
        """All `Silence` events."""
        return self.of(Silence)

    @property
    def story(self) -> OpeningStory:
        """The last `OpeningStory` event."""
        return self.of(OpeningStory)[-1]


def talk(
    script: str | Iterable[Run],
    *,
    words: bool | None = None,
    delay_s: float = 1.5,
    seconds: float | None = None,
    pitch: Mapping[Channel, Curve] | None = None,
    settings: Settings | None = None,
) -> Talk:
    """Run a conversation from its first frame to its end.

    Parameters
    ----------
    script : text in the language of this module, or runs; those of one party closer than 0.2 s are joined.
    words : whether there is a recogniser; None: when the script quotes any words.
    delay_s : words of a run arrive this long after its end, s.
    seconds : length of the call; default: two seconds after the last word.
    pitch : F0 by party; without it nothing is voiced, so that words alone tell of clauses.
    """
    runs = parse(script) if isinstance(script, str) else list(script)
    settings = settings or Settings()
    last = max((r.end for r in runs), default=0.0)
    length = to_samples(last + 2.0 if seconds is None else seconds)
    enabled = any(r.text is not None for r in runs) if words is None else words
    stage = _Stage(settings, runs, Transcript(enabled=enabled), to_samples(delay_s), length, pitch or {})
    events = stage.run()
    return Talk(stage.conversation, stage.transcript, events, settings, length)


class _Stage:
    """Plays the runs as `callcoach.core.replay.TranscriptReplay` does, with words that arrive in time."""

    def __init__(
        self,
        settings: Settings,
        runs: list[Run],
        transcript: Transcript,
        delay: int,
        length: int,
        pitch: Mapping[Channel, Curve],
    ) -> None:
        merge = to_samples(settings.activity.merge_gap_s)
        self.transcript = transcript
        self._length, self._delay = length, delay
        self._runs = {c: _merged(runs, c, merge) for c in Channel}
        self._texts = {c: sorted((r for r in runs if r.channel is c), key=lambda r: r.start) for c in Channel}
        self._known: dict[Channel, list[Ipu]] = {c: [] for c in Channel}
        self.parties = {c: Party(to_samples(settings.floor.chain_gap_s), FRAME_LENGTH) for c in Channel}
        tracks = {c: _voiced(settings, length, pitch.get(c, ())) for c in Channel}
        self.conversation = Conversation(settings, self.parties, tracks, transcript, phrases())

    def run(self) -> list[Event]:
        events: list[Event] = []
        now = 0
        while now < self._length:
            events += self._deliver(now)
            now += FRAME_LENGTH
            begun = {c: u for c in Channel if (u := self._advance(c, now)) is not None}
            events += self.conversation.step(now, begun)
            self._update_through(now)
            events += self.conversation.refine(now)
        for channel in Channel:
            for ipu in self._known[channel]:
                ipu.closed = True
            self.parties[channel].update(self._known[channel], False, now)
            self.parties[channel].finish()
        events += self.conversation.finish(now, self._length)
        events += self._deliver(None, now)
        self._update_through(now)
        return events + self.conversation.refine(now, final=True)

    def _deliver(self, due: int | None, now: int | None = None) -> list[Event]:
        events: list[Event] = []
        if not self.transcript.enabled:
            return events
        at = now if now is not None else due
        assert at is not None
        for channel, runs in self._texts.items():
            while runs and (due is None or to_samples(runs[0].end) + self._delay <= due):
                run = runs.pop(0)
                items = run.words()
                self.transcript.add(channel, items)
                span = Span(to_samples(run.start), to_samples(run.end))
                known = Samples(max(at, span.end))
                events.append(Words(span=span, known_at=known, channel=channel, items=items))
        return events

    def _update_through(self, now: int) -> None:
        for channel, runs in self._texts.items():
            self.transcript.through[channel] = min([now, *(int(to_samples(r.start)) for r in runs)])

    def _advance(self, channel: Channel, now: int) -> Utterance | None:
        known, runs = self._known[channel], self._runs[channel]
        if len(known) < len(runs) and runs[len(known)][0] < now:
            start = runs[len(known)][0]
            known.append(Ipu(start=start, end=start, opened_at=now))
        speaking = False
        if known:
            end = runs[len(known) - 1][1]
            known[-1].end = min(end, now)
            known[-1].closed = end <= now
            speaking = not known[-1].closed
        return self.parties[channel].update(known, speaking, now)


def _merged(runs: list[Run], channel: Channel, gap: int) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted((to_samples(r.start), to_samples(r.end)) for r in runs if r.channel is channel):
        if merged and start - merged[-1][1] < gap:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        elif end > start:
            merged.append((start, end))
    return merged


def _voiced(settings: Settings, length: int, curve: Curve) -> PitchTrack:
    track = PitchTrack(settings.pitch)
    hops = length // HOP_LENGTH + 2
    values = np.full(hops, np.nan)
    if curve:
        at, hz = np.array(curve, np.float64).T
        times = np.arange(hops) * HOP_LENGTH / SAMPLE_RATE
        inside = (times >= at[0]) & (times < at[-1])
        values[inside] = np.interp(times[inside], at, hz)
    track.f0_hz = array("f", values.astype(np.float32))
    return track
