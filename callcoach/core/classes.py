"""The eight classes of two parties meeting, from facts and words (sections 1.5 and 1.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from callcoach.clock import to_samples
from callcoach.config import OverlapSettings
from callcoach.core.clause import ClauseJudge
from callcoach.core.phrases import Phrases, contains, covered_by, joined, normal, starts_with
from callcoach.core.transcript import Transcript
from callcoach.events import Channel, OverlapClass, Word

EDGE_SLACK_S: Final = 0.15
"""Ends found in sound lie up to 0.15 s before the true end of faint last sounds; see docs/benchmarks.md."""
LEAST_OVERLAP_S: Final = 0.032
"""One frame: less cannot be told from the jitter of the mask's edges."""


class Move(Protocol):
    """What a decision needs to know of a meeting beside its facts."""

    @property
    def incomer(self) -> Channel:
        """Who came in."""
        ...

    @property
    def began_together(self) -> bool:
        """Whether both parties started within 0.25 s after a gap."""
        ...


@dataclass(frozen=True, slots=True)
class Facts:
    """What happened in a meeting, in samples."""

    start: int
    end: int
    """Of the incomer's utterance so far."""
    longest_run: int
    """Longest run of the incomer's speech without a pause."""
    overlap: int
    both: tuple[int, int] | None
    """First and last sample at which both were active."""
    holder_end: int | None
    """Where the holder fell silent before the incomer ended; None when the holder outlasted the incomer."""
    holder_silent_before: int | None
    """Silence of the holder before the incomer began; None when the holder was active then."""
    resumes_after: int | None
    """From the end of the utterance to the holder's next speech: 0 when active, None when there was none."""
    held: int
    """Speech of the incomer after the holder fell silent and before the holder spoke again."""
    took_floor: bool


class Classifier:
    """One function from facts to class; used from sound alone and again with words."""

    def __init__(
        self, settings: OverlapSettings, transcript: Transcript, clauses: ClauseJudge, words: Phrases
    ) -> None:
        self._set = settings
        self._transcript = transcript
        self._clauses = clauses
        self._phrases = words
        self._s = settings.in_samples()
        self._least = to_samples(LEAST_OVERLAP_S)
        self._slack = to_samples(EDGE_SLACK_S)

    def classify(self, move: Move, facts: Facts, *, with_words: bool) -> tuple[OverlapClass, bool | None]:
        """Return the class of a meeting and whether the holder's clause was complete (None when unknown)."""
        s = self._s
        said = self._transcript.within(move.incomer, facts.start, facts.end) if with_words else []
        words = self._trusted(said, facts)
        holder = move.incomer.other
        stop = facts.holder_end if facts.holder_end is not None else facts.start
        complete = self._clauses.complete(holder, stop, with_words=with_words)
        if self._is_backchannel(move, facts, normal(joined(said)), words):
            return OverlapClass.BACKCHANNEL, complete
        if move.began_together:
            return OverlapClass.SIMULTANEOUS_START, complete
        if words and self._is_cooperative(move, facts, words):
            return OverlapClass.COOPERATIVE, complete
        stopped = facts.holder_end is not None
        took = stopped and (facts.held >= s["hold_s"] or facts.took_floor)
        if facts.overlap < self._least:
            barge = (
                took
                and with_words
                and complete is False
                and facts.holder_silent_before is not None
                and facts.holder_silent_before <= s["pause_barge_in_s"] + self._slack
            )
            return (OverlapClass.PAUSE_BARGE_IN if barge else OverlapClass.UNSURE), complete
        if took:
            return self._takeover(facts, complete), complete
        if (
            facts.overlap >= s["butting_in_s"]
            and facts.resumes_after is not None
            and facts.resumes_after <= s["resume_s"]
        ):
            return OverlapClass.BUTTING_IN, complete
        ended = (words and self.met_at_its_end(facts)) or (stopped and complete is not False)
        if facts.overlap < s["terminal_s"] and ended:
            return OverlapClass.TERMINAL, complete
        return OverlapClass.UNSURE, complete

    def _takeover(self, facts: Facts, complete: bool | None) -> OverlapClass:
        """Return the class of an overlap after which the incomer has the floor.

        Talking over somebody for as long as a failed attempt must last to count (0.8 s) counts even where
        the words look finished: the recogniser puts a full stop at many breaks.
        """
        s = self._s
        assert facts.holder_end is not None
        if facts.overlap >= s["butting_in_s"]:
            return OverlapClass.FLOOR_TAKING
        if facts.overlap >= s["least_interruption_s"] and complete is not True:
            return OverlapClass.FLOOR_TAKING
        if facts.holder_end - facts.start <= s["yield_s"] + self._slack and complete is False:
            return OverlapClass.FLOOR_TAKING
        return OverlapClass.TERMINAL if facts.overlap < s["terminal_s"] else OverlapClass.UNSURE

    def _trusted(self, said: list[Word], facts: Facts) -> list[Word]:
        """Return the words; none for a short utterance of whose words the recogniser was not sure."""
        if said and facts.end - facts.start <= self._s["cooperative_s"]:
            mean = sum(w.probability for w in said) / len(said)
            if mean < self._set.least_word_probability:
                return []
        return said

    def _is_backchannel(self, move: Move, facts: Facts, heard: str, words: list[Word]) -> bool:
        s, p = self._s, self._phrases
        silent = facts.holder_silent_before
        if silent is not None and silent > s["holder_pause_s"] and facts.overlap < self._least:
            return False
        if facts.resumes_after is None or facts.resumes_after > s["resume_s"]:
            return False
        allowed = p.backchannels
        if self._after_negative(move, facts.start):
            allowed = allowed | p.negative_agreement
        length = facts.end - facts.start
        if covered_by(heard, allowed):
            # each run is judged on its own: three "yeah" in a row are three backchannels
            return facts.longest_run <= s["backchannel_s"]
        if not words and facts.longest_run <= s["backchannel_no_text_s"]:
            return not facts.took_floor
        if len(heard.split()) > self._set.backchannel_words or contains(heard, p.floor_openers):
            return False
        if length > s["backchannel_s"]:
            return False
        # while the other speaks on, one listener's word among few is enough: short words are often misheard
        return starts_with(heard, allowed) or (facts.holder_end is None and contains(heard, allowed))

    def _after_negative(self, move: Move, position: int) -> bool:
        recent = self._transcript.within(move.incomer.other, max(0, position - to_samples(4.0)), position)
        return contains(normal(joined(recent)), self._phrases.negation)

    def _is_cooperative(self, move: Move, facts: Facts, words: list[Word]) -> bool:
        s, p = self._s, self._phrases
        if facts.end - facts.start > s["cooperative_s"]:
            return False
        if facts.resumes_after is None or facts.resumes_after > s["resume_s"]:
            return False
        text = normal(joined(words))
        if len(words) <= self._set.cooperative_words and (
            words[-1].text.rstrip("\"')").endswith("?")
            or self._clauses.rises(move.incomer, facts.end)
            or self._is_bare_phrase(text)
        ):
            return True
        tokens = text.split()
        for size in range(min(3, len(tokens)), 0, -1):
            if " ".join(tokens[:size]) in p.agreement:
                rest = " ".join(tokens[size:])
                return len(tokens) - size <= self._set.agreement_extra_words and not contains(
                    rest, p.floor_openers
                )
        # a word or two that the holder goes on from, or takes up, was supplied for them
        return (
            len(tokens) <= 2
            and not contains(text, p.floor_openers)
            and not contains(text, p.negative_agreement)
        )

    def met_at_its_end(self, facts: Facts) -> bool:
        """Tell whether the utterance began in a pause and only its last moment met the other party."""
        return (
            facts.holder_silent_before is not None
            and facts.both is not None
            and facts.both[0] - facts.start >= self._s["simultaneous_s"]
            and facts.end - facts.both[0] <= self._s["terminal_s"]
        )

    def _is_bare_phrase(self, text: str) -> bool:
        """Tell whether text is a phrase without a verb ("both laptops"), as a clarification often is."""
        p = self._phrases
        rest = text
        while starts_with(rest, p.clarification_lead_ins):
            rest = rest.partition(" ")[2]
        return starts_with(rest, p.clarification_starts) and not contains(rest, p.verbs)
