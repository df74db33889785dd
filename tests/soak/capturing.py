"""The capture process inside this one, step by step on a fake clock; devices are fakes.

Ring, aligner, journal and messages are those of the product, and so is the pump itself; only the process, the
pipe and the thread of the journal are missing, so that time can be as fast as the machine.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Mapping

import numpy as np

from callcoach.capture.process import (
    JOURNAL_S,
    SYNC_S,
    Capture,
    CaptureSpec,
    Command,
    Disk,
    Ended,
    Message,
    Started,
    Stop,
)
from callcoach.capture.ring import SharedRing
from callcoach.events import Channel
from callcoach.sound_ports import InputBlock, OnBlock, OnEnd, Pcm
from tests.support.fake_inputs import FakeClock, FakeInput


class HeardInput(FakeInput):
    """A fake device that remembers what it has delivered: in a file, so that this takes no memory."""

    first_opened: float | None = None
    """Fake seconds of its first opening."""

    def open(self, on_block: OnBlock, on_end: OnEnd) -> None:
        if self.first_opened is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the device
            self.times, self.ends = array("d"), array("q")

        def heard(block: InputBlock) -> None:
            self._file.write(block.pcm.tobytes())
            self.times.append(block.t)
            self.ends.append((self.ends[-1] if self.ends else 0) + len(block.pcm))
            on_block(block)

        super().open(heard, on_end)
        if self.first_opened is None:
            self.first_opened = self._opened

    def delivered(self) -> Pcm:
        """Return everything that was handed over, in order, and forget it."""
        self._file.seek(0)
        pcm = np.frombuffer(self._file.read(), np.int16)
        self._file.close()
        return pcm

    def forget(self) -> None:
        """Give the file back."""
        self._file.close()


class _Mailbox:
    """What the capture says, for the session."""

    gone = False

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def tell(self, message: Message) -> None:
        self.messages.append(message)


class CapturingHere:
    """Stands in for ``callcoach.live.capturing.Capturing``."""

    pid = None
    dead = False

    def __init__(
        self, spec: CaptureSpec, ring: SharedRing, clock: FakeClock, inputs: Mapping[Channel, HeardInput]
    ) -> None:
        self._spec, self._ring, self._clock, self._inputs = spec, ring, clock, inputs
        self._box = _Mailbox()
        self.begun: float | None = None
        self.ended: Ended | None = None
        self.stopping = False
        self._stored = 0
        self._journal_at = self._synced_at = self._disk_at = 0.0

    def start(self) -> None:
        """Open both inputs."""
        self._capture = Capture(
            self._spec,
            self._ring,
            self._clock,
            self._box,  # type: ignore[arg-type]
            lambda _spec, channel, *_: self._inputs[channel],
        )
        for channel in self._inputs:
            self._open(channel)
        self._box.tell(Started({c: s.name for c, s in self._inputs.items()}))

    def send(self, command: Command) -> None:
        """Obey at once."""
        if isinstance(command, Stop):
            self.stopping = True
        else:
            self._capture._obey(command)

    def messages(self) -> list[Message]:
        """Do what is due and return what was said since the last call."""
        if self.ended is None:
            self._step()
        said, self._box.messages = self._box.messages, []
        for message in said:
            if isinstance(message, Ended):
                self.ended = message
        return said

    def close(self) -> bool:
        """End; tell whether that was in order."""
        for source in self._inputs.values():
            source.close()
        return self.ended is not None

    def _open(self, channel: Channel) -> None:
        capture = self._capture
        self._inputs[channel].open(
            capture._rings[channel].write,
            lambda reason: capture._losses.put((channel, reason, self._clock.monotonic())),
        )

    def _step(self) -> None:
        capture, now = self._capture, self._clock.monotonic()
        capture._flow()
        for channel, source in self._inputs.items():
            if not source.active and source.available:
                capture._returns.put((channel, now))
                self._open(channel)
        if self.stopping:
            self.close()
            capture._flow()
            capture._deliver(*capture._aligner.finish())
            self._write_journal(last=True)
            capture._journal.close(end=self._ring.written)
            self._box.tell(Disk(capture._journal.status()))
            self._box.tell(Ended(self._ring.written))
            return
        if now - self._journal_at >= JOURNAL_S:
            self._journal_at = now
            self._write_journal(last=False)
        if now - self._disk_at >= SYNC_S:
            self._disk_at = now
            self._box.tell(Disk(capture._journal.status()))

    def _write_journal(self, *, last: bool) -> None:
        """Do one round of the journal's thread."""
        capture, now = self._capture, self._clock.monotonic()
        self._stored = capture._store(self._stored)
        while not capture._late.empty():
            capture._patch(capture._late.get(), self._stored)
        while not capture._erasures.empty():
            capture._take_back(capture._erasures.get())
        if last or now - self._synced_at >= SYNC_S:
            self._synced_at = now
            capture._journal.sync()
            if (again := capture._journal.take_rewrite()) is not None:
                self._stored = capture._store(again)
