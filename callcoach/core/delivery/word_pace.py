"""Words a minute from recognised words and the fast mask (V01)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from callcoach.clock import Samples, Span, to_samples, to_seconds
from callcoach.events import Word

WINDOW_S: Final = 12.0
"""Speech of one window; [D] V01."""
LEAST_S: Final = 6.0
"""Speech a last, shorter window needs; [D] V01."""
LEAST_WORDS: Final = 12
"""Words a window needs; [D] V01."""
BAND_WPM: Final = (120.0, 160.0)
"""Comfortable on the telephone; [D] V01."""


@dataclass(frozen=True, slots=True)
class PaceWindow:
    """One window of speech: where it lies on the call's clock, its speech and its words."""

    span: Span
    speech_s: float
    words: int

    @property
    def wpm(self) -> float:
        """Words a minute of speech time."""
        return 60 * self.words / self.speech_s


def stretches(runs: Sequence[tuple[int, int]], longest_pause_s: float) -> list[tuple[int, int]]:
    """Merge runs of speech whose pauses count as speech time; all in samples."""
    pause = to_samples(longest_pause_s)
    merged: list[tuple[int, int]] = []
    for start, end in runs:
        if merged and start - merged[-1][1] <= pause:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def pace_windows(
    words: Sequence[Word], runs: Sequence[tuple[int, int]], longest_pause_s: float
) -> list[PaceWindow]:
    """Cut speech into windows of 12 s, pauses up to ``longest_pause_s`` included, and count their words.

    A window with too little speech or too few words is left out.
    """
    size, least = to_samples(WINDOW_S), LEAST_S
    windows: list[PaceWindow] = []
    begin, filled = None, 0
    middles = [(w.span.start + w.span.end) // 2 for w in words]

    def cut(start: int, end: int, speech: int) -> None:
        count = bisect_left(middles, end) - bisect_left(middles, start)
        if to_seconds(speech) >= least and count >= LEAST_WORDS:
            windows.append(PaceWindow(Span(Samples(start), Samples(end)), to_seconds(speech), count))

    last = 0
    for start, end in stretches(runs, longest_pause_s):
        at = start
        if begin is None:
            begin = start
        while end - at >= size - filled:
            stop = at + size - filled
            cut(begin, stop, size)
            begin, at, filled = stop, stop, 0
        filled += end - at
        last = end
    if begin is not None and filled:
        cut(begin, last, filled)
    return windows


def words_per_minute(
    words: Sequence[Word], runs: Sequence[tuple[int, int]], longest_pause_s: float
) -> float | None:
    """Words a minute over all speech; None with under 6 s of speech or under 12 words."""
    speech = to_seconds(sum(end - start for start, end in stretches(runs, longest_pause_s)))
    if speech < LEAST_S or len(words) < LEAST_WORDS:
        return None
    return 60 * len(words) / speech
