"""What the rules look at: both parties, the floor, the phase, the words and the silence, as known now.

The scene is fed with what the log keeps (events, the fast mask as it was known live, delivery ticks) and with
nothing else, so that a stored call gives the rules the same scene as the live one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.cues.said import instructs, sentences
from callcoach.core.delivery.meter import Reading
from callcoach.core.delivery.pace_match import PaceMatch
from callcoach.core.delivery.states import VoiceStates
from callcoach.core.delivery.ticks import Tick
from callcoach.core.language.scene import LanguageScene
from callcoach.core.phases import PhaseTracker
from callcoach.core.phrases import Phrases, contains, joined, normal
from callcoach.core.transcript import in_order
from callcoach.events import Channel, Event, FloorTaken, TranscriptLate, Word, Words
from callcoach.lexicon import Lexicon, load_lexicon

_NEVER: Final = -1
_SENTENCE_REACH_S: Final = 8.0
"""Where the agent's last sentence before a silence is looked for; [D], as for the owner of dead air."""


class Side:
    """One party as the rules see it. Positions in samples."""

    def __init__(self, settings: Settings, voice: VoiceStates) -> None:
        self.voice = voice
        self.active = False
        """Whether the party is speaking; known about 0.1 s late, over about 0.15 s late."""
        self.began = 0
        """Start of the present or last run of speech."""
        self.ended = _NEVER
        """End of the last run; -1 before the first."""
        self.utterance = 0
        """Start of the present or last utterance: runs with short pauses between them."""
        self.words: list[Word] = []
        self.words_through = 0
        """Position up to which words have arrived or were given up."""
        self.lost = 0
        """End of the last speech whose words were given up."""
        self._unheard: deque[tuple[int, int]] = deque()
        """Runs of speech that end after ``words_through``."""
        self._wordless = to_samples(settings.text.least_speech_s)
        self._opening = to_samples(settings.activity.open_s)
        self._closing = to_samples(settings.activity.close_s)
        self._chain = to_samples(settings.floor.chain_gap_s)

    @property
    def reading(self) -> Reading:
        """Delivery of the last tick of speech."""
        return self.voice.meter.reading

    def mask(self, now: int, active: bool) -> bool:
        """Take the fast mask at ``now``; tell whether it changed."""
        if active is self.active:
            return False
        self.active = active
        if active:
            self.began = max(now - self._opening, self.ended)
            if self.ended == _NEVER or self.began - self.ended >= self._chain:
                self.utterance = self.began
        else:
            self.ended = max(self.began, now - self._closing)
            self._unheard.append((self.began, self.ended))
        return True

    def hear(self, items: Sequence[Word], through: int) -> None:
        """Take the words of speech up to ``through``; late ones find their place."""
        in_order(self.words, items)
        self.words_through = max(self.words_through, through)
        while self._unheard and self._unheard[0][1] <= self.words_through:
            self._unheard.popleft()

    def words_known(self, position: int) -> bool:
        """Tell whether every word before ``position`` has arrived or was given up.

        Speech too short for the recogniser never brings words, and is not waited for.
        """
        heard = self.words_through
        if heard >= position:
            return True
        left = sum(max(0, min(end, position) - max(start, heard)) for start, end in self._unheard)
        if self.active:
            left += max(0, position - max(self.began, heard))
        return left < self._wordless

    def silent_for(self, now: int) -> int:
        """Return the samples since the party stopped; 0 while speaking, ``now`` before the first word."""
        if self.active:
            return 0
        return now if self.ended == _NEVER else now - self.ended

    def said(self, start: int, end: int) -> str:
        """Return the normal text of the words whose middle lies in ``[start, end)``."""
        return normal(joined(self.words_in(start, end)))

    def words_in(self, start: int, end: int) -> list[Word]:
        """Return the words whose middle lies in ``[start, end)``, in order."""
        found: list[Word] = []
        for word in reversed(self.words):
            middle = (word.span.start + word.span.end) // 2
            if middle < start:
                break
            if middle < end:
                found.append(word)
        return found[::-1]


class Scene:
    """Both parties together."""

    def __init__(
        self,
        settings: Settings,
        voices: dict[Channel, VoiceStates],
        phrases: Phrases,
        *,
        words: bool,
        lexicon: Lexicon | None = None,
    ) -> None:
        self.settings = settings
        self.phrases = phrases
        self.has_words = words
        """Whether words are recognised at all in this call."""
        self.now = 0
        self.agent = Side(settings, voices[Channel.AGENT])
        self.caller = Side(settings, voices[Channel.CALLER])
        self.phases = PhaseTracker(phrases, settings.phases)
        self.language = LanguageScene(load_lexicon() if lexicon is None else lexicon, settings.language)
        """What was said: rows of the word lists, sentences, strong words, acknowledgement windows."""
        self.pace = PaceMatch(settings.delivery, {c: v.meter for c, v in voices.items()})
        """Pace of each party over its last minute of speech."""
        self.holder: Channel | None = None
        self.last_holder: Channel | None = None
        """Who held the floor last, silence or not."""
        self.floor_since = 0
        """Start of the turn of ``last_holder``."""
        self._release = to_samples(settings.floor.release_s)
        self._notice_reach = to_samples(settings.silence.notice_reach_s)
        self._sentence_reach = to_samples(_SENTENCE_REACH_S)
        self._hold_since: int | None = None

    def side(self, channel: Channel) -> Side:
        """Return one party."""
        return self.agent if channel is Channel.AGENT else self.caller

    @property
    def silent_since(self) -> int | None:
        """Start of the mutual silence that lasts now; None while somebody speaks or nobody has spoken yet."""
        if self.agent.active or self.caller.active:
            return None
        latest = max(self.agent.ended, self.caller.ended)
        return None if latest == _NEVER else latest

    @property
    def due(self) -> int | None:
        """Position at which the clock alone changes the scene (silence releases the floor); None: nowhere."""
        silence = None if self.holder is None else self.silent_since
        return None if silence is None else silence + self._release

    @property
    def on_hold_since(self) -> int | None:
        """Start of the hold that lasts now, as far as the agent announced one."""
        return self._hold_since

    def words_known(self, channel: Channel, position: int) -> bool:
        """Tell whether every word before ``position`` has arrived or was given up; never without words."""
        return self.has_words and self.side(channel).words_known(position)

    def agent_announced(self, start: int) -> bool | None:
        """Tell whether the agent announced the silence that began at ``start``; None while unknown."""
        if not self.words_known(Channel.AGENT, start):
            return None
        said = self.agent.said(start - self._notice_reach, start + 1)
        if contains(said, self.phrases.narration) or contains(said, self.phrases.hold_notices):
            return True
        return None if self.agent.lost > max(0, start - self._notice_reach) else False

    def announced(self, start: int) -> bool | None:
        """Tell whether anybody announced the silence that began at ``start``; None while that is unknown.

        What the caller said counts as well ("hang on, let me find it"), whoever spoke last.
        """
        by_agent = self.agent_announced(start)
        if by_agent is not False or start - self.caller.ended > self._notice_reach:
            return by_agent
        if not self.words_known(Channel.CALLER, start):
            return None
        return contains(self.caller.said(start - self._notice_reach, start + 1), self.phrases.narration)

    def caller_to_act(self, start: int) -> bool:
        """Tell whether the agent's last sentence before ``start`` asked, or told the caller what to do.

        What the caller said since is an answer to a question, but not to an instruction while it is unknown
        ("I'll put the phone down"). Without words the answer is no.
        """
        end = min(self.agent.ended, start) + 1
        recent = sentences(self.agent.words_in(end - self._sentence_reach, end))
        if not recent:
            return False
        if self.last_holder is Channel.AGENT:
            return recent[-1].asks or instructs(recent[-1].text, self.phrases)
        return instructs(recent[-1].text, self.phrases) and not self.words_known(Channel.CALLER, start)

    def step(
        self,
        now: int,
        active: tuple[bool, bool],
        events: Iterable[Event],
        ticks: Mapping[Channel | None, Tick] | None = None,
    ) -> bool:
        """Advance to ``now``; tell whether anything changed that rules should look at.

        Parameters
        ----------
        active : fast mask of agent and caller.
        events : what became known.
        ticks : one tick per party where one is due.
        """
        self.now = now
        for party, tick in (ticks or {}).items():
            if party is not None:
                self.pace.step(party, tick)
        if ticks:
            self.pace.note()
        changed = self.agent.mask(now, active[0])
        changed = self.caller.mask(now, active[1]) or changed
        for event in events:
            changed = True
            self.phases.handle(event)
            match event:
                case FloorTaken():
                    self.holder = self.last_holder = event.channel
                    self.floor_since = event.span.start
                    other = self.side(event.channel.other)
                    ended = self.now if other.active else other.ended
                    self.language.floor_taken(event.channel, event.span.start, ended)
                case Words(channel=Channel() as channel):
                    self._hear(channel, event)
                case TranscriptLate(channel=Channel() as channel):
                    self.side(channel).hear((), event.span.end)
                    self.side(channel).lost = event.span.end
                case _:
                    pass
        silence = self.silent_since
        if silence is None:
            if self.agent.active:
                self._hold_since = None
        elif self.holder is not None and now - silence >= self._release:
            self.holder = None
            changed = True
        return changed

    def _hear(self, channel: Channel, event: Words) -> None:
        side = self.side(channel)
        side.hear(event.items, event.span.end)
        self.language.hear(channel, event.items)
        if channel is Channel.AGENT and event.items and not self.agent.active:
            last = event.items[-1].span.end
            tail = self.agent.said(last - self._notice_reach, last)
            if contains(tail, self.phrases.hold_notices) and self.agent.ended - last < to_samples(1.0):
                self._hold_since = self.agent.ended
