"""Speech of one party, chained: runs of speech with short pauses between them are one utterance."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from callcoach.core.activity import Ipu


@dataclass(slots=True, eq=False)
class Utterance:
    """Runs of one party's speech with pauses under ``chain_gap_s``."""

    ipus: list[Ipu] = field(default_factory=list)
    closed: bool = False
    """True once no further run can join."""

    @property
    def start(self) -> int:
        """First sample."""
        return self.ipus[0].start

    @property
    def end(self) -> int:
        """End so far."""
        return self.ipus[-1].end

    @property
    def speech(self) -> int:
        """Samples of speech, pauses excluded."""
        return sum(i.length for i in self.ipus)

    @property
    def dropped(self) -> bool:
        """True when nothing of it was speech of this party after all."""
        return not self.ipus


class Party:
    """One side of the call: its runs of speech and its utterances, as they grow."""

    def __init__(self, chain_gap: int, delay: int) -> None:
        self._chain_gap = chain_gap
        self._delay = delay
        """The start of a run lies up to this far back when it becomes known."""
        self._seen = 0
        self._unsettled: list[Ipu] = []
        self.ipus: list[Ipu] = []
        """Runs of speech in order of time; dropped ones are taken out as soon as that is known."""
        self.utterances: list[Utterance] = []
        self.speaking = False

    def update(self, ipus: list[Ipu], speaking: bool, now: int) -> Utterance | None:
        """Take the runs of speech known at ``now``; return an utterance that has just begun."""
        self.speaking = speaking
        begun: Utterance | None = None
        for ipu in ipus[self._seen :]:
            self.ipus.append(ipu)
            self._unsettled.append(ipu)
            last = self.utterances[-1] if self.utterances else None
            if last is not None and not last.closed and last.ipus and ipu.start - last.end < self._chain_gap:
                last.ipus.append(ipu)
            else:
                begun = Utterance([ipu])
                self.utterances.append(begun)
        self._seen = len(ipus)
        self._settle()
        last = self.utterances[-1] if self.utterances else None
        if last is not None and not last.closed:
            last.closed = last.dropped or (
                not speaking and last.ipus[-1].closed and now - last.end >= self._chain_gap + self._delay
            )
        return begun

    def rejoin(self, utterance: Utterance) -> None:
        """Let the latest utterance be the continuation of ``utterance``, the one before it."""
        self.utterances.pop()
        utterance.ipus += [i for i in self.ipus if i.start >= utterance.end]
        utterance.closed = False

    def withdraw(self, since: int) -> None:
        """Take back every run of speech that began at or after ``since``: it was an echo."""
        for ipu in self.ipus:
            if ipu.start >= since:
                ipu.dropped = True
        self._drop()

    def finish(self) -> None:
        """Close what is open at the end of the recording."""
        self._settle()
        if self.utterances:
            self.utterances[-1].closed = True

    def active_at(self, position: int) -> Ipu | None:
        """Return the run of speech that covers ``position``."""
        ipu = self.last_before(position)
        return ipu if ipu is not None and ipu.end > position else None

    def last_before(self, position: int) -> Ipu | None:
        """Return the last run of speech that starts at or before ``position``."""
        at = bisect_right(self.ipus, position, key=lambda i: i.start)
        return self.ipus[at - 1] if at else None

    def first_after(self, position: int) -> Ipu | None:
        """Return the first run of speech that starts after ``position``."""
        at = bisect_right(self.ipus, position, key=lambda i: i.start)
        return self.ipus[at] if at < len(self.ipus) else None

    def between(self, start: int, end: int) -> list[Ipu]:
        """Return the runs of speech that meet ``[start, end)``."""
        at = bisect_right(self.ipus, start, key=lambda i: i.start)
        found = [self.ipus[at - 1]] if at and self.ipus[at - 1].end > start else []
        while at < len(self.ipus) and self.ipus[at].start < end:
            found.append(self.ipus[at])
            at += 1
        return found

    def _settle(self) -> None:
        if any(i.dropped for i in self._unsettled):
            self._drop()
        self._unsettled = [i for i in self._unsettled if not i.closed]

    def _drop(self) -> None:
        self.ipus = [i for i in self.ipus if not i.dropped]
        for utterance in self.utterances:
            if any(i.dropped for i in utterance.ipus):
                utterance.ipus = [i for i in utterance.ipus if not i.dropped]
        self.utterances = [u for u in self.utterances if u.ipus]
