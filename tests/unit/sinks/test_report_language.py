"""Language in the report and in the terminal summary: what is there, what is missing, and safely so."""

from __future__ import annotations

import html as html_text
import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from callcoach.contract import CallDocument
from callcoach.contract.language_parts import LanguageSummary, StepsHeard
from callcoach.sinks.console import render_summary
from callcoach.sinks.report import report_html
from callcoach.sinks.report.language import SHOWN_ROWS, language_card
from callcoach.sinks.report.ticket import HEADLINE, ticket_note
from callcoach.sinks.report.values import shown
from tests.support.call_documents import AGENT, CALLER, mono_document, small_document
from tests.support.html_pages import Page
from tests.support.language_calls import (
    EVENTS,
    SUMMARY,
    WINDOWS,
    heard,
    language_document,
    silent_document,
)
from tests.support.report_calls import full_document

NASTY = "</textarea></script><img src=x onerror=alert(2)>\"'>{{7*7}}"


def page_of(document: CallDocument) -> Page:
    page = Page(report_html(document))
    assert page.open == []
    return page


def section(document: CallDocument) -> str:
    """Text of the language section as a person reads it."""
    text = report_html(document)
    part = re.search(r'<section class="card language".*?</section>', text, re.DOTALL)
    assert part is not None
    plain = re.sub(r"<[^>]+>", " ", part[0])
    return " ".join(html_text.unescape(plain).split())


def test_the_document_of_these_tests_fits_the_contract() -> None:
    for document in (language_document(), silent_document()):
        assert CallDocument.from_json(document.to_json()) == document


def test_the_section_tells_counts_rehearsal_windows_phrases_terms_close_and_style() -> None:
    text = section(language_document())
    for wanted in (
        "Strong words of the caller 3",
        "Acknowledged in time 1 of 2",
        "Unexplained terms 2 of 3",
        "I'll do it now.",
        "Instead of “You need to wait”, said once N01",
        "“third time this week”",
        "“are you serious”",
        "“I can see that this stops your work”",
        "sees what it means",
        "not acknowledged",
        "“you should” 2×",
        "Could you (step)?",
        "the central computer",
        "explained, or the caller's word",
        "Check-back after explaining not measured: the agent explains nothing at length",
        "150 wpm",
        "no request with a marked word",
        "a draft to check",
        HEADLINE,
        "I'll call you by three. [0:38]",
    ):
        assert wanted in text, wanted


def test_a_window_quotes_the_caller_and_what_followed_with_seconds_and_a_clip() -> None:
    hit, miss = language_card(language_document()).windows
    assert hit.strong == ("third time this week", "are you serious")
    assert (hit.reply, hit.is_acknowledgement) == ("I can see that this stops your work", True)
    assert (hit.result_word, hit.after) == ("in time", "5.2\N{THIN SPACE}s")
    assert hit.clip == (7600, 18_200)
    assert miss.strong == ("all day",)
    assert miss.reply.startswith("Thank you for waiting")
    assert not miss.is_acknowledgement
    assert (miss.result_word, miss.after, miss.kinds) == ("not acknowledged", "", "")
    assert miss.reason == "no acknowledgement within 45 s"
    assert miss.clip == (21_000, 32_000)


def test_clips_of_windows_stay_inside_the_call_and_short() -> None:
    early = WINDOWS[1].model_copy(update={"opened": 39_500})
    strong = heard(CALLER, "strong_words", "F09", "all day", 200, 900, severity=1)
    document = language_document(language_events=(strong,), acknowledgement_windows=(early,))
    (window,) = language_card(document).windows
    assert window.clip == (24_500, 40_000)


def test_phrases_are_grouped_by_row_the_most_severe_first() -> None:
    avoid = language_card(language_document()).avoid
    assert avoid is not None
    assert [(row.row, row.count, row.is_severe) for row in avoid.rows] == [
        ("N01", 1, True),
        ("N14", 2, False),
    ]
    assert avoid.rows[1].more == ((36_000, 36_500),)


def test_long_lists_are_folded_and_nothing_is_lost() -> None:
    many = tuple(
        heard(AGENT, "discouraged", f"N{i}", f"phrase {i}", 1000 * i, 1000 * i + 500, severity=1)
        for i in range(1, 12)
    )
    avoid = language_card(language_document(language_events=many)).avoid
    assert avoid is not None
    assert len(avoid.rows) == SHOWN_ROWS
    assert {row.row for row in (*avoid.rows, *avoid.rest)} == {event.id for event in many}


def test_terms_tell_what_was_explained() -> None:
    terms = language_card(language_document()).terms
    assert terms is not None
    assert [(row.said, row.better, row.state) for row in terms.rows] == [
        ("server", "the central computer", "unexplained"),
        ("browser", "the web program", "explained, or the caller's word"),
    ]


def test_every_phrase_has_a_mark_with_words_row_and_suggestion() -> None:
    document = language_document()
    page = page_of(document)
    marks = {name: e for name, e in page.data["events"].items() if name.startswith("word")}
    assert len(marks) == len(EVENTS)
    tips = {a["id"]: a["title"] or "" for a in page.of("button") if a.get("id") in marks}
    for event in EVENTS:
        name = next(n for n, e in marks.items() if (e["b"], e["e"]) == (event.begin, event.end))
        assert event.phrase in tips[name]
        assert f"({event.id})" in tips[name]
        assert ["List row", event.id] in marks[name]["facts"]
        if event.suggestion:
            assert event.suggestion in tips[name]
    looks = {e["look"].split()[2] for e in marks.values()}
    assert looks == {"w-square", "w-round", "w-dashed", "w-thin", "w-bare", "w-tag"}


def test_each_kind_of_mark_has_an_icon_of_its_own() -> None:
    kinds = {
        "discouraged", "acknowledgement", "strong_words", "jargon", "check_back", "recap", "deescalation",
        "hold_notice", "commitment", "confusion", "open_question", "apology", "thanks",
    }  # fmt: skip
    events = tuple(
        heard(AGENT, kind, "X1", kind, 1000 * i, 1000 * i + 300) for i, kind in enumerate(sorted(kinds), 1)
    )
    html = report_html(language_document(language_events=events))
    icons = [e["icon"] for name, e in Page(html).data["events"].items() if name.startswith("word")]
    assert len(set(icons)) == len(kinds)
    for icon in icons:
        assert f'id="i-{icon}"' in html, icon


def test_without_phrases_the_page_says_so() -> None:
    text = section(silent_document())
    for wanted in (
        "No discouraged phrases: nothing to rehearse.",
        "No strong words from the caller.",
        "No discouraged phrases.",
        "No helpful phrase of the lists.",
        "No technical terms of the list.",
        "How the caller speaks: not measured",
        "Not measured: nothing of L20 here.",
        "Ticket note, a draft to check: none",
    ):
        assert wanted in text, wanted
    assert "No phrase of the word lists was said" in page_of(silent_document()).visible


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (full_document(language_events=(), transcript=()), "no words were recognised"),
        (mono_document(), "one channel holds both sides"),
        (small_document(), "not in this call's analysis"),
    ],
)
def test_without_language_the_page_gives_the_reason(document: CallDocument, reason: str) -> None:
    assert section(document) == f"Language Not measured: {reason}."
    assert "textarea" not in {tag for tag, _ in page_of(document).elements}


def test_events_without_a_summary_are_shown_all_the_same() -> None:
    text = section(full_document())
    assert "“driver”" in text
    assert "the printer's helper program" in text


def test_the_ticket_draft_says_that_it_is_one_and_names_what_is_missing() -> None:
    draft = ticket_note(language_document())
    assert draft is not None
    assert draft.text.splitlines()[0] == HEADLINE
    assert "- My printer went dark. [0:03]" in draft.text
    assert draft.rows >= draft.text.count("\n") + 1
    assert len(draft.places) == 4
    assert SUMMARY.ticket_note is not None
    bare = SUMMARY.ticket_note.model_copy(update={"caller_tried": (), "steps": (), "next_step": None})
    other = ticket_note(language_document(language=SUMMARY.model_copy(update={"ticket_note": bare})))
    assert other is not None
    assert "- (no promise with owner, action and time was heard)" in other.text
    assert ticket_note(full_document()) is None


def test_whatever_was_said_stays_text() -> None:
    line = SUMMARY.ticket_note.problem[0].model_copy(update={"text": NASTY}) if SUMMARY.ticket_note else None
    assert SUMMARY.ticket_note is not None
    assert line is not None
    assert SUMMARY.rehearse is not None
    summary = SUMMARY.model_copy(
        update={
            "ticket_note": SUMMARY.ticket_note.model_copy(update={"problem": (line,)}),
            "rehearse": SUMMARY.rehearse.model_copy(update={"phrase": NASTY, "instead": NASTY}),
        }
    )
    events = tuple(
        e.model_copy(update={"phrase": NASTY, "id": NASTY, "suggestion": e.suggestion and NASTY})
        for e in EVENTS
    )
    windows = tuple(w.model_copy(update={"reason": NASTY}) for w in WINDOWS)
    page = page_of(
        language_document(language=summary, language_events=events, acknowledgement_windows=windows)
    )
    assert not page.of("img")
    assert len(page.of("textarea")) == 1
    assert NASTY in page.visible
    assert "49" not in page.visible


def test_figures_of_language_are_told_in_words() -> None:
    metrics = language_document().metrics
    assert shown(metrics, "L01") == ("3", "9.1 per 100 words, severity 3: 1, 2: 2, 1: 0")
    assert shown(metrics, "L02") == ("40\N{THIN SPACE}%", "2 helpful, 3 discouraged")
    assert shown(metrics, "L04") == ("50\N{THIN SPACE}%", "1 of 2 in time")
    assert shown(metrics, "L18") == ("3 of 4", "recap, next step with a time, thanks")
    assert shown(metrics, "L09") == ("", "")


def summary(document: CallDocument, width: int = 100, *, ascii_only: bool = False) -> list[str]:
    console = Console(file=io.StringIO(), width=width + 40, color_system=None)
    console.print(
        render_summary(document, width=width, color=False, ascii_only=ascii_only, words=False),
        markup=False,
        highlight=False,
    )
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_terminal_tells_language_in_a_few_lines(width: int) -> None:
    lines = summary(language_document(), width)
    first = next(i for i, line in enumerate(lines) if line.startswith("Language "))
    block = lines[first : lines.index("", first)]
    assert len(block) <= 7
    text = " ".join(" ".join(block).split())
    for wanted in (
        "3 phrases to say differently · 2 helpful · 2 of 3 terms unexplained",
        "Acknowledged 1 of 2 in time · median 5.2 s",
        "Close 3 of 4 points",
        "Said “You need to wait” at 0:33",
        "Rehearse I'll do it now.",
    ):
        assert wanted in text, wanted
    assert max(cell_len(line) for line in lines) <= width


def test_the_terminal_is_silent_where_language_was_not_measured_and_short_without_finds() -> None:
    assert not [line for line in summary(full_document()) if line.startswith("Language")]
    text = "\n".join(summary(silent_document()))
    assert "no discouraged phrases" in text
    assert "no strong words from the caller" in text
    assert "Rehearse" not in text


def test_words_cannot_steer_the_terminal() -> None:
    assert SUMMARY.rehearse is not None
    nasty = "\x1b[31mred\u202e[bold]"
    rehearse = SUMMARY.rehearse.model_copy(update={"phrase": nasty, "instead": nasty, "id": nasty})
    document = language_document(language=LanguageSummary(progress=StepsHeard(), rehearse=rehearse))
    for ascii_only in (False, True):
        text = "\n".join(summary(document, ascii_only=ascii_only))
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "[bold]" in text
        assert not ascii_only or text.isascii()
