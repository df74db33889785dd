"""The file ``call.json``: everything known about one analysed call (schema ``callcoach.call/1``)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import AwareDatetime, Field, ValidationError, model_validator

from callcoach.contract._base import (
    Amount,
    ContractModel,
    Count,
    Fact,
    Interval,
    Ms,
    Percent,
    Role,
    Share,
    TimedModel,
)
from callcoach.contract.language_parts import LanguageSummary
from callcoach.contract.metrics import Metrics
from callcoach.errors import StoreError

CALL_SCHEMA: Final = "callcoach.call/1"

ChannelMode = Literal["dual", "mono", "transcript"]
Phase = Literal["opening", "story", "diagnose", "guide", "close"]
OverlapClass = Literal[
    "backchannel",
    "terminal",
    "simultaneous_start",
    "cooperative",
    "floor_taking",
    "butting_in",
    "pause_barge_in",
    "unsure",
]
COUNTED_CLASSES: Final = frozenset({"floor_taking", "butting_in", "pause_barge_in"})
"""Overlap classes that count as interruptions (metric definitions 1.6)."""

VoiceEventKind = Literal["level_spike", "pitch_spike", "fast", "slow", "quiet", "flat", "raised_delivery"]
LanguageEventKind = Literal[
    "discouraged",
    "acknowledgement",
    "strong_words",
    "jargon",
    "check_back",
    "recap",
    "deescalation",
    "hold_notice",
    "commitment",
    "confusion",
    "open_question",
    "apology",
    "thanks",
]


class ModelInfo(ContractModel):
    """The recogniser that made the words: id of the manifest and digest of its weights."""

    id: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class CallInfo(ContractModel):
    """What was analysed, and with what.

    ``source`` is a file name without folders. ``sample_rate`` (Hz, of the source) is null for a
    transcript, ``model`` when no words were asked for.
    """

    id: str = Field(min_length=1)
    source: str
    started_at: AwareDatetime | None
    duration_ms: Ms
    sample_rate: Count | None
    channel_mode: ChannelMode
    language: str | None
    model: ModelInfo | None
    settings_digest: str
    version: str


class VerdictInfo(ContractModel):
    """What became of the recording while it was read; ``spans`` are damaged or replaced stretches."""

    status: Literal["ok", "salvaged", "rejected"]
    reasons: tuple[str, ...] = ()
    spans: tuple[Interval, ...] = ()

    @model_validator(mode="after")
    def _reason_given(self) -> Self:
        if self.status != "ok" and not self.reasons:
            raise ValueError("a verdict other than ok needs a reason")
        return self


class Quality(ContractModel):
    """How far the recording and the words can be trusted; null where not measured."""

    bleed_share: Share | None = None
    clipping_pct: Percent | None = None
    nan_samples: Count = 0
    mean_word_probability: Share | None = None
    missed_text_jobs: Count = 0
    lost_audio_ms: Ms = 0


class SegmentEntry(TimedModel):
    """Speech of one side by the fast mask; ``role`` is null in a mono recording only."""

    role: Role | None


class TurnEntry(TimedModel):
    """One side holds the floor."""

    role: Role
    phase: Phase


class WordEntry(ContractModel):
    """One word: text, begin and end in milliseconds, probability (null when the source gives none)."""

    w: str = Field(min_length=1)
    b: Ms
    e: Ms
    p: Share | None = None

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.e < self.b:
            raise ValueError("a word needs b <= e")
        return self


class TranscriptEntry(TimedModel):
    """Words that belong together; ``role`` is null in a mono recording only."""

    role: Role | None
    text: str
    kind: Literal["turn", "backchannel"]
    words: tuple[WordEntry, ...] = ()


class OverlapEntry(TimedModel):
    """One side comes in while the other holds the floor.

    ``weight`` is above 0 exactly for counted classes. For ``pause_barge_in`` nothing overlaps:
    ``begin`` is the end of the interrupted speech.

    Raises
    ------
    ValueError
        If ``counted``, ``weight`` and the class do not fit each other.
    """

    incomer: Role
    overlap_class: OverlapClass = Field(validation_alias="class", serialization_alias="class")
    counted: bool
    weight: Share
    confidence: Literal["high", "low"]
    facts: dict[str, Fact] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_counted(self) -> Self:
        if self.counted != (self.overlap_class in COUNTED_CLASSES):
            raise ValueError("counted does not fit the overlap class")
        if self.counted != (self.weight > 0):
            raise ValueError("a weight above 0 belongs to counted overlaps, 0 to the others")
        return self


class SilenceEntry(TimedModel):
    """Mutual silence; ``owner`` is the side whose turn it was to act, null when nobody's or unknown."""

    kind: Literal["gap", "dead_air", "hold", "narrated"]
    owner: Role | None


class MonologueEntry(TimedModel):
    """A long stretch of floor of one side."""

    role: Role


class VoiceEventEntry(TimedModel):
    """A measured change of delivery; ``role`` is null in a mono recording only."""

    role: Role | None
    kind: VoiceEventKind
    known_at: Ms
    facts: dict[str, Fact] = Field(default_factory=dict)


class LanguageEventEntry(TimedModel):
    """A phrase that was said. ``unexplained`` is set for jargon only."""

    role: Role | None
    kind: LanguageEventKind
    id: str
    phrase: str
    severity: Count | None = None
    suggestion: str | None = None
    unexplained: bool | None = None


class AcknowledgementEntry(ContractModel):
    """One acknowledgement window: when it opened, when it was answered."""

    opened: Ms
    answered: Ms | None
    result: Literal["hit", "late", "miss"]
    level: Amount | None = None
    """Level of the caller's strong words (L03) as it opened."""
    types: tuple[Literal["cognitive", "attentive", "ownership", "appreciation", "uncredited"], ...] = ()
    """Types (L05) of the acknowledgement that answered it."""
    reason: str | None = None
    """Why it has this result, in words."""


class OpeningStory(TimedModel):
    """The caller's opening story; ``cut_at`` is null exactly when it was completed."""

    completed: bool
    cut_at: Ms | None
    words: Count | None
    backchannels: Count

    @model_validator(mode="after")
    def _check_cut(self) -> Self:
        if self.completed != (self.cut_at is None):
            raise ValueError("cut_at is set exactly when the story was not completed")
        return self


class CueEntry(ContractModel):
    """A cue with its proof: the spans (milliseconds) and facts that opened it.

    ``shown`` is about its text: a ring that lit alone has a ``shown_at`` and is not ``shown``.
    """

    id: str = Field(pattern=r"^C\d\d$")
    key: str
    opened: Ms
    closed: Ms
    known_at: Ms
    shown: bool
    suppressed_by: Literal["budget", "cooldown", "stale", "muted", "quiet"] | None
    text: str
    form: Literal["ring", "text", "gauge"] = "text"
    """How it met the eye, or would have."""
    shown_at: Ms | None = None
    """When anything of it, its ring or its text, was first shown; null when nothing was."""
    held_back: str | None = None
    """Why its text was not shown, in words."""
    line: str | None = None
    """Quantity, comparison and action in one sentence."""
    facts: dict[str, Fact] = Field(default_factory=dict)
    evidence: tuple[Interval, ...] = ()

    @model_validator(mode="after")
    def _check_shown(self) -> Self:
        if self.closed < self.opened:
            raise ValueError("a cue needs opened <= closed")
        if self.shown and self.suppressed_by is not None:
            raise ValueError("a cue that was shown was not suppressed")
        return self


class Scores(ContractModel):
    """Call-level scores in [0, 100]; null with too little data; ``missing`` names the absent inputs."""

    listening: Percent | None = None
    acknowledgement: Percent | None = None
    clarity: Percent | None = None
    positive: Percent | None = None
    delivery: Percent | None = None
    overall: Percent | None = None
    missing: tuple[str, ...] = ()


class QaCardEntry(ContractModel):
    """One item of the QA card; ``points`` is null until somebody decided."""

    item: str
    points: Amount | None
    max: Amount
    source: Literal["auto", "human", "both"]
    evidence: tuple[Interval, ...] = ()

    @model_validator(mode="after")
    def _check_points(self) -> Self:
        if self.points is not None and self.points > self.max:
            raise ValueError("points exceed their maximum")
        return self


class CallDocument(ContractModel):
    """One analysed call as written to ``call.json``.

    Raises
    ------
    pydantic.ValidationError
        On unknown keys, wrong types, intervals that run backwards, a null role outside a mono
        recording, speakers invented for a mono recording, or M07 indices that do not point at
        counted overlaps of that side.
    """

    schema_id: Literal["callcoach.call/1"] = Field(
        default=CALL_SCHEMA, validation_alias="schema", serialization_alias="schema"
    )
    call: CallInfo
    verdict: VerdictInfo
    quality: Quality
    segments: tuple[SegmentEntry, ...] = ()
    turns: tuple[TurnEntry, ...] = ()
    transcript: tuple[TranscriptEntry, ...] = ()
    overlaps: tuple[OverlapEntry, ...] = ()
    silences: tuple[SilenceEntry, ...] = ()
    monologues: tuple[MonologueEntry, ...] = ()
    voice_events: tuple[VoiceEventEntry, ...] = ()
    language_events: tuple[LanguageEventEntry, ...] = ()
    acknowledgement_windows: tuple[AcknowledgementEntry, ...] = ()
    opening_story: OpeningStory | None = None
    cues: tuple[CueEntry, ...] = ()
    metrics: Metrics = Field(default_factory=Metrics)
    scores: Scores = Field(default_factory=Scores)
    qa_card: tuple[QaCardEntry, ...] = ()
    language: LanguageSummary | None = None
    """What the language measures leave for the agent; null without words of two parties."""

    @model_validator(mode="after")
    def _check_roles(self) -> Self:
        roles = {
            *(entry.role for entry in self.segments),
            *(entry.role for entry in self.transcript),
            *(entry.role for entry in self.voice_events),
            *(entry.role for entry in self.language_events),
        }
        if self.call.channel_mode != "mono":
            if None in roles:
                raise ValueError("only a mono recording may leave a role open")
            return self
        by_side = (
            self.turns,
            self.overlaps,
            self.monologues,
            self.acknowledgement_windows,
            self.opening_story,
        )
        if any(by_side) or not roles <= {None}:
            raise ValueError("a mono recording has null roles and no turns, overlaps, monologues or story")
        return self

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        listed = self.metrics.M07
        if listed is not None:
            for role, indices in ((Role.AGENT, listed.agent), (Role.CALLER, listed.caller)):
                counted = tuple(i for i, o in enumerate(self.overlaps) if o.counted and o.incomer is role)
                if indices != counted:
                    raise ValueError("M07 lists the indices of the counted overlaps of each side, in order")
        return self

    def to_json(self) -> str:
        """Return the text of ``call.json``: one key per line, lists with one entry per line."""
        lines = []
        for key, value in self.model_dump(mode="json").items():
            if isinstance(value, list) and value:
                entries = ",\n  ".join(_compact(entry) for entry in value)
                text = f"[\n  {entries}\n ]"
            elif key == "metrics":
                entries = ",\n  ".join(
                    f"{_compact(name)}: {_compact(entry)}" for name, entry in value.items()
                )
                text = f"{{\n  {entries}\n }}"
            else:
                text = _compact(value)
            lines.append(f" {_compact(key)}: {text}")
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Parse the text of a ``call.json``; raises `pydantic.ValidationError` where it is wrong."""
        return cls.model_validate_json(text, by_alias=True, by_name=False)


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(", ", ": "))


def first_problem(error: ValidationError) -> str:
    """Say where a document breaks its contract, without quoting what it holds."""
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(re.sub(r"\W", "?", str(part)[:40]) for part in problem["loc"]) or "the whole file"
    return f"{place}: {problem['msg'].removeprefix('Value error, ')}"


def load_call(path: Path) -> CallDocument:
    """Read a ``call.json``.

    Raises
    ------
    StoreError
        If the file cannot be read or breaks the contract.
    """
    try:
        return CallDocument.from_json(path.read_bytes())
    except OSError as error:
        raise StoreError(
            f"Could not read {path.name}: {error.strerror}; give a call folder that holds it."
        ) from None
    except ValidationError as error:
        raise StoreError(
            f"{path.name} is not a valid {CALL_SCHEMA} file ({first_problem(error)}); analyse the call again."
        ) from None
