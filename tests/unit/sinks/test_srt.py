"""Subtitles: numbered cues with well-formed times, one per turn."""

from __future__ import annotations

import itertools
import re

import pytest

from callcoach.sinks.srt import srt_text, srt_time
from tests.support.call_documents import (
    AGENT,
    CALLER,
    document_from_truth,
    mono_document,
    said,
    small_document,
    truth_names,
)

BLOCK = re.compile(r"(\d+)\n(\d\d:\d\d:\d\d,\d{3}) --> (\d\d:\d\d:\d\d,\d{3})\n([^\n]+)")


def blocks(text: str) -> list[tuple[str, str, str, str]]:
    found = []
    for block in text.removesuffix("\n").split("\n\n"):
        match = BLOCK.fullmatch(block)
        assert match, block
        found.append(match.groups())
    return found  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "00:00:00,000"),
        (61_005, "00:01:01,005"),
        (3_599_999, "00:59:59,999"),
        (360_000_000, "100:00:00,000"),
    ],
)
def test_times(ms: int, text: str) -> None:
    assert srt_time(ms) == text


def test_one_cue_per_turn_backchannels_left_out() -> None:
    assert blocks(srt_text(small_document()))[:3] == [
        ("1", "00:00:00,500", "00:00:03,000", "Agent: Service desk, Mika here, how can I help?"),
        (
            "2",
            "00:00:03,400",
            "00:00:15,000",
            "Caller: My printer went dark and I need the forms for the big meeting at",
        ),
        ("3", "00:00:14,300", "00:00:20,000", "Agent: What is the number on the label?"),
    ]
    assert len(blocks(srt_text(small_document()))) == 5


def test_entries_of_one_turn_share_its_cue_and_no_words_are_lost() -> None:
    transcript = (
        said(CALLER, 3400, 6000, "My printer\n\nwent dark"),
        said(CALLER, 7000, 15_000, "and --> stays <i>dark</i> {\\an8}"),
        said(AGENT, 25_000, 26_000, "words outside any turn"),
    )
    assert [cue[3] for cue in blocks(srt_text(small_document(transcript=transcript)))] == [
        "Caller: My printer went dark and --\u203a stays \u2039i\u203adark\u2039/i\u203a (\\an8)",
        "Agent: words outside any turn",
    ]


def test_mono_cues_name_nobody_and_no_words_give_an_empty_file() -> None:
    assert blocks(srt_text(mono_document()))[0][3] == "Hello my printer went dark this morning"
    assert srt_text(small_document(transcript=())) == ""


@pytest.mark.skipif(not truth_names(), reason="shared/data/synthetic_calls is not beside the checkout")
@pytest.mark.parametrize("name", truth_names())
def test_cues_of_whole_calls_are_numbered_in_order_of_time(name: str) -> None:
    document = document_from_truth(name)
    cues = blocks(srt_text(document))
    assert [int(cue[0]) for cue in cues] == list(range(1, len(cues) + 1))
    assert all(a[1] <= b[1] for a, b in itertools.pairwise(cues))
    assert all(cue[1] < cue[2] for cue in cues)
    spoken = sum(len(entry.text.split()) for entry in document.transcript if entry.kind == "turn")
    assert sum(len(cue[3].split()) - 1 for cue in cues) == spoken
