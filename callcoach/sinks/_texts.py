"""Which words belong to which turn: shared by the exports and the summary."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from callcoach.contract import CallDocument, TranscriptEntry
from callcoach.events import Channel

CONTEXT_MS: Final = 8000
"""Words around an interruption are taken from 8 s before and after its begin."""
EARLY_WORD_MS: Final = 250
"""The recogniser may place a first word this much before the speech detector hears it."""
INCOMER_WORDS: Final = 6
"""So many first words of somebody who comes in are quoted."""


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """A turn with its words; ``text`` is empty when none were recognised. Times in milliseconds."""

    role: Channel | None
    begin: int
    end: int
    text: str


def spoken_turns(document: CallDocument) -> tuple[SpokenTurn, ...]:
    """Return every turn with the text said in it, in order of time.

    An entry of the transcript goes to the turn of the same side that it shares most time with.
    Entries that meet no turn stand for themselves, so that no words are lost. Backchannels belong
    to no turn and are left out.
    """
    turns: list[SpokenTurn] = []
    alone = [entry for entry in document.transcript if entry.kind == "turn" and entry.role is None]
    for role in Channel:
        own = sorted((turn for turn in document.turns if turn.role is role), key=lambda turn: turn.begin)
        begins = [turn.begin for turn in own]
        said: list[list[TranscriptEntry]] = [[] for _ in own]
        for entry in document.transcript:
            if entry.kind != "turn" or entry.role is not role:
                continue
            best, index = 0, -1
            # Turns of one side do not overlap each other, so only those from the one before count.
            for i in range(max(0, bisect_right(begins, entry.begin) - 1), len(own)):
                if own[i].begin >= entry.end:
                    break
                shared = min(entry.end, own[i].end) - max(entry.begin, own[i].begin)
                if shared > best:
                    best, index = shared, i
            (said[index] if index >= 0 else alone).append(entry)
        turns += [
            SpokenTurn(role, turn.begin, turn.end, _join(words))
            for turn, words in zip(own, said, strict=True)
        ]
    turns += [SpokenTurn(entry.role, entry.begin, entry.end, _join((entry,))) for entry in alone]
    return tuple(sorted(turns, key=lambda turn: (turn.begin, turn.end)))


def _join(entries: Iterable[TranscriptEntry]) -> str:
    ordered = sorted(entries, key=lambda entry: entry.begin)
    return " ".join(text for entry in ordered if (text := " ".join(entry.text.split())))


def timed_words(document: CallDocument, role: Channel) -> Iterator[tuple[int, int, str]]:
    """Yield ``(begin, end, text)`` of the words of one side, entry by entry; times in milliseconds.

    An entry without word times gives its words spread evenly over its length.
    """
    for entry in sorted(document.transcript, key=lambda e: (e.begin, e.end)):
        if entry.role is not role:
            continue
        if entry.words:
            yield from ((word.b, word.e, word.w.strip()) for word in entry.words)
            continue
        texts = entry.text.split()
        for i, text in enumerate(texts):
            first = entry.begin + entry.length_ms * i // len(texts)
            yield first, entry.begin + entry.length_ms * (i + 1) // len(texts), text
