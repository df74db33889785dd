"""Scores and the QA card, with what they lack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from callcoach.contract import CallDocument
from callcoach.sinks.report.wording import figure

_SCORES: Final = (
    ("listening", "Listening", 25),
    ("acknowledgement", "Acknowledgement", 20),
    ("clarity", "Clarity", 20),
    ("delivery", "Voice delivery, for you alone", 20),
    ("positive", "Positive language", 15),
    ("overall", "Overall", 0),
)
_SOURCES: Final = {"auto": "computed", "human": "you decide", "both": "suggested, you confirm"}


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One score; ``value`` is None with too little data, ``weight`` is its per cent of the overall score."""

    name: str
    value: float | None
    text: str
    weight: int


@dataclass(frozen=True, slots=True)
class QaRow:
    """One item of the card; ``points`` is a dash until somebody decided."""

    item: str
    points: str
    maximum: str
    share: float | None
    source: str
    evidence: tuple[tuple[int, int], ...]


def score_rows(document: CallDocument) -> tuple[ScoreRow, ...]:
    """Return the five scores and the overall one, in the order of section 7."""
    rows = []
    for key, name, weight in _SCORES:
        value: float | None = getattr(document.scores, key)
        rows.append(ScoreRow(name, value, "not enough data" if value is None else figure(value), weight))
    return tuple(rows)


def qa_rows(document: CallDocument) -> tuple[QaRow, ...]:
    """Return the QA card as the document holds it."""
    return tuple(
        QaRow(
            item=entry.item,
            points="–" if entry.points is None else f"{entry.points:g}",
            maximum=f"{entry.max:g}",
            share=None if entry.points is None or not entry.max else 100 * entry.points / entry.max,
            source=_SOURCES[entry.source],
            evidence=entry.evidence,
        )
        for entry in document.qa_card
    )
