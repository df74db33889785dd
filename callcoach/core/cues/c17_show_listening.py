"""C17: the caller speaks for long without a sound from the agent (M17)."""

from __future__ import annotations

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, Rule, seconds
from callcoach.core.cues.scene import Scene


class ShowListening(Rule):
    """45 s of the caller's speech, pauses not counted, in which the agent made no sound at all."""

    cue = "C17"
    each_tick = False
    delivery_with = frozenset()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._hold = to_samples(settings.c17.hold_s)
        self._since: int | None = None
        """Start of the caller's speech that counts."""
        self._spoken = 0
        """Samples of it, finished runs only."""
        self._counted = 0
        """End of the last run that is in it."""

    def opens(self, scene: Scene) -> Opening | None:
        """Open when enough of the caller's speech has gone by."""
        self.due = NEVER
        agent, caller = scene.agent, scene.caller
        if agent.active or agent.ended > self._counted:
            self._since, self._spoken, self._counted = None, 0, scene.now if agent.active else agent.ended
            if agent.active:
                return None
        spoken = self._spoken
        if caller.active:
            begin = max(caller.began, self._counted)
            spoken += scene.now - begin
        else:
            begin = max(caller.began, self._counted)
            if caller.ended > begin:
                self._spoken = spoken = spoken + caller.ended - begin
                self._counted = caller.ended
        if not spoken:
            return None
        since = self._since = begin if self._since is None else self._since
        if spoken < self._hold:
            if caller.active:
                self.due = scene.now + self._hold - spoken
            return None
        return Opening(since, {"caller_s": seconds(spoken), "limit_s": seconds(self._hold)})

    def over(self, scene: Scene) -> str | None:
        """Close with any sound of the agent."""
        return "the agent made a sound" if scene.agent.active else None
