"""Lines of the word lists that can be said as they stand, for prompts."""

from __future__ import annotations

from callcoach.lexicon import Lexicon

_SAID_AS_IT_IS = ("cognitive", "attentive", "C", "A")


def acknowledging_line(lexicon: Lexicon, number: int) -> str | None:
    """Return a short line of table 10.4 for the ``number``-th prompt of a call; None where none fits.

    Only lines of the types with credit (L05) that need nothing filled in; they take turns.
    """
    rows = lexicon.lists.get("acknowledgement")
    if rows is None:
        return None
    lines = [
        row.short or row.say
        for row in rows.rows
        if row.kind in _SAID_AS_IT_IS and (row.short or row.say) and "(" not in (row.short or row.say or "")
    ]
    return lines[number % len(lines)] if lines else None
