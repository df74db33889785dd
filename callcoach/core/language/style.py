"""How the caller speaks, as five plain figures (L20), known after a minute of their speech."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from callcoach.clock import to_seconds
from callcoach.core.language.lists import count, language_lists
from callcoach.core.language.text import Sentence
from callcoach.core.phrases import contains


@dataclass(frozen=True, slots=True)
class Style:
    """Five bars."""

    speech_s: float
    wpm: float
    words_per_turn: float
    terms_per_100_words: float
    formal_pct: float | None
    small_talk_pct: float


def style(sentences: Sequence[Sentence], speech: int, turns: int, terms: int) -> Style | None:
    """Return the style of a party, or None without words.

    Parameters
    ----------
    sentences : of the party, in order of time.
    speech : int
        Samples of their speech.
    turns : turns in which they held the floor.
    terms : technical terms they used.
    """
    lists = language_lists()
    words = sum(len(s.words) for s in sentences)
    if not words or speech <= 0:
        return None
    formal = sum(count(s.text, lists["style.formal"]) > 0 for s in sentences)
    plain = sum(
        count(s.text, lists["style.formal"]) == 0 and contains(s.text, lists["style.plain_requests"])
        for s in sentences
    )
    small = sum(contains(s.text, lists["style.small_talk"]) for s in sentences)
    return Style(
        speech_s=round(to_seconds(speech), 1),
        wpm=round(60 * words / to_seconds(speech), 1),
        words_per_turn=round(words / max(1, turns), 1),
        terms_per_100_words=round(100 * terms / words, 2),
        formal_pct=round(100 * formal / (formal + plain), 1) if formal + plain else None,
        small_talk_pct=round(100 * small / len(sentences), 1),
    )
