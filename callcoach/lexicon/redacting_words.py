"""The masking of a call's words on their way from the recogniser to rules, log and disk (PRV-5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from callcoach.clock import Samples, Span
from callcoach.config_redaction import RedactionSettings
from callcoach.events import Channel, Word, Words
from callcoach.lexicon.redaction import Redactor
from callcoach.lexicon.redaction_kinds import Match


class RedactingWords:
    """Masks the words of a call on their way from the recogniser to everything else.

    Events go in as the recogniser gives them and come out with their items masked; held words come out with
    the next event of their party, or as an event of their own from `settle` or `finish`.
    """

    def __init__(self, settings: RedactionSettings) -> None:
        self._set = settings
        self._parties: dict[Channel | None, Redactor] = {}
        self._ahead: dict[Channel | None, list[Word]] = {}
        """Final words that were shown but have not been taken yet."""
        self._reported: set[tuple[Match, Span]] = set()

    @property
    def matches(self) -> list[Match]:
        """All that was masked, in order of time."""
        found = [m for party in self._parties.values() for m in party.matches]
        return sorted(found, key=lambda m: (m.span, m.channel or ""))

    def new_matches(self) -> list[Match]:
        """Return what was masked, or grew, since the last call: its sound has to be erased."""
        fresh = [m for m in self.matches if (m, m.room) not in self._reported]
        self._reported.update((m, m.room) for m in fresh)
        return fresh

    def held_from(self, channel: Channel | None) -> Samples | None:
        """Start of the first word of a party that is held back; None when there is none."""
        party = self._parties.get(channel)
        return None if party is None else party.held_from

    def take(self, event: Words) -> Words:
        """Return the event with the words that are decided, among them words held back before.

        The span grows to the start of the first word.
        """
        party = self._party(event.channel)
        items = tuple(party.late(event.items) if party.is_late(event.items) else party.push(event.items))
        self._tell(event.channel)
        ahead = self._ahead.get(event.channel)
        if ahead:
            ahead[:] = [w for w in ahead if w.span.start >= event.span.end]
        start = min([event.span.start, *(w.span.start for w in items[:1])])
        return replace(event, span=Span(start, event.span.end), items=items)

    def settle(self, channel: Channel | None, through: int, known_at: Samples) -> list[Words]:
        """Return what silence decides: no word of this party begins before ``through`` any more.

        To be called as the call goes on, with ``known_at`` for the events, both in samples; cheap when
        nothing is held.
        """
        party = self._parties.get(channel)
        if party is None or party.held_from is None:
            return []
        return self._own_event(channel, party.settle(through), known_at)

    def missing(self, channel: Channel | None, span: Span, known_at: Samples) -> list[Words]:
        """Note speech whose words are late or lost (`TranscriptLate`); return what it decides.

        Digits near it are masked, however few, since a number may go on in what is missing. If its words come
        after all, `take` masks them with the same caution.
        """
        return self._own_event(channel, self._party(channel).hole(span), known_at)

    def forget(self, start: int, end: int, channels: Collection[Channel | None] | None = None) -> None:
        """Drop held words that meet ``[start, end)``, of some parties or of all (card pause, refusal)."""
        for channel, party in self._parties.items():
            if channels is None or channel in channels:
                party.forget(start, end)
                self._ahead.pop(channel, None)

    def finish(self, known_at: Samples) -> list[Words]:
        """Return what is still held at the end of the call."""
        events: list[Words] = []
        for channel, party in self._parties.items():
            events += self._own_event(channel, party.finish(), known_at)
        return events

    def glimpse(self, channel: Channel | None, words: Sequence[Word], *, final: bool = False) -> list[Word]:
        """Return interim words as they may be written: every number in them is masked, however short.

        Parameters
        ----------
        final
            These are the final words of their stretch, which `take` gets later: what follows them is seen
            with them in front.
        """
        ahead = self._ahead.setdefault(channel, [])
        in_front = [w for w in ahead if words and w.span.end <= words[0].span.start]
        shown = self._party(channel).glimpse([*in_front, *words])[len(in_front) :]
        if final and words:
            ahead[:] = sorted([*ahead, *words], key=lambda w: w.span)
        return shown

    def _party(self, channel: Channel | None) -> Redactor:
        if channel not in self._parties:
            self._parties[channel] = Redactor(self._set, channel)
        return self._parties[channel]

    def _tell(self, channel: Channel | None) -> None:
        """Let the other party's words be seen as answers to this one's questions."""
        if channel is not None:
            party = self._party(channel)
            self._party(channel.other).answers(party.asks_secret, party.asks_address)

    def _own_event(self, channel: Channel | None, items: list[Word], known_at: Samples) -> list[Words]:
        self._tell(channel)
        if not items:
            return []
        span = Span(items[0].span.start, max(w.span.end for w in items))
        known = Samples(max(known_at, span.end))
        return [Words(span=span, known_at=known, channel=channel, items=tuple(items))]


def mask_words(
    words: Mapping[Channel | None, Sequence[Word]], settings: RedactionSettings
) -> tuple[dict[Channel | None, tuple[Word, ...]], list[Match]]:
    """Mask the words of a whole call at once, for a transcript without audio.

    Parameters
    ----------
    words
        By party, in order of time.

    Returns
    -------
    tuple
        The words with masked texts, as many and at the same times, and what was masked.
    """
    stage = RedactingWords(settings)
    done: dict[Channel | None, list[Word]] = {channel: [] for channel in words}
    in_order = sorted(
        ((w.span.start, n, channel, w) for channel, all_of in words.items() for n, w in enumerate(all_of)),
        key=lambda entry: (entry[0], str(entry[2]), entry[1]),
    )
    for _, _, channel, word in in_order:
        event = Words(span=word.span, known_at=word.span.end, channel=channel, items=(word,))
        done[channel] += stage.take(event).items
    for event in stage.finish(Samples(0)):
        done[event.channel] += event.items
    return {channel: tuple(items) for channel, items in done.items()}, stage.matches
