"""The transcript as rows that follow the sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from callcoach.contract import CallDocument, TranscriptEntry
from callcoach.events import Channel
from callcoach.sinks._style import clock
from callcoach.sinks.report.wording import CLASS_ICONS, SIDES, overlap_title, seconds

LOW_PROBABILITY: Final = 0.5
"""Words below it are marked as low; [D]."""


@dataclass(frozen=True, slots=True)
class SaidWord:
    """One word: text, milliseconds, and whether the recogniser was unsure of it."""

    text: str
    begin: int
    end: int
    is_low: bool


@dataclass(frozen=True, slots=True)
class Row:
    """What one side said in one go; ``words`` is empty when only the time is known."""

    role: str
    side: str
    begin: int
    end: int
    when: str
    is_backchannel: bool
    words: tuple[SaidWord, ...]
    text: str
    marks: tuple[tuple[str, str], ...]
    """Icon and title of the interruptions that this row began as."""


def transcript_rows(document: CallDocument) -> tuple[Row, ...]:
    """Return the rows in order of time: words where there are some, else the bare turns."""
    if document.transcript:
        entries = sorted(document.transcript, key=lambda e: (e.begin, e.end))
        return tuple(_row(document, entry) for entry in entries)
    return tuple(
        _bare(turn.role, turn.begin, turn.end) for turn in sorted(document.turns, key=lambda t: t.begin)
    )


def _row(document: CallDocument, entry: TranscriptEntry) -> Row:
    marks = tuple(
        (CLASS_ICONS[overlap.overlap_class], overlap_title(overlap))
        for overlap in document.overlaps
        if overlap.counted
        and overlap.incomer is entry.role
        and entry.begin - 250
        <= (overlap.end if overlap.overlap_class == "pause_barge_in" else overlap.begin)
        < max(entry.end, entry.begin + 1)
        and entry.kind == "turn"
    )
    return Row(
        role="nobody" if entry.role is None else entry.role.value,
        side=SIDES[entry.role],
        begin=entry.begin,
        end=entry.end,
        when=clock(entry.begin),
        is_backchannel=entry.kind == "backchannel",
        words=_said(entry),
        text="",
        marks=marks,
    )


def _said(entry: TranscriptEntry) -> tuple[SaidWord, ...]:
    """Return the words of an entry; without times they are spread evenly."""
    if entry.words:
        return tuple(
            SaidWord(word.w.strip(), word.b, word.e, word.p is not None and word.p < LOW_PROBABILITY)
            for word in entry.words
        )
    texts = entry.text.split()
    edges = [entry.begin + entry.length_ms * i // max(1, len(texts)) for i in range(len(texts) + 1)]
    return tuple(SaidWord(text, edges[i], edges[i + 1], False) for i, text in enumerate(texts))


def _bare(role: Channel, begin: int, end: int) -> Row:
    return Row(
        role.value, SIDES[role], begin, end, clock(begin), False, (), f"speaks for {seconds(end - begin)}", ()
    )
