"""Every event type and its JSON form: the event list is the file format and the test data."""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass
from enum import StrEnum
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
class Notice(Event):
    """Something about the recording that the agent should know, by code (``S-BLEED``)."""

    code: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Event):
    """Audio was lost; zeros of the same length stand in its place."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptLate(Event):
    """Words missed their deadline; ``span`` is the speech without words."""

    channel: Channel | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble(Event):
    """A part failed and the call goes on without it."""

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
        cls = EVENT_TYPES[record["type"]]
        hints = typing.get_type_hints(cls)
        values = {f.name: _typed(hints[f.name], record[f.name]) for f in dataclasses.fields(cls)}
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an event: {error}") from None
    return cls(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, Span):
        return [int(value.start), int(value.end)]
    if isinstance(value, Word):
        return {"w": value.text, "span": _plain(value.span), "p": value.probability}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, StrEnum):
        return value.value
    return value


def _typed(hint: Any, value: Any) -> Any:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        if value is None:
            return None
        hint = next(a for a in typing.get_args(hint) if a is not type(None))
    if hint is Span:
        return Span(Samples(value[0]), Samples(value[1]))
    if hint is Word:
        return Word(value["w"], _typed(Span, value["span"]), value["p"])
    if typing.get_origin(hint) is tuple:
        return tuple(_typed(typing.get_args(hint)[0], v) for v in value)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(value)
    return value
