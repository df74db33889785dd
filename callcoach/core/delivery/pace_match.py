"""Pace of the agent over the pace of the caller, each over the last minute of own speech (V05)."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Final

from callcoach.config import DeliverySettings
from callcoach.core.delivery.meter import DeliveryMeter
from callcoach.core.delivery.pace_window import PaceWindow
from callcoach.core.delivery.ticks import Tick
from callcoach.events import Channel

_LEAST_WPM: Final = 20.0
"""Below this no pace was measured (noise that the mask took for speech); nothing is divided by it; [D]."""


class PaceMatch:
    """Both parties' paces and their ratio.

    Parameters
    ----------
    settings : window and least speech.
    meters : both parties' meters; they know how many syllables their words have.
    """

    def __init__(self, settings: DeliverySettings, meters: Mapping[Channel, DeliveryMeter]) -> None:
        self._meters = meters
        self.ratios = array("f")
        """Every ratio since the start, one per tick in which both paces were known."""
        self._windows = {
            c: PaceWindow(settings.match_window_s, settings.least_match_s, settings.pace_pause_s)
            for c in Channel
        }

    def step(self, channel: Channel, tick: Tick) -> None:
        """Take the next tick of one party."""
        self._windows[channel].step(tick)

    def note(self) -> None:
        """Keep the present ratio for the summary."""
        ratio = self.ratio
        if ratio is not None:
            self.ratios.append(ratio)

    def wpm(self, channel: Channel) -> float | None:
        """Pace of one party in words a minute; None where there is too little speech."""
        rate = self._windows[channel].syllables_per_s
        return None if rate is None else 60 * rate / self._meters[channel].syllables_per_word

    @property
    def ratio(self) -> float | None:
        """V05: the agent's pace over the caller's; None where either has too little speech."""
        agent, caller = self.wpm(Channel.AGENT), self.wpm(Channel.CALLER)
        return None if agent is None or caller is None or caller < _LEAST_WPM else agent / caller
