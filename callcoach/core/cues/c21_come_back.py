"""C21: the caller has been on hold for long (M19)."""

from __future__ import annotations

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, Rule, seconds
from callcoach.core.cues.said import cue_lists, promised_s
from callcoach.core.cues.scene import Scene
from callcoach.events import Channel, Facts


class ComeBack(Rule):
    """45 s since the agent put the caller on hold.

    A mutual silence as long as that, which nobody announced or whose words are unknown, is a hold as well:
    it can be nothing else (M05).
    """

    cue = "C21"
    each_tick = False
    delivery_with = frozenset()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._hold = to_samples(settings.c21.hold_s)
        self._unannounced = max(self._hold, to_samples(settings.silence.hold_s))
        self._reach = to_samples(settings.silence.notice_reach_s)

    def opens(self, scene: Scene) -> Opening | None:
        """Open when the hold has lasted."""
        self.due = NEVER
        since, limit = scene.on_hold_since, self._hold
        if since is None:
            since, limit = scene.silent_since, self._unannounced
        if since is None or scene.holder is Channel.CALLER:
            return None
        if scene.now < since + limit:
            self.due = since + limit
            return None
        facts: Facts = {"hold_s": seconds(scene.now - since), "limit_s": seconds(limit)}
        promised = None
        if scene.words_known(Channel.AGENT, since):
            promised = promised_s(scene.agent.said(since - self._reach, since + 1), cue_lists())
        if promised:
            facts |= {"case": "time_given", "promised_s": promised}
        return Opening(since, facts)

    def over(self, scene: Scene) -> str | None:
        """Close when the agent speaks."""
        return "the agent came back" if scene.agent.active else None
