"""The draft of a ticket note: lines of the call with their times, and the text to copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from callcoach.contract import CallDocument
from callcoach.contract.language_parts import NoteLine
from callcoach.sinks._style import clock, length
from callcoach.sinks.report.highlights import Interval

HEADLINE: Final = "DRAFT, put together by rules from the words of the call. Check every line."
_WRAP: Final = 76
"""Characters that fit a line of the text field, about; only its height depends on it."""


@dataclass(frozen=True, slots=True)
class TicketNote:
    """The draft as plain text; ``rows`` is the height of its field, ``places`` where its lines were said."""

    text: str
    rows: int
    places: tuple[tuple[str, Interval], ...]


def ticket_note(document: CallDocument) -> TicketNote | None:
    """Return the draft; None where the call gave none."""
    draft = None if document.language is None else document.language.ticket_note
    if draft is None:
        return None
    call = document.call
    when = "" if call.started_at is None else f"{call.started_at:%Y-%m-%d %H:%M}, "
    step = () if draft.next_step is None else (draft.next_step,)
    parts = (
        ("Problem, in the caller's words", draft.problem, "not heard"),
        ("Tried by the caller", draft.caller_tried, "nothing heard"),
        ("Steps in the call", draft.steps, "none heard"),
        ("Next step", step, "no promise with owner, action and time was heard"),
    )
    lines = [HEADLINE, f"Call: {when}{length(call.duration_ms)}"]
    places: list[tuple[str, Interval]] = []
    for title, said, empty in parts:
        lines += ["", f"{title}:"]
        lines += [f"- {_one_line(line)} [{clock(line.begin)}]" for line in said] or [f"- ({empty})"]
        name = title.split(",", maxsplit=1)[0]
        places += [
            (name, (max(0, line.begin - 1000), min(call.duration_ms, line.end + 1000))) for line in said
        ]
    height = sum(1 + len(line) // _WRAP for line in lines)
    return TicketNote("\n".join(lines), height + 1, tuple(places))


def _one_line(line: NoteLine) -> str:
    return " ".join(line.text.split())
