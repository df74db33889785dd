"""C18: the agent goes on right after an open question (L11)."""

from __future__ import annotations

from collections import deque
from typing import Final

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, Rule, seconds
from callcoach.core.cues.said import cue_lists, sentences
from callcoach.core.cues.scene import Scene
from callcoach.events import Channel, Event, Facts, SpeechSegment, Word, Words

_RUNS: Final = 200
"""Runs of the caller's speech that are kept; words are never later than these."""


class GiveThinkingTime(Rule):
    """Twice the agent went on within 1.5 s of an own open question, the caller silent in between."""

    cue = "C18"
    each_tick = False
    delivery_with = frozenset()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        s = settings.c18
        self._restart, self._times, self._close = to_samples(s.restart_s), s.times, to_samples(s.close_s)
        self._runs: deque[tuple[int, int]] = deque(maxlen=_RUNS)
        self._tail: list[Word] = []
        """Words since the last final mark."""
        self._asked: tuple[int, int] | None = None
        """Start and end of the open question that was the agent's last sentence."""
        self._found: list[tuple[int, int, int]] = []
        """Start and end of a question, and start of what followed."""
        self._over_at = NEVER

    def hear(self, event: Event, scene: Scene) -> None:
        """Follow the agent's sentences and the caller's runs."""
        if isinstance(event, SpeechSegment) and event.channel is Channel.CALLER:
            self._runs.append((event.span.start, event.span.end))
        elif isinstance(event, Words) and event.channel is Channel.AGENT:
            for sentence in sentences([*self._tail, *event.items]):
                self._follows(sentence.start, scene)
                if sentence.ended:
                    open_question = sentence.is_open_question(cue_lists())
                    self._asked = (sentence.start, sentence.end) if open_question else None
            self._tail = self._unfinished(event)

    def _unfinished(self, event: Words) -> list[Word]:
        """Return the words behind the last final mark."""
        words = [*self._tail, *event.items]
        last = [s for s in sentences(words) if not s.ended]
        return [w for w in words if w.span.start >= last[-1].start] if last else []

    def _follows(self, start: int, scene: Scene) -> None:
        """Judge the pause between an open question and the next sentence."""
        if self._asked is None:
            return
        begin, end = self._asked
        self._asked = None
        if start < end + self._restart and not self._caller_spoke(end, start, scene):
            self._found.append((begin, end, max(start, end)))

    def _caller_spoke(self, start: int, end: int, scene: Scene) -> bool:
        caller = scene.caller
        if caller.active and caller.began < end:
            return True
        return any(a < end and b > start for a, b in self._runs)

    def opens(self, scene: Scene) -> Opening | None:
        """Open when it has happened often enough."""
        self.due = NEVER
        if len(self._found) < self._times:
            return None
        found, self._found = self._found, []
        begin, end, start = found[-1]
        self.due = self._over_at = scene.now + self._close
        facts: Facts = {
            "restart_s": seconds(start - end),
            "limit_s": seconds(self._restart),
            "times": len(found),
        }
        return Opening(begin, facts, evidence=tuple((a, c) for a, _, c in found))

    def over(self, scene: Scene) -> str | None:
        """Close after a time."""
        if scene.now >= self._over_at:
            return "some time has passed"
        self.due = self._over_at
        return None
