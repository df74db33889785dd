"""The shipped samples give the logs that are written down, whatever the pace and the blocks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cache

import pytest

from callcoach.events import Event, TranscriptLate, Words, event_to_json
from callcoach.ports import Audio
from tests.golden.update import golden_path, words_path
from tests.support.running import NAMES, Pace, RecordedTranscriber, analyzer, equal, log, read, run

HOW = "the results have changed; if that is meant, run 'make golden' and read the difference"


@cache
def sound(name: str) -> tuple[Audio, int]:
    return read(name)


def recorded(name: str, speed: float | None = None, cost_s: float = 0.3) -> Pace:
    return Pace(RecordedTranscriber.load(words_path(name)), speed, cost_s)


def golden(name: str, words: bool) -> list[str]:
    return golden_path(name, words).read_text(encoding="utf-8").splitlines()


def same(found: Iterable[Event], name: str, words: bool) -> None:
    lines, wanted = log(found), golden(name, words)
    for number, (line, want) in enumerate(zip(lines, wanted, strict=False), 1):
        assert line == want, f"{golden_path(name, words).name}, line {number}: {HOW}"
    assert len(lines) == len(wanted), HOW


def one_then_whole(audio: Audio) -> Iterable[Audio]:
    """Two seconds sample by sample, then the rest."""
    return [*equal(audio[:32_000], 1), audio[32_000:]]


PUSHES: dict[str, tuple[float | None, Callable[[Audio], Iterable[Audio]]]] = {
    "as fast as it goes, at once": (None, lambda a: [a]),
    "1x in blocks of 160": (1.0, lambda a: equal(a, 160)),
    "10x in blocks of 333": (10.0, lambda a: equal(a, 333)),
    "1x in blocks of 4096": (1.0, lambda a: equal(a, 4096)),
    "10x from single samples": (10.0, one_then_whole),
}


# Every way of pushing meets a sample with an interruption; the others take one pace and one size each.
CASES = [(NAMES[1], push) for push in PUSHES]
CASES += [(n, p) for n, p in zip((NAMES[0], *NAMES[2:]), list(PUSHES)[1:4], strict=True)]


@pytest.mark.parametrize(("name", "push"), CASES)
def test_with_words(name: str, push: str) -> None:
    speed, blocks = PUSHES[push]
    audio, rate = sound(name)
    same(run(blocks(audio), rate, recorded(name, speed)), name, words=True)


@pytest.mark.parametrize("name", NAMES)
def test_without_words(name: str) -> None:
    audio, rate = sound(name)
    same(run(equal(audio, 1024), rate), name, words=False)


@pytest.mark.parametrize("name", NAMES[:1])
def test_a_live_call_that_keeps_up_gives_the_same_log(name: str) -> None:
    """Up to the moment in which the call ends."""
    audio, rate = sound(name)
    pace = recorded(name, 1.0, cost_s=0.8)
    live = analyzer(rate, pace, on_miss="skip")
    lines: list[str] = []
    for block in equal(audio, 1600):
        pace.heard(len(block) / rate)
        lines += log(live.push(block))
    assert live.merge.missed == 0
    assert lines == golden(name, words=True)[: len(lines)]
    assert len(lines) > 50


@pytest.mark.parametrize("name", NAMES[:1])
def test_a_live_call_that_does_not_keep_up_says_so(name: str) -> None:
    """The pace is felt: at 10x a worker of 2 s per window misses deadlines; no word is lost by it."""
    audio, rate = sound(name)
    events = run(equal(audio, 1600), rate, recorded(name, 10.0, cost_s=2.0), on_miss="skip")
    late = [e for e in events if isinstance(e, TranscriptLate)]
    words = [e for e in events if isinstance(e, Words)]
    assert late
    assert {(e.channel, e.span) for e in late} <= {(e.channel, e.span) for e in words}
    told = [json.loads(line) for line in golden(name, words=True) if '"type": "Words"' in line]
    assert sum(len(e.items) for e in words) == sum(len(e["items"]) for e in told)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("words", [False, True])
def test_what_is_written_down_is_a_log(name: str, words: bool) -> None:
    """Not a test of the core: the files themselves have content, order and every kind of event of a call."""
    lines = golden(name, words)
    known = [json.loads(line)["known_at"] for line in lines]
    assert known == sorted(known)
    kinds = {line.partition('"type": "')[2].partition('"')[0] for line in lines}
    assert {"SpeechSegment", "FloorTaken", "Turn", "Overlap", "OpeningStory"} <= kinds
    assert ("Words" in kinds) is words


def test_every_sample_has_golden_logs() -> None:
    assert len(NAMES) == 4
    assert all(golden_path(n, w).exists() for n in NAMES for w in (False, True))


def test_a_window_without_recorded_words_names_the_remedy() -> None:
    audio, rate = sound(NAMES[0])
    with pytest.raises(LookupError, match="make golden"):
        run([audio[: rate * 20]], rate, Pace(RecordedTranscriber({})))


def test_the_form_of_a_line_is_that_of_the_log() -> None:
    audio, rate = sound(NAMES[0])
    (first, *_) = run([audio[: rate * 10]], rate)
    assert log([first])[0].startswith('{"type": "' + event_to_json(first)["type"])
