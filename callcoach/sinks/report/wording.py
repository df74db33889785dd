"""Words and number formats of the page: second person, facts, a thin space before units."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from callcoach.contract import CueEntry, OverlapClass, OverlapEntry, SilenceEntry
from callcoach.contract.call import VoiceEventKind
from callcoach.events import Channel, Fact
from callcoach.sinks._style import clock

THIN: Final = "\N{THIN SPACE}"
MINUS: Final = "\N{MINUS SIGN}"
DASH: Final = "\N{EN DASH}"

SIDES: Final[Mapping[Channel | None, str]] = {
    Channel.AGENT: "You",
    Channel.CALLER: "Caller",
    None: "Recording",
}

CLASS_NAMES: Final[Mapping[OverlapClass, str]] = {
    "floor_taking": "took the floor",
    "butting_in": "talked over",
    "pause_barge_in": "came in on a pause",
    "backchannel": "listener's “mhm”",
    "terminal": "end of a turn",
    "simultaneous_start": "both started",
    "cooperative": "helped along",
    "unsure": "undecided",
}
CLASS_ICONS: Final[Mapping[OverlapClass, str]] = {
    "floor_taking": "hand",
    "butting_in": "merge",
    "pause_barge_in": "pause",
    "backchannel": "circle",
    "terminal": "chevrons-right",
    "simultaneous_start": "equal",
    "cooperative": "handshake",
    "unsure": "circle-question-mark",
}
CLASS_RULES: Final[Mapping[OverlapClass, str]] = {
    "floor_taking": "Counted, weight 1: came in before the turn was over and went on.",
    "butting_in": "Counted, weight 0.5: talked for 0.8 s or more while the other kept the floor.",
    "pause_barge_in": "Counted, weight 0.5: came in within 0.6 s of a pause in an unfinished sentence.",
    "backchannel": "Not counted: a sign of listening.",
    "terminal": "Not counted: less than 0.35 s at the end of a turn.",
    "simultaneous_start": "Not counted: both began within 0.25 s.",
    "cooperative": "Not counted: a short word of help, the other went on.",
    "unsure": "Not counted: no rule decided.",
}

SILENCE_NAMES: Final[Mapping[str, str]] = {
    "gap": "Pause",
    "dead_air": "Dead air",
    "hold": "Hold",
    "narrated": "Announced silence",
}

VOICE_NAMES: Final[Mapping[VoiceEventKind, str]] = {
    "level_spike": "Louder than usual",
    "pitch_spike": "Higher than usual",
    "fast": "Faster than usual",
    "slow": "Slower than usual",
    "quiet": "Quieter than usual",
    "flat": "Even pitch",
    "raised_delivery": "Two quantities raised",
}
VOICE_ICONS: Final[Mapping[VoiceEventKind, str]] = {
    "level_spike": "volume-2",
    "pitch_spike": "audio-waveform",
    "fast": "gauge",
    "slow": "gauge",
    "quiet": "volume-1",
    "flat": "move-horizontal",
    "raised_delivery": "wind",
}

LANGUAGE_NAMES: Final[Mapping[str, str]] = {
    "discouraged": "Say it differently",
    "acknowledgement": "Acknowledged",
    "strong_words": "Strong words",
    "jargon": "Term",
    "check_back": "Checked back",
    "recap": "Recap",
    "deescalation": "Steadying words",
    "hold_notice": "Hold announced",
    "commitment": "Next step",
    "open_question": "Open question",
    "apology": "Apology",
    "thanks": "Thanks",
}
LANGUAGE_OTHER: Final = "Asked back"
"""Name of the one kind that the table leaves out: the caller asks what was meant."""
LANGUAGE_ICONS: Final[Mapping[str, str]] = {
    "discouraged": "repeat",
    "acknowledgement": "check",
    "strong_words": "quote",
    "jargon": "book-open",
    "check_back": "message-circle-question-mark",
    "recap": "rotate-ccw",
    "deescalation": "wind",
    "hold_notice": "clock",
    "commitment": "flag",
    "open_question": "message-circle",
    "apology": "message-circle-reply",
    "thanks": "thumbs-up",
}
LANGUAGE_OTHER_ICON: Final = "circle-question-mark"
LANGUAGE_SHAPES: Final[Mapping[str, str]] = {
    "strong_words": "square",
    "discouraged": "tag",
    "acknowledgement": "round",
    "deescalation": "round",
    "recap": "round",
    "check_back": "round",
    "hold_notice": "round",
    "commitment": "round",
}
"""Frame of a mark by kind: what helps is round, what the caller said strongly square, the rest bare."""

CUE_ICONS: Final[Mapping[str, str]] = {
    "C01": "hand",
    "C02": "message-circle-question-mark",
    "C03": "activity",
    "C04": "message-circle",
    "C05": "gauge",
    "C06": "gauge",
    "C07": "volume-2",
    "C08": "volume-1",
    "C09": "audio-waveform",
    "C10": "wind",
    "C11": "quote",
    "C12": "quote",
    "C13": "book-open",
    "C14": "circle-question-mark",
    "C15": "rotate-ccw",
    "C16": "gauge",
    "C17": "ear",
    "C18": "timer",
    "C19": "rotate-ccw",
    "C20": "clock",
    "C21": "pause",
    "C22": "repeat",
    "C23": "flag",
    "C24": "check",
    "C25": "check",
    "C26": "audio-waveform",
}
HELD_BACK: Final[Mapping[str, str]] = {
    "budget": "too close to other prompts",
    "cooldown": "the same prompt was shown shortly before",
    "stale": "no pause came in time",
    "muted": "muted",
    "quiet": "quiet time",
    "ramp": "not in the set for the first calls",
}
NOT_SHOWN: Final = "logged, not meant for the screen"

_UNITS: Final = (
    # Longest first: "_per_10min" also ends in "_min".
    ("_per_10min", "per 10 min", 1.0, 1),
    ("_per_min", "per min", 1.0, 1),
    ("_per_s", "per s", 1.0, 1),
    ("_semitones", "st", 1.0, 1),
    ("_dbfs", "dBFS", 1.0, 0),
    ("_wpm", "wpm", 1.0, 0),
    ("_pct", "%", 1.0, 0),
    ("_db", "dB", 1.0, 1),
    ("_hz", "Hz", 1.0, 0),
    ("_st", "st", 1.0, 1),
    ("_ms", "s", 0.001, 1),
    ("_s", "s", 1.0, 1),
)
_NAMES: Final[Mapping[str, str]] = {
    "overlap": "Both talking",
    "lead": "Before the end of the turn",
    "hold": "Went on for",
    "other_stopped": "Other side stopped",
    "other_resumed": "Other side went on",
    "peak": "Strongest",
    "strongest": "Strongest",
    "level": "Level over usual",
    "pitch": "Pitch over usual",
    "pace": "Pace over usual",
    "rise": "Over your usual",
    "usual": "Your usual",
    "held": "For",
    "floor": "You had the floor",
    "silence": "Silent",
    "since": "Since",
    "after": "After",
    "agent": "You",
    "caller": "Caller",
    "variation": "Pitch range",
    "incomer_begin": "Came in at",
    "incomer_end": "Went on until",
    "holder_end": "Other side stopped at",
    "clause_complete": "Sentence was complete",
    "decided_by": "Decided from",
    "known_at": "Known at",
    "quantities": "Over your usual",
    "again": "Second time in a minute",
    "": "Pace",
}
_MOMENTS: Final = re.compile(r"(?:^|_)(?:begin|end|at)$")
"""Facts with these endings are positions in milliseconds."""


def figure(value: float, unit: str = "", digits: int = 0, *, signed: bool = False) -> str:
    """Return a figure with a thin space before its unit and a true minus sign."""
    text = f"{abs(value):.{digits}f}"
    is_zero = not float(text)
    sign = "" if is_zero else MINUS if value < 0 else "+" if signed else ""
    return f"{sign}{text}{THIN + unit if unit else ''}"


def seconds(ms: float, *, signed: bool = False) -> str:
    """Return milliseconds as seconds with one decimal, from a minute on as ``2 min 05 s``."""
    if abs(ms) < 59_950:
        return figure(ms / 1000, "s", 1, signed=signed)
    whole = round(abs(ms) / 1000)
    sign = MINUS if ms < 0 else ""
    return f"{sign}{whole // 60}{THIN}min {whole % 60:02d}{THIN}s"


def spoken_clock(ms: int) -> str:
    """Return a position as a screen reader says it: ``2 minutes 10 seconds``."""
    minutes, rest = divmod(round(ms / 1000), 60)
    parts = [f"{minutes} minute{'s' * (minutes != 1)}"] if minutes else []
    return " ".join([*parts, f"{rest} second{'s' * (rest != 1)}"])


def fact_rows(facts: Mapping[str, Fact]) -> list[tuple[str, str]]:
    """Return facts as name and value, in order; what is null, and which wording was taken, is left out."""
    return [_fact(name, value) for name, value in facts.items() if value is not None and name != "case"]


def _fact(name: str, value: Fact) -> tuple[str, str]:
    if isinstance(value, bool):
        return _name(name), "yes" if value else "no"
    if isinstance(value, int) and _MOMENTS.search(name):
        return _name(name), clock(value, tenths=True)
    if isinstance(value, (int, float)):
        for ending, unit, factor, digits in _UNITS:
            if name.endswith(ending) or name == ending[1:]:
                amount = value * factor
                is_rise = name.startswith("rise")
                text = figure(amount, unit, digits if amount % 1 else 0, signed=is_rise)
                return _name(name.removesuffix(ending) if name.endswith(ending) else ""), text
        return _name(name), figure(value, "", 2 if value % 1 else 0)
    return _name(name), str(value).replace("+", " and ")


def _name(key: str) -> str:
    known = _NAMES.get(key)
    if known:
        return known
    words = re.sub(r"[_\s]+", " ", key).strip()
    return words[:1].upper() + words[1:]


def overlap_title(overlap: OverlapEntry) -> str:
    """Return who did what: ``You took the floor``."""
    name = CLASS_NAMES[overlap.overlap_class]
    who = SIDES[overlap.incomer]
    if overlap.counted or overlap.overlap_class == "cooperative":
        return f"{who} {name}"
    return f"{who}: {name}"


def silence_title(silence: SilenceEntry) -> str:
    """Return kind, length and owner: ``Dead air 8.0 s, yours``."""
    owner = {Channel.AGENT: ", your move", Channel.CALLER: ", caller's move", None: ""}[silence.owner]
    return f"{SILENCE_NAMES[silence.kind]} {seconds(silence.length_ms)}{owner}"


def held_back(cue: CueEntry) -> str:
    """Return why a cue was not shown."""
    return HELD_BACK.get(cue.suppressed_by, cue.suppressed_by) if cue.suppressed_by else NOT_SHOWN
