"""Values of the metrics ``M01`` to ``M22``, and all metrics of a call; ``docs/call-json.md`` describes each.

A unit ends every name (``_s``, ``_ms``, ``_pct``, ``_per_min``); counts and references have none. The voice
metrics stand in `callcoach.contract.delivery_metrics`, the language metrics in
`callcoach.contract.language_metrics`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Self

from pydantic import Field, field_validator, model_validator

from callcoach.contract import delivery_metrics as v
from callcoach.contract import language_metrics as lm
from callcoach.contract._base import Amount, ContractModel, Count, Ms, Number, Percent, TimedModel

NOT_MEASURED_YET: Final = "not measured yet"
"""Reason of a null value that this version of callcoach does not compute."""

NEVER_STORED: Final = "shown during a live call only, never stored"
"""Reason why V13 is null in every file: no acoustic history of a caller is kept (DLV-7)."""

METRIC_KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "M01": "talk_time",
        "M02": "agent_talk_share",
        "M03": "talk_to_listen",
        "M04": "non_talk_time",
        "M05": "dead_air_events",
        "M06": "overlap_ratio",
        "M07": "interruptions",
        "M08": "interruption_rate",
        "M09": "overtalk_turn_share",
        "M10": "caller_interruptions",
        "M11": "opening_story",
        "M12": "response_latency",
        "M13": "latency_after_strong_words",
        "M14": "longest_agent_monologue",
        "M15": "longest_caller_monologue",
        "M16": "switches",
        "M17": "agent_backchannel_rate",
        "M18": "questions",
        "M19": "hold_etiquette",
        "M20": "silence_narration",
        "M21": "greeting_latency",
        "M22": "time_to_acknowledge",
        "V01": "wpm",
        "V02": "syllable_rate",
        "V03": "pace_state",
        "V04": "pace_jump_after_strong_words",
        "V05": "pace_match",
        "V06": "level",
        "V07": "level_index",
        "V08": "clipping",
        "V09": "pitch",
        "V10": "pitch_variation",
        "V11": "quiet_and_flat",
        "V12": "raised_delivery",
        "V13": "caller_delivery",
        "V14": "filled_pauses",
        "V16": "recovery_time",
        "L01": "discouraged_phrases",
        "L02": "positivity_balance",
        "L03": "strong_words",
        "L04": "acknowledgement_windows",
        "L05": "acknowledgement_type",
        "L06": "apology_and_thanks_count",
        "L07": "jargon",
        "L08": "caller_vocabulary",
        "L09": "check_back_coverage",
        "L10": "paraphrase",
        "L11": "open_questions",
        "L12": "first_person_ownership",
        "L13": "concreteness",
        "L14": "commitments",
        "L15": "word_balance",
        "L16": "fillers_and_hedges",
        "L17": "name_use",
        "L18": "close_quality",
        "L19": "confusion",
        "L20": "style_profile",
    }
)
"""Id and key of every metric, in file order. V15 is not used."""


class TalkTime(ContractModel):
    """M01: speech time of each side, seconds; overlap counts for both."""

    agent_s: Amount
    caller_s: Amount


class TalkShare(ContractModel):
    """M02: the agent's share of all speech time, per cent."""

    agent_pct: Percent


class TalkToListen(ContractModel):
    """M03: the agent's speech time divided by the caller's."""

    agent_per_caller: Amount


class NonTalkTime(ContractModel):
    """M04: mutual silences over 3 s plus holds, seconds and share of the call."""

    total_s: Amount
    pct: Percent
    silence_s: Amount
    hold_s: Amount


class DeadAir(ContractModel):
    """M05: mutual silences of 6 s and more outside holds; the bounds stand in ``silences``."""

    count: Count
    total_s: Amount
    longest_s: Amount
    agent_owned: Count
    caller_owned: Count


class OverlapRatio(ContractModel):
    """M06: time in which both speak, seconds and per cent of the time in which anybody speaks."""

    overlap_s: Amount
    pct: Percent


class Interruptions(ContractModel):
    """M07: counted events by side, as indices into ``overlaps``, and their summed weights."""

    agent: tuple[Count, ...]
    caller: tuple[Count, ...]
    agent_weight: Amount
    caller_weight: Amount


class InterruptionRate(ContractModel):
    """M08: summed weight of the agent's counted events per 10 minutes of caller speech."""

    per_10min: Amount


class OvertalkShare(ContractModel):
    """M09: agent turns that began as a counted event, number and per cent of all agent turns."""

    pct: Percent
    overtalk_turns: Count
    turns: Count


class CallerInterruptions(ContractModel):
    """M10: counted events that the caller started, number and per 10 minutes of call."""

    count: Count
    per_10min: Amount


class OpeningStoryMetric(ContractModel):
    """M11: the caller's opening story; ``cut_at_ms`` is null when completed, ``words`` without words."""

    length_s: Amount
    words: Count | None
    backchannels: Count
    completed: bool
    cut_at_ms: Ms | None


class LatencySummary(ContractModel):
    """M12, M13: floor-transfer offsets of the agent after caller turns, milliseconds; negative = overlap."""

    median_ms: Number
    p10_ms: Number
    p90_ms: Number
    n: Count


class LongestMonologue(TimedModel):
    """M14, M15: the longest stretch of floor of one side, with its bounds in milliseconds."""

    longest_s: Amount


class Switches(ContractModel):
    """M16: floor changes."""

    count: Count
    per_min: Amount
    per_hour: Amount


class BackchannelRate(ContractModel):
    """M17: the agent's backchannels, number and per minute of caller speech."""

    count: Count
    per_min: Amount


class Questions(ContractModel):
    """M18: the agent's questions by kind."""

    count: Count
    open: Count
    closed: Count
    check_back: Count
    per_10min: Amount


class HoldRating(TimedModel):
    """One hold of M19: what was said around it, and the points 0 to 4."""

    notice: bool
    reason: bool
    estimate: bool
    resumed: bool
    points: Count = Field(le=4)


class HoldEtiquette(ContractModel):
    """M19: every hold with its points, and their mean."""

    holds: tuple[HoldRating, ...]
    mean_points: Amount = Field(le=4)


class SilenceNarration(ContractModel):
    """M20: agent-side silences over 6 s that were announced."""

    pct: Percent
    announced: Count
    n: Count


class GreetingLatency(ContractModel):
    """M21: call start to the agent's first speech, seconds."""

    seconds: Amount


class TimeToAcknowledge(ContractModel):
    """M22: time to the first acknowledgement after an acknowledgement window opened."""

    median_s: Amount
    n: Count


class Metrics(ContractModel):
    """All metrics of a call by id; null where not measurable, with the reason in ``why_null``.

    Whoever builds it names the reasons of what it knows; ids that it leaves out are filled in as
    `NOT_MEASURED_YET`, V13 always as `NEVER_STORED`, so that every null has a reason in the file.

    Raises
    ------
    ValueError
        If ``why_null`` names an unknown id or one that has a value.
    """

    M01: TalkTime | None = None
    M02: TalkShare | None = None
    M03: TalkToListen | None = None
    M04: NonTalkTime | None = None
    M05: DeadAir | None = None
    M06: OverlapRatio | None = None
    M07: Interruptions | None = None
    M08: InterruptionRate | None = None
    M09: OvertalkShare | None = None
    M10: CallerInterruptions | None = None
    M11: OpeningStoryMetric | None = None
    M12: LatencySummary | None = None
    M13: LatencySummary | None = None
    M14: LongestMonologue | None = None
    M15: LongestMonologue | None = None
    M16: Switches | None = None
    M17: BackchannelRate | None = None
    M18: Questions | None = None
    M19: HoldEtiquette | None = None
    M20: SilenceNarration | None = None
    M21: GreetingLatency | None = None
    M22: TimeToAcknowledge | None = None
    V01: v.WordsPerMinute | None = None
    V02: v.SyllableRate | None = None
    V03: v.PaceState | None = None
    V04: v.PaceJump | None = None
    V05: v.PaceMatch | None = None
    V06: v.Level | None = None
    V07: v.LevelIndex | None = None
    V08: v.Clipping | None = None
    V09: v.Pitch | None = None
    V10: v.PitchVariation | None = None
    V11: v.QuietAndFlat | None = None
    V12: v.RaisedDelivery | None = None
    V13: None = None
    V14: v.FilledPauses | None = None
    V16: v.RecoveryTime | None = None
    L01: lm.DiscouragedPhrases | None = None
    L02: lm.PositivityBalance | None = None
    L03: lm.StrongWords | None = None
    L04: lm.AcknowledgementWindows | None = None
    L05: lm.AcknowledgementTypes | None = None
    L06: lm.ApologiesAndThanks | None = None
    L07: lm.Jargon | None = None
    L08: lm.CallerVocabulary | None = None
    L09: lm.CheckBackCoverage | None = None
    L10: lm.Paraphrase | None = None
    L11: lm.OpenQuestions | None = None
    L12: lm.FirstPersonOwnership | None = None
    L13: lm.Concreteness | None = None
    L14: lm.Commitments | None = None
    L15: lm.WordBalance | None = None
    L16: lm.FillersAndHedges | None = None
    L17: lm.NameUse | None = None
    L18: lm.CloseQuality | None = None
    L19: lm.AskedBack | None = None
    L20: lm.StyleProfile | None = None
    why_null: dict[str, str] = Field(default_factory=dict, validate_default=True)

    @field_validator("why_null")
    @classmethod
    def _known_ids(cls, reasons: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(reasons) - set(METRIC_KEYS))
        if unknown:
            raise ValueError(f"why_null names unknown metrics: {', '.join(unknown)}")
        return reasons

    @model_validator(mode="after")
    def _every_null_has_a_reason(self) -> Self:
        null = [key for key in METRIC_KEYS if getattr(self, key) is None]
        contradicted = sorted(set(self.why_null) - set(null))
        if contradicted:
            raise ValueError(f"why_null gives a reason for metrics with a value: {', '.join(contradicted)}")
        reasons = {key: self.why_null.get(key, NOT_MEASURED_YET) for key in null}
        reasons["V13"] = NEVER_STORED
        self.why_null.clear()
        self.why_null.update(reasons)
        return self
