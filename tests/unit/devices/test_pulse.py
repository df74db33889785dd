"""Devices, loss, return and silent moves on a real sound server, through real PortAudio."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from callcoach.capture.clocks import SystemClock
from callcoach.devices import Watcher, default_device, list_devices, open_device
from callcoach.devices.pulse import TAG_PROPERTY, connected
from callcoach.errors import DeviceError
from callcoach.events import Channel
from callcoach.sound_ports import InputBlock
from tests.support.listening import Listener, eventually
from tests.support.pulse_rig import PulseRig, pulse_rig, tone_level

AGENT_HZ, CALLER_HZ = 1000.0, 440.0
TONE_DBFS = -12.0
LOST_S, BACK_S = 1.0, 3.0
"""The bars of DEV-1 and DEV-2."""
STAMPS_S = 0.04
"""Spread of the stamps around their line; 26 ms were seen on a busy machine. The aligner fits the line."""


@pytest.fixture
def rig() -> Iterator[PulseRig]:
    with pulse_rig() as made:
        yield made


@pytest.fixture
def watcher(rig: PulseRig) -> Iterator[Watcher]:
    with Watcher(SystemClock()) as made:
        yield made


def keep(watcher: Watcher, name: str, channel: Channel) -> tuple[Any, Listener]:
    source, listener = open_device(name, channel, SystemClock()), Listener()
    watcher.keep(source, listener.block, listener.lost, listener.back)
    return source, listener


def both(rig: PulseRig, watcher: Watcher) -> tuple[Listener, Listener]:
    rig.play_tone("cc_mic", AGENT_HZ)
    rig.play_tone("cc_phone", CALLER_HZ)
    _, agent = keep(watcher, "cc_mic.monitor", Channel.AGENT)
    _, caller = keep(watcher, "cc_phone.monitor", Channel.CALLER)
    assert eventually(lambda: len(agent.blocks) > 25 and len(caller.blocks) > 25)
    return agent, caller


def hears(listener: Listener, hertz: float) -> bool:
    """Tell whether the newest 0.2 s are this tone."""
    newest = listener.blocks[-10:]
    return bool(newest) and tone_level(np.concatenate([b.pcm for b in newest]), hertz) > TONE_DBFS - 1


def loudest(listener: Listener, hertz: float, start: float = 0.0, end: float = float("inf")) -> float:
    """Return the greatest level of a tone in any block of a stretch, dBFS."""
    levels = [tone_level(b.pcm, hertz) for b in listener.blocks if start <= b.t < end]
    return max(levels, default=-200.0)


def stream_of(tag: str) -> int:
    with connected() as link:
        return next(
            stream.index for stream in link.source_output_list() if stream.proplist.get(TAG_PROPERTY) == tag
        )


def test_devices_have_the_names_of_the_server(rig: PulseRig) -> None:
    rig.add_sink("headset_out", "Jabra Evolve Mono")
    rig.add_microphone("headset_in", "cc_mic", "Jabra Evolve Mono")
    rig.pactl("set-default-source", "headset_in")
    rig.pactl("set-default-sink", "cc_phone")
    rig.play_tone("cc_phone", CALLER_HZ, application="Music")
    assert eventually(lambda: len(list_devices()) == 5)
    found = list_devices()
    assert [(d.id, d.name, d.kind, d.default) for d in found] == [
        ("headset_in", "Jabra Evolve Mono", "microphone", True),
        ("cc_mic.monitor", "cc_mic", "output", False),
        ("cc_phone.monitor", "cc_phone", "output", True),
        ("headset_out.monitor", "Jabra Evolve Mono", "output", False),
        ("application:Music", "Music", "application", False),
    ]
    assert default_device(found, Channel.AGENT).id == "headset_in"
    assert default_device(found, Channel.CALLER).id == "cc_phone.monitor"
    rig.play_tone("cc_phone", CALLER_HZ, application="Linphone")
    assert eventually(lambda: default_device(list_devices(), Channel.CALLER).id == "application:Linphone")


def test_a_monitor_that_is_the_default_source_is_no_microphone(rig: PulseRig) -> None:
    with pytest.raises(DeviceError, match="no microphone"):
        open_device(None, Channel.AGENT, SystemClock())
    assert open_device(None, Channel.CALLER, SystemClock()).name == "cc_mic"


def test_both_sides_are_recorded_apart_and_in_time(rig: PulseRig, watcher: Watcher) -> None:
    began = time.monotonic()
    agent, caller = both(rig, watcher)
    time.sleep(1.0)
    for listener, own, other in ((agent, AGENT_HZ, CALLER_HZ), (caller, CALLER_HZ, AGENT_HZ)):
        late = [block.pcm for block in listener.blocks if block.t > began + 0.5]
        assert np.median([tone_level(pcm, own) for pcm in late]) == pytest.approx(TONE_DBFS, abs=0.5)
        assert np.median([tone_level(pcm, other) for pcm in late]) < -60
        assert {len(block.pcm) for block in listener.blocks} == {320}
        assert {block.pcm.dtype for block in listener.blocks} == {np.dtype(np.int16)}
        times = np.array([block.t for block in listener.blocks])
        off = times - times[0] - np.arange(len(times)) * 0.02
        assert np.ptp(off) < STAMPS_S
        assert listener.blocks[-1].t <= time.monotonic()
        assert listener.heard == []
    assert "PULSE_SOURCE" not in os.environ
    assert "PULSE_PROP" not in os.environ


def test_a_consumer_that_stands_still_loses_nothing_and_times_stay_right(rig: PulseRig) -> None:
    rig.play_tone("cc_phone", CALLER_HZ)
    blocks: list[InputBlock] = []

    def take(block: InputBlock) -> None:
        blocks.append(block)
        if len(blocks) == 20:
            time.sleep(0.7)

    source = open_device("cc_phone", Channel.CALLER, SystemClock())
    source.open(take, print)
    assert eventually(lambda: len(blocks) > 75, 5)
    source.close()
    after = len(blocks)
    time.sleep(0.1)
    assert len(blocks) == after
    times = np.array([block.t for block in blocks])
    assert np.ptp(times - np.arange(len(times)) * 0.02) < STAMPS_S
    audio = np.concatenate([block.pcm for block in blocks[10:]]).astype(float)
    # A sine fulfils x[n+1] + x[n-1] = 2 cos(w) x[n]; a sample that is missing breaks it.
    rest = audio[2:] + audio[:-2] - 2 * np.cos(2 * np.pi * CALLER_HZ / 16_000) * audio[1:-1]
    assert np.abs(rest).max() < 40


def test_a_vanished_output_is_lost_and_never_becomes_the_other_side(rig: PulseRig, watcher: Watcher) -> None:
    agent, caller = both(rig, watcher)
    gone = time.monotonic()
    rig.drop("cc_phone")
    assert eventually(lambda: caller.heard == ["lost"])
    assert caller.times[0] - gone < LOST_S
    assert caller.unknown_from <= caller.times[0]
    time.sleep(0.3)
    rig.add_sink("cc_phone")
    returned = time.monotonic()
    assert eventually(lambda: caller.heard == ["lost", "back"])
    assert caller.times[1] - returned < BACK_S
    rig.play_tone("cc_phone", CALLER_HZ)
    assert eventually(lambda: hears(caller, CALLER_HZ))
    assert loudest(caller, AGENT_HZ, gone + 0.5) < -60
    assert loudest(caller, AGENT_HZ, gone, caller.unknown_from) < -60
    assert agent.heard == []


def test_a_silent_move_is_noticed(rig: PulseRig, watcher: Watcher) -> None:
    rig.play_tone("cc_mic", AGENT_HZ)
    rig.play_tone("cc_phone", CALLER_HZ)
    source, caller = keep(watcher, "cc_phone.monitor", Channel.CALLER)
    assert eventually(lambda: hears(caller, CALLER_HZ))
    index = stream_of(source.tag)
    moved = time.monotonic()
    rig.pactl("move-source-output", str(index), "cc_mic.monitor")
    assert eventually(lambda: caller.heard[:1] == ["moved"])
    assert caller.times[0] - moved < LOST_S
    assert eventually(lambda: caller.heard == ["moved", "back"])
    assert eventually(lambda: hears(caller, CALLER_HZ))
    time.sleep(0.2)
    assert loudest(caller, AGENT_HZ, moved, caller.unknown_from) < -60, "known before"
    assert loudest(caller, AGENT_HZ, caller.times[1]) < -60, "known again"


def test_a_killed_server_is_found_again(rig: PulseRig, watcher: Watcher) -> None:
    agent, caller = both(rig, watcher)
    killed = time.monotonic()
    rig.kill_server()
    assert eventually(lambda: agent.losses == caller.losses == 1)
    assert max(agent.times[0], caller.times[0]) - killed < LOST_S
    time.sleep(0.3)
    rig.start_server()
    rig.add_sink("cc_mic")
    rig.add_sink("cc_phone")
    restarted = time.monotonic()
    assert eventually(lambda: agent.heard == caller.heard == ["lost", "back"])
    assert max(agent.times[1], caller.times[1]) - restarted < BACK_S
    rig.play_tone("cc_mic", AGENT_HZ)
    rig.play_tone("cc_phone", CALLER_HZ)
    assert eventually(lambda: hears(agent, AGENT_HZ) and hears(caller, CALLER_HZ))


def test_a_suspended_output_is_a_stall_and_comes_back(rig: PulseRig, watcher: Watcher) -> None:
    rig.play_tone("cc_phone", CALLER_HZ)
    _, caller = keep(watcher, "cc_phone", Channel.CALLER)
    assert eventually(lambda: hears(caller, CALLER_HZ))
    rig.pactl("suspend-sink", "cc_phone", "1")
    last = caller.blocks[-1].t
    assert eventually(lambda: caller.heard == ["stalled"])
    assert caller.times[0] - last < 1.5
    rig.pactl("suspend-sink", "cc_phone", "0")
    resumed = time.monotonic()
    assert eventually(lambda: caller.heard == ["stalled", "back"])
    assert caller.times[1] - resumed < BACK_S


def test_a_server_that_stands_still_is_a_stall_of_both_sides(rig: PulseRig, watcher: Watcher) -> None:
    agent, caller = both(rig, watcher)
    frozen = time.monotonic()
    rig.stop_server(stopped=True)
    assert eventually(lambda: agent.heard == caller.heard == ["stalled"])
    assert max(agent.times[0], caller.times[0]) - frozen < 1.5
    rig.stop_server(stopped=False)
    thawed = time.monotonic()
    assert eventually(lambda: agent.heard == caller.heard == ["stalled", "back"])
    assert max(agent.times[1], caller.times[1]) - thawed < BACK_S


def test_ten_quick_losses_and_returns_of_one_device(rig: PulseRig, watcher: Watcher) -> None:
    agent, caller = both(rig, watcher)
    for cycle in range(10):
        rig.drop("cc_phone")
        assert eventually(lambda n=cycle: caller.losses == n + 1)
        rig.add_sink("cc_phone")
        assert eventually(lambda n=cycle: caller.heard.count("back") == n + 1)
        count = len(caller.blocks)
        assert eventually(lambda n=count: len(caller.blocks) > n + 3)
    assert set(caller.heard) == {"lost", "back"}
    assert agent.heard == []
    rig.play_tone("cc_phone", CALLER_HZ)
    assert eventually(lambda: hears(caller, CALLER_HZ))


def test_a_server_that_starts_after_portaudio_did_is_found(rig: PulseRig) -> None:
    from callcoach.devices.portaudio import refresh_portaudio

    rig.kill_server()
    assert refresh_portaudio(), "PortAudio has looked while no server was there"
    with pytest.raises(DeviceError, match="No sound server answers"):
        list_devices()
    rig.start_server()
    rig.add_sink("cc_phone")
    source, listener = open_device("cc_phone", Channel.CALLER, SystemClock()), Listener()
    source.open(listener.block, print)
    assert eventually(lambda: len(listener.blocks) > 5)
    source.close()


def test_a_device_that_left_between_listing_and_opening_is_refused_or_cut_off(
    rig: PulseRig, watcher: Watcher
) -> None:
    rig.play_tone("cc_mic", AGENT_HZ)
    source, listener = open_device("cc_phone", Channel.CALLER, SystemClock()), Listener()
    rig.drop("cc_phone")
    try:
        watcher.keep(source, listener.block, listener.lost, listener.back)
    except DeviceError:
        return
    assert eventually(lambda: listener.heard == ["lost"])
    time.sleep(0.3)
    assert loudest(listener, AGENT_HZ, 0.0, listener.unknown_from) < -60
