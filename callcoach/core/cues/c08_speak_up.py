"""C08: the agent is too quiet: the level lies under the usual (V06), or the caller says so."""

from __future__ import annotations

from typing import Final

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, seconds
from callcoach.core.cues.said import cue_lists, said_here
from callcoach.core.cues.scene import Scene
from callcoach.core.cues.voice_rule import VoiceRule
from callcoach.core.phrases import joined, normal
from callcoach.events import Channel, Event, Facts, VoiceOpened, Words

_FRESH_S: Final = 30.0
"""Words that arrive later than this after they were said prompt nothing; [D]."""


class SpeakUp(VoiceRule):
    """Open as long as the state ``quiet`` is open, or after the caller said that the agent cannot be heard.

    What the caller said closes after as much speech of the agent as the state needs to open: from then on
    the level itself tells.
    """

    cue = "C08"
    kind = "quiet"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._enough = settings.delivery.quiet_s
        self._fresh = to_samples(_FRESH_S)
        self._rise: float | None = None
        """Level against the usual when the agent last spoke, dB."""
        self._said: Opening | None = None
        self._told_at = -NEVER
        """Where it last opened or was open: words from before are told already."""
        self._until: float | None = None
        """Seconds of the agent's speech at which a cue that rests on words closes."""

    def hear(self, event: Event, scene: Scene) -> None:
        """Keep the state, and what the caller says about it."""
        super().hear(event, scene)
        if isinstance(event, Words) and event.channel is Channel.CALLER and event.items:
            lists = cue_lists()
            phrase = said_here(normal(joined(list(event.items))), lists.cannot_hear, lists)
            if phrase is not None:
                self._said = self._quoted(event, phrase)

    def _quoted(self, event: Words, phrase: str) -> Opening:
        size = len(phrase.split())
        items = event.items
        at = next((i for i in range(len(items)) if normal(joined(list(items[i : i + size]))) == phrase), 0)
        first, last = items[at].span, items[min(at + size, len(items)) - 1].span
        rise = None if self._rise is None else round(self._rise, 2)
        facts: Facts = {"case": "caller_said", "phrase": phrase, "rise_db": rise}
        return Opening(first.start, facts, evidence=((first.start, last.end),))

    def facts(self, state: VoiceOpened, scene: Scene) -> Facts:
        """Level against the usual, and for how long."""
        return {"rise_db": state.facts.get("rise_db"), "held_s": seconds(scene.now - state.span.start)}

    def opens(self, scene: Scene) -> Opening | None:
        """Open with the state or with the words."""
        self._keep_level(scene)
        said, self._said = self._said, None
        opening = super().opens(scene)
        self._until = None
        if opening is not None:
            self._told_at = scene.now
        elif said is not None and said.since > self._told_at and scene.now - said.since < self._fresh:
            self._told_at = scene.now
            self._until = scene.agent.voice.meter.speech_s + self._enough
            return said
        return opening

    def over(self, scene: Scene) -> str | None:
        """Close with the state, or when the agent has spoken for long enough since the caller said so."""
        self._keep_level(scene)
        self._said, self._told_at = None, scene.now
        if self._until is None:
            return super().over(scene)
        spoken = scene.agent.voice.meter.speech_s >= self._until
        return "the agent has spoken since" if spoken else None

    def _keep_level(self, scene: Scene) -> None:
        rise = scene.agent.reading.rise_db
        self._rise = self._rise if rise is None else rise
