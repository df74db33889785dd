"""Values of the voice metrics ``V01`` to ``V16``; ``docs/call-json.md`` describes each in words.

All are of the agent unless a name says ``caller``. They describe how something was said, relative to the
same speaker earlier in the call, and never more than that: no value joins level, F0 and pace (DLV-1). "Usual"
is the speaker's own baseline (section 1.4), ``per_10min`` counts per 10 minutes of call, shares are of speech
time. A unit ends every name; counts and ratios have none.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from callcoach.contract._base import Amount, ContractModel, Count, Number, Percent

_ROUNDING_PCT = 0.01
"""Shares rounded one by one may add up to this much more than their whole."""


class WordsPerMinute(ContractModel):
    """V01: words per minute of speech time, pauses up to 0.5 s included.

    ``in_band_pct`` is the share of the agent's ``n`` windows of 12 s of speech with 120 to 160 WPM
    ([D] V01), null without a window. ``caller_wpm`` is null with too few words of the caller.

    Raises
    ------
    ValueError
        If ``in_band_pct`` is not null exactly when ``n`` is 0.
    """

    agent_wpm: Amount
    caller_wpm: Amount | None
    in_band_pct: Percent | None
    n: Count

    @model_validator(mode="after")
    def _check_windows(self) -> Self:
        if (self.in_band_pct is None) != (self.n == 0):
            raise ValueError("in_band_pct is null exactly without windows")
        return self


class SyllableRate(ContractModel):
    """V02: the agent's syllables per second of speech, counted in the audio."""

    agent_per_s: Amount


class PaceState(ContractModel):
    """V03: share of the agent's speech time that is fast or slow against the usual pace.

    ``fast_pct`` includes ``very_fast_pct``.

    Raises
    ------
    ValueError
        If ``very_fast_pct`` exceeds ``fast_pct``, or fast and slow together exceed 100 %.
    """

    usual_wpm: Amount
    fast_pct: Percent
    very_fast_pct: Percent
    slow_pct: Percent

    @model_validator(mode="after")
    def _check_shares(self) -> Self:
        if self.very_fast_pct > self.fast_pct:
            raise ValueError("fast_pct includes very_fast_pct")
        if self.fast_pct + self.slow_pct > 100 + _ROUNDING_PCT:
            raise ValueError("speech is not fast and slow at once")
        return self


class PaceJump(ContractModel):
    """V04: the agent's mean WPM in the 15 s after ``n`` strong words of the caller, minus the usual pace."""

    mean_change_wpm: Number
    n: Count = Field(gt=0)


class PaceMatch(ContractModel):
    """V05: pace of the agent divided by pace of the caller, over 60 s of speech of each.

    ``outside_pct`` is the share of the ``n`` compared moments outside 0.75 to 1.25 ([D] V05).
    """

    median_ratio: Amount
    outside_pct: Percent
    n: Count = Field(gt=0)


class Level(ContractModel):
    """V06: level against the usual.

    ``spikes`` are the agent's voice events of kind ``level_spike`` (+6 dB for 1.5 s), ``strongest_db`` is the
    largest rise among them, null without one; ``quiet`` counts those of kind ``quiet`` (-8 dB for 8 s).

    Raises
    ------
    ValueError
        If ``strongest_db`` is not null exactly when ``spikes`` is 0.
    """

    usual_dbfs: Number
    spikes: Count
    per_10min: Amount
    strongest_db: Number | None
    quiet: Count

    @model_validator(mode="after")
    def _check_strongest(self) -> Self:
        if (self.strongest_db is None) != (self.spikes == 0):
            raise ValueError("strongest_db is null exactly without spikes")
        return self


class LevelIndex(ContractModel):
    """V07: median of the level index, 0 (-60 dBFS and below) to 100 (full scale); for display only."""

    median_index: Amount = Field(le=100)


class Clipping(ContractModel):
    """V08: share of samples of 0.99 of full scale and more, by channel; a fact about the equipment."""

    agent_pct: Percent
    caller_pct: Percent | None


class Pitch(ContractModel):
    """V09: F0 against the usual.

    ``spikes`` are the agent's voice events of kind ``pitch_spike`` (+3 semitones and z >= 2 for 1 s),
    ``strongest_st`` is the largest rise among them, null without one.

    Raises
    ------
    ValueError
        If ``strongest_st`` is not null exactly when ``spikes`` is 0.
    """

    usual_hz: Amount = Field(gt=0)
    spikes: Count
    per_10min: Amount
    strongest_st: Number | None

    @model_validator(mode="after")
    def _check_strongest(self) -> Self:
        if (self.strongest_st is None) != (self.spikes == 0):
            raise ValueError("strongest_st is null exactly without spikes")
        return self


class PitchVariation(ContractModel):
    """V10: median of the standard deviation of F0 over 10 s, semitones; share of speech time that is flat."""

    median_st: Amount
    flat_pct: Percent


class QuietAndFlat(ContractModel):
    """V11: how often, and how long in all, the agent was quiet and flat, both at once."""

    openings: Count
    total_s: Amount


class RaisedDelivery(ContractModel):
    """V12: how often, and how long in all, at least two of level, F0 and pace stood over the usual.

    A state with a begin and an end, never a strength: each voice event of kind ``raised_delivery`` names the
    quantities with dB, semitones and WPM; nothing adds them up.
    """

    openings: Count
    per_10min: Amount
    total_s: Amount


class FilledPauses(ContractModel):
    """V14: held voiced sounds ("um") heard in the audio, number and per minute of the agent's speech."""

    count: Count
    per_min: Amount


class RecoveryTime(ContractModel):
    """V16: seconds from opening to close of the ``n`` raised stretches of V12; null without one.

    Raises
    ------
    ValueError
        If the median exceeds the longest.
    """

    median_s: Amount
    longest_s: Amount
    n: Count = Field(gt=0)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.median_s > self.longest_s:
            raise ValueError("a median cannot exceed the longest")
        return self
