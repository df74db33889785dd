"""Subtitles of a call: one cue per turn."""

from __future__ import annotations

from typing import Final

from callcoach.contract import CallDocument
from callcoach.events import Channel
from callcoach.sinks._texts import spoken_turns

_NAMES: Final = {Channel.AGENT: "Agent: ", Channel.CALLER: "Caller: ", None: ""}

# Players read angle brackets and braces as formatting.
_MARKUP: Final = str.maketrans({"<": "\u2039", ">": "\u203a", "{": "(", "}": ")"})


def srt_time(ms: int) -> str:
    """Return a time as ``HH:MM:SS,mmm``; hours may pass 99."""
    seconds, rest = divmod(ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d},{rest:03d}"


def srt_text(document: CallDocument) -> str:
    """Return the subtitles: turns with words, numbered from 1, in order of time.

    Times are those of the turns, so cues overlap where people did; a cue lasts at least 1 ms. A
    call without words gives an empty file.
    """
    cues: list[str] = []
    for turn in spoken_turns(document):
        if not turn.text:
            continue
        times = f"{srt_time(turn.begin)} --> {srt_time(max(turn.end, turn.begin + 1))}"
        cues.append(f"{len(cues) + 1}\n{times}\n{_NAMES[turn.role]}{turn.text.translate(_MARKUP)}\n")
    return "\n".join(cues)
