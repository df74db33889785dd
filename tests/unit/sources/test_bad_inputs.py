"""IMP-1, IMP-6, IMP-8: every bad input ends in a verdict or in one sentence."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from callcoach.errors import CallCoachError
from callcoach.sources.file import open_recording
from tests.support.bad_inputs import BadInput, generate

SECONDS_MAX = 10.0
"""IMP-1; a tenth of it is the rule, the rest is for a busy machine."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[BadInput]:
    return generate(tmp_path_factory.mktemp("bad"))


def judge(item: BadInput) -> list[str]:
    """Read one input and return what is wrong with the outcome."""
    begin, found, rate, wrong = time.monotonic(), 0, 1, []
    try:
        source = open_recording(item.path)
    except CallCoachError as error:
        outcome, text = "rejected", str(error)
        if not (text.endswith(".") and len(text) < 400 and text.isprintable()):
            wrong.append(f"not one sentence: {text!r}")
        if str(item.path.parent) in text:
            wrong.append(f"names a folder: {text!r}")
        if error.exit_status != 3:
            wrong.append(f"exit status {error.exit_status}")
    else:
        rate = source.rate
        for block in source.blocks():
            if (
                block.dtype != np.float32
                or block.ndim != 2
                or block.shape[1] != source.channels
                or not len(block)
            ):
                wrong.append(f"block of {block.dtype} {block.shape}")
            if len(block) > rate or not np.isfinite(block).all():
                wrong.append("block too long or not finite")
            found += len(block)
        source.close()
        outcome = source.verdict.status
        if outcome == "salvaged" and not source.verdict.reasons:
            wrong.append("salvaged without a reason")
        if any(not 0 <= start < end <= found for start, end in source.verdict.spans):
            wrong.append(f"spans outside the audio: {source.verdict.spans}")
    if outcome not in item.expected:
        wrong.append(f"{outcome}, expected {sorted(item.expected)}")
    if found / rate > item.seconds + 1e-6:
        wrong.append(f"{found / rate:.3f} s of audio, at most {item.seconds} s are real")
    if time.monotonic() - begin > SECONDS_MAX:
        wrong.append(f"took {time.monotonic() - begin:.1f} s")
    return [f"{item.name}: {text}" for text in wrong]


def test_there_are_at_least_seventy_different_inputs(inputs: list[BadInput]) -> None:
    assert len({item.name for item in inputs}) == len(inputs) >= 70
    assert {outcome for item in inputs if len(item.expected) == 1 for outcome in item.expected} == {
        "ok",
        "salvaged",
        "rejected",
    }


def test_every_bad_input_ends_in_a_verdict_or_one_sentence(inputs: list[BadInput]) -> None:
    wrong = [text for item in inputs for text in judge(item)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("not-zip", "ZIP"),
        ("not-png", "PNG"),
        ("not-pdf", "PDF"),
        ("not-html", "web page"),
        ("not-sqlite", "SQLite"),
        ("not-pickle", "pickle"),
        ("not-text", "text file"),
        ("list-hls", "playlist"),
        ("list-ffconcat", "ffconcat"),
        ("list-cue", "cue sheet"),
        ("locked-mp4", "encrypted MP4"),
        ("locked-asf", "encrypted Windows Media"),
        ("locked-zip", "encrypted ZIP"),
        ("locked-openssl", "encrypted"),
        ("g729-bare", "G.729"),
        ("video-silent", "no audio track"),
        ("rate-1-hz", "1 Hz"),
        ("33-channels", "33 channels"),
        ("mp4-without-index", "index"),
        ("folder", "folder"),
        ("missing", "does not exist"),
        ("not-empty", "empty"),
        ("longer-than-a-day", "24 hours"),
    ],
)
def test_the_sentence_names_the_reason(inputs: list[BadInput], name: str, words: str) -> None:
    path = next(item.path for item in inputs if item.name == name)
    with pytest.raises(CallCoachError) as caught:
        open_recording(path)
    assert words in str(caught.value)
    assert path.name in str(caught.value)


def test_a_name_is_shown_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a\nb.wav").write_bytes(b"nothing of interest here")
    with pytest.raises(CallCoachError) as caught:
        open_recording(tmp_path / "a\nb.wav")
    assert str(caught.value).startswith("a?b.wav ")
