"""The watcher alone: inputs and sound server are played, time is real but short."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from callcoach.capture.clocks import SystemClock
from callcoach.devices.device import Device, SoundView
from callcoach.devices.watch import Watcher, WatchTimes
from callcoach.errors import DeviceError
from callcoach.events import Channel
from callcoach.sound_ports import AudioInput, Clock, InputBlock, OnBlock, OnEnd
from tests.support.listening import eventually

MIC = Device("mic", "Mic", "microphone", True, "played")
PHONE = Device("phone", "Phone", "output", True, "played")
QUICK = WatchTimes(
    stalled_s=0.1,
    first_block_s=0.2,
    mend_s=0.01,
    retry_s=0.05,
    steady_s=0.5,
    retry_most_s=0.2,
    unplaced_s=0.2,
    frozen_s=0.5,
    doubt_s=0.01,
)


class PlayedServer:
    """Says what it is told to, at once."""

    name = "played"

    def __init__(self) -> None:
        self.views: queue.Queue[SoundView | None] = queue.Queue()
        self.looks = 0

    def view(self) -> SoundView:
        return SoundView(())

    def make_input(self, device: Device, channel: Channel, clock: Clock) -> AudioInput:
        raise NotImplementedError

    def observe(self, on_view: Callable[[SoundView | None], None], stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                view = self.views.get(timeout=0.01)
            except queue.Empty:
                continue
            on_view(view)
            self.looks += 1

    def say(self, view: SoundView | None) -> None:
        """Say it, and return when the watcher has heard it."""
        before = self.looks
        self.views.put(view)
        assert eventually(lambda: self.looks > before)


class PlayedInput:
    """Delivers a block every 5 ms from a thread of its own while nothing is wrong with it."""

    name = "Phone"
    device_id = "phone"

    def __init__(self) -> None:
        self.opened = 0
        self.closed = 0
        self.delivering = True
        self.refuse = False
        self.alive = True
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.on_end: OnEnd = print
        self.on_block: OnBlock = print

    @property
    def tag(self) -> str:
        return f"tag{self.opened}"

    def open(self, on_block: OnBlock, on_end: OnEnd) -> None:
        if self.refuse:
            raise DeviceError("It cannot be opened.")
        self.opened += 1
        self.alive = True
        self._stop = threading.Event()
        self.on_block, self.on_end = on_block, on_end
        self._thread = threading.Thread(target=self._run, args=(self._stop, on_block), daemon=True)
        self._thread.start()

    def _run(self, stop: threading.Event, on_block: OnBlock) -> None:
        while not stop.wait(0.005):
            if self.delivering and self.alive:
                on_block(InputBlock(time.monotonic() - 0.02, np.zeros(320, np.int16)))

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self.closed += 1

    @property
    def active(self) -> bool:
        return self._thread is not None and self.alive


class Side:
    """What the consumer hears, in order."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.blocks = 0
        self.after_loss = 0
        self.here = True
        self.lost_at = 0.0
        self.unknown_from = 0.0

    def block(self, block: InputBlock) -> None:
        self.blocks += 1
        self.after_loss += not self.here

    def lost(self, reason: str, t: float) -> None:
        self.heard.append(reason)
        self.lost_at, self.unknown_from = time.monotonic(), t
        self.here = False

    def back(self, t: float) -> None:
        self.heard.append("back")
        self.here = True


@pytest.fixture
def server() -> PlayedServer:
    return PlayedServer()


@pytest.fixture
def watcher(server: PlayedServer) -> Iterator[Watcher]:
    with Watcher(SystemClock(), backend=server, times=QUICK) as made:
        yield made


def keep(watcher: Watcher, source: PlayedInput, *, required: bool = True) -> Side:
    side = Side()
    watcher.keep(source, side.block, side.lost, side.back, required=required)
    return side


def here(source: PlayedInput, place: str = "phone") -> SoundView:
    return SoundView((MIC, PHONE), {source.tag: place})


def test_a_stream_in_its_place_is_left_alone(watcher: Watcher, server: PlayedServer) -> None:
    source = PlayedInput()
    side = keep(watcher, source)
    for _ in range(20):
        server.say(here(source))
    assert eventually(lambda: side.blocks > 5)
    assert side.heard == []
    assert source.opened == 1


def test_a_stream_on_another_device_is_cut_off_before_the_consumer_hears_of_it(
    watcher: Watcher, server: PlayedServer
) -> None:
    source = PlayedInput()
    side = keep(watcher, source)
    server.say(here(source))
    moved = time.monotonic()
    server.say(here(source, "mic"))
    assert eventually(lambda: side.heard == ["moved", "back"])
    assert side.lost_at - moved < 0.2
    assert side.unknown_from <= moved + 0.2
    assert source.opened == 2
    assert side.after_loss <= 1  # the block that was under way


def test_a_stream_whose_device_vanished_is_lost_and_comes_back_with_the_device(
    watcher: Watcher, server: PlayedServer
) -> None:
    source = PlayedInput()
    side = keep(watcher, source)
    server.say(here(source))
    server.say(SoundView((MIC,), {source.tag: "mic"}))
    assert eventually(lambda: side.heard == ["lost"] and source.closed == 1)
    time.sleep(0.3)
    assert source.opened == 1, "nothing is opened while the device is away"
    server.say(SoundView((MIC, PHONE)))
    assert eventually(lambda: side.heard == ["lost", "back"])


def test_a_dead_server_takes_every_input_and_gives_it_back(watcher: Watcher, server: PlayedServer) -> None:
    source = PlayedInput()
    side = keep(watcher, source)
    server.say(here(source))
    server.say(None)
    assert eventually(lambda: side.heard == ["lost"])
    assert watcher.devices == ()
    server.say(SoundView((MIC, PHONE)))
    assert eventually(lambda: side.heard == ["lost", "back"])


def test_a_stream_that_the_server_does_not_know_is_lost(watcher: Watcher, server: PlayedServer) -> None:
    source = PlayedInput()
    side = keep(watcher, source)
    server.say(SoundView((MIC, PHONE)))
    assert side.heard == [], "it may not be listed yet"
    time.sleep(QUICK.unplaced_s + 0.05)
    server.say(SoundView((MIC, PHONE)))
    assert eventually(lambda: side.heard[:1] == ["lost"])


def test_a_stalled_stream_is_restarted(watcher: Watcher) -> None:
    source = PlayedInput()
    side = keep(watcher, source)
    assert eventually(lambda: side.blocks > 3)
    source.delivering = False
    assert eventually(lambda: side.heard == ["stalled"])
    source.delivering = True
    assert eventually(lambda: side.heard == ["stalled", "back"])
    assert source.opened >= 2


def test_a_stream_that_stays_mute_is_told_once(watcher: Watcher) -> None:
    source = PlayedInput()
    source.delivering = False
    side = keep(watcher, source)
    assert eventually(lambda: source.opened >= 3)
    assert side.heard == ["stalled"]


def test_an_input_that_is_silent_when_idle_is_not_stalled(watcher: Watcher) -> None:
    source = PlayedInput()
    source.silent_when_idle = True  # type: ignore[attr-defined]
    side = keep(watcher, source)
    source.delivering = False
    time.sleep(0.4)
    assert side.heard == []


@pytest.mark.parametrize("reason", ["ended", "failed", "moved"])
def test_the_end_that_an_input_tells_is_passed_on(watcher: Watcher, reason: str) -> None:
    source = PlayedInput()
    side = keep(watcher, source)
    source.alive = False
    source.on_end(reason)
    assert side.heard[0] == reason
    assert eventually(lambda: side.heard == [reason, "back"])


def test_a_stream_that_died_without_a_word_is_noticed(watcher: Watcher) -> None:
    source = PlayedInput()
    side = keep(watcher, source)
    time.sleep(0.05)
    source.alive = False
    assert eventually(lambda: side.heard == ["lost", "back"])


def test_a_required_input_that_cannot_be_opened_is_refused(watcher: Watcher) -> None:
    source = PlayedInput()
    source.refuse = True
    with pytest.raises(DeviceError):
        keep(watcher, source)
    time.sleep(0.1)
    assert source.opened == 0


def test_another_one_is_tried_until_it_can(watcher: Watcher) -> None:
    source = PlayedInput()
    source.refuse = True
    side = keep(watcher, source, required=False)
    assert side.heard == ["lost"]
    time.sleep(0.1)
    source.refuse = False
    assert eventually(lambda: side.heard == ["lost", "back"])


def test_a_policy_that_moves_the_stream_again_and_again_is_not_fought(
    watcher: Watcher, server: PlayedServer
) -> None:
    source = PlayedInput()
    keep(watcher, source)
    end = time.monotonic() + 0.7
    while time.monotonic() < end:
        server.say(here(source, "mic"))
        time.sleep(0.002)
    assert 2 <= source.opened <= 8, "each attempt waits longer than the one before"


def test_late_callbacks_of_a_closed_stream_reach_nobody(watcher: Watcher, server: PlayedServer) -> None:
    source = PlayedInput()
    side = keep(watcher, source)
    stale_block, stale_end = source.on_block, source.on_end
    server.say(SoundView((MIC,), {source.tag: "mic"}))
    assert side.heard == ["lost"]
    before = side.blocks
    stale_block(InputBlock(0.0, np.zeros(320, np.int16)))
    stale_end("failed")
    assert side.blocks == before
    assert side.heard == ["lost"]


def test_nothing_is_called_after_the_release(watcher: Watcher, server: PlayedServer) -> None:
    source = PlayedInput()
    side = keep(watcher, source)
    watcher.release(source)
    before = side.blocks
    server.say(here(source, "mic"))
    time.sleep(0.1)
    assert side.heard == []
    assert side.blocks == before
    assert source.closed == 1
    assert source.opened == 1


def test_devices_that_come_and_go_are_told(server: PlayedServer) -> None:
    told: list[tuple[str, ...]] = []
    with Watcher(
        SystemClock(), backend=server, times=QUICK, on_change=lambda d: told.append(tuple(x.id for x in d))
    ) as watcher:
        server.say(SoundView((MIC,)))
        server.say(SoundView((MIC,)))
        server.say(SoundView((MIC, PHONE)))
        server.say(None)
        assert watcher.looked > 0
    assert told == [("mic",), ("mic", "phone"), ()]


def test_a_failing_listener_does_not_blind_the_watcher(
    server: PlayedServer, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: tuple[Device, ...]) -> None:
        raise RuntimeError

    source = PlayedInput()
    with Watcher(SystemClock(), backend=server, times=QUICK, on_change=fail) as watcher:
        side = keep(watcher, source)
        server.say(here(source))
        server.say(SoundView((MIC,), {source.tag: "mic"}))
        assert side.heard == ["lost"]
    assert "listener" in caplog.text


def test_closing_ends_inputs_and_threads(server: PlayedServer) -> None:
    source = PlayedInput()
    watcher = Watcher(SystemClock(), backend=server, times=QUICK)
    watcher.start()
    keep(watcher, source)
    watcher.close()
    watcher.close()
    assert not source.active
    assert eventually(lambda: not [t for t in threading.enumerate() if t.name.startswith("device-")])


class HangingInput(PlayedInput):
    """Its closing waits until it is let go, as with a sound server that stands still."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def close(self) -> None:
        if self._thread is not None:
            self.let_go.wait(5)
        super().close()


def test_an_input_that_hangs_does_not_keep_the_loss_of_the_other_back(watcher: Watcher) -> None:
    hanging, other = HangingInput(), PlayedInput()
    first, second = keep(watcher, hanging), keep(watcher, other)
    hanging.delivering = False
    assert eventually(lambda: first.heard == ["stalled"])
    other.delivering = False
    assert eventually(lambda: second.heard == ["stalled"])
    other.delivering = True
    assert eventually(lambda: second.heard == ["stalled", "back"])
    assert first.heard == ["stalled"]
    hanging.let_go.set()
    hanging.delivering = True
    assert eventually(lambda: first.heard == ["stalled", "back"])


def test_closing_does_not_wait_for_ever(server: PlayedServer, caplog: pytest.LogCaptureFixture) -> None:
    source = HangingInput()
    watcher = Watcher(SystemClock(), backend=server, times=replace(QUICK, close_s=0.2))
    watcher.start()
    keep(watcher, source)
    began = time.monotonic()
    watcher.close()
    assert 0.2 <= time.monotonic() - began < 1.0
    assert "could not be closed" in caplog.text
    source.let_go.set()


def test_a_release_by_the_listener_itself_is_safe(watcher: Watcher) -> None:
    source = PlayedInput()
    heard: list[str] = []

    def lost(reason: str, t: float) -> None:
        heard.append(reason)
        watcher.release(source)

    watcher.keep(source, lambda block: None, lost, lambda t: heard.append("back"))
    source.delivering = False
    assert eventually(lambda: source.closed == 1)
    time.sleep(0.1)
    assert heard == ["stalled"]
    assert source.opened == 1


class JumpingClock(SystemClock):
    """Jumps when told: what a process sees that stood still."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def test_a_process_that_stood_still_waits_for_the_late_blocks(server: PlayedServer) -> None:
    clock, source = JumpingClock(), PlayedInput()
    times = replace(QUICK, stalled_s=0.4, mend_s=0.1)
    with Watcher(clock, backend=server, times=times) as watcher:
        side = keep(watcher, source)
        assert eventually(lambda: side.blocks > 3)
        source.delivering = False
        time.sleep(0.01)
        clock.ahead = 5.0
        time.sleep(0.25)
        source.delivering = True
        time.sleep(0.3)
        assert side.heard == []
    assert source.opened == 1
