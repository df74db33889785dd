"""C10: at least two of the agent's level, pitch and pace stand over the usual (V12)."""

from __future__ import annotations

from typing import Final

from callcoach.core.cues.scene import Scene
from callcoach.core.cues.voice_rule import VoiceRule
from callcoach.events import Fact, Facts, VoiceOpened

_ORDER: Final = ("level", "pitch", "pace")
"""Order of the quantities in the names of the wordings: ``level_pace``."""


class Breathe(VoiceRule):
    """Open as long as the state ``raised_delivery`` is open; name the two quantities furthest out.

    The quantities stand side by side with their own units and are never merged.
    """

    cue = "C10"
    each_tick = False
    delivery_with = frozenset({"raised_delivery"})
    kind = "raised_delivery"

    def facts(self, state: VoiceOpened, scene: Scene) -> Facts:
        """Every raised quantity with its figure, and which two are named."""
        told = state.facts
        raised = str(told.get("quantities", "")).split("+")
        reading = scene.agent.reading
        z = {"level": reading.z_level, "pitch": reading.z_pitch, "pace": reading.z_pace}
        furthest = sorted(raised, key=lambda name: (-(z.get(name) or 0.0), name))[:2]
        return {
            "case": "_".join(name for name in _ORDER if name in furthest),
            "quantities": told.get("quantities"),
            "rise_db": told.get("rise_db"),
            "rise_st": told.get("rise_st"),
            "rise_wpm": _difference(told.get("wpm"), told.get("usual_wpm")),
        }


def _difference(value: Fact, usual: Fact) -> float | None:
    if not isinstance(value, int | float) or not isinstance(usual, int | float):
        return None
    return round(value - usual, 2)
