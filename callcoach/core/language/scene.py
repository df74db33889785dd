"""What was said so far, for somebody who listens live: a log that only grows, and windows (4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from callcoach.clock import to_samples
from callcoach.config_language import LanguageSettings
from callcoach.core.language.finder import (
    ACKNOWLEDGEMENT,
    APOLOGY,
    RECAP,
    RELIEF,
    STRONG,
    THANKS,
    Finder,
    Found,
)
from callcoach.core.language.lists import content_words, language_lists, shared
from callcoach.core.language.orders import orders
from callcoach.core.language.sentences import PromiseKind, promises_of
from callcoach.core.language.strong import Mark, StrongLevel
from callcoach.core.language.terms import Vocabulary
from callcoach.core.language.text import Chunk, Chunker, Sentence
from callcoach.events import Channel, Word
from callcoach.lexicon import Lexicon

_SLACK = to_samples(0.3)


@dataclass(slots=True)
class LiveWindow:
    """A window of section 4.4 as far as it is known; positions in samples."""

    opened: int
    """Where the caller yielded the floor."""
    turn: int
    """Start of the agent's turn that follows."""
    level: float
    marks: tuple[Mark, ...]
    """The strong words that opened it."""
    answer: Found | None = None


class LanguageScene:
    """Words of both parties as they arrive. Everything in it was known when it was put there and stays.

    Parameters
    ----------
    lexicon : the word lists.
    settings : LanguageSettings
    """

    def __init__(self, lexicon: Lexicon, settings: LanguageSettings) -> None:
        self.settings = settings
        self.lexicon = lexicon
        self.found: list[Found] = []
        """All that was found, in the order in which it became known."""
        self.sentences: dict[Channel, list[Sentence]] = {c: [] for c in Channel}
        """Sentences that have ended, by party."""
        self.level = StrongLevel(settings)
        self.vocabulary = Vocabulary()
        self.orders: list[int] = []
        """Positions of the agent's instruction verbs."""
        self.apologies: list[tuple[int, int]] = []
        self.thanks: list[tuple[int, int]] = []
        """Bounds of the agent's apologies and thanks."""
        self.promises: list[tuple[PromiseKind, Sentence]] = []
        self.played_back: list[int] = []
        """Where the agent played the caller's words back (L10)."""
        self.windows: list[LiveWindow] = []
        self._finder = Finder(lexicon, settings)
        self._chunkers = {c: Chunker(c, settings) for c in Channel}
        self._cut = dict.fromkeys(Channel, 0)
        """Words of the open chunk that stand in ended sentences."""
        self._merge = to_samples(settings.merge_s)
        self._late = to_samples(settings.late_s)
        self._through = -1
        self._turn: tuple[int, int] | None = None
        """Where the caller yielded and where the agent's turn began, while the agent has the floor."""
        self._caller_turn = 0

    def floor_taken(self, channel: Channel, start: int, other_ended: int) -> None:
        """Take a change of the floor: start of the turn, and where the other party fell silent."""
        if channel is Channel.CALLER:
            self._turn = None
            self._caller_turn = start
        elif self._turn is None:
            self._turn = (max(0, other_ended), start)
        self._look_at_windows()

    def hear(self, channel: Channel, words: Sequence[Word]) -> None:
        """Take words of one party that have arrived; they lie after all earlier ones of the party."""
        chunker = self._chunkers[channel]
        for chunk in chunker.take(words):
            self._find(chunk)
            self._sentences(chunk, whole=True)
            self._cut[channel] = 0
        current = chunker.current()
        if current is not None:
            self._find(current)
            self._sentences(current, whole=False)
        self._look_at_windows()

    def of(self, channel: Channel, *lists: str) -> list[Found]:
        """Return what was found in the words of a party."""
        return [f for f in self.found if f.channel is channel and f.list in lists]

    def window(self) -> LiveWindow | None:
        """Return the window of the agent's present turn, or None."""
        if self._turn is None or not self.windows or self.windows[-1].turn != self._turn[1]:
            return None
        return self.windows[-1]

    def _find(self, chunk: Chunk) -> None:
        new = self._finder.take(chunk)
        self.vocabulary.take(new)
        for f in new:
            if f.channel is not Channel.CALLER or f.low:
                continue
            if f.list == STRONG:
                self.level.add(f.start, f.row.weight or 1.0, f.phrase)
            elif f.list == RELIEF:
                self.level.add(f.start, -(f.row.weight or self.settings.relief), f.phrase)
        self.found += new
        mine = [f for f in new if f.channel is Channel.AGENT]
        self.apologies += [(f.start, f.end) for f in mine if f.list == APOLOGY]
        self.thanks += [(f.start, f.end) for f in mine if f.list == THANKS]
        self.played_back += [f.start for f in new if f.channel is Channel.AGENT and f.list == RECAP]

    def _sentences(self, chunk: Chunk, *, whole: bool) -> None:
        """Take the sentences of a chunk that have ended and were not taken before."""
        left = chunk.words[self._cut[chunk.channel] :]
        if not left:
            return
        listed = Chunk(chunk.channel, left).sentences(self.settings)
        for sentence in listed:
            if not (whole or sentence.ended):
                break
            self._cut[chunk.channel] += len(sentence.words)
            self._take(sentence)

    def _take(self, sentence: Sentence) -> None:
        self.sentences[sentence.channel].append(sentence)
        if sentence.channel is Channel.CALLER:
            return
        self.orders += orders([sentence])
        self.promises += [(p.kind, sentence) for p in promises_of([sentence], self.found)]
        if self._repeats_caller(sentence):
            self.played_back.append(sentence.start)

    def _repeats_caller(self, sentence: Sentence) -> bool:
        """Tell whether a sentence holds enough of the content of the caller's last turn (L10)."""
        lists = language_lists()
        theirs = [
            s
            for s in self.sentences[Channel.CALLER]
            if s.end > self._caller_turn and s.start < sentence.start
        ]
        words = content_words(" ".join(s.text for s in theirs), lists)
        mine = content_words(sentence.text, lists)
        common = shared(mine, words)
        return common >= self.settings.shared_words and 100 * common >= self.settings.shared_pct * len(
            set(mine)
        )

    def _look_at_windows(self) -> None:
        """Open a window for the agent's present turn, and look for its answer."""
        said = self.of(Channel.AGENT, ACKNOWLEDGEMENT)
        last = self.windows[-1] if self.windows else None
        if last is not None and last.answer is None:
            begin = min(last.turn, last.opened) - _SLACK
            last.answer = next((f for f in said if begin <= f.start <= last.opened + self._late), None)
        if self._turn is None:
            return
        t0, start = self._turn
        if last is not None and (last.turn == start or t0 - last.opened < self._merge):
            return
        pending = self.level.strong_between(self._through + 1, max(t0, 1))
        level = self.level.at(t0)
        if not pending or level < self.settings.mild:
            return
        if any(pending[-1].at < f.start < t0 for f in said):
            return
        self._through = t0
        opened = LiveWindow(t0, start, level, tuple(pending))
        begin = min(start, t0) - _SLACK
        opened.answer = next((f for f in said if begin <= f.start <= t0 + self._late), None)
        self.windows.append(opened)
