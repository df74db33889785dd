"""The facts of a call from its event log alone, as the running analysis would have them.

Everything that the document of a finished call says of turn-taking, words, states and cues is in the log;
what is not told there (utterances, turns that a short turn has split) follows from it by the same rules. The
voice metrics need the curves of ``prosody.npz`` as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from callcoach.clock import HOP_LENGTH, to_samples
from callcoach.config import Settings
from callcoach.core.activity import Ipu
from callcoach.core.call_facts import CallFacts, Talk
from callcoach.core.delivery.profile import Profile
from callcoach.core.delivery.ticks import HopColumns
from callcoach.core.floor import Period
from callcoach.core.log_voices import caller_mask, voices_of_log
from callcoach.core.overlaps import Meeting
from callcoach.core.phases import PhaseTracker
from callcoach.core.phrases import phrases
from callcoach.core.silences import Quiet
from callcoach.core.story import opening_story
from callcoach.core.transcript import Transcript
from callcoach.core.utterances import Party, Utterance
from callcoach.events import (
    Channel,
    CueClosed,
    CueHeldBack,
    CueOpened,
    CueShown,
    Event,
    FloorTaken,
    Notice,
    Overlap,
    OverlapClass,
    Silence,
    SpeechSegment,
    Turn,
    VoiceClosed,
    VoiceOpened,
    Words,
)

ECHO: Final = "S-ECHO"
"""Code of the notice that speech of the agent, told since the start of its span, was an echo after all."""
_COACH: Final = (VoiceOpened, VoiceClosed, CueOpened, CueClosed, CueShown, CueHeldBack)


def facts_of_log(
    events: Sequence[Event],
    *,
    settings: Settings,
    length: int,
    words: bool,
    dual: bool = True,
    columns: Mapping[Channel | None, HopColumns] | None = None,
    speech: Mapping[Channel | None, NDArray[np.bool_]] | None = None,
    active: Mapping[Channel | None, NDArray[np.int8]] | None = None,
    profile: Profile | None = None,
    no_voices: str = "",
    no_caller: str = "",
) -> CallFacts:
    """Collect the facts of a finished call from its log.

    Parameters
    ----------
    events : the log after its header, in order; what was open at the end of the call is closed in it.
    length : int
        Samples at 16 kHz of the call.
    words : whether words were recognised.
    dual : False for a mono recording.
    columns : curves of delivery by channel, or None; only complete ones give the metrics of the analysis.
    speech : the fast mask per hop in the end, by channel, or None: runs of speech that it does not hold were
        taken back as an echo. Without it the notices `ECHO` of the log tell which.
    active : the fast mask per hop as it was known live, of sides whose ``columns`` are not kept.
    profile : the agent's stored usual values that the analysis used.
    no_voices, no_caller : as in `CallFacts`.
    """
    events = _heard(events, speech)
    channels: list[Channel | None] = list(Channel) if dual else [None]
    transcript = _transcript(events, words)
    phases = PhaseTracker(phrases(), settings.phases)
    for event in events:
        phases.handle(event)
    parties = {c: _party(events, c, settings) for c in channels}
    talk = None
    if dual:
        meetings = _meetings(events, parties)
        periods = Floor(parties).periods_of(events, length)
        story = opening_story(
            periods, meetings, parties[Channel.CALLER], transcript, settings.story, phrases()
        )
        talk = Talk(periods, meetings, _quiets(events), story)
    voices = None
    if columns is not None:
        caller = None if no_caller else caller_mask(parties, active)
        voices = voices_of_log(events, columns, settings, profile, caller)
    return CallFacts(
        parties=parties,
        transcript=transcript,
        talk=talk,
        phases=phases,
        told=[e for e in events if isinstance(e, _COACH) or (isinstance(e, Notice) and e.code == "S-CLIP")],
        voices=voices,
        no_voices=no_voices,
        no_caller=no_caller,
    )


def _heard(
    events: Sequence[Event], speech: Mapping[Channel | None, NDArray[np.bool_]] | None
) -> Sequence[Event]:
    """Leave out what was told of the agent before it turned out to be the echo of the caller."""
    gone: list[SpeechSegment] = []
    for index, event in enumerate(events):
        if isinstance(event, Notice) and event.code == ECHO:
            gone += [
                e for e in segments_of(events[:index], Channel.AGENT) if e.span.start >= event.span.start
            ]
        elif isinstance(event, SpeechSegment) and speech is not None and event.channel in speech:
            first, last = event.span.start // HOP_LENGTH, -(-event.span.end // HOP_LENGTH)
            mask = speech[event.channel][first:last]
            if len(mask) and not mask.any():
                gone.append(event)
    if not gone:
        return events
    lost = {id(e) for e in gone}
    left = [e for e in events if id(e) not in lost]
    runs = segments_of(left, Channel.AGENT)

    def is_echo(event: Event) -> bool:
        return (
            isinstance(event, Overlap)
            and event.incomer is Channel.AGENT
            and any(g.channel is Channel.AGENT and g.span.start == event.utterance.start for g in gone)
            and not any(r.span.overlap(event.utterance) for r in runs)
        )

    return [e for e in left if not is_echo(e)]


def segments_of(events: Iterable[Event], channel: Channel | None) -> list[SpeechSegment]:
    """Return the runs of speech of a channel in order of time."""
    found = [e for e in events if isinstance(e, SpeechSegment) and e.channel is channel]
    return sorted(found, key=lambda e: e.span)


def parties_of(events: Sequence[Event], settings: Settings) -> dict[Channel | None, Party]:
    """Return both parties with the runs of speech that a log tells of."""
    return {c: _party(events, c, settings) for c in Channel}


def _party(events: Iterable[Event], channel: Channel | None, settings: Settings) -> Party:
    """Chain runs of speech into utterances, as they were while the call ran."""
    gap = to_samples(settings.floor.chain_gap_s)
    party = Party(gap, 0)
    for told in segments_of(events, channel):
        ipu = Ipu(told.span.start, told.span.end, opened_at=told.known_at, closed=True)
        party.ipus.append(ipu)
        if party.utterances and ipu.start - party.utterances[-1].end < gap:
            party.utterances[-1].ipus.append(ipu)
        else:
            party.utterances.append(Utterance([ipu], closed=True))
    return party


def _transcript(events: Iterable[Event], enabled: bool) -> Transcript:
    """Take the words in the order in which they came; late ones find their place."""
    transcript = Transcript(enabled=enabled)
    for event in events:
        if isinstance(event, Words):
            transcript.add(event.channel, event.items)
    return transcript


def _meetings(events: Iterable[Event], parties: Mapping[Channel | None, Party]) -> list[Meeting]:
    """Return meetings as last told; those that were never told overlap nothing and count nowhere."""
    last = {e.number: e for e in events if isinstance(e, Overlap)}
    meetings: list[Meeting] = []
    for number, event in sorted(last.items()):
        utterance = _utterance(event, parties[event.incomer])
        meeting = Meeting(number, event.incomer, utterance, event.kind is OverlapClass.SIMULTANEOUS_START)
        meeting.decided, meeting.stage, meeting.event = event.kind, event.stage, event
        meetings.append(meeting)
    return meetings


def _utterance(event: Overlap, party: Party) -> Utterance:
    """Return the utterance of a meeting; two that a breath parts are joined where the meeting did so."""
    at = next((i for i, u in enumerate(party.utterances) if u.start == event.utterance.start), None)
    if at is None:
        start, end = event.utterance.start, event.utterance.end
        return Utterance([Ipu(start, end, opened_at=event.known_at, closed=True)], closed=True)
    utterance = party.utterances[at]
    while utterance.end < event.utterance.end and at + 1 < len(party.utterances):
        utterance.ipus += party.utterances.pop(at + 1).ipus
    return utterance


def _quiets(events: Iterable[Event]) -> list[Quiet]:
    """Return mutual silences as last named."""
    last: dict[int, Silence] = {}
    for event in events:
        if isinstance(event, Silence):
            last[event.span.start] = event
    return [Quiet(e.span.start, e.span.end, e.kind, e.owner, e.stage) for _, e in sorted(last.items())]


class Floor:
    """Turns from what was told of the floor.

    A short turn that only its words gave away splits the turn around it without another word in the log:
    what is left of that turn is found by the rule of `FloorTracker.insert_short`.
    """

    def __init__(self, parties: Mapping[Channel | None, Party]) -> None:
        self._parties = parties
        self._periods: list[Period] = []
        self._ended: Turn | None = None
        """The turn that was told just before: a short turn may have ended it."""
        self._split: Period | None = None
        """A short turn after which the turn around it may go on."""

    def periods_of(self, events: Iterable[Event], length: int) -> list[Period]:
        """Return who held the floor, in order of time; nothing lies beyond ``length``."""
        for event in events:
            if isinstance(event, FloorTaken):
                self._split = None
                start = event.span.start
                self._periods.append(Period(event.channel, start, start, event.known_at, event.offset))
            elif isinstance(event, Turn):
                self._turn(event)
        for period in self._periods:
            period.end = max(period.start, min(period.end, length))
        return self._periods

    def open_turn(self, events: Sequence[Event]) -> tuple[Channel, int] | None:
        """Return whose turn no event has ended, and where it began; None when there is none."""
        periods = self.periods_of(events, max((e.known_at for e in events), default=0))
        if self._split is not None:
            channel = self._split.holder.other
            resumed = self._parties[channel].first_after(self._split.end)
            return None if resumed is None else (channel, resumed.start)
        if periods and not periods[-1].closed:
            return periods[-1].holder, periods[-1].start
        return None

    def _turn(self, event: Turn) -> None:
        start, end = event.span.start, event.span.end
        last = self._periods[-1] if self._periods else None
        if last is not None and not last.closed and (last.holder, last.start) == (event.channel, start):
            last.end, last.closed = end, True
            self._ended = event
            return
        if self._is_rest(event):
            assert self._split is not None
            rest = Period(event.channel, start, end, event.known_at, start - self._split.end, closed=True)
            self._periods.append(rest)
            self._ended, self._split = event, None
            return
        self._insert(event)

    def _is_rest(self, event: Turn) -> bool:
        """Tell whether a turn goes on after the short turn that came into it."""
        if self._split is None or event.channel is self._split.holder:
            return False
        resumed = self._parties[event.channel].first_after(self._split.end)
        return resumed is not None and resumed.start == event.span.start

    def _insert(self, event: Turn) -> None:
        start, end = event.span.start, event.span.end
        other = self._parties[event.channel.other]
        at = next((i for i in range(len(self._periods) - 1, -1, -1) if self._periods[i].start <= start), None)
        new = Period(event.channel, start, end, event.known_at, closed=True, from_words=True)
        if at is None:
            self._periods.insert(0, new)
            return
        before = self._periods[at]
        cut_now = self._cuts(before, event)
        resumed, last = other.first_after(end), other.last_before(start)
        new.offset = start - last.end if last is not None else None
        pieces = [new]
        if cut_now:
            self._split = new
        elif resumed is not None and resumed.start < before.end:
            rest = Period(before.holder, resumed.start, before.end, event.known_at, resumed.start - end)
            rest.closed = True
            pieces.append(rest)
            before.end = max(before.start, last.end if last is not None else before.start)
        self._periods[at + 1 : at + 1] = pieces

    def _cuts(self, before: Period, event: Turn) -> bool:
        """Tell whether a short turn ended the one that was still open: both are told at once."""
        ended = self._ended
        return (
            before is self._periods[-1]
            and ended is not None
            and (ended.channel, ended.span.start) == (before.holder, before.start)
            and ended.known_at == event.known_at
            and ended.span.end <= event.span.start
        )
