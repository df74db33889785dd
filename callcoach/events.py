"""Every event type and its JSON form: the event list is the file format and the test data."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, Literal

from callcoach.clock import Samples, Span


class Channel(StrEnum):
    """The two parties of a call."""

    AGENT = "agent"
    CALLER = "caller"

    @property
    def other(self) -> Channel:
        """The other party."""
        return Channel.CALLER if self is Channel.AGENT else Channel.AGENT


class OverlapClass(StrEnum):
    """The eight classes of two parties meeting (section 1.6 of the metric definitions)."""

    BACKCHANNEL = "backchannel"
    TERMINAL = "terminal"
    SIMULTANEOUS_START = "simultaneous_start"
    COOPERATIVE = "cooperative"
    FLOOR_TAKING = "floor_taking"
    BUTTING_IN = "butting_in"
    PAUSE_BARGE_IN = "pause_barge_in"
    UNSURE = "unsure"

    @property
    def counted(self) -> bool:
        """Whether it is an interruption."""
        return self.weight > 0

    @property
    def weight(self) -> float:
        """Weight in the interruption rate M08."""
        return {"floor_taking": 1.0, "butting_in": 0.5, "pause_barge_in": 0.5}.get(self.value, 0.0)


SilenceKind = Literal["gap", "dead_air", "hold", "narrated"]
VoiceKind = Literal[
    "level_spike", "pitch_spike", "fast", "slow", "quiet", "flat", "quiet_and_flat", "raised_delivery"
]
Fact = int | float | str | bool | None
"""One plain value among the facts that explain an event."""
Facts = dict[str, Fact]
CueForm = Literal["ring", "text", "gauge"]
"""How a cue meets the eye: a change of the ring, a short text, or a gauge alone."""
Suppression = Literal["budget", "cooldown", "stale", "muted", "quiet"]
ConsentBasis = Literal["notice", "asked", "own-side"]
PauseKind = Literal["private", "card"]
DeviceState = Literal["opened", "lost", "moved", "returned", "stalled", "failed", "ended"]
Stage = Literal["sound", "words"]
"""What a decision rests on: sound alone, or sound and words."""


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word: text without blanks around it, span, probability in [0, 1]."""

    text: str
    span: Span
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in ``span`` and could be known at ``known_at`` (>= ``span.end``)."""

    span: Span
    known_at: Samples

    def __post_init__(self) -> None:
        if self.known_at < self.span.end:
            raise ValueError(f"known_at {self.known_at} lies before the end of the span {self.span}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Event):
    """First line of a log: what is analysed, and with what."""

    id: str
    source: str
    started_at: str | None
    channel_mode: Literal["dual", "mono", "transcript"]
    settings_digest: str
    weights: str | None
    version: str
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Settings that differ from the defaults."""
    words: bool = False
    """Whether words were recognised."""
    profile: dict[str, Any] | None = None
    """The agent's stored usual values that were used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(Event):
    """The audio is over, at ``span.end``; what follows in the log was decided with the whole call known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechSegment(Event):
    """One run of a party's speech with gaps under 0.2 s merged; ``channel`` is None in a mono recording."""

    channel: Channel | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorTaken(Event):
    """A party took the floor at ``span.start``; ``offset`` is the floor-transfer offset in samples."""

    channel: Channel
    offset: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn(Event):
    """One party held the floor; ``segments`` is how many runs of speech it holds."""

    channel: Channel
    segments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Words(Event):
    """Final words of one window of speech; empty when nothing was recognised."""

    channel: Channel | None
    items: tuple[Word, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap(Event):
    """Two parties met: ``incomer`` started while the other held the floor.

    The first event of a ``number`` rests on sound; a later one with the same number replaces it when words
    have changed or confirmed the class. For ``pause_barge_in`` nothing overlaps: the span is the pause.
    """

    number: int
    incomer: Channel
    kind: OverlapClass
    stage: Stage
    confidence: Literal["high", "low"]
    utterance: Span
    """All the incomer said."""
    overlap: int
    """Samples in which both were active."""
    holder_end: Samples | None
    """Where the other fell silent, if they did before the incomer."""
    clause_complete: bool | None
    """Whether the other's clause was finished; None when neither words nor F0 tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence(Event):
    """Nobody spoke. ``owner`` is the party whose turn it was to act; None for short gaps."""

    kind: SilenceKind
    owner: Channel | None
    stage: Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Monologue(Event):
    """One party held the floor for long."""

    channel: Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningStory(Event):
    """The caller's first account (M11); a later event replaces an earlier one."""

    completed: bool
    cut_at: Samples | None
    backchannels: int
    stage: Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceOpened(Event):
    """A state of delivery began at ``span.start`` and was known at ``known_at``; ``channel`` None: mono."""

    number: int
    channel: Channel | None
    kind: VoiceKind
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceClosed(Event):
    """The state with this number is over; the facts are those of its whole length."""

    number: int
    channel: Channel | None
    kind: VoiceKind
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class CueOpened(Event):
    """The condition of a cue became true at ``span.start``, before any budget.

    ``evidence`` are the stretches that prove it. ``form`` is what it would show as at once; a later event
    with the same ``number`` and the form ``text`` raises a ring to a text.
    """

    number: int
    cue: str
    form: CueForm
    facts: Facts
    evidence: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CueClosed(Event):
    """The condition of the cue with this number is over."""

    number: int
    cue: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CueShown(Event):
    """The budget lets a cue through; ``text`` is None for a ring or a gauge."""

    number: int
    cue: str
    form: CueForm
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CueHeldBack(Event):
    """The budget holds a cue back: by which rule, and in words."""

    number: int
    cue: str
    form: CueForm
    by: Suppression
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Event):
    """Something about the recording that the agent should know, by code (``S-BLEED``)."""

    code: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Event):
    """Audio was lost or not kept: zeros stand in its place. ``channel`` None: of both sides."""

    reason: str
    channel: Channel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptLate(Event):
    """Words missed their deadline; ``span`` is the speech without words."""

    channel: Channel | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble(Event):
    """A part failed and the call goes on without it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent(Event):
    """From here on ``stored`` sides may be stored and transcribed (PRV-1, PRV-2).

    ``basis`` is why: the line gives notice, the caller was asked, or the agent's own side only; ``answer``
    is what was done: set, refused or withdrawn.
    """

    basis: ConsentBasis
    answer: Literal["set", "refused", "withdrawn"]
    stored: tuple[Channel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Event):
    """From here on nothing of either side is kept, transcribed or measured, until the pause is over."""

    kind: PauseKind
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrub(Event):
    """The audio and words of the span were removed at the agent's wish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark(Event):
    """The agent marked this place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device(Event):
    """An input was opened, lost, moved, returned or stalled; ``name`` is what the system calls it."""

    channel: Channel
    state: DeviceState
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overload(Event):
    """The level of the overload ladder changed (OVL-1): what words do from here on."""

    level: int
    reason: str


EVENT_TYPES: dict[str, type[Event]] = {cls.__name__: cls for cls in Event.__subclasses__()}
"""Every event class by the name it has in a log."""


def event_to_json(event: Event) -> dict[str, Any]:
    """Return the JSON form: ``type`` first, positions as integers, spans as ``[start, end)`` pairs."""
    record: dict[str, Any] = {"type": type(event).__name__}
    for item in dataclasses.fields(event):
        record[item.name] = _plain(getattr(event, item.name))
    return record


def event_from_json(record: dict[str, Any]) -> Event:
    """Rebuild an event; unknown keys (such as ``wall_s``) are ignored.

    Raises
    ------
    ValueError
        If the type is unknown or a field is missing or malformed.
    """
    try:
        name = record["type"]
        values = {
            key: typed(record[key]) for key, typed, required in _fields(name) if required or key in record
        }
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an event: {error}") from None
    return EVENT_TYPES[name](**values)


_Reader = Callable[[Any], Any]
"""Turns a plain JSON value into that of a field, or raises ValueError or TypeError."""


@cache
def _fields(name: str) -> tuple[tuple[str, _Reader, bool], ...]:
    """Name of each field of a class, what reads it, and whether it must be there."""
    cls = EVENT_TYPES[name]
    hints = typing.get_type_hints(cls)
    return tuple((f.name, _reader(hints[f.name]), _is_required(f)) for f in dataclasses.fields(cls))


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _plain(value: Any) -> Any:
    if isinstance(value, Span):
        return [int(value.start), int(value.end)]
    if isinstance(value, Word):
        return {"w": value.text, "span": _plain(value.span), "p": value.probability}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, StrEnum):
        return value.value
    return value


def _reader(hint: Any) -> _Reader:
    """Return what reads values of an annotation; all that the events have are known."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (inner,) = (_reader(a) for a in arguments if a is not type(None))
        return lambda value: None if value is None else inner(value)
    if origin is Literal:
        return lambda value: _one_of(value, arguments)
    if origin is tuple:
        item = _reader(arguments[0])
        return lambda value: tuple([item(v) for v in _is(value, list)])
    if hint == Facts:
        return _facts
    if origin is dict:
        return lambda value: dict(_is(value, dict))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint
    known: dict[Any, _Reader] = {
        Span: _span,
        Word: _word,
        Samples: _position,
        int: lambda value: _is(value, int),
        float: lambda value: value if type(value) is float else float(_is(value, int)),
        str: lambda value: _is(value, str),
        bool: lambda value: _is(value, bool),
    }
    return known[hint]


def _is(value: Any, kind: type) -> Any:
    # not isinstance: JSON has no subclasses but true and false, which are no numbers here
    if type(value) is not kind:
        raise ValueError(f"{kind.__name__} expected")
    return value


def _one_of(value: Any, allowed: tuple[Any, ...]) -> Any:
    if value not in allowed:
        raise ValueError("not one of the values of this field")
    return value


def _position(value: Any) -> Samples:
    if type(value) is not int:
        raise ValueError("a position is a whole number")
    return Samples(value)


def _span(value: Any) -> Span:
    start, end = value
    return Span(_position(start), _position(end))


def _word(value: Any) -> Word:
    text, probability = value["w"], value["p"]
    if type(text) is not str or type(probability) not in (float, int):
        raise ValueError("a word has a text and a probability")
    return Word(text, _span(value["span"]), float(probability))


def _facts(value: Any) -> Facts:
    for fact in _is(value, dict).values():
        if not (fact is None or isinstance(fact, bool | int | float | str)):
            raise ValueError("a fact is one plain value")
    return dict(value)
