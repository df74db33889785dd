"""Fast mask: when one channel makes speech sound (section 1.2 of the metric definitions).

The detector alone closes on short "yeah" and "mm-hmm" of narrow-band calls. Its threshold is therefore
lowered where the signal stands clearly over the noise floor: loud and somewhat speech-like is speech,
while hold music stays far below even the lowered threshold. Edges are then drawn on the 16 ms grid where the
level crosses the floor.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from callcoach.clock import FRAME_LENGTH, HOP_LENGTH, Samples, Span, to_samples
from callcoach.config import ActivitySettings
from callcoach.core.level import SILENCE_DBFS, NoiseFloor


@dataclass(slots=True)
class Ipu:
    """Inter-pausal unit: one party's speech with gaps under 0.2 s merged; ``end`` grows while open."""

    start: int
    end: int
    opened_at: int
    """Position at which it was first known."""
    closed: bool = False
    """True once its end can no longer move."""
    dropped: bool = False
    """True when it turned out to be a burst under 0.1 s or the echo of the other party."""

    @property
    def span(self) -> Span:
        """Where it lies."""
        return Span(Samples(self.start), Samples(self.end))

    @property
    def length(self) -> int:
        """Samples so far."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class FrameMeasure:
    """What is known of one frame of one channel."""

    start: int
    probability: float
    levels: tuple[float, float]
    """dBFS of its two hops."""
    floor: float
    """Noise floor, dBFS."""


class SpeechActivity:
    """Hysteresis on detector and level, frame by frame; fills ``ipus`` of one channel."""

    def __init__(self, settings: ActivitySettings) -> None:
        self._set = settings
        self._floor = NoiseFloor(settings.floor_window_s)
        self._open_frames = max(1, round(to_samples(settings.open_s) / FRAME_LENGTH))
        self._close_frames = max(1, round(to_samples(settings.close_s) / FRAME_LENGTH))
        self._merge = to_samples(settings.merge_gap_s)
        self._least = to_samples(settings.least_segment_s)
        self._reach_hops = round(to_samples(settings.edge_reach_s) / HOP_LENGTH)
        self._history: deque[tuple[int, float, float]] = deque(maxlen=64)
        self._above = self._below = 0
        self._speaking = False
        self.ipus: list[Ipu] = []
        self.floor_dbfs = 0.0

    @property
    def delay(self) -> int:
        """Samples by which the start of a run may lie back when it becomes known."""
        return (self._open_frames + 1) * FRAME_LENGTH + self._reach_hops * HOP_LENGTH

    @property
    def speaking(self) -> bool:
        """True while the mask is open, including the 0.15 s that confirm its end."""
        return self._speaking

    def step(
        self, measure_start: int, probability: float, levels: tuple[float, float], allowed: bool = True
    ) -> FrameMeasure:
        """Take one frame that starts at ``measure_start``.

        Parameters
        ----------
        probability : float
            Of the detector, in [0, 1].
        levels : dBFS of the two hops.
        allowed : bool
            False where the bleed gate says that this is the other party.
        """
        now = measure_start + FRAME_LENGTH
        loudest = max(levels)
        self.floor_dbfs = floor = self._floor.step(loudest)
        for i, level in enumerate(levels):
            # sound of the other party does not belong to an edge of this one
            self._history.append((measure_start + i * HOP_LENGTH, level if allowed else SILENCE_DBFS, floor))
        opening, closing = self._thresholds(loudest, floor)
        if not allowed:
            probability = 0.0
        if not self._speaking:
            self._above = self._above + 1 if probability >= opening else 0
            if self._above >= self._open_frames:
                self._open(now)
        else:
            if probability < closing:
                self._below += 1
            else:
                self._below = 0
                self.ipus[-1].end = now
            if self._below >= self._close_frames:
                self._close(now)
        self._settle(now)
        return FrameMeasure(measure_start, probability, levels, floor)

    def finish(self, now: int) -> None:
        """End what is open at the end of the recording."""
        if self._speaking:
            self._close(now)
        if self.ipus and not self.ipus[-1].closed:
            self._seal(self.ipus[-1])

    def drop_open(self) -> None:
        """Take back the open utterance: it was the echo of the other party."""
        if self.ipus and not self.ipus[-1].closed:
            self.ipus[-1].dropped = self.ipus[-1].closed = True
        self._speaking = False
        self._above = self._below = 0

    def _thresholds(self, level: float, floor: float) -> tuple[float, float]:
        s = self._set
        trust = (level - floor - s.trust_from_db) / max(s.full_trust_db - s.trust_from_db, 1e-6)
        trust = min(max(trust, 0.0), 1.0) if level > s.least_level_dbfs else 0.0
        opening = s.open_probability - trust * (s.open_probability - s.loud_open_probability)
        closing = s.close_probability - trust * (s.close_probability - s.loud_close_probability)
        return opening, closing

    def _open(self, now: int) -> None:
        start = self._edge_start(now - self._open_frames * FRAME_LENGTH)
        self._speaking, self._below = True, 0
        last = self.ipus[-1] if self.ipus else None
        if last is not None and not last.closed and start - last.end < self._merge:
            last.end = now
            return
        if last is not None and not last.closed:
            self._seal(last)
        if last is not None:
            start = max(start, last.end)
        self.ipus.append(Ipu(start=start, end=now, opened_at=now))

    def _close(self, now: int) -> None:
        self._speaking, self._above = False, 0
        ipu = self.ipus[-1]
        ipu.end = max(ipu.start + HOP_LENGTH, self._edge_end(ipu.end))

    def _settle(self, now: int) -> None:
        """Close the last IPU once no speech can be merged into it any more."""
        if self._speaking or not self.ipus or self.ipus[-1].closed:
            return
        # an opening now would lie back by the opening time and the reach of its edge
        earliest = now - self._open_frames * FRAME_LENGTH - self._reach_hops * HOP_LENGTH
        if earliest - self.ipus[-1].end >= self._merge:
            self._seal(self.ipus[-1])

    def _seal(self, ipu: Ipu) -> None:
        ipu.closed = True
        ipu.dropped = ipu.dropped or ipu.length < self._least

    def _edge_start(self, frame_start: int) -> int:
        """Move a start back over hops that belong to the sound, or forward over hops that do not."""
        edge, limit = frame_start, frame_start - self._reach_hops * HOP_LENGTH
        levels = self._levels(frame_start)
        while edge > limit and levels.get(edge - HOP_LENGTH, 0) > 0:
            edge -= HOP_LENGTH
        while frame_start <= edge < frame_start + FRAME_LENGTH and levels.get(edge, 0) < 0:
            edge += HOP_LENGTH
        return max(edge, 0)

    def _edge_end(self, frame_end: int) -> int:
        """Move an end forward over hops that belong to the sound, or back over hops that do not."""
        edge, reach = frame_end, self._reach_hops * HOP_LENGTH
        levels = self._levels(self.ipus[-1].start)
        while edge < frame_end + reach and levels.get(edge, 0) > 0:
            edge += HOP_LENGTH
        while frame_end >= edge > frame_end - reach and levels.get(edge - HOP_LENGTH, 0) < 0:
            edge -= HOP_LENGTH
        return edge

    def _levels(self, since: int) -> dict[int, int]:
        """Say of each remembered hop whether it clearly sounds (1), is clearly silent (-1) or neither (0)."""
        s = self._set
        peak = max((level for start, level, _ in self._history if start >= since), default=0.0)
        least = peak - s.edge_under_peak_db
        return {
            start: 1
            if level >= max(floor + s.edge_over_floor_db, least)
            else -1
            if level < max(floor + s.edge_at_floor_db, least)
            else 0
            for start, level, floor in self._history
        }
