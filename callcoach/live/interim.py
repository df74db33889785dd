"""Interim words: what is shown of an utterance while it goes on, and which of its words will not change.

The recogniser looks at the growing speech again and again. Words on which two looks in succession agree are
stable; they are kept as they were shown first, whatever a later look makes of them. Pure, one utterance each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final

from callcoach.clock import Samples, to_ms, to_samples
from callcoach.events import Channel, Word
from callcoach.speech.guards import find_repetition, plain

_NEAR: Final = to_samples(0.5)
"""Times of one word in two looks differ by less; [D]."""
_LEAD: Final = to_samples(0.1)
"""Sound kept in front of the word with which a later look begins; word times are good to about this."""


@dataclass(frozen=True, slots=True)
class InterimPlan:
    """When a word is stable and how much of the speech later looks take; seconds, [D]."""

    hold_s: float = 0.4
    """A word that ends less than this before the end of the sound is not stable: it may be cut off."""
    long_s: float = 5.0
    """Sound looked at before its beginning is left out."""
    keep_s: float = 3.0
    """Sound that is always looked at again."""


@dataclass(frozen=True, slots=True)
class InterimRecord:
    """One line of ``interim.jsonl``: the text of an utterance has changed."""

    channel: Channel | None
    begin: Samples
    end: Samples
    """Up to where it was heard."""
    text: str
    stable: int
    """Number of leading words that will not change."""
    wall_s: float
    """Monotonic seconds since the capture began."""
    words: tuple[Word, ...] = ()
    """The words of the text with their times; not in the log."""
    final: bool = False
    """Whether these are the final words of the utterance; not in the log, where ``stable`` tells it."""

    def as_json(self) -> dict[str, Any]:
        """Return the line as plain data."""
        return {
            "role": None if self.channel is None else self.channel.value,
            "begin": to_ms(self.begin),
            "end": to_ms(self.end),
            "text": self.text,
            "stable": self.stable,
            "wall_s": round(self.wall_s, 3),
        }


class InterimText:
    """The text of one utterance as it grows.

    Parameters
    ----------
    start : Samples
        Begin of the utterance on the call's clock.
    """

    def __init__(self, start: Samples, plan: InterimPlan | None = None) -> None:
        plan = plan or InterimPlan()
        self.start = start
        self.end = start
        self.settled: list[Word] = []
        """Words that will not change."""
        self.tail: tuple[Word, ...] = ()
        """Words of the latest look behind the settled ones."""
        self.final = False
        self._hold = to_samples(plan.hold_s)
        self._long = to_samples(plan.long_s)
        self._keep = to_samples(plan.keep_s)

    @property
    def words(self) -> tuple[Word, ...]:
        """Everything that is shown."""
        return (*self.settled, *self.tail)

    @property
    def text(self) -> str:
        """What is shown, as text."""
        return " ".join(word.text for word in self.words)

    @property
    def stable(self) -> int:
        """Number of words as they stand in `text` that will not change."""
        return sum(len(word.text.split()) for word in self.settled)

    @property
    def begin_next(self) -> Samples:
        """Where the next look should begin: at a settled word, once the sound is long."""
        if self.end - self.start < self._long:
            return self.start
        latest = self.end - self._keep
        best, gap = int(self.start), -1
        for before, word in zip(self.settled, self.settled[1:], strict=False):
            if self.end - self._long <= word.span.start <= latest:
                pause = word.span.start - before.span.end + (to_samples(0.3) if _ends(before.text) else 0)
                if pause >= gap:
                    best, gap = max(before.span.end, word.span.start - _LEAD), pause
        return Samples(best)

    def hear(self, words: Sequence[Word], begin: int, end: int) -> bool:
        """Take one look at the sound in ``[begin, end)``; tell whether text or stability have changed.

        A look that is older than the one before, that has no words (nothing heard, or a loop), or that comes
        after the final words changes nothing.
        """
        if self.final or end < self.end:
            return False
        self.end = Samples(end)
        if not words:
            return False
        before = (self.text, self.stable)
        fresh = self._behind_settled(words, begin)
        agreed = 0
        for old, new in zip(self.tail, fresh, strict=False):
            if not _same(old, new) or new.span.end > end - self._hold:
                break
            agreed += 1
        candidates = [*self.settled, *fresh[:agreed]]
        if find_repetition([word.text for word in candidates]) is not None:
            agreed = 0  # a loop: nothing of it is settled, the next look begins without it
        self.settled += fresh[:agreed]
        self.tail = tuple(fresh[agreed:])
        return (self.text, self.stable) != before

    def finish(self, words: Sequence[Word], end: int) -> int:
        """Take the final words; return how many of the settled words they change."""
        changed = moved(self.settled, words)
        self.settled, self.tail = list(words), ()
        self.end = Samples(max(end, self.start))
        self.final = True
        return changed

    def record(self, channel: Channel | None, wall_s: float) -> InterimRecord:
        """Return the present text as a line of the log."""
        return InterimRecord(
            channel, self.start, self.end, self.text, self.stable, wall_s, self.words, self.final
        )

    def _behind_settled(self, words: Sequence[Word], begin: int) -> list[Word]:
        """Return the words of a look that lie behind the settled ones."""
        known = [word for word in self.settled if word.span.start >= begin - _LEAD]
        if len(words) >= len(known) and all(_same(a, b) for a, b in zip(known, words, strict=False)):
            return list(words[len(known) :])
        if not self.settled:
            return list(words)
        last = self.settled[-1]
        for index in range(len(words) - 1, -1, -1):
            if _same(last, words[index]):
                return list(words[index + 1 :])
        return [word for word in words if (word.span.start + word.span.end) // 2 >= last.span.end]


def moved(settled: Sequence[Word], final: Sequence[Word]) -> int:
    """Return how many of the settled words the final words do not have, in order; signs do not count."""
    kept = SequenceMatcher(
        None, [plain(word.text) for word in settled], [plain(word.text) for word in final], autojunk=False
    )
    return len(settled) - sum(block.size for block in kept.get_matching_blocks())


def _same(one: Word, other: Word) -> bool:
    return plain(one.text) == plain(other.text) and abs(one.span.start - other.span.start) <= _NEAR


def _ends(text: str) -> bool:
    return text.endswith((".", "?", "!", ",", ";", ":"))
