"""C22: many apologies; thanks do more after a wait (L06)."""

from __future__ import annotations

from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, Rule
from callcoach.core.cues.scene import Scene
from callcoach.events import Facts


class ThankNotSorry(Rule):
    """The fourth apology; once in a call."""

    cue = "C22"
    each_tick = False
    delivery_with = frozenset()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._most = settings.c22.apologies
        self._since = NEVER

    def opens(self, scene: Scene) -> Opening | None:
        """Open when the agent has said sorry often enough."""
        said = scene.language.apologies
        if self._since != NEVER or len(said) < self._most:
            return None
        self._since = said[-1][0]
        facts: Facts = {"apologies": len(said), "limit": self._most}
        return Opening(said[self._most - 1][0], facts, evidence=tuple(said))

    def over(self, scene: Scene) -> str | None:
        """Close when the agent thanks."""
        return "thanked" if any(start > self._since for start, _ in scene.language.thanks) else None
