"""Who came in while whom, and in which of the eight classes (sections 1.5 and 1.6).

A meeting is decided first from sound alone, as soon as its outcome is clear, and again when the words of both
parties have arrived. Both decisions use the same function on the same facts; only the words are added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from callcoach.clock import Samples, Span, to_samples
from callcoach.config import OverlapSettings
from callcoach.core.classes import EDGE_SLACK_S, LEAST_OVERLAP_S, Classifier, Facts
from callcoach.core.clause import ClauseJudge
from callcoach.core.floor import FloorTracker
from callcoach.core.phrases import Phrases
from callcoach.core.transcript import Transcript
from callcoach.core.utterances import Party, Utterance
from callcoach.events import Channel, Overlap, OverlapClass, Stage

_LONGEST_LEAD_S: Final = 30.0
"""A turn begins no longer than this before the utterance that took the floor."""
_HOLDER_GAP_S: Final = 1.0
"""Silence of the floor's holder that is a gap rather than a pause when both then start together; [D]."""


@dataclass(slots=True, eq=False)
class Meeting:
    """One utterance that began while the other party held the floor."""

    number: int
    incomer: Channel
    utterance: Utterance
    began_together: bool
    decided: OverlapClass | None = None
    stage: Stage = "sound"
    event: Overlap | None = None


class Meetings:
    """Find meetings frame by frame and decide them."""

    def __init__(
        self,
        settings: OverlapSettings,
        parties: dict[Channel, Party],
        floor: FloorTracker,
        transcript: Transcript,
        clauses: ClauseJudge,
        words: Phrases,
    ) -> None:
        self._parties = parties
        self._floor = floor
        self._transcript = transcript
        self._classifier = Classifier(settings, transcript, clauses, words)
        self._s = settings.in_samples()
        self._least = to_samples(LEAST_OVERLAP_S)
        self._gap = to_samples(_HOLDER_GAP_S)
        self._longest_lead = to_samples(_LONGEST_LEAD_S)
        self._delay = to_samples(EDGE_SLACK_S) * 2
        self._numbers = 0
        self.meetings: list[Meeting] = []
        self._undecided: list[Meeting] = []
        self._unrefined: list[Meeting] = []
        """Decided from sound, words still to come. Both stay short; ``meetings`` grows with the call."""
        self.low_confidence = False
        """True while the agent's channel may hold the caller's voice."""

    # -- finding -------------------------------------------------------------------------------------------

    def begun(self, channel: Channel, utterance: Utterance) -> None:
        """Look at an utterance that has just begun; open a meeting where it comes in on the other party."""
        other = self._parties[channel.other]
        earlier = self._goes_on(channel, utterance)
        if earlier is not None:
            self._parties[channel].rejoin(earlier)
            return
        active = other.active_at(utterance.start)
        together = active is not None and self._together(channel, utterance, other.utterances[-1])
        if together:
            rival = self._open_meeting_of(channel.other)
            if rival is not None:
                self._remove(rival)
        elif active is not None:
            if self._floor.holder is channel and self._open_meeting_of(channel.other) is not None:
                return  # the holder goes on while the other comes in: that meeting is already open
        elif self._floor.holder is not channel.other:
            return
        self._numbers += 1
        self.meetings.append(Meeting(self._numbers, channel, utterance, together))
        self._undecided.append(self.meetings[-1])

    def forget_echo(self) -> None:
        """Take back meetings whose utterance turned out to be the echo of the other party."""
        for meeting in [m for m in self.meetings if m.utterance.dropped]:
            self._remove(meeting)

    def _remove(self, meeting: Meeting) -> None:
        for listed in (self.meetings, self._undecided, self._unrefined):
            if meeting in listed:
                listed.remove(meeting)

    def _goes_on(self, channel: Channel, utterance: Utterance) -> Utterance | None:
        """Return the utterance that this one continues: a move is one meeting in spite of a breath in it."""
        latest = next((m for m in reversed(self.meetings) if m.incomer is channel), None)
        if latest is None or latest.decided is not None or not self._is_long(latest.utterance):
            return None
        end = latest.utterance.end
        near = 0 < utterance.start - end < self._s["resume_s"]
        between = self._parties[channel.other].first_after(end - 1)
        alone = between is None or between.start > utterance.start
        return (
            latest.utterance
            if near and alone and self._parties[channel].utterances[-1] is utterance
            else None
        )

    def _is_long(self, utterance: Utterance) -> bool:
        return max(i.length for i in utterance.ipus) > self._s["backchannel_s"]

    def _together(self, channel: Channel, utterance: Utterance, theirs: Utterance) -> bool:
        """Tell whether two utterances began within 0.25 s of each other after a gap.

        A short pause of the party that holds the floor is no gap: it only goes on.
        """
        if abs(utterance.start - theirs.start) > self._s["simultaneous_s"]:
            return False
        if self._floor.holder is not channel.other:
            return True
        before = self._parties[channel.other].last_before(theirs.start - 1)
        return before is None or theirs.start - before.end >= self._gap

    def _open_meeting_of(self, channel: Channel) -> Meeting | None:
        for meeting in reversed(self._undecided):
            if meeting.incomer is channel and not meeting.utterance.closed:
                return meeting
        return None

    # -- deciding ------------------------------------------------------------------------------------------

    def step(self, now: int, *, final: bool = False) -> list[Overlap]:
        """Decide what has become clear by ``now``; with ``final`` everything that is left."""
        decided: list[Overlap] = []
        for meeting in list(self._undecided):
            if meeting.utterance.dropped:
                self._remove(meeting)
                continue
            facts = self.facts(meeting)
            if not (final or self._clear(meeting, facts, now)):
                continue
            kind, complete = self._classifier.classify(meeting, facts, with_words=False)
            meeting.decided = kind
            self._undecided.remove(meeting)
            self._unrefined.append(meeting)
            if self._worth_telling(facts, kind):
                decided.append(self._event(meeting, facts, kind, complete, "sound", now))
        return decided

    def refine(self, now: int, *, final: bool = False) -> list[Overlap]:
        """Decide again what words have arrived for by ``now``."""
        decided: list[Overlap] = []
        if not self._transcript.enabled:
            return decided
        for meeting in list(self._unrefined):
            if not final and not self._words_known(meeting, now):
                continue
            facts = self.facts(meeting)
            kind, complete = self._classifier.classify(meeting, facts, with_words=True)
            meeting.stage, meeting.decided = "words", kind
            self._unrefined.remove(meeting)
            if self._worth_telling(facts, kind) or meeting.event is not None:
                decided.append(self._event(meeting, facts, kind, complete, "words", now))
        return decided

    def _clear(self, meeting: Meeting, facts: Facts, now: int) -> bool:
        if facts.took_floor or meeting.began_together:
            return facts.took_floor or now - facts.start >= self._s["hold_s"] or meeting.utterance.closed
        if not meeting.utterance.closed:
            return False
        if self._is_long(meeting.utterance) and now - facts.end < self._s["resume_s"] + self._delay:
            return False
        return facts.resumes_after is not None or now - facts.end >= self._s["resume_s"]

    def _words_known(self, meeting: Meeting, now: int) -> bool:
        utterance = meeting.utterance
        if not utterance.closed or now < utterance.end + self._s["resume_s"]:
            return False
        return self._transcript.known(meeting.incomer, utterance.end) and self._transcript.known(
            meeting.incomer.other, utterance.end
        )

    def _worth_telling(self, facts: Facts, kind: OverlapClass) -> bool:
        return facts.overlap >= self._least or kind in (OverlapClass.BACKCHANNEL, OverlapClass.PAUSE_BARGE_IN)

    # -- facts ---------------------------------------------------------------------------------------------

    def facts(self, meeting: Meeting) -> Facts:
        """Measure a meeting as far as it is known."""
        utterance, other = meeting.utterance, self._parties[meeting.incomer.other]
        start, end = utterance.start, utterance.end
        taken = self._taken(meeting.incomer, utterance)
        # once the floor has passed, what the other says is a meeting of its own
        contest = end if taken is None else min(end, taken)
        both = [
            (max(m.start, t.start), min(m.end, t.end, contest))
            for m in utterance.ipus
            for t in other.between(start, contest)
            if min(m.end, t.end, contest) > max(m.start, t.start)
        ]
        holder_end = self._holder_end(other, start, end)
        before = other.last_before(start)
        silent_before = None
        if before is not None and before.end <= start:
            silent_before = start - before.end
        resumed = other.active_at(end - 1) or other.first_after(end - 1)
        if holder_end is None:
            resumes_after: int | None = 0
        else:
            resumes_after = None if resumed is None else max(0, resumed.start - end)
        held = 0
        if holder_end is not None:
            back = other.first_after(holder_end - 1)
            bound = back.start if back is not None else end
            held = sum(max(0, min(m.end, bound) - max(m.start, holder_end)) for m in utterance.ipus)
        return Facts(
            start=start,
            end=end,
            longest_run=max(i.length for i in utterance.ipus),
            overlap=sum(e - s for s, e in both),
            both=(both[0][0], both[-1][1]) if both else None,
            holder_end=holder_end,
            holder_silent_before=silent_before,
            resumes_after=resumes_after,
            held=held,
            took_floor=taken is not None,
        )

    def _taken(self, channel: Channel, utterance: Utterance) -> int | None:
        """Return where it was clear that the utterance took the floor; None when it did not."""
        for period in reversed(self._floor.periods):
            if period.start < utterance.start - self._longest_lead:
                break
            if period.holder is not channel or period.utterance is None or period.utterance.dropped:
                continue
            if (
                period.start <= utterance.start <= period.utterance.end
                and period.utterance.start <= period.end
            ):
                return period.known_at
        return None

    def _holder_end(self, other: Party, start: int, end: int) -> int | None:
        """Where the holder's speech around ``start`` ended, if that lies before the incomer's end."""
        current = other.last_before(start)
        if current is None:
            return start
        # runs of the holder that follow within a short pause, before the incomer has had the line to itself
        following = other.first_after(current.start)
        while (
            following is not None
            and following.start - max(current.end, start) < self._s["yield_s"]
            and following.start < end
        ):
            current = following
            following = other.first_after(current.start)
        return current.end if current.end < end else None

    def _answered_early(self, meeting: Meeting, facts: Facts, stage: Stage, now: int) -> Overlap:
        """Tell of a short answer whose end the other party met: the other came in, not the answer."""
        assert facts.both is not None
        other = meeting.incomer.other
        resumed = self._parties[other].last_before(facts.both[0])
        end = max(resumed.end, facts.both[1]) if resumed is not None else facts.both[1]
        event = Overlap(
            span=Span(Samples(facts.both[0]), Samples(facts.both[1])),
            known_at=Samples(max(now, end)),
            number=meeting.number,
            incomer=other,
            kind=OverlapClass.TERMINAL,
            stage=stage,
            confidence="low",
            utterance=Span(Samples(facts.both[0]), Samples(end)),
            overlap=facts.overlap,
            holder_end=Samples(facts.end),
            clause_complete=None,
        )
        meeting.event = event
        return event

    # -- events --------------------------------------------------------------------------------------------

    def _event(
        self,
        meeting: Meeting,
        facts: Facts,
        kind: OverlapClass,
        complete: bool | None,
        stage: Stage,
        now: int,
    ) -> Overlap:
        if kind is OverlapClass.TERMINAL and self._classifier.met_at_its_end(facts):
            return self._answered_early(meeting, facts, stage, now)
        begin, end = facts.both if facts.both is not None else (facts.start, facts.start)
        if kind is OverlapClass.PAUSE_BARGE_IN and facts.holder_end is not None:
            begin, end = facts.holder_end, facts.start  # nothing overlaps: the pause that was cut short
        doubtful = (self.low_confidence and meeting.incomer is Channel.AGENT) or (
            kind.counted and complete is None
        )
        event = Overlap(
            span=Span(Samples(begin), Samples(end)),
            known_at=Samples(max(now, facts.end)),
            number=meeting.number,
            incomer=meeting.incomer,
            kind=kind,
            stage=stage,
            confidence="low" if doubtful else "high",
            utterance=Span(Samples(facts.start), Samples(facts.end)),
            overlap=facts.overlap,
            holder_end=None if facts.holder_end is None else Samples(facts.holder_end),
            clause_complete=complete,
        )
        meeting.event = event
        return event
