"""Silence in place of what was masked: spans on the call's clock, and sound with zeros in them (PRV-5)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from numpy.typing import NDArray

from callcoach.clock import SAMPLE_RATE, Samples, Span, to_samples
from callcoach.config_redaction import RedactionSettings
from callcoach.events import Channel, Word
from callcoach.lexicon.redaction_kinds import Match, mark_of

Sound = TypeVar("Sound", bound=NDArray[Any])
Spans = Mapping[int, Sequence[Span]]
"""Spans to silence by column of the sound, in samples at 16 kHz, in order and without overlap."""


def silence_spans(matches: Iterable[Match], margin_s: float = 0.5) -> dict[Channel | None, tuple[Span, ...]]:
    """Return what to silence of each party: masked runs with a margin or their room, joined.

    Parameters
    ----------
    matches
        In any order.
    margin_s
        Seconds before and after each run; word times are good to about 0.15 s.
    """
    margin = to_samples(margin_s)
    by_party: dict[Channel | None, list[Span]] = {}
    for match in matches:
        start = max(0, min(match.span.start - margin, match.room.start))
        span = Span(Samples(start), Samples(max(match.span.end + margin, match.room.end)))
        by_party.setdefault(match.channel, []).append(span)
    return {channel: joined(spans) for channel, spans in by_party.items()}


def silence_in_words(
    words: Mapping[Channel | None, Sequence[Word]], settings: RedactionSettings
) -> dict[Channel | None, tuple[Span, ...]]:
    """Return what to silence as far as masked words tell, such as those of a stored log.

    Parameters
    ----------
    words
        All words of each party in order of time, masked.
    """
    reach = to_samples(settings.reach_s)
    matches: list[Match] = []
    for channel, said in words.items():
        at = 0
        while at < len(said):
            kind = mark_of(said[at].text)
            last = at
            while kind is not None and last + 1 < len(said) and mark_of(said[last + 1].text) is kind:
                last += 1
            if kind is not None:
                start, end = said[at].span.start, max(w.span.end for w in said[at : last + 1])
                room_start = max(0, start - reach, said[at - 1].span.end if at else 0)
                room_end = min(
                    end + reach, said[last + 1].span.start if last + 1 < len(said) else end + reach
                )
                room = Span(Samples(min(start, room_start)), Samples(max(end, room_end)))
                matches.append(Match(kind, channel, at, last, Span(start, end), room))
            at = last + 1
    return silence_spans(matches, settings.margin_s)


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the same stretches in order, overlapping and touching ones as one."""
    out: list[Span] = []
    for span in sorted(spans):
        if out and span.start <= out[-1].end:
            out[-1] = Span(out[-1].start, max(out[-1].end, span.end))
        else:
            out.append(span)
    return tuple(out)


def in_columns(
    spans: Mapping[Channel | None, Sequence[Span]], columns: Sequence[Channel | None], *, across: bool
) -> dict[int, tuple[Span, ...]]:
    """Return the spans by column of a recording.

    Parameters
    ----------
    columns
        Whose voice each column holds: agent, caller; one None for a mono recording.
    across
        Silence every column: for calls in which a party is heard on the other's side too.
    """
    everything = joined(s for party in spans.values() for s in party)
    return {
        n: everything if across or channel is None else tuple(spans.get(channel, ()))
        for n, channel in enumerate(columns)
    }


def apply_silence(block: Sound, position: int, spans: Spans, rate: int = SAMPLE_RATE) -> Sound:
    """Return the block with zeros in the spans; the block itself is left as it is.

    Parameters
    ----------
    block
        Samples of any type, shape (n,) or (n, columns); one column is column 0.
    position
        Of its first sample, at ``rate``.
    spans
        In samples at 16 kHz; at another rate they grow to whole samples.
    rate
        Hz of the block.
    """
    out = block
    end = position + len(block)
    for column, row in spans.items():
        for first, last in _within(row, position, end, rate):
            if out is block:
                out = block.copy()
            (out if out.ndim == 1 else out[:, column])[first - position : last - position] = 0
    return out


def silenced(blocks: Iterable[Sound], spans: Spans, rate: int = SAMPLE_RATE) -> Iterator[Sound]:
    """Yield the blocks of a recording, from its start, with zeros in the spans; see `apply_silence`."""
    position = 0
    for block in blocks:
        yield apply_silence(block, position, spans, rate)
        position += len(block)


def _within(row: Sequence[Span], start: int, end: int, rate: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of the spans inside ``[start, end)``, in samples at ``rate``."""
    at = bisect_right(row, start * SAMPLE_RATE // rate, key=lambda span: span.end - 1)
    at = max(0, at - 1)
    for span in row[at:]:
        first, last = span.start * rate // SAMPLE_RATE, -(-span.end * rate // SAMPLE_RATE)
        if first >= end:
            break
        if last > start:
            yield max(first, start), min(last, end)


def stored_parts(spans: Collection[Span], synced_to: int) -> list[Span]:
    """Return the spans as far as they lie before ``synced_to``: what a journal has to erase on the disk."""
    return [Span(s.start, Samples(min(s.end, synced_to))) for s in spans if s.start < synced_to]
