"""C07: the agent's level stands over the usual (V06)."""

from __future__ import annotations

from callcoach.core.cues.rule import seconds
from callcoach.core.cues.scene import Scene
from callcoach.core.cues.voice_rule import VoiceRule
from callcoach.events import Facts, VoiceOpened


class Soften(VoiceRule):
    """Open as long as the agent's state ``level_spike`` is open."""

    cue = "C07"
    each_tick = False
    delivery_with = frozenset()
    kind = "level_spike"

    def facts(self, state: VoiceOpened, scene: Scene) -> Facts:
        """Level over the usual, and for how long."""
        return {"rise_db": state.facts.get("rise_db"), "held_s": seconds(scene.now - state.span.start)}
