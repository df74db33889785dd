"""C25: the caller's strong words have gone (L03); words alone."""

from __future__ import annotations

from callcoach.clock import to_samples, to_seconds
from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, Rule
from callcoach.core.cues.scene import Scene
from callcoach.events import Channel, Facts


class WordsSettled(Rule):
    """The level has been clear, has fallen, and no strong words came for two minutes."""

    cue = "C25"
    each_tick = False
    delivery_with = frozenset()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        s = settings.c25
        self._clear, self._settled = s.clear, s.settled
        self._quiet, self._close = to_samples(s.quiet_s), to_samples(s.close_s)
        self._told = -1
        """The last strong words that were told to have gone."""
        self._over_at = NEVER
        self._looked = 0
        self._when: int | None = None
        """Where the words known so far will have gone; None where there are none to tell of."""

    def opens(self, scene: Scene) -> Opening | None:
        """Open once after each stretch of strong words."""
        self.due = NEVER
        level = scene.language.level
        if len(level.marks) != self._looked:
            self._looked, self._when = len(level.marks), self._gone_at(scene)
        when = self._when
        if when is None:
            return None
        if scene.now < when:
            self.due = when
            return None
        if not scene.words_known(Channel.CALLER, when):
            return None
        last = self._last(scene)
        self._told, self._when = last, None
        self.due = self._over_at = scene.now + self._close
        facts: Facts = {
            "quiet_min": round(to_seconds(scene.now - last) / 60, 1),
            "level": round(level.at(scene.now), 2),
        }
        return Opening(when, facts, form="ring", evidence=((last, when),))

    def _last(self, scene: Scene) -> int:
        return max(m.at for m in scene.language.level.marks if m.weight > 0)

    def _gone_at(self, scene: Scene) -> int | None:
        level = scene.language.level
        new = [m.at for m in level.marks if m.weight > 0 and m.at > self._told]
        if not any(level.at(at) >= self._clear for at in new):
            return None
        return max(new[-1] + self._quiet, level.falls_below(self._settled, new[-1]))

    def over(self, scene: Scene) -> str | None:
        """Close after a time."""
        if scene.now >= self._over_at:
            return "some time has passed"
        self.due = self._over_at
        return None
