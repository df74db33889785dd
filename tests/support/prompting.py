"""Cues over a call, run frame by frame through `callcoach.core.cues.budget.Budget`.

``play("agent 0-60, C05 30-40, C01 35-36 text 35.3")`` says who speaks and which cues are open when (seconds).
A cue may be followed by ``ring``, ``gauge`` or ``text SECONDS`` (a ring first, its text there). ``hold A-B``
and ``quiet A-B`` are stretches, ``dismiss C05 32`` is a click.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from callcoach.clock import FRAME_LENGTH, SAMPLE_RATE, Samples, Span
from callcoach.config import Settings
from callcoach.core.cues.budget import Budget
from callcoach.core.cues.catalogue import catalogue
from callcoach.core.cues.scene import Scene
from callcoach.core.delivery.states import VoiceStates
from callcoach.core.phrases import phrases
from callcoach.events import Channel, CueClosed, CueForm, CueHeldBack, CueOpened, CueShown, Event, Facts

_ENTRY = re.compile(
    r"\s*(?:(C\d\d)\s+([\d.]+)-([\d.]+)(?:\s+(ring|gauge)|\s+text\s+([\d.]+))?"
    r"|(agent|caller|hold|quiet)\s+([\d.]+)-([\d.]+)|dismiss\s+(C\d\d)\s+([\d.]+))\s*(?:,|$)"
)
Stretch = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Cue:
    """One cue of the log, seconds; ``text_at``: it opens as a ring and raises to a text there."""

    cue: str
    start: float
    end: float
    form: CueForm = "text"
    text_at: float | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """What happens in a call, seconds."""

    cues: tuple[Cue, ...]
    agent: tuple[Stretch, ...] = ()
    caller: tuple[Stretch, ...] = ()
    hold: tuple[Stretch, ...] = ()
    quiet: tuple[Stretch, ...] = ()
    dismissals: tuple[tuple[str, float], ...] = ()


@dataclass(slots=True)
class Played:
    """The cue log and what the budget made of it."""

    log: list[Event] = field(default_factory=list)
    answers: list[CueShown | CueHeldBack] = field(default_factory=list)
    taken_off: set[int] = field(default_factory=set)
    """Texts that a click or the quiet mode took off the screen."""
    frames: int = 0
    """How often the budget was asked."""

    @property
    def texts(self) -> list[CueShown]:
        return [e for e in self.answers if isinstance(e, CueShown) and e.form == "text"]

    @property
    def rings(self) -> list[CueShown]:
        return [e for e in self.answers if isinstance(e, CueShown) and e.form == "ring"]

    @property
    def held(self) -> list[CueHeldBack]:
        return [e for e in self.answers if isinstance(e, CueHeldBack)]

    def opened(self, number: int, form: CueForm = "text") -> CueOpened:
        return next(e for e in self.log if isinstance(e, CueOpened) and e.number == number and e.form == form)

    def closed(self, number: int) -> CueClosed:
        return next(e for e in self.log if isinstance(e, CueClosed) and e.number == number)


class HeldScene(Scene):
    """A scene whose hold is set from outside."""

    hold: int | None = None

    @property
    def on_hold_since(self) -> int | None:
        return self.hold


def scene_of(settings: Settings) -> HeldScene:
    numbers = count(1)
    voices = {c: VoiceStates(settings.delivery, c, lambda: next(numbers)) for c in Channel}
    return HeldScene(settings, voices, phrases(), words=True)


def parse(script: str) -> Stream:
    """Read a script; raises ValueError on anything that is not an entry."""
    cues: list[Cue] = []
    clicks: list[tuple[str, float]] = []
    stretches: dict[str, list[Stretch]] = {"agent": [], "caller": [], "hold": [], "quiet": []}
    at = 0
    while at < len(script):
        found = _ENTRY.match(script, at)
        if found is None:
            raise ValueError(f"not an entry: {script[at:]!r}")
        cue, a, b, form, text_at, kind, c, d, clicked, when = found.groups()
        if cue:
            first: CueForm = "gauge" if form == "gauge" else "ring" if form or text_at else "text"
            cues.append(Cue(cue, float(a), float(b), first, float(text_at) if text_at else None))
        elif kind:
            stretches[kind].append((float(c), float(d)))
        else:
            clicks.append((clicked, float(when)))
        at = found.end()
    return Stream(tuple(cues), **{k: tuple(v) for k, v in stretches.items()}, dismissals=tuple(clicks))


def frame(seconds: float) -> int:
    """Return the first frame that ends at or after a time."""
    return -(-round(seconds * SAMPLE_RATE) // FRAME_LENGTH)


def cue_log(cues: Iterable[Cue]) -> dict[int, list[Event]]:
    """Return openings and closings by frame, closings first, as the engine would log them."""
    found: dict[int, list[Event]] = defaultdict(list)
    closings: dict[int, list[Event]] = defaultdict(list)
    for number, cue in enumerate(cues, start=1):
        facts: Facts = {"short": "turn it off", "case": catalogue()[cue.cue].wording[0].case}
        first = Samples(frame(cue.start) * FRAME_LENGTH)
        last = Samples(max(frame(cue.end), frame(cue.start) + 1) * FRAME_LENGTH)
        forms: list[tuple[CueForm, Samples]] = [(cue.form, first)]
        if cue.text_at is not None:
            forms.append(("text", Samples(frame(cue.text_at) * FRAME_LENGTH)))
        for form, at in forms:
            opened = CueOpened(
                span=Span(first, at),
                known_at=at,
                number=number,
                cue=cue.cue,
                form=form,
                facts=facts,
                evidence=(),
            )
            found[at // FRAME_LENGTH].append(opened)
        span = Span(first, last)
        closed = CueClosed(span=span, known_at=last, number=number, cue=cue.cue, reason="it was over")
        closings[last // FRAME_LENGTH].append(closed)
    for index, events in closings.items():
        found[index] = [*events, *found[index]]
    return found


def _edges(stretches: Iterable[Stretch]) -> dict[int, bool]:
    edges: dict[int, bool] = {}
    for start, end in stretches:
        edges[frame(start)], edges[frame(end)] = True, False
    return edges


def play(what: str | Stream, settings: Settings | None = None, *, every_frame: bool = True) -> Played:
    """Run a call.

    Parameters
    ----------
    what : a script or a stream.
    every_frame : bool
        Whether the budget is asked in every frame, or only where something changes and from its ``due`` on.
    """
    stream = parse(what) if isinstance(what, str) else what
    settings = Settings() if settings is None else settings
    scene, budget, played = scene_of(settings), Budget(settings), Played()
    log = cue_log(stream.cues)
    masks = _edges(stream.agent), _edges(stream.caller)
    holds, quiets = _edges(stream.hold), _edges(stream.quiet)
    clicks: dict[int, list[str]] = defaultdict(list)
    for cue, when in stream.dismissals:
        clicks[frame(when)].append(cue)
    marks = {i for edges in (log, *masks, holds, quiets, clicks) for i in edges}
    last = max(marks, default=0)
    ahead = sorted(marks)
    agent = caller = False
    index = 0
    while index <= last:
        now = index * FRAME_LENGTH
        agent, caller = masks[0].get(index, agent), masks[1].get(index, caller)
        if index in holds:
            scene.hold = now if holds[index] else None
        before = budget.visible
        if index in quiets:
            budget.quiet(quiets[index], now)
        for cue in clicks.get(index, ()):
            budget.dismiss(cue, now)
        if before is not None and budget.visible is None:
            played.taken_off.add(before.number)
        scene.step(now, (agent, caller), ())
        played.log += log.get(index, ())
        played.answers += _answers(budget.step(scene, log.get(index, [])))
        played.frames += 1
        if every_frame or budget.due <= now + FRAME_LENGTH:
            index += 1
        else:
            index = next(iter(ahead[bisect_right(ahead, index) :]), last + 1)
    played.answers += _answers(budget.finish(scene))
    return played


def _answers(events: Iterable[Event]) -> list[CueShown | CueHeldBack]:
    found: list[CueShown | CueHeldBack] = []
    for event in events:
        assert isinstance(event, CueShown | CueHeldBack)
        found.append(event)
    return found
