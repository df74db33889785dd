"""C05: the agent speaks faster than usual (V03)."""

from __future__ import annotations

from callcoach.core.cues.scene import Scene
from callcoach.core.cues.voice_rule import VoiceRule, pace_facts
from callcoach.events import Facts, VoiceOpened


class SlowDown(VoiceRule):
    """Open as long as the agent's state ``fast`` is open."""

    cue = "C05"
    each_tick = False
    delivery_with = frozenset()
    kind = "fast"

    def facts(self, state: VoiceOpened, scene: Scene) -> Facts:
        """Pace, usual pace, and whether it is very fast."""
        return {**pace_facts(state), "very_fast": state.facts.get("very_fast")}
