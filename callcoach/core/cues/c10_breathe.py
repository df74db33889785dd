"""C10: two of level, pitch and pace stand over the usual (V12), or pace does after strong words (V04)."""

from __future__ import annotations

from collections import deque
from typing import Final

from callcoach.clock import to_samples, to_seconds
from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening
from callcoach.core.cues.scene import Scene
from callcoach.core.cues.voice_rule import VoiceRule
from callcoach.events import Fact, Facts, VoiceOpened

_ORDER: Final = ("level", "pitch", "pace")
"""Order of the quantities in the names of the wordings: ``level_pace``."""


_LEAST_TICKS: Final = 8
"""Ticks of the agent's speech after strong words that a mean pace needs: 2 s; [D]."""
_KEPT: Final = 400
"""Ticks that are kept: strong words become known up to a minute and a half late."""


class Breathe(VoiceRule):
    """Open as long as the state ``raised_delivery`` is open; name the two quantities furthest out.

    The quantities stand side by side with their own units and are never merged. It opens as well where the
    agent's pace in the 15 s after strong words of the caller is over the usual (V04), while the level of
    strong words is mild or more.
    """

    cue = "C10"
    each_tick = True
    delivery_with = None
    kind = "raised_delivery"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._jump, self._window = settings.c10.jump_wpm, to_samples(settings.c10.jump_window_s)
        self._mild = settings.language.mild
        self._paces: deque[tuple[int, float]] = deque(maxlen=_KEPT)
        """Position, and pace over the usual (words a minute), of the agent's ticks of speech."""
        self._told_marks = -1
        """The last strong words that a cue was about."""
        self._after: int | None = None
        """Where the pace was looked at, while the cue is open for it."""

    def opens(self, scene: Scene) -> Opening | None:
        """Open with the state, or with the pace after strong words."""
        self.due = NEVER
        self._keep(scene)
        return super().opens(scene) or self._faster(scene)

    def over(self, scene: Scene) -> str | None:
        """Close with the state; after strong words, when the pace is back or their time is over."""
        self._keep(scene)
        if self._after is None:
            return super().over(scene)
        if scene.now > self._after + self._window or (self._paces and self._paces[-1][1] < self._jump / 2):
            self._after = None
            return "back to the usual"
        return None

    def _keep(self, scene: Scene) -> None:
        reading = scene.agent.reading
        if not scene.agent.active or reading.wpm is None or not reading.pace_share:
            return
        if not self._paces or self._paces[-1][0] < scene.now:
            self._paces.append((scene.now, reading.wpm - reading.wpm / reading.pace_share))

    def _faster(self, scene: Scene) -> Opening | None:
        level = scene.language.level
        marks = level.strong_between(self._told_marks + 1, scene.now + 1)
        if not marks or level.at(scene.now) < self._mild:
            return None
        since = marks[-1].at
        rises = [rise for at, rise in self._paces if since < at <= since + self._window]
        if len(rises) < _LEAST_TICKS:
            return None
        mean = sum(rises) / len(rises)
        if mean < self._jump:
            return None
        self._told_marks, self._after = since, scene.now
        facts: Facts = {
            "case": "pace_after_words",
            "rise_wpm": round(mean, 1),
            "limit_wpm": self._jump,
            "after_s": round(to_seconds(scene.now - since), 1),
        }
        return Opening(since, facts, evidence=((since, min(scene.now, since + self._window)),))

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
