"""Targets of the numbers, as one table of data (metric definitions, sections 2 to 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, Literal

from callcoach.contract import Metrics

State = Literal["in", "beside", "watch", "act", "none"]
"""Inside the target; outside it without a limit; beyond the first limit; beyond the second; no target."""

STATE_WORDS: Final[Mapping[State, str]] = {
    "in": "in target",
    "beside": "beside target",
    "watch": "watch",
    "act": "act",
    "none": "",
}

Range = tuple[float | None, float | None]
"""Lower and upper end, both inside; None is open."""

SOURCE_WORDS: Final[Mapping[str, str]] = {
    "D": "default of this product",
    "P": "practice of other products",
    "R": "research",
}


@dataclass(frozen=True, slots=True)
class Band:
    """Target of one figure.

    ``path`` leads to the figure in `Metrics`; ``good``, ``watch`` and ``act`` are ranges in its unit;
    ``axis`` is what the small picture shows. ``source`` is the tag of the definitions: D default of the
    product, P practice of other products, R research.
    """

    path: str
    target: str
    source: str
    good: Range | None = None
    watch: tuple[Range, ...] = ()
    act: tuple[Range, ...] = ()
    axis: tuple[float, float] | None = None


BANDS: Final[Mapping[str, Band]] = {
    "M02": Band("M02.agent_pct", "40 to 60 %", "D", (40, 60), ((60, 70),), ((70, None),), (0, 100)),
    "M04": Band("M04.pct", "up to 15 % of the call", "D", (None, 15), ((15, 25),), ((25, None),), (0, 40)),
    "M05": Band("M05.longest_s", "no silence of 6 s", "P", (None, 5.999), ((6, 10),), ((10, None),), (0, 20)),
    "M06": Band("M06.pct", "up to 5 %", "D", (None, 5), ((5, 10),), ((10, None),), (0, 15)),
    "M08": Band("M08.per_10min", "up to 1", "D", (None, 1), ((1, 3),), ((3, None),), (0, 6)),
    "M09": Band("M09.pct", "up to 3 %", "D", (None, 3), ((3, 10),), ((10, None),), (0, 20)),
    "M10": Band("M10.per_10min", "up to 4", "D", (None, 4), ((4, None),), (), (0, 10)),
    "M11": Band("M11.completed", "told to the end", "R", (1, None), (), ((None, 0.5),)),
    "M12": Band(
        "M12.median_ms", "0.2 to 1.5 s", "D", (200, 1500), ((None, -0.001),), ((3000, None),), (-1000, 4000)
    ),
    "M13": Band("M13.median_ms", "0.7 to 2.0 s", "D", (700, 2000), axis=(-1000, 4000)),
    "M14": Band("M14.longest_s", "up to 45 s", "D", (None, 45), ((45, 90),), ((90, None),), (0, 120)),
    "M16": Band("M16.per_min", "3 to 10 typical", "D", (3, 10), axis=(0, 20)),
    "M17": Band("M17.per_min", "2 to 8", "D", (2, 8), axis=(0, 12)),
    "M20": Band("M20.pct", "80 % and more", "D", (80, None), axis=(0, 100)),
    "M21": Band("M21.seconds", "up to 3 s", "D", (None, 3), axis=(0, 8)),
    "M22": Band("M22.median_s", "up to 15 s", "D", (None, 15), axis=(0, 45)),
    "V01": Band("V01.agent_wpm", "120 to 160 wpm", "D", (120, 160), axis=(80, 220)),
    "V03": Band("V03.fast_pct", "up to 5 %", "D", (None, 5), ((5, 30),), ((30, None),), (0, 40)),
    "V04": Band("V04.mean_change_wpm", "below +15 wpm", "P", (None, 14.999), ((15, None),), (), (-30, 45)),
    "V05": Band(
        "V05.median_ratio",
        "0.80 to 1.20 of the caller's pace",
        "D",
        (0.8, 1.2),
        ((None, 0.75), (1.25, None)),
        axis=(0.4, 1.6),
    ),
    "V06": Band("V06.per_10min", "no rise of +6 dB", "D", (None, 0), ((0, 4),), ((4, None),), (0, 6)),
    "V08": Band("V08.agent_pct", "up to 1 % of samples", "D", (None, 1), ((1, None),), (), (0, 4)),
    "V09": Band("V09.per_10min", "no rise of +3 st", "D", (None, 0), axis=(0, 6)),
    "V10": Band("V10.median_st", "1.8 to 4.5 st", "P", (1.8, 4.5), ((None, 1.2),), (), (0, 6)),
    "V12": Band("V12.per_10min", "none", "D", (None, 0), ((0, 3),), ((3, None),), (0, 4)),
    "V14": Band("V14.per_min", "up to 6", "D", (None, 6), ((6, None),), (), (0, 12)),
    "V16": Band("V16.median_s", "up to 20 s", "D", (None, 20), ((20, 60),), ((60, None),), (0, 80)),
}


def value_of(metrics: Metrics, metric: str) -> float | None:
    """Return the figure that the target of a metric speaks of; None when it was not measured."""
    try:
        value = attrgetter(BANDS[metric].path)(metrics)
    except AttributeError:
        return None
    return None if value is None else float(value)


def judge(metrics: Metrics, metric: str) -> State:
    """Compare a metric with its target; ``none`` without a target or a value."""
    band = BANDS.get(metric)
    value = None if band is None else value_of(metrics, metric)
    if band is None or value is None:
        return "none"
    if band.good is not None and _inside(value, band.good):
        return "in"
    if any(_inside(value, limits) for limits in band.act):
        # The second limit itself belongs to the first range where both meet.
        return "watch" if any(_inside(value, limits) for limits in band.watch) else "act"
    return "watch" if any(_inside(value, limits) for limits in band.watch) else "beside"


def _inside(value: float, limits: Range) -> bool:
    low, high = limits
    return (low is None or value >= low) and (high is None or value <= high)
