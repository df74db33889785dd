"""Delivery of a call measured again from its stored curves, tick by tick as the analysis read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from callcoach.clock import FRAME_LENGTH, HOP_LENGTH
from callcoach.config import Settings
from callcoach.core.call_facts import Voices
from callcoach.core.delivery.pace_match import PaceMatch
from callcoach.core.delivery.profile import Profile
from callcoach.core.delivery.states import VoiceStates, read_at
from callcoach.core.delivery.ticks import HOPS, TICK, HopColumns, ticks
from callcoach.core.utterances import Party
from callcoach.events import CallEnded, Channel, Event, Word, Words


@dataclass(slots=True)
class _Clock:
    """Words by the frame in which they were told, handed out in order."""

    told: list[tuple[int, Words]]
    at: int = 0

    def until(self, now: int) -> list[Words]:
        first = self.at
        while self.at < len(self.told) and self.told[self.at][0] <= now:
            self.at += 1
        return [event for _, event in self.told[first : self.at]]


def caller_mask(
    parties: Mapping[Channel | None, Party], active: Mapping[Channel | None, NDArray[np.int8]] | None
) -> NDArray[np.int8]:
    """Return where the caller spoke, per hop: as known live, or by the runs of speech."""
    if active is not None and Channel.CALLER in active:
        return active[Channel.CALLER]
    runs = parties[Channel.CALLER].ipus if Channel.CALLER in parties else []
    mask = np.zeros(-(-runs[-1].end // HOP_LENGTH) if runs else 0, np.int8)
    for run in runs:
        mask[run.start // HOP_LENGTH : -(-run.end // HOP_LENGTH)] = 1
    return mask


def voices_of_log(
    events: Sequence[Event],
    columns: Mapping[Channel | None, HopColumns],
    settings: Settings,
    profile: Profile | None,
    caller: NDArray[np.int8] | None,
) -> Voices:
    """Measure delivery again from the curves: every tick where the analysis read it.

    ``caller`` tells where the caller spoke if the columns do not; None: nobody knows.
    """
    numbers = count(1)
    states = {
        c: VoiceStates(settings.delivery, c, lambda: next(numbers), profile if c is Channel.AGENT else None)
        for c in columns
    }
    meters = {c: v.meter for c, v in states.items() if c is not None}
    pace = PaceMatch(settings.delivery, meters) if len(meters) == len(Channel) else None
    sides = {c: ticks(hops, settings.delivery.over_floor_db) for c, hops in columns.items()}
    end = min((len(hops.level_dbfs) for hops in columns.values()), default=0) * HOP_LENGTH
    total = min((len(side) for side in sides.values()), default=0)
    if Channel.CALLER in columns:
        caller = columns[Channel.CALLER].active
    silent = _silent_ticks(caller, total)
    clock = _Clock(_words_by_frame(events, states, end))
    for index in range(total):
        now = min(read_at(index), end)
        _hear(states, clock.until(now))
        for channel, side in sides.items():
            # as in `Coach.step`: the agent's microphone may hear the caller
            quiet = channel is not Channel.AGENT or silent[index]
            states[channel].step(side[index], now, quiet=quiet)
            if pace is not None and channel is not None:
                pace.step(channel, side[index])
        if pace is not None:
            pace.note()
    _hear(states, clock.until(end))
    for voice in states.values():
        voice.finish(end)
    no_ratios = "" if pace is not None else "the caller's delivery is not kept"
    return Voices(states, () if pace is None else pace.ratios, no_ratios)


def _silent_ticks(caller: NDArray[np.int8] | None, total: int) -> list[bool]:
    """Tell of every tick whether the caller was silent in all of it; nowhere where nobody knows."""
    if caller is None:
        return [False] * total
    mask = np.zeros(total * HOPS, np.int8)
    known = caller[: len(mask)]
    mask[: len(known)] = known
    spoke = mask.reshape(total, HOPS).sum(axis=1, dtype=np.int64)
    return [hops == 0 for hops in spoke.tolist()]


def _words_by_frame(
    events: Sequence[Event], states: Mapping[Channel | None, VoiceStates], end: int
) -> list[tuple[int, Words]]:
    """Return words with the position at which the coach took them: they are told as a frame begins."""
    found: list[tuple[int, Words]] = []
    for event in events:
        if isinstance(event, CallEnded):
            break
        if isinstance(event, Words) and event.channel in states:
            frame = -(-event.known_at // FRAME_LENGTH) * FRAME_LENGTH + FRAME_LENGTH
            found.append((min(frame, end), event))
    return found


def _hear(states: Mapping[Channel | None, VoiceStates], told: Iterable[Words]) -> None:
    for event in told:
        items: tuple[Word, ...] = event.items
        if items:
            first, last = items[0].span.start // TICK, -(-items[-1].span.end // TICK)
            states[event.channel].meter.words(len(items), first, last)
