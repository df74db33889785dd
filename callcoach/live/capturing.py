"""The capture process as the session sees it: started, spoken to, and started again when it dies."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Final

from callcoach.capture.process import (
    CaptureSpec,
    Command,
    Ended,
    Message,
    Mute,
    OpenInput,
    Stop,
    Store,
    run_capture,
)
from callcoach.capture.ring import SharedRing
from callcoach.clock import SAMPLE_RATE
from callcoach.errors import DeviceError
from callcoach.sound_ports import Clock, Pcm

log = logging.getLogger(__name__)

STOP_S: Final = 8.0
"""Longest wait for a capture process that was told to end: a disk may stall for 5 s (DUR-5)."""
RESTARTS: Final = 20
"""Times that a dead capture process is replaced in one call; more means that something else is wrong."""


class Capturing:
    """Keeps one capture process alive.

    Parameters
    ----------
    spec : what is captured; ``position`` 0.
    ring : made by the session; it outlives every capture process of the call.
    open_input : makes an input inside the process.
    clock : of the session.
    """

    def __init__(self, spec: CaptureSpec, ring: SharedRing, open_input: OpenInput, clock: Clock) -> None:
        self._spec = spec
        self._ring = ring
        self._open_input = open_input
        self._clock = clock
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self.begun: float | None = None
        """Monotonic time of position 0, once known."""
        self.ended: Ended | None = None
        """The last word of the process; None while it runs or when it died."""
        self.stopping = False
        self.deaths = 0

    @property
    def pid(self) -> int | None:
        """Process id, None while there is none."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process; its messages tell how that went."""
        context = multiprocessing.get_context("spawn")
        mine, its = context.Pipe()
        self._process = context.Process(
            target=run_capture, args=(self._spec, its, self._open_input), name="callcoach-capture"
        )
        self._process.start()
        its.close()
        self._pipe = mine

    def send(self, command: Command) -> None:
        """Tell the process; what it is told now holds for one that replaces it as well."""
        match command:
            case Store(channels):
                self._spec = replace(self._spec, stored=channels)
            case Mute(kind):
                self._spec = replace(self._spec, muted=kind)
            case Stop():
                self.stopping = True
        if self._pipe is not None:
            with suppress(OSError, ValueError):
                self._pipe.send(command)

    def messages(self) -> list[Message]:
        """Return what the process has said since the last call."""
        found: list[Message] = []
        pipe = self._pipe
        if pipe is None:
            return found
        try:
            while pipe.poll():
                message = pipe.recv()
                if isinstance(message, Ended):
                    self.ended = message
                found.append(message)
        except (EOFError, OSError):
            self._close()
        return found

    @property
    def dead(self) -> bool:
        """Whether the process is gone without having said so."""
        return self.ended is None and (self._process is None or not self._process.is_alive())

    def replace(self, fill: Callable[[int], None]) -> tuple[int, int]:
        """Start another process in place of a dead one; return the stretch that nobody captured.

        ``fill`` is called with the position up to which the ring has to be filled with zeros.

        Raises
        ------
        DeviceError
            When it has died too often.
        """
        self._close()
        self.deaths += 1
        if self.deaths > RESTARTS:
            raise DeviceError("The capture process died again and again; run 'callcoach doctor'.")
        start = self._ring.written
        end = start
        if self.begun is not None:
            now = round((self._clock.monotonic() + 0.3 - self.begun) * SAMPLE_RATE)
            end = max(start, now)
            fill(end)
            self._spec = replace(self._spec, begun=self.begun, position=end)
        log.warning("the capture process died and is started again")
        self.start()
        return start, end

    def close(self) -> bool:
        """End the process and wait; tell whether it ended in order."""
        process = self._process
        if process is not None:
            process.join(STOP_S)
            if process.is_alive():
                process.kill()
                process.join()
        self.messages()
        self._close()
        return self.ended is not None

    def _close(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._process is not None:
            if self._process.is_alive():
                self._process.kill()
            self._process.join()
            self._process = None


def silence(ring: SharedRing, until: int) -> None:
    """Fill the ring with zeros up to a position; only while no capture process writes."""
    import numpy as np

    while (left := until - ring.written) > 0:
        block: Pcm = np.zeros((min(left, SAMPLE_RATE), 2), np.int16)
        ring.write(block)
