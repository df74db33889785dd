"""C12: the caller's strong words have reached a level (L03); words alone."""

from __future__ import annotations

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, Rule, seconds
from callcoach.core.cues.scene import Scene
from callcoach.events import Facts


class StrongWords(Rule):
    """A ring while the level stands; it names the phrases, and nothing about the one who said them."""

    cue = "C12"
    each_tick = False
    delivery_with = frozenset()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        s = settings.c12
        self._clear, self._hold, self._below = s.clear, to_samples(s.hold_s), s.close_below
        self._reach = to_samples(2 * settings.language.fade_s)
        self._through = -1
        """The last strong words that a ring was about."""

    def opens(self, scene: Scene) -> Opening | None:
        """Open when the level has stood for long enough, with words that are new."""
        self.due = NEVER
        level = scene.language.level
        marks = level.strong_between(max(0, scene.now - self._reach), scene.now + 1)
        if not marks or marks[-1].at <= self._through or level.at(scene.now) < self._clear:
            return None
        reached = next((m.at for m in marks if level.at(m.at) >= self._clear), marks[-1].at)
        if scene.now < reached + self._hold:
            self.due = reached + self._hold
            return None
        self._through = marks[-1].at
        facts: Facts = {
            "count": len(marks),
            "window_s": seconds(scene.now - marks[0].at),
            "quoted": " · ".join(f'"{m.phrase}"' for m in marks[-2:]),
            "level": round(level.at(scene.now), 1),
        }
        return Opening(marks[0].at, facts, form="ring", evidence=tuple((m.at, scene.now) for m in marks[-1:]))

    def over(self, scene: Scene) -> str | None:
        """Close when the words have faded."""
        level = scene.language.level
        if level.at(scene.now) < self._below:
            return "the words have faded"
        self.due = level.falls_below(self._below, scene.now)
        return None
