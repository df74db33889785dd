"""Values of the language metrics ``L01`` to ``L20``; ``docs/language-metrics.md`` describes each in words.

They rest on words alone: what was said and when, never how it sounded. Counts are of the agent's words unless
a name says ``caller``. ``per_100_words`` counts per 100 words of that party.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from callcoach.contract._base import Amount, ContractModel, Count, Ms, Number, Percent


class DiscouragedPhrases(ContractModel):
    """L01: phrases with a better alternative (table 10.3), by severity 1 to 3."""

    count: Count
    per_100_words: Amount
    severity_1: Count
    severity_2: Count
    severity_3: Count


class PositivityBalance(ContractModel):
    """L02: helpful phrases over helpful and discouraged ones; a design target, not a law."""

    pct: Percent
    helpful: Count
    discouraged: Count


class StrongWords(ContractModel):
    """L03: the caller's strong words; the level is their weights, fading with 45 s, less relief markers."""

    count: Count
    peak: Amount
    peak_ms: Ms | None
    """Where the level was highest; null without strong words."""
    mild_s: Amount
    """Time at or over the mild level."""
    clear_s: Amount
    high_s: Amount
    relief: Count


class AcknowledgementWindows(ContractModel):
    """L04: windows of section 4.4 by result; ``hit_pct`` of all of them."""

    windows: Count = Field(gt=0)
    hits: Count
    late: Count
    misses: Count
    hit_pct: Percent

    @model_validator(mode="after")
    def _check_sum(self) -> Self:
        if self.hits + self.late + self.misses != self.windows:
            raise ValueError("every window is a hit, late or a miss")
        return self


class AcknowledgementTypes(ContractModel):
    """L05: acknowledgements by type (table 10.4).

    ``uncredited`` are those that name only how something must be; they count as a hit of a window and earn
    no type. ``cognitive_attentive_pct`` is the share of the first two among all.
    """

    cognitive: Count
    attentive: Count
    ownership: Count
    appreciation: Count
    uncredited: Count
    cognitive_attentive_pct: Percent


class ApologiesAndThanks(ContractModel):
    """L06: how often the agent said sorry, and thanked."""

    apologies: Count
    thanks: Count


class Jargon(ContractModel):
    """L07: terms of table 10.6; ``unexplained``: no plain gloss near it and not used first by the caller."""

    count: Count
    unexplained: Count
    per_100_words: Amount
    """Unexplained ones."""
    terms: tuple[str, ...]
    """Row ids of the unexplained terms, in the order of their first use."""


class CallerVocabulary(ContractModel):
    """L08: technical terms that the caller has used, as row ids in order of first use."""

    terms: tuple[str, ...]


class CheckBackCoverage(ContractModel):
    """L09: explanation blocks and how many were followed by a check-back."""

    pct: Percent
    covered: Count
    blocks: Count = Field(gt=0)


class Paraphrase(ContractModel):
    """L10: agent turns that played the caller's words back; ``before_first_instruction`` is what counts."""

    count: Count
    by_opener: Count
    by_shared_words: Count
    before_first_instruction: bool | None
    """Null where the agent gives no instruction."""


class OpenQuestions(ContractModel):
    """L11: open questions of the agent; ``early`` in the phases story and diagnose."""

    count: Count
    early: Count


class FirstPersonOwnership(ContractModel):
    """L12: "I" against "we", "they" and teams as the one who acts."""

    i_pct: Percent
    i_forms: Count
    others: Count


class Concreteness(ContractModel):
    """L13: named things against vague words."""

    pct: Percent
    named: Count
    vague: Count


class Commitments(ContractModel):
    """L14: promises of the agent: complete with owner, action and time, or vague."""

    complete: Count
    vague: Count
    vague_at_close: Count
    """Vague ones in the phase close."""


class WordBalance(ContractModel):
    """L15: the caller's helpful against unhelpful words, -5 to 5, overall and by quarter of the call.

    A quarter without a word of the lists is null; ``shift`` is the last minus the first quarter, null when
    one of them is.
    """

    overall: Number = Field(ge=-5, le=5)
    by_quarter: tuple[Number | None, Number | None, Number | None, Number | None]
    shift: Number | None


class FillersAndHedges(ContractModel):
    """L16: fillers and hedges in the agent's recognised words; the sound tells more (V14)."""

    fillers: Count
    hedges: Count
    fillers_per_100_words: Amount
    hedges_per_100_words: Amount


class NameUse(ContractModel):
    """L17: how often the agent said the caller's name. The name itself is not stored here."""

    count: Count


class CloseQuality(ContractModel):
    """L18: what the last part of the call held; one point each."""

    recap: bool
    next_step_with_time: bool
    anything_else: bool
    thanks: bool
    points: Count = Field(le=4)


class AskedBack(ContractModel):
    """L19: the caller asked back, or asked the same twice."""

    count: Count
    phrases: Count
    repeated_questions: Count


class StyleProfile(ContractModel):
    """L20: how the caller speaks, after ``speech_s`` of their speech; five bars, no judgement."""

    speech_s: Amount
    wpm: Amount
    words_per_turn: Amount
    terms_per_100_words: Amount
    formal_pct: Percent | None
    """Requests with "please", "could" and the like among all requests; null without a request."""
    small_talk_pct: Percent
    """Share of the caller's sentences."""
