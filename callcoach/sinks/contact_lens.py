"""Export in the documented post-call shape of Amazon Connect Contact Lens.

Only keys with a measured counterpart are written. Nothing about an Amazon account, categories,
issues or anybody's state of mind is made up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from pydantic import JsonValue

from callcoach.contract import CallDocument, TimedModel
from callcoach.events import Channel
from callcoach.sinks._texts import timed_words

NON_TALK_MIN_MS: Final = 3000
"""Contact Lens counts silences longer than 3 s, and holds, as non-talk time."""

RATE_PAUSE_MS: Final = 500
"""Pauses up to 0.5 s belong to the speech time of a speaking rate (metric definitions V01)."""
RATE_MIN_WORDS: Final = 12
RATE_MIN_MS: Final = 6000
"""A speaking rate from less than 12 words or 6 s of speech says nothing (metric definitions V01)."""

_ROLES: Final = {Channel.AGENT: "AGENT", Channel.CALLER: "CUSTOMER"}


def contact_lens(document: CallDocument) -> dict[str, JsonValue]:
    """Return the export as plain JSON; times in milliseconds.

    Transcript entries of a mono recording carry no participant, since nobody was told apart.
    """
    is_sided = document.call.channel_mode != "mono"
    export: dict[str, JsonValue] = {
        "Version": "1.1.0",
        "Channel": "VOICE",
        "ContentMetadata": {"Output": "Raw"},
        "JobStatus": "COMPLETED",
    }
    if document.call.language is not None:
        export["LanguageCode"] = document.call.language
    if is_sided:
        export["Participants"] = [
            {"ParticipantId": name, "ParticipantRole": name} for name in ("CUSTOMER", "AGENT")
        ]
    export["ConversationCharacteristics"] = _characteristics(document, is_sided=is_sided)
    export["Transcript"] = _transcript(document)
    return export


def contact_lens_text(document: CallDocument) -> str:
    """Return the export as the text of its file."""
    return json.dumps(contact_lens(document), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _characteristics(document: CallDocument, *, is_sided: bool) -> dict[str, JsonValue]:
    silent = [
        entry for entry in document.silences if entry.kind == "hold" or entry.length_ms > NON_TALK_MIN_MS
    ]
    facts: dict[str, JsonValue] = {
        "TotalConversationDurationMillis": document.call.duration_ms,
        "NonTalkTime": {
            "TotalTimeMillis": sum(entry.length_ms for entry in silent),
            "Instances": _instances(silent),
        },
    }
    if not is_sided:
        return facts
    counted = {
        role: [entry for entry in document.overlaps if entry.counted and entry.incomer is role]
        for role in _ROLES
    }
    every = [entry for entries in counted.values() for entry in entries]
    facts["Interruptions"] = {
        "InterruptionsByInterrupter": {
            _ROLES[role]: _instances(entries) for role, entries in counted.items() if entries
        },
        "TotalCount": len(every),
        "TotalTimeMillis": sum(entry.length_ms for entry in every),
    }
    talk = {role: sum(e.length_ms for e in document.segments if e.role is role) for role in _ROLES}
    if document.segments:
        facts["TalkTime"] = {
            "TotalTimeMillis": sum(talk.values()),
            "DetailsByParticipant": {_ROLES[role]: {"TotalTimeMillis": ms} for role, ms in talk.items()},
        }
    rates = {role: rate for role in _ROLES if (rate := words_per_minute(document, role)) is not None}
    if rates:
        facts["TalkSpeed"] = {
            "DetailsByParticipant": {
                _ROLES[role]: {"AverageWordsPerMinute": round(rate)} for role, rate in rates.items()
            }
        }
    return facts


def words_per_minute(document: CallDocument, role: Channel) -> float | None:
    """Return words per minute of speech over the whole call, pauses up to 0.5 s included.

    None with fewer than `RATE_MIN_WORDS` words or less than `RATE_MIN_MS` of speech.
    """
    words = sum(1 for _ in timed_words(document, role))
    speech = sorted((entry.begin, entry.end) for entry in document.segments if entry.role is role)
    total, reached = 0, None
    for begin, end in speech:
        if reached is not None and begin - reached <= RATE_PAUSE_MS:
            total += max(0, end - reached)
        else:
            total += end - begin
        reached = end if reached is None else max(reached, end)
    return 60_000 * words / total if words >= RATE_MIN_WORDS and total >= RATE_MIN_MS else None


def _instances(entries: Iterable[TimedModel]) -> list[JsonValue]:
    return [
        {"BeginOffsetMillis": entry.begin, "DurationMillis": entry.length_ms, "EndOffsetMillis": entry.end}
        for entry in entries
    ]


def _transcript(document: CallDocument) -> list[JsonValue]:
    turns: list[JsonValue] = []
    for number, entry in enumerate(sorted(document.transcript, key=lambda e: (e.begin, e.end)), start=1):
        turn: dict[str, JsonValue] = {
            "BeginOffsetMillis": entry.begin,
            "Content": entry.text,
            "EndOffsetMillis": entry.end,
            "Id": f"{document.call.id}-{number}",
        }
        if entry.role is not None:
            turn["ParticipantId"] = _ROLES[entry.role]
        turns.append(turn)
    return turns
