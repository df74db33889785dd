"""Syllables a second over the last stretch of one party's speech (V02)."""

from __future__ import annotations

from collections import deque

from callcoach.core.delivery.ticks import HOP_S, HOPS, Tick


class PaceWindow:
    """Nuclei over speech time; pauses up to a length belong to it, as in V01.

    Speech time is time with voice: the tail of the mask, which confirms an end, does not count.

    Parameters
    ----------
    window_s : float
        Speech looked back over, s.
    least_s : float
        Speech without which there is no rate, s.
    longest_pause_s : float
        Pauses up to this count as speech time, s.
    """

    def __init__(self, window_s: float, least_s: float, longest_pause_s: float) -> None:
        self._window = round(window_s / HOP_S)
        self._least = round(least_s / HOP_S)
        self._longest_pause = longest_pause_s / HOP_S
        self._ticks: deque[tuple[int, int]] = deque()
        self._hops = self._nuclei = 0
        self._pause = 0

    def step(self, tick: Tick) -> None:
        """Take the next tick, speech or not."""
        if not tick.voice:
            self._pause += HOPS
            return
        hops = tick.voice + (self._pause if self._pause <= self._longest_pause else 0)
        self._pause = HOPS - tick.voice
        self._ticks.append((hops, tick.nuclei))
        self._hops += hops
        self._nuclei += tick.nuclei
        while self._hops - self._ticks[0][0] >= self._window:
            hops, nuclei = self._ticks.popleft()
            self._hops -= hops
            self._nuclei -= nuclei

    @property
    def syllables_per_s(self) -> float | None:
        """Mean over the window; None with too little speech."""
        return None if self._hops < self._least else self._nuclei / (self._hops * HOP_S)
