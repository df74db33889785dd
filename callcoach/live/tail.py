"""The log of a live call whose process may have died: what can be read of it, and the same without the rest.

Each line reaches the system whole, so that a killed process tears none; a power cut may leave half a line or
zeros at the end. A damaged line is left out and counted, whatever stands behind it is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from callcoach.clock import HOP_LENGTH
from callcoach.events import Call, CallEnded, Event, Scrub, Words, event_from_json, event_to_json
from callcoach.sinks.jsonl import event_text
from callcoach.sources.stored_call import (
    MOST_HOPS,
    MOST_LINE_BYTES,
    MOST_LOG_BYTES,
    CallFolderError,
    no_number,
    open_bounded,
)

LOG_NAME: Final = "events.jsonl"


@dataclass(frozen=True, slots=True)
class LiveLog:
    """What can be read of a log."""

    header: Call | None
    """None where the first line is damaged."""
    events: tuple[Event, ...]
    """Everything after the header, in order; ``known_at`` never goes back."""
    damaged_lines: int
    lines: tuple[bytes, ...]
    """The readable lines as they are stored, header first, each with its end; they keep ``wall_s``."""
    changed: bool = False
    """Whether they differ from the file: lines are left out or completed, or words taken out."""


def read_live_log(path: Path) -> LiveLog:
    """Read a log that may be torn; a call that died before its first event has none, which is no error.

    Raises
    ------
    CallFolderError
        If the file cannot be read or is larger than `MOST_LOG_BYTES`.
    """
    header: Call | None = None
    events: list[Event] = []
    lines: list[bytes] = []
    damaged = latest = 0
    ended = False
    last = b""
    for number, line in enumerate(_lines(path)):
        last = line
        event = _event(line)
        if (
            event is None
            or not latest <= event.known_at <= MOST_HOPS * HOP_LENGTH
            or (isinstance(event, Call) and number > 0)
            or (isinstance(event, CallEnded) and ended)
        ):
            damaged += 1
            continue
        if isinstance(event, Call):
            header = event
        else:
            events.append(event)
        ended = ended or isinstance(event, CallEnded)
        latest = event.known_at
        lines.append(line if line.endswith(b"\n") else line + b"\n")
    scrubbed = _scrub(events, lines)
    torn = bool(lines) and lines[-1] != last
    return LiveLog(header, tuple(events), damaged, tuple(lines), damaged > 0 or scrubbed or torn)


def trim_log(log: LiveLog, header: Call | None = None) -> bytes:
    """Return the content of a log without its damaged lines, for writing it anew.

    Parameters
    ----------
    header : stands in for that of the log where it was damaged.

    Raises
    ------
    ValueError
        If there is no header at all.
    """
    if log.header is not None:
        return b"".join(log.lines)
    if header is None:
        raise ValueError("a log begins with its header")
    return event_line(header) + b"".join(log.lines)


def event_line(event: Event) -> bytes:
    """Return one line of a log."""
    return event_text(event_to_json(event)).encode() + b"\n"


def _scrub(events: list[Event], lines: list[bytes]) -> bool:
    """Take out words that were to be removed when the process died (PRV-4); tell whether there were any."""
    removed = [e.span for e in events if isinstance(e, Scrub)]
    first, found = len(lines) - len(events), False
    for index, event in enumerate(events):
        if removed and isinstance(event, Words):
            items = tuple(w for w in event.items if not any(w.span.overlap(s) for s in removed))
            if len(items) < len(event.items):
                events[index] = replace(event, items=items)
                lines[first + index] = event_line(events[index])
                found = True
    return found


def _event(line: bytes) -> Event | None:
    if len(line) > MOST_LINE_BYTES:
        return None
    try:
        return event_from_json(json.loads(line, parse_constant=no_number))
    except (ValueError, RecursionError):
        return None


def _lines(path: Path) -> Iterator[bytes]:
    """Yield lines; of one that is too long only the part that shows it."""
    if not path.exists():
        return
    with open_bounded(path.parent, path.name, MOST_LOG_BYTES) as file:
        try:
            while line := file.readline(MOST_LINE_BYTES + 1):
                yield line
                while line and not line.endswith(b"\n"):
                    line = file.readline(MOST_LINE_BYTES + 1)
        except OSError as error:
            raise CallFolderError(
                f"{path.name} in {path.parent.name} cannot be read ({error.strerror}); check the disk."
            ) from None
