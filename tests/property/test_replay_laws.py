"""Laws of the replay: whatever was said, the stored call tells what the analysis told, frame by frame."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcoach.clock import SAMPLE_RATE, Samples, Span
from callcoach.config import Settings
from callcoach.core.analyzer import Analyzer
from callcoach.core.delivery.ticks import HopColumns
from callcoach.events import Call, Channel, Event, event_from_json, event_to_json
from callcoach.sources.stored_call import StoredCall
from callcoach.what_if import replay, stored_log
from tests.support.sounding import Bounds, ScriptedDetector, ScriptedTranscriber, placed, voice, word

SECONDS = 24.0
EAGER = Settings.model_validate(
    {
        "delivery": {"least_baseline_s": 2, "baseline_s": 5, "spike_db": 2, "spike_s": 0.5, "raised_z": 0.5},
        "c01": {"hold_s": 0.2},
        "c03": {"hold_s": 1},
        "c17": {"hold_s": 10},
        "budget": {"quiet_start_s": 0, "min_gap_s": 1, "enabled": ["C01", "C03", "C07", "C17"]},
    }
)
"""Thresholds that open many states and cues within seconds."""


@st.composite
def sides(draw: st.DrawFn) -> list[tuple[Bounds, float]]:
    """Runs of one party (s) with their level (dBFS)."""
    runs: list[tuple[Bounds, float]] = []
    at = draw(st.floats(0, 4))
    while at < SECONDS - 0.5:
        end = min(at + draw(st.floats(0.2, 8)), SECONDS)
        runs.append(((at, end), draw(st.floats(-40, -12))))
        at = end + draw(st.floats(0.1, 9))
    return runs


def analysed(both: list[list[tuple[Bounds, float]]], chosen: Settings, *, words: bool) -> StoredCall:
    """Analyse made-up sound and keep of it what a call folder keeps."""
    sound = np.stack(
        [
            placed(
                SECONDS, [(a, voice(b - a, 110 + 90 * i, v, seed=k)) for k, ((a, b), v) in enumerate(runs)]
            )
            for i, runs in enumerate(both)
        ],
        axis=1,
    )
    detectors = iter([ScriptedDetector([bounds for bounds, _ in runs]) for runs in both])
    said = {
        channel: [word("let me check?", a + 0.1, max(a + 0.15, b - 0.1)) for (a, b), _ in runs]
        for channel, runs in zip(Channel, both, strict=True)
    }
    analyzer = Analyzer(
        chosen,
        rate=SAMPLE_RATE,
        channels=2,
        detector=lambda: next(detectors),
        submit=ScriptedTranscriber(dict(said)).submit if words else None,
    )
    events: list[Event] = [*analyzer.push(sound), *analyzer.finish()]
    header = Call(
        span=Span(Samples(0), Samples(0)),
        known_at=Samples(0),
        id="0",
        source="made up",
        started_at=None,
        channel_mode="dual",
        settings_digest=chosen.digest(),
        weights=None,
        version="0",
        settings=chosen.changed(),
        words=words,
    )
    names = [f.name for f in dataclasses.fields(HopColumns)]
    columns = {}
    for track in analyzer.tracks:
        hops = track.hops(0, len(track.levels))
        assert track.channel is not None
        columns[track.channel] = {name: getattr(hops, name) for name in names}
    return StoredCall(header, tuple(event_from_json(event_to_json(e)) for e in events), columns, 0)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(agent=sides(), caller=sides(), eager=st.booleans(), words=st.booleans())
def test_a_replay_tells_what_the_analysis_told(
    agent: list[tuple[Bounds, float]], caller: list[tuple[Bounds, float]], eager: bool, words: bool
) -> None:
    chosen = EAGER if eager else Settings()
    call = analysed([agent, caller], chosen, words=words)
    assert replay(call, chosen) == stored_log(call)


def test_the_made_up_sound_has_states_and_cues() -> None:
    """Otherwise the law above would say nothing."""
    runs: list[tuple[Bounds, float]] = [((1.0, 9.0), -30.0), ((12.0, 20.0), -14.0)]
    call = analysed([runs, [((6.0, 16.0), -25.0), ((21.0, 23.5), -25.0)]], EAGER, words=True)
    told = {type(e).__name__ for e in stored_log(call)}
    assert told >= {"VoiceOpened", "VoiceClosed", "CueOpened", "CueClosed"}
    assert told & {"CueShown", "CueHeldBack"}
    assert replay(call, EAGER) == stored_log(call)
