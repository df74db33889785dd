"""C03: dead air that nobody announced (M05)."""

from __future__ import annotations

from typing import Final

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, Rule, seconds
from callcoach.core.cues.scene import Scene

_STRONG_S: Final = 10.0
"""Strong dead air (M05): opens although what the caller said is unknown, and without words."""


class NarrateSilence(Rule):
    """Nobody has spoken for 6 s, it is the agent's turn to act, no hold, not announced.

    Words that may hold an announcement of the agent are waited for; what the caller may have said before is
    waited for until the silence is strong.
    """

    cue = "C03"
    each_tick = False
    delivery_with = frozenset()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._hold = to_samples(settings.c03.hold_s)
        self._strong = max(self._hold, to_samples(_STRONG_S))

    def opens(self, scene: Scene) -> Opening | None:
        """Open when the silence has lasted and is known not to be announced."""
        self.due = NEVER
        since = scene.silent_since
        if since is None or scene.on_hold_since is not None:
            return None
        limit = self._hold if scene.has_words else self._strong
        if scene.now < since + limit:
            self.due = since + limit
            return None
        if scene.has_words and not self._is_unannounced(scene, since):
            return None
        return Opening(since, {"silence_s": seconds(scene.now - since), "limit_s": seconds(limit)})

    def _is_unannounced(self, scene: Scene, since: int) -> bool:
        announced = scene.announced(since)
        if announced is None and scene.now < since + self._strong:
            self.due = since + self._strong
            return False
        if announced is None:
            announced = scene.agent_announced(since)
        return announced is False and not scene.caller_to_act(since)

    def over(self, scene: Scene) -> str | None:
        """Close when the agent speaks; the caller's voice ends the silence as well."""
        if scene.agent.active:
            return "the agent spoke"
        return "the caller spoke" if scene.caller.active else None
