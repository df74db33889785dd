"""Finds the rows of word lists in what was said, in time linear in the text."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from callcoach.lexicon.patterns import Automaton, Part, read_pattern
from callcoach.lexicon.rows import Lexicon, Negation, Place, Row
from callcoach.lexicon.tokens import Tokens, normal_tokens

logger = logging.getLogger(__name__)

NEGATION_REACH = 3
"""Tokens before a match in which a negator counts (metric definitions, L15)."""
REPORT_REACH = 4
"""Tokens before a match in which a word of reporting counts (metric definitions, section 4)."""
LEAST_PROBABILITY = 0.4
"""A match that rests on a word less probable than this is marked [D]."""
OWN_ROW_SECONDS = 0.05
"""Time for one row of a user's own file in one search (IMP-12)."""

_OPENING_NO = frozenset({"no", "nope"})
Seconds = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Match:
    """A row found in words."""

    row: Row
    first: int
    last: int
    """Indices into the given words, inclusive."""
    low: bool = False
    """True if it rests on a word that was recognised with a low probability."""
    negated: bool = False
    """True if it is negated; only in lists that mark it (``word_balance``), else they are dropped."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One pattern in the machine: of which row, whether an exception, and where it must stand."""

    row: int
    exception: bool
    places: frozenset[Place]


@dataclass(frozen=True, slots=True)
class _Found:
    """A candidate: a row at tokens ``start`` to ``end``, inclusive."""

    row: int
    start: int
    end: int


class Matcher:
    """Rows of some lists, ready to be searched for.

    Parameters
    ----------
    lexicon
        The lists of one language.
    lists
        Names of the lists to look for.
    clock
        Seconds for the time bound of users' own rows; tests give their own.

    Raises
    ------
    KeyError
        If there is no list of a name.
    """

    def __init__(
        self, lexicon: Lexicon, lists: Collection[str], *, clock: Seconds = time.perf_counter
    ) -> None:
        self._lexicon = lexicon
        self._clock = clock
        self._rows: list[Row] = [row for name in lists for row in lexicon.rows(name)]
        self._list_of = [row.list for row in self._rows]
        self._entries: list[_Entry] = []
        shipped: list[tuple[Part, int]] = []
        self._own: dict[int, Automaton] = {}
        for number, row in enumerate(self._rows):
            entries = self._read(row, number)
            if row.own:
                self._own[number] = Automaton(entries)
            else:
                shipped += entries
        self._shipped = Automaton(shipped)
        self.warnings: list[str] = []
        """One sentence for every own row that took too long and was left out from then on."""

    def _read(self, row: Row, number: int) -> list[tuple[Part, int]]:
        """Read the patterns of a row and number them as entries."""
        parts = []
        for texts, exception in ((row.patterns, False), (row.exceptions, True)):
            for text in texts:
                pattern = read_pattern(text, self._lexicon.grammar)
                places = {Place.SENTENCE_START} if pattern.begins else set()
                places |= {Place.SENTENCE_END} if pattern.ends else set()
                places |= set() if exception else row.places
                parts.append((pattern.part, len(self._entries)))
                self._entries.append(_Entry(number, exception, frozenset(places)))
        return parts

    def normal(self, words: Sequence[str], turn_starts: Collection[int] = (0,)) -> Tokens:
        """Return the normal tokens of words, as :meth:`find_in` takes them."""
        return normal_tokens(words, self._lexicon.grammar.speller, turn_starts)

    def find(
        self,
        words: Sequence[str],
        *,
        turn_starts: Collection[int] = (0,),
        probabilities: Sequence[float | None] | None = None,
        least_probability: float = LEAST_PROBABILITY,
    ) -> list[Match]:
        """Find the rows in the words of one party, longest match first within a list.

        Parameters
        ----------
        words
            As recognised, with punctuation; a turn, a sentence, or all words of a call.
        turn_starts
            Indices of words that begin a turn. No match reaches over the start of a turn.
        probabilities
            Of every word, 0 to 1; None where the recogniser gave none.
        least_probability
            A match with a less probable word is marked as low.

        Returns
        -------
        list of Match
            In order of their first word. Matches of one list never overlap; those of different lists may. The
            ``needs`` of their rows are not looked at.
        """
        return self.find_in(
            self.normal(words, turn_starts), probabilities=probabilities, least_probability=least_probability
        )

    def find_in(
        self,
        tokens: Tokens,
        *,
        probabilities: Sequence[float | None] | None = None,
        least_probability: float = LEAST_PROBABILITY,
    ) -> list[Match]:
        """Find the rows in normal tokens; see :meth:`find`."""
        found, exceptions = self._search(self._shipped, tokens, None)
        for number in list(self._own):
            own = self._search(self._own[number], tokens, OWN_ROW_SECONDS)
            found += own[0]
            exceptions += own[1]
            if self._own_too_slow:
                self._leave_out(number)
        return [
            match
            for chosen in self._chosen(found, exceptions, len(tokens))
            if (match := self._judged(chosen, tokens, probabilities, least_probability)) is not None
        ]

    def _leave_out(self, number: int) -> None:
        row = self._rows[number]
        self.warnings.append(
            f"The own row {row.id} of the list '{row.list}' took longer than {OWN_ROW_SECONDS * 1000:.0f} ms "
            "and is left out; shorten its patterns."
        )
        logger.warning("An own row took too long and is left out: %s", row.id)
        del self._own[number]

    def _search(
        self, machine: Automaton, tokens: Tokens, seconds: float | None
    ) -> tuple[list[_Found], list[_Found]]:
        """Return candidates and exceptions; stop after ``seconds``."""
        self._own_too_slow = False
        machine.forget_if_full()
        symbol = machine.symbol_of()
        symbols = [symbol(text) for text in tokens.texts]
        texts, stops, turns = tokens.texts, tokens.after_stop, tokens.turn_start
        fillers = self._lexicon.fillers
        steps, accepts, make_step = machine.steps, machine.accepts, machine.make_step
        dead, stop_mark = Automaton.DEAD, Automaton.STOP
        first_steps, entries = steps[0], self._entries
        size = len(texts)
        found: list[_Found] = []
        exceptions: list[_Found] = []
        deadline = None if seconds is None else self._clock() + seconds
        for start in range(size):
            if deadline is not None and start % 64 == 0 and self._clock() > deadline:
                self._own_too_slow = True
                break
            mark = symbols[start]
            state = first_steps.get(mark)
            if state is None:
                state = make_step(0, mark)
            if state == dead:
                continue
            longest: dict[tuple[int, bool], int] = {}
            at = start
            while True:
                if accepts[state]:
                    for payload in accepts[state]:
                        entry = entries[payload]
                        if not entry.places or self._fits_place(entry.places, tokens, start, at):
                            longest[entry.row, entry.exception] = at
                at += 1
                if at >= size or turns[at]:
                    break
                if stops[at]:
                    after = steps[state].get(stop_mark)
                    state = make_step(state, stop_mark) if after is None else after
                    if state == dead:
                        break
                mark = symbols[at]
                after = steps[state].get(mark)
                if after is None:
                    after = make_step(state, mark)
                if after == dead:
                    if texts[at] in fillers or texts[at] == texts[at - 1]:
                        # Step over it, however many follow; nothing ends on it.
                        at = self._stepped_over(at, tokens)
                        if at >= size or turns[at]:
                            break
                        after = steps[state].get(symbols[at])
                        if after is None:
                            after = make_step(state, symbols[at])
                    if after == dead:
                        break
                state = after
            for (row, exception), end in longest.items():
                (exceptions if exception else found).append(_Found(row, start, end))
        return found, exceptions

    def _stepped_over(self, at: int, tokens: Tokens) -> int:
        """Return the next token from ``at`` that is neither a filler nor said twice in a row."""
        texts, fillers = tokens.texts, self._lexicon.fillers
        last = texts[at - 1]
        while at < len(texts) and not tokens.turn_start[at] and (texts[at] in fillers or texts[at] == last):
            at += 1
        return at

    def _fits_place(self, places: frozenset[Place], tokens: Tokens, start: int, end: int) -> bool:
        alone = Place.ALONE in places
        if (alone or Place.SENTENCE_END in places) and not self._is_sentence_end(tokens, end):
            return False
        if Place.TURN_START in places:
            return self._led_in_from(tokens, start, tokens.turn_start)
        if alone or Place.SENTENCE_START in places:
            return self._led_in_from(tokens, start, tokens.after_stop)
        return True

    def _is_sentence_end(self, tokens: Tokens, end: int) -> bool:
        """Tell whether only fillers stand between ``end`` and the end of its sentence or turn."""
        while not tokens.ends_sentence(end):
            end += 1
            if tokens.texts[end] not in self._lexicon.fillers:
                return False
        return True

    def _led_in_from(self, tokens: Tokens, start: int, marks: Sequence[bool]) -> bool:
        """Tell whether only lead-ins and fillers stand between a start mark and ``start``."""
        while not marks[start]:
            start -= 1
            text = tokens.texts[start]
            if text not in self._lexicon.lead_ins and text not in self._lexicon.fillers:
                return False
        return True

    def _chosen(self, found: list[_Found], exceptions: list[_Found], size: int) -> list[_Found]:
        """Longest candidates of every list that overlap neither each other nor an own exception."""
        if not found:
            return []
        refused: dict[int, list[_Found]] = {}
        for exception in exceptions:
            refused.setdefault(exception.row, []).append(exception)
        by_list: dict[str, list[_Found]] = {}
        for each in found:
            if not any(x.start <= each.end and each.start <= x.end for x in refused.get(each.row, ())):
                by_list.setdefault(self._list_of[each.row], []).append(each)
        chosen: list[_Found] = []
        for candidates in by_list.values():
            candidates.sort(key=lambda f: (f.start - f.end, f.start, -self._rank(f.row), f.row))
            taken = bytearray(size)
            for each in candidates:
                if not any(taken[each.start : each.end + 1]):
                    taken[each.start : each.end + 1] = b"\1" * (each.end + 1 - each.start)
                    chosen.append(each)
        chosen.sort(key=lambda f: (f.start, f.end, f.row))
        return chosen

    def _rank(self, number: int) -> float:
        row = self._rows[number]
        return row.severity or row.weight or 0

    def _judged(
        self,
        found: _Found,
        tokens: Tokens,
        probabilities: Sequence[float | None] | None,
        least: float,
    ) -> Match | None:
        row = self._rows[found.row]
        how = self._lexicon.lists[row.list]
        if how.reported and self._is_reported(tokens, found.start):
            return None
        negation = row.negation or how.negation
        negated = negation is not Negation.KEEP and self._is_negated(tokens, found.start)
        if negated and negation is Negation.DROP:
            return None
        first, last = tokens.word[found.start], tokens.word[found.end]
        low = probabilities is not None and any(
            p is not None and p < least for p in probabilities[first : last + 1]
        )
        return Match(row, first, last, low, negated)

    def _is_reported(self, tokens: Tokens, start: int) -> bool:
        """Tell whether a word of reporting stands within four tokens before, in the same sentence."""
        for _ in range(REPORT_REACH):
            if start == 0 or tokens.after_stop[start]:
                return False
            start -= 1
            if tokens.texts[start] in self._lexicon.reporters:
                return True
        return False

    def _is_negated(self, tokens: Tokens, start: int) -> bool:
        """Tell whether a negator stands within three tokens before, with no mark between.

        A match that begins a clause of its own ("I can't work") is negated by a sentence of opinion or saying
        only ("I don't think I can't ...").
        """
        clause = tokens.texts[start] in self._lexicon.subjects
        behind: list[str] = []
        for _ in range(NEGATION_REACH):
            if start == 0 or tokens.after_pause[start]:
                return False
            start -= 1
            text = tokens.texts[start]
            if text in self._lexicon.negators:
                if text in _OPENING_NO and tokens.after_stop[start]:
                    return False
                return not clause or any(word in self._lexicon.opinions for word in behind)
            behind.append(text)
        return False
