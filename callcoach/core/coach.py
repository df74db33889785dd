"""Delivery states, cues and budget over what a call folder keeps: live, from a file and in a replay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from callcoach.config import Settings
from callcoach.core.cues.budget import Budget
from callcoach.core.cues.engine import CueEngine
from callcoach.core.cues.rule import NEVER
from callcoach.core.cues.rules import all_rules
from callcoach.core.cues.scene import Scene
from callcoach.core.delivery.profile import Profile
from callcoach.core.delivery.states import VoiceStates
from callcoach.core.delivery.ticks import TICK, Tick
from callcoach.core.phrases import phrases
from callcoach.events import Channel, Event, Words


class Coach:
    """One call. Feed it frame by frame with ``step``; the events that it returns belong to the same log.

    Parameters
    ----------
    settings : Settings
    channels : agent and caller, or None alone for a mono recording, which has states but no cues.
    words : bool
        Whether words are recognised in this call.
    profile : the agent's stored usual values, or None.
    """

    def __init__(
        self,
        settings: Settings,
        channels: Sequence[Channel | None],
        *,
        words: bool,
        profile: Profile | None = None,
    ) -> None:
        numbers: Iterator[int] = count(1)
        self.voices = {
            c: VoiceStates(
                settings.delivery, c, lambda: next(numbers), profile if c is Channel.AGENT else None
            )
            for c in channels
        }
        self.told: list[Event] = []
        """Everything that it returned so far: states of delivery, cues and what became of them."""
        self.scene: Scene | None = None
        self._engine: CueEngine | None = None
        self._budget: Budget | None = None
        if len(channels) == 2:
            voices = {c: v for c, v in self.voices.items() if c is not None}
            self.scene = Scene(settings, voices, phrases(), words=words)
            cue_numbers: Iterator[int] = count(1)
            self._engine = CueEngine(self.scene, all_rules(settings), lambda: next(cue_numbers))
            self._budget = Budget(settings)

    @property
    def due(self) -> int:
        """First position from which on ``step`` must be called although nothing happens; samples.

        Until then a step without events, without ticks and with the mask as it was changes nothing.
        """
        if self.scene is None or self._engine is None or self._budget is None:
            return NEVER
        due = min(self._engine.due, self._budget.due)
        scene = self.scene.due
        return due if scene is None else min(due, scene)

    @property
    def ratios(self) -> Sequence[float]:
        """Pace of the agent over that of the caller (V05), one per tick in which both were known."""
        return () if self.scene is None else self.scene.pace.ratios

    def step(
        self,
        now: int,
        active: tuple[bool, bool],
        events: Sequence[Event],
        ticks: dict[Channel | None, Tick] | None = None,
    ) -> list[Event]:
        """Advance to ``now``.

        Parameters
        ----------
        active : fast mask of agent and caller in the frame that ends at ``now``.
        events : what became known at ``now``, in the order of the log.
        ticks : one tick per channel where one is due at ``now``.
        """
        found: list[Event] = []
        for event in events:
            if isinstance(event, Words) and event.items:
                first, last = event.items[0].span.start // TICK, -(-event.items[-1].span.end // TICK)
                self.voices[event.channel].meter.words(len(event.items), first, last)
        if ticks is not None:
            for channel, tick in ticks.items():
                # a microphone may hear the loudspeaker; the softphone's sound holds the caller alone
                quiet = channel is not Channel.AGENT or ticks[Channel.CALLER].active == 0
                found += self.voices[channel].step(tick, now, quiet=quiet)
        if self.scene is not None and self._engine is not None and self._budget is not None:
            changed = self.scene.step(now, active, events, ticks)
            cues = self._engine.step([*events, *found], changed, ticks is not None)
            found += [*cues, *self._budget.step(self.scene, cues)]
        self.told += found
        return found

    def finish(self, now: int, events: Sequence[Event]) -> list[Event]:
        """End the call; ``events`` are the last of the log."""
        found: list[Event] = []
        for voice in self.voices.values():
            found += voice.finish(now)
        if self.scene is not None and self._engine is not None and self._budget is not None:
            self.scene.step(now, (False, False), events)
            cues = [*self._engine.step([*events, *found], True), *self._engine.finish()]
            found += [*cues, *self._budget.step(self.scene, cues), *self._budget.finish(self.scene)]
        self.told += found
        return found
