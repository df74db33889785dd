"""Rules that rest on a state of the agent's delivery."""

from __future__ import annotations

from typing import ClassVar

from callcoach.config import Settings
from callcoach.core.cues.rule import Opening, Rule
from callcoach.core.cues.scene import Scene
from callcoach.events import Channel, Event, Facts, VoiceClosed, VoiceKind, VoiceOpened


class VoiceRule(Rule):
    """Follow one state of the agent's delivery; hold times and closing are those of the state."""

    kind: ClassVar[VoiceKind]

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.state: VoiceOpened | None = None
        """The open state, if it is open."""
        self._told = 0

    def hear(self, event: Event, scene: Scene) -> None:
        """Keep the state as it opens and closes."""
        if not isinstance(event, VoiceOpened | VoiceClosed) or event.channel is not Channel.AGENT:
            return
        if event.kind == self.kind:
            self.state = event if isinstance(event, VoiceOpened) else None

    def facts(self, state: VoiceOpened, scene: Scene) -> Facts:
        """Return the figures of the cue; those of the state where a rule names no others."""
        return dict(state.facts)

    def opens(self, scene: Scene) -> Opening | None:
        """Open with the state; one state is one cue."""
        state = self.state
        if state is None or state.number == self._told:
            return None
        self._told = state.number
        return Opening(state.span.start, self.facts(state, scene))

    def over(self, scene: Scene) -> str | None:
        """Close with the state."""
        return "back to the usual" if self.state is None else None


def pace_facts(state: VoiceOpened) -> Facts:
    """Return pace and usual pace of a state ``fast`` or ``slow``, words a minute."""
    return {"pace_wpm": state.facts.get("wpm"), "usual_wpm": state.facts.get("usual_wpm")}
