"""Windows: the microphone through WASAPI, the caller by loopback of an output. NOT RUN HERE.

Written from the documentation of sounddevice and PyAudioWPatch; the project has no Windows machine. The
PortAudio that comes with sounddevice cannot record an output; the one in PyAudioWPatch can. Loopback
delivers nothing at all while nothing plays: such a pause is no fault, and the gap is filled by the clock.
A single program cannot be recorded. A device that was pulled is noticed when its stream ends or stops
delivering, and tried again every two seconds at the latest.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

import numpy as np

from callcoach.devices.device import Device, SoundView, unique_names
from callcoach.devices.portaudio import BLOCK_S, PortAudioInput, load_sounddevice, refresh_portaudio
from callcoach.devices.to_call_rate import FULL_SCALE, ToCallRate
from callcoach.errors import DeviceError
from callcoach.events import Channel
from callcoach.sound_ports import AudioInput, Clock, OnBlock, OnEnd

BACKEND: Final = "wasapi"
HOST_API: Final = "Windows WASAPI"
LOOPBACK_PREFIX: Final = "loopback:"


def load_loopback() -> ModuleType:
    """Import PyAudioWPatch; DeviceError when it is missing."""
    try:
        import pyaudiowpatch
    except (ImportError, OSError) as error:
        raise DeviceError(
            "The Python package PyAudioWPatch is missing; get it with 'pip install PyAudioWPatch'."
        ) from error
    module: ModuleType = pyaudiowpatch
    return module


class LoopbackInput:
    """What an output plays."""

    silent_when_idle = True

    def __init__(self, device: Device, clock: Clock) -> None:
        self.name = device.name
        self._wanted = device.id.removeprefix(LOOPBACK_PREFIX)
        self._clock = clock
        self._library: Any = None
        self._stream: Any = None

    def open(self, on_block: OnBlock, on_end: OnEnd) -> None:
        """Begin; see `AudioInput.open`. Loss is seen by ``active``, not told to ``on_end``."""
        self.close()
        module = load_loopback()
        self._library = module.PyAudio()
        facts = next(
            (
                found
                for found in self._library.get_loopback_device_info_generator()
                if found["name"] == self._wanted
            ),
            None,
        )
        if facts is None:
            self.close()
            raise DeviceError(f"The output {self.name!r} is not here now; 'callcoach devices' lists what is.")
        rate, channels = int(facts["defaultSampleRate"]), int(facts["maxInputChannels"])
        converter, clock = ToCallRate(rate, channels), self._clock

        def callback(data: bytes, frames: int, times: dict[str, float], _status: int) -> tuple[None, int]:
            back = times["input_buffer_adc_time"] - times["current_time"]
            if not -1.0 < back <= 0.0:
                back = -frames / rate
            samples = np.frombuffer(data, "<i2").astype(np.float32) / np.float32(FULL_SCALE)
            block = converter.feed(clock.monotonic() + back, samples)
            if block is not None:
                on_block(block)
            return None, module.paContinue

        try:
            self._stream = self._library.open(
                format=module.paInt16,
                channels=channels,
                rate=rate,
                frames_per_buffer=round(rate * BLOCK_S),
                input=True,
                input_device_index=facts["index"],
                stream_callback=callback,
            )
        except OSError as error:
            self.close()
            raise DeviceError(
                f"The output {self.name!r} cannot be recorded; see whether another program holds it alone."
            ) from error

    def close(self) -> None:
        """End; may be called more than once."""
        stream, self._stream = self._stream, None
        library, self._library = self._library, None
        if stream is not None:
            stream.close()
        if library is not None:
            library.terminate()

    @property
    def active(self) -> bool:
        """Whether the stream runs."""
        return self._stream is not None and bool(self._stream.is_active())


class WindowsBackend:
    """Microphones of WASAPI and the loopbacks of its outputs."""

    name = BACKEND

    def view(self) -> SoundView:
        """List microphones, then outputs."""
        library = load_sounddevice()
        refresh_portaudio()
        microphones = []
        for api in library.query_hostapis():
            if api["name"] == HOST_API:
                for number in api["devices"]:
                    facts = library.query_devices(number)
                    if facts["max_input_channels"] > 0:
                        default = number == api["default_input_device"]
                        microphones.append(
                            Device(facts["name"], facts["name"], "microphone", default, BACKEND)
                        )
        module = load_loopback()
        loopback = module.PyAudio()
        try:
            try:
                usual = loopback.get_default_wasapi_loopback()["name"]
            except OSError:
                usual = None
            outputs = [
                Device(
                    LOOPBACK_PREFIX + facts["name"],
                    facts["name"].removesuffix(" [Loopback]"),
                    "output",
                    facts["name"] == usual,
                    BACKEND,
                )
                for facts in loopback.get_loopback_device_info_generator()
            ]
        finally:
            loopback.terminate()
        return SoundView(unique_names((*microphones, *outputs)))

    def make_input(self, device: Device, channel: Channel, clock: Clock) -> AudioInput:
        """Return the input of a device, not yet open."""
        if device.kind == "output":
            return LoopbackInput(device, clock)
        return PortAudioInput(
            device.name,
            f"{device.id}, {HOST_API}",
            clock,
            extra_settings=lambda library: library.WasapiSettings(auto_convert=True),
        )

    def observe(self, on_view: Callable[[SoundView | None], None], stop: threading.Event) -> None:
        """Look at the list once; PortAudio does not read it again while a stream is open."""
        on_view(self.view())
        stop.wait()
