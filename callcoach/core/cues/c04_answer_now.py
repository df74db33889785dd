"""C04: the caller asked and hears nothing."""

from __future__ import annotations

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.cues.rule import NEVER, Opening, Rule, seconds
from callcoach.core.cues.said import Sentence, sentences
from callcoach.core.cues.scene import Scene
from callcoach.core.phrases import starts_with
from callcoach.events import Channel, CueForm, Facts

_SENTENCE_REACH_S = 12.0
"""Where the caller's last sentence is looked for; [D]."""


class AnswerNow(Rule):
    """The caller's turn ended in a question and the agent has made no sound for 4 s: ring; 5 s: text.

    Needs words, which come a few seconds late: then the text often opens at once.
    """

    cue = "C04"
    each_tick = False
    delivery_with = frozenset()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._ring, self._text = to_samples(settings.c04.hold_s), to_samples(settings.c04.text_s)
        self._reach = to_samples(_SENTENCE_REACH_S)
        self._judged = -1
        """End of the caller's turn that was judged last."""

    def opens(self, scene: Scene) -> Opening | None:
        """Open when the caller's last words are known to ask and the silence has lasted."""
        self.due = NEVER
        caller, agent = scene.caller, scene.agent
        since = caller.ended
        if scene.silent_since != since or since == self._judged or agent.ended >= since:
            return None
        if not scene.has_words or scene.on_hold_since is not None:
            return None
        if scene.now < since + self._ring:
            self.due = since + self._ring
            return None
        if not scene.words_known(Channel.CALLER, since):
            return None
        self._judged = since
        last = sentences(caller.words_in(since - self._reach, since + 1))
        if not last or not self._asks(last[-1], scene):
            return None
        return self._opening(scene, since)

    def _asks(self, sentence: Sentence, scene: Scene) -> bool:
        """Believe a full stop: "When I click it nothing happens." begins like a question and is none."""
        return sentence.asks or (
            not sentence.ended and starts_with(sentence.text, scene.phrases.question_starts)
        )

    def _opening(self, scene: Scene, since: int) -> Opening:
        passed = scene.now - since
        form: CueForm = "text" if passed >= self._text else "ring"
        self.due = since + self._text
        facts: Facts = {"since_s": seconds(passed), "limit_s": seconds(self._ring)}
        return Opening(since, facts, form)

    def raises(self, scene: Scene) -> Opening | None:
        """Raise the ring to a text when the silence goes on."""
        since = self._judged
        if scene.now < since + self._text:
            self.due = since + self._text
            return None
        return self._opening(scene, since)

    def over(self, scene: Scene) -> str | None:
        """Close when the agent speaks, or the caller goes on."""
        if scene.agent.active:
            return "the agent spoke"
        return "the caller went on" if scene.caller.active else None
