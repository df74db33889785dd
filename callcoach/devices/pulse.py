"""Linux: PulseAudio, and PipeWire through its PulseAudio server."""

from __future__ import annotations

import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from callcoach.devices.device import Device, SoundView, unique_names
from callcoach.devices.portaudio import PortAudioInput
from callcoach.devices.softphones import PHONE_ROLE, is_softphone
from callcoach.errors import DeviceError
from callcoach.events import Channel
from callcoach.sound_ports import AudioInput, Clock

BACKEND: Final = "pulse"
APPLICATION_PREFIX: Final = "application:"
TAG_PROPERTY: Final = "callcoach.stream"
"""Property of our record streams, by which they are found again in the server."""
NO_INDEX: Final = 0xFFFF_FFFF
POLL_S: Final = 0.5
"""Longest time between two looks at the routing, s; the requirement is once a second."""
STOP_S: Final = 0.2
"""Longest time until a look-out notices that it shall end, s."""
START_COMMAND: Final = "systemctl --user start pipewire-pulse, or pulseaudio --start"


@dataclass(frozen=True, slots=True)
class PlayingStream:
    """One stream that a program plays: its number in the server and what it says of itself."""

    index: int
    application: str
    binary: str
    role: str
    corked: bool

    @property
    def phone(self) -> bool:
        """Whether it belongs to a phone program."""
        return is_softphone(self.application, self.binary, self.role)


@contextmanager
def connected(purpose: str = "devices") -> Iterator[Any]:
    """Give a connection to the sound server.

    Raises
    ------
    DeviceError
        When libpulse is missing or no server answers.
    """
    try:
        import pulsectl
    except ImportError as error:
        raise DeviceError(
            "The Python package pulsectl is missing; get it with 'pip install pulsectl'."
        ) from error
    except OSError as error:
        raise DeviceError(
            "The library of PulseAudio is missing; get it with "
            "'apt-get install -y --no-install-recommends libpulse0 pulseaudio-utils'."
        ) from error
    link = pulsectl.Pulse(f"callcoach-{purpose}", connect=False)
    try:
        try:
            # Without its timeout, which pulsectl always waits out; libpulse gives up after 30 s.
            link.connect(autospawn=False)
            yield link
        except (pulsectl.PulseError, pulsectl.PulseDisconnected) as error:
            raise DeviceError(
                f"No sound server answers; start it ({START_COMMAND}), "
                "or get one with 'apt-get install -y --no-install-recommends pulseaudio'."
            ) from error
    finally:
        link.close()


def read_view(link: Any) -> SoundView:
    """Ask the server for its devices and for where our record streams are."""
    sources = link.source_list()
    names = {source.index: source.name for source in sources}
    routes: dict[str, str] = {}
    for stream in link.source_output_list():
        if tag := stream.proplist.get(TAG_PROPERTY):
            routes[tag] = names.get(stream.source, "")
    server = link.server_info()
    sinks = {sink.name: sink.description for sink in link.sink_list()}
    microphones, outputs = [], []
    for source in sources:
        if source.monitor_of_sink == NO_INDEX:
            default = source.name == server.default_source_name
            microphones.append(Device(source.name, source.description, "microphone", default, BACKEND))
        elif (sink := source.monitor_of_sink_name) in sinks:
            default = sink == server.default_sink_name
            outputs.append(Device(source.name, sinks[sink], "output", default, BACKEND))
    applications = _applications(_playing(link))
    return SoundView(unique_names((*microphones, *outputs, *applications)), routes)


def _playing(link: Any) -> list[PlayingStream]:
    """Return what other programs play."""
    streams = []
    for stream in link.sink_input_list():
        about = stream.proplist
        process = about.get("application.process.id", "")
        application = about.get("application.name") or about.get("application.process.binary") or ""
        if stream.client == NO_INDEX or not application or process == str(os.getpid()):
            continue
        streams.append(
            PlayingStream(
                index=stream.index,
                application=application,
                binary=about.get("application.process.binary", ""),
                role=about.get("media.role", ""),
                corked=stream.corked,
            )
        )
    return streams


def _applications(streams: list[PlayingStream]) -> list[Device]:
    """Return one device per program; the default is a phone program that plays now."""
    default = next((s.application for s in streams if s.phone and not s.corked), None)
    return [
        Device(APPLICATION_PREFIX + name, name, "application", name == default, BACKEND)
        for name in dict.fromkeys(stream.application for stream in streams)
    ]


def application_stream(link: Any, application: str) -> PlayingStream | None:
    """Return the stream of a program that most probably is the call, or None when it plays nothing.

    A stream that calls itself a phone call comes first, then one that is not paused, then the newest.
    """
    streams = [stream for stream in _playing(link) if stream.application == application]
    return max(
        streams,
        key=lambda stream: (stream.role.casefold() == PHONE_ROLE, not stream.corked, stream.index),
        default=None,
    )


class PulseInput(PortAudioInput):
    """A microphone, or what an output plays, recorded through PortAudio.

    PortAudio sees one device ``pulse``. Which source it records is said by the environment at the
    moment of opening; a tag in the stream's properties lets the routing be looked up later.
    """

    def __init__(self, device: Device, channel: Channel, clock: Clock) -> None:
        super().__init__(device.name, "pulse", clock)
        self.device_id = device.id
        self.tag = ""
        self._channel = channel

    @contextmanager
    def _chosen(self) -> Iterator[None]:
        self.tag = uuid.uuid4().hex
        os.environ["PULSE_SOURCE"] = self.device_id
        os.environ["PULSE_PROP"] = (
            f"{TAG_PROPERTY}={self.tag} callcoach.channel={self._channel.value} media.role=production "
            "application.name=callcoach"
        )
        try:
            yield
        finally:
            os.environ.pop("PULSE_SOURCE", None)
            os.environ.pop("PULSE_PROP", None)


class PulseBackend:
    """Devices of a PulseAudio or PipeWire server."""

    name = BACKEND

    def view(self) -> SoundView:
        """Ask the server once; DeviceError when none answers."""
        with connected() as link:
            return read_view(link)

    def make_input(self, device: Device, channel: Channel, clock: Clock) -> AudioInput:
        """Return the input of a device, not yet open."""
        if device.kind == "application":
            if shutil.which("parec") is None:
                raise DeviceError(
                    "One program alone is recorded with 'parec'; get it with "
                    "'apt-get install -y --no-install-recommends pulseaudio-utils', or choose an output."
                )
            from callcoach.devices.application import ApplicationInput

            return ApplicationInput(device, channel, clock)
        return PulseInput(device, channel, clock)

    def observe(self, on_view: Callable[[SoundView | None], None], stop: threading.Event) -> None:
        """Tell ``on_view`` what is here after every change, at least every 0.5 s; None: no server.

        Returns when ``stop`` is set, at most 0.2 s later.
        """
        while not stop.is_set():
            try:
                with connected("guard") as link:
                    _observe(link, on_view, stop)
            except DeviceError:
                on_view(None)
                stop.wait(STOP_S)


def _observe(link: Any, on_view: Callable[[SoundView | None], None], stop: threading.Event) -> None:
    import pulsectl

    # An event may arrive inside a question to the server, where the loop that waits for it does not run.
    changed = threading.Event()

    def note(_event: object) -> None:
        changed.set()
        raise pulsectl.PulseLoopStop

    link.event_mask_set("source", "sink", "source_output", "sink_input", "server")
    link.event_callback_set(note)
    while not stop.is_set():
        changed.clear()
        asked = time.monotonic()
        on_view(read_view(link))
        while not (changed.is_set() or stop.is_set()) and time.monotonic() - asked < POLL_S:
            link.event_listen(timeout=STOP_S)
