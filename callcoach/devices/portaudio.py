"""One input stream of PortAudio: what Linux, Windows and macOS share."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from callcoach.clock import SAMPLE_RATE
from callcoach.errors import DeviceError
from callcoach.sound_ports import Clock, InputBlock, OnBlock, OnEnd

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK_S: Final = 0.02
"""Length of a block, s: 20 ms."""
LATENCY_S: Final = 0.04
"""What PortAudio is asked for, s. Measured on PulseAudio with 0.1: 23 ms from writing to our callback."""
FURTHEST_BACK_S: Final = 30.0
"""An older or a future time stamp is not believed; the time of the callback counts then."""
LATEST_TURN_S: Final = 2.0
"""How long a callback may wait for its turn, s; more means another clock, or one that was set."""
LIBRARY_COMMAND: Final = "apt-get install -y --no-install-recommends libportaudio2 libasound2-plugins"

log = logging.getLogger(__name__)
open_lock = threading.RLock()
"""Held while a stream opens or a child starts: PULSE_* variables belong to the whole process."""
_open_streams: set[int] = set()


def load_sounddevice() -> ModuleType:
    """Import sounddevice.

    Raises
    ------
    DeviceError
        When it or PortAudio is missing, with the command that gets it.
    """
    try:
        import sounddevice
    except ImportError as error:
        raise DeviceError(
            "The Python package sounddevice is missing; get it with 'pip install sounddevice'."
        ) from error
    except OSError as error:
        raise DeviceError(f"PortAudio is missing; get it with '{LIBRARY_COMMAND}'.") from error
    module: ModuleType = sounddevice
    return module


def refresh_portaudio() -> bool:
    """Let PortAudio look for devices again; it does so only at its start, and not while a stream is open.

    Returns whether it did.
    """
    library = load_sounddevice()
    with open_lock:
        if _open_streams:
            return False
        library._terminate()
        library._initialize()
    return True


class PortAudioInput:
    """An `AudioInput` of PortAudio, int16 mono 16 kHz in blocks of 20 ms.

    Parameters
    ----------
    name
        For people.
    device
        Name or number of the device for PortAudio.
    clock
        Stamps the blocks.
    extra_settings
        Made when the stream opens, such as ``sounddevice.WasapiSettings``.
    silent_when_idle
        Whether the system delivers nothing while nothing plays, so that a pause is no fault.
    """

    def __init__(
        self,
        name: str,
        device: str | int | None,
        clock: Clock,
        *,
        extra_settings: Callable[[ModuleType], object] | None = None,
        silent_when_idle: bool = False,
    ) -> None:
        self.name = name
        self.silent_when_idle = silent_when_idle
        self.overflows = 0
        """How often the library reported lost input; shown, not trusted."""
        self._device = device
        self._clock = clock
        self._extra = extra_settings
        self._stream: Any = None
        self._closing = False

    def open(self, on_block: OnBlock, on_end: OnEnd) -> None:
        """Open the device and begin; see `AudioInput.open`."""
        self.close()
        library = load_sounddevice()
        self._closing = False
        # sounddevice answers a name that PortAudio does not know with ValueError.
        trouble = (library.PortAudioError, ValueError)
        with open_lock:
            try:
                self._start(library, on_block, on_end)
            except trouble as first:
                # PortAudio knows only the devices of its start: a sound server may have come later.
                if not refresh_portaudio():
                    raise self._refused() from first
                try:
                    self._start(library, on_block, on_end)
                except trouble as error:
                    raise self._refused() from error

    def _refused(self) -> DeviceError:
        return DeviceError(
            f"The source {self.name!r} cannot be opened; see whether 'callcoach devices' still lists it."
        )

    @contextmanager
    def _chosen(self) -> Iterator[None]:
        """Stand around opening; a child chooses its source here."""
        yield

    def _start(self, library: ModuleType, on_block: OnBlock, on_end: OnEnd) -> None:
        clock = self._clock

        def callback(data: NDArray[np.int16], frames: int, times: Any, status: Any) -> None:
            now, wall = clock.monotonic(), clock.wall().timestamp()
            # On Linux the library's now is wall-clock time from before this callback had its turn.
            if 0.0 < wall - times.currentTime < LATEST_TURN_S:
                now -= wall - times.currentTime
            back = times.inputBufferAdcTime - times.currentTime
            if not -FURTHEST_BACK_S < back <= 0.0:
                back = -frames / SAMPLE_RATE
            overflow = bool(status.input_overflow)
            if overflow:
                self.overflows += 1
            on_block(InputBlock(now + back, data[:, 0].copy(), overflow))

        def finished() -> None:
            if not self._closing:
                on_end("lost")

        with self._chosen():
            stream = library.InputStream(
                samplerate=SAMPLE_RATE,
                channels=1,
                dtype="int16",
                device=self._device,
                latency=LATENCY_S,
                blocksize=round(SAMPLE_RATE * BLOCK_S),
                extra_settings=self._extra(library) if self._extra else None,
                callback=callback,
                finished_callback=finished,
            )
            try:
                stream.start()
            except library.PortAudioError:
                stream.close(ignore_errors=True)
                raise
        self._stream = stream
        _open_streams.add(id(self))

    def close(self) -> None:
        """End the stream; no block comes after the return."""
        self._closing = True
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort(ignore_errors=True)
            stream.close(ignore_errors=True)
            _open_streams.discard(id(self))

    @property
    def active(self) -> bool:
        """Whether the stream runs; it says nothing about whether blocks come."""
        return self._stream is not None and bool(self._stream.active)
