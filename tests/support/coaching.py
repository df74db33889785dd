"""Cue rules over a hand-made conversation: who speaks when, how, and with which words.

``coached("agent 0-6 'let me check', caller 7-9", [NarrateSilence])`` plays the script of
`tests.support.talking` through the scene and the cue engine frame by frame, without audio and without budget.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from callcoach.clock import FRAME_LENGTH, HOP_LENGTH, Samples, Span, to_samples, to_seconds
from callcoach.config import Settings
from callcoach.core.cues.engine import CueEngine
from callcoach.core.cues.rule import Rule
from callcoach.core.cues.scene import Scene
from callcoach.core.delivery.states import VoiceStates, read_at
from callcoach.core.delivery.ticks import HOPS, TICK_S, Tick
from callcoach.core.phrases import phrases
from callcoach.events import Channel, CueClosed, CueOpened, Event, SpeechSegment, Words
from tests.support.talking import Run, parse, talk

_CLOSE_S = 0.15
_OPEN_S = 0.06
_VOICED_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Manner:
    """How a party speaks from ``start`` to ``end`` (seconds)."""

    start: float
    end: float
    level_dbfs: float = -30.0
    semitones: float = 6.0
    """Median F0 over 100 Hz."""
    spread_st: float = 2.5
    """Standard deviation of F0."""
    wpm: float = 150.0


@dataclass(frozen=True, slots=True)
class Coached:
    """The cue log of a hand-made call."""

    opened: list[CueOpened]
    closed: list[CueClosed]
    scene: Scene

    @property
    def only(self) -> CueOpened:
        """The one cue that opened."""
        (cue,) = self.opened
        return cue

    @property
    def times(self) -> list[tuple[str, float]]:
        """Form, and when it was known (seconds, one decimal), of every opening."""
        return [(e.form, round(to_seconds(e.known_at), 1)) for e in self.opened]

    @property
    def reasons(self) -> list[str]:
        """Why the cues closed."""
        return [e.reason for e in self.closed]


def coached(
    script: str | Iterable[Run],
    rules: Sequence[type[Rule]],
    *,
    manners: Mapping[Channel, Sequence[Manner]] | None = None,
    words: bool | None = None,
    delay_s: float = 1.5,
    seconds: float | None = None,
    settings: Settings | None = None,
    extra: Sequence[Event] = (),
) -> Coached:
    """Play a call.

    Parameters
    ----------
    manners : how each party speaks; without one, evenly and as usual.
    words, delay_s, seconds : as for `tests.support.talking.talk`.
    extra : further events of the log.
    """
    runs = parse(script) if isinstance(script, str) else list(script)
    settings = settings or Settings()
    played = talk(runs, words=words, delay_s=delay_s, seconds=seconds, settings=settings)
    has_words = any(r.text is not None for r in runs) if words is None else words
    events = [*(_padded(e) for e in played.events), *_segments(runs), *extra]
    events.sort(key=lambda e: e.known_at)
    numbers, cue_numbers = count(1), count(1)
    voices = {c: VoiceStates(settings.delivery, c, lambda: next(numbers)) for c in Channel}
    scene = Scene(settings, voices, phrases(), words=has_words)
    engine = CueEngine(scene, [rule(settings) for rule in rules], lambda: next(cue_numbers))
    speakers = {c: _Speaker([r for r in runs if r.channel is c], (manners or {}).get(c, ())) for c in Channel}
    log: list[Event] = []
    now = tick_index = 0
    while now < played.length:
        now += FRAME_LENGTH
        due = [e for e in events if e.known_at <= now]
        del events[: len(due)]
        ticks: dict[Channel | None, Tick] | None = None
        found: list[Event] = []
        if read_at(tick_index) <= now:
            ticks = {c: s.tick(tick_index) for c, s in speakers.items()}
            tick_index += 1
            for channel in Channel:
                found += voices[channel].step(ticks[channel], now)
        active = (speakers[Channel.AGENT].active(now), speakers[Channel.CALLER].active(now))
        changed = scene.step(now, active, due, ticks)
        log += engine.step([*due, *found], changed, ticks is not None)
    log += engine.finish()
    return Coached(
        [e for e in log if isinstance(e, CueOpened)], [e for e in log if isinstance(e, CueClosed)], scene
    )


class _Speaker:
    """One party: mask as known live, and ticks."""

    def __init__(self, runs: Sequence[Run], manners: Sequence[Manner]) -> None:
        self._runs = sorted((r.start, r.end) for r in runs)
        self._manners = manners
        self._nuclei = 0.0

    def active(self, now: int) -> bool:
        t = to_seconds(now)
        return any(a + _OPEN_S <= t < b + _CLOSE_S for a, b in self._runs)

    def _manner(self, t: float) -> Manner:
        return next((m for m in self._manners if m.start <= t < m.end), Manner(0, math.inf))

    def tick(self, index: int) -> Tick:
        begin = index * TICK_S
        hops = [begin + (i + 0.5) * to_seconds(HOP_LENGTH) for i in range(HOPS)]
        spoken = sum(any(a <= t < b for a, b in self._runs) for t in hops)
        if not spoken:
            return Tick(0, 0, 0.0, (), 0, 0, -70.0, 0)
        manner = self._manner(begin)
        self._nuclei += manner.wpm * 1.45 / 60 * spoken * to_seconds(HOP_LENGTH)
        nuclei = int(self._nuclei)
        self._nuclei -= nuclei
        voiced = round(spoken * _VOICED_SHARE)
        # half above and half below: mean and median stay, the standard deviation is the spread
        tones = tuple(manner.semitones + manner.spread_st * (1 if i % 2 else -1) for i in range(voiced))
        return Tick(spoken, spoken, spoken * 10 ** (manner.level_dbfs / 10), tones, nuclei, 0, -70.0, 0)


def _segments(runs: Sequence[Run]) -> list[Event]:
    """Return the runs as the analysis lists them, known a little after their end."""
    return [
        SpeechSegment(
            span=Span(to_samples(r.start), to_samples(r.end)),
            known_at=Samples(to_samples(r.end + 0.4)),
            channel=r.channel,
        )
        for r in runs
    ]


def _padded(event: Event) -> Event:
    """Words cover a little more than the speech, as the windows of the recogniser do."""
    if not isinstance(event, Words):
        return event
    end = Samples(min(event.span.end + to_samples(0.2), event.known_at))
    return replace(event, span=Span(event.span.start, end))
