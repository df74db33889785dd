"""What a consumer of an input hears, kept with its times."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from callcoach.sound_ports import InputBlock, Pcm


def eventually(true: Callable[[], bool], within: float = 8.0) -> bool:
    """Wait until something is true; return whether it became so in time."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.002)
    return true()


class Listener:
    """Takes what `callcoach.devices.Watcher.keep` calls."""

    def __init__(self) -> None:
        self.blocks: list[InputBlock] = []
        self.heard: list[str] = []
        """Reasons of losses, and ``back``, in order."""
        self.times: list[float] = []
        """Monotonic time of each of them."""
        self.unknown_from = 0.0
        """What the last loss said."""

    def block(self, block: InputBlock) -> None:
        self.blocks.append(block)

    def lost(self, reason: str, t: float) -> None:
        self.heard.append(reason)
        self.times.append(time.monotonic())
        self.unknown_from = t

    def back(self, t: float) -> None:
        self.heard.append("back")
        self.times.append(time.monotonic())

    @property
    def losses(self) -> int:
        return len(self.heard) - self.heard.count("back")

    def audio(self, start: float = 0.0, end: float = float("inf")) -> Pcm:
        """Join the blocks whose first sample lies in [start, end), monotonic seconds."""
        parts = [b.pcm for b in self.blocks if start <= b.t < end]
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)
