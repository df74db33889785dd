"""The one thing to work on: chosen from the numbers by fixed rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from callcoach.contract import AcknowledgementEntry, CallDocument, LanguageEventEntry, OverlapEntry
from callcoach.events import Channel
from callcoach.sinks._style import clock, plural
from callcoach.sinks._texts import timed_words
from callcoach.sinks.report.bands import BANDS, State, judge, value_of
from callcoach.sinks.report.highlights import CLIP_MS, Highlight, Quote, clip_around
from callcoach.sinks.report.numbers import NAMES
from callcoach.sinks.report.values import shown
from callcoach.sinks.report.wording import CLASS_NAMES, figure, seconds

HIT_RATE_GOOD: Final = 0.8
HIT_RATE_BAD: Final = 0.3
"""L04: share of acknowledgement windows that were answered in time."""
WORST_SEVERITY: Final = 3
"""L01: severity of the phrases that matter most."""
UNHEARD_S: Final = 45.0
"""M17: seconds of caller speech without a backchannel."""
_QUOTED: Final = 7
_QUOTE_REACH_MS: Final = 6000


def work_on(document: CallDocument) -> Highlight | None:
    """Return the one thing to work on: the worst figure outside its target, by order among equals.

    First what stands beyond its second limit, then beyond the first; None when nothing does.
    """
    candidates = [(tell(document), make) for tell, make in _CANDIDATES]
    for wanted in ("act", "watch"):
        for state, make in candidates:
            if state == wanted:
                chosen = make(document)
                if chosen is not None:
                    return chosen
    return None


def _story_cut(document: CallDocument) -> Highlight | None:
    story, duration = document.opening_story, document.call.duration_ms
    if story is None or story.cut_at is None:
        return None
    told = max(0, story.cut_at - story.begin)
    others = [x for x in own_interruptions(document) if abs(x.begin - story.cut_at) > CLIP_MS]
    count = len(own_interruptions(document))
    fact = f"you came in {seconds(told)} into the story, at {clock(story.cut_at)}"
    if count > 1:
        fact += f"; {plural(count, 'interruption')} in the call"
    return Highlight(
        "Let them finish",
        fact,
        "hand",
        why="Left alone, a caller needs 92 s on average for the story. Wait one breath before you speak.",
        clip=clip_around(story.cut_at, story.cut_at, duration),
        at=story.cut_at,
        quote=_quote(document, story.cut_at, Channel.AGENT),
        more=tuple((x.begin, x.end) for x in others),
    )


def _interrupted(document: CallDocument) -> Highlight | None:
    own = own_interruptions(document)
    rate = document.metrics.M08
    if not own or rate is None:
        return None
    worst = max(own, key=lambda x: (x.weight, x.length_ms))
    per_10min = figure(rate.per_10min, "", 1)
    fact = f"{plural(len(own), 'interruption')}, {per_10min} per 10 min of caller speech, target up to 1"
    return Highlight(
        "Let them finish",
        fact,
        "hand",
        why=f"Here you {CLASS_NAMES[worst.overlap_class]}. Wait one breath after the caller stops.",
        clip=clip_around(worst.begin, worst.end, document.call.duration_ms),
        at=worst.begin,
        quote=_quote(document, worst.begin, Channel.AGENT),
        more=tuple((x.begin, x.end) for x in own if x is not worst),
    )


def own_interruptions(document: CallDocument) -> list[OverlapEntry]:
    """Return the counted overlaps that the agent began, in order of time."""
    return [x for x in document.overlaps if x.counted and x.incomer is Channel.AGENT]


def _dead_air(document: CallDocument) -> Highlight | None:
    dead = [s for s in document.silences if s.kind == "dead_air" and s.owner is not Channel.CALLER]
    if not dead:
        return None
    longest = max(dead, key=lambda s: s.length_ms)
    return Highlight(
        "Say what you're doing",
        f"{plural(len(dead), 'silence')} of 6 s and more, the longest {seconds(longest.length_ms)}",
        "activity",
        why="A silence is fine when the caller knows what happens: say what you do and how long it takes.",
        clip=clip_around(longest.begin, longest.begin + 3000, document.call.duration_ms),
        at=longest.begin,
        more=tuple((s.begin, s.end) for s in dead if s is not longest),
    )


def _silences(document: CallDocument) -> Highlight | None:
    """Return the longest silence, announced or not: nobody talks in it all the same."""
    quiet = sorted(document.silences, key=lambda s: s.length_ms, reverse=True)
    if not quiet:
        return Highlight("Keep the silences short", figure_line(document, "M04"), "clock")
    end = min(quiet[0].end, quiet[0].begin + CLIP_MS)
    return Highlight(
        "Keep the silences short",
        figure_line(document, "M04"),
        "clock",
        why="Announced silences count too: share a step with the caller while you wait.",
        clip=clip_around(quiet[0].begin, end, document.call.duration_ms),
        at=quiet[0].begin,
        more=tuple((s.begin, s.end) for s in quiet[1:]),
    )


def _monologue(document: CallDocument) -> Highlight | None:
    longest = document.metrics.M14
    if longest is None:
        return None
    middle = longest.begin + min(longest.length_ms, 45_000)
    return Highlight(
        "Pause: check with them",
        f"you held the floor for {seconds(1000 * longest.longest_s)}, target up to 45 s",
        "message-circle-question-mark",
        why="Split long explanations: one step, then a question.",
        clip=clip_around(middle, middle, document.call.duration_ms),
        at=longest.begin,
    )


def _answers(document: CallDocument) -> Highlight | None:
    latency = document.metrics.M12
    if latency is None:
        return None
    early = latency.median_ms < 0
    return Highlight(
        "Wait one breath" if early else "Answer, or say you're checking",
        f"median {seconds(latency.median_ms)} over {plural(latency.n, 'answer')}, target 0.2 to 1.5 s",
        "timer" if early else "message-circle",
        why="Your answers begin before the caller's last word is out."
        if early
        else "A short “let me check” tells the caller that you heard the question.",
    )


def _pace(document: CallDocument) -> Highlight | None:
    pace = document.metrics.V03
    if pace is None:
        return None
    return _voice(
        document,
        ("fast",),
        "A little slower",
        f"faster than your usual for {figure(pace.fast_pct, '%')} of your speech, target up to 5 %",
        "gauge",
    )


def _level(document: CallDocument) -> Highlight | None:
    level = document.metrics.V06
    if level is None or level.strongest_db is None:
        return None
    strongest = figure(level.strongest_db, "dB", 1, signed=True)
    fact = f"{plural(level.spikes, 'rise')} over your usual, the strongest {strongest}"
    return _voice(document, ("level_spike",), "Softer voice", fact, "volume-2")


def _raised(document: CallDocument) -> Highlight | None:
    raised = document.metrics.V12
    if raised is None:
        return None
    total = seconds(1000 * raised.total_s)
    fact = f"two of level, pitch and pace over your usual, {raised.openings}×, {total} in all"
    return _voice(document, ("raised_delivery",), "Breathe out, then speak", fact, "wind")


def _voice(document: CallDocument, kinds: tuple[str, ...], text: str, fact: str, icon: str) -> Highlight:
    own = [e for e in document.voice_events if e.kind in kinds and e.role is Channel.AGENT]
    if not own:
        return Highlight(text, fact, icon)
    longest = max(own, key=lambda e: e.length_ms)
    return Highlight(
        text,
        fact,
        icon,
        clip=clip_around(longest.begin, min(longest.end, longest.begin + CLIP_MS), document.call.duration_ms),
        at=longest.begin,
        more=tuple((e.begin, e.end) for e in own if e is not longest),
    )


def _share(document: CallDocument) -> Highlight | None:
    share = value_of(document.metrics, "M02")
    if share is None:
        return None
    return Highlight(
        "Ask, then listen",
        f"you {figure(share, '%')} of the talk, target 40 to 60 %",
        "ear",
        why="An open question gives the floor back.",
    )


def _missed(document: CallDocument) -> list[AcknowledgementEntry]:
    return [window for window in document.acknowledgement_windows if window.result == "miss"]


def _acknowledged_state(document: CallDocument) -> State:
    """Judge L04: 80 % hits are the target, below 30 % stands the lower end of its score."""
    windows = document.acknowledgement_windows
    if not windows:
        return "none"
    rate = sum(window.result == "hit" for window in windows) / len(windows)
    return "in" if rate >= HIT_RATE_GOOD else "act" if rate < HIT_RATE_BAD else "watch"


def _acknowledge(document: CallDocument) -> Highlight | None:
    missed, windows = _missed(document), document.acknowledgement_windows
    if not missed:
        return None
    at = missed[0].opened
    return Highlight(
        "Acknowledge it first",
        f"strong words from the caller went unanswered in {len(missed)} of {len(windows)} places",
        "quote",
        why="Say that you heard it, then ask. One sentence within 15 s is enough.",
        clip=clip_around(at, at + 3000, document.call.duration_ms),
        at=at,
        quote=_quote(document, at, Channel.AGENT),
        more=tuple((window.opened, window.opened) for window in missed[1:]),
    )


def _worst_phrases(document: CallDocument) -> list[LanguageEventEntry]:
    return [
        event
        for event in document.language_events
        if event.kind == "discouraged" and event.role is Channel.AGENT and event.severity == WORST_SEVERITY
    ]


def _phrase(document: CallDocument) -> Highlight | None:
    phrases = _worst_phrases(document)
    if not phrases:
        return None
    first = phrases[0]
    return Highlight(
        f"Try: {first.suggestion}" if first.suggestion else "Say it differently",
        f"said: “{first.phrase}”",
        "rotate-ccw",
        clip=clip_around(first.begin, first.end, document.call.duration_ms),
        at=first.begin,
        more=tuple((event.begin, event.end) for event in phrases[1:]),
    )


def _unheard_state(document: CallDocument) -> State:
    """Judge M17: no backchannel in 45 s and more of caller speech."""
    heard, talk = document.metrics.M17, document.metrics.M01
    is_silent = heard is not None and talk is not None and not heard.count and talk.caller_s >= UNHEARD_S
    return "watch" if is_silent else "none"


def _unheard(document: CallDocument) -> Highlight | None:
    talk = document.metrics.M01
    if talk is None:
        return None
    fact = f"no “mhm” of yours in {seconds(1000 * talk.caller_s)} of caller speech, target 2 per minute"
    return Highlight(
        "Let them hear you", fact, "ear", why="A short “mhm” tells the caller that you are there."
    )


def _figure(metric: str) -> Callable[[CallDocument], Highlight | None]:
    """Return a maker of the plain highlight of a metric: what to do, and the figure with its target."""
    action, icon = _ACTIONS[metric]

    def make(document: CallDocument) -> Highlight | None:
        return Highlight(action, figure_line(document, metric), icon)

    return make


def figure_line(document: CallDocument, metric: str) -> str:
    """Return name, value and target of a measured metric in one line."""
    value, details = shown(document.metrics, metric)
    more = f" ({details})" if details else ""
    return f"{NAMES[metric][:1].lower()}{NAMES[metric][1:]}: {value}{more}, target {BANDS[metric].target}"


def beside(document: CallDocument) -> tuple[str, ...]:
    """Return lines about figures outside their target without a limit passed, at most two."""
    found = [metric for metric in BANDS if judge(document.metrics, metric) == "beside"]
    return tuple(figure_line(document, metric) for metric in found[:2])


_ACTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "M09": ("Let them finish", "hand"),
    "M06": ("One at a time", "hand"),
    "M10": ("Pause: check with them", "message-circle-question-mark"),
    "V16": ("Breathe out, then speak", "wind"),
    "V04": ("Keep your pace", "gauge"),
    "V05": ("Match their pace", "gauge"),
    "V10": ("Vary your pitch", "audio-waveform"),
    "V14": ("Leave a pause instead", "timer"),
    "V08": ("Turn the microphone down", "mic"),
}
"""What to do about metrics that have no clip of their own, in order."""


def _metric(metric: str) -> Callable[[CallDocument], State]:
    return lambda document: judge(document.metrics, metric)


_CANDIDATES: Final[
    tuple[tuple[Callable[[CallDocument], State], Callable[[CallDocument], Highlight | None]], ...]
] = (
    (_metric("M11"), _story_cut),
    (_metric("M08"), _interrupted),
    (_acknowledged_state, _acknowledge),
    (_metric("M05"), _dead_air),
    (_metric("M04"), _silences),
    (_metric("M14"), _monologue),
    (_metric("V12"), _raised),
    (_metric("V03"), _pace),
    (_metric("V06"), _level),
    (lambda document: "watch" if _worst_phrases(document) else "none", _phrase),
    (_metric("M12"), _answers),
    (_metric("M02"), _share),
    (_unheard_state, _unheard),
    *((_metric(metric), _figure(metric)) for metric in _ACTIONS),
)


def _quote(document: CallDocument, at: int, incomer: Channel) -> Quote | None:
    """Return the last words of the side that held the floor and the first of the one that came in."""
    holder = [w for b, _, w in timed_words(document, incomer.other) if at - _QUOTE_REACH_MS <= b < at + 400]
    came = [w for b, _, w in timed_words(document, incomer) if at - 250 <= b < at + _QUOTE_REACH_MS]
    if not holder or not came:
        return None
    return Quote(incomer.other, " ".join(holder[-_QUOTED:]) + " …", incomer, " ".join(came[:_QUOTED]))
