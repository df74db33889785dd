"""Words of one party cut into chunks and sentences, from words and their times alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from callcoach.clock import to_samples
from callcoach.config_language import LanguageSettings
from callcoach.core.language.lists import language_lists
from callcoach.core.phrases import has_final_mark, joined, normal
from callcoach.events import Channel, Word

_QUESTION_WORDS: Final = 5
"""A question has at least so many words before the next one begins; [D]."""
_MOST_WORDS: Final = 400
"""A chunk is cut here whatever follows; two and a half minutes without a pause."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words up to a final mark, or to a pause where nothing is punctuated; positions in samples."""

    channel: Channel
    words: tuple[Word, ...]
    text: str
    """Normal form of `callcoach.core.phrases`."""
    asks: bool
    ended: bool
    """Whether a final mark ends it."""

    @property
    def start(self) -> int:
        """First sample."""
        return self.words[0].span.start

    @property
    def end(self) -> int:
        """Last sample."""
        return self.words[-1].span.end

    @property
    def said(self) -> str:
        """The words as recognised."""
        return joined(list(self.words))


@dataclass(frozen=True, slots=True)
class Chunk:
    """Words of one party without a long pause between them."""

    channel: Channel
    words: tuple[Word, ...]

    @property
    def start(self) -> int:
        """First sample."""
        return self.words[0].span.start

    @property
    def end(self) -> int:
        """Last sample."""
        return self.words[-1].span.end

    def sentences(self, settings: LanguageSettings) -> list[Sentence]:
        """Cut at final marks; at short pauses where there is no mark at all."""
        marked = any(has_final_mark(w.text) or w.text.endswith("!") for w in self.words)
        pause = to_samples(settings.sentence_pause_s)
        openers = frozenset() if marked else _question_starts(self.words, pause)
        found: list[Sentence] = []
        part: list[Word] = []
        for i, word in enumerate(self.words):
            gap = word.span.start - part[-1].span.end if part else 0
            if part and (_stops(part[-1].text) if marked else gap >= pause or i in openers):
                found.append(_sentence(self.channel, part, marked=marked))
                part = []
            part.append(word)
        found.append(_sentence(self.channel, part, marked=marked))
        return found


def _question_starts(words: Sequence[Word], pause: int) -> frozenset[int]:
    """Return where questions begin inside words without any mark ("my name is Ann how can I help you")."""
    lists = language_lists()
    plain = [normal(w.text) for w in words]
    found: set[int] = set()
    last = 0 if plain and plain[0] in lists["questions.starts"] else -_QUESTION_WORDS
    for i in range(1, len(plain) - 1):
        if words[i].span.start - words[i - 1].span.end >= pause:
            last = i if plain[i] in lists["questions.starts"] else last
            continue
        if i - last < _QUESTION_WORDS or plain[i - 1] in lists["questions.not_after"]:
            continue
        if f"{plain[i]} {plain[i + 1]}" in lists["questions.pairs"]:
            found.add(i)
            last = i
    return frozenset(found)


def _stops(text: str) -> bool:
    return has_final_mark(text) or text.rstrip("\"')").endswith("!")


def _sentence(channel: Channel, words: list[Word], *, marked: bool) -> Sentence:
    text = normal(joined(words))
    asks = words[-1].text.rstrip("\"')]").endswith("?")
    if not marked and not asks:
        lists = language_lists()
        tokens = text.split()
        while len(tokens) > 1 and tokens[0] in lists["questions.lead_ins"]:
            tokens = tokens[1:]
        asks = len(tokens) > 1 and tokens[0] in lists["questions.starts"]
    return Sentence(channel, tuple(words), text, asks, _stops(words[-1].text))


class Chunker:
    """Cut one party's words as they arrive, in order of time.

    A chunk ends where the next word of the party is ``chunk_pause_s`` away, or ``sentence_pause_s`` behind a
    final mark. So where it ends depends on words alone, not on how they arrived.
    """

    def __init__(self, channel: Channel, settings: LanguageSettings) -> None:
        self._channel = channel
        self._pause = to_samples(settings.chunk_pause_s)
        self._marked = to_samples(settings.sentence_pause_s)
        self.open: list[Word] = []
        """Words of the last chunk, which may go on."""

    def take(self, words: Iterable[Word]) -> list[Chunk]:
        """Add words; return the chunks that have ended by them."""
        ended: list[Chunk] = []
        for word in words:
            if self.open and self._breaks(self.open[-1], word):
                ended.append(Chunk(self._channel, tuple(self.open)))
                self.open = []
            self.open.append(word)
        return ended

    def _breaks(self, last: Word, word: Word) -> bool:
        gap = word.span.start - last.span.end
        if gap >= self._pause or len(self.open) >= _MOST_WORDS:
            return True
        return gap >= self._marked and _stops(last.text)

    def current(self) -> Chunk | None:
        """Return the open chunk as far as it is known."""
        return Chunk(self._channel, tuple(self.open)) if self.open else None


def chunks_of(words: Mapping[Channel, Sequence[Word]], settings: LanguageSettings) -> list[Chunk]:
    """Cut finished words of both parties; chunks in order of their start."""
    found: list[Chunk] = []
    for channel in Channel:
        chunker = Chunker(channel, settings)
        found += chunker.take(words.get(channel, ()))
        last = chunker.current()
        if last is not None:
            found.append(last)
    return sorted(found, key=lambda c: (c.start, c.end, c.channel.value))
