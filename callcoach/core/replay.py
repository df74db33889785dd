"""A transcript without audio, run through the same conversation: what timing allows."""

from __future__ import annotations

from array import array

from callcoach.clock import FRAME_LENGTH, HOP_LENGTH, Samples, Span, from_ms, to_samples
from callcoach.config import Settings
from callcoach.contract import TranscriptInput, segment_words
from callcoach.core.activity import Ipu
from callcoach.core.conversation import Conversation
from callcoach.core.phrases import phrases
from callcoach.core.pitch import PitchTrack
from callcoach.core.transcript import Transcript
from callcoach.core.utterances import Party, Utterance
from callcoach.events import Channel, Event, SpeechSegment, Word, Words
from callcoach.lexicon.redacting_words import mask_words


class TranscriptReplay:
    """Speech runs from the segments of a transcript, frame by frame through `Conversation`.

    A segment counts as speech from its begin to its end, except where word times show a pause; segments
    closer than 0.2 s are one run. There is no F0, so that clauses are judged by words alone.
    """

    def __init__(self, settings: Settings, given: TranscriptInput) -> None:
        self.length = int(from_ms(given.duration_ms))
        self.transcript = Transcript(enabled=True)
        self._merge = to_samples(settings.activity.merge_gap_s)
        self._runs = {channel: self._speech(given, channel) for channel in Channel}
        self._known: dict[Channel, list[Ipu]] = {channel: [] for channel in Channel}
        self._words, _ = mask_words(
            {channel: tuple(w.as_word() for w in given.words(channel)) for channel in Channel},
            settings.redaction,
        )
        self.parties: dict[Channel | None, Party] = {
            channel: Party(to_samples(settings.floor.chain_gap_s), FRAME_LENGTH) for channel in Channel
        }
        self.conversation = Conversation(
            settings,
            {channel: self.parties[channel] for channel in Channel},
            {channel: _unvoiced(settings, self.length) for channel in Channel},
            self.transcript,
            phrases(),
        )
        given_probabilities = [
            w.probability for s in given.segments for w in segment_words(s) if w.probability is not None
        ]
        self.mean_probability = (
            sum(given_probabilities) / len(given_probabilities) if given_probabilities else None
        )

    def run(self) -> list[Event]:
        """Return all events; words count as known when their segment ends."""
        events: list[Event] = []
        now = 0
        while now < self.length:
            now += FRAME_LENGTH
            begun: dict[Channel, Utterance] = {}
            for channel in Channel:
                utterance = self._advance(channel, now)
                if utterance is not None:
                    begun[channel] = utterance
            events += self.conversation.step(now, begun)
        for channel in Channel:
            party = self.parties[channel]
            party.finish()
            events += [
                SpeechSegment(span=i.span, known_at=Samples(max(now, i.end)), channel=channel)
                for i in party.ipus
            ]
        events += self.conversation.finish(now, self.length)
        for channel in Channel:
            words = self._words[channel]
            self.transcript.add(channel, words)
            self.transcript.through[channel] = now
            if words:
                events.append(_words_event(channel, words, now))
        return events + self.conversation.refine(now, final=True)

    def _advance(self, channel: Channel, now: int) -> Utterance | None:
        known, runs = self._known[channel], self._runs[channel]
        if len(known) < len(runs) and runs[len(known)][0] < now:
            start, _ = runs[len(known)]
            known.append(Ipu(start=start, end=start, opened_at=now))
        speaking = False
        if known:
            end = runs[len(known) - 1][1]
            known[-1].end = min(end, now)
            known[-1].closed = end <= now
            speaking = not known[-1].closed
        return self.parties[channel].update(known, speaking, now)

    def _speech(self, given: TranscriptInput, channel: Channel) -> list[tuple[int, int]]:
        pieces: list[tuple[int, int]] = []
        for segment in given.segments:
            words = segment_words(segment)
            if segment.role is not channel or not words:
                continue
            if all(w.is_timed for w in words):
                pieces += [(int(w.span.start), int(w.span.end)) for w in words]
            else:
                pieces.append((int(from_ms(segment.begin)), int(from_ms(segment.end))))
        runs: list[tuple[int, int]] = []
        for start, end in sorted(pieces):
            if runs and start - runs[-1][1] < self._merge:
                runs[-1] = runs[-1][0], max(runs[-1][1], end)
            elif end > start:
                runs.append((start, end))
        return runs


def _words_event(channel: Channel, words: tuple[Word, ...], now: int) -> Words:
    end = max(w.span.end for w in words)
    return Words(
        span=Span(words[0].span.start, end), known_at=Samples(max(now, end)), channel=channel, items=words
    )


def _unvoiced(settings: Settings, length: int) -> PitchTrack:
    track = PitchTrack(settings.pitch)
    track.f0_hz = array("f", [float("nan")]) * (length // HOP_LENGTH + 1)
    return track
