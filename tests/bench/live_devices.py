"""Devices that vanish, return and are moved: how soon it is noticed and mended, and whose sound is kept.

A private PulseAudio plays 1000 Hz to the agent's side and 440 Hz to the caller's. The caller's output is
removed and returned, its stream is moved to the agent's source without a word, and the server is killed.

``python -m tests.bench.live_devices [--cycles 50] [--busy]`` prints the table; ``--busy`` runs four busy
loops beside it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from callcoach.capture.clocks import SystemClock
from callcoach.devices import Watcher, open_device
from callcoach.devices.pulse import TAG_PROPERTY, connected
from callcoach.events import Channel
from tests.bench.table import Row, machine, show
from tests.support.listening import Listener, eventually
from tests.support.pulse_rig import PulseRig, missing_part, pulse_rig, tone_level

AGENT_HZ, CALLER_HZ = 1000.0, 440.0
FOREIGN_DBFS: Final = -60.0
"""A block in which the other side's tone is louder holds the other side's sound."""
LOST_BAR_S, BACK_BAR_S = 1.0, 3.0
BUSY_LOOPS: Final = 4
PATIENCE_S: Final = 10.0


@dataclass
class Times:
    """Seconds from an act until it was told, and blocks of the wrong side."""

    noticed: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)
    delivered: int = 0
    """Blocks with the other side's sound that reached the consumer."""
    believed: int = 0
    """Those of them that lie before the time from which the audio was called unknown."""


class Bench:
    """One call whose caller's side is troubled."""

    def __init__(self, rig: PulseRig, watcher: Watcher) -> None:
        self.rig = rig
        rig.play_tone("cc_mic", AGENT_HZ, 600)
        self.agent, self.caller = Listener(), Listener()
        self.inputs: list[Any] = []
        for listener, name, channel in (
            (self.agent, "cc_mic.monitor", Channel.AGENT),
            (self.caller, "cc_phone.monitor", Channel.CALLER),
        ):
            source = open_device(name, channel, SystemClock())
            watcher.keep(source, listener.block, listener.lost, listener.back)
            self.inputs.append(source)
        self.settled()

    def settled(self) -> None:
        """Wait for a quarter of a second of sound on both sides."""
        for listener in (self.agent, self.caller):
            count = len(listener.blocks)
            assert eventually(lambda now=listener, n=count: len(now.blocks) > n + 12, PATIENCE_S)

    def trouble(self, act: Callable[[], None], mend: Callable[[], None] | None, found: Times) -> None:
        """Do it, wait until it is noticed, mend it, wait for the return; note all times."""
        caller = self.caller
        losses, returns = caller.losses, caller.heard.count("back")
        began = time.monotonic()
        act()
        assert eventually(lambda: caller.losses > losses, PATIENCE_S)
        at = caller.times[[i for i, h in enumerate(caller.heard) if h != "back"][losses]]
        unknown = caller.unknown_from
        found.noticed.append(at - began)
        mended = at
        if mend is not None:
            mend()
            mended = time.monotonic()
        assert eventually(lambda: caller.heard.count("back") > returns, PATIENCE_S)
        back = caller.times[[i for i, h in enumerate(caller.heard) if h == "back"][returns]]
        found.back.append(back - mended)
        self.settled()
        for block in caller.blocks:
            if block.t >= began - 0.1 and tone_level(block.pcm, AGENT_HZ) > FOREIGN_DBFS:
                found.delivered += 1
                found.believed += block.t < unknown or block.t >= back
        caller.blocks.clear()
        self.agent.blocks.clear()

    def stream(self) -> str:
        """Return the number of the caller's record stream in the server."""
        with connected("bench") as link:
            return next(
                str(stream.index)
                for stream in link.source_output_list()
                if stream.proplist.get(TAG_PROPERTY) == self.inputs[1].tag
            )


def unplug(cycles: int) -> Times:
    """Remove and return the caller's output."""
    found = Times()
    with pulse_rig() as rig, Watcher(SystemClock()) as watcher:
        bench = Bench(rig, watcher)
        for _ in range(cycles):
            bench.trouble(lambda: rig.drop("cc_phone"), lambda: rig.add_sink("cc_phone"), found)
        assert bench.agent.heard == []
    return found


def move(cycles: int) -> Times:
    """Move the caller's stream to the agent's source."""
    found = Times()
    with pulse_rig() as rig, Watcher(SystemClock()) as watcher:
        bench = Bench(rig, watcher)
        for _ in range(cycles):
            index = bench.stream()
            bench.trouble(
                lambda n=index: rig.pactl("move-source-output", n, "cc_mic.monitor") and None, None, found
            )
    return found


def kill(cycles: int) -> Times:
    """Kill the server and start it again."""
    found = Times()
    with pulse_rig() as rig, Watcher(SystemClock()) as watcher:
        bench = Bench(rig, watcher)

        def restart() -> None:
            rig.start_server()
            rig.add_sink("cc_mic")
            rig.add_sink("cc_phone")

        for _ in range(cycles):
            bench.trouble(rig.kill_server, restart, found)
    return found


def rows(name: str, found: Times) -> list[Row]:
    """Return the figures of one kind of trouble."""
    made = []
    for figure, values, bar in (("noticed", found.noticed, LOST_BAR_S), ("back", found.back, BACK_BAR_S)):
        high, median = max(values), float(np.median(values))
        made.append(
            Row(
                "devices",
                f"{name}, {figure}, {len(values)} times",
                f"<= {bar:g} s",
                f"median {1000 * median:.0f} ms, worst {1000 * high:.0f} ms",
                high <= bar,
                {"median_s": median, "worst_s": high},
            )
        )
    measured = f"{found.believed} ({found.delivered} delivered and called unknown)"
    made.append(Row("devices", f"{name}, blocks of the wrong side", "0", measured, found.believed == 0))
    return made


def _spin() -> None:
    while True:
        pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cycles", type=int, default=50)
    parser.add_argument("--busy", action="store_true")
    options = parser.parse_args(arguments)
    if (reason := missing_part()) is not None:
        raise SystemExit(reason)
    loops = [
        multiprocessing.Process(target=_spin, daemon=True) for _ in range(BUSY_LOOPS if options.busy else 0)
    ]
    for loop in loops:
        loop.start()
    try:
        found = [
            *rows("output removed", unplug(options.cycles)),
            *rows("stream moved", move(max(1, options.cycles // 3))),
            *rows("server killed", kill(max(1, options.cycles // 5))),
        ]
    finally:
        for loop in loops:
            loop.kill()
    for key, value in machine().items():
        print(f"{key}: {value}")
    show(found, details=True)


if __name__ == "__main__":
    main()
