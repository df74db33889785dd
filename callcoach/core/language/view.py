"""What the language measures look at: words, turns and silences of a finished call, as plain values."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from callcoach.config_language import LanguageSettings
from callcoach.events import Channel, SilenceKind, Word
from callcoach.lexicon import Lexicon

Phase = Literal["opening", "story", "diagnose", "guide", "close"]


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """One party held the floor from ``start`` to ``end`` (samples)."""

    channel: Channel
    start: int
    end: int
    offset: int | None = None
    """Start minus the end of the other party's turn, samples; None where there is none."""
    phase: Phase = "diagnose"


@dataclass(frozen=True, slots=True)
class QuietTime:
    """Mutual silence of 3 s or more, samples."""

    start: int
    end: int
    kind: SilenceKind
    owner: Channel | None


@dataclass(frozen=True, slots=True)
class LanguageView:
    """One finished call with a party on each channel.

    All positions are samples at 16 kHz. Words are in order of time for each party; turns and silences in
    order of time.
    """

    words: Mapping[Channel, Sequence[Word]]
    speech: Mapping[Channel, Sequence[tuple[int, int]]]
    """Runs of speech of each party, ``[start, end)``."""
    turns: Sequence[SpokenTurn]
    silences: Sequence[QuietTime]
    length: int
    settings: LanguageSettings
    lexicon: Lexicon
    story: tuple[int, int] | None = None
    """Bounds of the caller's opening story."""
    story_completed: bool | None = None
    caller_name: str | None = None
    """As entered; where it is None, it is looked for in the caller's words."""
    usual_wpm: float | None = None
    """The agent's usual pace for V04; None: the mean of the call."""

    def words_in(self, channel: Channel, start: int, end: int) -> list[Word]:
        """Return the words of a party whose middle lies in ``[start, end)``."""
        words = self.words.get(channel, ())
        at = bisect_left(words, start, key=_middle)
        found: list[Word] = []
        while at < len(words) and _middle(words[at]) < end:
            found.append(words[at])
            at += 1
        return found

    def speech_before(self, channel: Channel, start: int, position: int) -> int:
        """Return how long a party has spoken from ``start`` to ``position``, samples."""
        return sum(max(0, min(b, position) - max(a, start)) for a, b in self.speech.get(channel, ()))


def _middle(word: Word) -> int:
    return (word.span.start + word.span.end) // 2
