"""C15: a phrase of the agent that has a better alternative (L01)."""

from __future__ import annotations

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, Rule
from callcoach.core.cues.scene import Scene
from callcoach.core.language.finder import DISCOURAGED, Found
from callcoach.events import Channel, Facts

_MOST_WORDS = 4


class SayPositively(Rule):
    """As soon as the words are known; the last phrase counts where several came at once."""

    cue = "C15"
    each_tick = False
    delivery_with = frozenset()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._severity, self._close = settings.c15.severity, to_samples(settings.c15.close_s)
        self._read = 0
        self._counts: dict[str, int] = {}
        self._over_at = NEVER

    def opens(self, scene: Scene) -> Opening | None:
        """Open with a phrase that is severe enough and has a short alternative."""
        self.due = NEVER
        found = self._new(scene)
        if found is None:
            return None
        self.due = self._over_at = scene.now + self._close
        facts: Facts = {
            "short": found.row.short,
            "phrase": found.phrase,
            "count": self._counts[found.row.id],
            "severity": found.row.severity,
            "row": found.row.id,
        }
        return Opening(found.start, facts, evidence=((found.start, found.end),))

    def over(self, scene: Scene) -> str | None:
        """Close after a time."""
        if scene.now >= self._over_at:
            return "some time has passed"
        self.due = self._over_at
        return None

    def _new(self, scene: Scene) -> Found | None:
        latest: Found | None = None
        found = scene.language.found
        for each in found[self._read :]:
            if each.channel is not Channel.AGENT or each.list != DISCOURAGED or each.low:
                continue
            self._counts[each.row.id] = self._counts.get(each.row.id, 0) + 1
            short = each.row.short
            if (each.row.severity or 0) >= self._severity and short and len(short.split()) <= _MOST_WORDS:
                latest = each
        self._read = len(found)
        return latest
