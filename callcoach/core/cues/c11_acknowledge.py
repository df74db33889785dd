"""C11: strong words of the caller, and the agent speaks on without an acknowledgement (4.4)."""

from __future__ import annotations

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, Rule, seconds
from callcoach.core.cues.scene import Scene
from callcoach.core.language.lines import acknowledging_line
from callcoach.core.language.scene import LiveWindow
from callcoach.events import Channel, Facts


class Acknowledge(Rule):
    """4 s of the agent's speech without a match, all its words known, and the caller silent.

    An agent whose words have not all arrived may have acknowledged already, and is left alone until then.
    """

    cue = "C11"
    each_tick = False
    delivery_with = frozenset()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        s = settings.c11
        self._hold, self._stop, self._window = (
            to_samples(s.hold_s),
            to_samples(s.caller_stop_s),
            to_samples(s.window_s),
        )
        self._told = -1
        """Where the window opened that this cue was last about."""
        self._turn = -1
        self._runs: list[tuple[int, int]] = []
        """Runs of the agent's speech in the turn ``_turn``."""
        self._armed: int | None = None
        """Where the agent had spoken long enough in that turn, the caller silent."""
        self._open: LiveWindow | None = None

    def opens(self, scene: Scene) -> Opening | None:
        """Open when the window stands unanswered after enough speech, whoever speaks by then."""
        self.due = NEVER
        windows = scene.language.windows
        window = windows[-1] if windows else None
        if window is None or window.answer is not None or window.opened == self._told:
            return None
        if scene.now - window.opened > self._window:
            return None
        self._follow(scene, window)
        if self._armed is None:
            self._arm(scene)
        if self._armed is None or not scene.words_known(Channel.AGENT, self._armed):
            return None
        self._told, self._open = window.opened, window
        first = window.marks[0]
        facts: Facts = {
            "speech_s": seconds(sum(b - a for a, b in self._runs)),
            "limit_s": seconds(self._hold),
            "level": round(window.level, 1),
            "quoted": " · ".join(f'"{m.phrase}"' for m in window.marks[-2:]),
            "line": acknowledging_line(scene.language.lexicon, len(windows)),
        }
        return Opening(window.turn, facts, evidence=((first.at, window.opened), (window.turn, self._armed)))

    def over(self, scene: Scene) -> str | None:
        """Close with an acknowledgement, or when the window is over."""
        window = self._open
        if window is None or window.answer is not None:
            return "acknowledged"
        if scene.now - window.opened > self._window:
            return "the window is over"
        self.due = window.opened + self._window + 1
        return None

    def _follow(self, scene: Scene, window: LiveWindow) -> None:
        """Keep the runs of the agent's speech in the turn of the window."""
        if window.turn != self._turn:
            self._turn, self._runs, self._armed = window.turn, [], None
        if scene.language.window() is not window:
            return
        agent = scene.agent
        run = (max(agent.began, window.turn), scene.now if agent.active else max(agent.ended, window.turn))
        if self._runs and self._runs[-1][0] == run[0]:
            self._runs[-1] = run
        elif run[1] > run[0]:
            # where the window became known late, what was said since the turn began counts
            self._runs.append(run if self._runs else (window.turn, run[1]))

    def _arm(self, scene: Scene) -> None:
        """Note where the agent had spoken long enough, once the caller has stopped."""
        left: int = self._hold
        for start, end in self._runs:
            if end - start >= left:
                break
            left -= end - start
        else:
            if scene.agent.active and scene.language.window() is not None:
                self.due = scene.now + left
            return
        if scene.caller.silent_for(scene.now) >= self._stop:
            self._armed = start + left
        elif not scene.caller.active:
            self.due = scene.caller.ended + self._stop
