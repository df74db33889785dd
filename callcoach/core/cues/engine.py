"""The complete cue log: every rule's openings and closings, before any budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from callcoach.clock import Samples, Span
from callcoach.core.cues.rule import NEVER, Opening, Rule
from callcoach.core.cues.scene import Scene
from callcoach.events import CueClosed, CueOpened, Event

CALL_ENDED: Final = "the call ended"
"""Why a cue closes that is open at the end."""


@dataclass(slots=True)
class _Slot:
    rule: Rule
    number: int = 0
    since: int = 0
    ring: bool = False
    open: bool = False
    due: int = 0
    """Where the rule wants to be asked again; `NEVER` once that has been reached."""


class CueEngine:
    """All rules over one scene."""

    def __init__(self, scene: Scene, rules: Iterable[Rule], numbers: Callable[[], int]) -> None:
        self._scene = scene
        self._slots = [_Slot(rule) for rule in rules]
        self._each_tick = [s for s in self._slots if s.rule.each_tick]
        self._listeners = [s.rule for s in self._slots if type(s.rule).hear is not Rule.hear]
        self._numbers = numbers
        self.due = 0
        """Position at which a rule wants to be looked at although nothing changes."""

    def step(self, events: Sequence[Event], changed: bool, ticked: bool = False) -> list[Event]:
        """Look at the scene after it was advanced; return what opened or closed.

        Parameters
        ----------
        events : what became known since the last step.
        changed : bool
            Whether the scene changed.
        ticked : bool
            Whether a delivery tick was read.
        """
        scene = self._scene
        for event in events:
            for rule in self._listeners:
                rule.hear(event, scene)
        now = scene.now
        if changed or events:
            slots = self._slots
        elif now >= self.due:
            # not every rule: what one tells must not depend on where another wants to be asked
            slots = [s for s in self._slots if now >= s.due or (ticked and s.rule.each_tick)]
        elif ticked:
            slots = self._each_tick
        else:
            return []
        found: list[Event] = []
        for slot in slots:
            rule = slot.rule
            if slot.open:
                found += self._look(slot)
            elif (opening := rule.opens(scene)) is not None:
                slot.number, slot.since, slot.open = self._numbers(), max(0, opening.since), True
                slot.ring = opening.form == "ring"
                found.append(self._opened(slot, opening))
            slot.due = rule.due if rule.due > now else NEVER
        self.due = min([s.due for s in self._slots], default=NEVER)
        return found

    def finish(self) -> list[Event]:
        """Close what is open at the end of the call."""
        return [self._close(slot, CALL_ENDED) for slot in self._slots if slot.open]

    def _look(self, slot: _Slot) -> list[Event]:
        """Close an open cue, raise its ring to a text, or leave it."""
        reason = slot.rule.over(self._scene)
        if reason is not None:
            return [self._close(slot, reason)]
        raised = slot.rule.raises(self._scene) if slot.ring else None
        if raised is None:
            return []
        slot.ring = False
        return [self._opened(slot, raised)]

    def _opened(self, slot: _Slot, opening: Opening) -> Event:
        now = self._scene.now
        return CueOpened(
            span=Span(Samples(min(slot.since, now)), Samples(now)),
            known_at=Samples(now),
            number=slot.number,
            cue=slot.rule.cue,
            form=opening.form,
            facts=opening.facts,
            evidence=opening.spans(now),
        )

    def _close(self, slot: _Slot, reason: str) -> Event:
        slot.open = False
        now = self._scene.now
        return CueClosed(
            span=Span(Samples(min(slot.since, now)), Samples(now)),
            known_at=Samples(now),
            number=slot.number,
            cue=slot.rule.cue,
            reason=reason,
        )
