"""A clock and inputs that do what sound devices do, as fast as one likes.

Single thread, unlimited speed (unit tests): time moves only in ``advance`` and ``sleep``, and inputs
deliver their blocks while it moves::

    clock = FakeClock()
    mic = FakeInput("mic", clock, tone(440), jitter=0.01)
    phone = FakeInput("phone", clock, tone(1000), drift_ppm=800, faults=[Stall(at=5, seconds=3)])
    rig = LiveRig(clock, mic, phone)
    rig.run(60.0)
    rig.audio(), rig.marks, rig.late

Twenty times as fast as real time, with threads (soak test of the capture process)::

    clock = FakeClock(speed=20)         # monotonic() runs 20 times as fast, sleep() waits a 20th
    mic = FakeInput("mic", clock, tone(440), faults=[Vanish(at=600, seconds=4)])
    mic.open(on_block, on_end)          # a thread of its own delivers until close()

``on_end`` is called when the device vanishes; ``available`` says whether ``open`` would work again.
Times of faults are seconds since the clock was made. ``clock.suspend(s)`` lets the computer sleep,
``clock.step_wall(s)`` sets the wall clock; neither moves ``monotonic``. ``clock.freeze(s)`` lets time pass
while this process stands still.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from callcoach.capture.align import Aligner, GapMark, LateAudio
from callcoach.errors import DeviceError
from callcoach.events import Channel
from callcoach.sound_ports import InputBlock, OnBlock, OnEnd, Pcm

RATE = 16_000
Signal = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""What there is to hear at the given times (s since the clock was made), in [-1, 1]."""


def tone(hz: float, level: float = 0.5) -> Signal:
    """Return a sine that starts at phase 0."""
    return lambda t: level * np.sin(2 * np.pi * hz * t)


class FakeClock:
    """Implements ``callcoach.sound_ports.Clock``; by hand, or ``speed`` times as fast as real time."""

    def __init__(self, speed: float | None = None, start: float = 50_000.0) -> None:
        self.start = start
        self.speed = speed
        self._now = start
        self._slept = 0.0
        self._real = time.monotonic()
        self._wall = datetime(2026, 3, 29, 0, 59, 50, tzinfo=UTC)
        self._pumps: list[Callable[[float], None]] = []

    def monotonic(self) -> float:
        if self.speed is None:
            return self._now
        return self.start + (time.monotonic() - self._real) * self.speed

    def boot(self) -> float:
        return self.monotonic() + self._slept

    def wall(self) -> datetime:
        return self._wall + timedelta(seconds=self.boot() - self.start)

    def sleep(self, seconds: float) -> None:
        if self.speed is None:
            self.advance(seconds)
        elif seconds > 0:
            time.sleep(seconds / self.speed)

    def advance(self, seconds: float) -> None:
        """Let time pass in steps of at most 5 ms; inputs deliver meanwhile."""
        end = self._now + seconds
        while self._now < end:
            self._now = min(end, self._now + 0.005)
            for pump in list(self._pumps):
                pump(self._now)

    def freeze(self, seconds: float) -> None:
        """Let time pass with this whole process standing still; what was due comes with the next step."""
        self._now += seconds

    def suspend(self, seconds: float) -> None:
        """Let the computer sleep."""
        self._slept += seconds

    def step_wall(self, seconds: float) -> None:
        """Set the wall clock."""
        self._wall += timedelta(seconds=seconds)

    def attach(self, pump: Callable[[float], None]) -> None:
        self._pumps.append(pump)

    def detach(self, pump: Callable[[float], None]) -> None:
        if pump in self._pumps:
            self._pumps.remove(pump)


@dataclass(frozen=True)
class Stall:
    """Nothing comes for so long, then all of it at once; nothing is lost."""

    at: float
    seconds: float


@dataclass(frozen=True)
class Loss:
    """The device drops samples without a word."""

    at: float
    samples: int


@dataclass(frozen=True)
class Jump:
    """From then on the device says other times, by so many seconds; no sound is lost."""

    at: float
    seconds: float


@dataclass(frozen=True)
class Vanish:
    """The device is gone for so long; ``told`` says whether it ends its stream or only falls silent."""

    at: float
    seconds: float
    reason: str = "lost"
    told: bool = True


Fault = Stall | Loss | Jump | Vanish


class FakeInput:
    """Implements ``callcoach.sound_ports.AudioInput``.

    Parameters
    ----------
    signal
        What it hears, by true time; give two inputs the same signal to compare their sides.
    drift_ppm
        Its crystal is so much too fast.
    jitter
        s; blocks are late by 0 to ``jitter`` at random, and so are their times.
    latency
        s from the end of a block to its delivery.
    stamps
        ``arrival``: a block's time is its arrival less its length, so late blocks have late times;
        ``device``: the true time of its first sample, as good sound servers tell it.
    """

    def __init__(
        self,
        name: str,
        clock: FakeClock,
        signal: Signal,
        *,
        drift_ppm: float = 0.0,
        jitter: float = 0.0,
        latency: float = 0.01,
        stamps: str = "arrival",
        faults: Sequence[Fault] = (),
        block: int = 320,
        seed: int = 0,
    ) -> None:
        self.name = name
        self.lost = 0
        """Samples that faults have dropped so far."""
        self._clock, self._signal, self._block = clock, signal, block
        self._rate = RATE * (1 + drift_ppm * 1e-6)
        self._jitter, self._latency, self._stamps = jitter, latency, stamps
        self._faults = sorted(faults, key=lambda fault: fault.at)
        self._random = np.random.default_rng(seed)
        self._on_block: OnBlock | None = None
        self._on_end: OnEnd | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._opened = 0.0
        self._sample = 0
        self._arrived = 0.0
        self._next: tuple[float, float, Pcm] | None = None
        self._done: set[Loss] = set()

    @property
    def available(self) -> bool:
        """Whether the device is there now."""
        return self._gone(self._clock.monotonic() - self._clock.start, since=math.inf) is None

    @property
    def active(self) -> bool:
        return self._on_block is not None

    def open(self, on_block: OnBlock, on_end: OnEnd) -> None:
        if not self.available:
            raise DeviceError(f"{self.name} is not there; plug it in.")
        self._on_block, self._on_end = on_block, on_end
        self._opened = self._clock.monotonic() - self._clock.start
        self._sample, self._next, self._arrived = 0, None, 0.0
        if self._clock.speed is None:
            self._clock.attach(self.pump)
        else:
            self._thread = threading.Thread(target=self._run, name=f"fake-{self.name}", daemon=True)
            self._thread.start()

    def close(self) -> None:
        self._on_block = None
        self._clock.detach(self.pump)
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def pump(self, now: float) -> None:
        """Deliver what is due at monotonic time ``now``."""
        now -= self._clock.start
        with self._lock:
            while self._on_block is not None:
                gone = self._gone(now, since=self._opened)
                if gone is not None and gone.told:
                    on_end = self._on_end
                    self._on_block = None
                    self._clock.detach(self.pump)
                    if on_end is not None:
                        on_end(gone.reason)
                    return
                if self._next is None:
                    self._next = self._make()
                if self._next[0] > now:
                    return
                self._on_block(InputBlock(self._next[1] + self._clock.start, self._next[2]))
                self._next = None

    def _run(self) -> None:
        while self._on_block is not None:
            self._clock.sleep(0.01)
            self.pump(self._clock.monotonic())

    def _gone(self, now: float, since: float) -> Vanish | None:
        for fault in self._faults:
            if isinstance(fault, Vanish) and fault.at <= now < fault.at + fault.seconds:
                return fault
            if isinstance(fault, Vanish) and fault.told and since < fault.at <= now:
                return fault
        return None

    def _make(self) -> tuple[float, float, Pcm]:
        """Return arrival, time and samples of the next block."""
        begin = self._opened + self._sample / self._rate
        for fault in self._faults:
            if isinstance(fault, Loss) and fault.at <= begin and fault not in self._done:
                self._done.add(fault)
                if fault.at >= self._opened:
                    self._sample += fault.samples
                    self.lost += fault.samples
            if isinstance(fault, Vanish) and not fault.told and fault.at <= begin < fault.at + fault.seconds:
                skipped = math.ceil((fault.at + fault.seconds - begin) * self._rate)
                self._sample += skipped
                self.lost += skipped
            begin = self._opened + self._sample / self._rate
        times = self._opened + (self._sample + np.arange(self._block)) / self._rate
        self._sample += self._block
        pcm = np.clip(np.rint(self._signal(times) * 32767), -32768, 32767).astype(np.int16)
        late = self._random.uniform(0, self._jitter) if self._jitter else 0.0
        arrival = times[-1] + 1 / self._rate + self._latency + late
        for fault in self._faults:
            if isinstance(fault, Stall) and fault.at <= arrival < fault.at + fault.seconds:
                arrival = fault.at + fault.seconds
        self._arrived = arrival = max(arrival, self._arrived)
        stamp = times[0] if self._stamps == "device" else arrival - self._latency - self._block / self._rate
        stamp += sum(f.seconds for f in self._faults if isinstance(f, Jump) and f.at <= times[0])
        return float(arrival), float(stamp), pcm


@dataclass
class LiveRig:
    """The loop of a capture process around an ``Aligner``: drain, align, reopen what comes back."""

    clock: FakeClock
    agent: FakeInput
    caller: FakeInput
    aligner: Aligner = field(default_factory=Aligner)
    poll: float = 0.02
    keep: bool = True
    blocks: list[Pcm] = field(default_factory=list)
    marks: list[GapMark] = field(default_factory=list)
    late: list[LateAudio] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    """s from speech to ``read``, after each look."""

    def __post_init__(self) -> None:
        self._queue: list[tuple[Channel, InputBlock]] = []
        self._inputs = {Channel.AGENT: self.agent, Channel.CALLER: self.caller}
        for channel in self._inputs:
            self._open(channel)

    def _open(self, channel: Channel) -> None:
        self._inputs[channel].open(
            lambda block: self._queue.append((channel, block)), lambda reason: self._end(channel, reason)
        )

    def _end(self, channel: Channel, reason: str) -> None:
        self.drain()
        self.aligner.input_lost(channel, self.clock.monotonic(), reason)

    def drain(self) -> None:
        queue, self._queue = self._queue, []
        for channel, block in queue:
            self.aligner.push(channel, block)

    def look(self) -> Pcm:
        """Do what one turn of the loop does."""
        for channel, device in self._inputs.items():
            if not device.active and device.available:
                self._open(channel)
                self.aligner.input_back(channel, self.clock.monotonic())
        self.drain()
        parts = []
        while True:
            block, marks = self.aligner.read(self.clock.monotonic(), self.clock.boot())
            self.marks += marks
            parts.append(block)
            if len(block) < RATE:
                break
        self.late += self.aligner.late()
        whole = np.concatenate(parts)
        if self.keep:
            self.blocks.append(whole)
            here = self.aligner.call_position(self.clock.monotonic())
            if here is not None:
                self.delays.append((here - self.aligner.position) / RATE)
        return whole

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end - 1e-9:
            self.clock.advance(self.poll)
            self.look()

    def audio(self) -> Pcm:
        """Return everything delivered so far, shape (n, 2)."""
        return np.concatenate(self.blocks) if self.blocks else np.zeros((0, 2), np.int16)
