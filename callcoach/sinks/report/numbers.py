"""The table of numbers: every metric with its target, or the reason why there is no figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from callcoach.contract import CallDocument, Metrics
from callcoach.contract.metrics import METRIC_KEYS, NEVER_STORED, NOT_MEASURED_YET
from callcoach.sinks.report.bands import BANDS, SOURCE_WORDS, STATE_WORDS, State, judge, value_of
from callcoach.sinks.report.values import shown


@dataclass(frozen=True, slots=True)
class Gauge:
    """A small picture of value and target; all places in per cent of its width."""

    good_from: float
    good_width: float
    value: float


@dataclass(frozen=True, slots=True)
class NumberRow:
    """One line of the table; ``reason`` is set exactly when there is no value."""

    id: str
    name: str
    value: str
    detail: str
    target: str
    source: str
    source_title: str
    state: State
    state_word: str
    gauge: Gauge | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class NumberGroup:
    """Lines that belong together."""

    name: str
    rows: tuple[NumberRow, ...]


_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "Floor": ("M02", "M14", "M15", "M16", "M01", "M03"),
    "Interruptions": ("M11", "M08", "M07", "M09", "M10", "M06"),
    "Answers and listening": ("M12", "M13", "M17", "M22", "M18", "M21"),
    "Silence and hold": ("M05", "M04", "M20", "M19"),
    "Voice delivery, against your usual": (
        *("V01", "V03", "V05", "V04", "V02", "V06", "V09", "V10", "V11", "V12", "V16", "V14", "V07", "V08"),
    ),
    "Words": tuple(key for key in METRIC_KEYS if key.startswith("L")),
}

NAMES: Final[Mapping[str, str]] = {
    "M01": "Talk time",
    "M02": "Your share of talk",
    "M03": "You to caller",
    "M04": "Nobody talks, hold included",
    "M05": "Dead air",
    "M06": "Both talk at once",
    "M07": "Interruptions",
    "M08": "Your interruptions per 10 min of caller speech",
    "M09": "Turns of yours that began over the caller",
    "M10": "Caller came in, per 10 min",
    "M11": "Opening story",
    "M12": "You answer after",
    "M13": "You answer strong words after",
    "M14": "Your longest stretch",
    "M15": "Caller's longest stretch",
    "M16": "Floor changes per minute",
    "M17": "Your “mhm” per minute of caller speech",
    "M18": "Your questions",
    "M19": "Holds, points of 4",
    "M20": "Silences of yours that were announced",
    "M21": "First words after",
    "M22": "Time to acknowledge",
    "V01": "Pace",
    "V02": "Syllables, from sound",
    "V03": "Time faster than usual",
    "V04": "Pace change after strong words",
    "V05": "Pace match",
    "V06": "Rises in level",
    "V07": "Level index, 0 to 100",
    "V08": "Clipped samples",
    "V09": "Rises in pitch",
    "V10": "Pitch range",
    "V11": "Quiet and even at once",
    "V12": "Two quantities raised at once",
    "V13": "Caller delivery",
    "V14": "Filled pauses per minute",
    "V16": "Back to your usual after",
    "L01": "Phrases to say differently",
    "L02": "Helpful among marked phrases",
    "L03": "Strong words of the caller",
    "L04": "Acknowledged in time",
    "L05": "Kinds of acknowledgement",
    "L06": "Apologies, thanks beside them",
    "L07": "Unexplained terms",
    "L08": "Terms the caller used",
    "L09": "Explanations with a check-back",
    "L10": "Recaps of the caller's words",
    "L11": "Open questions",
    "L12": "First person as the actor",
    "L13": "Words that name things",
    "L14": "Next steps with owner and time",
    "L15": "Balance of the caller's words",
    "L16": "Fillers and hedges",
    "L17": "Caller's name said",
    "L18": "Close",
    "L19": "Caller asked back",
    "L20": "Style of the caller's words: pace",
}
_TARGETS: Final[Mapping[str, tuple[str, str]]] = {
    "M18": ("2 open in the first third", "D"),
    "M19": ("notice, reason, estimate, resumption", "D"),
    "L02": ("92 % and more", "D"),
    "L04": ("80 % and more", "R"),
    "L06": ("up to 3 apologies", "R"),
    "L07": ("up to 1.0 per 100 words", "R"),
    "L09": ("70 % and more", "D"),
    "L10": ("1 before the first instruction", "D"),
    "L11": ("2 and more", "D"),
    "L12": ("60 % and more", "R"),
    "L16": ("up to 5 %", "P"),
    "L17": ("1 to 3", "D"),
    "L18": ("3 and more", "D"),
}
"""Targets in words of metrics without a range here."""


def number_groups(document: CallDocument) -> tuple[tuple[NumberGroup, ...], tuple[NumberRow, ...]]:
    """Return the lines to show in groups, and those of metrics that this version does not measure."""
    groups, unmeasured = [], []
    for name, keys in _GROUPS.items():
        rows = [_row(document.metrics, key) for key in keys]
        listed = [row for row in rows if row.reason not in (NOT_MEASURED_YET, NEVER_STORED)]
        unmeasured += [row for row in rows if row.reason == NOT_MEASURED_YET]
        if listed:
            groups.append(NumberGroup(name, tuple(listed)))
    return tuple(groups), tuple(unmeasured)


def _row(metrics: Metrics, key: str) -> NumberRow:
    band = BANDS.get(key)
    target, source = (band.target, band.source) if band is not None else _TARGETS.get(key, ("", ""))
    value, detail = shown(metrics, key)
    state = judge(metrics, key)
    return NumberRow(
        id=key,
        name=NAMES.get(key, METRIC_KEYS[key].replace("_", " ").capitalize()),
        value=value,
        detail=detail,
        target=target,
        source=source,
        source_title=SOURCE_WORDS.get(source, ""),
        state=state,
        state_word=STATE_WORDS[state],
        gauge=_gauge(metrics, key),
        reason=metrics.why_null.get(key) if not value else None,
    )


def _gauge(metrics: Metrics, key: str) -> Gauge | None:
    band, value = BANDS.get(key), None
    if band is not None:
        value = value_of(metrics, key)
    if band is None or band.axis is None or band.good is None or value is None:
        return None
    low, high = band.axis

    def place(at: float) -> float:
        return round(100 * (min(max(at, low), high) - low) / (high - low), 1)

    first = place(low if band.good[0] is None else band.good[0])
    last = place(high if band.good[1] is None else band.good[1])
    # A target of exactly nothing keeps a visible width.
    width = max(2.0, round(last - first, 1))
    return Gauge(first, width, place(value))
