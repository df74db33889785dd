"""C16: the agent's pace stands apart from the caller's (V05)."""

from __future__ import annotations

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.cues.rule import Opening, Rule
from callcoach.core.cues.scene import Scene
from callcoach.events import Channel


class MatchPace(Rule):
    """The ratio of paces has been outside its band for 20 s; silent where the caller is too fast to match."""

    cue = "C16"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        s = settings.c16
        self._low, self._high = s.low_ratio, s.high_ratio
        self._close_low, self._close_high = s.close_low_ratio, s.close_high_ratio
        self._hold, self._most = to_samples(s.hold_s), s.most_wpm
        self._since: int | None = None
        """Where the ratio left its band."""

    def opens(self, scene: Scene) -> Opening | None:
        """Open while the agent speaks: a ratio of words said long ago is no reason to change."""
        if not scene.agent.active:
            return None
        ratio = scene.pace.ratio
        if ratio is None or self._low <= ratio <= self._high:
            self._since = None
            return None
        since = self._since = scene.now if self._since is None else self._since
        if scene.now - since < self._hold:
            return None
        agent, caller = scene.pace.wpm(Channel.AGENT), scene.pace.wpm(Channel.CALLER)
        if agent is None or caller is None or caller > self._most:
            return None
        self._since = None
        return Opening(
            since, {"agent_wpm": round(agent, 1), "caller_wpm": round(caller, 1), "ratio": round(ratio, 3)}
        )

    def over(self, scene: Scene) -> str | None:
        """Close when the ratio is well inside its band."""
        ratio = scene.pace.ratio
        near = ratio is not None and self._close_low <= ratio <= self._close_high
        return "the paces are close" if near else None
