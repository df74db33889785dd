"""The speaker-bleed gate on envelopes with a known echo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from callcoach.clock import FRAME_LENGTH, HOP_LENGTH, SAMPLE_RATE
from callcoach.config import BleedSettings
from callcoach.core.bleed import BleedGate, EchoPath
from callcoach.core.level import hop_levels
from callcoach.ports import Audio
from tests.support.sounding import placed, voice

SAMPLES = Path(__file__).parents[3] / "samples"


@dataclass
class Gated:
    """What the gate said of every frame."""

    allowed: list[bool]
    gate: BleedGate
    notices: int
    first_path: EchoPath | None
    paths: list[EchoPath]


def levels(sound: Audio) -> list[tuple[float, float]]:
    frames = sound[: len(sound) // FRAME_LENGTH * FRAME_LENGTH].reshape(-1, FRAME_LENGTH)
    return [(float(a), float(b)) for a, b in map(hop_levels, frames)]


def gate(agent: Audio, caller: Audio, settings: BleedSettings | None = None) -> Gated:
    """Run both channels; activity is plain level here, the agent's only where the gate allows it."""
    bleed = BleedGate(settings or BleedSettings())
    allowed: list[bool] = []
    paths: list[EchoPath] = []
    notices = 0
    speaking = False
    for i, (a, c) in enumerate(zip(levels(agent), levels(caller), strict=True)):
        ok = bleed.step(
            i * FRAME_LENGTH, a, c, agent_active=speaking and max(a) > -50, caller_active=max(c) > -50
        )
        speaking = ok and max(a) > -50
        notices += bleed.notice_due
        allowed.append(ok)
        if bleed.path is not None and (not paths or bleed.path != paths[-1]):
            paths.append(bleed.path)
    return Gated(allowed, bleed, notices, paths[0] if paths else None, paths)


def echo(caller: Audio, lag_hops: int, gain_db: float) -> Audio:
    lag = lag_hops * HOP_LENGTH
    return (10 ** (gain_db / 20) * np.concatenate([np.zeros(lag, np.float32), caller])[: len(caller)]).astype(
        np.float32
    )


def caller_alone(seconds: float = 20.0) -> Audio:
    return placed(seconds, [(0.5, voice(seconds - 1, 200, -20, seed=5))])


@pytest.mark.parametrize("lag_hops", [0, 3, 12, 28])
@pytest.mark.parametrize("gain_db", [-3.0, -12.0, -25.0])
def test_an_echo_is_found_at_its_delay_and_gain(lag_hops: int, gain_db: float) -> None:
    caller = caller_alone()
    found = gate(echo(caller, lag_hops, gain_db), caller)
    path = found.gate.path
    assert path is not None
    assert abs(path.lag_hops - lag_hops) <= 1
    assert path.gain_db == pytest.approx(gain_db, abs=1.0)
    assert found.gate.share > 0.9


def test_once_known_the_echo_is_never_the_agent() -> None:
    caller = caller_alone()
    found = gate(echo(caller, 6, -10), caller)
    assert found.first_path is not None
    known = found.first_path.seen_at // FRAME_LENGTH
    assert known * FRAME_LENGTH / 16_000 < 5.0
    assert not any(found.allowed[known:-20])


def test_what_was_heard_before_the_path_was_known_is_in_doubt() -> None:
    caller = caller_alone()
    bleed = BleedGate(BleedSettings())
    since: list[int] = []
    for i, (a, c) in enumerate(zip(levels(echo(caller, 6, -10)), levels(caller), strict=True)):
        bleed.step(i * FRAME_LENGTH, a, c, agent_active=False, caller_active=max(c) > -50)
        if bleed.echo_since is not None:
            since.append(bleed.echo_since)
            bleed.echo_since = None
    assert len(since) == 1
    assert 0 <= since[0] < 16_000 * 2


def test_an_agent_who_speaks_over_the_echo_is_kept() -> None:
    caller = caller_alone()
    agent = echo(caller, 6, -12)
    own = voice(3.0, 120, -14, seed=9)
    agent[10 * 16_000 : 10 * 16_000 + len(own)] += own
    found = gate(agent, caller)
    talking = found.allowed[10 * 16_000 // FRAME_LENGTH + 4 : 13 * 16_000 // FRAME_LENGTH - 4]
    echoing = found.allowed[16 * 16_000 // FRAME_LENGTH : 18 * 16_000 // FRAME_LENGTH]
    assert np.mean(talking) > 0.85
    assert not any(echoing)


@pytest.mark.parametrize(
    "name", ["s01_good_second_screen", "s02_interrupted_scanner", "s03_hold_and_dead_air"]
)
def test_two_people_on_headsets_are_never_gated(name: str) -> None:
    """Whole calls with every kind of overlap in them, and no echo."""
    audio, rate = soundfile.read(SAMPLES / f"{name}.flac", dtype="float32", always_2d=True)
    assert rate == SAMPLE_RATE
    found = gate(audio[:, 0], audio[:, 1])
    assert all(found.allowed)
    assert found.gate.path is None
    assert found.notices == 0
    assert found.gate.caller_blocks > 20


def test_the_notice_comes_once() -> None:
    caller = caller_alone(40)
    found = gate(echo(caller, 6, -10), caller)
    assert found.notices == 1
    assert found.gate.low_confidence


def test_a_headset_raises_no_notice() -> None:
    found = gate(placed(20, []), caller_alone())
    assert found.notices == 0
    assert found.gate.share == 0
    assert found.gate.caller_blocks > 10


def test_the_gate_can_be_switched_off() -> None:
    caller = caller_alone()
    found = gate(echo(caller, 6, -10), caller, BleedSettings(enabled=False))
    assert all(found.allowed)
    assert found.gate.caller_blocks == 0


def test_a_path_that_is_not_seen_again_is_forgotten() -> None:
    """The agent puts on a headset: after the memory has run out the agent is trusted again."""
    caller = caller_alone(30)
    agent = echo(caller, 6, -10)
    agent[10 * 16_000 :] = placed(20, [])
    found = gate(agent, caller, BleedSettings(memory_s=3.0))
    assert not all(found.allowed[: 10 * 16_000 // FRAME_LENGTH])
    assert all(found.allowed[15 * 16_000 // FRAME_LENGTH :])
