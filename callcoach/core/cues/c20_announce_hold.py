"""C20: the agent went silent after "let me check" without saying for how long (M19, M20)."""

from __future__ import annotations

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, Rule, seconds
from callcoach.core.cues.said import cue_lists, promised_s, said_here
from callcoach.core.cues.scene import Scene
from callcoach.events import Channel, Event, Facts, FloorTaken


class AnnounceHold(Rule):
    """8 s of silence of the agent after such a notice; the caller may answer it, but not take the floor."""

    cue = "C20"
    each_tick = False
    delivery_with = frozenset()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._hold = to_samples(settings.c20.hold_s)
        self._reach = to_samples(settings.silence.notice_reach_s)
        self._caller_since = -1
        """Start of the caller's last turn."""
        self._judged = -1
        """End of the agent's speech that was judged last."""

    def hear(self, event: Event, scene: Scene) -> None:
        """Keep where the caller last took the floor."""
        if isinstance(event, FloorTaken) and event.channel is Channel.CALLER:
            self._caller_since = event.span.start

    def opens(self, scene: Scene) -> Opening | None:
        """Open when the notice is known to give no time and the silence has lasted."""
        self.due = NEVER
        agent = scene.agent
        since = agent.ended
        if agent.active or since == self._judged or not scene.has_words or scene.on_hold_since is not None:
            return None
        if scene.caller.active or self._caller_since >= since:
            return None
        if scene.now < since + self._hold:
            self.due = since + self._hold
            return None
        if not scene.words_known(Channel.AGENT, since):
            return None
        self._judged = since
        lists = cue_lists()
        said = agent.said(since - self._reach, since + 1)
        notice = said_here(said, lists.checking, lists)
        if notice is None or promised_s(said, lists) is not None:
            return None
        facts: Facts = {
            "silence_s": seconds(scene.now - since),
            "limit_s": seconds(self._hold),
            "said": notice,
        }
        return Opening(since, facts, evidence=((since - self._reach // 2, scene.now),))

    def over(self, scene: Scene) -> str | None:
        """Close when the agent is back, or the caller has the floor."""
        if scene.agent.active:
            return "the agent came back"
        return "the caller has the floor" if scene.holder is Channel.CALLER else None
