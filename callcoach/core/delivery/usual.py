"""A party's usual value of one measure: median and robust spread, blended with the stored profile."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass

_MAD: float = 1.4826
"""Makes the median absolute deviation an estimate of the standard deviation of normal data."""


@dataclass(frozen=True, slots=True)
class Habit:
    """One measure of a stored profile: median and spread over the agent's last calls."""

    median: float
    spread: float


class Usual:
    """Median and spread of the values of the first seconds of speech.

    Parameters
    ----------
    least_spread : float
        The spread is never taken as smaller than this.
    least, enough : float
        Seconds of speech before which there is no usual value, and after which it no longer moves.
    outlier_z : float
        Once there is a usual value, values further from it than this many spreads never update it.
    habit : of the stored profile, or None.
    habit_s : float
        Seconds of speech after which the stored profile no longer counts.
    """

    def __init__(
        self,
        least_spread: float,
        least: float,
        enough: float,
        outlier_z: float,
        habit: Habit | None,
        habit_s: float,
    ) -> None:
        self._least_spread = least_spread
        self._least, self._enough = least, enough
        self._outlier_z = outlier_z
        self._habit, self._habit_s = habit, habit_s
        self.reset()

    def reset(self) -> None:
        """Forget this call's values."""
        self._values: list[float] = []
        self._seconds = 0.0
        self._own = self._own_spread = 0.0
        self._blend()

    def add(self, value: float, seconds: float) -> None:
        """Take the value of a stretch of speech of so many seconds."""
        if self._seconds >= self._enough:
            if self._habit is not None and self._seconds < self._habit_s:
                self._seconds += seconds  # the values stay, the stored profile goes on fading
                self._blend()
            return
        if self._seconds >= self._least and abs(value - self._own) > self._outlier_z * max(
            self._own_spread, self._least_spread
        ):
            return
        insort(self._values, value)
        self._seconds += seconds
        self._own = _median(self._values)
        self._own_spread = _MAD * _median(sorted(abs(v - self._own) for v in self._values))
        self._blend()

    def z(self, value: float) -> float | None:
        """Return how many spreads a value lies over the usual; None while there is none."""
        return None if self.median is None else (value - self.median) / self.spread

    def _blend(self) -> None:
        own = self._seconds >= self._least
        habit = self._habit
        self.median: float | None = None
        self.spread = self._least_spread
        if habit is None:
            if own:
                self.median, self.spread = self._own, max(self._own_spread, self._least_spread)
            return
        share = min(1.0, self._seconds / self._habit_s) if own else 0.0
        self.median = share * self._own + (1 - share) * habit.median
        self.spread = max(share * self._own_spread + (1 - share) * habit.spread, self._least_spread)


def _median(ordered: list[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
