"""Short lists of words that stand in code, written as text."""

from __future__ import annotations


def words_of(text: str) -> list[str]:
    """Return the words of a text."""
    return text.split()


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


def phrase_set(text: str) -> frozenset[tuple[str, ...]]:
    """Return phrases that stand between commas, each as its words."""
    return frozenset(tuple(phrase.split()) for phrase in text.split(","))
