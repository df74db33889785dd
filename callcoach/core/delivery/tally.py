"""Sums over the whole call of one party's delivery: what the metrics V01 to V16 are made of."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np

from callcoach.config import DeliverySettings
from callcoach.core.delivery.meter import DeliveryMeter, Reading
from callcoach.core.delivery.ticks import HOP_S, Tick
from callcoach.events import VoiceKind

_SAMPLES_PER_HOP = 256


@dataclass(slots=True)
class Tally:
    """Grows tick by tick."""

    speech_s: float = 0.0
    """Time in which the fast mask was open."""
    pace_s: float = 0.0
    """Speech time with a known pace."""
    fast_s: float = 0.0
    very_fast_s: float = 0.0
    slow_s: float = 0.0
    varied_s: float = 0.0
    """Speech time with a known spread of F0."""
    flat_s: float = 0.0
    nuclei: int = 0
    filled: int = 0
    """Filled pauses."""
    in_filled: bool = False
    """Whether the last tick held a part of one."""
    clipped: int = 0
    hops: int = 0
    levels_dbfs: array[float] = field(default_factory=lambda: array("f"))
    """Level (1 s) at every tick of speech."""
    variations_st: array[float] = field(default_factory=lambda: array("f"))

    def hear(self, tick: Tick) -> None:
        """Take a tick, of speech or not."""
        self.hops += 16
        self.clipped += tick.clipped
        self.nuclei += tick.nuclei
        self.filled += tick.filled > 0 and not self.in_filled
        self.in_filled = tick.filled > 0

    def speech(
        self,
        tick: Tick,
        reading: Reading,
        meter: DeliveryMeter,
        settings: DeliverySettings,
        open_kinds: frozenset[VoiceKind],
    ) -> None:
        """Take what a tick of speech added up to, with the states that are open after it."""
        seconds = tick.active * HOP_S
        self.speech_s += seconds
        usual = meter.usual_wpm
        if reading.wpm is not None and usual is not None:
            self.pace_s += seconds
            if "slow" in open_kinds:
                self.slow_s += seconds
            elif "fast" in open_kinds:
                self.fast_s += seconds
                if reading.wpm > max(settings.very_fast_share * usual, settings.very_fast_wpm):
                    self.very_fast_s += seconds
        if reading.level_dbfs is not None:
            self.levels_dbfs.append(reading.level_dbfs)
        if reading.variation_st is not None:
            self.varied_s += seconds
            self.variations_st.append(reading.variation_st)
            if "flat" in open_kinds:
                self.flat_s += seconds

    @property
    def clipped_pct(self) -> float:
        """V08 over the call, %."""
        return 100 * self.clipped / (self.hops * _SAMPLES_PER_HOP) if self.hops else 0.0

    @property
    def level_index(self) -> float | None:
        """V07: median over speech, 0 to 100."""
        if not self.levels_dbfs:
            return None
        index = np.clip((np.array(self.levels_dbfs, np.float64) + 60) / 60 * 100, 0, 100)
        return float(np.median(index))

    @property
    def variation_st(self) -> float | None:
        """V10: median over speech, semitones."""
        return float(np.median(np.array(self.variations_st, np.float64))) if self.variations_st else None
