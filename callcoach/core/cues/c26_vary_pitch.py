"""C26: the agent's pitch hardly moves (V10), or pitch and level are low together (V11)."""

from __future__ import annotations

from callcoach.config import Settings
from callcoach.core.cues.rule import Opening
from callcoach.core.cues.scene import Scene
from callcoach.core.cues.voice_rule import VoiceRule
from callcoach.core.delivery.meter import Reading
from callcoach.core.delivery.states import Held
from callcoach.core.delivery.ticks import TICK, TICK_S
from callcoach.core.delivery.usual import Usual
from callcoach.events import Event, Facts, VoiceOpened

_LEAST_SPREAD_ST = 0.5
"""Smallest spread of the usual variation of F0; [D]."""


class VaryPitch(VoiceRule):
    """The state ``flat`` has lasted for 30 s of speech, or quiet and flat together for as long.

    The state itself opens after ``delivery.flat_s`` of speech; the rest is counted here.
    """

    cue = "C26"
    kind = "flat"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        s = self._set = settings.delivery
        self._wait = max(0.0, settings.c26.hold_s - s.flat_s)
        self._flat_from = 0.0
        """Seconds of the agent's speech at which the state opened."""
        self._quiet = Held(s.quiet_flat_s)
        self._quiet_flat = False
        self._usual = Usual(_LEAST_SPREAD_ST, s.least_baseline_s, s.baseline_s, s.outlier_z, None, 0.0)
        self._read: Reading | None = None

    def hear(self, event: Event, scene: Scene) -> None:
        """Keep the state and how much the agent had said by then."""
        super().hear(event, scene)
        if event is self.state:
            self._flat_from = scene.agent.voice.meter.speech_s

    def opens(self, scene: Scene) -> Opening | None:
        """Open when either has lasted; both are looked at tick by tick of speech."""
        reading = scene.agent.reading
        if reading is self._read:
            return None
        self._read = reading
        if self._quiet_and_flat(scene, reading):
            self._quiet_flat = True
            variation, rise = reading.variation_st, reading.rise_db
            facts: Facts = {
                "case": "quiet_flat",
                "variation_st": None if variation is None else round(variation, 2),
                "rise_db": None if rise is None else round(rise, 2),
            }
            since = self._quiet.since * TICK
            self._quiet.clear()
            return Opening(min(since, scene.now), facts)
        self._quiet_flat = False
        if self.state is None or scene.agent.voice.meter.speech_s - self._flat_from < self._wait:
            return None
        return super().opens(scene)

    def _quiet_and_flat(self, scene: Scene, reading: Reading) -> bool:
        """Follow V11."""
        variation, rise = reading.variation_st, reading.rise_db
        if variation is not None:
            self._usual.add(variation, TICK_S)
        if variation is None or rise is None:
            return False
        low = variation < self._set.quiet_flat_st and rise <= self._set.quiet_flat_db
        return self._quiet.push(scene.now // TICK - 1, low and scene.agent.voice.open("fast") is None)

    def facts(self, state: VoiceOpened, scene: Scene) -> Facts:
        """Variation of F0, now and usually in this call."""
        usual = self._usual.median
        return {
            "case": "flat",
            "variation_st": state.facts.get("variation_st"),
            "usual_st": None if usual is None else round(usual, 2),
        }

    def over(self, scene: Scene) -> str | None:
        """Close when F0 varies again."""
        reading = scene.agent.reading
        self._read = reading
        variation = reading.variation_st
        if variation is not None and variation > self._set.flat_close_st:
            return "pitch varies again"
        return None
