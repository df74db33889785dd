"""How the caller speaks, as five plain figures (L20), known after a minute of their speech."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from callcoach.clock import to_seconds
from callcoach.core.language.finder import FORMALITY, JARGON, SMALL_TALK, Found
from callcoach.core.language.text import Sentence


@dataclass(frozen=True, slots=True)
class Style:
    """Five bars."""

    speech_s: float
    wpm: float
    words_per_turn: float
    terms_per_100_words: float
    formal_pct: float | None
    small_talk_pct: float


def style(sentences: Sequence[Sentence], found: Sequence[Found], speech: int, turns: int) -> Style | None:
    """Return the style of a party, or None without words.

    Parameters
    ----------
    sentences : of the party, in order of time.
    found : what was found in their words.
    speech : int
        Samples of their speech.
    turns : turns in which they held the floor.
    """
    words = sum(len(s.words) for s in sentences)
    if not words or speech <= 0:
        return None
    mine = [f for f in found if f.channel is sentences[0].channel]
    formal = sum(f.list == FORMALITY and f.row.kind == "formal" for f in mine)
    plain = sum(f.list == FORMALITY and f.row.kind == "informal" for f in mine)
    terms = sum(f.list == JARGON for f in mine)
    small = sum(any(f.list == SMALL_TALK and s.start <= f.start < s.end for f in mine) for s in sentences)
    return Style(
        speech_s=round(to_seconds(speech), 1),
        wpm=round(60 * words / to_seconds(speech), 1),
        words_per_turn=round(words / max(1, turns), 1),
        terms_per_100_words=round(100 * terms / words, 2),
        formal_pct=round(100 * formal / (formal + plain), 1) if formal + plain else None,
        small_talk_pct=round(100 * small / len(sentences), 1),
    )
