"""Some rules over again and the budget after them; what all others told is taken from the log of the call.

No rule is told of the cues of another, and each is asked at events, changes of the masks and its own ``due``
alone (`CueEngine.step`). So the rules that other settings do not reach would tell the same again, and a rule
that looks at no reading needs no ticks. The result is that of a `Coach` with the same settings, numbers of
cues included.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from itertools import count
from typing import Final, cast

from callcoach.config import Settings
from callcoach.core.cues.budget import Budget
from callcoach.core.cues.engine import CALL_ENDED, CueEngine
from callcoach.core.cues.rule import Rule
from callcoach.core.cues.rules import RULES
from callcoach.core.cues.scene import Scene
from callcoach.core.delivery.states import VoiceStates
from callcoach.core.phrases import phrases
from callcoach.events import (
    Channel,
    CueClosed,
    CueHeldBack,
    CueOpened,
    CueShown,
    Event,
    VoiceClosed,
    VoiceOpened,
)

_ORDER: Final = {rule.cue: place for place, rule in enumerate(RULES)}


class _Seen:
    """Settings that note which stages were looked at."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.stages: set[str] = set()

    def __getattr__(self, name: str) -> object:
        self.stages.add(name)
        return getattr(self._settings, name)


def reached_rules(settings: Settings, stages: Collection[str], log: Iterable[Event]) -> list[Rule] | None:
    """Return the rules that look at other values of these stages, if the log can stand for all others.

    Parameters
    ----------
    settings : Settings
        The other settings; rules look at them when they are made.
    stages : names of the stages in which values differ.
    log : what the call's own coach told.

    Returns
    -------
    Fresh rules in their order; None where a stage reaches more than rules and budget, or a rule needs ticks.
    """
    states = {e.kind for e in log if isinstance(e, VoiceOpened | VoiceClosed) and e.channel is Channel.AGENT}
    left = {*stages} - {"budget"}
    if any(not stage.startswith("c") or not stage[1:].isdecimal() for stage in left):
        return None
    found: list[Rule] = []
    unread = set(left)
    for kind in RULES:
        seen = _Seen(settings)
        rule = kind(cast(Settings, seen))
        if seen.stages.isdisjoint(left):
            continue
        needs = rule.delivery_with
        if rule.each_tick or needs is None or not needs.isdisjoint(states):
            return None
        unread -= seen.stages
        found.append(rule)
    return None if unread else found


class Retold:
    """One call. Feed it as a `Coach` without ticks, and with what its own coach told at each position.

    Parameters
    ----------
    settings : Settings
    rules : those that are asked again, in the order of `RULES`.
    words : bool
        Whether words were recognised in this call.
    """

    def __init__(self, settings: Settings, rules: Sequence[Rule], *, words: bool) -> None:
        unused = count(1)
        voices = {c: VoiceStates(settings.delivery, c, lambda: next(unused)) for c in Channel}
        self._scene = Scene(settings, voices, phrases(), words=words)
        own = count(-1, -1)  # numbers of the log are positive
        self._engine = CueEngine(self._scene, rules, lambda: next(own))
        self._budget = Budget(settings)
        self._again = {rule.cue for rule in rules}
        self._numbers: dict[int, int] = {}

    @property
    def due(self) -> int:
        """First position from which on ``step`` must be called although nothing happens; samples."""
        due = min(self._engine.due, self._budget.due)
        scene = self._scene.due
        return due if scene is None else min(due, scene)

    def step(
        self, now: int, active: tuple[bool, bool], events: Sequence[Event], log: Iterable[Event]
    ) -> list[Event]:
        """Advance to ``now``; return what the coach would tell.

        Parameters
        ----------
        active : fast mask of agent and caller in the frame that ends at ``now``.
        events : what became known at ``now``, in the order of the log.
        log : what the call's own coach told at ``now``.
        """
        changed = self._scene.step(now, active, events)
        states, cues = self._kept(log)
        cues += self._engine.step([*events, *states], changed)
        cues = self._merged(cues)
        return [*states, *cues, *self._budget.step(self._scene, cues)]

    def finish(self, now: int, events: Sequence[Event], log: Iterable[Event]) -> list[Event]:
        """End the call; ``events`` are the last of it."""
        self._scene.step(now, (False, False), events)
        states, cues = self._kept(log)
        cues += [*self._engine.step([*events, *states], True), *self._engine.finish()]
        cues = self._merged(cues)
        return [*states, *cues, *self._budget.step(self._scene, cues), *self._budget.finish(self._scene)]

    def _kept(self, log: Iterable[Event]) -> tuple[list[Event], list[Event]]:
        """Return states and cues of the log, without cues of the rules that are asked again."""
        states: list[Event] = []
        cues: list[Event] = []
        for event in log:
            if isinstance(event, CueOpened | CueClosed):
                if event.cue not in self._again:
                    cues.append(event)
            elif not isinstance(event, CueShown | CueHeldBack):
                states.append(event)
        return states, cues

    def _merged(self, cues: list[Event]) -> list[Event]:
        """Put the cues of one step into the order of the rules and number them in the order of the call."""
        found: list[Event] = []
        for event in sorted(cues, key=_place):
            assert isinstance(event, CueOpened | CueClosed)
            number = self._numbers.setdefault(event.number, len(self._numbers) + 1)
            found.append(dataclasses.replace(event, number=number))
        return found


def _place(event: Event) -> tuple[bool, int]:
    assert isinstance(event, CueOpened | CueClosed)
    return isinstance(event, CueClosed) and event.reason == CALL_ENDED, _ORDER[event.cue]
