"""What other thresholds would have shown: rules and budget over a stored call, without its sound.

Only settings of the stages that run again have an effect (`replayed_stages`); what they look at was decided
by the other stages when the call was analysed.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from callcoach import __version__
from callcoach.clock import FRAME_LENGTH, HOP_LENGTH, to_samples
from callcoach.config import Settings, first_problem, load_settings
from callcoach.core.coach import Coach
from callcoach.core.cues.catalogue import catalogue
from callcoach.core.cues.retold import Retold, reached_rules
from callcoach.core.cues.rules import RULES
from callcoach.core.delivery.profile import Profile
from callcoach.core.delivery.states import read_at
from callcoach.core.delivery.ticks import HopColumns, Tick, ticks
from callcoach.errors import ConfigError
from callcoach.events import (
    CallEnded,
    Channel,
    CueClosed,
    CueForm,
    CueHeldBack,
    CueOpened,
    CueShown,
    Event,
    Facts,
    Notice,
    Suppression,
    TranscriptLate,
    VoiceClosed,
    VoiceOpened,
    Words,
)
from callcoach.sources.stored_call import CallFolderError, StoredCall

SAME_S: Final = 0.5
"""Two cues of one id that open within this time are the same cue; [D]."""

_CUE_STAGE: Final = re.compile(r"c\d\d")
_REPLAYED_STAGES: Final = frozenset({"delivery", "phases", "language", "budget"})
_COACH: Final = (VoiceOpened, VoiceClosed, CueOpened, CueClosed, CueShown, CueHeldBack)


def _is_of_coach(event: Event) -> bool:
    return isinstance(event, _COACH) or (isinstance(event, Notice) and event.code == "S-CLIP")


_KEY: Final = re.compile(r"[A-Za-z0-9_]+\.[A-Za-z0-9_]+")

Values = Mapping[str, Mapping[str, Any]]
"""Settings by stage and name."""
Log = tuple[Event, ...]
"""What the coach tells: states of delivery, cues, and what became of them."""


# -- settings ----------------------------------------------------------------------------------------------


def replayed_stages() -> tuple[str, ...]:
    """Return the stages of the settings that a replay runs again, in the order of the settings."""
    return tuple(s for s in Settings.model_fields if s in _REPLAYED_STAGES or _CUE_STAGE.fullmatch(s))


def own_settings(call: StoredCall) -> Settings:
    """Return the settings that a call was analysed with.

    Raises
    ------
    CallFolderError
        If this version does not know them.
    """
    try:
        return Settings.model_validate(call.header.settings)
    except ValidationError:
        raise CallFolderError(
            "The call was analysed with settings that this version of callcoach does not have; "
            "analyse the recording again."
        ) from None


def parse_setting(text: str) -> tuple[str, str, Any]:
    """Read ``stage.key=value`` with the value in TOML; return stage, key and value.

    Raises
    ------
    ConfigError
        If it is not of this form.
    """
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals or not _KEY.fullmatch(name):
        raise ConfigError(f"--set {text!r} is not of the form stage.key=value, such as c01.hold_s=0.3.")
    try:
        parsed = tomllib.loads(f"value = {value.strip()}")
    except tomllib.TOMLDecodeError:
        parsed = {}
    if parsed.keys() != {"value"}:
        raise ConfigError(
            f"--set {name}: {value.strip()!r} is not a value; write a number such as 0.3, true, false "
            'or a list such as ["C01", "C03"].'
        )
    stage, _, key = name.partition(".")
    return stage, key, parsed["value"]


def file_values(path: Path) -> Values:
    """Return what a settings file says, and nothing of what it leaves out.

    Raises
    ------
    ConfigError
        As `callcoach.config.load_settings`.
    """
    settings = load_settings(path)
    return {
        stage: {name: getattr(part, name) for name in part.model_fields_set}
        for stage in settings.model_fields_set
        if isinstance(part := getattr(settings, stage), BaseModel)
    }


def with_values(own: Settings, values: Values, where: str) -> Settings:
    """Return the settings of a call with other values laid over them.

    Parameters
    ----------
    where : names the origin of the values in messages, such as ``--set``.

    Raises
    ------
    ConfigError
        If a key is unknown, a value is out of range, or a stage does not run again in a replay.
    """
    plain = own.model_dump()
    for stage, changes in values.items():
        plain[stage] = {**plain.get(stage, {}), **changes}
    try:
        settings = Settings.model_validate(plain)
    except ValidationError as error:
        raise ConfigError(f"{where}: {first_problem(error)}.") from None
    stages = replayed_stages()
    fixed = [name for name, _, _ in changes_between(own, settings) if name.partition(".")[0] not in stages]
    if fixed:
        raise ConfigError(
            f"{where}: {', '.join(fixed)} cannot be replayed, only {', '.join(stages)} can; "
            "analyse the recording again with --settings."
        )
    return settings


def changes_between(before: Settings, after: Settings) -> tuple[tuple[str, Any, Any], ...]:
    """Return ``stage.key`` with the value before and after, for every value that differs."""
    old, new = before.model_dump(), after.model_dump()
    return tuple(
        (f"{stage}.{name}", old[stage][name], value)
        for stage, part in new.items()
        for name, value in part.items()
        if old[stage][name] != value
    )


# -- replay ------------------------------------------------------------------------------------------------


def stored_log(call: StoredCall) -> Log:
    """Return what the coach told when the call was analysed."""
    return tuple(e for e in call.events if _is_of_coach(e))


def replay(call: StoredCall, settings: Settings) -> Log:
    """Run states, rules and budget over a stored call.

    With the settings of the analysis it returns exactly what `stored_log` returns. A step is taken wherever
    the analysis could have told something: at events, changes of the masks, ticks, and at ``Coach.due``.

    Raises
    ------
    CallFolderError
        If the stored profile of the agent is damaged.
    """
    coach = Coach(settings, list(Channel), words=call.header.words, profile=_profile(call))
    sides = [HopColumns(**call.columns[c]) for c in Channel]
    masks = [side.active[1::2].tolist() for side in sides]
    read = list(zip(*(ticks(side, settings.delivery.over_floor_db) for side in sides), strict=True))
    end = call.hops * HOP_LENGTH
    known, last = _by_frame(call.events, end)
    told: list[Event] = []

    def step(now: int, tick: tuple[Tick, ...] | None) -> None:
        frame = now // FRAME_LENGTH - 1
        due: dict[Channel | None, Tick] | None = None
        if tick is not None:
            due = dict(zip(Channel, tick, strict=True))
        told.extend(coach.step(now, (masks[0][frame] > 0, masks[1][frame] > 0), known.get(now, ()), due))

    at_tick = {read_at(i): tick for i, tick in enumerate(read) if read_at(i) <= end}
    now = 0
    for position in sorted(
        {*known, *at_tick, *_changes([s.active for s in sides]), *([FRAME_LENGTH, end] if end else [])}
    ):
        while (due := max(now + 1, coach.due)) <= position - FRAME_LENGTH:
            now = _frame_end(due)
            step(now, None)
        now = position
        step(now, at_tick.get(now))
    for tick in read[len(at_tick) :]:
        step(end, tick)
    return (*told, *coach.finish(end, last))


def retell(call: StoredCall, own: Settings, settings: Settings) -> Log | None:
    """Run only the rules that other settings reach, and the budget; take all else from the stored log.

    The result is that of `replay`, at a fraction of its time: no delivery is measured again.

    Parameters
    ----------
    own : the settings of the call, with which this version tells what is stored.
    settings : the other settings.

    Returns
    -------
    None where that is not enough: other settings of ``delivery`` or ``phases``, a rule that looks at readings
    of delivery, or a stored log that does not fit together.
    """
    stored = stored_log(call)
    stages = {name.partition(".")[0] for name, _, _ in changes_between(own, settings)}
    rules = reached_rules(settings, stages, stored)
    if rules is None or not _fits(stored):
        return None
    end = call.hops * HOP_LENGTH
    known, last = _by_frame(call.events, end)
    log: dict[int, list[Event]] = defaultdict(list)
    ends = next(i for i, e in enumerate(call.events) if isinstance(e, CallEnded))
    at_end = [e for e in call.events[ends:] if _is_of_coach(e)]
    for event in call.events[:ends]:
        if _is_of_coach(event):
            log[event.known_at].append(event)
    if end in log or any(e.known_at != end for e in at_end):
        return None  # several steps at one position; the log does not say which of them told it
    coach = Retold(settings, rules, words=call.header.words)
    active = [call.columns[c]["active"] for c in Channel]
    masks = [(a[1::2] > 0).tolist() for a in active]
    told: list[Event] = []
    now = 0
    edges = [FRAME_LENGTH, end] if end else []
    for position in sorted({*known, *log, *_changes(active), *edges}):
        while (due := max(now + 1, coach.due)) <= position - FRAME_LENGTH:
            now = _frame_end(due)
            frame = now // FRAME_LENGTH - 1
            told += coach.step(now, (masks[0][frame], masks[1][frame]), (), ())
        now = position
        frame = now // FRAME_LENGTH - 1
        told += coach.step(now, (masks[0][frame], masks[1][frame]), known.get(now, ()), log.get(now, ()))
    return (*told, *coach.finish(end, last, at_end))


def _fits(log: Log) -> bool:
    """Tell whether every cue of a log is a known one, opens before it closes, and frames tell of it."""
    known = {rule.cue for rule in RULES}
    cues: dict[int, str | None] = {}
    for event in log:
        if event.known_at % FRAME_LENGTH or event.known_at <= 0:
            return False
        if not isinstance(event, CueOpened | CueClosed):
            continue
        if event.number <= 0 or event.cue not in known:
            return False
        if isinstance(event, CueOpened):
            if cues.setdefault(event.number, event.cue) != event.cue:
                return False
        elif cues.get(event.number) != event.cue:
            return False
        else:
            cues[event.number] = None
    return True


def _profile(call: StoredCall) -> Profile | None:
    if call.header.profile is None:
        return None
    try:
        return Profile.from_json(call.header.profile)
    except ValueError:
        raise CallFolderError(
            "The stored profile in events.jsonl is damaged; analyse the recording again."
        ) from None


def _frame_end(position: int) -> int:
    """Return the first position at or after this one at which a frame ends."""
    return -(-position // FRAME_LENGTH) * FRAME_LENGTH


def _by_frame(events: Sequence[Event], end: int) -> tuple[dict[int, list[Event]], list[Event]]:
    """Return what became known with each frame, by its end, and what was decided after the last one.

    Words are told as a frame begins, everything else as it ends.
    """
    known: dict[int, list[Event]] = defaultdict(list)
    first = len(events)
    for index, event in enumerate(events):
        if isinstance(event, CallEnded):
            first = index
            break
        if not _is_of_coach(event):
            late = FRAME_LENGTH if isinstance(event, Words | TranscriptLate) else 0
            known[min(max(_frame_end(event.known_at) + late, FRAME_LENGTH), end)].append(event)
    return known, [e for e in events[first:] if not _is_of_coach(e)]


def _changes(active: Iterable[NDArray[Any]]) -> Iterator[int]:
    """Yield the ends of the frames in which a mask opens or closes."""
    for hops in active:
        mask = hops[1::2]
        yield from ((np.flatnonzero(np.diff(mask, prepend=0)) + 1) * FRAME_LENGTH).tolist()


# -- cues --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cue:
    """What became of one cue of a log. Positions in samples."""

    id: str
    opened: int
    """Where its condition became true."""
    known_at: int
    closed: int | None
    why_closed: str | None
    form: CueForm | None
    """The strongest form in which it was shown; None: not at all."""
    shown_at: int | None
    """Where it was shown in this form."""
    held_by: Suppression | None
    """What held back its strongest form; None when that was shown."""
    held_because: str | None
    facts: Facts

    @property
    def text(self) -> str:
        """What it says."""
        return catalogue()[self.id].said(self.facts).text

    @property
    def key(self) -> str:
        """Name of the cue in the catalogue."""
        return catalogue()[self.id].key


_RANK: Final[Mapping[CueForm | None, int]] = {None: 0, "gauge": 1, "ring": 2, "text": 3}


def cues_of(log: Iterable[Event]) -> tuple[Cue, ...]:
    """Return the cues of a log in the order in which they became known."""
    parts: dict[int, list[Event]] = {}
    for event in log:
        if isinstance(event, CueOpened | CueClosed | CueShown | CueHeldBack):
            parts.setdefault(event.number, []).append(event)
    return tuple(_cue(events) for events in parts.values())


def _cue(events: Sequence[Event]) -> Cue:
    opened = [e for e in events if isinstance(e, CueOpened)]
    closed = next((e for e in events if isinstance(e, CueClosed)), None)
    shown = max((e for e in events if isinstance(e, CueShown)), key=lambda e: _RANK[e.form], default=None)
    held = max((e for e in events if isinstance(e, CueHeldBack)), key=lambda e: _RANK[e.form], default=None)
    if held is not None and shown is not None and _RANK[held.form] <= _RANK[shown.form]:
        held = None
    return Cue(
        id=opened[0].cue,
        opened=opened[0].span.start,
        known_at=opened[0].known_at,
        closed=None if closed is None else closed.known_at,
        why_closed=None if closed is None else closed.reason,
        form=None if shown is None else shown.form,
        shown_at=None if shown is None else shown.known_at,
        held_by=None if held is None else held.by,
        held_because=None if held is None else held.detail,
        facts={**opened[0].facts, **opened[-1].facts},
    )


Pair = tuple[Cue, Cue]
"""A cue before and after."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Cues of two logs of one call, side by side, each in the order of the call."""

    gained: tuple[Cue, ...]
    """Only in the second log, shown or not."""
    lost: tuple[Cue, ...]
    """Only in the first."""
    now_shown: tuple[Pair, ...]
    """In both, and shown in a stronger form than before: gauge, ring, text."""
    now_suppressed: tuple[Pair, ...]
    """In both, and shown in a weaker form or no more."""
    changed: tuple[Pair, ...]
    """In both and shown in the same form, but at another time, with other figures or held back otherwise."""
    unchanged: tuple[Cue, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the logs say the same of every cue."""
        return not (self.gained or self.lost or self.now_shown or self.now_suppressed or self.changed)


def compare(before: Iterable[Event], after: Iterable[Event]) -> Difference:
    """Compare two logs of one call; a cue of the same id that opens within `SAME_S` is the same."""
    old, new = _by_id(cues_of(before)), _by_id(cues_of(after))
    gained: list[Cue] = []
    lost: list[Cue] = []
    pairs: list[Pair] = []
    for cue in sorted({*old, *new}):
        _match(old.get(cue, []), new.get(cue, []), gained, lost, pairs)
    pairs.sort(key=lambda p: (p[1].opened, p[1].id))
    rise = [(p, _RANK[p[1].form] - _RANK[p[0].form]) for p in pairs]
    return Difference(
        gained=tuple(sorted(gained, key=lambda c: (c.opened, c.id))),
        lost=tuple(sorted(lost, key=lambda c: (c.opened, c.id))),
        now_shown=tuple(p for p, r in rise if r > 0),
        now_suppressed=tuple(p for p, r in rise if r < 0),
        changed=tuple(p for p, r in rise if r == 0 and p[0] != p[1]),
        unchanged=tuple(p[1] for p, r in rise if r == 0 and p[0] == p[1]),
    )


def _by_id(cues: Iterable[Cue]) -> dict[str, list[Cue]]:
    found: dict[str, list[Cue]] = defaultdict(list)
    for cue in sorted(cues, key=lambda c: c.opened):
        found[cue.id].append(cue)
    return found


def _match(
    old: Sequence[Cue], new: Sequence[Cue], gained: list[Cue], lost: list[Cue], pairs: list[Pair]
) -> None:
    """Pair the cues of one id, the closest first, and sort out the rest."""
    near = to_samples(SAME_S)
    left, right = dict(enumerate(old)), dict(enumerate(new))
    distances = sorted(
        (abs(a.opened - b.opened), i, j)
        for i, a in left.items()
        for j, b in right.items()
        if abs(a.opened - b.opened) <= near
    )
    for _, i, j in distances:
        if i in left and j in right:
            pairs.append((left.pop(i), right.pop(j)))
    lost.extend(left.values())
    gained.extend(right.values())


# -- both --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A call with its own settings and with others."""

    own: Settings
    settings: Settings
    before: Log
    """What is told with the call's own settings."""
    after: Log
    """What is told with the other settings."""
    reproduced: bool | None
    """Whether this version tells with the call's own settings exactly what is stored; None: not tried, the
    stored log was taken as it is."""
    difference: Difference


def what_if(call: StoredCall, settings: Settings) -> WhatIf:
    """Replay a call with other settings and compare.

    Both sides are told by this version: where the stored log is of another version or of other defaults, the
    call's own settings are replayed as well, so that the difference is that of the settings alone.

    Raises
    ------
    CallFolderError
        As `own_settings` and `replay`.
    """
    own = own_settings(call)
    stored = stored_log(call)
    if settings == own:
        before, after = stored, replay(call, settings)
        reproduced: bool | None = after == stored
    elif call.header.version == __version__ and call.header.settings_digest == own.digest():
        before, reproduced = stored, None
        told = retell(call, own, settings)
        after = replay(call, settings) if told is None else told
    else:
        before, after = replay(call, own), replay(call, settings)
        reproduced = before == stored
    return WhatIf(own, settings, before, after, reproduced, compare(before, after))
