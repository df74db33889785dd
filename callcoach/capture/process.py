"""The capture process: devices, one clock, the ring and the journal. Nothing else runs in it.

It is spawned by the session and speaks with it over a pipe. When the session is gone it brings the
journal to disk and ends; when it is gone itself, the session starts another one that goes on with the call.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from callcoach.capture.align import Aligner, GapMark, LateAudio
from callcoach.capture.clocks import SystemClock
from callcoach.capture.journal import JournalStatus, JournalWriter
from callcoach.capture.ring import InputRing, SharedRing
from callcoach.clock import SAMPLE_RATE
from callcoach.devices import Watcher
from callcoach.errors import CallCoachError, StoreError
from callcoach.events import Channel, DeviceState, PauseKind
from callcoach.sound_ports import AudioInput, Clock, Pcm

log = logging.getLogger(__name__)

PUMP_S: Final = 0.01
"""Time between two looks at the inputs; a tenth of what the ring cue may take (OVL-3)."""
JOURNAL_S: Final = 0.1
"""Time between two looks of the journal at the ring."""
SYNC_S: Final = 0.5
"""DUR-5."""
FILE_LEAD_S: Final = 0.05
"""Recordings begin so long after the process, so that both are open by then."""
READ_MOST: Final = SAMPLE_RATE
"""Samples that the journal takes from the ring at once."""


# What is said over the pipe.


@dataclass(frozen=True, slots=True)
class InputSpec:
    """Where one party's sound comes from: a device by id, or a recording."""

    kind: str
    """``device`` or ``file``."""
    name: str
    column: int = 0
    """Of a recording."""


@dataclass(frozen=True, slots=True)
class CaptureSpec:
    """All that the capture process has to know."""

    call_id: str
    folder: Path
    ring: str
    inputs: dict[Channel, InputSpec]
    stored: frozenset[Channel]
    begun: float | None = None
    """Monotonic time of position 0; None: the first sample decides."""
    position: int = 0
    """First position that this process delivers."""
    muted: PauseKind | None = None


@dataclass(frozen=True, slots=True)
class Store:
    """To the process: keep these sides from now on."""

    channels: frozenset[Channel]


@dataclass(frozen=True, slots=True)
class Mute:
    """To the process: keep and deliver nothing from now on; None: again."""

    kind: PauseKind | None


@dataclass(frozen=True, slots=True)
class Erase:
    """To the process: take sound of these sides back."""

    number: int
    start: int
    end: int
    channels: frozenset[Channel]


@dataclass(frozen=True, slots=True)
class Stop:
    """To the process: end the call."""


@dataclass(frozen=True, slots=True)
class Started:
    """From the process: the inputs are open."""

    names: dict[Channel, str]


@dataclass(frozen=True, slots=True)
class Begun:
    """From the process: monotonic time of position 0."""

    monotonic: float


@dataclass(frozen=True, slots=True)
class Lost:
    """From the process: zeros stand in place of sound; the span grows while it is told again."""

    channel: Channel
    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class InputState:
    """From the process: what became of an input."""

    channel: Channel
    state: DeviceState
    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Disk:
    """From the process: how the journal stands."""

    status: JournalStatus


@dataclass(frozen=True, slots=True)
class Applied:
    """From the process: a change of what is stored took effect here."""

    position: int
    stored: frozenset[Channel]
    muted: PauseKind | None


@dataclass(frozen=True, slots=True)
class Erased:
    """From the process: this is off the disk, unless ``error`` says what went wrong."""

    number: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """From the process: the last message. ``error`` is one sentence when it could not begin."""

    position: int
    error: str | None = None
    exit_status: int = 1


Command = Store | Mute | Erase | Stop
Message = Started | Begun | Lost | InputState | Disk | Applied | Erased | Ended
OpenInput = Callable[[InputSpec, Channel, Clock, float, int], AudioInput]
"""Makes an input. For recordings: the monotonic time of position 0, and the first position that is wanted."""


def run_capture(spec: CaptureSpec, pipe: Connection, open_input: OpenInput) -> None:
    """Body of the process."""
    # the keys of the terminal are the session's; it tells this process when to end
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):
        os.nice(-5)  # only where the system allows it
    clock = SystemClock()
    teller = _Teller(pipe)
    ring = SharedRing.attach(spec.ring)
    try:
        Capture(spec, ring, clock, teller, open_input).run(pipe)
    except CallCoachError as error:
        teller.tell(Ended(ring.written, str(error), error.exit_status))
    finally:
        teller.close()
        ring.close()


_STATES: Final[Mapping[str, DeviceState]] = {
    "lost": "lost",
    "moved": "moved",
    "stalled": "stalled",
    "ended": "ended",
}


class _Teller:
    """Sends messages without ever keeping the pump waiting."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._queue: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self.gone = False
        """Whether the session has left."""
        self._thread = threading.Thread(target=self._run, name="teller", daemon=True)
        self._thread.start()

    def tell(self, message: Message) -> None:
        self._queue.put(message)

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join(2.0)

    def _run(self) -> None:
        while (message := self._queue.get()) is not None:
            if self.gone:
                continue
            try:
                self._pipe.send(message)
            except (OSError, ValueError):
                self.gone = True


@dataclass(slots=True)
class _Kept:
    """What is stored from which position on; read by the journal's thread."""

    positions: list[int] = field(default_factory=list)
    sides: list[frozenset[Channel]] = field(default_factory=list)

    def change(self, position: int, sides: frozenset[Channel]) -> None:
        self.positions = [*self.positions, position]
        self.sides = [*self.sides, sides]

    def spans(self, start: int, end: int) -> Iterator[tuple[int, int, frozenset[Channel]]]:
        """Cut ``[start, end)`` where the sides change."""
        positions, sides = self.positions, self.sides
        at = start
        while at < end:
            index = bisect_right(positions, at)
            until = min(end, positions[index]) if index < len(positions) else end
            yield at, until, sides[index - 1] if index else frozenset()
            at = until


class Capture:
    """The pump of the process, with the journal's thread beside it."""

    def __init__(
        self, spec: CaptureSpec, ring: SharedRing, clock: Clock, teller: _Teller, open_input: OpenInput
    ) -> None:
        self._spec = spec
        self._ring = ring
        self._clock = clock
        self._tell = teller
        files = all(s.kind == "file" for s in spec.inputs.values())
        begun = clock.monotonic() + FILE_LEAD_S if spec.begun is None and files else spec.begun
        self._aligner = Aligner(None if begun is None else begun + spec.position / SAMPLE_RATE)
        self._begun = begun
        self._rings = {channel: InputRing() for channel in Channel}
        self._losses: queue.SimpleQueue[tuple[Channel, str, float]] = queue.SimpleQueue()
        self._returns: queue.SimpleQueue[tuple[Channel, float]] = queue.SimpleQueue()
        zero = clock.monotonic() if begun is None else begun
        self._inputs = {c: open_input(s, c, clock, zero, spec.position) for c, s in spec.inputs.items()}
        self._files = {c for c, s in spec.inputs.items() if s.kind == "file"}
        self._ended: set[Channel] = set()
        self._stored, self._muted = spec.stored, spec.muted
        self._kept = _Kept()
        self._kept.change(0, frozenset() if spec.muted else spec.stored)
        self._erasures: queue.SimpleQueue[Erase] = queue.SimpleQueue()
        self._late: queue.SimpleQueue[LateAudio] = queue.SimpleQueue()
        self._journal = JournalWriter(spec.folder, spec.call_id, clock=clock)
        self._over = threading.Event()

    def run(self, pipe: Connection) -> None:
        """Capture until told to stop, until both recordings are over, or until the session is gone."""
        if self._muted:
            self._aligner.mute(self._muted, self._clock.monotonic())
        writer = threading.Thread(target=self._write_journal, name="journal", daemon=True)
        watcher = Watcher(self._clock)
        try:
            with contextlib.ExitStack() as stack:
                stack.callback(watcher.close)
                if len(self._files) < len(self._inputs):
                    watcher.start()
                for channel, source in self._inputs.items():
                    self._open(channel, source, watcher)
                    if channel in self._files:
                        stack.callback(source.close)
                writer.start()
                self._tell.tell(Started({c: s.name for c, s in self._inputs.items()}))
                if self._begun is not None:
                    self._tell.tell(Begun(self._begun))
                self._pump(pipe)
            self._flow()
            self._deliver(*self._aligner.finish())
        finally:
            self._over.set()
            if writer.is_alive():
                writer.join()
            with contextlib.suppress(StoreError):  # the status says so
                self._journal.close(end=self._ring.written)
            self._tell.tell(Disk(self._journal.status()))
        self._tell.tell(Ended(self._ring.written))

    def _open(self, channel: Channel, source: AudioInput, watcher: Watcher) -> None:
        ring = self._rings[channel]
        if channel in self._files:
            source.open(ring.write, lambda reason: self._losses.put((channel, reason, -1.0)))
            return
        watcher.keep(
            source,
            ring.write,
            lambda reason, t: self._losses.put((channel, reason, t)),
            lambda t: self._returns.put((channel, t)),
            # the session begins although the caller's side is not there yet; without a microphone it can't
            required=channel is Channel.AGENT and self._spec.position == 0,
        )

    def _pump(self, pipe: Connection) -> None:
        told = self._clock.monotonic()
        while not self._tell.gone:
            try:
                while pipe.poll():
                    if isinstance(command := pipe.recv(), Stop):
                        return
                    self._obey(command)
            except (EOFError, OSError):
                log.warning("the session is gone; the journal is closed")
                return
            self._flow()
            now = self._clock.monotonic()
            if now - told >= SYNC_S:
                told = now
                self._tell.tell(Disk(self._journal.status()))
            if self._files and self._ended >= set(self._inputs):
                return
            self._clock.sleep(PUMP_S)

    def _obey(self, command: Command) -> None:
        position = self._ring.written
        match command:
            case Store(channels):
                self._stored = channels
            case Mute(kind):
                self._muted = kind
                self._aligner.mute(kind, self._clock.monotonic())
            case Erase():
                self._erasures.put(command)
                return
        self._kept.change(position, frozenset() if self._muted else self._stored)
        self._tell.tell(Applied(position, self._stored, self._muted))

    def _flow(self) -> None:
        """Bring what has arrived through the aligner into the ring."""
        lost = [self._losses.get() for _ in range(self._losses.qsize())]
        for channel, reason, t in lost:
            if reason == "moved":  # what came last is of the other source
                self._lose(channel, reason, t)
        for channel, ring in self._rings.items():
            for block in ring.take(erase=self._muted is not None):
                # a return is put before its first block, by the same thread
                while not self._returns.empty():
                    self._return(*self._returns.get())
                self._aligner.push(channel, block)
        for channel, reason, t in lost:
            if reason != "moved":
                self._lose(channel, reason, t)
        now, boot = self._clock.monotonic(), self._clock.boot()
        while True:
            audio, gaps = self._aligner.read(now, boot)
            self._deliver(audio, gaps)
            for late in self._aligner.late():
                self._late.put(late)
            if len(audio) < SAMPLE_RATE:
                return

    def _deliver(self, block: Pcm, gaps: list[GapMark]) -> None:
        base = self._spec.position
        for gap in gaps:
            delivered = min(gap.end, self._ring.written - base)
            if gap.reason == "moved" and gap.start < delivered:
                # of another source, as it turned out
                self._erasures.put(Erase(-1, base + gap.start, base + delivered, frozenset({gap.channel})))
            self._tell.tell(Lost(gap.channel, base + gap.start, base + gap.end, gap.reason))
        if len(block):
            if self._begun is None:
                now = self._clock.monotonic()
                here = self._aligner.call_position(now)
                self._begun = now - (0.0 if here is None else here / SAMPLE_RATE)
                self._tell.tell(Begun(self._begun))
            self._ring.write(block)

    def _lose(self, channel: Channel, reason: str, t: float) -> None:
        if reason == "ended" and channel in self._files:
            t = self._clock.monotonic()
            self._ended.add(channel)
        self._aligner.input_lost(channel, t, reason)
        self._say(channel, _STATES.get(reason, "failed"))

    def _return(self, channel: Channel, t: float) -> None:
        self._aligner.input_back(channel, t)
        self._say(channel, "returned")

    def _say(self, channel: Channel, state: DeviceState) -> None:
        name = self._inputs[channel].name
        self._tell.tell(InputState(channel, state, name, self._ring.written))

    # The journal's thread

    def _write_journal(self) -> None:
        position = self._spec.position
        synced = self._clock.monotonic()
        while True:
            last = self._over.is_set()
            position = self._store(position)
            while not self._late.empty():
                self._patch(self._late.get(), position)
            while not self._erasures.empty():
                self._take_back(self._erasures.get())
            now = self._clock.monotonic()
            if last or now - synced >= SYNC_S:
                self._journal.sync()
                synced = now
                if (again := self._journal.take_rewrite()) is not None:
                    position = self._store(again)
                    if last:
                        self._journal.sync()
            if last:
                return
            self._over.wait(JOURNAL_S)

    def _take_back(self, order: Erase) -> None:
        try:
            self._journal.erase(order.start, order.end, order.channels)
        except StoreError as error:
            self._tell.tell(Erased(order.number, str(error)))
            return
        self._tell.tell(Erased(order.number))

    def _store(self, position: int) -> int:
        """Bring what the ring holds from ``position`` on into the journal; return its new end."""
        while True:
            start, block = self._ring.read(position, READ_MOST)
            if not len(block):
                return start
            for begin, end, sides in self._kept.spans(start, start + len(block)):
                if sides:
                    self._journal.write(begin, block[begin - start : end - start], sides)
            position = start + len(block)

    def _patch(self, late: LateAudio, written: int) -> None:
        """Put late sound where zeros were written for it, as far as that side was stored there."""
        position = self._spec.position + late.position
        end = min(position + len(late.pcm), written)
        for start, until, sides in self._kept.spans(position, end):
            if late.channel in sides:
                self._journal.patch(start, late.pcm[start - position : until - position], late.channel)
