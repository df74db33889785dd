"""Words of the call by party, as far as they have arrived."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from callcoach.clock import to_samples
from callcoach.events import Channel, Word

_SLACK = to_samples(0.15)
"""Word times are good to about 0.15 s; a word belongs where its middle lies, give or take."""


class Transcript:
    """Final words of each channel in order of time."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled
        self._words: dict[Channel | None, list[Word]] = {}
        self.through: dict[Channel | None, int] = {}
        """Position up to which all words of a channel have arrived."""

    def add(self, channel: Channel | None, words: tuple[Word, ...]) -> None:
        """Take the words of one piece of speech; late ones find their place among those that came before."""
        in_order(self._words.setdefault(channel, []), words)

    def forget(self, start: int, end: int) -> None:
        """Take out every word that meets ``[start, end)``: it was removed from the record."""
        for words in self._words.values():
            words[:] = [w for w in words if w.span.end <= start or w.span.start >= end]

    def all(self, channel: Channel | None) -> list[Word]:
        """All words of a channel."""
        return self._words.get(channel, [])

    def known(self, channel: Channel | None, position: int) -> bool:
        """Tell whether every word before ``position`` has arrived."""
        return self.enabled and self.through.get(channel, 0) >= position

    def within(self, channel: Channel | None, start: int, end: int) -> list[Word]:
        """Words whose middle lies in ``[start, end)``, give or take 0.15 s."""
        words = self.all(channel)
        at = bisect_left(words, start - _SLACK, key=_middle)
        found: list[Word] = []
        while at < len(words) and _middle(words[at]) < end + _SLACK:
            found.append(words[at])
            at += 1
        return found

    def last_before(self, channel: Channel | None, position: int, reach: int) -> Word | None:
        """Return the last word that begins before ``position`` and ends no more than ``reach`` earlier."""
        words = self.all(channel)
        at = bisect_left(words, position, key=_middle)
        if at and words[at - 1].span.end >= position - reach:
            return words[at - 1]
        return None


def in_order(words: list[Word], more: Sequence[Word]) -> None:
    """Add the words of a further stretch of speech to words in order of time."""
    if not more:
        return
    at = len(words)
    if words and more[0].span.start < words[-1].span.start:
        at = bisect_left(words, more[0].span.start, key=lambda w: w.span.start)
    words[at:at] = more


def _middle(word: Word) -> int:
    return (word.span.start + word.span.end) // 2
