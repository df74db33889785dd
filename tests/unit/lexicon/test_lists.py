"""The shipped lists: complete, readable; each row finds its examples and no counter-examples."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from callcoach.lexicon import Lexicon, Matcher, Row, load_lexicon
from callcoach.lexicon.loading import MOST_SHORT_WORDS, check_shipped

SHARED = Path(__file__).parents[4] / "shared"
REFERENCE = SHARED / "reference" / "metric-definitions.md"
POLITE = SHARED / "data" / "harper_valley" / "transcripts"

# Section 10 of the metric definitions: prefix and last number of every table with ids.
NUMBERED = {
    "discouraged": ("N", 86),
    "acknowledgement": ("E", 54),
    "strong": ("F", 78),
    "jargon": ("J", 125),
    "check_back": ("K", 28),
    "deescalation": ("D", 28),
    "narration": ("H", 10),
    "steadying": ("B", 8),
}
GROUPED = {
    "relief", "backchannels", "floor_openers", "fillers", "hedges", "honest", "absolutes", "recap",
    "ownership", "next_step", "close", "open_question", "confusion",
}  # fmt: skip
SHOWN_ONLY = {"steadying"}
NEVER_FOUND = {"F73"}


@cache
def lexicon() -> Lexicon:
    return load_lexicon()


@cache
def matcher(name: str) -> Matcher:
    return Matcher(lexicon(), [name])


def all_rows() -> list[Row]:
    return [row for each in lexicon().lists.values() for row in each.rows]


@pytest.mark.parametrize("name", sorted(NUMBERED))
def test_every_numbered_row_of_the_definitions_is_there(name: str) -> None:
    prefix, last = NUMBERED[name]
    assert [row.id for row in lexicon().rows(name)] == [f"{prefix}{n:02d}" for n in range(1, last + 1)]


def test_every_list_of_the_definitions_is_there() -> None:
    assert set(NUMBERED) | GROUPED <= set(lexicon().lists)


def test_alternatives_and_plain_words_are_those_of_the_definitions() -> None:
    if not REFERENCE.is_file():
        pytest.skip("the metric definitions are not beside this checkout")
    text = REFERENCE.read_text("utf-8")
    tables = {
        "discouraged": r"^\| (N\d+) \| [^|]* \| ([^|]*) \|",
        "jargon": r"^\| (J\d+) \| [^|]* \| ([^|]*) \|$",
        "check_back": r"^\| (K\d+) \| ([^|]*) \|$",
        "deescalation": r"^\| (D\d+) \| ([^|]*) \|",
        "narration": r"^\| (H\d+) \| ([^|]*) \|$",
        "steadying": r"^\| (B\d+) \| ([^|]*) \|$",
    }
    for name, pattern in tables.items():
        wanted = dict(re.findall(pattern, text, re.MULTILINE))
        assert {row.id: row.say for row in lexicon().rows(name)} == wanted


def test_severities_and_weights_are_those_of_the_definitions() -> None:
    if not REFERENCE.is_file():
        pytest.skip("the metric definitions are not beside this checkout")
    text = REFERENCE.read_text("utf-8")
    severities = dict(re.findall(r"^\| (N\d+) \|.*\| (\d) \|$", text, re.MULTILINE))
    assert {row.id: str(row.severity) for row in lexicon().rows("discouraged")} == severities
    weights = {
        f: (int(w), bool(e))
        for f, w, e in re.findall(r"^\| (F\d+) \|[^|]*\| (\d)( esc)? \|", text, re.MULTILINE)
    }
    assert {row.id: (row.weight, row.escalation) for row in lexicon().rows("strong")} == weights


def test_every_pattern_can_be_read_and_ids_are_unique() -> None:
    check_shipped()
    ids = [row.id for row in all_rows()]
    assert len(ids) == len(set(ids))


def test_prompted_rows_have_a_short_form_that_fits() -> None:
    for row in (*lexicon().rows("discouraged"), *lexicon().rows("jargon")):
        assert row.short, row.id
    for row in all_rows():
        assert row.short is None or len(row.short.split()) <= MOST_SHORT_WORDS, row.id


@pytest.mark.parametrize("name", sorted(load_lexicon().lists))
def test_examples_are_found_and_counter_examples_are_not(name: str) -> None:
    wrong = []
    for row in lexicon().rows(name):
        if not row.examples and name not in SHOWN_ONLY | {"jargon"} and row.id not in NEVER_FOUND:
            wrong.append(f"{row.id} has no example")
        for text in row.examples:
            found = [m.row.id for m in matcher(name).find(text.split())]
            if row.id not in found:
                wrong.append(f"{row.id} is not found in {text!r}, but {found}")
        for text in row.counter_examples:
            if any(m.row.id == row.id for m in matcher(name).find(text.split())):
                wrong.append(f"{row.id} is found in {text!r}")
    assert wrong == []


JARGON_OTHERWISE = {
    "J26": ["network switch"],
    "J46": ["patch"],
    "J48": ["build number", "version number"],
    "J50": ["deploy", "push it out", "roll it out"],
    "J51": ["image the laptop", "re-image"],
    "J53": ["mail client", "client software"],
    "J56": ["front end", "the UI", "interface"],
    "J61": ["file path", "directory"],
    "J69": ["browser extension", "an add-in", "a plug-in"],
    "J86": ["sync", "replicate"],
    "J92": ["distribution list", "the DL"],
    "J95": ["SMTP", "relay", "MX record"],
    "J96": ["it bounces", "NDR"],
    "J98": ["low toner"],
    "J102": ["screen resolution", "scaling"],
    "J105": ["the CPU"],
    "J106": ["the process hung"],
    "J68": ["private window", "incognito mode"],
    "J110": ["error code 42"],
    "J119": ["escalate it to tier two", "L2"],
}


def test_every_jargon_row_finds_its_own_terms() -> None:
    for row in lexicon().rows("jargon"):
        assert row.note is not None
        own = [re.sub(r"\(.*?\)", "", term).strip() for term in row.note.split(" / ")]
        for term in JARGON_OTHERWISE.get(row.id, own):
            found = [m.row.id for m in matcher("jargon").find(f"We look at {term} now.".split())]
            assert row.id in found, (term, found)


@pytest.mark.parametrize(
    "text",
    [
        "The slides for the client call are on the third floor.",
        "My desk phone extension is four four seven.",
        "Plug in the mouse, please.",
        "Look at the drive letter.",
        "I will put you through to billing.",
        "Everything is safe and sound.",
    ],
)
def test_everyday_words_are_no_jargon(text: str) -> None:
    assert matcher("jargon").find(text.split()) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("discouraged", "I don't know yet, I'll find out."),
        ("discouraged", "Is there anything else I can help you with today?"),
        ("discouraged", "You should have a mail from us, take your time."),
        ("discouraged", "Thank you for calling, have a great day."),
        ("discouraged", "No problem at all with the account, and you did everything right."),
        ("strong", "I lost my debit card, can you send me a new one?"),
        ("strong", "I would like to schedule an appointment on Monday."),
        ("strong", "No, that's all, have a great day."),
        ("strong", "It worked fine last week, and then there was an update."),
        ("strong", "I came back from two weeks of leave."),
        ("acknowledgement", "Open the settings and press next."),
        ("check_back", "It is the small gear on top."),
    ],
)
def test_harmless_sentences_are_left_alone(name: str, text: str) -> None:
    found = [m for m in matcher(name).find(text.split()) if not m.row.needs]
    assert [m.row.id for m in found] == []


def test_polite_calls_raise_at_most_half_a_flag_each() -> None:
    """Every flag on the polite bank calls has to be justified here; there is none."""
    justified: dict[str, set[str]] = {}
    if not POLITE.is_dir():
        pytest.skip("the bank calls are not beside this checkout")
    calls = sorted(POLITE.glob("*.json"))
    flags: dict[str, set[str]] = {}
    for path in calls:
        segments = json.loads(path.read_text("utf-8"))["segments"]
        for channel, name in ((0, "strong"), (1, "discouraged")):
            words: list[str] = []
            starts: list[int] = []
            for segment in segments:
                if segment["channel"] == channel and segment.get("speech", True):
                    starts.append(len(words))
                    words += segment["text"].split()
            for match in matcher(name).find(words, turn_starts=starts):
                flags.setdefault(path.stem, set()).add(match.row.id)
    assert calls
    assert flags == justified
    assert sum(len(ids) for ids in flags.values()) <= 0.5 * len(calls)
