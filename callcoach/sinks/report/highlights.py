"""Points of the summary, and what went well: chosen from the numbers by fixed rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from callcoach.contract import CallDocument, CueEntry
from callcoach.events import Channel
from callcoach.sinks._style import clock, plural
from callcoach.sinks.report.bands import judge
from callcoach.sinks.report.wording import CUE_ICONS, fact_rows, figure, seconds

CLIP_MS: Final = 7000
"""Length of a clip around an event (interface design, section 11)."""
MAX_GOOD: Final = 4
DEAD_AIR_MS: Final = 6000
"""M05."""
_LEAD_MS: Final = 2500
"""A clip begins this much before its event, so that one hears what it came upon."""

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Quote:
    """Words around a change of floor; either side may be empty."""

    first_role: Channel
    first: str
    second_role: Channel
    second: str


@dataclass(frozen=True, slots=True)
class Highlight:
    """One point of the summary: what to keep or do, the figures behind it, and where to hear it."""

    text: str
    fact: str
    icon: str
    why: str = ""
    clip: Interval | None = None
    at: int | None = None
    quote: Quote | None = None
    more: tuple[Interval, ...] = ()
    """Further places that show the same, begin first."""


def clip_around(begin: int, end: int, duration: int) -> Interval:
    """Return a stretch of at least `CLIP_MS` around an event, inside the call; milliseconds."""
    first = max(0, begin - _LEAD_MS)
    last = min(duration, max(first + CLIP_MS, end + 1000))
    return max(0, min(first, last - CLIP_MS)), last


def went_well(document: CallDocument) -> tuple[Highlight, ...]:
    """Return what reached its target, the most telling first, at most `MAX_GOOD`."""
    metrics, duration = document.metrics, document.call.duration_ms
    found: list[Highlight] = []
    story = document.opening_story
    if story is not None and story.completed:
        words = f", {plural(story.words, 'word')}" if story.words is not None else ""
        found.append(
            Highlight(
                "The caller told the whole story",
                f"{seconds(story.length_ms)}{words}, nobody cut in",
                "check",
                clip=(max(0, story.end - CLIP_MS), story.end),
                at=story.begin,
            )
        )
    for cue in _praise(document):
        found.append(_from_cue(cue, duration))
    if metrics.M07 is not None and metrics.M01 is not None and not metrics.M07.agent and metrics.M01.caller_s:
        fact = f"no interruption of yours in {seconds(1000 * metrics.M01.caller_s)} of caller speech"
        found.append(Highlight("You let the caller finish", fact, "hand"))
    elif judge(metrics, "M08") == "in" and metrics.M08 is not None:
        rate = figure(metrics.M08.per_10min, "", 1)
        found.append(
            Highlight(
                "You mostly let the caller finish",
                f"{rate} per 10 min of caller speech, target up to 1",
                "hand",
            )
        )
    if judge(metrics, "M22") == "in" and metrics.M22 is not None:
        fact = f"after {seconds(1000 * metrics.M22.median_s)}, target up to 15 s"
        found.append(Highlight("You acknowledged early", fact, "quote"))
    if judge(metrics, "M17") == "in" and metrics.M17 is not None:
        fact = f"{figure(metrics.M17.per_min, '', 1)} “mhm” per minute of caller speech, target 2 to 8"
        found.append(Highlight("The caller could hear you listen", fact, "ear"))
    if judge(metrics, "M12") == "in" and metrics.M12 is not None:
        count = plural(metrics.M12.n, "answer")
        fact = f"median {seconds(metrics.M12.median_ms)} over {count}, target 0.2 to 1.5 s"
        found.append(Highlight("You left a short pause, then answered", fact, "timer"))
    if judge(metrics, "M20") == "in" and metrics.M20 is not None:
        fact = f"{metrics.M20.announced} of {metrics.M20.n} announced, target 80 %"
        found.append(Highlight("You announced your silences", fact, "clock"))
    elif metrics.M05 is not None and not metrics.M05.count:
        told = [s for s in document.silences if s.kind == "narrated" and s.length_ms >= DEAD_AIR_MS]
        if told:
            fact = f"{plural(len(told), 'silence')} of 6 s and more, announced"
            first = told[0]
            clip = clip_around(first.begin, first.begin, duration)
            found.append(Highlight("You announced your silences", fact, "clock", clip=clip, at=first.begin))
        else:
            found.append(Highlight("No dead air", "no silence of 6 s and more", "activity"))
    if judge(metrics, "M02") == "in" and metrics.M02 is not None:
        fact = f"you {figure(metrics.M02.agent_pct, '%')} of the talk, target 40 to 60 %"
        found.append(Highlight("You shared the floor", fact, "message-circle"))
    if judge(metrics, "V01") == "in" and metrics.V01 is not None:
        fact = f"{figure(metrics.V01.agent_wpm, 'wpm')}, target 120 to 160 wpm"
        found.append(Highlight("Your pace stayed in its band", fact, "gauge"))
    if judge(metrics, "M14") == "in" and metrics.M14 is not None:
        fact = f"longest stretch {seconds(1000 * metrics.M14.longest_s)}, target up to 45 s"
        found.append(
            Highlight("Your explanations came in short pieces", fact, "message-circle", at=metrics.M14.begin)
        )
    return tuple(found[:MAX_GOOD])


def _praise(document: CallDocument) -> list[CueEntry]:
    """Return the first cue of each kind of praise."""
    seen: dict[str, CueEntry] = {}
    for cue in document.cues:
        if cue.id == "C24":
            seen.setdefault(cue.text, cue)
    return list(seen.values())[:2]


def _from_cue(cue: CueEntry, duration: int) -> Highlight:
    facts = cue.line or ", ".join(f"{name.lower()} {text}" for name, text in fact_rows(cue.facts)[:2])
    begin, end = cue.evidence[0] if cue.evidence else (cue.opened, cue.closed)
    return Highlight(
        cue.text,
        facts or f"at {clock(cue.opened)}",
        CUE_ICONS.get(cue.id, "check"),
        clip=clip_around(begin, end, duration),
        at=cue.opened,
    )
