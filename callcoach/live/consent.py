"""Whose side may be stored and transcribed, and what of the log tells of it (PRV-1, PRV-2, DLV-7). Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from callcoach.clock import Samples, Span
from callcoach.events import (
    Channel,
    Consent,
    ConsentBasis,
    CueOpened,
    Event,
    FloorTaken,
    Gap,
    Monologue,
    OpeningStory,
    Overlap,
    Silence,
    SpeechSegment,
    TranscriptLate,
    Turn,
    VoiceClosed,
    VoiceOpened,
    Words,
)

BOTH: frozenset[Channel] = frozenset(Channel)
OWN: frozenset[Channel] = frozenset({Channel.AGENT})

_OF_BOTH = (Overlap, Silence, OpeningStory, FloorTaken)
"""Events that tell when the caller spoke, whoever they are about."""


@dataclass(slots=True)
class ConsentState:
    """The basis of a call and what follows from it.

    ``notice``: the line announces the recording, so both sides are stored from the start. ``asked``: the
    caller's side is stored from the moment the agent says that the caller agreed. ``own-side``: never.
    """

    basis: ConsentBasis
    caller_from: int | None = None
    """Position from which on the caller's side is stored; None: it is not."""
    refused: bool = False

    def __post_init__(self) -> None:
        if self.basis == "notice":
            self.caller_from = 0

    @property
    def stored(self) -> frozenset[Channel]:
        """The sides that may be stored and transcribed now."""
        return OWN if self.caller_from is None else BOTH

    @property
    def waiting(self) -> bool:
        """Whether the caller has still to be asked."""
        return self.basis == "asked" and self.caller_from is None and not self.refused

    def grant(self, position: int) -> Consent | None:
        """Note that the caller agreed; return None when nothing changes by it."""
        if self.basis == "own-side":
            self.basis = "asked"
        if self.caller_from is not None:
            return None
        self.caller_from, self.refused = position, False
        return self._event(position, "set")

    def refuse(self, position: int) -> Consent | None:
        """Note that the caller refused, or takes it back; what was kept of them has to be erased."""
        answer: Literal["refused", "withdrawn"] = "refused" if self.caller_from is None else "withdrawn"
        if self.refused:
            return None
        self.caller_from, self.refused = None, True
        return self._event(position, answer)

    def opening(self) -> Consent:
        """Return the event at the start of the call."""
        return self._event(0, "set")

    def _event(self, position: int, answer: Literal["set", "refused", "withdrawn"]) -> Consent:
        at = Samples(position)
        stored = tuple(sorted(self.stored))
        return Consent(span=Span(at, at), known_at=at, basis=self.basis, answer=answer, stored=stored)

    def transcribes(self, channel: Channel | None, start: int) -> bool:
        """Tell whether speech of a party that began at ``start`` may be transcribed."""
        if channel is not Channel.CALLER:
            return True
        return self.caller_from is not None and start >= self.caller_from

    def written(self, event: Event) -> Event | None:
        """Return what of an event may stand in the log of a live call; None: nothing."""
        if isinstance(event, VoiceOpened | VoiceClosed) and event.channel is Channel.CALLER:
            return None  # no acoustic history of the caller, with or without consent (DLV-7)
        if self.caller_from is not None and event.span.start >= self.caller_from:
            return event
        return without_caller(event)


def without_caller(event: Event) -> Event | None:
    """Return what of an event tells nothing of the caller's activity; None: nothing."""
    if isinstance(event, _OF_BOTH):
        return None
    if isinstance(event, SpeechSegment | Turn | Words | Monologue | TranscriptLate | Gap):
        return None if event.channel is Channel.CALLER else event
    if isinstance(event, CueOpened):
        return replace(event, evidence=())
    return event
