"""Where the sound of a live call comes from: a device by its name, or a recording that is played at 1x."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from callcoach.capture.inputs import FileInput
from callcoach.capture.process import InputSpec
from callcoach.clock import SAMPLE_RATE
from callcoach.devices import default_device, find_device, list_devices, open_device
from callcoach.events import Channel
from callcoach.ports import Audio
from callcoach.sound_ports import AudioInput, Clock
from callcoach.sources.file import open_recording


def resolve(names: dict[Channel, str | None]) -> dict[Channel, InputSpec]:
    """Return what is recorded for each party.

    A name is that of a file or of a device; None is the default device. A recording with two channels gives
    each party its own: agent 0, caller 1.

    Raises
    ------
    DeviceError
        When a device is not there, or there is no sound system.
    AudioFormatError
        When a recording cannot be used.
    """
    found: dict[Channel, InputSpec] = {}
    for channel, name in names.items():
        if name is not None and Path(name).is_file():
            found[channel] = _recording(Path(name), channel)
    if len(found) < len(names):
        devices = list_devices()
        for channel, name in names.items():
            if channel not in found:
                device = (
                    default_device(devices, channel) if name is None else find_device(name, devices, channel)
                )
                found[channel] = InputSpec("device", device.id)
    return found


def _recording(path: Path, channel: Channel) -> InputSpec:
    with contextlib.closing(open_recording(path)) as source:
        column = list(Channel).index(channel) if source.channels == 2 else 0
    return InputSpec("file", str(path.resolve()), column)


def open_input(spec: InputSpec, channel: Channel, clock: Clock, zero: float, position: int) -> AudioInput:
    """Make the input of one party; a function of the module, so that the capture process can import it."""
    if spec.kind == "device":
        return open_device(spec.name, channel, clock)
    path = Path(spec.name)
    with contextlib.closing(open_recording(path)) as source:
        rate = source.rate
    skip = position * rate // SAMPLE_RATE

    def blocks() -> Iterator[Audio]:
        left = skip
        with contextlib.closing(open_recording(path)) as source:
            for block in source.blocks():
                if left < len(block):
                    yield block[left:]
                left = max(0, left - len(block))

    return FileInput(path.name, blocks, rate, spec.column, clock, start=zero + position / SAMPLE_RATE)
