"""A first pass hands windows over early: the events stay the same, the waiting ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from callcoach.clock import SAMPLE_RATE
from callcoach.config import Settings, TextSettings
from callcoach.core.analyzer import Analyzer
from callcoach.core.lookahead import LookAhead
from callcoach.events import Channel, Event, Word
from callcoach.ports import Audio, Pending, SpeechWindow
from tests.support.sounding import Bounds, ScriptedDetector, ScriptedTranscriber, placed, voice, word

SETTINGS = Settings(text=TextSettings(window_s=8.0, settle_speech_s=3.0, patience_s=10.0))
AGENT: list[Bounds] = [(1.0, 4.0), (12.0, 15.0), (22.0, 22.6), (30.0, 41.0)]
CALLER: list[Bounds] = [(4.5, 11.0), (16.0, 21.0), (24.0, 29.0), (41.2, 43.9)]
SPOKEN: dict[Channel | None, Sequence[Word]] = {
    Channel.AGENT: [word("hello", 1.0, 2.0), word("there", 2.5, 3.9), word("right", 12.1, 14.8)],
    Channel.CALLER: [word("black", 5.0, 6.0), word("screen.", 10.0, 10.9)],
}


def call() -> Audio:
    sides = [
        placed(44.0, [(a, voice(b - a, pitch, -20, seed)) for a, b in spans], seed=seed)
        for seed, pitch, spans in ((1, 160, AGENT), (2, 200, CALLER))
    ]
    return np.stack(sides, axis=1)


def cut(audio: Audio, size: int) -> Iterator[Audio]:
    return (audio[at : at + size] for at in range(0, len(audio), size))


def analyse(blocks: Iterator[Audio], detector: object, submit: object, channels: int) -> list[Event]:
    analyzer = Analyzer(SETTINGS, rate=SAMPLE_RATE, channels=channels, detector=detector, submit=submit)  # type: ignore[arg-type]
    events: list[Event] = []
    for block in blocks:
        events += analyzer.push(block)
    return events + analyzer.finish()


@pytest.mark.parametrize("ahead_s", [None, 60.0])
@pytest.mark.parametrize("size", [700, 10**6])
@pytest.mark.parametrize("channels", [1, 2])
def test_looking_ahead_changes_no_event_and_joins_pieces_to_windows(
    ahead_s: float | None, size: int, channels: int
) -> None:
    audio = call()[:, :channels]
    sides = [AGENT, CALLER][:channels]
    alone = ScriptedTranscriber(SPOKEN)
    ready = iter([ScriptedDetector(side) for side in sides])
    expected = analyse(cut(audio, size), lambda: next(ready), alone.submit, channels)

    handed: list[SpeechWindow] = []
    script = ScriptedTranscriber(SPOKEN)

    def submit(window: SpeechWindow) -> Pending:
        handed.append(window)
        return script.submit(window)

    first = iter([ScriptedDetector(side) for side in sides])
    ahead = LookAhead(
        SETTINGS,
        rate=SAMPLE_RATE,
        channels=channels,
        detector=lambda: next(first),
        submit=submit,
        ahead_s=ahead_s,
    )
    events = analyse(ahead.blocks(cut(audio, size)), ahead.detector, ahead.submit, channels)

    assert events == expected
    assert [len(w.pieces) for w in alone.windows] == [1] * ahead.foreseen
    assert sum(len(w.pieces) for w in handed) == ahead.foreseen > len(handed)


def test_blocks_pass_unchanged_and_no_further_ahead_than_asked() -> None:
    audio = call()
    taken = 0

    def source() -> Iterator[Audio]:
        nonlocal taken
        for block in cut(audio, SAMPLE_RATE):
            taken += len(block)
            yield block

    sides = iter([ScriptedDetector(AGENT), ScriptedDetector(CALLER)])
    ahead = LookAhead(
        SETTINGS,
        rate=SAMPLE_RATE,
        channels=2,
        detector=lambda: next(sides),
        submit=ScriptedTranscriber(SPOKEN).submit,
        ahead_s=5.0,
    )
    given: list[Audio] = []
    for block in ahead.blocks(source()):
        assert taken - sum(len(b) for b in given) <= 6 * SAMPLE_RATE
        given.append(block)
    assert np.array_equal(np.concatenate(given), audio)


def test_a_piece_that_was_not_foreseen_is_handed_over() -> None:
    handed: list[SpeechWindow] = []
    script = ScriptedTranscriber(SPOKEN)

    def submit(window: SpeechWindow) -> Pending:
        handed.append(window)
        return script.submit(window)

    audio = call()[:, :1]
    side = iter([ScriptedDetector(AGENT)])
    ahead = LookAhead(SETTINGS, rate=SAMPLE_RATE, channels=1, detector=lambda: next(side), submit=submit)
    list(ahead.blocks(iter([audio])))
    first = handed[0]
    other = SpeechWindow(first.channel, first.audio[: first.pieces[0].length] * 0.5, first.pieces[:1], (0,))
    before = len(handed)
    assert ahead.submit(other) is not None
    assert handed[before:] == [other]
    assert ahead.foreseen == 0
