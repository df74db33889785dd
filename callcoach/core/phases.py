"""Phases of a call: opening, story, diagnose, guide, close (end of section 2).

The opening and the story follow from who holds the floor. What comes after the story follows from the agent's
words: two instructions within half a minute begin to guide, a recap after guiding or a farewell begins the
close, and what is unknown is diagnose. Words arrive up to half a minute late and the two parties' words out
of order, so that marks are kept by position and what lies behind a late one is decided again.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from callcoach.clock import Span, to_samples
from callcoach.config_cues import PhaseSettings
from callcoach.core.phrases import Phrases, has_final_mark, normal
from callcoach.events import Channel, Event, FloorTaken, OpeningStory, Turn, Word, Words

if TYPE_CHECKING:
    from callcoach.contract.call import Phase  # a replay starts without the file formats

_LONGEST_PHRASE: Final = 4
"""Words of the longest lead-in or instruction of the lists."""
_ROUNDING: Final = to_samples(0.001)
"""Bounds of a turn may come from whole milliseconds."""


class _Kind(Enum):
    INSTRUCTION = auto()
    QUESTION = auto()
    RECAP = auto()
    CLOSE = auto()


@dataclass(frozen=True, slots=True)
class _Decided:
    """The phase from a mark on; ``guided``: there has been guiding, ``since``: the close began here."""

    phase: Phase = "diagnose"
    guided: bool = False
    since: int = 0


class PhaseTracker:
    """Follow the phase of a call from its events, in the order in which they become known.

    Works without words (opening, story and diagnose only) and for transcripts without audio.

    Parameters
    ----------
    phrases : the word lists.
    settings : counts and times.
    """

    def __init__(self, phrases: Phrases, settings: PhaseSettings | None = None) -> None:
        self._lists = _Lists(phrases)
        self._set = settings if settings is not None else PhaseSettings()
        self._window = to_samples(self._set.window_s)
        self._greeting = to_samples(self._set.greeting_s)
        self._caller_since: int | None = None
        self._story: Span | None = None
        self._floors: list[int] = []
        self._at: list[int] = []
        self._kinds: list[_Kind] = []
        self._decided: list[_Decided] = []

    @property
    def phase(self) -> Phase:
        """The phase as far as known to somebody who listens live."""
        if self._caller_since is None:
            return "opening"
        if self._story is None:
            return "story"
        return self._decided[-1].phase if self._decided else "diagnose"

    def handle(self, event: Event) -> None:
        """Take the next event; other types than the four that matter are ignored."""
        match event:
            case FloorTaken():
                self._floors.append(event.span.start)
                if event.channel is Channel.CALLER and self._caller_since is None:
                    self._caller_since = event.span.start
            case Turn(channel=Channel.CALLER) if self._story is None and event.span.length < self._greeting:
                if event.span.start == self._caller_since:
                    self._caller_since = None
            case OpeningStory():
                self._caller_since, self._story = event.span.start, event.span
                self._decide(0)
            case Words(channel=Channel() as channel):
                for position, kind in _marks(channel, event.items, self._lists):
                    self._insert(position, kind)
            case _:
                pass

    def phase_of(self, begin: int, end: int) -> Phase:
        """Return the phase of a turn from ``begin`` to ``end`` (samples), as far as known now.

        After the story it is the phase that the turn leads to: a turn that sums up and says goodbye is close.
        """
        middle = (begin + end) // 2
        if self._caller_since is not None and begin < self._caller_since:
            return "opening"
        if self._story is None and self._caller_since is not None:
            return "story"
        if self._story is not None and middle < self._story.end:
            return "story"
        # where the next turn overlaps this one, what it says is not part of this one
        following = bisect_right(self._floors, begin + _ROUNDING)
        if following < len(self._floors):
            end = min(end, self._floors[following])
        return self._led_to(bisect_left(self._at, max(end, begin + 1)) - 1)

    def _led_to(self, index: int) -> Phase:
        """Phase from the mark ``index`` on; guiding begins with the first instruction that makes it."""
        phase = self._decided[index].phase if index >= 0 else "diagnose"
        if phase != "diagnose" or index < 0:
            return phase
        for later in range(index + 1, len(self._at)):
            if self._at[later] - self._at[index] > self._window:
                break
            if self._decided[later].phase == "guide":
                return "guide" if self._count(_Kind.INSTRUCTION, later, upto=index) else "diagnose"
        return "diagnose"

    def _insert(self, position: int, kind: _Kind) -> None:
        index = bisect_right(self._at, position)
        self._at.insert(index, position)
        self._kinds.insert(index, kind)
        self._decide(index)

    def _decide(self, index: int) -> None:
        """Decide every mark from ``index`` on; there are few behind a late one."""
        del self._decided[index:]
        for i in range(index, len(self._at)):
            before = self._decided[i - 1] if i else _Decided()
            self._decided.append(self._after(i, before))

    def _after(self, index: int, before: _Decided) -> _Decided:
        position, kind = self._at[index], self._kinds[index]
        if self._story is not None and position < self._story.end:
            return _Decided()
        if kind is _Kind.CLOSE or (kind is _Kind.RECAP and before.guided):
            return _Decided("close", before.guided, position)
        since = before.since if before.phase == "close" else 0
        if kind is _Kind.INSTRUCTION:
            if self._count(kind, index, since=since) >= self._set.instructions:
                return _Decided("guide", True)
        elif kind is _Kind.QUESTION and before.phase != "diagnose":
            asked = self._count(kind, index, since=since)
            told = self._count(_Kind.INSTRUCTION, index, since=since)
            if asked >= self._set.questions and asked > told:
                return _Decided("diagnose", before.guided)
        return before

    def _count(self, kind: _Kind, index: int, *, since: int = 0, upto: int | None = None) -> int:
        """Count marks of a kind in the window that ends with mark ``index``, up to the mark ``upto``."""
        begin = max(self._at[index] - self._window, since, self._story.end if self._story else 0)
        first = bisect_left(self._at, begin)
        last = index if upto is None else upto
        return sum(k is kind for k in self._kinds[first : last + 1])


class _Lists:
    """The word lists, compiled: a call of an hour is gone through in a tenth of a second."""

    def __init__(self, phrases: Phrases) -> None:
        self.instructions = phrases.phase_instructions
        self.not_instructions = phrases.phase_not_instructions
        self.lead_ins = phrases.phase_lead_ins
        self.first_words = {p.split()[0] for p in self.instructions | self.not_instructions}
        self.closing_sentences = phrases.phase_closing_sentences
        self.closings = _any_of(phrases.phase_closings)
        self.farewells = _any_of(phrases.phase_farewells)
        self.recaps = _any_of(phrases.phase_recaps)
        self.check_backs = _any_of(phrases.phase_check_backs)


def _any_of(listed: frozenset[str]) -> re.Pattern[str]:
    """Pattern of the phrases as whole words in normal text."""
    return re.compile(rf"(?<!\S)(?:{'|'.join(map(re.escape, sorted(listed)))})(?!\S)")


def _marks(channel: Channel, items: tuple[Word, ...], lists: _Lists) -> Iterator[tuple[int, _Kind]]:
    """Yield what the words of one event say about the phase, by position."""
    sentence: list[Word] = []
    for i, word in enumerate(items):
        sentence.append(word)
        if i == len(items) - 1 or has_final_mark(word.text):
            yield from _sentence_marks(channel, sentence, lists)
            sentence = []


def _sentence_marks(channel: Channel, sentence: list[Word], lists: _Lists) -> Iterator[tuple[int, _Kind]]:
    spoken = [normal(w.text) for w in sentence]
    text = " ".join(filter(None, spoken))
    start = sentence[0].span.start
    if lists.farewells.search(text):
        yield start, _Kind.CLOSE
        return
    if channel is not Channel.AGENT:
        return
    if text in lists.closing_sentences or lists.closings.search(text):
        yield start, _Kind.CLOSE
        return
    if lists.recaps.search(text):
        yield start, _Kind.RECAP
    told = list(_instructions(sentence, spoken, lists))
    yield from ((position, _Kind.INSTRUCTION) for position in told)
    asks = sentence[-1].text.rstrip("\"')").endswith("?")
    if asks and not told and not lists.check_backs.search(text):
        yield start, _Kind.QUESTION


def _instructions(sentence: list[Word], spoken: list[str], lists: _Lists) -> Iterator[int]:
    """Yield the positions of verbs that tell somebody to do something; ``spoken``: normal form."""
    tokens: list[str] = []
    at: list[int] = []
    clauses: set[int] = {0}
    for word, said in zip(sentence, spoken, strict=True):
        for token in said.split():
            tokens.append(token)
            at.append(word.span.start)
        if word.text.endswith((",", ";", ":", "-", "\u2013", "\u2014")):
            clauses.add(len(tokens))
    i = 0
    while i < len(tokens):
        if tokens[i] not in lists.first_words:
            i += 1
            continue
        found, size = _longest(tokens, i, lists)
        if found and (i in clauses or _led_in(tokens, i, lists)):
            yield at[i]
        i += size


def _longest(tokens: list[str], at: int, lists: _Lists) -> tuple[bool, int]:
    """Tell whether an instruction begins at a token, and how many tokens the longest phrase there has."""
    for size in range(min(_LONGEST_PHRASE, len(tokens) - at), 0, -1):
        phrase = " ".join(tokens[at : at + size])
        if phrase in lists.not_instructions:
            return False, size
        if phrase in lists.instructions:
            return True, size
    return False, 1


def _led_in(tokens: list[str], at: int, lists: _Lists) -> bool:
    return any(
        " ".join(tokens[at - size : at]) in lists.lead_ins for size in range(1, min(_LONGEST_PHRASE, at) + 1)
    )
