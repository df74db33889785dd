"""The figures of the metrics in words: what the table of numbers says about each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pydantic import BaseModel

from callcoach.contract import Metrics
from callcoach.contract import metrics as m
from callcoach.events import Fact
from callcoach.sinks._style import clock, plural
from callcoach.sinks.report.values_language import LANGUAGE_SHOWN
from callcoach.sinks.report.wording import fact_rows, figure, seconds

Shown = tuple[str, str]
"""Figure and its details."""


def shown(metrics: Metrics, key: str) -> Shown:
    """Return figure and details of a metric; two empty texts when it is null."""
    value = getattr(metrics, key)
    if value is None:
        return "", ""
    special = _SHOWN.get(key)
    if special is not None:
        return special(metrics)
    pairs = [f"{name} {text}" for name, text in fact_rows(_facts(value))]
    return (pairs[0], ", ".join(pairs[1:])) if pairs else ("", "")


def _facts(value: BaseModel) -> dict[str, Fact]:
    plain = value.model_dump(mode="json")
    return {name: v for name, v in plain.items() if isinstance(v, (int, float, str, bool))}


def _talk_time(metrics: Metrics) -> Shown:
    value = metrics.M01
    return (
        ("", "")
        if value is None
        else (
            f"{seconds(1000 * value.agent_s)} : {seconds(1000 * value.caller_s)}",
            "you : caller",
        )
    )


def _talk_share(metrics: Metrics) -> Shown:
    return ("", "") if metrics.M02 is None else (figure(metrics.M02.agent_pct, "%"), "")


def _ratio(metrics: Metrics) -> Shown:
    return ("", "") if metrics.M03 is None else (figure(metrics.M03.agent_per_caller, "", 2), "")


def _non_talk(metrics: Metrics) -> Shown:
    value = metrics.M04
    if value is None:
        return "", ""
    hold = f", {seconds(1000 * value.hold_s)} of it hold" if value.hold_s else ""
    return figure(value.pct, "%"), f"{seconds(1000 * value.total_s)}{hold}"


def _dead_air(metrics: Metrics) -> Shown:
    value = metrics.M05
    if value is None:
        return "", ""
    if not value.count:
        return "none", ""
    own = f", {value.agent_owned} on your move" if value.agent_owned else ""
    return f"{value.count}×", f"longest {seconds(1000 * value.longest_s)}{own}"


def _overlap_ratio(metrics: Metrics) -> Shown:
    value = metrics.M06
    return ("", "") if value is None else (figure(value.pct, "%", 1), seconds(1000 * value.overlap_s))


def _interruptions(metrics: Metrics) -> Shown:
    value = metrics.M07
    return (
        ("", "")
        if value is None
        else (
            f"{len(value.agent)} : {len(value.caller)}",
            "you : caller",
        )
    )


def _rate(metrics: Metrics) -> Shown:
    value, listed = metrics.M08, metrics.M07
    if value is None:
        return "", ""
    weight = "" if listed is None else f"weights add up to {figure(listed.agent_weight, '', 1)}"
    return figure(value.per_10min, "", 1), weight


def _overtalk(metrics: Metrics) -> Shown:
    value = metrics.M09
    return (
        ("", "")
        if value is None
        else (
            figure(value.pct, "%"),
            f"{value.overtalk_turns} of {plural(value.turns, 'turn')}",
        )
    )


def _caller_came_in(metrics: Metrics) -> Shown:
    value = metrics.M10
    return ("", "") if value is None else (figure(value.per_10min, "", 1), f"{value.count}×")


def _story(metrics: Metrics) -> Shown:
    value = metrics.M11
    if value is None:
        return "", ""
    words = f"{plural(value.words, 'word')}, " if value.words is not None else ""
    heard = f"{words}{value.backchannels} “mhm” in it"
    if value.cut_at_ms is None:
        return f"told, {seconds(1000 * value.length_s)}", heard
    return f"cut at {clock(value.cut_at_ms)}", f"{seconds(1000 * value.length_s)} long, {heard}"


def _latency(value: m.LatencySummary | None) -> Shown:
    if value is None:
        return "", ""
    spread = f"most {seconds(value.p10_ms)} to {seconds(value.p90_ms)}, {plural(value.n, 'answer')}"
    return seconds(value.median_ms), spread


def _longest(value: m.LongestMonologue | None) -> Shown:
    return ("", "") if value is None else (seconds(1000 * value.longest_s), f"at {clock(value.begin)}")


def _switches(metrics: Metrics) -> Shown:
    value = metrics.M16
    return ("", "") if value is None else (figure(value.per_min, "", 1), f"{value.count} in all")


def _backchannels(metrics: Metrics) -> Shown:
    value = metrics.M17
    return ("", "") if value is None else (figure(value.per_min, "", 1), f"{value.count}×")


def _questions(metrics: Metrics) -> Shown:
    value = metrics.M18
    return (
        ("", "")
        if value is None
        else (
            str(value.count),
            f"{value.open} open, {value.closed} closed, {value.check_back} check-back",
        )
    )


def _holds(metrics: Metrics) -> Shown:
    value = metrics.M19
    return (
        ("", "")
        if value is None
        else (
            figure(value.mean_points, "", 1),
            ", ".join(f"{hold.points} at {clock(hold.begin)}" for hold in value.holds),
        )
    )


def _narration(metrics: Metrics) -> Shown:
    value = metrics.M20
    return ("", "") if value is None else (figure(value.pct, "%"), f"{value.announced} of {value.n}")


def _pace(metrics: Metrics) -> Shown:
    value = metrics.V01
    if value is None:
        return "", ""
    parts = [] if value.in_band_pct is None else [f"{figure(value.in_band_pct, '%')} of the time in target"]
    if value.caller_wpm is not None:
        parts.append(f"caller {figure(value.caller_wpm, 'wpm')}")
    return figure(value.agent_wpm, "wpm"), ", ".join(parts)


def _pace_state(metrics: Metrics) -> Shown:
    value = metrics.V03
    if value is None:
        return "", ""
    rest = (
        f"very fast {figure(value.very_fast_pct, '%')}, slow {figure(value.slow_pct, '%')}, "
        f"your usual {figure(value.usual_wpm, 'wpm')}"
    )
    return figure(value.fast_pct, "%"), rest


def _pace_match(metrics: Metrics) -> Shown:
    value = metrics.V05
    return (
        ("", "")
        if value is None
        else (
            figure(value.median_ratio, "", 2),
            f"outside 0.75 to 1.25 {figure(value.outside_pct, '%')} of the time",
        )
    )


def _level(metrics: Metrics) -> Shown:
    value = metrics.V06
    if value is None:
        return "", ""
    strongest = (
        ""
        if value.strongest_db is None
        else f"strongest {figure(value.strongest_db, 'dB', 1, signed=True)}, "
    )
    quiet = f", {value.quiet}× quiet" if value.quiet else ""
    return f"{value.spikes}×" if value.spikes else "none", (
        f"{strongest}your usual {figure(value.usual_dbfs, 'dBFS')}{quiet}"
    )


def _pitch(metrics: Metrics) -> Shown:
    value = metrics.V09
    if value is None:
        return "", ""
    strongest = (
        ""
        if value.strongest_st is None
        else f"strongest {figure(value.strongest_st, 'st', 1, signed=True)}, "
    )
    return (
        f"{value.spikes}×" if value.spikes else "none",
        f"{strongest}your usual {figure(value.usual_hz, 'Hz')}",
    )


def _pitch_range(metrics: Metrics) -> Shown:
    value = metrics.V10
    return (
        ("", "")
        if value is None
        else (
            figure(value.median_st, "st", 1),
            f"even {figure(value.flat_pct, '%')} of the time",
        )
    )


def _times(count: int, total_s: float) -> Shown:
    return (f"{count}×", f"{seconds(1000 * total_s)} in all") if count else ("none", "")


def _recovery(metrics: Metrics) -> Shown:
    value = metrics.V16
    return (
        ("", "")
        if value is None
        else (
            seconds(1000 * value.median_s),
            f"longest {seconds(1000 * value.longest_s)}, {value.n}×",
        )
    )


_SHOWN: Final[Mapping[str, Callable[[Metrics], Shown]]] = {
    "M01": _talk_time,
    "M02": _talk_share,
    "M03": _ratio,
    "M04": _non_talk,
    "M05": _dead_air,
    "M06": _overlap_ratio,
    "M07": _interruptions,
    "M08": _rate,
    "M09": _overtalk,
    "M10": _caller_came_in,
    "M11": _story,
    "M12": lambda x: _latency(x.M12),
    "M13": lambda x: _latency(x.M13),
    "M14": lambda x: _longest(x.M14),
    "M15": lambda x: _longest(x.M15),
    "M16": _switches,
    "M17": _backchannels,
    "M18": _questions,
    "M19": _holds,
    "M20": _narration,
    "M21": lambda x: ("", "") if x.M21 is None else (seconds(1000 * x.M21.seconds), ""),
    "M22": lambda x: ("", "") if x.M22 is None else (seconds(1000 * x.M22.median_s), f"{x.M22.n}×"),
    "V01": _pace,
    "V02": lambda x: ("", "") if x.V02 is None else (figure(x.V02.agent_per_s, "per s", 1), ""),
    "V03": _pace_state,
    "V04": lambda x: (
        ("", "")
        if x.V04 is None
        else (
            figure(x.V04.mean_change_wpm, "wpm", signed=True),
            f"after {plural(x.V04.n, 'event')}",
        )
    ),
    "V05": _pace_match,
    "V06": _level,
    "V07": lambda x: ("", "") if x.V07 is None else (figure(x.V07.median_index), "median"),
    "V08": lambda x: ("", "") if x.V08 is None else (figure(x.V08.agent_pct, "%", 2), "your side"),
    "V09": _pitch,
    "V10": _pitch_range,
    "V11": lambda x: ("", "") if x.V11 is None else _times(x.V11.openings, x.V11.total_s),
    "V12": lambda x: ("", "") if x.V12 is None else _times(x.V12.openings, x.V12.total_s),
    "V14": lambda x: ("", "") if x.V14 is None else (figure(x.V14.per_min, "", 1), f"{x.V14.count}×"),
    "V16": _recovery,
    **LANGUAGE_SHOWN,
}
