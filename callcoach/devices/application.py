"""Linux: the sound of one program, recorded by ``parec --monitor-stream``."""

from __future__ import annotations

import fcntl
import logging
import os
import struct
import subprocess
import termios
import threading
from typing import Final

import numpy as np

from callcoach.clock import SAMPLE_RATE
from callcoach.devices.device import Device
from callcoach.devices.portaudio import BLOCK_S, open_lock
from callcoach.devices.pulse import APPLICATION_PREFIX, application_stream, connected
from callcoach.errors import DeviceError
from callcoach.events import Channel
from callcoach.sound_ports import Clock, InputBlock, OnBlock, OnEnd

BYTES_PER_SAMPLE: Final = 2
BLOCK_BYTES: Final = round(SAMPLE_RATE * BLOCK_S) * BYTES_PER_SAMPLE
LATENCY_MS: Final = 20
"""What parec is asked for, ms."""
OFFSET_S: Final = 0.007
"""Added to block times, s, so that one sound gets one time from here and from a PortAudio stream of the
same output: measured on PulseAudio 16, six clicks within 3 ms."""
SMOOTHING: Final = 0.01
"""Share of a block's lateness that moves the line through the block times: 2 s to follow a change."""
JUMP_S: Final = 0.1
"""A block this far off the line, with nothing waiting behind it, follows a pause of the program."""
PATIENCE_S: Final = 1.0
"""Wait for the child to end after it was asked to, s."""

log = logging.getLogger(__name__)


class BlockTimes:
    """Turns arrival times of a byte stream into capture times.

    Arrivals are late by chance and come in bursts after a freeze; the number of samples is exact. A
    line through the arrivals is followed slowly; it jumps only when a block is far off and nothing
    waits behind it, which is so after a pause and never inside a burst.
    """

    def __init__(self) -> None:
        self._next: float | None = None

    def stamp(self, arrival: float, samples: int, waiting: int) -> float:
        """Return the time of the first of ``samples``, with ``waiting`` more samples in the pipe, s."""
        first = arrival - (samples + waiting) / SAMPLE_RATE
        if self._next is None or (waiting < samples and abs(first - self._next) > JUMP_S):
            t = first
        else:
            t = self._next + SMOOTHING * max(-JUMP_S, min(JUMP_S, first - self._next))
        self._next = t + samples / SAMPLE_RATE
        return t


class ApplicationInput:
    """What one program plays. The child ends by itself when the program's stream ends: the call is over."""

    silent_when_idle = True

    def __init__(self, device: Device, channel: Channel, clock: Clock) -> None:
        self.name = device.name
        self.device_id = device.id
        self._application = device.id.removeprefix(APPLICATION_PREFIX)
        self._channel = channel
        self._clock = clock
        self._child: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    def open(self, on_block: OnBlock, on_end: OnEnd) -> None:
        """Begin to record the program; see `AudioInput.open`."""
        self.close()
        with connected("application") as link:
            stream = application_stream(link, self._application)
        if stream is None:
            raise DeviceError(
                f"The program {self.name!r} plays nothing now; begin the call first, or choose an output."
            )
        self._closing = threading.Event()
        command = [
            *("parec", f"--monitor-stream={stream.index}", "--raw", "--format=s16le", "--channels=1"),
            *(f"--rate={SAMPLE_RATE}", f"--latency-msec={LATENCY_MS}", "--client-name=callcoach"),
            f"--property=callcoach.channel={self._channel.value}",
        ]
        with open_lock:
            environment = {**os.environ, "LC_ALL": "C"}
        try:
            # A session of its own: Ctrl-C ends us first, and then the child.
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise DeviceError(
                f"The program {self.name!r} cannot be recorded: 'parec' does not start."
            ) from error
        self._child = child
        self._thread = threading.Thread(
            target=self._read,
            args=(child, stream.index, self._closing, on_block, on_end),
            name=f"application-{self._channel.value}",
            daemon=True,
        )
        self._thread.start()

    def _read(
        self,
        child: subprocess.Popen[bytes],
        index: int,
        closing: threading.Event,
        on_block: OnBlock,
        on_end: OnEnd,
    ) -> None:
        """Deliver blocks until the child ends, then say why it did."""
        assert child.stdout is not None
        pipe = child.stdout.fileno()
        times, kept = BlockTimes(), bytearray()
        while data := os.read(pipe, BLOCK_BYTES - len(kept)):
            now = self._clock.monotonic() + OFFSET_S
            kept += data
            if len(kept) < BLOCK_BYTES:
                continue
            samples = np.frombuffer(bytes(kept), "<i2").astype(np.int16, copy=False)
            kept.clear()
            t = times.stamp(now, len(samples), _waiting(pipe) // BYTES_PER_SAMPLE)
            if not closing.is_set():
                on_block(InputBlock(t, samples))
        if not closing.is_set():
            on_end(self._why_ended(child, index))

    def _why_ended(self, child: subprocess.Popen[bytes], index: int) -> str:
        """Return ``ended`` when the program's stream is gone, ``moved`` when it plays elsewhere now."""
        assert child.stderr is not None
        killed = b"killed" in child.stderr.read()
        try:
            with connected("application") as link:
                still = any(stream.index == index for stream in link.sink_input_list())
        except DeviceError:
            return "lost"
        if still:
            return "moved" if killed else "failed"
        return "ended"

    def close(self) -> None:
        """End the child and the reading thread; no block comes after the return."""
        self._closing.set()
        child, self._child = self._child, None
        thread, self._thread = self._thread, None
        if child is None:
            return
        child.terminate()
        try:
            child.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()

    @property
    def active(self) -> bool:
        """Whether it is read; until the reason of the end was told."""
        return self._thread is not None and self._thread.is_alive()


def _waiting(pipe: int) -> int:
    """Return how many bytes can be read at once."""
    answer: bytes = fcntl.ioctl(pipe, termios.FIONREAD, b"\0\0\0\0")
    return int(struct.unpack("i", answer)[0])
