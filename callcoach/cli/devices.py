"""``callcoach devices``: what can be recorded, by the names that ``callcoach live`` takes, and how loud."""

from __future__ import annotations

import contextlib
import json
import math
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Final

import numpy as np
import typer
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from callcoach.capture.clocks import SystemClock
from callcoach.cli.tables import print_table
from callcoach.devices import Device, Watcher, default_device, find_device, list_devices, open_device
from callcoach.errors import DeviceError
from callcoach.events import Channel
from callcoach.sound_ports import InputBlock

FLOOR_DBFS: Final = -90.0
"""What a meter shows for less, dBFS; silence is minus infinity."""
BAR_FROM_DBFS: Final = -60.0
BAR_CELLS: Final = 40
WINDOW_BLOCKS: Final = 10
"""Blocks behind a shown level: 0.2 s, about a syllable."""
REFRESH_S: Final = 0.1
LINE_S: Final = 1.0
"""Time between two lines where no terminal is, s."""
PLAIN_S: Final = 5.0
"""How long meters run where no terminal is and no length was given, s."""


def devices(
    meters: Annotated[
        bool,
        typer.Option("--meters", help="Show the levels of both sides while you speak and play something."),
    ] = False,
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", min=0.1, help="Stop the meters after this long; otherwise with Ctrl-C."),
    ] = None,
    agent_source: Annotated[
        str | None, typer.Option("--agent-source", metavar="NAME", help="Meter this for the agent.")
    ] = None,
    caller_source: Annotated[
        str | None, typer.Option("--caller-source", metavar="NAME", help="Meter this for the caller.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List microphones, outputs and applications that play. Names are those of `callcoach live`.

    A microphone suits --agent-source; an output (all it plays) or an application (it alone) --caller-source.
    """
    found = list_devices()
    chosen = {Channel.AGENT: agent_source, Channel.CALLER: caller_source}
    for channel, name in chosen.items():
        if name is not None:
            find_device(name, found, channel)
    if as_json:
        result: dict[str, object] = {
            "devices": [{**asdict(device), "default_for": _default_for(device, found)} for device in found]
        }
        if meters:
            result["meters"] = _measure(found, chosen, seconds or PLAIN_S)
        print(json.dumps(result, indent=1, ensure_ascii=False))
        return
    _print_list(found)
    if meters:
        _show_meters(found, chosen, seconds)


def _print_list(found: Sequence[Device]) -> None:
    if not found:
        raise DeviceError(
            "The sound server has no device; plug in a headset and run 'callcoach devices' again."
        )
    print_table(
        ("Name", "Kind", "Default for", "Id"),
        [
            (device.name, device.kind, Text(", ".join(_default_for(device, found)), "green"), device.id)
            for device in found
        ],
    )


def _default_for(device: Device, found: Sequence[Device]) -> list[str]:
    """Return the parties that record this when nothing is chosen."""
    names = []
    for channel in Channel:
        with contextlib.suppress(DeviceError):
            if default_device(found, channel) == device:
                names.append(channel.value)
    return names


@dataclass(slots=True)
class LevelMeter:
    """Level of one side over the last 0.2 s. `take` runs in the input's thread and only adds up."""

    label: str
    state: str = ""
    blocks: int = 0
    _powers: list[float] = field(default_factory=lambda: [0.0] * WINDOW_BLOCKS)
    _loudest: float = 0.0

    def take(self, block: InputBlock) -> None:
        """Take a block."""
        power = float(np.square(block.pcm.astype(np.float64)).mean()) / 32768.0**2
        self._powers[self.blocks % WINDOW_BLOCKS] = power
        self.blocks += 1
        self._loudest = max(self._loudest, power)

    def lost(self, reason: str, t: float) -> None:
        """Say that the device went away."""
        self.state = {"ended": "stopped playing", "moved": "moved to another device"}.get(reason, "not there")
        self._powers = [0.0] * WINDOW_BLOCKS

    def back(self, t: float) -> None:
        """Say that the device is here again."""
        self.state = ""

    @property
    def level(self) -> float:
        """RMS level, dBFS; -90 for less."""
        return _dbfs(sum(self._powers) / WINDOW_BLOCKS)

    @property
    def loudest(self) -> float:
        """Level of the loudest block so far, dBFS; -90 for less."""
        return _dbfs(self._loudest)


def _dbfs(power: float) -> float:
    return max(FLOOR_DBFS, 10 * math.log10(power)) if power > 0 else FLOOR_DBFS


@contextlib.contextmanager
def _metering(
    found: Sequence[Device], chosen: dict[Channel, str | None]
) -> Iterator[dict[Channel, LevelMeter]]:
    """Record both sides; a side that has no device keeps the reason as its state.

    Raises
    ------
    DeviceError
        When neither side can be recorded, or one that was named.
    """
    clock = SystemClock()
    running: dict[Channel, LevelMeter] = {}
    troubles = []
    with Watcher(clock) as watcher:
        for channel, name in chosen.items():
            try:
                device = default_device(found, channel) if name is None else find_device(name, found, channel)
                meter = LevelMeter(device.name)
                watcher.keep(open_device(device.id, channel, clock), meter.take, meter.lost, meter.back)
            except DeviceError as error:
                if name is not None:
                    raise
                troubles.append(error)
                continue
            running[channel] = meter
        if not running:
            raise troubles[0]
        for trouble in troubles:
            print(f"callcoach: {trouble}", file=sys.stderr)
        yield running


def _measure(
    found: Sequence[Device], chosen: dict[Channel, str | None], seconds: float
) -> dict[str, dict[str, object]]:
    with _metering(found, chosen) as running:
        threading.Event().wait(seconds)
        return {
            channel.value: {
                "name": meter.label,
                "blocks": meter.blocks,
                "loudest_dbfs": round(meter.loudest, 1),
                "state": meter.state,
            }
            for channel, meter in running.items()
        }


def _show_meters(found: Sequence[Device], chosen: dict[Channel, str | None], seconds: float | None) -> None:
    with _metering(found, chosen) as running:
        if sys.stdout.isatty():
            with (
                contextlib.suppress(KeyboardInterrupt),
                Live(console=Console(), refresh_per_second=1 / REFRESH_S) as live,
            ):
                for _ in _ticks(REFRESH_S, seconds):
                    live.update(Group(*(_bar(channel, meter) for channel, meter in running.items())))
        else:
            for _ in _ticks(LINE_S, PLAIN_S if seconds is None else seconds):
                print(
                    "  ".join(
                        f"{channel.value} {meter.state or f'{meter.level:.1f} dBFS'}"
                        for channel, meter in running.items()
                    ),
                    flush=True,
                )


def _ticks(every: float, seconds: float | None) -> Iterator[None]:
    """Yield every so often, for so long, at least once."""
    clock, never = SystemClock(), threading.Event()
    end = None if seconds is None else clock.monotonic() + seconds
    while True:
        left = every if end is None else min(every, end - clock.monotonic())
        never.wait(max(0.0, left))
        yield
        if end is not None and clock.monotonic() >= end:
            return


def _bar(channel: Channel, meter: LevelMeter) -> Text:
    """Draw one meter, -60 to 0 dBFS."""
    line = Text(f"{channel.value:<7}")
    if meter.state:
        return line.append(meter.state, "yellow").append(f"  {meter.label}", "dim")
    share = min(1.0, max(0.0, 1 - meter.level / BAR_FROM_DBFS))
    cells = round(share * BAR_CELLS)
    colour = "red" if meter.level > -3 else "green"
    line.append("█" * cells, colour).append("·" * (BAR_CELLS - cells), "dim")
    return line.append(f" {meter.level:6.1f} dBFS", "bold").append(f"  {meter.label}", "dim")
