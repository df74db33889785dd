"""What a word list is made of: rows with stable ids, and the lists that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from callcoach.lexicon.patterns import Grammar


class Place(StrEnum):
    """Where in a turn a row counts; looked at by the matcher."""

    TURN_START = "turn_start"
    """Begins with the first word of a turn, lead-ins such as "well" and "okay" aside."""
    SENTENCE_START = "sentence_start"
    """Begins with the first word of a sentence or turn, lead-ins aside."""
    SENTENCE_END = "sentence_end"
    """Ends with the last word of a sentence or turn."""
    ALONE = "alone"
    """Is a whole sentence, lead-ins aside."""


class Need(StrEnum):
    """What must be true around a match before it counts; the caller of the matcher looks at it."""

    REPEATED = "repeated"
    """Counts from the ``times``-th match of this row in the call."""
    AFTER_SILENCE = "after_silence"
    """Nobody spoke for 3 s or more before it."""
    AFTER_ACKNOWLEDGEMENT = "after_acknowledgement"
    """At most 12 words after a match of the list ``acknowledgement`` in the same turn."""
    ONLY_ACKNOWLEDGEMENT = "only_acknowledgement"
    """The turn holds no other match of the list ``acknowledgement`` that credits a type."""
    UNLESS_OTHER_PARTY = "unless_other_party"
    """The other party has not said the same words before."""
    AFTER_COMPLAINT = "after_complaint"
    """The other party's last turn held strong words."""
    AFTER_BAD_NEWS = "after_bad_news"
    """The other party's last turn held a discouraged phrase or a refusal."""
    WITH_STRONG_WORDS = "with_strong_words"
    """Another row of the list ``strong`` matched within 60 s."""
    WITHOUT_RECAP = "without_recap"
    """No recap and no next step was said in the last 60 s."""


class Negation(StrEnum):
    """What the matcher does with a match that is negated within three words before it."""

    DROP = "drop"
    MARK = "mark"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a list.

    ``severity`` is 1 to 3 (3 may be prompted live), ``weight`` 1 to 3 (strong words) or the amount that a
    relief marker takes off. ``say`` is the alternative or the plain words, ``short`` the same in at most four
    words for a live prompt. ``patterns`` and ``exceptions`` are written in the language of
    :mod:`callcoach.lexicon.patterns`; a match that overlaps an exception of its own row does not count.
    """

    id: str
    list: str
    kind: str
    patterns: tuple[str, ...]
    severity: int | None = None
    weight: float | None = None
    say: str | None = None
    short: str | None = None
    note: str | None = None
    exceptions: tuple[str, ...] = ()
    places: frozenset[Place] = frozenset()
    needs: frozenset[Need] = frozenset()
    times: int = 2
    """For :attr:`Need.REPEATED`: the first match that counts, from 2."""
    negation: Negation | None = None
    """Other than that of the list: for rows whose own words already say "not"."""
    escalation: bool = False
    """Marks a likely escalation (``esc`` in section 10.5)."""
    examples: tuple[str, ...] = ()
    counter_examples: tuple[str, ...] = ()
    language: str = "en"
    own: bool = False
    """True if it stands in, or was changed by, a user's own file; its matching time is bounded."""


@dataclass(frozen=True, slots=True)
class WordList:
    """One list: its rows in the order of the file, and how its matches are looked at."""

    name: str
    title: str
    said_by: str
    """``agent``, ``caller``, ``either``, or ``nobody`` for lines that are only shown."""
    source: str
    rows: tuple[Row, ...]
    negation: Negation = Negation.KEEP
    reported: bool = False
    """True if words that repeat somebody else ("he told me ...") do not count."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Meaning of every ``kind`` of this list."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All lists of one language."""

    language: str
    version: int
    lists: Mapping[str, WordList]
    grammar: Grammar
    """What patterns are read with: slots, spellings, irregular forms."""
    negators: frozenset[str]
    """Words that negate what follows within three words."""
    reporters: frozenset[str]
    """Words that report what somebody else said."""
    fillers: frozenset[str]
    """Words that are stepped over inside a match."""
    lead_ins: frozenset[str]
    """Words that may stand before a match that begins a sentence or turn."""
    subjects: frozenset[str]
    """Words that begin a clause of their own, which a negation before does not reach."""
    opinions: frozenset[str]
    """Words behind a negator ("I do not think ...") that carry it into such a clause."""

    def rows(self, name: str) -> tuple[Row, ...]:
        """Rows of a list.

        Raises
        ------
        KeyError
            If there is no list of this name.
        """
        return self.lists[name].rows

    def row(self, row_id: str) -> Row | None:
        """Return the row of an id, or None."""
        return next((r for each in self.lists.values() for r in each.rows if r.id == row_id), None)
