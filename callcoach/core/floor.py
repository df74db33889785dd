"""Who holds the floor, and the turns that follow from it (section 1.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from callcoach.clock import to_samples
from callcoach.config import FloorSettings
from callcoach.core.utterances import Party, Utterance
from callcoach.events import Channel

_QUIET_S: Final = 0.5
"""Silence of the other party that ends a contest for the floor; [D], a shorter one is a pause."""


@dataclass(slots=True)
class Period:
    """One party held the floor from ``start``; ``end`` is the end of its last speech in it."""

    holder: Channel
    start: int
    end: int
    known_at: int
    """Position at which it was known that the floor was taken."""
    offset: int | None = None
    """Floor-transfer offset: start minus the end of the other party's turn, samples; None for the first."""
    utterance: Utterance | None = None
    """The utterance that took the floor; the turn may begin with shorter ones before it."""
    closed: bool = False
    from_words: bool = False
    """True for a short turn that only its words gave away."""


class FloorTracker:
    """Follow the floor frame by frame."""

    def __init__(self, settings: FloorSettings, parties: dict[Channel, Party]) -> None:
        self._parties = parties
        self._take = to_samples(settings.take_s)
        self._release = to_samples(settings.release_s)
        self._lead_in = to_samples(settings.turn_start_gap_s)
        self._quiet = to_samples(_QUIET_S)
        self.periods: list[Period] = []

    @property
    def holder(self) -> Channel | None:
        """Who holds the floor now."""
        return self.periods[-1].holder if self.periods and not self.periods[-1].closed else None

    def holder_at(self, position: int) -> Channel | None:
        """Who held the floor at ``position``, as far as known now."""
        for period in reversed(self.periods):
            if period.start <= position:
                return period.holder if not period.closed or position < period.end + self._release else None
        return None

    def step(self, now: int) -> tuple[Period | None, Period | None]:
        """Advance to ``now``; return the period that ended and the one that began, if any did."""
        current = self.periods[-1] if self.periods and not self.periods[-1].closed else None
        if current is not None:
            mine = self._parties[current.holder].last_before(now)
            if mine is not None:
                current.end = max(current.end, mine.end)
        for channel in Channel:
            if current is not None and channel is current.holder:
                continue
            utterance = self._taking(channel, now)
            if utterance is not None:
                return self._pass(channel, utterance, now)
        if current is not None and not any(p.speaking for p in self._parties.values()):
            latest = max((p.ipus[-1].end for p in self._parties.values() if p.ipus), default=0)
            if now - latest >= self._release:
                current.closed = True
                return current, None
        return None, None

    def finish(self, now: int) -> Period | None:
        """End the last period with the recording."""
        self.step(now)
        if self.periods and not self.periods[-1].closed:
            self.periods[-1].closed = True
            return self.periods[-1]
        return None

    def insert_short(self, channel: Channel, start: int, end: int, now: int) -> list[Period]:
        """Add a turn that its words gave away (three words or more in under a second), between two others.

        Returns the periods that ended by it: the one that was still open, if any, and the new one; nothing
        where ``channel`` held the floor already or the other party went on speaking through it.
        """
        if self.holder_at(start) is channel:
            return []
        other = self._parties[channel.other]
        if other.active_at(start) is not None or other.active_at(end) is not None:
            return []
        at = next((i for i in range(len(self.periods) - 1, -1, -1) if self.periods[i].start <= start), None)
        new = Period(channel, start, end, now, closed=True, from_words=True)
        if at is None:
            self.periods.insert(0, new)
            return [new]
        before = self.periods[at]
        resumed, last = other.first_after(end), other.last_before(start)
        new.offset = start - last.end if last is not None else None
        was_open = not before.closed
        pieces = [new]
        if resumed is not None and (was_open or resumed.start < before.end):
            rest = Period(before.holder, resumed.start, before.end, now, resumed.start - end)
            rest.end, rest.closed = max(rest.start, rest.end), before.closed
            pieces.append(rest)
        if was_open or len(pieces) > 1:
            before.end = max(before.start, last.end if last is not None else before.start)
            before.closed = True
        self.periods[at + 1 : at + 1] = pieces
        return [before, new] if was_open else [new]

    def _taking(self, channel: Channel, now: int) -> Utterance | None:
        """Return the utterance with which ``channel`` has taken the floor by now."""
        mine, other = self._parties[channel], self._parties[channel.other]
        utterance = mine.utterances[-1] if mine.utterances else None
        if utterance is None or utterance.closed or utterance.speech < self._take:
            return None
        theirs = other.last_before(now)
        if theirs is not None and theirs.end > utterance.start:
            # a contest: it is over when the other has fallen silent while this party goes on
            if other.speaking or now - theirs.end < self._quiet or utterance.end - theirs.end < self._quiet:
                return None
        elif other.speaking:
            return None
        return utterance

    def _pass(self, channel: Channel, utterance: Utterance, now: int) -> tuple[Period | None, Period]:
        before = self.periods[-1] if self.periods else None
        start = self._first_start(channel, utterance)
        if before is not None:
            start = max(start, before.start + 1)
        offset: int | None = None
        ended = before if before is not None and not before.closed else None
        if before is not None:
            if not before.closed:
                before.closed = True
                theirs = self._parties[before.holder].last_before(now)
                before.end = theirs.end if theirs is not None else before.end
            if before.holder is not channel:
                offset = start - before.end
        period = Period(channel, start, utterance.end, now, offset, utterance)
        self.periods.append(period)
        return ended, period

    def _first_start(self, channel: Channel, utterance: Utterance) -> int:
        """Let a turn begin at a short utterance of the same party before it ("Hi. ... My connection")."""
        mine = self._parties[channel]
        start = utterance.start
        bound = self.periods[-1].end if self.periods else 0
        for earlier in reversed(mine.utterances[:-1]):
            if start - earlier.end > self._lead_in or earlier.start < bound:
                break
            start = earlier.start
        return start
