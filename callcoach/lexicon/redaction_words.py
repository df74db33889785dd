"""Words on their way through the masking: what each one is, and those that are not decided yet."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from callcoach.events import Word
from callcoach.lexicon.numbers import Part, number_parts, stands_alone
from callcoach.lexicon.word_sets import word_set

NO: Final = -1
"""Answer of a scan: nothing begins here."""
MORE: Final = -2
"""Answer of a scan: words to come decide."""


class Kind(Enum):
    """What a word can be in a number, an address or a spelled secret."""

    PLAIN = "plain"
    DIGITS = "digits"
    WRITTEN = "written"
    LETTER = "letter"
    NATO = "nato"
    JOINT = "joint"
    AT = "at"
    ADDRESS = "address"
    """A whole written e-mail address."""


NATO: Final = word_set("""
    alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike november
    oscar papa quebec romeo sierra tango uniform victor whiskey whisky x-ray xray yankee zulu
""")
JOINTS: Final = frozenset({"dot", "underscore", "dash", "hyphen", "minus", "plus"})
"""Said between the pieces of an address."""

_QUOTES: Final = str.maketrans({"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"'})
_EDGES: Final = re.compile(r"^[\s\"'“”‘’(\[{<.,;:!?…*_-]+|[\s\"'“”‘’)\]}>.,;:!?…*_-]+$")
_STOP: Final = re.compile(r"[.?!…][\"'”’)]*$")
_ANY_MARK: Final = re.compile(r"[.?!…,;:][\"'”’)]*$")
_LETTERS: Final = re.compile(r"[a-z]([.-][a-z])+")
"""Letters written as one word: "j-o-h-n"."""
_NEVER_KEPT: Final = re.compile(r"[\d@]")
_CLOSING: Final = re.compile(r"[.?!,;:…]+$")


@dataclass(frozen=True, slots=True)
class Token:
    """One word as the masking sees it."""

    raw: str
    text: str
    """Lower case, without punctuation around it."""
    kind: Kind
    parts: tuple[Part, ...]
    """Pieces of a number; empty when it is none."""
    alone: bool
    """A written number that does not join its neighbours."""
    stop: bool
    """Ends a sentence."""
    mark: bool
    """Any punctuation follows."""

    @property
    def spelled(self) -> bool:
        """A letter, a word for a letter, or digits."""
        return self.kind in (Kind.LETTER, Kind.NATO, Kind.DIGITS, Kind.WRITTEN)

    @property
    def closing(self) -> str:
        """Punctuation at its end, for the text that takes its place."""
        found = _CLOSING.search(self.raw)
        return found[0] if found else ""


def token_of(raw: str) -> Token:
    """Return a word as the masking sees it; ordinary words are looked up, what holds digits is never kept."""
    return _read(raw) if _NEVER_KEPT.search(raw) else _kept(raw)


@lru_cache(maxsize=16384)
def _kept(raw: str) -> Token:
    return _read(raw)


def _read(raw: str) -> Token:
    lowered = raw.lower().translate(_QUOTES)
    text = _EDGES.sub("", lowered) if not lowered.isalpha() else lowered
    if not text and "@" in lowered:
        text = "@"
    parts = number_parts(text)
    if text in ("at", "@") or (text.startswith("@") and len(text) > 1):
        kind = Kind.AT
    elif "@" in text:
        kind = Kind.ADDRESS
    elif parts:
        kind = Kind.WRITTEN if any(c.isdigit() for c in text) else Kind.DIGITS
    elif (len(text) == 1 and text.isalpha()) or _LETTERS.fullmatch(text):
        kind = Kind.LETTER
    elif text in NATO:
        kind = Kind.NATO
    elif text in JOINTS:
        kind = Kind.JOINT
    else:
        kind = Kind.PLAIN
    return Token(
        raw,
        text,
        kind,
        parts,
        stands_alone(text) if kind is Kind.WRITTEN else False,
        bool(_STOP.search(lowered)),
        bool(_ANY_MARK.search(lowered)),
    )


class Tail:
    """Words of one party that are not decided yet, and up to where it is known that none follow.

    ``quiet_to`` is a position on the call's clock before which no further word can begin.
    """

    def __init__(self, words: Iterable[Word] = (), quiet_to: int = 0) -> None:
        self.words: list[Word] = list(words)
        self.tokens: list[Token] = [token_of(w.text) for w in self.words]
        self.quiet_to = quiet_to
        self.over = False
        """The call is over: nothing follows."""

    def __len__(self) -> int:
        return len(self.words)

    def add(self, words: Iterable[Word]) -> None:
        """Take further words; they lie behind all earlier ones."""
        for word in words:
            self.words.append(word)
            self.tokens.append(token_of(word.text))

    def drop(self, count: int) -> None:
        """Forget the first words."""
        del self.words[:count], self.tokens[:count]

    def follows(self, at: int, patience: int) -> bool | None:
        """Tell whether a word begins within ``patience`` samples of the end of word ``at``; None: unknown."""
        end = self.words[at].span.end
        if at + 1 < len(self.words):
            return self.words[at + 1].span.start - end <= patience
        if self.over or self.quiet_to - end > patience:
            return False
        return None

    def copy(self) -> Tail:
        """Return an independent tail with the same words."""
        twin = Tail((), self.quiet_to)
        twin.words, twin.tokens, twin.over = list(self.words), list(self.tokens), self.over
        return twin
