"""macOS 14.2 or newer: the microphone through Core Audio, the caller by a process tap. NOT RUN HERE.

Written from the documentation of sounddevice and catap; the project has no Mac. The program that hosts
callcoach needs the permission to record system audio. Without it the tap delivers exact zeros and no
error: the live session warns about a silent caller, and that warning names the permission.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

import numpy as np

from callcoach.devices.device import Device, SoundView, unique_names
from callcoach.devices.portaudio import PortAudioInput, load_sounddevice, refresh_portaudio
from callcoach.devices.softphones import is_softphone
from callcoach.devices.to_call_rate import ToCallRate
from callcoach.errors import DeviceError
from callcoach.events import Channel
from callcoach.sound_ports import AudioInput, Clock, OnBlock, OnEnd

BACKEND: Final = "coreaudio"
APPLICATION_PREFIX: Final = "application:"
SYSTEM_ID: Final = "system"
SYSTEM_NAME: Final = "everything this Mac plays"


def load_catap() -> ModuleType:
    """Import catap; DeviceError when it is missing or macOS is too old."""
    try:
        import catap
    except (ImportError, OSError) as error:
        raise DeviceError(
            "What this Mac plays is recorded by the Python package catap on macOS 14.2 or newer; "
            "get it with 'pip install catap'."
        ) from error
    module: ModuleType = catap
    return module


class TapInput:
    """What one program, or the whole computer, plays."""

    def __init__(self, device: Device, clock: Clock) -> None:
        self.name = device.name
        self._device = device
        self._clock = clock
        self._session: Any = None
        self._converter: ToCallRate | None = None

    def open(self, on_block: OnBlock, on_end: OnEnd) -> None:
        """Begin; see `AudioInput.open`. Loss is seen by ``active``, not told to ``on_end``."""
        self.close()
        module, clock = load_catap(), self._clock
        self._converter = None

        def take(buffer: Any) -> None:
            kind = buffer.format
            if self._converter is None:
                self._converter = ToCallRate(round(kind.sample_rate), kind.num_channels)
            if kind.is_float:
                samples = np.frombuffer(buffer.data, f"<f{kind.bytes_per_sample}").astype(np.float32)
            else:
                whole = np.frombuffer(buffer.data, f"<i{kind.bytes_per_sample}")
                samples = (whole / 2.0 ** (kind.bits_per_sample - 1)).astype(np.float32)
            block = self._converter.feed(clock.monotonic() - buffer.duration_seconds, samples)
            if block is not None:
                on_block(block)

        try:
            if self._device.kind == "application":
                wanted = self._device.id.removeprefix(APPLICATION_PREFIX)
                self._session = module.record_process(wanted, on_buffer=take)
            else:
                self._session = module.record_system_audio(on_buffer=take)
            self._session.start()
        except (OSError, LookupError, ValueError, RuntimeError) as error:
            self.close()
            raise DeviceError(
                f"The source {self.name!r} cannot be recorded; allow system audio recording for this program "
                "in System Settings, Privacy & Security."
            ) from error

    def close(self) -> None:
        """End; may be called more than once."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    @property
    def active(self) -> bool:
        """Whether the tap runs."""
        return self._session is not None and bool(self._session.is_recording)


class MacBackend:
    """Microphones of Core Audio, the computer's whole sound, and programs that play."""

    name = BACKEND

    def view(self) -> SoundView:
        """List microphones, the whole sound, then programs."""
        library = load_sounddevice()
        refresh_portaudio()
        usual = library.default.device[0]
        microphones = [
            Device(facts["name"], facts["name"], "microphone", number == usual, BACKEND)
            for number, facts in enumerate(library.query_devices())
            if facts["max_input_channels"] > 0
        ]
        playing = [process for process in load_catap().list_audio_processes() if process.is_outputting]
        phone = next((p.name for p in playing if is_softphone(p.name, p.bundle_id or "", "")), None)
        programs = [
            Device(APPLICATION_PREFIX + name, name, "application", name == phone, BACKEND)
            for name in dict.fromkeys(process.name for process in playing)
        ]
        system = Device(SYSTEM_ID, SYSTEM_NAME, "output", True, BACKEND)
        return SoundView(unique_names((*microphones, system, *programs)))

    def make_input(self, device: Device, channel: Channel, clock: Clock) -> AudioInput:
        """Return the input of a device, not yet open."""
        if device.kind == "microphone":
            return PortAudioInput(device.name, device.id, clock)
        return TapInput(device, clock)

    def observe(self, on_view: Callable[[SoundView | None], None], stop: threading.Event) -> None:
        """Look at the list once; PortAudio does not read it again while a stream is open."""
        on_view(self.view())
        stop.wait()
