"""Words from outside: marks, cut words, times, and errors that do not quote them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcoach.clock import from_ms
from callcoach.contract import InputSegment, InputWord, TranscriptInput, load_transcript, segment_words
from callcoach.contract.schemas import load_schema
from callcoach.contract.transcript import split_words
from callcoach.errors import AudioFormatError
from callcoach.events import Channel


def segment(
    text: str, begin: int = 0, end: int = 1000, words: tuple[InputWord, ...] | None = None
) -> InputSegment:
    return InputSegment(role=Channel.AGENT, begin=begin, end=end, text=text, words=words)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello there", [("hello", False), ("there", False)]),
        ("[noise] hello <unk> there [dog barks far away]", [("hello", False), ("there", False)]),
        ("hel[noise]lo", [("hel", False), ("lo", False)]),
        ("i wanted to recei~", [("i", False), ("wanted", False), ("to", False), ("recei", True)]),
        ("recei~, please", [("recei,", True), ("please", False)]),
        ("wait ~ ... -- what?", [("wait", False), ("what?", False)]),
        ("a~b", [("a~b", False)]),
        ("[noise]", []),
        ("", []),
    ],
)
def test_marks_are_no_words_and_a_tilde_marks_a_cut(text: str, expected: list[tuple[str, bool]]) -> None:
    assert list(split_words(text)) == expected


def test_words_without_times_are_spread_evenly() -> None:
    words = segment_words(segment("[noise] one two three four", 1000, 3000))
    assert [(w.span.start, w.span.end) for w in words] == [
        (16_000, 24_000),
        (24_000, 32_000),
        (32_000, 40_000),
        (40_000, 48_000),
    ]
    assert [w.is_timed for w in words] == [False] * 4
    assert {w.probability for w in words} == {None}
    assert words[0].as_word().probability == 1.0


@given(
    texts=st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=40),
    begin=st.integers(0, 10**7),
    length=st.integers(0, 10**5),
)
def test_spread_words_fill_their_segment_exactly(texts: list[str], begin: int, length: int) -> None:
    words = segment_words(segment(" ".join(texts), begin, begin + length))
    assert [w.text for w in words] == texts
    assert (words[0].span.start, words[-1].span.end) == (from_ms(begin), from_ms(begin + length))
    assert all(a.span.end == b.span.start for a, b in itertools.pairwise(words))
    lengths = [w.span.length for w in words]
    assert max(lengths) - min(lengths) <= 1


def test_given_word_times_are_kept_and_marks_among_them_dropped() -> None:
    given_words = (
        InputWord(w="[noise]", b=0, e=100),
        InputWord(w="hel~", b=100, e=300, p=0.5),
        InputWord(w="hello", b=400, e=900),
    )
    words = segment_words(segment("ignored", words=given_words))
    assert [(w.text, w.span.start, w.span.end, w.probability, w.is_cut) for w in words] == [
        ("hel", 1600, 4800, 0.5, True),
        ("hello", 6400, 14_400, None, False),
    ]


def transcript(**changes: Any) -> dict[str, Any]:
    return {
        "schema": "callcoach.transcript/1",
        "language": "en",
        "segments": [
            {"role": "caller", "begin": 2000, "end": 3000, "text": "later words"},
            {"role": "agent", "begin": 500, "end": 900, "text": "hello"},
            {"role": "caller", "begin": 0, "end": 400, "text": "first"},
        ],
    } | changes


def test_words_of_a_side_come_in_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(transcript()).encode())
    loaded = load_transcript(path)
    assert [w.text for w in loaded.words(Channel.CALLER)] == ["first", "later", "words"]
    assert [w.text for w in loaded.words(Channel.AGENT)] == ["hello"]
    assert loaded.duration_ms == 3000
    jsonschema.validate(transcript(), load_schema("transcript-1"))


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"schema": "callcoach.transcript/2"}, "schema"),
        ({"segments": [{"role": "customer", "begin": 0, "end": 1, "text": "secret"}]}, r"segments\.0\.role"),
        (
            {"segments": [{"role": "agent", "begin": 2, "end": 1, "text": "secret"}]},
            r"segments\.0: .*begin <= end",
        ),
        ({"segments": [{"role": "agent", "begin": 0.5, "end": 1, "text": "secret"}]}, r"segments\.0\.begin"),
        ({"title": "secret"}, "title"),
    ],
)
def test_a_wrong_transcript_is_named_with_its_place_but_not_quoted(
    changes: dict[str, Any], place: str, tmp_path: Path
) -> None:
    path = tmp_path / "words.json"
    path.write_text(json.dumps(transcript(**changes)), encoding="utf-8")
    with pytest.raises(AudioFormatError, match=rf"words\.json is not a .*{place}") as caught:
        load_transcript(path)
    assert "secret" not in str(caught.value)
    assert caught.value.exit_status == 3


def test_files_that_are_no_json_or_absent_get_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "words.json"
    for content in (b"", b"hello", b"\xff\xfe", b"[1, 2"):
        path.write_bytes(content)
        with pytest.raises(AudioFormatError, match="is not a"):
            load_transcript(path)
    with pytest.raises(AudioFormatError, match="Could not read"):
        load_transcript(tmp_path / "absent.json")


def test_a_transcript_without_segments_is_empty_not_wrong() -> None:
    empty = TranscriptInput.model_validate(transcript(segments=[]))
    assert (empty.duration_ms, empty.words(Channel.AGENT)) == (0, ())
