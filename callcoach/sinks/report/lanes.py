"""The events of the timeline, lane by lane, and what the page says about each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from callcoach.contract import CallDocument, LanguageEventEntry
from callcoach.events import Channel
from callcoach.sinks._style import clock
from callcoach.sinks.report.highlights import clip_around
from callcoach.sinks.report.wording import (
    CLASS_ICONS,
    CLASS_RULES,
    CUE_ICONS,
    LANGUAGE_ICONS,
    LANGUAGE_NAMES,
    LANGUAGE_OTHER,
    LANGUAGE_OTHER_ICON,
    LANGUAGE_SHAPES,
    SIDES,
    SILENCE_NAMES,
    VOICE_ICONS,
    VOICE_NAMES,
    fact_rows,
    held_back,
    overlap_title,
    seconds,
    silence_title,
    spoken_clock,
)

POINT_PCT: Final = 18.0
"""A mark without length may use this much of the lane for its words, up to the next mark."""
_ROLE_CLASS: Final = {Channel.AGENT: "agent", Channel.CALLER: "caller", None: "nobody"}
_TOLD: Final = frozenset({"overlap_ms", "gap_ms", "incomer_begin", "known_at"})
"""Facts of an overlap that its length and place tell already."""
_QUOTED_KINDS: Final = frozenset({"strong_words", "jargon", "discouraged"})
"""Language events that the lane shows by their words, the others by their kind."""
_SUGGESTED: Final = {"jargon": "Plain words"}
_SHORT_CLASS: Final = {
    "floor_taking": "",
    "butting_in": "",
    "pause_barge_in": "",
    "cooperative": "helped along",
    "unsure": "undecided",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One mark: where it stands, how it looks, what is known about it.

    ``left`` and ``width`` are per cent of the call; ``row`` counts from the top of the lane. ``length`` is
    None where ``width`` is exact; else it is the true length, and ``width`` the most that the words may take.
    ``look`` holds names of styles, ``stop`` tells that next and previous event stop here.
    """

    id: str
    begin: int
    end: int
    left: float
    width: float
    row: int
    look: str
    icon: str
    length: float | None
    label: str
    title: str
    rule: str
    facts: tuple[tuple[str, str], ...]
    clip: tuple[int, int]
    spoken: str
    stop: bool = True
    tip: str = ""
    """Text of the tooltip; the title where it is empty."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A row of the timeline; ``reason`` says why it is empty."""

    key: str
    name: str
    note: str
    rows: int
    events: tuple[Event, ...]
    reason: str | None = None


@dataclass(slots=True)
class _Builder:
    """Collects the marks of one lane."""

    key: str
    duration: int
    events: list[Event] = field(default_factory=list)

    def add(
        self,
        begin: int,
        end: int,
        title: str,
        *,
        look: str,
        row: int = 0,
        icon: str = "",
        label: str = "",
        rule: str = "",
        facts: list[tuple[str, str]] | None = None,
        around: tuple[int, int] | None = None,
        stop: bool = True,
        tip: str = "",
    ) -> None:
        when = clock(begin, tenths=True)
        first, last = around or (begin, end)
        self.events.append(
            Event(
                id=f"{self.key}{len(self.events)}",
                begin=begin,
                end=end,
                left=round(100 * begin / self.duration, 4),
                width=round(100 * max(0, end - begin) / self.duration, 4),
                row=row,
                look=look,
                icon=icon,
                length=None,
                label=label,
                title=title,
                rule=rule,
                facts=(("At", when), *(facts or ())),
                clip=clip_around(first, last, self.duration),
                spoken=f"{title}, at {spoken_clock(begin)}",
                stop=stop,
                tip=tip or title,
            )
        )

    def marks(self) -> tuple[Event, ...]:
        """Return point marks widened up to the next one of their row, so that words never run into it."""
        widened = []
        # By row: the mark after this one, and what comes after that; marks at one place share their room.
        following: dict[int, tuple[float, float]] = {}
        for event in sorted(self.events, key=lambda x: x.left, reverse=True):
            after, beyond = following.get(event.row, (100.0, 100.0))
            limit = after if after > event.left else beyond
            room = limit - event.left
            width = min(max(event.width, min(room, POINT_PCT)), room)
            widened.append(_with_width(event, round(width, 4)))
            following[event.row] = (event.left, limit)
        return tuple(reversed(widened))


def _with_width(event: Event, width: float) -> Event:
    if not event.look.startswith(("voice", "cue")):
        return replace(event, width=width)
    return replace(event, width=width, length=min(event.width, width))


def timeline_lanes(document: CallDocument) -> tuple[Lane, ...]:
    """Return the lanes with events, top to bottom; none for a call without length."""
    if document.call.duration_ms <= 0:
        return ()
    lanes = [_phases(document), _turns(document), _overlaps(document), _silences(document)]
    lanes += [_voice(document), _prompts(document), _words(document)]
    return tuple(lane for lane in lanes if lane is not None)


def _phases(document: CallDocument) -> Lane | None:
    lane = _Builder("phase", document.call.duration_ms)
    turns = sorted(document.turns, key=lambda turn: turn.begin)
    index = 0
    while index < len(turns):
        last = index
        while last + 1 < len(turns) and turns[last + 1].phase == turns[index].phase:
            last += 1
        begin = turns[index].begin
        end = turns[last + 1].begin if last + 1 < len(turns) else max(t.end for t in turns[index:])
        phase = turns[index].phase
        lane.add(
            begin,
            max(begin, end),
            f"Phase: {phase}",
            look=f"phase {phase}",
            label=phase,
            facts=[("Length", seconds(max(0, end - begin)))],
            stop=False,
        )
        index = last + 1
    return Lane("phase", "Phases", "", 1, tuple(lane.events)) if lane.events else None


def _turns(document: CallDocument) -> Lane | None:
    """Speech of each side as bars; the floor itself is the fuller bar."""
    lane = _Builder("turn", document.call.duration_ms)
    mono = document.call.channel_mode == "mono"
    for segment in document.segments if mono else ():
        lane.add(segment.begin, segment.end, "Speech", look="speech nobody", row=0, stop=False)
    for turn in document.turns:
        lane.add(
            turn.begin,
            turn.end,
            f"{SIDES[turn.role]}: has the floor",
            look=f"floor {_ROLE_CLASS[turn.role]}",
            row=0 if turn.role is Channel.CALLER else 1,
            facts=[("Length", seconds(turn.length_ms)), ("Phase", turn.phase)],
            stop=False,
        )
    for overlap in document.overlaps:
        if overlap.overlap_class == "backchannel":
            lane.add(
                overlap.begin,
                overlap.end,
                overlap_title(overlap),
                look=f"mhm {_ROLE_CLASS[overlap.incomer]}",
                row=0 if overlap.incomer is Channel.CALLER else 1,
                stop=False,
            )
    if not lane.events:
        return None
    note = "one channel, sides not told apart" if mono else "who has the floor"
    return Lane("turn", "Speech" if mono else "Turns", note, 1 if mono else 2, tuple(lane.events))


def _overlaps(document: CallDocument) -> Lane | None:
    if document.call.channel_mode == "mono":
        return None
    lane = _Builder("over", document.call.duration_ms)
    for overlap in sorted(document.overlaps, key=lambda x: x.begin):
        barge = overlap.overlap_class == "pause_barge_in"
        length = f"after {seconds(overlap.length_ms)}" if barge else seconds(overlap.length_ms)
        facts = [("Came in after" if barge else "Both talking", seconds(overlap.length_ms))]
        facts += fact_rows({name: fact for name, fact in overlap.facts.items() if name not in _TOLD})
        facts.append(("Weight", f"{overlap.weight:g}" if overlap.counted else "0, not counted"))
        if overlap.confidence == "low":
            facts.append(("Certainty", "low"))
        counted = "counted" if overlap.counted else "listed"
        lane.add(
            overlap.begin,
            overlap.end,
            overlap_title(overlap),
            look=f"point {counted} {overlap.overlap_class} {_ROLE_CLASS[overlap.incomer]}",
            row=0 if overlap.incomer is Channel.CALLER else 1,
            icon=CLASS_ICONS[overlap.overlap_class],
            label=length if overlap.counted else _SHORT_CLASS.get(overlap.overlap_class, ""),
            rule=CLASS_RULES[overlap.overlap_class],
            facts=facts,
        )
    reason = None if lane.events else "Nobody came in while the other had the floor"
    return Lane("over", "Overlaps", "you below", 2, lane.marks(), reason)


def _silences(document: CallDocument) -> Lane | None:
    lane = _Builder("still", document.call.duration_ms)
    for silence in document.silences:
        lane.add(
            silence.begin,
            silence.end,
            silence_title(silence),
            look=f"silence {silence.kind}",
            icon={"hold": "pause", "narrated": "check"}.get(silence.kind, ""),
            label=seconds(silence.length_ms),
            facts=[("Kind", SILENCE_NAMES[silence.kind].lower()), ("Length", seconds(silence.length_ms))],
            around=(silence.begin, min(silence.end, silence.begin + 3000)),
            stop=silence.kind != "gap",
        )
    reason = None if lane.events else "No silence over 3 s, no hold"
    return Lane("still", "Silence, hold", "", 1, tuple(lane.events), reason)


def _voice(document: CallDocument) -> Lane | None:
    if document.call.channel_mode == "mono":
        return None
    lane = _Builder("voice", document.call.duration_ms)
    for event in document.voice_events:
        # How a caller sounded is no matter of a report: no acoustic history of callers is kept.
        if event.role is Channel.CALLER:
            continue
        name = VOICE_NAMES[event.kind]
        lane.add(
            event.begin,
            event.end,
            name,
            look=f"voice {event.kind}",
            icon=VOICE_ICONS[event.kind],
            label=name,
            facts=[("Length", seconds(event.length_ms)), *fact_rows(event.facts)],
            rule="Measured against your own usual level, pitch and pace.",
        )
    reason = None if lane.events else "Level, pitch and pace stayed near your usual"
    if not lane.events and document.metrics.V06 is None:
        reason = "Not measured in this call"
    return Lane("voice", "Voice", "against your usual", 1, lane.marks(), reason)


def _prompts(document: CallDocument) -> Lane | None:
    if document.call.channel_mode == "mono":
        return None
    lane = _Builder("cue", document.call.duration_ms)
    for cue in sorted(document.cues, key=lambda x: x.opened):
        visible = cue.shown_at is not None or cue.shown
        shown = "shown" if visible else "held"
        title = cue.text if visible else f"Held back: {cue.text}"
        why = cue.held_back or held_back(cue)
        facts = [] if visible else [("Held back", why)]
        facts += fact_rows(cue.facts)
        form = "" if cue.form == "text" else f" ({cue.form})"
        if visible and cue.form != "text":
            facts.append(("Shown as", cue.form))
            if cue.held_back:
                facts.append(("Text held back", cue.held_back))
        if cue.shown_at is not None:
            facts.append(("Shown at", clock(cue.shown_at, tenths=True)))
        facts.append(("Known after", seconds(max(0, cue.known_at - cue.opened))))
        facts.append(("Rule", cue.id))
        lane.add(
            cue.opened,
            cue.closed,
            title,
            look=f"cue {shown}",
            row=0 if visible else 1,
            icon=CUE_ICONS.get(cue.id, "bell"),
            label=f"{cue.text}{form}" if visible else f"{cue.text} · {why}",
            facts=facts,
            around=cue.evidence[0] if cue.evidence else None,
        )
    reason = None if lane.events else "No prompt in this call"
    return Lane("cue", "Prompts", "shown / held back", 2, lane.marks(), reason)


def _words(document: CallDocument) -> Lane | None:
    lane = _Builder("word", document.call.duration_ms)
    mono = document.call.channel_mode == "mono"
    for event in sorted(document.language_events, key=lambda x: x.begin):
        name = LANGUAGE_NAMES.get(event.kind, LANGUAGE_OTHER)
        facts = [("Said", f"“{event.phrase}”"), ("By", SIDES[event.role])]
        if event.suggestion:
            facts.append((_SUGGESTED.get(event.kind, "Try"), event.suggestion))
        if event.unexplained is not None:
            facts.append(("Explained", "no" if event.unexplained else "yes, or the caller's own word"))
        if event.severity is not None:
            facts.append(("Weight" if event.kind == "strong_words" else "Severity", f"{event.severity} of 3"))
        facts.append(("List row", event.id))
        tip = f"{name}: “{event.phrase}” ({event.id})"
        if event.suggestion:
            tip += f". {_SUGGESTED.get(event.kind, 'Try')}: {event.suggestion}"
        lane.add(
            event.begin,
            event.end,
            f"{name}: “{event.phrase}”",
            look=f"point word w-{_word_shape(event)} {_ROLE_CLASS[event.role]}",
            row=1 if event.role is Channel.AGENT else 0,
            icon=LANGUAGE_ICONS.get(event.kind, LANGUAGE_OTHER_ICON),
            label=f"“{event.phrase}”" if event.kind in _QUOTED_KINDS else name.lower(),
            facts=facts,
            tip=tip,
        )
    if not lane.events and (document.language is None or mono):
        return None
    reason = None if lane.events else "No phrase of the word lists was said"
    return Lane("word", "Words", "" if mono else "you below", 1 if mono else 2, lane.marks(), reason)


def _word_shape(event: LanguageEventEntry) -> str:
    if event.kind == "jargon":
        return "dashed" if event.unexplained else "thin"
    if event.kind == "commitment" and event.id == "L14-vague":
        return "dashed"
    return LANGUAGE_SHAPES.get(event.kind, "bare")
