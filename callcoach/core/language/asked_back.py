"""The same question asked twice (L19)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from callcoach.core.language.lists import content_words, language_lists
from callcoach.core.language.text import Sentence

_LEAST_CONTENT = 2
"""Content words that make two questions comparable; [D]."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """A question that was asked before."""

    sentence: Sentence
    before: Sentence


def repeated_questions(sentences: Sequence[Sentence], least: float) -> list[Repeated]:
    """Return the questions of one party whose content words were asked before.

    Parameters
    ----------
    sentences : of one party, in order of time.
    least : float
        Cosine of the content words, 0 to 1, from which two questions are the same (L19).
    """
    lists = language_lists()
    asked: list[tuple[Sentence, Counter[str]]] = []
    found: list[Repeated] = []
    for sentence in sentences:
        if not sentence.asks:
            continue
        words = Counter(content_words(sentence.text, lists))
        if len(words) < _LEAST_CONTENT:
            continue
        earlier = next((s for s, w in reversed(asked) if cosine(w, words) >= least), None)
        if earlier is not None:
            found.append(Repeated(sentence, earlier))
        asked.append((sentence, words))
    return found


def cosine(a: Counter[str], b: Counter[str]) -> float:
    """Return the cosine of two bags of words, 0 to 1."""
    dot = sum(a[w] * b[w] for w in a)
    size = math.sqrt(sum(n * n for n in a.values()) * sum(n * n for n in b.values()))
    return dot / size if size else 0.0
