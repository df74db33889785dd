"""States of delivery that open and close: spikes, fast, slow, quiet, flat, raised (V03, V06, V09 to V12)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from callcoach.clock import Samples, Span
from callcoach.config import DeliverySettings
from callcoach.core.delivery.meter import DeliveryMeter, Reading
from callcoach.core.delivery.profile import Profile
from callcoach.core.delivery.tally import Tally
from callcoach.core.delivery.ticks import LAG, TICK, TICK_S, Tick
from callcoach.events import Channel, Event, Facts, Notice, VoiceClosed, VoiceKind, VoiceOpened

_SHARE: Final = 0.75
"""Part of the ticks of a hold in which its condition must be true: speech is never even; [D]."""
_IDLE_S: Final = 5.0
"""A state ends when its party has been silent for this long; [D]."""


_FREEZING: Final[frozenset[VoiceKind]] = frozenset({"raised_delivery", "level_spike", "pitch_spike"})
"""States during which nothing counts as usual."""


_CLIP_COOLDOWN_S: Final = 120.0
"""Between two notices of clipping; [D] section 5, S-x."""


class Held:
    """Whether a condition held over the last so many seconds of speech."""

    def __init__(self, seconds: float) -> None:
        self._size = max(1, round(seconds / TICK_S))
        self._seen: deque[tuple[int, bool]] = deque(maxlen=self._size)

    def push(self, tick: int, condition: bool) -> bool:
        """Take the condition in one tick of speech; tell whether it has held."""
        seen = self._seen
        seen.append((tick, condition))
        return condition and len(seen) == self._size and sum([c for _, c in seen]) >= _SHARE * self._size

    @property
    def since(self) -> int:
        """First tick of the hold in which the condition was true."""
        return next((t for t, c in self._seen if c), self._seen[0][0])

    def clear(self) -> None:
        """Forget."""
        self._seen.clear()


@dataclass(slots=True)
class _State:
    kind: VoiceKind
    opens: Callable[[Reading], bool | None]
    closes: Callable[[Reading], bool | None]
    opening: Held
    closing: Held
    facts: Callable[[Reading], Facts]
    strength: Callable[[Reading], float | None]
    """What is larger the further the state goes."""
    number: int = 0
    begin: int = 0
    strongest: float = 0.0
    facts_then: Facts | None = None
    """Facts at the strongest moment; None while the state is closed."""


class VoiceStates:
    """All states of one party."""

    def __init__(
        self,
        settings: DeliverySettings,
        channel: Channel | None,
        numbers: Callable[[], int],
        profile: Profile | None = None,
    ) -> None:
        self.meter = DeliveryMeter(settings, profile)
        self._set = settings
        self._channel = channel
        self._numbers = numbers
        self._index = -1
        self._last_speech = -1
        self._states = _states(settings, self.meter)
        self.tally = Tally()
        self._kinds: frozenset[VoiceKind] = frozenset()
        """Kinds of the open states."""
        self._clips: deque[int] = deque(maxlen=round(1 / TICK_S))
        self._clip_quiet_until = 0
        self.told: list[VoiceOpened | VoiceClosed] = []
        """What opened and closed so far."""

    def open(self, kind: VoiceKind) -> int | None:
        """Return the number of the open state of this kind, if it is open."""
        return next((s.number for s in self._states if s.kind == kind and s.facts_then is not None), None)

    def step(self, tick: Tick, now: int, *, quiet: bool = True) -> list[Event]:
        """Take the next tick, read at ``now``; return the states that opened or closed.

        ``quiet`` tells whether nobody else can be heard on this channel (see `DeliveryMeter.step`).
        """
        self._index += 1
        reading = self.meter.step(tick, quiet=quiet)
        self.tally.hear(tick)
        events: list[Event] = self._clipping(tick, now)
        if not self.meter.spoke:
            if (self._index - self._last_speech) * TICK_S >= _IDLE_S:
                events += self._close_all(now)
            return events
        self._last_speech = self._index
        for state in self._states:
            if state.facts_then is not None:
                events += self._follow(state, reading, now)
            elif (condition := state.opens(reading)) is not None and state.opening.push(
                self._index, condition
            ):
                events.append(self._open(state, reading, now))
        if events:
            self._kinds = frozenset(s.kind for s in self._states if s.facts_then is not None)
            self.meter.frozen = not _FREEZING.isdisjoint(self._kinds)
        self.tally.speech(tick, reading, self.meter, self._set, self._kinds)
        return events

    def _clipping(self, tick: Tick, now: int) -> list[Event]:
        """Raise S-CLIP when more than 1 % of a second is clipped, at most every two minutes."""
        self._clips.append(tick.clipped)
        if not tick.clipped or self._index < self._clip_quiet_until:
            return []
        share = 100 * sum(self._clips) / (len(self._clips) * TICK)
        if len(self._clips) < (self._clips.maxlen or 1) or share <= self._set.clip_pct:
            return []
        self._clip_quiet_until = self._index + round(_CLIP_COOLDOWN_S / TICK_S)
        end = Samples(min(now, (self._index + 1) * TICK))
        start = Samples(end - min(end, self._clips.maxlen * TICK if self._clips.maxlen else 0))
        return [Notice(span=Span(start, end), known_at=Samples(now), code="S-CLIP", value=round(share, 3))]

    def finish(self, now: int) -> list[Event]:
        """Close what is open at the end of the call."""
        return self._close_all(now)

    def _open(self, state: _State, reading: Reading, now: int) -> Event:
        state.number, state.begin = self._numbers(), state.opening.since * TICK
        state.facts_then, state.strongest = state.facts(reading), state.strength(reading) or 0.0
        state.closing.clear()
        return self._tell(
            VoiceOpened(
                span=Span(Samples(state.begin), Samples(now)),
                known_at=Samples(now),
                number=state.number,
                channel=self._channel,
                kind=state.kind,
                facts=state.facts_then,
            )
        )

    def _follow(self, state: _State, reading: Reading, now: int) -> list[Event]:
        """Keep the strongest moment of an open state, and close it when it is over."""
        strength = state.strength(reading)
        if strength is not None and strength > state.strongest:
            state.strongest, state.facts_then = strength, state.facts(reading)
        condition = state.closes(reading)
        if condition is not None and state.closing.push(self._index, condition):
            return [self._close(state, state.closing.since * TICK, now)]
        return []

    def _close_all(self, now: int) -> list[Event]:
        end = (self._last_speech + 1) * TICK
        events: list[Event] = []
        for state in self._states:
            state.opening.clear()
            if state.facts_then is not None:
                events.append(self._close(state, end, now))
        self._kinds = frozenset()
        self.meter.frozen = False
        return events

    def _close(self, state: _State, end: int, now: int) -> Event:
        facts, state.facts_then = state.facts_then or {}, None
        state.opening.clear()
        end = max(state.begin, min(end, now))
        return self._tell(
            VoiceClosed(
                span=Span(Samples(state.begin), Samples(end)),
                known_at=Samples(now),
                number=state.number,
                channel=self._channel,
                kind=state.kind,
                facts=facts,
            )
        )

    def _tell(self, event: VoiceOpened | VoiceClosed) -> VoiceOpened | VoiceClosed:
        self.told.append(event)
        return event


def read_at(tick_index: int) -> int:
    """Return the position at which a tick is read: one tick after its end, since F0 comes in batches."""
    return (tick_index + 1 + LAG) * TICK


def _states(s: DeliverySettings, meter: DeliveryMeter) -> tuple[_State, ...]:
    def level(r: Reading) -> Facts:
        return _facts(rise_db=r.rise_db, level_dbfs=r.level_dbfs, usual_dbfs=meter.usual_level.median)

    def pitch(r: Reading) -> Facts:
        return _facts(rise_st=r.rise_st, f0_hz=_hz(r.f0_st), usual_hz=_hz(meter.usual_pitch.median))

    def pace(r: Reading) -> Facts:
        very = r.wpm is not None and r.wpm > max(s.very_fast_share * (meter.usual_wpm or 0), s.very_fast_wpm)
        return _facts(wpm=r.wpm, usual_wpm=meter.usual_wpm) | {"very_fast": very}

    def variation(r: Reading) -> Facts:
        return _facts(variation_st=r.variation_st)

    def raised(r: Reading) -> Facts:
        return {"quantities": "+".join(raised_quantities(r, s.raised_z))} | _facts(
            rise_db=r.rise_db, rise_st=r.rise_st, wpm=r.wpm, usual_wpm=meter.usual_wpm
        )

    def is_fast(r: Reading) -> bool | None:
        usual = meter.usual_wpm
        if r.wpm is None or usual is None or r.z_pace is None:
            return None
        return r.z_pace >= s.fast_z and r.wpm > max(s.fast_share * usual, s.fast_wpm)

    def is_slow(r: Reading) -> bool | None:
        usual = meter.usual_wpm
        if r.wpm is None or usual is None:
            return None
        return r.wpm < min(s.slow_share * usual, s.slow_wpm)

    def is_high(r: Reading) -> bool | None:
        if r.rise_st is None or r.z_pitch is None or r.lasting_st is None:
            return None
        return r.rise_st >= s.pitch_st and r.z_pitch >= s.pitch_z and r.lasting_st >= s.pitch_lasting_st

    def is_low(r: Reading) -> bool | None:
        if r.rise_db is None or r.variation_st is None:
            return None
        low = r.rise_db <= s.quiet_flat_db and r.variation_st < s.quiet_flat_st
        return low and not is_fast(r)

    return (
        _State(
            "level_spike",
            lambda r: _compare(r.rise_db, lambda v: v >= s.spike_db),
            lambda r: _compare(r.rise_db, lambda v: v < s.spike_close_db),
            Held(s.spike_s),
            Held(s.spike_close_s),
            level,
            lambda r: r.rise_db,
        ),
        _State(
            "pitch_spike",
            is_high,
            lambda r: _compare(r.rise_st, lambda v: v < s.pitch_close_st),
            Held(s.pitch_s),
            Held(s.pitch_close_s),
            pitch,
            lambda r: r.rise_st,
        ),
        _State(
            "fast",
            is_fast,
            lambda r: _compare(r.pace_share, lambda v: v < s.fast_close_share),
            Held(s.fast_s),
            Held(s.fast_close_s),
            pace,
            lambda r: r.wpm,
        ),
        _State(
            "slow",
            is_slow,
            lambda r: _compare(r.pace_share, lambda v: v > s.slow_close_share),
            Held(s.slow_s),
            Held(s.slow_close_s),
            pace,
            lambda r: None if r.wpm is None else -r.wpm,
        ),
        _State(
            "quiet",
            lambda r: _compare(r.rise_db, lambda v: v <= s.quiet_db),
            lambda r: _compare(r.rise_db, lambda v: v > s.quiet_close_db),
            Held(s.quiet_s),
            Held(s.quiet_close_s),
            level,
            lambda r: None if r.rise_db is None else -r.rise_db,
        ),
        _State(
            "flat",
            lambda r: _compare(r.variation_st, lambda v: v < s.flat_st),
            lambda r: _compare(r.variation_st, lambda v: v > s.flat_close_st),
            Held(s.flat_s),
            Held(TICK_S),
            variation,
            lambda r: None if r.variation_st is None else -r.variation_st,
        ),
        _State(
            "quiet_and_flat",
            is_low,
            lambda r: None if (low := is_low(r)) is None else not low,
            Held(s.quiet_flat_s),
            Held(TICK_S),
            lambda r: level(r) | variation(r),
            lambda r: None if r.rise_db is None else -r.rise_db,
        ),
        _State(
            "raised_delivery",
            lambda r: len(raised_quantities(r, s.raised_z)) >= 2,
            lambda r: len(raised_quantities(r, s.raised_z)) < 2,
            Held(s.raised_s),
            Held(s.raised_close_s),
            raised,
            lambda r: None,
        ),
    )


def raised_quantities(reading: Reading, least_z: float) -> tuple[str, ...]:
    """Name the quantities that stand this many own spreads over the usual; they are never merged."""
    z = (("level", reading.z_level), ("pitch", reading.z_pitch), ("pace", reading.z_pace))
    return tuple(name for name, value in z if value is not None and value >= least_z)


def _compare(value: float | None, test: Callable[[float], bool]) -> bool | None:
    return None if value is None else test(value)


def _hz(semitones: float | None) -> float | None:
    return None if semitones is None else 100.0 * 2 ** (semitones / 12)


def _facts(**values: float | None) -> Facts:
    return {name: None if value is None else round(value, 2) for name, value in values.items()}
