"""Word lists of the turn-taking rules, loaded from the data file, and how text is compared with them."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from callcoach.events import Word

_NOT_WORD = re.compile(r"[^a-z0-9'\- ]+")
_FINAL_MARK = re.compile(r"[.?!][\"')\]]*$")


@dataclass(frozen=True, slots=True)
class Phrases:
    """Lists in normal form: lower case, no punctuation but apostrophes and hyphens."""

    backchannels: frozenset[str]
    agreement: frozenset[str]
    negative_agreement: frozenset[str]
    floor_openers: frozenset[str]
    continuation: frozenset[str]
    can_end: frozenset[str]
    filled_pauses: frozenset[str]
    question_starts: frozenset[str]
    negation: frozenset[str]
    clarification_lead_ins: frozenset[str]
    clarification_starts: frozenset[str]
    verbs: frozenset[str]
    hold_notices: tuple[str, ...]
    narration: tuple[str, ...]
    instructions: tuple[str, ...]
    identity_checks: tuple[str, ...]
    phase_instructions: frozenset[str]
    phase_lead_ins: frozenset[str]
    phase_not_instructions: frozenset[str]
    phase_check_backs: frozenset[str]
    phase_recaps: frozenset[str]
    phase_closings: frozenset[str]
    phase_closing_sentences: frozenset[str]
    phase_farewells: frozenset[str]


@cache
def phrases(language: str = "en") -> Phrases:
    """Load the lists of a language.

    Raises
    ------
    FileNotFoundError
        If no list of this language ships.
    """
    raw = tomllib.loads(
        resources.files("callcoach").joinpath(f"_data/phrases.{language}.toml").read_text(encoding="utf-8")
    )
    groups = raw["backchannels"]
    return Phrases(
        backchannels=frozenset(p for group in groups.values() for p in group),
        agreement=frozenset(groups["agreement"]) | frozenset(groups["continuers"]),
        negative_agreement=frozenset(raw["negative_agreement"]["words"]),
        floor_openers=frozenset(raw["floor_openers"]["words"]),
        continuation=frozenset(raw["clause"]["continuation"]) | frozenset(raw["clause"]["continuation_more"]),
        can_end=frozenset(raw["clause"]["can_end"]),
        filled_pauses=frozenset(raw["clause"]["filled_pauses"]),
        question_starts=frozenset(raw["clause"]["question_starts"]),
        negation=frozenset(raw["negation"]["words"]),
        clarification_lead_ins=frozenset(raw["clarification"]["lead_ins"]),
        clarification_starts=frozenset(raw["clarification"]["starts"]),
        verbs=frozenset(raw["clarification"]["verbs"]),
        hold_notices=tuple(raw["hold"]["notices"]),
        narration=tuple(raw["hold"]["narration"]),
        instructions=tuple(raw["instruction"]["verbs"]),
        identity_checks=tuple(raw["identity_check"]["words"]),
        phase_instructions=frozenset(raw["phases"]["instructions"]),
        phase_lead_ins=frozenset(raw["phases"]["lead_ins"]),
        phase_not_instructions=frozenset(raw["phases"]["not_instructions"]),
        phase_check_backs=frozenset(raw["phases"]["check_backs"]),
        phase_recaps=frozenset(raw["phases"]["recaps"]),
        phase_closings=frozenset(raw["phases"]["closings"]),
        phase_closing_sentences=frozenset(raw["phases"]["closing_sentences"]),
        phase_farewells=frozenset(raw["phases"]["farewells"]),
    )


def normal(text: str) -> str:
    """Lower case, straight apostrophes, no punctuation but apostrophes and inner hyphens."""
    plain = _NOT_WORD.sub(" ", text.lower().replace("\u2019", "'"))
    return " ".join(token.strip("-'") for token in plain.split() if token.strip("-'"))


def joined(words: list[Word]) -> str:
    """Text of words, as recognised."""
    return " ".join(w.text for w in words)


def has_final_mark(text: str) -> bool:
    """Tell whether text ends a sentence; an ellipsis or a dash does not."""
    return bool(_FINAL_MARK.search(text)) and not text.rstrip("\"')]").endswith("..")


def trails_off(text: str) -> bool:
    """Tell whether the recogniser wrote that a sentence breaks off: an ellipsis or a dash."""
    return text.rstrip("\"')").endswith(("...", "\u2026", "-", "\u2013", "\u2014"))


def contains(text: str, wanted: tuple[str, ...] | frozenset[str]) -> bool:
    """Tell whether normal ``text`` holds one of the phrases as whole words."""
    padded = f" {text} "
    return any(f" {phrase} " in padded for phrase in wanted)


def starts_with(text: str, wanted: frozenset[str]) -> bool:
    """Tell whether normal ``text`` begins with one of the phrases as whole words."""
    return any(text == phrase or text.startswith(phrase + " ") for phrase in wanted)


def covered_by(text: str, wanted: frozenset[str]) -> bool:
    """Tell whether normal ``text`` is nothing but phrases of the list, longest first."""
    tokens = text.split()
    at = 0
    while at < len(tokens):
        for size in range(min(4, len(tokens) - at), 0, -1):
            if " ".join(tokens[at : at + size]) in wanted:
                at += size
                break
        else:
            return False
    return bool(tokens)
