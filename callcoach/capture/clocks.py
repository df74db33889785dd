"""The clock of this computer; nothing else in this package asks the system for the time."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Final

from callcoach.sound_ports import Clock

__all__ = ["PacedClock", "SystemClock"]


def _boot_clock() -> int | None:
    """Return the id of a clock that goes on while the computer sleeps, or None where there is none."""
    if sys.platform == "darwin":  # there the monotonic clock of the C library goes on, Python's does not
        return time.CLOCK_MONOTONIC
    return getattr(time, "CLOCK_BOOTTIME", None)


_BOOT: Final = _boot_clock()


class SystemClock:
    """Implements ``callcoach.sound_ports.Clock`` with the clocks of the system."""

    def monotonic(self) -> float:
        """Return seconds that never go back; on Linux they stand still while the computer sleeps."""
        return time.monotonic()

    def boot(self) -> float:
        """Return seconds that go on in sleep; where no such clock exists, the same as ``monotonic``."""
        return time.monotonic() if _BOOT is None else time.clock_gettime(_BOOT)

    def wall(self) -> datetime:
        """Return the date and time, aware, UTC; it may be set back and forth at any moment."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait; not at all for zero or less."""
        if seconds > 0:
            time.sleep(seconds)


class PacedClock:
    """Another clock, ``pace`` times as fast from the moment it is made.

    With it a whole live path runs faster than real time: positions, waits and blocks agree.

    Raises
    ------
    ValueError
        Unless ``pace`` is above 0.
    """

    def __init__(self, base: Clock, pace: float) -> None:
        if not pace > 0:
            raise ValueError(f"the pace of a clock is above 0, got {pace}")
        self._base = base
        self._pace = pace
        self._monotonic = base.monotonic()
        self._boot = base.boot()

    def monotonic(self) -> float:
        """Return the base clock's start plus what has passed since, times the pace."""
        return self._monotonic + (self._base.monotonic() - self._monotonic) * self._pace

    def boot(self) -> float:
        """Do the same with the clock that goes on in sleep."""
        return self._boot + (self._base.boot() - self._boot) * self._pace

    def wall(self) -> datetime:
        """Return the true date and time."""
        return self._base.wall()

    def sleep(self, seconds: float) -> None:
        """Wait for so long on this clock."""
        self._base.sleep(seconds / self._pace)
