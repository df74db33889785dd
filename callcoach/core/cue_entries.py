"""Voice events and cues of a finished call as ``call.json`` lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, get_args

from callcoach.clock import to_ms
from callcoach.contract.call import CueEntry, VoiceEventEntry, VoiceEventKind
from callcoach.core.cues.catalogue import catalogue
from callcoach.events import CueClosed, CueHeldBack, CueOpened, CueShown, Event, VoiceClosed, VoiceOpened

_LISTED: Final = frozenset(get_args(VoiceEventKind))


def voice_entries(events: Iterable[Event], clip: Callable[[int], int]) -> list[VoiceEventEntry]:
    """Join openings and closings; ``clip`` turns samples into milliseconds inside the recording."""
    opened: dict[int, VoiceOpened] = {}
    entries: list[VoiceEventEntry] = []
    for event in events:
        if isinstance(event, VoiceOpened):
            opened[event.number] = event
        elif isinstance(event, VoiceClosed) and event.kind in _LISTED:
            entries.append(
                VoiceEventEntry.model_validate(
                    {
                        "role": event.channel,
                        "kind": event.kind,
                        "begin": clip(event.span.start),
                        "end": clip(event.span.end),
                        "known_at": to_ms(opened[event.number].known_at),
                        "facts": event.facts,
                    }
                )
            )
    return sorted(entries, key=lambda e: (e.begin, e.end, e.kind))


def cue_entries(events: Iterable[Event], clip: Callable[[int], int]) -> list[CueEntry]:
    """Join what opened, was shown or held back, and closed; in the order of opening."""
    log: dict[int, list[Event]] = {}
    for event in events:
        if isinstance(event, CueOpened | CueClosed | CueShown | CueHeldBack):
            log.setdefault(event.number, []).append(event)
    return [_cue(parts, clip) for _, parts in sorted(log.items())]


def _cue(parts: list[Event], clip: Callable[[int], int]) -> CueEntry:
    opened = [e for e in parts if isinstance(e, CueOpened)]
    entry = catalogue()[opened[0].cue]
    closed = next((e for e in parts if isinstance(e, CueClosed)), None)
    shown = [e for e in parts if isinstance(e, CueShown)]
    held = [e for e in parts if isinstance(e, CueHeldBack)]
    first, last = opened[0], opened[-1]
    text = next((e.text for e in shown if e.text is not None), None)
    said = entry.said({**first.facts, **last.facts})
    end = last.known_at if closed is None else closed.known_at
    return CueEntry.model_validate(
        {
            "id": first.cue,
            "key": entry.key,
            "opened": clip(first.span.start),
            "closed": max(clip(first.span.start), clip(end)),
            "known_at": to_ms(first.known_at),
            "shown": text is not None,
            "suppressed_by": held[-1].by if held and text is None else None,
            "form": "text" if text is not None else (shown[-1].form if shown else last.form),
            "shown_at": None if not shown else to_ms(shown[0].known_at),
            "held_back": held[-1].detail if held and text is None else None,
            "text": text if text is not None else said.text or entry.text,
            "line": said.line or None,
            "facts": {**first.facts, **last.facts},
            "evidence": tuple((clip(s.start), clip(s.end)) for s in last.evidence),
        }
    )
