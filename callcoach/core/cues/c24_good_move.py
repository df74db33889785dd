"""C24: something went well and is named: a question, an acknowledgement, a recovery, an announced silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, Rule, seconds
from callcoach.core.cues.said import cue_lists, promised_s, sentences
from callcoach.core.cues.scene import Scene
from callcoach.core.delivery.states import raised_quantities
from callcoach.events import Channel, Event, Facts, FloorTaken, Silence, Turn, VoiceClosed

_QUESTION_REACH_S: Final = 20.0
"""Where the agent's last sentence before the caller's turn is looked for; [D]."""
_ANSWER_S: Final = 3.0
"""The caller's turn begins this soon after the question that it answers; [D], the floor is free after 3 s."""
_STALE_S: Final = 40.0
"""A turn whose words are not known this long after its beginning is no longer praised; [D]."""
_SPEAKING_S: Final = 1.0
"""A state of delivery that closes later than this after the agent's last word ended with the speech; [D]."""


@dataclass(slots=True)
class _Answer:
    """A turn of the caller that may answer an open question."""

    start: int
    end: int | None = None


class GoodMove(Rule):
    """Praise, one kind at a time: what became known last."""

    cue = "C24"
    each_tick = False
    delivery_with = frozenset({"raised_delivery"})

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        s = settings.c24
        self._raised_z = settings.delivery.raised_z
        self._turn, self._recovery = to_samples(s.caller_turn_s), to_samples(s.recovery_s)
        self._announced, self._close = to_samples(s.announced_s), to_samples(s.close_s)
        self._acknowledged = to_samples(s.acknowledged_s)
        self._longest = to_samples(settings.c21.hold_s)
        self._notice_reach = to_samples(settings.silence.notice_reach_s)
        self._reach, self._gap = to_samples(_QUESTION_REACH_S), to_samples(_ANSWER_S)
        self._stale, self._speaking = to_samples(_STALE_S), to_samples(_SPEAKING_S)
        self._answer: _Answer | None = None
        self._silences: dict[int, tuple[int, bool]] = {}
        """By start: length of the agent's silences, and whether they were announced."""
        self._returned: set[int] = set()
        """Silences that the agent ended."""
        self._windows = 0
        """Acknowledgement windows that were looked at."""
        self._next: Opening | None = None
        self._over_at = NEVER

    def hear(self, event: Event, scene: Scene) -> None:
        """Keep what may turn out well."""
        match event:
            case FloorTaken():
                self._answer = _Answer(event.span.start) if event.channel is Channel.CALLER else self._answer
            case Turn(channel=Channel.CALLER):
                if self._answer is not None and event.span.start == self._answer.start:
                    self._answer.end = event.span.end
            case VoiceClosed(channel=Channel.AGENT, kind="raised_delivery"):
                self._recovered(event, scene)
            case Silence():
                self._silence(event, scene)
            case _:
                pass

    def opens(self, scene: Scene) -> Opening | None:
        """Open with what went well."""
        self.due = NEVER
        self._look_at_answer(scene)
        self._look_at_windows(scene)
        opening, self._next = self._next, None
        if opening is not None:
            self.due = self._over_at = scene.now + self._close
        return opening

    def over(self, scene: Scene) -> str | None:
        """Close after a time."""
        if scene.now >= self._over_at:
            return "some time has passed"
        self.due = self._over_at
        return None

    def _look_at_answer(self, scene: Scene) -> None:
        """Open question, and the caller spoke for long: as soon as both are known."""
        answer = self._answer
        if answer is None:
            return
        caller = scene.caller
        if answer.end is not None:
            end = answer.end
        else:
            end = scene.now if caller.active else max(caller.ended, answer.start)
        if end - answer.start < self._turn:
            if answer.end is not None:
                self._answer = None
            else:
                self.due = answer.start + self._turn
            return
        if not scene.has_words or scene.now - answer.start > self._stale:
            self._answer = None
            return
        if not scene.words_known(Channel.AGENT, answer.start):
            return
        self._answer = None
        said = scene.agent.words_in(answer.start - self._reach, answer.start)
        last = sentences(said)[-1:] if said else []
        if last and last[0].is_open_question(cue_lists()) and answer.start - last[0].end <= self._gap:
            facts: Facts = {
                "case": "open_question",
                "caller_s": seconds(end - answer.start),
                "limit_s": seconds(self._turn),
            }
            self._next = Opening(last[0].start, facts, evidence=((last[0].start, end),))

    def _look_at_windows(self, scene: Scene) -> None:
        """Acknowledged soon after strong words (4.4): as soon as the words are known."""
        windows = scene.language.windows
        while self._windows < len(windows):
            window = windows[self._windows]
            if window.answer is None and scene.now - window.opened <= self._stale:
                return
            self._windows += 1
            if window.answer is None or window.answer.start - window.opened > self._acknowledged:
                continue
            start, end = window.opened, window.answer.end
            facts: Facts = {
                "case": "acknowledged",
                "after_s": seconds(max(0, window.answer.start - start)),
                "limit_s": seconds(self._acknowledged),
            }
            self._next = Opening(
                min(start, window.answer.start), facts, evidence=((min(start, window.answer.start), end),)
            )

    def _recovered(self, event: VoiceClosed, scene: Scene) -> None:
        agent = scene.agent
        still = len(raised_quantities(agent.reading, self._raised_z)) >= 2
        if still or agent.silent_for(scene.now) > self._speaking or event.span.length > self._recovery:
            return
        facts: Facts = {
            "case": "recovered",
            "recovery_s": seconds(event.span.length),
            "limit_s": seconds(self._recovery),
        }
        self._next = Opening(event.span.start, facts, evidence=((event.span.start, event.span.end),))

    def _silence(self, event: Silence, scene: Scene) -> None:
        """Count the agent's silences; praise one for which a time was given, and that C21 is not about."""
        start, length = event.span.start, event.span.length
        first = scene.agent.active and (not scene.caller.active or scene.agent.began <= scene.caller.began)
        if event.stage == "sound" and first:
            self._returned.add(start)
        self._silences.pop(start, None)
        if event.owner is not Channel.AGENT or length < self._announced or event.kind == "gap":
            return
        announced = event.stage == "words" and event.kind in ("narrated", "hold")
        self._silences[start] = length, announced
        said = scene.agent.said(start - self._notice_reach, start + 1)
        timed = promised_s(said, cue_lists()) is not None
        if announced and timed and start in self._returned and length <= self._longest:
            facts: Facts = {
                "case": "announced",
                "announced_s": seconds(sum(n for n, told in self._silences.values() if told)),
                "silence_s": seconds(sum(n for n, _ in self._silences.values())),
            }
            self._next = Opening(start, facts, evidence=((start, event.span.end),))
