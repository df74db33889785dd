"""The devices of this computer: one back end per platform behind one small interface."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Protocol

from callcoach.devices.device import Device, SoundView, default_device, find_device
from callcoach.errors import DeviceError
from callcoach.events import Channel
from callcoach.sound_ports import AudioInput, Clock

DEFAULT_NAME = "default"
"""Stands for "what is taken when nothing is chosen" wherever a name of a device is expected."""


class Backend(Protocol):
    """What a platform offers."""

    name: str

    def view(self) -> SoundView:
        """Look once; DeviceError when there is no sound system."""
        ...

    def make_input(self, device: Device, channel: Channel, clock: Clock) -> AudioInput:
        """Return the input of a device, not yet open."""
        ...

    def observe(self, on_view: Callable[[SoundView | None], None], stop: threading.Event) -> None:
        """Tell ``on_view`` what is here, at least once a second, until ``stop`` is set; None: nothing."""
        ...


def this_backend() -> Backend:
    """Return the back end of this platform.

    Raises
    ------
    DeviceError
        When there is none for it.
    """
    platform: str = sys.platform
    if platform.startswith("linux"):
        from callcoach.devices.pulse import PulseBackend

        return PulseBackend()
    if platform == "win32":
        from callcoach.devices.windows import WindowsBackend

        return WindowsBackend()
    if platform == "darwin":
        from callcoach.devices.macos import MacBackend

        return MacBackend()
    raise DeviceError(f"Live calls do not run on {platform!r}; recordings can be analysed here.")


def list_devices() -> list[Device]:
    """Return microphones, outputs and programs that play, in this order.

    Raises
    ------
    DeviceError
        When no sound system answers, with what to do.
    """
    return list(this_backend().view().devices)


def open_device(device_id_or_name: str | None, channel: Channel, clock: Clock) -> AudioInput:
    """Return the input of a device by id or printed name, not yet open.

    Without a name (or with ``default``) it is the default of the party: see
    `callcoach.devices.device.default_device`. The input does not notice by itself that the sound
    server gave its stream another device: keep it by a `callcoach.devices.Watcher`.

    Raises
    ------
    DeviceError
        When there is no such device.
    """
    backend = this_backend()
    devices = backend.view().devices
    if device_id_or_name is None or device_id_or_name == DEFAULT_NAME:
        device = default_device(devices, channel)
    else:
        device = find_device(device_id_or_name, devices, channel)
    return backend.make_input(device, channel, clock)
