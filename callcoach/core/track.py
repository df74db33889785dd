"""Everything that is measured on one channel alone, frame by frame."""

from __future__ import annotations

from array import array
from typing import Final

import numpy as np
from numpy.typing import NDArray

from callcoach.clock import FRAME_LENGTH, HOP_LENGTH, SAMPLE_RATE, Samples, to_samples
from callcoach.config import Settings
from callcoach.core.activity import SpeechActivity
from callcoach.core.delivery.ticks import HopColumns
from callcoach.core.level import hop_levels
from callcoach.core.pitch import PitchTrack
from callcoach.core.syllables import SyllableTrack
from callcoach.core.utterances import Party, Utterance
from callcoach.core.windows import PieceCutter
from callcoach.events import Channel, SpeechSegment
from callcoach.ports import Audio, SpeechDetector, SpeechWindow

OFFSET_FOLLOW: Final = 0.03
"""Share of each frame's mean that moves the offset: a time constant of about 1 s."""
CLIP_LEVEL: Final = 0.99
"""Samples at or above this are clipped (V08)."""


class ChannelTrack:
    """One channel: detector, fast mask, level, F0, runs of speech and pieces for the recogniser."""

    def __init__(self, settings: Settings, channel: Channel | None, detector: SpeechDetector) -> None:
        self.channel = channel
        self.activity = SpeechActivity(settings.activity)
        self.party = Party(to_samples(settings.floor.chain_gap_s), self.activity.delay)
        self.pitch = PitchTrack(settings.pitch)
        self.syllables = SyllableTrack(settings.syllables)
        self._uncounted: list[Audio] = []
        self._counted = 0
        """Hops whose syllables are counted."""
        self.cutter = PieceCutter(settings.text, channel, self.party)
        self.levels = array("f")
        """dBFS per hop of 16 ms."""
        self.floors = array("f")
        """Noise floor under each hop, dBFS."""
        self.active = array("b")
        """Per hop: whether the mask was open when it was heard."""
        self.clips = array("H")
        """Clipped samples per hop."""
        self.loudest = 0.0
        """Largest absolute sample."""
        self._detector = detector
        self._offset = 0.0
        self._told = 0
        self._frame: Audio = np.zeros(0, np.float32)
        self._probability = 0.0
        self._levels = (0.0, 0.0)

    @property
    def offset(self) -> float:
        """Direct-current offset that is being removed, full scale = 1.0."""
        return self._offset

    def hear(self, samples: Audio) -> tuple[float, float]:
        """Take one raw frame, shape (512,); return the dBFS of its hops."""
        peak = max(float(samples.max()), -float(samples.min()))
        self.loudest = max(self.loudest, peak)
        clipped = [0, 0]
        if peak >= CLIP_LEVEL:
            over = np.abs(samples).reshape(-1, HOP_LENGTH) >= CLIP_LEVEL
            clipped = np.count_nonzero(over, axis=1).tolist()
        self.clips.extend(clipped)
        self._offset += OFFSET_FOLLOW * (float(samples.sum(dtype=np.float64)) / len(samples) - self._offset)
        self._frame = samples - np.float32(self._offset)
        self._probability = self._detector(self._frame)
        self._levels = hop_levels(self._frame)
        self.levels.extend(self._levels)
        return self._levels

    def decide(self, start: int, now: int, *, allowed: bool) -> Utterance | None:
        """Advance the mask by the frame heard last; return an utterance that has just begun."""
        self.activity.step(start, self._probability, self._levels, allowed)
        floor = self.activity.floor_dbfs
        self.floors.extend((floor, floor))
        self.active.extend((self.activity.speaking, self.activity.speaking))
        self.pitch.step(self._frame, self._levels, floor)
        self._uncounted.append(self._frame)
        self._count_syllables()
        return self.party.update(self.activity.ipus, self.activity.speaking, now)

    def _count_syllables(self) -> None:
        """Hand the audio whose F0 has become known to the syllable counter, in batches cut by position."""
        ready = len(self.pitch.f0_hz) - self._counted
        if ready <= 0:
            return
        first, last = self._counted, self._counted + ready
        frames = ready * HOP_LENGTH // FRAME_LENGTH
        self.syllables.batch(
            np.concatenate(self._uncounted[:frames]),
            np.array(self.pitch.f0_hz[first:last], np.float32),
            np.array(self.levels[first:last], np.float32),
        )
        del self._uncounted[:frames]
        self._counted = last

    def hops(self, first: int, last: int) -> HopColumns:
        """Return hops ``[first, last)`` as columns; nuclei and filled pauses lag by a tick."""
        return HopColumns.of(
            self.levels[first:last],
            self.pitch.f0_hz[first:last],
            self.active[first:last],
            _late(self.syllables.nuclei, first, last),
            _late(self.syllables.filled, first, last),
            self.floors[first:last],
            self.clips[first:last],
        )

    def windows(self, now: int) -> list[SpeechWindow]:
        """Return the pieces of speech that end at ``now``, for the recogniser."""
        return self.cutter.step(self._frame, self._probability, now)

    def finish(self, now: int, length: int) -> None:
        """End what is open; the last frame is filled up to ``now``, the recording ends at ``length``."""
        self.activity.finish(now)
        self.pitch.finish()
        self._count_syllables()
        self.syllables.finish()
        for ipu in self.activity.ipus[-2:]:
            ipu.end = min(ipu.end, length)
            ipu.dropped = ipu.dropped or ipu.end <= ipu.start
        self.party.update(self.activity.ipus, False, now)
        self.party.finish()

    def segments(self, now: int) -> list[SpeechSegment]:
        """Return the runs of speech whose ends have become certain since the last look."""
        found: list[SpeechSegment] = []
        ipus = self.activity.ipus
        while self._told < len(ipus) and ipus[self._told].closed:
            ipu = ipus[self._told]
            self._told += 1
            if not ipu.dropped:
                found.append(
                    SpeechSegment(span=ipu.span, known_at=Samples(max(now, ipu.end)), channel=self.channel)
                )
        return found

    def curves(self) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32]]:
        """Return per hop of 16 ms: start (s), level (dBFS) and F0 (Hz, NaN = unvoiced)."""
        times = np.arange(len(self.levels), dtype=np.float64) * np.float64(HOP_LENGTH / SAMPLE_RATE)
        return times, np.array(self.levels, np.float32), np.array(self.pitch.f0_hz, np.float32)

    def speech_mask(self) -> NDArray[np.bool_]:
        """Fast mask per hop."""
        mask = np.zeros(len(self.levels), np.bool_)
        for ipu in self.party.ipus:
            mask[ipu.start // HOP_LENGTH : -(-ipu.end // HOP_LENGTH)] = True
        return mask


def _late(values: array[int], first: int, last: int) -> array[int]:
    """Return ``[first, last)`` of values that are told 16 hops after their time."""
    ahead = array("b", bytes(max(0, min(last, SyllableTrack.LAG) - first)))
    return ahead + values[max(0, first - SyllableTrack.LAG) : max(0, last - SyllableTrack.LAG)]
