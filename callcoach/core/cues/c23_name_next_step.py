"""C23: the call closes and nobody owns a next step with a time (L14)."""

from __future__ import annotations

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, Rule, seconds
from callcoach.core.cues.scene import Scene
from callcoach.core.language.finder import NEXT_STEP
from callcoach.events import Channel, Facts


class NameNextStep(Rule):
    """5 s in the phase close without a sentence that has an owner, an action and a time; once in a call.

    A line that says what happens next, or what to do if it comes back, counts as well (10.10).
    """

    cue = "C23"
    each_tick = False
    delivery_with = frozenset()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._hold = to_samples(settings.c23.hold_s)
        self._since: int | None = None
        self._done = False

    def opens(self, scene: Scene) -> Opening | None:
        """Open when the close has lasted and its words are known."""
        self.due = NEVER
        if self._done or not scene.has_words:
            return None
        if scene.phases.phase != "close":
            self._since = None
            return None
        if self._since is None:
            self._since = scene.now
        if self._named(scene):
            return None
        if scene.now < self._since + self._hold:
            self.due = self._since + self._hold
            return None
        if scene.agent.active or not scene.words_known(Channel.AGENT, scene.agent.ended):
            return None
        self._done = True
        vague = sum(kind == "vague" for kind, _ in scene.language.promises)
        facts: Facts = {"commitments": 0, "vague": vague, "close_s": seconds(scene.now - self._since)}
        return Opening(self._since, facts)

    def over(self, scene: Scene) -> str | None:
        """Close with a next step."""
        return "named" if self._named(scene) else None

    def _named(self, scene: Scene) -> bool:
        language = scene.language
        if any(kind == "complete" for kind, _ in language.promises):
            return True
        return bool(language.of(Channel.AGENT, NEXT_STEP))
