"""Judge whether the clause was finished where a party fell silent (end of section 1.6)."""

from __future__ import annotations

from typing import Final

import numpy as np

from callcoach.clock import HOP_LENGTH, to_samples
from callcoach.config import OverlapSettings
from callcoach.core.phrases import Phrases, has_final_mark, joined, normal, starts_with, trails_off
from callcoach.core.pitch import PitchTrack
from callcoach.core.transcript import Transcript
from callcoach.events import Channel, Word

_TAIL_S: Final = 0.3
"""F0 at a stop is read from the last 0.3 s before it."""
_LEAST_VOICED_HOPS: Final = 4
_LEAST_HISTORY_HOPS: Final = 120
"""About 2 s of voiced speech before a range is worth anything."""
_HISTORY_S: Final = 300.0
"""The range is that of the last five minutes, so that its cost does not grow with the call."""
_REACH_S: Final = 1.5
"""The last word belongs to a stop no further away than this."""
_LOWEST_THIRD: Final = 1 / 3
"""F0 above the lowest third of the range is no ending (section 1.6)."""
_HIGH: Final = 0.6
"""F0 this high in the range casts doubt on a full stop; [D], most finished statements end below 0.58."""
_HARD_TRUSTED: Final = 0.5
"""Probability from which an article or conjunction without a mark counts as the last word; [D]."""
_SENTENCE_S: Final = 8.0
"""Where the beginning of a sentence is looked for."""
_RISE_S: Final = 0.4
_RISE_ST: Final = 2.0
"""Rise into the end of an utterance that marks a question, semitones; [D]."""
_RANGE_PERCENTILES: Final = (5.0, 95.0)
"""Ends of a speaker's F0 range, octave errors left out."""


class ClauseJudge:
    """Decide from the last word, the recogniser's punctuation and the F0 at the stop."""

    def __init__(
        self,
        settings: OverlapSettings,
        pitch: dict[Channel, PitchTrack],
        transcript: Transcript,
        words: Phrases,
    ) -> None:
        self._low = settings.low_pitch_share
        self._trusted = settings.least_last_word_probability
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
        height = self.ending_height(channel, stop)
        low = None if height is None else height <= self._low
        word = (
            self._transcript.last_before(channel, stop + to_samples(0.1), to_samples(_REACH_S))
            if with_words
            else None
        )
        if word is None:
            return True if low else None if height is None or height <= _LOWEST_THIRD else False
        text = normal(word.text)
        marked = has_final_mark(word.text)
        hard = text in self._phrases.continuation and text not in self._phrases.can_end
        if self._is_filled(word.text) or trails_off(word.text):
            return False
        if word.probability < (_HARD_TRUSTED if hard and not marked else self._trusted):
            # half-heard last words end in marks and small words that nobody said
            return True if low else None
        if hard:
            return False
        asked = word.text.rstrip("\"')").endswith("?") or self._asks(channel, word)
        if text in self._phrases.continuation:
            return False if not marked else asked or low is not False
        if marked:
            # the recogniser puts a full stop at many breaks
            return True if asked or height is None or height < _HIGH else None
        return None if height is None else bool(low)

    def _asks(self, channel: Channel, word: Word) -> bool:
        """Tell whether the sentence that ends with ``word`` begins like a question."""
        recent = self._transcript.within(
            channel, max(0, word.span.end - to_samples(_SENTENCE_S)), word.span.end
        )
        begin = 0
        for i, earlier in enumerate(recent[:-1]):
            if has_final_mark(earlier.text):
                begin = i + 1
        return starts_with(normal(joined(recent[begin:])), self._phrases.question_starts)

    def _is_filled(self, text: str) -> bool:
        return normal(text) in self._phrases.filled_pauses

    def ending_height(self, channel: Channel, stop: int) -> float | None:
        """Where F0 at ``stop`` lies in the party's range so far: 0 bottom, 1 top; None when unvoiced.

        Below 0 is common: voices fall out of their range at the end of a sentence.
        """
        track = self._pitch[channel].f0_hz
        last = min(stop // HOP_LENGTH, len(track))
        tail = np.array(track[max(0, last - to_samples(_TAIL_S) // HOP_LENGTH) : last])
        tail = tail[~np.isnan(tail)]
        history = np.array(track[max(0, last - to_samples(_HISTORY_S) // HOP_LENGTH) : last])
        history = history[~np.isnan(history)]
        if len(tail) < _LEAST_VOICED_HOPS or len(history) < _LEAST_HISTORY_HOPS:
            return None
        bottom, top = np.percentile(np.log2(history), _RANGE_PERCENTILES)
        end = float(np.median(np.log2(tail[-_LEAST_VOICED_HOPS:])))
        return float((end - bottom) / max(float(top - bottom), 1e-6))

    def rises(self, channel: Channel, stop: int) -> bool:
        """Tell whether F0 rises into ``stop``, as most questions do."""
        track = self._pitch[channel].f0_hz
        last = min(stop // HOP_LENGTH, len(track))
        tail = np.array(track[max(0, last - to_samples(_RISE_S) // HOP_LENGTH) : last])
        tail = tail[~np.isnan(tail)]
        if len(tail) < 2 * _LEAST_VOICED_HOPS:
            return False
        end = float(np.median(tail[-_LEAST_VOICED_HOPS:]))
        return 12 * float(np.log2(end / np.min(tail[:-_LEAST_VOICED_HOPS]))) >= _RISE_ST
