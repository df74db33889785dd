"""The agent's stored usual values, from earlier calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from callcoach.core.delivery.usual import Habit


@dataclass(frozen=True, slots=True)
class Profile:
    """Usual values of one agent over the last calls; None where no call gave one."""

    calls: int
    """Calls it rests on."""
    level_dbfs: Habit | None = None
    f0_st: Habit | None = None
    """Semitones over 100 Hz."""
    syllables_per_s: Habit | None = None

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Rebuild a profile.

        Raises
        ------
        ValueError
            If a value is missing or of the wrong kind.
        """
        try:
            habits = {
                name: None
                if record[name] is None
                else Habit(float(record[name]["median"]), float(record[name]["spread"]))
                for name in ("level_dbfs", "f0_st", "syllables_per_s")
            }
            return cls(int(record["calls"]), **habits)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a profile: {error}") from None
