"""C06: the agent speaks slower than usual (V03), and is not guiding."""

from __future__ import annotations

from callcoach.core.cues.rule import Opening
from callcoach.core.cues.scene import Scene
from callcoach.core.cues.voice_rule import VoiceRule, pace_facts
from callcoach.events import Facts, VoiceOpened


class PickUp(VoiceRule):
    """Open as long as the agent's state ``slow`` is open, except while guiding: steps are given slowly."""

    cue = "C06"
    each_tick = False
    delivery_with = frozenset()
    kind = "slow"

    def facts(self, state: VoiceOpened, scene: Scene) -> Facts:
        """Pace and usual pace."""
        return pace_facts(state)

    def opens(self, scene: Scene) -> Opening | None:
        """Open with the state, unless the agent is guiding."""
        return None if scene.phases.phase == "guide" else super().opens(scene)

    def over(self, scene: Scene) -> str | None:
        """Close with the state, or when the agent begins to guide."""
        return "guiding now" if scene.phases.phase == "guide" else super().over(scene)
