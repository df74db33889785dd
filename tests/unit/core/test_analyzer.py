"""Blocks in, events out: the order of events, words at their deadlines, echo, ends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from callcoach.clock import FRAME_LENGTH, SAMPLE_RATE, to_samples, to_seconds
from callcoach.config import Settings, TextSettings
from callcoach.core.analyzer import Analyzer
from callcoach.events import (
    CallEnded,
    Channel,
    Event,
    Notice,
    Overlap,
    SpeechSegment,
    TranscriptLate,
    Turn,
    Word,
    Words,
)
from callcoach.ports import Audio
from tests.support.running import Pace
from tests.support.sounding import Bounds, ScriptedDetector, ScriptedTranscriber, noise, placed, voice, word

WINDOWS = TextSettings(budget_s=1.0)
"""Named here, so that the defaults may be tuned."""
AGENT: list[Bounds] = [(1.0, 4.0), (12.0, 15.0)]
CALLER: list[Bounds] = [(4.5, 11.0)]
SPOKEN: dict[Channel | None, Sequence[Word]] = {
    Channel.AGENT: [word("hello", 1.0, 2.0), word("there", 2.5, 3.9), word("right", 12.1, 14.8)],
    Channel.CALLER: [word("black", 5.0, 6.0), word("screen.", 10.0, 10.9)],
}


def sound(spans: Sequence[Bounds], seconds: float = 20.0, seed: int = 1) -> Audio:
    return placed(seconds, [(a, voice(b - a, 120 + 40 * seed, -20, seed)) for a, b in spans], seed=seed)


def call(seconds: float = 20.0) -> Audio:
    return np.stack([sound(AGENT, seconds, 1), sound(CALLER, seconds, 2)], axis=1)


def detectors(*sides: Sequence[Bounds]) -> list[ScriptedDetector]:
    return [ScriptedDetector(s) for s in sides]


def make(
    submit: object = None, sides: Sequence[Sequence[Bounds]] = (AGENT, CALLER), **more: object
) -> Analyzer:
    ready = iter(detectors(*sides))
    return Analyzer(
        Settings(text=WINDOWS),
        rate=SAMPLE_RATE,
        channels=len(sides),
        detector=lambda: next(ready),
        submit=submit,
        **more,  # type: ignore[arg-type]
    )


def run(analyzer: Analyzer, audio: Audio, size: int = 1600) -> list[Event]:
    events: list[Event] = []
    for at in range(0, len(audio), size):
        events += analyzer.push(audio[at : at + size])
    return events + analyzer.finish()


def of(events: list[Event], channel: Channel | None) -> list[tuple[float, float]]:
    return [
        (to_seconds(e.span.start), to_seconds(e.span.end))
        for e in events
        if isinstance(e, SpeechSegment) and e.channel is channel
    ]


def test_turns_of_two_voices() -> None:
    events = run(make(), call())
    turns = [
        (e.channel, to_seconds(e.span.start), to_seconds(e.span.end)) for e in events if isinstance(e, Turn)
    ]
    assert [t[0] for t in turns] == ["agent", "caller", "agent"]
    for (_, start, end), (a, b) in zip(turns, (AGENT[0], CALLER[0], AGENT[1]), strict=True):
        assert start == pytest.approx(a, abs=0.05)
        assert end == pytest.approx(b, abs=0.12)


def test_an_event_is_returned_by_the_push_that_makes_it_known() -> None:
    analyzer = make()
    audio = call()
    for at in range(0, len(audio), FRAME_LENGTH):
        for event in analyzer.push(audio[at : at + FRAME_LENGTH]):
            assert event.known_at == analyzer.now


def test_words_are_delivered_at_their_deadline_whatever_the_block_size() -> None:
    logs = []
    for size in (160, 1600, 50_000):
        script = ScriptedTranscriber(SPOKEN)
        logs.append(run(make(script.submit), call(30.0), size))
    assert logs[0] == logs[1] == logs[2]
    words = [e for e in logs[0] if isinstance(e, Words)]
    assert [w.text for e in words for w in e.items if e.channel is Channel.AGENT] == [
        "hello",
        "there",
        "right",
    ]
    first = words[0]
    # cut 0.5 s after the speech has ended, due 1 s later
    assert to_seconds(first.known_at) == pytest.approx(4.0 + 0.5 + 1.0, abs=0.2)


def test_words_that_are_late_in_a_live_call_are_told_and_come_at_its_end() -> None:
    slow = Pace(ScriptedTranscriber(SPOKEN), speed=1.0, cost_s=60.0)
    analyzer = make(slow.submit, on_miss="skip")
    audio, events = call(30.0), []
    for at in range(0, len(audio), 1600):
        slow.heard(0.1)
        events += analyzer.push(audio[at : at + 1600])
    events += analyzer.finish()
    late = [e for e in events if isinstance(e, TranscriptLate)]
    assert [e.channel for e in late] == ["agent", "caller", "agent"]
    words = [e for e in events if isinstance(e, Words)]
    assert {(e.channel, e.span) for e in late} <= {(e.channel, e.span) for e in words}
    assert sorted(w.text for e in words for w in e.items) == sorted(
        w.text for s in SPOKEN.values() for w in s
    )
    assert all(e.known_at >= analyzer.now for e in words)
    assert analyzer.merge.missed == 3
    assert len([e for e in events if isinstance(e, Turn)]) == 3


def test_a_file_waits_for_the_same_words() -> None:
    slow = Pace(ScriptedTranscriber(SPOKEN), speed=1.0, cost_s=60.0)
    events = run(make(slow.submit), call(30.0))
    words = [e for e in events if isinstance(e, Words)]
    assert sorted(w.text for e in words for w in e.items) == sorted(
        w.text for s in SPOKEN.values() for w in s
    )
    assert not [e for e in events if isinstance(e, TranscriptLate)]


def test_a_mono_recording_has_speech_and_nothing_else() -> None:
    events = run(make(None, [AGENT]), sound(AGENT)[:, None])
    assert {type(e) for e in events} == {SpeechSegment, CallEnded}
    assert len(of(events, None)) == 2


def test_a_mono_recording_has_words() -> None:
    script = ScriptedTranscriber({None: SPOKEN[Channel.AGENT]})
    analyzer = make(script.submit, [AGENT])
    events = run(analyzer, sound(AGENT)[:, None])
    assert [w.text for w in analyzer.transcript.all(None)] == ["hello", "there", "right"]
    assert {type(e) for e in events} == {SpeechSegment, Words, CallEnded}


@pytest.mark.parametrize("channels", [0, 3])
def test_a_call_has_one_or_two_channels(channels: int) -> None:
    with pytest.raises(ValueError, match="channels"):
        Analyzer(Settings(), rate=SAMPLE_RATE, channels=channels, detector=ScriptedDetector, submit=None)


@pytest.mark.parametrize("samples", [0, 1, 511, 512, 513])
def test_a_call_of_next_to_nothing_only_ends(samples: int) -> None:
    analyzer = make()
    events = analyzer.push(np.zeros((samples, 2), np.float32)) + analyzer.finish()
    (ended,) = events
    assert isinstance(ended, CallEnded)
    assert ended.span.end == analyzer.length == samples


def test_an_echo_of_the_caller_is_not_the_agent() -> None:
    """An open microphone, 10 dB down and 0.1 s late: what was taken for the agent is taken back."""
    caller_spans = [(1.0, 26.0)]
    caller = sound(caller_spans, 30.0, 2)
    echo = 0.3 * np.concatenate([np.zeros(1600, np.float32), caller])[: len(caller)] + noise(30.0, -70, 9)
    analyzer = make(None, [[(1.1, 26.1)], caller_spans])
    events = run(analyzer, np.stack([echo, caller], axis=1).astype(np.float32))
    notices = [e for e in events if isinstance(e, Notice)]
    assert [n.code for n in notices if n.code != "S-ECHO"] == ["S-BLEED"]
    assert any(n.code == "S-ECHO" and n.span.start <= 3 * SAMPLE_RATE for n in notices)
    assert all(n.value > 0.2 for n in notices if n.code == "S-BLEED")
    assert analyzer.tracks[0].party.ipus == []
    assert not [e for e in events if isinstance(e, Turn) and e.channel is Channel.AGENT]
    assert not [e for e in events if isinstance(e, Overlap) and e.incomer is Channel.AGENT and e.kind.counted]


def test_a_constant_offset_is_no_level() -> None:
    """A recorder with direct current on its input: the level of silence stays that of silence."""
    analyzer = make(None, [[]])
    run(analyzer, (noise(9.984, -70) + np.float32(0.2))[:, None])
    track = analyzer.tracks[0]
    assert track.offset == pytest.approx(0.2, abs=0.002)
    assert np.median(track.curves()[1][-125:]) == pytest.approx(-70, abs=1)  # the last 2 s


def test_clipped_samples_are_counted() -> None:
    audio = np.zeros((SAMPLE_RATE, 1), np.float32)
    audio[100:107] = 1.0
    audio[200:203] = -1.0
    analyzer = make(None, [[]])
    run(analyzer, audio)
    assert sum(analyzer.tracks[0].clips) == 10
    assert analyzer.tracks[0].loudest == 1.0


def test_curves_and_mask_share_one_grid() -> None:
    analyzer = make()
    run(analyzer, call())
    for track in analyzer.tracks:
        times, level, f0 = track.curves()
        mask = track.speech_mask()
        assert len(times) == len(level) == len(f0) == len(mask) == 2 * -(-to_samples(20) // FRAME_LENGTH)
        speech = sum(b - a for a, b in of([], track.channel)) or sum(i.length for i in track.party.ipus)
        assert mask.sum() * 256 == pytest.approx(speech, abs=256 * len(track.party.ipus))
