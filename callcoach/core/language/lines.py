"""Lines of the word lists that can be said as they stand, for prompts."""

from __future__ import annotations

from callcoach.core.language.finder import ACKNOWLEDGEMENT
from callcoach.core.language.lists import language_lists
from callcoach.lexicon import Lexicon


def acknowledging_line(lexicon: Lexicon, number: int) -> str | None:
    """Return a line of table 10.4 for the ``number``-th prompt of a call; None where none fits.

    Only lines that need nothing filled in and that are switched on; they take turns.
    """
    rows = lexicon.lists.get(ACKNOWLEDGEMENT)
    fit = language_lists()["prompts.acknowledging"]
    lines = [row.say for row in rows.rows if row.id in fit and row.say] if rows is not None else []
    return lines[number % len(lines)] if lines else None
