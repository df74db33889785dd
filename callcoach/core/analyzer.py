"""The pure core: blocks of any size in, events out. No thread, clock, file or device in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from callcoach.clock import FRAME_LENGTH, Samples, Span, to_samples
from callcoach.config import Settings
from callcoach.core.bleed import BleedGate
from callcoach.core.coach import Coach
from callcoach.core.conversation import Conversation
from callcoach.core.deadlines import DeadlineMerge
from callcoach.core.delivery.profile import Profile
from callcoach.core.delivery.states import read_at
from callcoach.core.delivery.ticks import HOPS, Tick, ticks
from callcoach.core.phrases import phrases
from callcoach.core.reframe import Reframer
from callcoach.core.track import ChannelTrack
from callcoach.core.transcript import Transcript
from callcoach.core.utterances import Utterance
from callcoach.events import CallEnded, Channel, Event, Notice, TranscriptLate, Words
from callcoach.lexicon.redacting_words import RedactingWords
from callcoach.ports import Audio, Pending, SpeechDetector, SpeechWindow


class Analyzer:
    """Turn-taking and words of one call.

    Parameters
    ----------
    settings : Settings
    rate : int
        Hz of the blocks.
    channels : {1, 2}
        2: agent, caller. 1: a mono recording; no speakers are invented, so there are no turns.
    detector : callable returning a SpeechDetector
        Called once per channel; each has its own memory.
    submit : callable taking a SpeechWindow and returning a Pending, or None
        Hands a piece of speech to the recogniser; None means that no words are wanted. It may return None:
        then the words of this piece are not wanted.
    on_miss : {"wait", "skip"}
        Whether words that are due are waited for (file, batch), or told as late and delivered when they are
        there (live).
    profile : the agent's stored usual values, or None.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        rate: int,
        channels: int,
        detector: Callable[[], SpeechDetector],
        submit: Callable[[SpeechWindow], Pending | None] | None,
        on_miss: Literal["wait", "skip"] = "wait",
        profile: Profile | None = None,
    ) -> None:
        if channels not in (1, 2):
            raise ValueError(f"a call has 1 or 2 channels, got {channels}")
        self.settings = settings
        self.transcript = Transcript(enabled=submit is not None)
        self.merge = DeadlineMerge(on_miss)
        self.masking = RedactingWords(settings.redaction)
        self._all_words_to: dict[Channel | None, int] = {}
        """Position up to which all words of a channel have come from the recogniser."""
        self.now = 0
        self._submit = submit
        self._budget = to_samples(settings.text.budget_s)
        self._reframer = Reframer(rate, channels)
        keys: list[Channel | None] = list(Channel) if channels == 2 else [None]
        self.tracks: list[ChannelTrack] = [ChannelTrack(settings, key, detector()) for key in keys]
        self.bleed = BleedGate(settings.bleed)
        self.coach = Coach(settings, keys, words=submit is not None, profile=profile)
        self._ticks_read = 0
        self.conversation: Conversation | None = None
        if channels == 2:
            sides = {t.channel: t for t in self.tracks if t.channel is not None}
            self.conversation = Conversation(
                settings,
                {c: t.party for c, t in sides.items()},
                {c: t.pitch for c, t in sides.items()},
                self.transcript,
                phrases(),
            )

    @property
    def length(self) -> int:
        """Samples at 16 kHz heard so far, the padding of the last frame excluded."""
        return self._reframer.samples

    def push(self, block: Audio) -> list[Event]:
        """Take one block, float32, shape (n, channels); return the events it makes known."""
        events: list[Event] = []
        for frame in self._reframer.push(block):
            events += self._coached(self._frame(frame))
        return events

    def finish(self) -> list[Event]:
        """End the call: flush what is held back, wait for the last words, return the last events."""
        told: list[Event] = []
        for frame in self._reframer.finish():
            told += self._coached(self._frame(frame))
        now = self.now
        events: list[Event] = [
            CallEnded(span=Span(Samples(self.length), Samples(self.length)), known_at=Samples(now))
        ]
        for track in self.tracks:
            track.finish(now, self.length)
        for track in self.tracks:
            events += track.segments(now)
        if self.conversation is not None:
            events += self.conversation.finish(now, self.length)
        for track in self.tracks:
            self._hand_over(track.cutter.finish(now), now)
        events += self._words_due(None, now)
        self._update_through(now)
        if self.conversation is not None:
            events += self.conversation.refine(now, final=True)
        hops = len(self.tracks[0].levels)
        while (self._ticks_read + 1) * HOPS <= hops:
            told += self.coach.step(now, self._active(), [], self._tick())
        return [*told, *events, *self.coach.finish(now, events)]

    def _coached(self, events: list[Event]) -> list[Event]:
        """Add what the coach makes of the events of one frame."""
        due = read_at(self._ticks_read) <= self.now
        return [*events, *self.coach.step(self.now, self._active(), events, self._tick() if due else None)]

    def _active(self) -> tuple[bool, bool]:
        return bool(self.tracks[0].active[-1]), bool(self.tracks[-1].active[-1])

    def _tick(self) -> dict[Channel | None, Tick]:
        first = self._ticks_read * HOPS
        self._ticks_read += 1
        over = self.settings.delivery.over_floor_db
        return {t.channel: ticks(t.hops(first, first + HOPS), over)[0] for t in self.tracks}

    def _frame(self, frame: Audio) -> list[Event]:
        start = self.now
        events = self._words_due(start, start)
        self.now = now = start + FRAME_LENGTH
        begun: dict[Channel, Utterance] = {}
        if self.conversation is None:
            (track,) = self.tracks
            track.hear(frame[:, 0])
            track.decide(start, now, allowed=True)
        else:
            agent, caller = self.tracks
            agent_levels, caller_levels = agent.hear(frame[:, 0]), caller.hear(frame[:, 1])
            self._note(begun, Channel.CALLER, caller.decide(start, now, allowed=True))
            allowed = self.bleed.step(
                start,
                agent_levels,
                caller_levels,
                agent_active=agent.activity.speaking,
                caller_active=caller.activity.speaking,
            )
            self._note(begun, Channel.AGENT, agent.decide(start, now, allowed=allowed))
            events += self._bleed_events(begun, now)
            events += self.conversation.step(now, begun)
        for track in self.tracks:
            events += track.segments(now)
            self._hand_over(track.windows(now), now)
        self._update_through(now)
        if self.conversation is not None:
            events += self.conversation.refine(now)
        return events

    @staticmethod
    def _note(begun: dict[Channel, Utterance], channel: Channel, utterance: Utterance | None) -> None:
        if utterance is not None:
            begun[channel] = utterance

    def _bleed_events(self, begun: dict[Channel, Utterance], now: int) -> list[Event]:
        """Take back what the agent's channel held before its echo was known; raise the notice once."""
        assert self.conversation is not None
        found: list[Event] = []
        if self.bleed.echo_since is not None:
            since = Samples(min(self.bleed.echo_since, now))
            found.append(
                Notice(
                    span=Span(since, Samples(now)),
                    known_at=Samples(now),
                    code="S-ECHO",
                    value=self.bleed.share,
                )
            )
            self.tracks[0].party.withdraw(self.bleed.echo_since)
            self.tracks[0].activity.drop_open()
            self.conversation.meetings.forget_echo()
            self.bleed.echo_since = None
            if Channel.AGENT in begun and begun[Channel.AGENT].dropped:
                del begun[Channel.AGENT]
        if self.bleed.notice_due:
            self.conversation.meetings.low_confidence = True
            at = Span(Samples(now), Samples(now))
            found.append(Notice(span=at, known_at=at.end, code="S-BLEED", value=self.bleed.share))
        return found

    def _hand_over(self, windows: list[SpeechWindow], now: int) -> None:
        if self._submit is not None:
            for window in windows:
                pending = self._submit(window)
                if pending is not None:
                    self.merge.submit(now + self._budget, window, pending)

    def _words_due(self, due: int | None, now: int) -> list[Event]:
        """Return words that are due, masked; what may still grow into a number stays with the masking."""
        events: list[Event] = []
        for window, result in self.merge.release(due):
            span = Span(window.pieces[0].start, window.pieces[-1].end)
            if result is None:
                events.append(
                    TranscriptLate(
                        span=span, known_at=Samples(now), channel=window.channel, reason="missed its deadline"
                    )
                )
                events += self.masking.missing(window.channel, span, Samples(now))
                continue
            words = Words(span=span, known_at=Samples(now), channel=window.channel, items=result.result())
            events.append(self.masking.take(words))
        for track in self.tracks:
            # as known when the frame before ended: earlier than anything that was just released
            through = self._all_words_to.get(track.channel, 0)
            events += self.masking.settle(track.channel, through, Samples(now))
        if due is None:
            events += self.masking.finish(Samples(now))
        for event in events:
            if isinstance(event, Words):
                self.transcript.add(event.channel, event.items)
        return events

    def _update_through(self, now: int) -> None:
        for track in self.tracks:
            pending = track.cutter.pending_from
            starts = [w.pieces[0].start for w in self.merge.outstanding if w.channel is track.channel]
            through = min([*starts, now if pending is None else pending])
            self._all_words_to[track.channel] = through
            held = self.masking.held_from(track.channel)
            self.transcript.through[track.channel] = through if held is None else min(through, held)
