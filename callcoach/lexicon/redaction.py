"""Masking of numbers, addresses and secrets in words before they are written (PRV-5). It may miss some.

Words of one party go through a `Redactor` in order; every decision is final. It depends on the words and
their times alone, not on how they were cut into windows: a word that may still turn out to belong to a number
or an address is held back until the next words come or the party has been silent for longer than such a pause
lasts. `callcoach.lexicon.redacting_words` does it for both parties and for events.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

from callcoach.clock import Samples, Span
from callcoach.config_redaction import RedactionSettings
from callcoach.events import Channel, Word
from callcoach.lexicon.number_runs import MOST_RUN, scan_number
from callcoach.lexicon.redaction_email import CUE_WORDS, CUES, scan_email
from callcoach.lexicon.redaction_kinds import MaskKind, Match, kind_of
from callcoach.lexicon.redaction_secret import FINAL_WORDS, Phase, SecretState, names_secret, scan_spelled
from callcoach.lexicon.redaction_words import MORE, Kind, Tail, Token

_WATCHED = CUES | FINAL_WORDS
"""Words after which something may come that is masked."""


@dataclass(frozen=True, slots=True)
class _Hole:
    """Speech without words, and how far a secret had come before it."""

    span: Span
    phase: Phase


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
        self._reach = times["reach_s"]
        self._slack, self._asked = times["slack_s"], times["asked_s"]
        self._tail = Tail()
        self._secret = SecretState(settings.secret_words, times["secret_s"], self._plain_hold)
        self._before: Token | None = None
        self._last: Word | None = None
        self._cue_left = 0
        self._cut_run = False
        self._told = 0
        self._secret_asked = self._address_asked = self._card_said = (0, 0)
        self._holes: list[_Hole] = []
        self.matches: list[Match] = []
        """What was masked so far, in order."""
        self.asks_secret = self.asks_address = (0, 0)
        """When the other party may answer with a secret or an address, as ``[start, end)`` in samples."""

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

    def hole(self, span: Span) -> list[Word]:
        """Note speech whose words are late or lost; return what is decided now.

        What stands near it may be a piece of a number, so digits there are masked, however few. Nothing is
        held for words that may never come.
        """
        if not self._set.on:
            return []
        self._holes.append(_Hole(span, self._secret.phase))
        self._tail.quiet_to = max(self._tail.quiet_to, span.end)
        decided = self._drain()
        if len(self._tail) and self._tail.words[-1].span.end <= span.start:
            self._tail.over = True
            decided += self._drain()
            self._tail.over = False
        return decided

    def late(self, words: Sequence[Word]) -> list[Word]:
        """Take words that lie before others taken already; return all of them, masked with caution."""
        if not self._set.on or not words:
            return list(words)
        other = Redactor(self._set, self._channel)
        other.answers(self._secret_asked, self._address_asked)
        span = Span(words[0].span.start, max(w.span.end for w in words))
        other._holes = [*self._holes, _Hole(span, Phase.NONE)]
        before = [hole.phase for hole in self._holes if hole.span.overlap(span)]
        if any(phase in (Phase.LINKED, Phase.SAYING) for phase in before):
            other._secret.phase = Phase.LINKED
        told = [*other.push(words), *other.finish()]
        self.matches += other.matches
        return told

    def is_late(self, words: Sequence[Word]) -> bool:
        """Tell whether words lie before others that were taken already."""
        last = self._tail.words[-1] if len(self._tail) else self._last
        return bool(words) and last is not None and words[0].span.start < last.span.start

    def forget(self, start: int, end: int) -> None:
        """Drop held words that meet ``[start, end)``: the stretch was removed from the record."""
        words = self._tail.words
        kept = [w for w in words if w.span.end <= start or w.span.start >= end]
        if len(kept) < len(words):
            quiet_to = self._tail.quiet_to
            self._tail = Tail(kept, quiet_to)

    def finish(self) -> list[Word]:
        """Return the rest: no word follows."""
        self._tail.over = True
        return self._drain()

    def answers(self, secret: tuple[int, int], address: tuple[int, int]) -> None:
        """Note what the other party asked for, as their `asks_secret` and `asks_address` tell."""
        self._secret_asked, self._address_asked = secret, address

    def glimpse(self, words: Sequence[Word]) -> list[Word]:
        """Return words that may still change, masked with caution, and take note of nothing.

        For interim text on its way to a disk: every number is masked, however short, since what it belongs
        to may not be known yet.
        """
        if not self._set.on or not words:
            return list(words)
        twin = copy.copy(self)
        twin._tail, twin._secret, twin.matches = self._tail.copy(), self._secret.copy(), []
        twin._holes = [_Hole(Span(words[0].span.start, max(w.span.end for w in words)), Phase.NONE)]
        if twin.is_late(words):
            return twin.late(words)
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
        asked_to = max(self._secret_asked[1], self._address_asked[1])
        while at < len(words):
            word, token = words[at], tokens[at]
            if (
                token.kind is Kind.PLAIN
                and secret.phase is Phase.NONE
                and not self._cue_left
                and at + 1 < len(words)
                and tokens[at + 1].kind is Kind.PLAIN
                and word.span.start >= asked_to
            ):
                out.append(word)
                if token.text in _WATCHED or token.text[-2:] == "'s":
                    self._pass(word, token)
                else:  # most words of a call
                    secret.last_words.append(token.text)
                    self._cut_run = False
                    self._before, self._last = token, word
                at += 1
                continue
            if secret.phase is not Phase.NONE and self._last is not None:
                secret.pause(word.span.start - self._last.span.end)
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
        run = scan_number(tail, at, 1 if self._holes else least, self._hold, self._plain_hold, self._before)
        if run.last == MORE:
            return MORE, None
        if run.last >= 0 and (len(run.digits) >= least or self._near_hole(at, run.last)):
            kind = kind_of(run.digits)
            return run.last, MaskKind.SECRET if named and kind is not MaskKind.CARD else kind
        if named and _is_mixed(tail.tokens[at].text):
            return at, MaskKind.SECRET
        if named and tail.tokens[at].spelled:
            last = scan_spelled(tail, at, self._set.asked_digits, self._hold)
            return last, MaskKind.SECRET if last >= 0 else None
        return -1, None

    def _near_hole(self, first: int, last: int) -> bool:
        """Tell whether words are missing so near to these that a number may go on in them."""
        words, hold = self._tail.words, self._hold
        start, end = words[first].span.start - hold, words[last].span.end + hold
        return any(hole.span.start <= end and hole.span.end >= start for hole in self._holes)

    def _pass(self, word: Word, token: Token) -> None:
        """Note a word that stays readable."""
        self._cut_run = False
        self._secret.leave_readable(token)
        self._before, self._last = token, word
        if token.text in CUES:
            self._cue_left = CUE_WORDS
            self.asks_address = (word.span.end, word.span.end + self._asked)
        elif self._cue_left:
            self._cue_left -= 1
        if self._secret.phase is Phase.NAMED and names_secret(tuple(self._secret.last_words), asked=True):
            self.asks_secret = (word.span.end, word.span.end + self._asked)

    def _note(self, kind: MaskKind, first: int, last: int) -> None:
        """Note masked words."""
        words = self._tail.words
        if kind is not MaskKind.SECRET or last > first:
            self._secret.masked_elsewhere()
        start, end = words[first].span.start, max(w.span.end for w in words[first : last + 1])
        room_start = max(0, start - self._reach)
        if self._last is not None:
            room_start = min(start, max(room_start, self._last.span.end))
        room_end = end + self._reach
        if last + 1 < len(words):
            room_end = max(end, min(room_end, words[last + 1].span.start))
        room = Span(Samples(room_start), Samples(room_end))
        self._before, self._last = self._tail.tokens[last], words[last]
        self._cut_run = last - first >= MOST_RUN
        self._cue_left = 0
        if kind is MaskKind.CARD or (kind is MaskKind.NUMBER and _within(words[first], self._card_said)):
            self._card_said = (end, end + self._asked)
        match = Match(kind, self._channel, self._told + first, self._told + last, Span(start, end), room)
        before = self.matches[-1] if self.matches else None
        if before and kind is before.kind is MaskKind.SECRET and before.last + 1 == match.first:
            match = replace(
                match, first=before.first, span=Span(before.span.start, max(before.span.end, end))
            )
            self.matches.pop()
        self.matches.append(match)


def find_matches(words: Sequence[Word], settings: RedactionSettings | None = None) -> list[Match]:
    """Return what would be masked in the words of one party."""
    redactor = Redactor(settings or RedactionSettings())
    redactor.push(words)
    redactor.finish()
    return redactor.matches


def _is_mixed(text: str) -> bool:
    """Tell whether a word looks like a password: letters with digits in it."""
    letters = sum(c.isalpha() for c in text)
    return letters >= 3 and letters < len(text) and any(c.isdigit() for c in text)


def _masked(word: Word, token: Token, kind: MaskKind) -> Word:
    return Word(kind.text + token.closing, word.span, word.probability)


def _within(word: Word, window: tuple[int, int]) -> bool:
    return window[0] <= word.span.start < window[1]
