"""The two parties together: floor, turns, meetings, silences and the opening story, frame by frame."""

from __future__ import annotations

from dataclasses import replace

from callcoach.clock import Samples, Span, to_samples
from callcoach.config import Settings
from callcoach.core.clause import ClauseJudge
from callcoach.core.floor import FloorTracker, Period
from callcoach.core.overlaps import Meetings
from callcoach.core.phrases import Phrases
from callcoach.core.pitch import PitchTrack
from callcoach.core.silences import Silences
from callcoach.core.story import Story, opening_story
from callcoach.core.transcript import Transcript
from callcoach.core.utterances import Party, Utterance
from callcoach.events import Channel, Event, FloorTaken, Monologue, OpeningStory, OverlapClass, Turn


class Conversation:
    """Turn-taking of a call with one party on each channel."""

    def __init__(
        self,
        settings: Settings,
        parties: dict[Channel, Party],
        pitch: dict[Channel, PitchTrack],
        transcript: Transcript,
        words: Phrases,
    ) -> None:
        self._set = settings
        self._phrases = words
        self._transcript = transcript
        self.parties = parties
        self.floor = FloorTracker(settings.floor, self.parties)
        clauses = ClauseJudge(settings.overlap, pitch, transcript, words)
        self.meetings = Meetings(settings.overlap, self.parties, self.floor, transcript, clauses, words)
        self.silences = Silences(
            settings.silence,
            self.parties,
            self.floor,
            transcript,
            words,
            to_samples(settings.activity.least_segment_s),
        )
        self._unread: dict[Channel, int] = dict.fromkeys(Channel, 0)
        self._story: Story | None = None
        self._story_told: tuple[int, int, bool, int | None] | None = None
        self._dirty = False

    @property
    def story(self) -> Story | None:
        """The opening story as far as it is known."""
        return self._story

    def step(self, now: int, begun: dict[Channel, Utterance]) -> list[Event]:
        """Advance to ``now``; ``begun`` holds the utterances that have just begun."""
        events: list[Event] = []
        for channel in sorted(begun, key=lambda c: (begun[c].start, c.value)):
            self.meetings.begun(channel, begun[channel])
        ended, taken = self.floor.step(now)
        if ended is not None:
            events += self._turn_events(ended, now)
        if taken is not None:
            events.append(
                FloorTaken(
                    span=Span(Samples(taken.start), Samples(now)),
                    known_at=Samples(now),
                    channel=taken.holder,
                    offset=taken.offset,
                )
            )
        decided = self.meetings.step(now)
        events += decided
        silence = self.silences.step(now)
        if silence is not None:
            events.append(silence)
        if ended is not None or taken is not None or decided:
            self._dirty = True
        return events

    def refine(self, now: int, *, final: bool = False) -> list[Event]:
        """Decide again what words have arrived for."""
        events: list[Event] = []
        decided = self.meetings.refine(now, final=final)
        events += decided
        events += self._short_turns(now, final=final)
        events += self.silences.refine(now, final=final)
        if decided or self._dirty:
            self._dirty = False
            events += self._tell_story(now)
        return events

    def finish(self, now: int, length: int) -> list[Event]:
        """End what is open, from sound alone; ``refine(final=True)`` follows with the last words.

        The last frame is filled up to ``now``; nothing may lie beyond ``length``, the end of the recording.
        """
        events: list[Event] = []
        for period in self.floor.periods:
            period.end = max(period.start, min(period.end, length))
        last = self.floor.finish(now)
        if last is not None:
            events += self._turn_events(last, now)
        events += self.meetings.step(now, final=True)
        silence = self.silences.finish(length)
        if silence is not None:
            events.append(replace(silence, known_at=Samples(max(silence.known_at, now))))
        self._dirty = True
        return events

    def _turn_events(self, period: Period, now: int) -> list[Event]:
        segments = self.parties[period.holder].between(period.start, period.end)
        span = Span(Samples(period.start), Samples(max(period.end, period.start)))
        events: list[Event] = [
            Turn(
                span=span, known_at=Samples(max(now, span.end)), channel=period.holder, segments=len(segments)
            )
        ]
        if span.length >= to_samples(self._set.silence.monologue_s):
            events.append(Monologue(span=span, known_at=Samples(max(now, span.end)), channel=period.holder))
        return events

    def _short_turns(self, now: int, *, final: bool) -> list[Event]:
        """Find turns of under a second that hold three words or more (section 1.4)."""
        events: list[Event] = []
        for channel in Channel:
            utterances = self.parties[channel].utterances
            while self._unread[channel] < len(utterances):
                utterance = utterances[self._unread[channel]]
                known = self._transcript.known(channel, utterance.end)
                if not utterance.closed or not (known or final):
                    break
                meeting = next(
                    (m for m in reversed(self.meetings.meetings) if m.utterance is utterance), None
                )
                if meeting is not None and meeting.stage == "sound" and not final:
                    break
                self._unread[channel] += 1
                if utterance.speech >= to_samples(self._set.floor.take_s):
                    continue
                if meeting is not None and meeting.decided is OverlapClass.BACKCHANNEL:
                    continue
                words = self._transcript.within(channel, utterance.start, utterance.end)
                if len(words) < self._set.floor.take_words:
                    continue
                for period in self.floor.insert_short(channel, utterance.start, utterance.end, now):
                    events += self._turn_events(period, now)
                    self._dirty = True
        return events

    def _tell_story(self, now: int) -> list[Event]:
        story = opening_story(
            self.floor.periods,
            self.meetings.meetings,
            self.parties[Channel.CALLER],
            self._transcript,
            self._set.story,
            self._phrases,
        )
        self._story = story
        if story is None or not story.ended:
            return []
        told = (story.start, story.end, story.completed, story.cut_at)
        if told == self._story_told:
            return []
        self._story_told = told
        return [
            OpeningStory(
                span=Span(Samples(story.start), Samples(story.end)),
                known_at=Samples(max(now, story.end)),
                completed=story.completed,
                cut_at=None if story.cut_at is None else Samples(story.cut_at),
                backchannels=story.backchannels,
                stage="words" if self._transcript.known(Channel.CALLER, story.end) else "sound",
            )
        ]
