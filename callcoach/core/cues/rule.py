"""What a cue rule is: a state that opens and closes, looked at when something has changed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Final

from callcoach.clock import Samples, Span, to_seconds
from callcoach.config import Settings
from callcoach.core.cues.scene import Scene
from callcoach.events import CueForm, Event, Facts, VoiceKind

NEVER: Final = 1 << 62
"""A position that is never reached."""


def seconds(samples: int) -> float:
    """Return a length as cues state it: seconds with one decimal."""
    return round(to_seconds(samples), 1)


@dataclass(frozen=True, slots=True)
class Opening:
    """Why a cue opens."""

    since: int
    """Where its condition became true (not where it was noticed), samples."""
    facts: Facts
    form: CueForm = "text"
    evidence: tuple[tuple[int, int], ...] = field(default=())
    """Stretches that prove it, samples; empty: from ``since`` to the moment of opening."""

    def spans(self, now: int) -> tuple[Span, ...]:
        """Return the evidence as spans that end by ``now``."""
        pairs = self.evidence or ((self.since, now),)
        return tuple(Span(Samples(max(0, a)), Samples(max(0, a, min(b, now)))) for a, b in pairs)


class Rule(ABC):
    """One cue. The engine asks ``opens`` while it is closed and ``over`` while it is open.

    Both are asked whenever an event arrived, a party began or stopped speaking, the floor became free or
    ``due`` is reached, and with ``each_tick`` whenever a delivery tick was read. Both must be cheap and rest
    on the scene and the rule's own memory alone: no rule is told of the cues of another, or asked at the
    ``due`` of another, so that some of them can be replayed without the rest.
    """

    cue: ClassVar[str]
    """Id in the catalogue."""
    each_tick: ClassVar[bool] = True
    """Whether it is asked at every tick: it looks at readings or paces, or at the clock without a ``due``."""
    delivery_with: ClassVar[frozenset[VoiceKind] | None] = None
    """States of the agent with whose beginning or end it looks at readings or meters; None: at any time.

    Where none of them is in a call, it tells the same without ticks.
    """

    def __init__(self, settings: Settings) -> None:
        self.due = NEVER
        """Position at which the rule wants to be looked at although nothing changes."""

    def hear(self, event: Event, scene: Scene) -> None:  # noqa: B027 - most rules need no events
        """Take one event of the log, before the rules are asked."""

    @abstractmethod
    def opens(self, scene: Scene) -> Opening | None:
        """Return why the cue opens now, or None."""

    @abstractmethod
    def over(self, scene: Scene) -> str | None:
        """Return in words why the open cue closes now, or None."""

    def raises(self, scene: Scene) -> Opening | None:
        """Return the opening of the text of an open ring when it becomes due, or None."""
        return None
