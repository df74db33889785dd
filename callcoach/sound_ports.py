"""The seams of live sound: the clock of the machine, and one input of one party."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]
"""Samples as they are recorded; full scale = 32768, 16 kHz, shape ``(n,)`` or ``(n, 2)`` (agent, caller)."""


class Clock(Protocol):
    """The time of the machine; tests have one that jumps and stands still."""

    def monotonic(self) -> float:
        """Return seconds that never go back; they stand still while the machine sleeps."""
        ...

    def boot(self) -> float:
        """Return seconds that never go back and go on while the machine sleeps."""
        ...

    def wall(self) -> datetime:
        """Return the date and time, aware, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


@dataclass(frozen=True, slots=True)
class InputBlock:
    """What an input delivers at once.

    ``t`` is ``Clock.monotonic`` of the first sample in seconds; ``pcm`` is int16 at 16 kHz, shape
    (n,), n >= 1, owned by the receiver. ``overflow`` is what the sound library says: counted, not
    trusted.
    """

    t: float
    pcm: Pcm
    overflow: bool = False


OnBlock = Callable[[InputBlock], None]
"""Called from the input's own thread; must only copy and count."""
OnEnd = Callable[[str], None]
"""Called once per opening, with the reason: ``ended`` (file over, application gone), ``lost`` (device
gone), ``moved`` (the sound server gave the stream another device), or ``failed``."""


class AudioInput(Protocol):
    """One party's sound, from a device, an application or a file."""

    name: str
    """As ``callcoach devices`` prints it."""

    def open(self, on_block: OnBlock, on_end: OnEnd) -> None:
        """Begin to deliver blocks.

        Raises
        ------
        DeviceError
            When it cannot be opened; one sentence.
        """
        ...

    def close(self) -> None:
        """End, and wait until no more blocks come; may be called more than once."""
        ...

    @property
    def active(self) -> bool:
        """Whether blocks are coming."""
        ...
