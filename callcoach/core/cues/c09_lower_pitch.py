"""C09: the agent's pitch stands over the usual while the level does not (V09)."""

from __future__ import annotations

from callcoach.config import Settings
from callcoach.core.cues.rule import Opening
from callcoach.core.cues.scene import Scene
from callcoach.core.cues.voice_rule import VoiceRule
from callcoach.events import Facts, VoiceOpened


class LowerPitch(VoiceRule):
    """Open as long as the state ``pitch_spike`` is open and there is no spike of level.

    Pitch rises with vocal effort, and its state opens sooner than that of the level: while the level stands
    high enough for a spike the cue waits for it.
    """

    cue = "C09"
    kind = "pitch_spike"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._spike_db = settings.delivery.spike_db

    def facts(self, state: VoiceOpened, scene: Scene) -> Facts:
        """Pitch over the usual."""
        return {"rise_st": state.facts.get("rise_st")}

    def opens(self, scene: Scene) -> Opening | None:
        """Open with the state, unless the level is or was up as well."""
        if self.state is None:
            return None
        if scene.agent.voice.open("level_spike") is not None:
            self._told = self.state.number
        rise = scene.agent.reading.rise_db
        return None if rise is not None and rise >= self._spike_db else super().opens(scene)

    def over(self, scene: Scene) -> str | None:
        """Close with the state, or when a spike of level opens: that is C07."""
        if scene.agent.voice.open("level_spike") is not None:
            return "the level rose as well"
        return super().over(scene)
