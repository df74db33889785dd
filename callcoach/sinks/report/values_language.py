"""The figures of the language metrics in words, for the table of numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from callcoach.contract import Metrics
from callcoach.sinks._language import ACKNOWLEDGEMENT_KINDS
from callcoach.sinks._style import clock, plural
from callcoach.sinks.report.wording import figure, seconds

Shown = tuple[str, str]
_NOTHING: Final = ("", "")


def _count(value: int) -> str:
    return str(value) if value else "none"


def _discouraged(metrics: Metrics) -> Shown:
    x = metrics.L01
    if x is None:
        return _NOTHING
    if not x.count:
        return "none", ""
    by = f"severity 3: {x.severity_3}, 2: {x.severity_2}, 1: {x.severity_1}"
    return str(x.count), f"{figure(x.per_100_words, '', 1)} per 100 words, {by}"


def _ledger(metrics: Metrics) -> Shown:
    x = metrics.L02
    return (
        _NOTHING if x is None else (figure(x.pct, "%"), f"{x.helpful} helpful, {x.discouraged} discouraged")
    )


def _strong(metrics: Metrics) -> Shown:
    x = metrics.L03
    if x is None:
        return _NOTHING
    if not x.count:
        return "none", ""
    peak = "" if x.peak_ms is None else f", highest {figure(x.peak, '', 1)} at {clock(x.peak_ms)}"
    relief = f", {plural(x.relief, 'relief marker')}" if x.relief else ""
    return str(x.count), f"{seconds(1000 * x.clear_s)} at a clear level{peak}{relief}"


def _windows(metrics: Metrics) -> Shown:
    x = metrics.L04
    if x is None:
        return _NOTHING
    late = f", {x.late} late" if x.late else ""
    return figure(x.hit_pct, "%"), f"{x.hits} of {x.windows} in time{late}"


def _kinds(metrics: Metrics) -> Shown:
    x = metrics.L05
    if x is None:
        return _NOTHING
    counts = {
        "cognitive": x.cognitive,
        "attentive": x.attentive,
        "ownership": x.ownership,
        "appreciation": x.appreciation,
        "uncredited": x.uncredited,
    }
    told = [f"{ACKNOWLEDGEMENT_KINDS[kind]}: {count}" for kind, count in counts.items() if count]
    return str(sum(counts.values())), ", ".join(told)


def _terms(metrics: Metrics) -> Shown:
    x = metrics.L07
    if x is None:
        return _NOTHING
    rate = f"{figure(x.per_100_words, '', 1)} per 100 words"
    return _count(x.unexplained), f"of {plural(x.count, 'term')}, {rate}" if x.count else "no term said"


def _paraphrase(metrics: Metrics) -> Shown:
    x = metrics.L10
    if x is None:
        return _NOTHING
    early = {True: "one before", False: "none before", None: ""}[x.before_first_instruction]
    return _count(x.count), f"{early} the first instruction" if early else "no instruction given"


def _commitments(metrics: Metrics) -> Shown:
    x = metrics.L14
    if x is None:
        return _NOTHING
    vague = f"{x.vague} vague" + (f", {x.vague_at_close} of them at the close" if x.vague_at_close else "")
    return _count(x.complete), vague if x.vague else "none vague"


def _balance(metrics: Metrics) -> Shown:
    x = metrics.L15
    if x is None:
        return _NOTHING
    quarters = ", ".join("–" if q is None else figure(q, "", 1, signed=True) for q in x.by_quarter)
    return figure(x.overall, "", 1, signed=True), f"-5 to 5; by quarter {quarters}".replace(
        "-5", "\N{MINUS SIGN}5"
    )


def _fillers(metrics: Metrics) -> Shown:
    x = metrics.L16
    if x is None:
        return _NOTHING
    return (
        figure(x.fillers_per_100_words, "%", 1),
        f"of the words, {plural(x.fillers, 'filler')}; hedges {figure(x.hedges_per_100_words, '%', 1)}",
    )


def _close(metrics: Metrics) -> Shown:
    x = metrics.L18
    if x is None:
        return _NOTHING
    done = {
        "recap": x.recap,
        "next step with a time": x.next_step_with_time,
        "anything else": x.anything_else,
        "thanks": x.thanks,
    }
    return f"{x.points} of 4", ", ".join(
        name for name, is_done in done.items() if is_done
    ) or "nothing of it heard"


def _style(metrics: Metrics) -> Shown:
    x = metrics.L20
    if x is None:
        return _NOTHING
    words = (
        f"{figure(x.words_per_turn)} words a turn, {figure(x.terms_per_100_words, '', 1)} terms per 100 words"
    )
    return figure(x.wpm, "wpm"), words


LANGUAGE_SHOWN: Final[Mapping[str, Callable[[Metrics], Shown]]] = {
    "L01": _discouraged,
    "L02": _ledger,
    "L03": _strong,
    "L04": _windows,
    "L05": _kinds,
    "L06": lambda x: (
        _NOTHING if x.L06 is None else (_count(x.L06.apologies), f"thanks: {_count(x.L06.thanks)}")
    ),
    "L07": _terms,
    "L08": lambda x: _NOTHING if x.L08 is None else (_count(len(x.L08.terms)), ", ".join(x.L08.terms)),
    "L09": lambda x: (
        _NOTHING if x.L09 is None else (figure(x.L09.pct, "%"), f"{x.L09.covered} of {x.L09.blocks}")
    ),
    "L10": _paraphrase,
    "L11": lambda x: (
        _NOTHING if x.L11 is None else (_count(x.L11.count), f"{x.L11.early} in story and diagnosis")
    ),
    "L12": lambda x: (
        _NOTHING
        if x.L12 is None
        else (figure(x.L12.i_pct, "%"), f"{x.L12.i_forms} of {x.L12.i_forms + x.L12.others}")
    ),
    "L13": lambda x: (
        _NOTHING if x.L13 is None else (figure(x.L13.pct, "%"), f"{x.L13.named} named, {x.L13.vague} vague")
    ),
    "L14": _commitments,
    "L15": _balance,
    "L16": _fillers,
    "L17": lambda x: _NOTHING if x.L17 is None else (_count(x.L17.count), ""),
    "L18": _close,
    "L19": lambda x: (
        _NOTHING
        if x.L19 is None
        else (_count(x.L19.count), f"{plural(x.L19.repeated_questions, 'question')} asked again")
    ),
    "L20": _style,
}
"""Figure and details by metric; two empty texts where it is null."""
