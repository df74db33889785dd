"""A device by name: ``callcoach devices`` prints what ``--agent-source`` and ``--caller-source`` take."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from callcoach.errors import DeviceError
from callcoach.events import Channel

DeviceKind = Literal["microphone", "output", "application"]

USUAL_KINDS: Final[Mapping[Channel, tuple[DeviceKind, ...]]] = {
    Channel.AGENT: ("microphone", "application", "output"),
    Channel.CALLER: ("application", "output", "microphone"),
}
"""Where a party is looked for first: a headset's microphone and output often have one name."""


@dataclass(frozen=True, slots=True)
class Device:
    """Something that can be recorded: a microphone, what an output plays, or what one program plays.

    ``id`` stays the same when the device is pulled and plugged in again; ``name`` is for people and
    unique within its kind. ``default`` marks what is taken when nothing is chosen.
    """

    id: str
    name: str
    kind: DeviceKind
    default: bool
    backend: str


@dataclass(frozen=True, slots=True)
class SoundView:
    """What a sound server says at one moment.

    ``routes`` has the id of the recorded device by tag of the record stream; the id is "" for a device
    that vanished meanwhile.
    """

    devices: tuple[Device, ...]
    routes: Mapping[str, str] = field(default_factory=dict)

    def has(self, device_id: str) -> bool:
        """Tell whether the device is here now."""
        return any(device.id == device_id for device in self.devices)


def unique_names(devices: Iterable[Device]) -> tuple[Device, ...]:
    """Return the devices, those that share kind and name with their id behind the name."""
    found = tuple(devices)
    seen = [(device.kind, device.name) for device in found]
    return tuple(
        replace(device, name=f"{device.name} ({device.id})") if seen.count(key) > 1 else device
        for device, key in zip(found, seen, strict=True)
    )


def find_device(name: str, devices: Sequence[Device], channel: Channel | None = None) -> Device:
    """Return the device with this id or printed name.

    Asked in this order: the id, the whole name, the beginning or a part of exactly one name; upper
    and lower case alike for names. ``channel`` decides where a microphone and an output share a name.

    Raises
    ------
    DeviceError
        When none fits or several do; the sentence names what was probably meant.
    """
    for device in devices:
        if device.id == name:
            return device
    order = USUAL_KINDS[channel or Channel.AGENT]
    ranked = sorted(devices, key=lambda device: order.index(device.kind))
    wanted = name.casefold().strip()
    for device in ranked:
        if device.name.casefold() == wanted:
            return device
    parts = [device for device in ranked if wanted and wanted in device.name.casefold()]
    if channel is not None and len({device.kind for device in parts}) > 1:
        parts = [device for device in parts if device.kind == parts[0].kind]
    if len(parts) == 1:
        return parts[0]
    if parts:
        listed = ", ".join(repr(device.name) for device in parts)
        raise DeviceError(f"The source {name!r} fits several devices: {listed}; give the whole name.")
    by_name = {device.name.casefold(): device.name for device in ranked}
    by_name |= {device.id.casefold(): device.id for device in ranked}
    near = difflib.get_close_matches(wanted, by_name, n=1, cutoff=0.5)
    hint = f" Did you mean {by_name[near[0]]!r}?" if near else ""
    raise DeviceError(f"There is no sound source {name!r}; 'callcoach devices' lists them.{hint}")


def default_device(devices: Sequence[Device], channel: Channel) -> Device:
    """Return what is recorded for a party when nothing is chosen.

    The agent: the default microphone. The caller: a phone program that plays now, else what the
    default output plays.

    Raises
    ------
    DeviceError
        When this computer has none.
    """
    kinds: tuple[DeviceKind, ...] = ("microphone",) if channel is Channel.AGENT else ("application", "output")
    for kind in kinds:
        for device in devices:
            if device.kind == kind and device.default:
                return device
    what, option = (
        ("microphone", "--agent-source") if channel is Channel.AGENT else ("output", "--caller-source")
    )
    raise DeviceError(
        f"This computer has no {what} that the sound server knows: plug one in, "
        f"or choose a source from 'callcoach devices' with {option}."
    )
