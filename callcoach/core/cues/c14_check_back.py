"""C14: an explanation of the agent ended without a question whether it arrived (L09)."""

from __future__ import annotations

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, Rule, seconds
from callcoach.core.cues.scene import Scene
from callcoach.core.language.finder import CHECK_BACK
from callcoach.events import Channel, Event, Facts, FloorTaken


class CheckBack(Rule):
    """30 s of floor or three instructions, then 10 s without a check-back and without a turn of the caller.

    A caller who takes the floor after it says where they stand.
    """

    cue = "C14"
    each_tick = False
    delivery_with = frozenset()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        s = settings.c14
        self._block, self._verbs, self._hold = to_samples(s.block_s), s.block_verbs, to_samples(s.hold_s)
        self._turn = -1
        """Start of the agent's turn, while no turn of the caller has followed."""
        self._judged = -1
        """End of the block that was judged last."""

    def hear(self, event: Event, scene: Scene) -> None:
        """Follow the agent's turn."""
        if isinstance(event, FloorTaken):
            if event.channel is Channel.CALLER:
                self._turn = -1
            elif self._turn < 0:
                self._turn = event.span.start

    def opens(self, scene: Scene) -> Opening | None:
        """Open 10 s after the block."""
        self.due = NEVER
        agent, end = scene.agent, scene.agent.ended
        if self._turn < 0 or agent.active or end <= max(self._turn, self._judged) or not scene.has_words:
            return None
        verbs = [at for at in scene.language.orders if self._turn <= at < end]
        if end - self._turn < self._block and len(verbs) < self._verbs:
            return None
        if scene.now < end + self._hold:
            self.due = end + self._hold
            return None
        if scene.caller.active or not scene.words_known(Channel.AGENT, end):
            return None
        self._judged = end
        if self._checked(scene, end):
            return None
        facts: Facts = {
            "explained_s": seconds(end - self._turn),
            "since_s": seconds(scene.now - end),
            "limit_s": seconds(self._hold),
            "instructions": len(verbs),
        }
        return Opening(end, facts, evidence=((self._turn, end),))

    def over(self, scene: Scene) -> str | None:
        """Close with a check-back, or when the caller says something."""
        if self._checked(scene, self._judged):
            return "checked"
        return "the caller has the floor" if scene.holder is Channel.CALLER else None

    def _checked(self, scene: Scene, end: int) -> bool:
        since = end - self._hold
        return any(f.start >= since for f in scene.language.of(Channel.AGENT, CHECK_BACK))
