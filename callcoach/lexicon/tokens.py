"""Normal tokens: what is compared when words are looked for (metric definitions, section 4).

Lower case, no punctuation, contractions written out ("can't" and "cannot" are both ``can not``), one spelling for British and
American words. One word can become several tokens ("I'm" is ``i am``), so every token keeps the index of its word.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

_EDGES = re.compile(r"^[^\w#+]+|[^\w#+%]+$")
_SPLIT = re.compile(r"[-‐-―/\s]+")
_NOT_LETTER = re.compile(r"[^\w#+]+")
_FINAL = re.compile(r"(?<!\.)[.?!…]+[\"'”’)\]]*$|[?!][\"'”’)\]]*$")
_TRAILING = re.compile(r"(\.\.|…)[\"'”’)\]]*$")
_PAUSE = re.compile(r"[,;:.?!…–—][\"'”’)\]]*$")

_ENDINGS: Mapping[str, str] = {"'m": "am", "'re": "are", "'ve": "have", "'ll": "will", "'d": "would"}
_CONTRACTED: Mapping[str, tuple[str, ...]] = {
    "can't": ("can", "not"),
    "cannot": ("can", "not"),
    "cant": ("can", "not"),
    "won't": ("will", "not"),
    "wont": ("will", "not"),
    "shan't": ("shall", "not"),
    "ain't": ("is", "not"),
    "let's": ("let", "us"),
    "lets": ("let", "us"),
    "im": ("i", "am"),
    "ive": ("i", "have"),
    "id": ("id",),
    "dont": ("do", "not"),
    "doesnt": ("does", "not"),
    "didnt": ("did", "not"),
    "isnt": ("is", "not"),
    "thats": ("that", "is"),
    "whats": ("what", "is"),
    "youre": ("you", "are"),
    "gonna": ("going", "to"),
    "wanna": ("want", "to"),
    "gotta": ("got", "to"),
    "lemme": ("let", "me"),
    "gimme": ("give", "me"),
    "dunno": ("do", "not", "know"),
    "o'clock": ("oclock",),
    "y'all": ("you", "all"),
    "'cause": ("because",),
    "'til": ("until",),
    "ma'am": ("maam",),
}
# "'s" after these is "is"; after any other word it is dropped: "the printer's tray".
_IS = frozenset(
    "it that what there here he she who where how when why this everything nothing something everyone nobody name".split()
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Normal tokens of some words, with what the rules need to know of every token; all tuples have one entry a token."""

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


def split_word(text: str, spellings: Mapping[str, str]) -> tuple[str, ...]:
    """Return the normal tokens of one word as it was written; none for a mark alone."""
    plain = text.strip().lower().replace("\u2019", "'").replace("\u2018", "'")
    if plain.startswith(("[", "<")) and plain.endswith(("]", ">")):
        return ()  # marks of transcribers: [noise], <unk>
    found: list[str] = []
    for part in _SPLIT.split(_joined(plain)):
        kept = _EDGES.sub("", part).rstrip("%") if part not in _CONTRACTED else part
        if kept:
            found.extend(_expanded(kept, spellings))
    return tuple(found)


def _joined(plain: str) -> str:
    """Write words of hyphens that are one word without them."""
    return plain.replace("e-mail", "email").replace("wi-fi", "wifi").replace("on-line", "online")


def _expanded(part: str, spellings: Mapping[str, str]) -> list[str]:
    if part in _CONTRACTED:
        return list(_CONTRACTED[part])
    if part.endswith("n't") and len(part) > 3:
        return [part[:-3], "not"]
    for ending, word in _ENDINGS.items():
        if part.endswith(ending) and len(part) > len(ending):
            return [*_expanded(part[: -len(ending)], spellings), word]
    if part.endswith("'s") and len(part) > 2:
        stem = part[:-2]
        return [stem, "is"] if stem in _IS else _expanded(stem, spellings)
    word = _NOT_LETTER.sub("", part)
    if not word:
        return []
    return spellings.get(word, word).split()


def normal_tokens(
    words: Sequence[str], spellings: Mapping[str, str], turn_starts: Collection[int] = (0,)
) -> Tokens:
    """Return the normal tokens of words as recognised.

    Parameters
    ----------
    words
        With their punctuation, which tells where sentences end; words without any are one sentence.
    spellings
        Normal spelling by other spelling (:attr:`callcoach.lexicon.rows.Lexicon.spellings`).
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
    known: dict[str, tuple[str, ...]] = {}
    for at, word in enumerate(words):
        if at in starts:
            stop = pause = turn = True
        parts = known.get(word)
        if parts is None:
            parts = known[word] = split_word(word, spellings)
        for part in parts:
            texts.append(part)
            index.append(at)
            stops.append(stop)
            turns.append(turn)
            pauses.append(pause)
            asks.append(False)
            stop = pause = turn = False
        tail = word[-3:]
        if not tail[-1:].isalnum() and _PAUSE.search(word):
            pause = True
            if _FINAL.search(word) and not _TRAILING.search(word):
                stop = True
                if "?" in tail and asks:
                    asks[-1] = True
    return Tokens(tuple(texts), tuple(index), tuple(stops), tuple(turns), tuple(pauses), tuple(asks))
