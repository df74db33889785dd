"""Sound devices by platform: names, hot-plug, routing; their libraries are imported where they are used."""

from __future__ import annotations

from callcoach.devices.backends import (
    list_devices,
    open_device,
)
from callcoach.devices.device import Device, DeviceKind, SoundView, default_device, find_device
from callcoach.devices.watch import Watcher, WatchTimes

__all__ = [
    "Device",
    "DeviceKind",
    "SoundView",
    "WatchTimes",
    "Watcher",
    "default_device",
    "find_device",
    "list_devices",
    "open_device",
]
