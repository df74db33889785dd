"""A call whose language was measured: windows of every result, phrases, terms, a ticket draft."""

from __future__ import annotations

from typing import Any

from callcoach.contract import AcknowledgementEntry, CallDocument, LanguageEventEntry, Metrics
from callcoach.contract import language_metrics as lm
from callcoach.contract import metrics as m
from callcoach.contract.language_parts import (
    GreetingHeard,
    LanguageSummary,
    NoteLine,
    RehearsalEntry,
    StepsHeard,
    TicketDraft,
)
from callcoach.events import Channel
from tests.support.call_documents import AGENT, CALLER
from tests.support.report_calls import full_document


def heard(
    role: Channel, kind: Any, row: str, phrase: str, begin: int, end: int, **more: Any
) -> LanguageEventEntry:
    """One language event."""
    return LanguageEventEntry(role=role, kind=kind, id=row, phrase=phrase, begin=begin, end=end, **more)


def note(role: Channel, text: str, begin: int, end: int) -> NoteLine:
    """One quoted line."""
    return NoteLine(role=role, text=text, begin=begin, end=end)


EVENTS = (
    heard(CALLER, "strong_words", "F08", "third time this week", 4000, 5200, severity=2),
    heard(CALLER, "strong_words", "F30", "are you serious", 8600, 9800, severity=3),
    heard(AGENT, "acknowledgement", "E02", "I can see that this stops your work", 15_200, 17_000),
    heard(
        AGENT, "jargon", "J54", "server", 17_200, 17_700, suggestion="the central computer", unexplained=True
    ),
    heard(
        AGENT, "jargon", "J54", "server", 18_200, 18_700, suggestion="the central computer", unexplained=True
    ),
    heard(AGENT, "jargon", "J70", "browser", 19_000, 19_400, suggestion="the web program", unexplained=False),
    heard(CALLER, "confusion", "Z01", "what does that mean", 20_600, 21_400),
    heard(CALLER, "strong_words", "F09", "all day", 22_000, 22_600, severity=1),
    heard(AGENT, "check_back", "K03", "does that make sense", 32_200, 33_000),
    heard(
        AGENT,
        "discouraged",
        "N01",
        "You need to wait",
        33_400,
        34_400,
        severity=3,
        suggestion="I'll do it now.",
    ),
    heard(
        AGENT, "discouraged", "N14", "you should", 35_000, 35_500, severity=2, suggestion="Could you (step)?"
    ),
    heard(
        AGENT, "discouraged", "N14", "you should", 36_000, 36_500, severity=2, suggestion="Could you (step)?"
    ),
)
WINDOWS = (
    AcknowledgementEntry(opened=10_000, answered=15_200, result="hit", level=2.5, types=("cognitive",)),
    AcknowledgementEntry(
        opened=24_000, answered=None, result="miss", level=1.2, reason="no acknowledgement within 45 s"
    ),
)
SUMMARY = LanguageSummary(
    greeting=GreetingHeard(own_name=True, offer=False),
    progress=StepsHeard(acknowledged=15_200),
    rehearse=RehearsalEntry(
        begin=33_400, end=34_400, id="N01", phrase="You need to wait", instead="I'll do it now.", times=1
    ),
    ticket_note=TicketDraft(
        problem=(note(CALLER, "My printer went dark.", 3400, 6000),),
        caller_tried=(note(CALLER, "I switched it off.", 6000, 8000),),
        steps=(note(AGENT, "Please switch it on.", 36_000, 38_000),),
        next_step=note(AGENT, "I'll call you by three.", 38_000, 39_000),
    ),
)
FIGURES: dict[str, Any] = {
    "M22": m.TimeToAcknowledge(median_s=5.2, n=1),
    "L01": lm.DiscouragedPhrases(count=3, per_100_words=9.1, severity_1=0, severity_2=2, severity_3=1),
    "L02": lm.PositivityBalance(pct=40.0, helpful=2, discouraged=3),
    "L03": lm.StrongWords(count=3, peak=3.1, peak_ms=8600, mild_s=20.0, clear_s=8.0, high_s=0.0, relief=0),
    "L04": lm.AcknowledgementWindows(windows=2, hits=1, late=0, misses=1, hit_pct=50.0),
    "L07": lm.Jargon(count=3, unexplained=2, per_100_words=6.0, terms=("J54",)),
    "L18": lm.CloseQuality(recap=True, next_step_with_time=True, anything_else=False, thanks=True, points=3),
    "L20": lm.StyleProfile(
        speech_s=61.0,
        wpm=150.0,
        words_per_turn=12.0,
        terms_per_100_words=0.5,
        formal_pct=None,
        small_talk_pct=4.0,
    ),
}
WHY = {"L09": "the agent explains nothing at length", "L10": "the agent says nothing"}


def language_document(**changes: Any) -> CallDocument:
    """The full call of 40 s with all that language leaves; ``figures`` change single metrics."""
    figures: dict[str, Any] = FIGURES | changes.pop("figures", {})
    base = full_document()
    values: dict[str, Any] = {
        "language_events": EVENTS,
        "acknowledgement_windows": WINDOWS,
        "language": SUMMARY,
        "metrics": with_figures(base.metrics, figures),
    }
    return full_document(**(values | changes))


def silent_document() -> CallDocument:
    """The same call in which no phrase of the lists was said."""
    nothing = {
        "M22": None,
        "L01": lm.DiscouragedPhrases(count=0, per_100_words=0.0, severity_1=0, severity_2=0, severity_3=0),
        "L02": None,
        "L03": lm.StrongWords(count=0, peak=0.0, peak_ms=None, mild_s=0.0, clear_s=0.0, high_s=0.0, relief=0),
        "L04": None,
        "L07": lm.Jargon(count=0, unexplained=0, per_100_words=0.0, terms=()),
        "L20": None,
    }
    return language_document(
        language_events=(),
        acknowledgement_windows=(),
        language=LanguageSummary(progress=StepsHeard()),
        figures=nothing,
    )


def with_figures(metrics: Metrics, figures: dict[str, Any]) -> Metrics:
    """Metrics with some put in; None takes one out."""
    kept = {
        key: getattr(metrics, key)
        for key in Metrics.model_fields
        if key != "why_null" and getattr(metrics, key) is not None
    }
    put = {key: value for key, value in (kept | figures).items() if value is not None}
    missing = {key: f"nothing of {key} here" for key, value in figures.items() if value is None}
    why = {key: text for key, text in {**metrics.why_null, **WHY, **missing}.items() if key not in put}
    return Metrics(**put, why_null=why)
