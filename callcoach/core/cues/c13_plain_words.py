"""C13: terms of the agent that the caller has not used and nobody explained (L07)."""

from __future__ import annotations

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, Rule, seconds
from callcoach.core.cues.scene import Scene
from callcoach.core.language.finder import ASKING_BACK, JARGON, Found
from callcoach.core.language.terms import explains
from callcoach.events import Channel, Facts

_MOST_WORDS = 4
"""Longest replacement that fits the text beside its verb."""


class PlainWords(Rule):
    """Two different terms in 30 s, or one that the caller asks back about.

    A term is judged once the agent's next sentence is known, or the agent has stopped: it may still explain.
    """

    cue = "C13"
    each_tick = False
    delivery_with = frozenset()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        s = settings.c13
        self._terms, self._window = s.terms, to_samples(s.window_s)
        self._asked, self._close = to_samples(s.asked_s), to_samples(s.close_s)
        self._stop = to_samples(settings.c11.caller_stop_s)
        self._read = 0
        self._waiting: list[Found] = []
        self._unexplained: list[Found] = []
        self._asks: list[int] = []
        self._told: set[tuple[str, int]] = set()

    def opens(self, scene: Scene) -> Opening | None:
        """Open with the last term that has a short plain wording."""
        self.due = NEVER
        self._follow(scene)
        recent = [f for f in self._unexplained if (f.row.id, f.start) not in self._told]
        asked = next(
            (f for f in recent if any(f.end <= at <= f.end + self._asked for at in self._asks)),
            None,
        )
        last = recent[-1] if recent else None
        if last is None:
            return None
        within = [f for f in recent if last.start - f.start <= self._window]
        if asked is None and len({f.row.id for f in within}) < self._terms:
            return None
        listed = [asked] if asked is not None else within
        named = next(
            (f for f in reversed(listed) if f.row.short and len(f.row.short.split()) <= _MOST_WORDS), None
        )
        self._told |= {(f.row.id, f.start) for f in listed}
        if named is None:
            return None
        facts: Facts = {
            "short": named.row.short,
            "term": named.phrase,
            "count": len({f.row.id for f in listed}),
            "window_s": seconds(max(f.end for f in listed) - listed[0].start),
            "asked_back": asked is not None,
        }
        return Opening(named.start, facts, evidence=tuple((f.start, f.end) for f in listed))

    def over(self, scene: Scene) -> str | None:
        """Close after a time without a term."""
        self._follow(scene)
        last = max((f.end for f in [*self._unexplained, *self._waiting]), default=0)
        if scene.now >= last + self._close:
            return "no further term"
        self.due = last + self._close
        return None

    def _follow(self, scene: Scene) -> None:
        language = scene.language
        for found in language.found[self._read :]:
            if found.low:
                continue
            if found.channel is Channel.AGENT and found.list == JARGON:
                self._waiting.append(found)
            elif found.channel is Channel.CALLER and found.list == ASKING_BACK:
                self._asks.append(found.start)
        self._read = len(language.found)
        left: list[Found] = []
        for term in self._waiting:
            if not self._judge(term, scene):
                left.append(term)
        self._waiting = left

    def _judge(self, term: Found, scene: Scene) -> bool:
        """Put a term where it belongs; False while that is open."""
        language = scene.language
        if language.vocabulary.knows(term):
            return True
        near = [s for s in language.sentences[Channel.AGENT] if s.end > term.start][:2]
        if explains(term, near):
            return True
        if len(near) < 2:
            agent = scene.agent
            silent = agent.silent_for(scene.now)
            if agent.active or silent < self._stop or not scene.words_known(Channel.AGENT, agent.ended):
                if not agent.active and silent < self._stop:
                    self.due = min(self.due, agent.ended + self._stop)
                return False
        self._unexplained.append(term)
        return True
