"""C02: the agent holds the floor for long (M14)."""

from __future__ import annotations

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, Rule, seconds
from callcoach.core.cues.scene import Scene
from callcoach.events import Channel, Event, Turn


class GiveFloor(Rule):
    """The agent has held the floor for 60 s, 45 s in the phase story; the caller's backchannels do not count.

    A short turn of the caller that only its words gave away ("no, that's wrong") ends the stretch as well.
    """

    cue = "C02"
    each_tick = False
    delivery_with = frozenset()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._hold = to_samples(settings.c02.hold_s)
        self._story_hold = to_samples(settings.c02.story_hold_s)
        self._answered = 0
        """End of the caller's last turn."""
        self._opened = 0

    def hear(self, event: Event, scene: Scene) -> None:
        """Keep where the caller last had a turn."""
        if isinstance(event, Turn) and event.channel is Channel.CALLER:
            self._answered = max(self._answered, event.span.end)

    def opens(self, scene: Scene) -> Opening | None:
        """Open when the stretch is long enough."""
        self.due = NEVER
        if scene.holder is not Channel.AGENT:
            return None
        since = max(scene.floor_since, self._answered)
        limit = self._story_hold if scene.phases.phase == "story" else self._hold
        if scene.now < since + limit:
            self.due = since + limit
            return None
        self._opened = scene.now
        return Opening(since, {"floor_s": seconds(scene.now - since), "limit_s": seconds(limit)})

    def over(self, scene: Scene) -> str | None:
        """Close when the caller takes the floor or nobody holds it."""
        if scene.holder is Channel.CALLER or self._answered > self._opened:
            return "the caller took the floor"
        return "nobody holds the floor" if scene.holder is None else None
