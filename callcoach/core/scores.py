"""Call-level scores (section 7): five scores of one call, and their overall.

Each score is the weighted mean of what its inputs reach between a bad and a good value. An input without a
value drops out and the weights of the others count instead; with less than 60 % of its weight present a score
is null ("not enough data"). ``missing`` names every absent input with its reason, so that the reader sees how
much of a score was measured. Nothing is assumed for what is absent.

Why there is a delivery score although level, F0 and pace are never merged into one number (DLV-1): it says
how an agent's own practice went over a whole call. Four of its inputs count or time what left the usual
(level spikes, raised stretches and how long those lasted, fast speech), one is how much F0 varied. None is
a level, an F0 or a pace, and a raised stretch is a state that names its two quantities, without a strength.
The score exists for whole calls only, for the agent alone, and opens no cue. It is no scale of strength
either: livelier F0 raises it and louder moments lower it, so it cannot follow how strongly somebody speaks.
Its inputs stand one by one in ``metrics`` and are to be shown with it. It is never shared, and neither is
the overall, which contains it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from callcoach.contract.call import Scores
from callcoach.contract.metrics import METRIC_KEYS, Metrics

ScoreName = Literal["listening", "acknowledgement", "clarity", "positive", "delivery"]

LEAST_WEIGHT_PCT: Final = 60
"""Share of its weight, per cent, that a score needs; [D] section 7."""

TOO_LITTLE: Final = "too little of it"
"""Reason of an absent input whose metric has a value, but not this part of it."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """Full score at ``good`` and beyond, none at ``bad`` and beyond, straight between; unit of the input.

    Raises
    ------
    ValueError
        If good and bad are the same.
    """

    good: float
    bad: float

    def __post_init__(self) -> None:
        if self.good == self.bad:
            raise ValueError("good and bad must differ")

    def __call__(self, value: float) -> float:
        """Return the score of a value, 0 to 100."""
        return score(value, self.good, self.bad)


@dataclass(frozen=True, slots=True)
class Band:
    """Full score from ``low`` to ``high``, both included, none outside; unit of the input.

    Raises
    ------
    ValueError
        If the band is empty.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("a band needs low <= high")

    def __call__(self, value: float) -> float:
        """Return the score of a value, 0 or 100."""
        return 100.0 if self.low <= value <= self.high else 0.0


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a score.

    Attributes
    ----------
    metric : str
        Id of the metric it is taken from.
    field : str or None
        Which value of it; its name ends in the unit. None for a metric of which the contract holds no value
        yet: such an input is always missing.
    weight : int
        Points of 100 inside its score.
    scale : Ramp or Band
        From the value to 0 to 100.
    source : str
        Where weight and scale come from; section numbers are those of the metric definitions.
    """

    metric: str
    field: str | None
    weight: int
    scale: Ramp | Band
    source: str = "[D] 7"

    def reached(self, metrics: Metrics) -> float | None:
        """Return the score of this input alone, 0 to 100; None where it was not measured."""
        found = getattr(metrics, self.metric)
        if self.field is None or found is None:
            return None
        value: float | None = getattr(found, self.field)
        return None if value is None else self.scale(value)


INPUTS: Final[Mapping[ScoreName, tuple[Input, ...]]] = MappingProxyType(
    {
        "listening": (
            Input("M08", "per_10min", 30, Ramp(0.5, 4)),
            Input("M11", "completed", 20, Ramp(1, 0)),
            Input("M12", "median_ms", 10, Band(200, 1500), "[D] 7, band of M12"),
            Input("M14", "longest_s", 15, Ramp(45, 120)),
            Input("M17", "per_min", 10, Ramp(4, 0)),
            Input("L10", "count", 15, Ramp(2, 0)),
        ),
        "acknowledgement": (
            Input("L04", "hit_pct", 60, Ramp(90, 30)),
            Input(
                "L05", "cognitive_attentive_pct", 20, Ramp(100, 0), "[D] 7 gives no bounds: the share itself"
            ),
            Input("L15", "shift", 20, Ramp(2, -2)),
        ),
        "clarity": (
            Input("L07", "per_100_words", 35, Ramp(0.5, 4)),
            Input("L09", "pct", 30, Ramp(90, 20)),
            Input("V01", "in_band_pct", 20, Ramp(100, 0), "[D] 7 gives no bounds: the share itself"),
            Input("L13", "pct", 15, Ramp(100, 0), "[D] 7 gives no bounds: the share itself"),
        ),
        "positive": (
            Input("L02", "pct", 70, Ramp(96, 75)),
            Input("L01", "severity_3", 30, Ramp(0, 3)),
        ),
        "delivery": (
            Input("V06", "per_10min", 25, Ramp(0, 4)),
            Input("V12", "per_10min", 25, Ramp(0, 3)),
            Input("V03", "fast_pct", 20, Ramp(5, 30)),
            Input("V10", "median_st", 10, Ramp(2.2, 1.0)),
            Input("V16", "median_s", 20, Ramp(10, 60)),
        ),
    }
)
"""What each score is made of: the table of section 7."""

OVERALL: Final[Mapping[ScoreName, int]] = MappingProxyType(
    {"listening": 25, "delivery": 20, "acknowledgement": 20, "clarity": 20, "positive": 15}
)
"""Weight of each score in the overall, points of 100; [D] section 7."""


def score(value: float, good: float, bad: float) -> float:
    """Return where a value stands between bad (0) and good (100), cut off at both (section 7).

    Raises
    ------
    ZeroDivisionError
        If good and bad are the same.
    """
    return 100 * min(max((value - bad) / (good - bad), 0.0), 1.0)


def call_scores(metrics: Metrics) -> Scores:
    """Compute the scores of a call from its finished metrics.

    Parameters
    ----------
    metrics : of the whole call; those of a mono recording or of words without sound are null where they could
        not be measured, and so is then every score that would rest on less than 60 % of its weight.

    Returns
    -------
    Scores
        0 to 100, one decimal. ``missing`` holds one entry per absent input (``"listening: L10 paraphrase, not
        measured yet"``) and, after those of its score, one per null score (``"clarity: not enough data, 20 %
        of its weight"``).
    """
    values: dict[ScoreName, float | None] = {}
    missing: list[str] = []
    for name, inputs in INPUTS.items():
        reached = [i.reached(metrics) for i in inputs]
        missing += [
            f"{name}: {i.metric} {METRIC_KEYS[i.metric]}, {metrics.why_null.get(i.metric, TOO_LITTLE)}"
            for i, value in zip(inputs, reached, strict=True)
            if value is None
        ]
        weights = [i.weight for i in inputs]
        values[name] = _mean(name, list(zip(weights, reached, strict=True)), missing)
    missing += [f"overall: {name}" for name in OVERALL if values[name] is None]
    overall = _mean("overall", [(weight, values[name]) for name, weight in OVERALL.items()], missing)
    return Scores(**values, overall=overall, missing=tuple(missing))


def _mean(name: str, reached: list[tuple[int, float | None]], missing: list[str]) -> float | None:
    """Return the weighted mean of what is there; None, named in ``missing``, with too little of it."""
    present = [(weight, value) for weight, value in reached if value is not None]
    weight, whole = sum(w for w, _ in present), sum(w for w, _ in reached)
    if 100 * weight < LEAST_WEIGHT_PCT * whole:
        missing.append(f"{name}: not enough data, {100 * weight / whole:.0f} % of its weight")
        return None
    return round(sum(w * v for w, v in present) / weight, 1)
