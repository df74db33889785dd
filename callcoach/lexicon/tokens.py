"""Normal tokens: what is compared when words are looked for (metric definitions, section 4).

Lower case, no punctuation, contractions written out ("can't" and "cannot" are both ``can not``), one spelling
for British and American words. One word can become several tokens ("I'm" is ``i am``), so every token keeps
the index of its word.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

_MARKS = '.,;:!?"“”…()'
_EDGES = re.compile(r"^[^\w#+]+|[^\w#+%]+$")
_SPLIT = re.compile(r"[-‐-―/\s]+")
_NOT_LETTER = re.compile(r"[^\w#+]+")
_FINAL = re.compile(r"(?<!\.)[.?!…]+[\"'”’)\]]*$|[?!][\"'”’)\]]*$")
_TRAILING = re.compile(r"(\.\.|…)[\"'”’)\]]*$")
_PAUSE = re.compile(r"[,;:.?!…–—][\"'”’)\]]*$")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Normal tokens of some words and what the rules ask of each; all tuples have one entry a token."""

    texts: tuple[str, ...]
    word: tuple[int, ...]
    """Index of the word it comes from."""
    after_stop: tuple[bool, ...]
    """A sentence ended just before this token, or a turn begins here."""
    turn_start: tuple[bool, ...]
    after_pause: tuple[bool, ...]
    """Any mark (comma, full stop, ...) stands just before this token, or a turn begins here."""
    asks: tuple[bool, ...]
    """A question mark stands just behind this token."""

    def __len__(self) -> int:
        return len(self.texts)

    def ends_sentence(self, at: int) -> bool:
        """Tell whether token ``at`` is the last of its sentence or turn."""
        return at + 1 >= len(self.texts) or self.after_stop[at + 1]


class Speller:
    """Splits words into normal tokens and remembers them.

    Parameters
    ----------
    spellings
        Normal spelling by other spelling; a value may hold several words.
    contractions
        Words by contraction, for those that no rule covers: ``can't``, ``gonna``.
    endings
        Word by ending: ``'ll`` is ``will``.
    is_after
        Words after which ``'s`` is a word of its own; after any other it is dropped: "the printer's tray".
    """

    most_known = 50_000

    def __init__(
        self,
        spellings: Mapping[str, str],
        contractions: Mapping[str, str],
        endings: Mapping[str, str],
        is_after: frozenset[str],
    ) -> None:
        self._spellings = spellings
        self._contractions = {word: tuple(words.split()) for word, words in contractions.items()}
        self._endings = endings
        self._is_after = is_after
        self._known: dict[str, tuple[str, ...]] = {}

    def tokens(self, word: str) -> tuple[str, ...]:
        """Return the normal tokens of one word as it was written; none for a mark alone."""
        known = self._known.get(word)
        if known is None:
            if len(self._known) >= self.most_known:
                self._known.clear()
            known = self._known[word] = self._split(word)
        return known

    def _split(self, text: str) -> tuple[str, ...]:
        plain = text.strip().lower().replace("\u2019", "'").replace("\u2018", "'").strip(_MARKS)
        if plain in self._contractions:
            return self._contractions[plain]
        if plain.isalpha():
            return tuple(self._spellings.get(plain, plain).split())
        if plain.startswith(("[", "<")) and plain.endswith(("]", ">")):
            return ()  # marks of transcribers: [noise], <unk>
        found: list[str] = []
        for part in _SPLIT.split(plain):
            # Marks on the outside go; "'cause" keeps its own where it is known.
            kept = part if part in self._contractions else _EDGES.sub("", part).rstrip("%")
            if kept:
                found.extend(self._written_out(kept))
        return tuple(found)

    def _written_out(self, part: str) -> tuple[str, ...]:
        known = self._contractions.get(part)
        if known is not None:
            return known
        for ending, word in self._endings.items():
            if part.endswith(ending) and len(part) > len(ending):
                return (*self._written_out(part[: -len(ending)]), word)
        if part.endswith("'s") and len(part) > 2:
            stem = part[:-2]
            return (stem, "is") if stem in self._is_after else self._written_out(stem)
        bare = _NOT_LETTER.sub("", part)
        return tuple(self._spellings.get(bare, bare).split()) if bare else ()


def normal_tokens(words: Sequence[str], speller: Speller, turn_starts: Collection[int] = (0,)) -> Tokens:
    """Return the normal tokens of words as recognised.

    Parameters
    ----------
    words
        With their punctuation, which tells where sentences end; words without any are one sentence.
    speller
        Of the language (:attr:`callcoach.lexicon.patterns.Grammar.speller`).
    turn_starts
        Indices of words that begin a turn; index 0 always does.
    """
    starts = {0, *turn_starts}
    texts: list[str] = []
    index: list[int] = []
    stops: list[bool] = []
    turns: list[bool] = []
    pauses: list[bool] = []
    asks: list[bool] = []
    stop = pause = turn = True
    for at, word in enumerate(words):
        if at in starts:
            stop = pause = turn = True
        for part in speller.tokens(word):
            texts.append(part)
            index.append(at)
            stops.append(stop)
            turns.append(turn)
            pauses.append(pause)
            asks.append(False)
            stop = pause = turn = False
        if not word[-1:].isalnum() and _PAUSE.search(word):
            pause = True
            if _FINAL.search(word) and not _TRAILING.search(word):
                stop = True
                if "?" in word[-3:] and asks:
                    asks[-1] = True
    return Tokens(tuple(texts), tuple(index), tuple(stops), tuple(turns), tuple(pauses), tuple(asks))
