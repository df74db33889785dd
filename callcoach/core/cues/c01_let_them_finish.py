"""C01: the agent talks over the caller, who holds the floor."""

from __future__ import annotations

from typing import Final

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, Rule, seconds
from callcoach.core.cues.scene import Scene
from callcoach.events import Channel, CueForm, Event, Notice, Overlap, OverlapClass

_DECIDED: Final = frozenset({OverlapClass.FLOOR_TAKING, OverlapClass.BUTTING_IN})


class LetThemFinish(Rule):
    """Ring at 0.5 s of overlap that is no backchannel, text at 0.8 s or the second time within 60 s.

    Without words a backchannel may last 0.7 s and a clarification, which is no interruption, four words: the
    ring waits for the one, the text for the other. A caller who yields at once leaves less overlap than that;
    then the cue comes with the decision of the turn-taking rules that it was an interruption.
    """

    cue = "C01"
    each_tick = False
    delivery_with = frozenset()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        s = settings.c01
        self._ring, self._text = to_samples(s.hold_s), to_samples(s.text_s)
        self._clarification = to_samples(s.clarification_s)
        self._again, self._quiet = to_samples(s.again_s), to_samples(s.close_s)
        self._backchannel = to_samples(settings.overlap.backchannel_no_text_s)
        self._together = to_samples(settings.overlap.simultaneous_s)
        self._fresh = to_samples(settings.overlap.hold_s)
        self._lag = to_samples(settings.activity.close_s)
        """An open mask means speech up to this long ago."""
        self._last = -NEVER
        """Start of the last utterance that was certainly an interruption."""
        self._told = -NEVER
        """Start of the utterance that was told last: one utterance is one cue."""
        self._since = 0
        self._bleed = False
        self._decided: Overlap | None = None

    def hear(self, event: Event, scene: Scene) -> None:
        """Keep a decision that the agent interrupted.

        One of low confidence, where nothing tells whether the caller was at an end, only rings, and does not
        count when the caller's voice comes back in the agent's channel.
        """
        if isinstance(event, Notice):
            self._bleed = self._bleed or event.code == "S-BLEED"
        if not isinstance(event, Overlap) or event.incomer is not Channel.AGENT:
            return
        certain = event.confidence == "high"
        enough = certain or (event.overlap >= self._ring and not self._bleed)
        if event.stage == "sound" and event.kind in _DECIDED and enough:
            self._decided = event
            if certain and self._is_told(event):
                self._last = self._since

    def _is_told(self, event: Overlap) -> bool:
        return abs(event.utterance.start - self._told) <= self._together

    def opens(self, scene: Scene) -> Opening | None:
        """Open while both speak, the caller holds the floor and the agent says more than a backchannel."""
        decided, self._decided = self._decided, None
        self.due = NEVER
        agent, caller = scene.agent, scene.caller
        if decided is not None and not self._is_told(decided):
            certain = decided.confidence == "high"
            self.due = scene.now + 1  # it may be over already
            return self._opening(
                decided.span.start, decided.utterance.start, decided.overlap, certain=certain
            )
        if not (agent.active and caller.active) or scene.holder is not Channel.CALLER:
            return None
        if agent.utterance < max(scene.floor_since, caller.utterance):
            return None  # the caller came in on the agent
        if agent.utterance - caller.utterance < self._together:
            return None  # both began together
        if abs(agent.utterance - self._told) <= self._together:
            return None
        ripe = max(agent.began + self._ring, agent.utterance + self._backchannel) + self._lag
        if scene.now < ripe:
            self.due = ripe
            return None
        self.due = self._text_due(scene)
        return self._opening(agent.began, agent.utterance, scene.now - agent.began - self._lag, certain=False)

    def _text_due(self, scene: Scene) -> int:
        """Return where the overlap that goes on becomes a text."""
        agent = scene.agent
        begin = max(agent.began, scene.caller.began)
        return max(begin + self._text, agent.utterance + self._clarification) + self._lag

    def _opening(self, since: int, utterance: int, overlap: int, *, certain: bool) -> Opening:
        again = since - self._last <= self._again
        form: CueForm = "text" if again or (certain and overlap >= self._text) else "ring"
        self._since, self._told = since, utterance
        if certain:
            self._last = since
        return Opening(since, {"overlap_s": seconds(overlap), "again": again}, form)

    def raises(self, scene: Scene) -> Opening | None:
        """Raise the ring to a text when the overlap goes on, or turns out to be an interruption."""
        decided, self._decided = self._decided, None
        agent, caller = scene.agent, scene.caller
        certain = decided is not None and decided.confidence == "high" and self._is_told(decided)
        if decided is not None and certain and decided.overlap >= self._text:
            return Opening(self._since, {"overlap_s": seconds(decided.overlap), "again": False})
        if not (agent.active and caller.active):
            return None
        ripe = self._text_due(scene)
        if scene.now < ripe:
            self.due = ripe
            return None
        self._last = self._since
        overlap = scene.now - max(agent.began, caller.began) - self._lag
        return Opening(self._since, {"overlap_s": seconds(overlap), "again": False})

    def over(self, scene: Scene) -> str | None:
        """Close when the agent has been silent for 0.5 s, or the caller has given way."""
        agent = scene.agent
        if agent.active:
            alone = scene.holder is Channel.AGENT and not scene.caller.active
            since = max(scene.floor_since, scene.caller.ended)
            if alone and scene.now < since + self._fresh:
                self.due = since + self._fresh
            return "the caller gave way" if alone and scene.now >= since + self._fresh else None
        if agent.silent_for(scene.now) >= self._quiet:
            return "the agent let them speak"
        self.due = agent.ended + self._quiet
        return None
