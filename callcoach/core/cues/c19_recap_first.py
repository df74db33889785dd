"""C19: the agent gives instructions before the caller's story was played back (L10)."""

from __future__ import annotations

from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, Rule
from callcoach.core.cues.scene import Scene
from callcoach.events import Channel, Event, Facts, FloorTaken


class RecapFirst(Rule):
    """The first instruction after the caller has had the floor; once in a call."""

    cue = "C19"
    each_tick = False
    delivery_with = frozenset()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._verbs = settings.c19.verbs
        self._story = -1
        self._done = False

    def hear(self, event: Event, scene: Scene) -> None:
        """Keep where the caller first took the floor."""
        if isinstance(event, FloorTaken) and event.channel is Channel.CALLER and self._story < 0:
            self._story = event.span.start

    def opens(self, scene: Scene) -> Opening | None:
        """Open with the first instruction, if nothing was played back before."""
        self.due = NEVER
        if self._done or self._story < 0:
            return None
        told = [at for at in scene.language.orders if at > self._story]
        if len(told) < self._verbs:
            return None
        self._done = True
        if any(at > self._story for at in scene.language.played_back):
            return None
        facts: Facts = {"recaps": 0, "instructions": len(told)}
        return Opening(told[0], facts)

    def over(self, scene: Scene) -> str | None:
        """Close with a recap."""
        return "played back" if any(at > self._story for at in scene.language.played_back) else None
