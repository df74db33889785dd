"""Level, F0 and pace of one party, tick by tick, beside the party's usual values."""

from __future__ import annotations

import math
from collections import deque
from typing import Final, NamedTuple

from callcoach.config import DeliverySettings
from callcoach.core.delivery.pace_window import PaceWindow
from callcoach.core.delivery.profile import Profile
from callcoach.core.delivery.ticks import HOP_S, TICK_S, Tick
from callcoach.core.delivery.usual import Usual

_LEVEL_TICKS: Final = 4
"""Speech ticks whose energies are averaged for V06: 1 s."""
_LEAST_VOICE_HOPS: Final = 16
"""Voice the 1 s needs: a quarter of it."""
_PITCH_TICKS: Final = 6
"""Speech ticks whose voiced hops give the median of V09: 1.5 s."""
_LEAST_VOICED_HOPS: Final = 20
"""Voiced hops that median needs: a fifth."""
_LONG_TICKS: Final = 16
"""Speech ticks of the longer look at F0: 4 s, more than one phrase."""
_LONG_LEAST: Final = 8
"""Ticks with F0 it needs."""
_TICK_VOICED: Final = 4
"""Voiced hops from which a tick counts in the longer look."""
_STALE_TICKS: Final = 12
"""Speech further apart than 3 s does not share a mean; [D]."""
_PRIOR_WORDS: Final = 30.0
"""Weight of the language's syllables per word against the party's own, words; [D]."""
_PAUSE_MEMORY: Final = 40
"""Pause ticks whose median is the usual noise floor: 10 s."""
_QUIETEST_DBFS: Final = -75.0
"""Below this is the quantisation of a recorder, not a room."""
_STEP_TICKS: Final = 3
"""Pause ticks in a row that make a step of the floor; a cough or a key stroke is shorter; [D]."""
_STEADY_DB: Final = 2.0
"""They differ by no more than this; the room after a loud word fades faster; [D]."""


class Reading(NamedTuple):
    """What one tick of speech adds up to; None where there is too little speech yet."""

    level_dbfs: float | None = None
    rise_db: float | None = None
    """V06: level over the usual, dB."""
    z_level: float | None = None
    f0_st: float | None = None
    """Median F0, semitones over 100 Hz."""
    rise_st: float | None = None
    """V09: F0 over the usual, semitones."""
    z_pitch: float | None = None
    lasting_st: float | None = None
    """F0 over the usual by the median of the last 4 s of speech: what outlasts the melody of one phrase."""
    variation_st: float | None = None
    """V10: standard deviation of F0, semitones."""
    wpm: float | None = None
    """V02 as words a minute."""
    pace_share: float | None = None
    """Pace as a multiple of the usual one."""
    z_pace: float | None = None


class DeliveryMeter:
    """Measures of one party. Feed one `Tick` after another; ask ``reading`` after each."""

    def __init__(self, settings: DeliverySettings, profile: Profile | None = None) -> None:
        s = self._set = settings

        def usual(spread: float, habit: str) -> Usual:
            return Usual(
                spread,
                s.least_baseline_s,
                s.baseline_s,
                s.outlier_z,
                None if profile is None else getattr(profile, habit),
                s.profile_speech_s,
            )

        self.usual_level = usual(s.spread_level_db, "level_dbfs")
        self.usual_pitch = usual(s.spread_f0_st, "f0_st")
        # kept in syllables a second; the spread floor is given in words a minute
        self.usual_pace = usual(s.spread_pace_wpm * s.syllables_per_word / 60, "syllables_per_s")
        self.reading = Reading()
        self.spoke = False
        """Whether the last tick held speech."""
        self.speech_s = 0.0
        self.muted_until = 0
        """Tick before which level says nothing, after a step of the noise floor."""
        self.frozen = False
        """Set by the states while level, F0 or both are up: the usual values stay as they are."""
        self._index = -1
        self._levels: deque[tuple[int, float, int]] = deque(maxlen=_LEVEL_TICKS)
        self._pitches: deque[tuple[int, tuple[float, ...]]] = deque(maxlen=_PITCH_TICKS)
        self._long: deque[tuple[int, float]] = deque(maxlen=_LONG_TICKS)
        self._variation: deque[tuple[int, int, float, float]] = deque()
        self._variation_sums = [0, 0.0, 0.0]
        self._pace = PaceWindow(s.pace_window_s, s.pace_window_s, s.pace_pause_s)
        self._pauses: deque[float] = deque(maxlen=_PAUSE_MEMORY)
        self._stepped: list[float] = []
        self._nuclei = [0]
        """Nuclei before each tick."""
        self._words = self._word_nuclei = 0.0

    @property
    def syllables_per_word(self) -> float:
        """Counted nuclei per word of this party: the language's value until its words are known."""
        prior = self._set.syllables_per_word
        return (_PRIOR_WORDS * prior + self._word_nuclei) / (_PRIOR_WORDS + self._words)

    @property
    def usual_wpm(self) -> float | None:
        """Usual pace in words a minute."""
        rate = self.usual_pace.median
        return None if rate is None else 60 * rate / self.syllables_per_word

    def words(self, count: int, first: int, last: int) -> None:
        """Take how many words ticks ``[first, last)`` hold; their syllables set the scale of the pace."""
        last = min(last, len(self._nuclei) - 1)
        if count and last > first:
            self._words += count
            self._word_nuclei += self._nuclei[last] - self._nuclei[first]

    def step(self, tick: Tick, *, quiet: bool = True) -> Reading:
        """Take the next tick; return what is known after it.

        Parameters
        ----------
        quiet : bool
            Whether nobody else can be heard on this channel: the noise floor is looked at only then.
        """
        self._index += 1
        self._nuclei.append(self._nuclei[-1] + tick.nuclei)
        self.spoke = tick.active > 0
        self._pace.step(tick)
        if not self.spoke:
            if quiet:
                self._watch_floor(tick)
            return self.reading
        self.speech_s += tick.active * HOP_S
        level = self._level(tick)
        pitch = self._pitch(tick)
        lasting = self._lasting(tick)
        variation = self._spread(tick)
        rate = self._pace.syllables_per_s
        self._learn(level, pitch, rate)
        self.reading = self._compare(level, pitch, lasting, variation, rate)
        return self.reading

    def _level(self, tick: Tick) -> float | None:
        if tick.voice:
            self._levels.append((self._index, tick.energy, tick.voice))
        while self._levels and self._levels[0][0] <= self._index - _STALE_TICKS:
            self._levels.popleft()
        hops = sum(v for _, _, v in self._levels)
        if hops < _LEAST_VOICE_HOPS:
            return None
        return 10 * math.log10(max(sum(e for _, e, _ in self._levels) / hops, 1e-18))

    def _pitch(self, tick: Tick) -> float | None:
        if tick.semitones:
            self._pitches.append((self._index, tick.semitones))
        while self._pitches and self._pitches[0][0] <= self._index - _STALE_TICKS:
            self._pitches.popleft()
        values = [v for _, some in self._pitches for v in some]
        if len(values) < _LEAST_VOICED_HOPS:
            return None
        values.sort()
        return values[len(values) // 2]

    def _lasting(self, tick: Tick) -> float | None:
        if len(tick.semitones) >= _TICK_VOICED:
            self._long.append((self._index, tick.semitones[len(tick.semitones) // 2]))
        while self._long and self._long[0][0] <= self._index - 2 * _LONG_TICKS:
            self._long.popleft()
        if len(self._long) < _LONG_LEAST:
            return None
        values = sorted(v for _, v in self._long)
        return values[len(values) // 2]

    def _spread(self, tick: Tick) -> float | None:
        """Return the standard deviation of F0 over the last 10 s."""
        sums = self._variation_sums
        if tick.semitones:
            entry = (
                self._index,
                len(tick.semitones),
                sum(tick.semitones),
                sum(v * v for v in tick.semitones),
            )
            self._variation.append(entry)
            sums[0], sums[1], sums[2] = sums[0] + entry[1], sums[1] + entry[2], sums[2] + entry[3]
        oldest = self._index - round(self._set.variation_s / TICK_S)
        while self._variation and self._variation[0][0] <= oldest:
            _, n, total, squares = self._variation.popleft()
            sums[0], sums[1], sums[2] = sums[0] - n, sums[1] - total, sums[2] - squares
        if sums[0] * HOP_S < self._set.least_voiced_s:
            return None
        mean = sums[1] / sums[0]
        return math.sqrt(max(sums[2] / sums[0] - mean * mean, 0.0))

    def _learn(self, level: float | None, pitch: float | None, rate: float | None) -> None:
        if self.frozen:
            return
        if level is not None and self._index >= self.muted_until:
            self.usual_level.add(level, TICK_S)
        if pitch is not None:
            self.usual_pitch.add(pitch, TICK_S)
        if rate is not None:
            self.usual_pace.add(rate, TICK_S)

    def _compare(
        self,
        level: float | None,
        pitch: float | None,
        lasting: float | None,
        variation: float | None,
        rate: float | None,
    ) -> Reading:
        rise_db = rise_st = lasting_st = share = z_level = z_pitch = z_pace = None
        base = self.usual_level.median
        if level is not None and base is not None and self._index >= self.muted_until:
            rise_db, z_level = level - base, self.usual_level.z(level)
        base = self.usual_pitch.median
        if pitch is not None and base is not None:
            rise_st, z_pitch = pitch - base, self.usual_pitch.z(pitch)
            lasting_st = None if lasting is None else lasting - base
        base = self.usual_pace.median
        if rate is not None and base:
            share, z_pace = rate / base, self.usual_pace.z(rate)
        wpm = None if rate is None else 60 * rate / self.syllables_per_word
        return Reading(
            level, rise_db, z_level, pitch, rise_st, z_pitch, lasting_st, variation, wpm, share, z_pace
        )

    def _watch_floor(self, tick: Tick) -> None:
        """Forget the usual level when the noise between speech steps: the gain or the device has changed."""
        quietest = max(tick.quietest, _QUIETEST_DBFS)
        if len(self._pauses) >= _STEP_TICKS:
            usual = sorted(self._pauses)[len(self._pauses) // 2]
            if abs(quietest - usual) >= self._set.floor_step_db:
                self._stepped = [v for v in self._stepped if abs(v - quietest) <= _STEADY_DB] + [quietest]
                if len(self._stepped) >= _STEP_TICKS:
                    self.usual_level.reset()
                    self.muted_until = self._index + round(self._set.floor_step_mute_s / TICK_S)
                    self._pauses = deque(self._stepped, _PAUSE_MEMORY)
                    self._stepped = []
                return
        self._stepped = []
        self._pauses.append(quietest)
