"""Was the clause finished where a party fell silent? (end of section 1.6)"""

from __future__ import annotations

from typing import Final

import numpy as np

from callcoach.clock import HOP_LENGTH, to_samples
from callcoach.config import OverlapSettings
from callcoach.core.phrases import Phrases, has_final_mark, normal
from callcoach.core.pitch import PitchTrack
from callcoach.core.transcript import Transcript
from callcoach.events import Channel

_TAIL_S: Final = 0.3
"""F0 at a stop is read from the last 0.3 s before it."""
_LEAST_VOICED_HOPS: Final = 4
_LEAST_HISTORY_HOPS: Final = 120
"""About 2 s of voiced speech before a range is worth anything."""
_REACH_S: Final = 1.5
"""The last word belongs to a stop no further away than this."""
_RANGE_PERCENTILES: Final = (5.0, 95.0)
"""Ends of a speaker's F0 range, octave errors left out."""


class ClauseJudge:
    """Decide from the last word, the recogniser's punctuation and the F0 at the stop."""

    def __init__(
        self, settings: OverlapSettings, pitch: dict[Channel, PitchTrack], transcript: Transcript, words: Phrases
    ) -> None:
        self._low = settings.low_pitch_share
        self._pitch = pitch
        self._transcript = transcript
        self._phrases = words

    def complete(self, channel: Channel, stop: int, *, with_words: bool) -> bool | None:
        """Return True, False, or None when neither words nor F0 tell.

        Parameters
        ----------
        channel : the party that fell silent.
        stop : int
            Sample position at which it did.
        with_words : bool
            False decides from F0 alone.
        """
        low = self.ends_low(channel, stop)
        word = self._transcript.last_before(channel, stop + to_samples(0.1), to_samples(_REACH_S)) if with_words else None
        if word is None:
            return low
        text = normal(word.text)
        marked = has_final_mark(word.text)
        if text in self._phrases.filled_pauses:
            return False
        if text in self._phrases.continuation:
            if not marked or text not in self._phrases.can_end:
                return False
            return word.text.rstrip().endswith("?") or low is not False
        if marked:
            return True
        return True if low else False if low is False else None

    def ends_low(self, channel: Channel, stop: int) -> bool | None:
        """Tell whether F0 at ``stop`` lies in the lowest third of the party's range so far; None when unvoiced."""
        track = self._pitch[channel].f0_hz
        last = stop // HOP_LENGTH
        tail = np.array(track[max(0, last - to_samples(_TAIL_S) // HOP_LENGTH) : last])
        tail = tail[~np.isnan(tail)]
        history = np.array(track[:last])
        history = history[~np.isnan(history)]
        if len(tail) < _LEAST_VOICED_HOPS or len(history) < _LEAST_HISTORY_HOPS:
            return None
        bottom, top = np.percentile(np.log2(history), _RANGE_PERCENTILES)
        end = float(np.median(np.log2(tail[-_LEAST_VOICED_HOPS:])))
        return bool(end <= bottom + self._low * (top - bottom))
