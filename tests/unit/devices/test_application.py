"""One application alone, on a real sound server; and the times of its blocks."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcoach.capture.clocks import SystemClock
from callcoach.devices import Watcher, list_devices, open_device
from callcoach.devices.application import BlockTimes
from callcoach.errors import DeviceError
from callcoach.events import Channel
from tests.support.listening import Listener, eventually
from tests.support.pulse_rig import PulseRig, pulse_rig, tone_level

PHONE_HZ, MUSIC_HZ = 440.0, 1500.0
BLOCK = 320


@pytest.fixture
def rig() -> Iterator[PulseRig]:
    with pulse_rig() as made:
        yield made


def start(rig: PulseRig, seconds: float = 30.0) -> Listener:
    """Play two applications into one output and wait until the server knows both."""
    rig.play_tone("cc_phone", PHONE_HZ, seconds, application="Linphone")
    rig.play_tone("cc_phone", MUSIC_HZ, application="Music")
    assert eventually(lambda: sum(d.kind == "application" for d in list_devices()) == 2)
    return Listener()


def test_one_of_two_applications_is_recorded_until_it_ends(rig: PulseRig) -> None:
    listener = start(rig, 3.0)
    ended: list[tuple[str, float]] = []
    source = open_device(None, Channel.CALLER, SystemClock())
    assert source.name == "Linphone"
    source.open(listener.block, lambda reason: ended.append((reason, time.monotonic())))
    assert source.active
    assert eventually(lambda: bool(ended))
    assert [reason for reason, _ in ended] == ["ended"]
    assert len(listener.blocks) > 50
    assert np.median([tone_level(b.pcm, PHONE_HZ) for b in listener.blocks]) == pytest.approx(-12, abs=0.5)
    assert max(tone_level(b.pcm, MUSIC_HZ) for b in listener.blocks[5:-25]) < -45
    assert np.median([tone_level(b.pcm, MUSIC_HZ) for b in listener.blocks]) < -60
    assert ended[0][1] - listener.blocks[-1].t < 1.0, "the end is known at once"
    assert eventually(lambda: not source.active)
    source.close()
    source.close()


def test_closing_is_no_end(rig: PulseRig) -> None:
    listener = start(rig)
    ended: list[str] = []
    source = open_device("linphone", Channel.CALLER, SystemClock())
    source.open(listener.block, ended.append)
    assert eventually(lambda: len(listener.blocks) > 10)
    source.close()
    count = len(listener.blocks)
    time.sleep(0.1)
    assert len(listener.blocks) == count
    assert ended == []


def test_an_application_that_moves_to_another_output_is_found_there(rig: PulseRig) -> None:
    listener = start(rig)
    with Watcher(SystemClock()) as watcher:
        source = open_device("Linphone", Channel.CALLER, SystemClock())
        watcher.keep(source, listener.block, listener.lost, listener.back)
        assert eventually(lambda: len(listener.blocks) > 10)
        listing = rig.pactl("list", "short", "sink-inputs").splitlines()
        rig.pactl("move-sink-input", min(line.split()[0] for line in listing), "cc_mic")
        assert eventually(lambda: listener.heard == ["moved", "back"])
        count = len(listener.blocks)
        assert eventually(lambda: len(listener.blocks) > count + 20)
    newest = listener.blocks[-15:]
    assert np.median([tone_level(b.pcm, PHONE_HZ) for b in newest]) == pytest.approx(-12, abs=1)
    assert np.median([tone_level(b.pcm, MUSIC_HZ) for b in newest]) < -60


def test_an_application_that_plays_again_is_recorded_again(rig: PulseRig) -> None:
    listener = start(rig, 2.0)
    with Watcher(SystemClock()) as watcher:
        source = open_device("Linphone", Channel.CALLER, SystemClock())
        watcher.keep(source, listener.block, listener.lost, listener.back)
        assert eventually(lambda: listener.heard == ["ended"])
        rig.play_tone("cc_phone", PHONE_HZ, application="Linphone")
        assert eventually(lambda: listener.heard == ["ended", "back"])


def test_a_killed_server_ends_it_as_lost(rig: PulseRig) -> None:
    listener = start(rig)
    ended: list[str] = []
    source = open_device("Linphone", Channel.CALLER, SystemClock())
    source.open(listener.block, ended.append)
    assert eventually(lambda: len(listener.blocks) > 10)
    rig.kill_server()
    assert eventually(lambda: ended == ["lost"])
    source.close()


def test_its_times_are_those_of_a_stream_of_the_whole_output(rig: PulseRig) -> None:
    rig.play_tone("cc_phone", PHONE_HZ, 2.0, application="Linphone")
    rig.play_tone("cc_mic", MUSIC_HZ, application="Linphone2")
    assert eventually(lambda: sum(d.kind == "application" for d in list_devices()) == 2)
    alone, whole = Listener(), Listener()
    sources = [open_device(name, Channel.CALLER, SystemClock()) for name in ("Linphone", "cc_phone.monitor")]
    for source, listener in zip(sources, (alone, whole), strict=True):
        source.open(listener.block, print)
    assert eventually(lambda: not sources[0].active)
    time.sleep(0.2)
    for source in sources:
        source.close()
    ends = []
    for listener in (alone, whole):
        loud = [b for b in listener.blocks if np.abs(b.pcm).max() > 4000]
        ends.append(loud[-1].t + np.flatnonzero(np.abs(loud[-1].pcm) > 4000)[-1] / 16_000)
    assert abs(ends[0] - ends[1]) < 0.05


def test_an_application_that_plays_nothing_is_refused(rig: PulseRig) -> None:
    start(rig)
    source = open_device("Linphone", Channel.CALLER, SystemClock())
    rig.kill_players()
    assert eventually(lambda: not any(d.kind == "application" for d in list_devices()))
    with pytest.raises(DeviceError, match="plays nothing now"):
        source.open(print, print)


def test_without_parec_an_application_is_refused_with_the_command(
    rig: PulseRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(rig)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(DeviceError, match="apt-get install -y --no-install-recommends pulseaudio-utils"):
        open_device("Linphone", Channel.CALLER, SystemClock())


@given(st.lists(st.floats(0.0, 0.05), min_size=50, max_size=200))
def test_late_arrivals_bend_the_line_little(lateness: list[float]) -> None:
    times = BlockTimes()
    stamps = [times.stamp(i * 0.02 + late, BLOCK, 0) for i, late in enumerate(lateness)]
    steps = np.diff(stamps)
    assert np.abs(steps - 0.02).max() < 0.001


def test_a_burst_after_a_freeze_is_placed_by_its_samples() -> None:
    times = BlockTimes()
    stamps = [times.stamp(i * 0.02, BLOCK, 0) for i in range(50)]
    # frozen for 2 s: 100 blocks wait and are read at once
    stamps += [times.stamp(50 * 0.02 + 2.0, BLOCK, (99 - i) * BLOCK) for i in range(100)]
    stamps += [times.stamp(i * 0.02, BLOCK, 0) for i in range(150, 170)]
    assert np.abs(np.diff(stamps) - 0.02).max() < 0.002


def test_a_pause_of_the_application_is_a_gap() -> None:
    times = BlockTimes()
    for i in range(50):
        last = times.stamp(i * 0.02, BLOCK, 0)
    assert times.stamp(50 * 0.02 + 3.0, BLOCK, 0) - last == pytest.approx(3.02)
