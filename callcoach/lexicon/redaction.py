"""Masking of numbers, addresses and secrets in words before they are written (PRV-5). It may miss some.

Words of one party go through a `Redactor` in order; every decision is final. It depends on the words and their times alone,
not on how they were cut into windows: a word that may still turn out to belong to a number or an address is held back until
the next words come or the party has been silent for longer than such a pause lasts. `RedactingWords` does it for both
parties and for events.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final

from callcoach.clock import Samples, Span
from callcoach.config_redaction import RedactionSettings
from callcoach.events import Channel, Word, Words
from callcoach.lexicon.number_runs import MOST_RUN, scan_number
from callcoach.lexicon.redaction_email import CUE_WORDS, CUES, scan_email
from callcoach.lexicon.redaction_secret import Phase, SecretState, names_secret, scan_spelled
from callcoach.lexicon.redaction_words import MORE, Kind, Tail, Token

CARD_LENGTHS: Final = range(13, 20)
"""Digits of a card number (ISO/IEC 7812)."""
PHONE_LENGTHS: Final = range(7, 16)
"""Digits of a phone number (E.164)."""
PHONE_REGIONS: Final = ("US", "GB", "DE", "IE", "AU", "IN", "FR", "ES", "NL", "IT", "ZA", "SG")
"""Countries whose national numbers are known; others with their country code."""
NOTE: Final = "Numbers, addresses and secrets are masked; the masking may miss some."
"""For people; nothing may promise more."""


class MaskKind(StrEnum):
    """What was masked."""

    NUMBER = "number"
    CARD = "card"
    PHONE = "phone"
    EMAIL = "email"
    SECRET = "secret"

    @property
    def text(self) -> str:
        """What stands in place of each word."""
        return f"[{self.value}]"


@dataclass(frozen=True, slots=True)
class Match:
    """One masked run, without what was said: kind, party, first and last word, span from first to last word.

    The words are counted from the start of the call, per party.
    """

    kind: MaskKind
    channel: Channel | None
    first: int
    last: int
    span: Span


class Redactor:
    """Masks the words of one party.

    Parameters
    ----------
    settings
        See `RedactionSettings`; with ``on`` false every word passes at once.
    channel
        Whose words they are; None in a mono recording.
    """

    def __init__(self, settings: RedactionSettings, channel: Channel | None = None) -> None:
        self._set = settings
        self._channel = channel
        times = settings.in_samples()
        self._hold, self._plain_hold = times["hold_s"], times["plain_hold_s"]
        self._slack, self._asked = times["slack_s"], times["asked_s"]
        self._tail = Tail()
        self._secret = SecretState(settings.secret_words, times["secret_s"], self._plain_hold)
        self._before: Token | None = None
        self._last_end: int | None = None
        self._cue_left = 0
        self._cut_run = False
        self._told = 0
        self._secret_asked = self._address_asked = self._card_said = (0, 0)
        self.matches: list[Match] = []
        """What was masked so far, in order."""
        self.asks_secret = self.asks_address = (0, 0)
        """When the answer of the other party may be a secret or an address, as ``[start, end)`` in samples."""

    @property
    def held_from(self) -> Samples | None:
        """Start of the first word that is not decided; None when there is none."""
        return self._tail.words[0].span.start if len(self._tail) else None

    def push(self, words: Sequence[Word]) -> list[Word]:
        """Take the next words, in order; return those that are decided now, masked where needed."""
        if not self._set.on:
            return list(words)
        self._tail.add(words)
        return self._drain()

    def settle(self, through: int) -> list[Word]:
        """Note that no further word begins before ``through`` (samples); return what this decides."""
        self._tail.quiet_to = max(self._tail.quiet_to, through - self._slack)
        return self._drain() if len(self._tail) else []

    def finish(self) -> list[Word]:
        """Return the rest: no word follows."""
        self._tail.over = True
        return self._drain()

    def answers(self, secret: tuple[int, int], address: tuple[int, int]) -> None:
        """Note what the other party asked for, as their `asks_secret` and `asks_address` tell."""
        self._secret_asked, self._address_asked = secret, address

    def glimpse(self, words: Sequence[Word]) -> list[Word]:
        """Return words that may still change, masked with caution, and take note of nothing.

        For interim text on its way to a disk: a number that is still open is masked whatever its length.
        """
        if not self._set.on or not words:
            return list(words)
        twin = copy.copy(self)
        twin._tail, twin._secret, twin.matches = self._tail.copy(), copy.copy(self._secret), []
        shown = twin.push(words)
        tokens = twin._tail.tokens
        doubtful = [i for i, t in enumerate(tokens) if t.spelled or t.kind in (Kind.AT, Kind.JOINT)]
        for i, word in enumerate(twin._tail.words):
            inside = bool(doubtful) and doubtful[0] <= i <= doubtful[-1]
            shown.append(_masked(word, tokens[i], MaskKind.NUMBER) if inside else word)
        return shown[len(shown) - len(words) :]

    def _drain(self) -> list[Word]:
        """Decide as many words as possible."""
        tail, out, at = self._tail, [], 0
        tokens, words = tail.tokens, tail.words
        secret = self._secret
        while at < len(words):
            word, token = words[at], tokens[at]
            if self._last_end is not None:
                secret.pause(word.span.start - self._last_end)
            if (
                token.kind is Kind.PLAIN
                and secret.phase is Phase.NONE
                and not self._cue_left
                and at + 1 < len(words)
                and tokens[at + 1].kind is Kind.PLAIN
                and not self._is_asked(word)
            ):
                last, kind = -1, None
            else:
                last, kind = self._decide(at)
            if last == MORE:
                break
            if kind is None:
                out.append(word)
                self._pass(word, token)
                at += 1
                continue
            out += [_masked(words[i], tokens[i], kind) for i in range(at, last + 1)]
            self._note(kind, at, last)
            at = last + 1
        self._told += at
        tail.drop(at)
        return out

    def _is_asked(self, word: Word) -> bool:
        return _within(word, self._secret_asked) or _within(word, self._address_asked)

    def _decide(self, at: int) -> tuple[int, MaskKind | None]:
        """Return the last word and the kind of what begins at ``at``; `MORE` if words to come decide."""
        tail, word = self._tail, self._tail.words[at]
        last = self._secret.check(tail, at)
        if last >= 0 or last == MORE:
            return last, MaskKind.SECRET
        cued = self._cue_left > 0 or _within(word, self._address_asked)
        last = scan_email(tail, at, self._hold, self._plain_hold, cued=cued)
        if last >= 0 or last == MORE:
            return last, MaskKind.EMAIL
        named = self._secret.phase is Phase.NAMED or _within(word, self._secret_asked)
        least = self._set.least_digits
        if named or _within(word, self._card_said):
            least = min(least, self._set.asked_digits)
        if self._cut_run:
            least = 1
        run = scan_number(tail, at, least, self._hold, self._plain_hold, self._before)
        if run.last == MORE:
            return MORE, None
        if run.last >= 0:
            kind = kind_of(run.digits)
            return run.last, MaskKind.SECRET if named and kind is not MaskKind.CARD else kind
        if named and tail.tokens[at].spelled:
            last = scan_spelled(tail, at, self._set.asked_digits, self._hold)
            return last, MaskKind.SECRET if last >= 0 else None
        return -1, None

    def _pass(self, word: Word, token: Token) -> None:
        """Note a word that stays readable."""
        self._cut_run = False
        self._secret.leave_readable(token)
        self._before, self._last_end = token, word.span.end
        if token.text in CUES:
            self._cue_left = CUE_WORDS
            self.asks_address = (word.span.end, word.span.end + self._asked)
        elif self._cue_left:
            self._cue_left -= 1
        if self._secret.phase is Phase.NAMED and names_secret(self._secret.last_words, asked=True):
            self.asks_secret = (word.span.end, word.span.end + self._asked)

    def _note(self, kind: MaskKind, first: int, last: int) -> None:
        """Note masked words."""
        words = self._tail.words
        if kind is not MaskKind.SECRET or last > first:
            self._secret.masked_elsewhere()
        start, end = words[first].span.start, max(w.span.end for w in words[first : last + 1])
        self._before, self._last_end = self._tail.tokens[last], words[last].span.end
        self._cut_run = last - first >= MOST_RUN
        self._cue_left = 0
        if kind is MaskKind.CARD or (kind is MaskKind.NUMBER and _within(words[first], self._card_said)):
            self._card_said = (end, end + self._asked)
        match = Match(kind, self._channel, self._told + first, self._told + last, Span(start, end))
        before = self.matches[-1] if self.matches else None
        if before and kind is before.kind is MaskKind.SECRET and before.last + 1 == match.first:
            match = replace(
                match, first=before.first, span=Span(before.span.start, max(before.span.end, end))
            )
            self.matches.pop()
        self.matches.append(match)


class RedactingWords:
    """Masks the words of a call on their way from the recogniser to everything else.

    Events go in as the recogniser gives them and come out with their items masked; held words come out with the next event
    of their party, or as an event of their own from `settle` or `finish`.
    """

    def __init__(self, settings: RedactionSettings) -> None:
        self._set = settings
        self._parties: dict[Channel | None, Redactor] = {}

    @property
    def matches(self) -> list[Match]:
        """All that was masked, in order of time."""
        found = [m for party in self._parties.values() for m in party.matches]
        return sorted(found, key=lambda m: (m.span, m.channel or ""))

    def held_from(self, channel: Channel | None) -> Samples | None:
        """Start of the first word of a party that is held back; None when there is none."""
        party = self._parties.get(channel)
        return None if party is None else party.held_from

    def take(self, event: Words) -> Words:
        """Return the event with the words that are decided, among them words held back before.

        The span grows to the start of the first word.
        """
        items = tuple(self._party(event.channel).push(event.items))
        self._tell(event.channel)
        start = min([event.span.start, *(w.span.start for w in items[:1])])
        return replace(event, span=Span(start, event.span.end), items=items)

    def settle(self, channel: Channel | None, through: int, known_at: Samples) -> list[Words]:
        """Return what is decided by silence: no word of this party begins before ``through`` any more.

        To be called as the call goes on, with ``known_at`` for the events, both in samples; cheap when nothing is held.
        """
        party = self._parties.get(channel)
        if party is None or party.held_from is None:
            return []
        return self._own_event(channel, party.settle(through), known_at)

    def finish(self, known_at: Samples) -> list[Words]:
        """Return what is still held at the end of the call."""
        events: list[Words] = []
        for channel, party in self._parties.items():
            events += self._own_event(channel, party.finish(), known_at)
        return events

    def glimpse(self, channel: Channel | None, words: Sequence[Word]) -> list[Word]:
        """Return interim words for the disk, see `Redactor.glimpse`."""
        return self._party(channel).glimpse(words)

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


def find_matches(words: Sequence[Word], settings: RedactionSettings | None = None) -> list[Match]:
    """Return what would be masked in the words of one party."""
    redactor = Redactor(settings or RedactionSettings())
    redactor.push(words)
    redactor.finish()
    return redactor.matches


def readable(texts: Sequence[str]) -> str:
    """Join words for people: a masked run shows its mark once."""
    marks = {kind.text for kind in MaskKind}
    out: list[str] = []
    for text in texts:
        mark = text.rstrip(".,;:?!…")
        if mark in marks and out and out[-1].rstrip(".,;:?!…") == mark:
            out[-1] = text
        else:
            out.append(text)
    return " ".join(out)


@lru_cache(maxsize=256)
def kind_of(digits: str) -> MaskKind:
    """Return what a run of digits is: a card number (Luhn), a phone number, or a number."""
    for length in reversed(CARD_LENGTHS):
        for start in range(len(digits) - length + 1):
            if digits[start] in "23456" and passes_luhn(digits[start : start + length]):
                if length != len(digits) and length < 15:
                    continue  # by chance in a longer number
                return MaskKind.CARD
    return MaskKind.PHONE if len(digits) in PHONE_LENGTHS and _is_phone(digits) else MaskKind.NUMBER


def passes_luhn(digits: str) -> bool:
    """Tell whether the check digit of ISO/IEC 7812 is right."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def _is_phone(digits: str) -> bool:
    import phonenumbers  # half a second to load, and rarely needed

    tries: list[tuple[str, str | None]] = [(digits, region) for region in PHONE_REGIONS]
    tries += [("+" + digits.removeprefix("00"), None)]
    for text, region in tries:
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return True
    return False


def _masked(word: Word, token: Token, kind: MaskKind) -> Word:
    return Word(kind.text + token.closing, word.span, word.probability)


def _within(word: Word, window: tuple[int, int]) -> bool:
    return window[0] <= word.span.start < window[1]
