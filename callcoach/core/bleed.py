"""Speaker-bleed gate: without a headset the microphone hears the caller again (section 1.3).

The envelope of the agent's channel is compared with delayed copies of the caller's. Where they agree, the
echo's delay and gain are learned; from then on a frame of the agent's channel counts as the agent only
when it stands clearly above the echo that the caller's channel predicts.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from callcoach.clock import FRAME_LENGTH, HOP_LENGTH, SAMPLE_RATE, to_samples
from callcoach.config import BleedSettings

_NOTICE_WINDOW_S: Final = 60.0
_LEAST_CALLER_BLOCKS: Final = 5
"""Blocks of caller speech before a share of bleed is worth a notice."""
_SAME_PATH_HOPS: Final = 2
_SAME_PATH_DB: Final = 4.0
_COMPARED_BLOCKS: Final = 6
_AGREEING_BLOCKS: Final = 3
"""So many of the last blocks must find the same path. Two independent voices reach the correlation in 3 to
21 % of blocks, each time with another delay; see docs/metrics.md."""
_SMOOTH_HOPS: Final = 16
_DECAY_HOPS: Final = 20
_DECAY_DB_PER_HOP: Final = 2.4
"""A room that takes 0.4 s to fall by 60 dB loses 2.4 dB per hop of 16 ms; [R*] furnished office."""


@dataclass(frozen=True, slots=True)
class EchoPath:
    """Delay (hops) and gain (dB) with which the caller reaches the agent's microphone."""

    lag_hops: int
    gain_db: float
    seen_at: int


class BleedGate:
    """Decide frame by frame whether the agent's channel may hold the agent."""

    def __init__(self, settings: BleedSettings) -> None:
        self._set = settings
        self._block_hops = round(to_samples(settings.block_s) / HOP_LENGTH)
        self._lag_hops = round(to_samples(settings.max_lag_s) / HOP_LENGTH)
        size = self._block_hops + self._lag_hops + 2
        self._agent: deque[float] = deque([-180.0] * size, maxlen=size)
        self._caller: deque[float] = deque([-180.0] * size, maxlen=size)
        self._caller_active: deque[bool] = deque([False] * size, maxlen=size)
        self._since_block = 0
        self._compared: deque[EchoPath | None] = deque(maxlen=_COMPARED_BLOCKS)
        """What the last blocks with caller speech showed; two voices at once agree by chance now and then."""
        self._blocks: deque[tuple[int, bool]] = deque()
        self._noticed = False
        self.path: EchoPath | None = None
        self.echo_since: int | None = None
        """Start of the first block that showed the path; what the agent's channel held since is in doubt."""
        self.caller_blocks = self.bleed_blocks = 0
        self.notice_due = False
        """True for the one frame after which the notice S-BLEED should be raised."""

    @property
    def share(self) -> float:
        """Share of the blocks with caller speech that were bleed; 0 while there were none."""
        return self.bleed_blocks / self.caller_blocks if self.caller_blocks else 0.0

    @property
    def low_confidence(self) -> bool:
        """True once bleed was frequent enough to doubt the agent's interruptions."""
        return self._noticed

    def step(
        self,
        start: int,
        agent: tuple[float, float],
        caller: tuple[float, float],
        *,
        agent_active: bool,
        caller_active: bool,
    ) -> bool:
        """Take the hop levels (dBFS) of one frame; return whether the agent may be speaking."""
        if not self._set.enabled:
            return True
        self.notice_due = False
        for a, c in zip(agent, caller, strict=True):
            self._agent.append(a)
            self._caller.append(c)
            self._caller_active.append(caller_active)
        self._since_block += 2
        if self._since_block >= self._block_hops:
            self._since_block = 0
            self._compare(start + FRAME_LENGTH)
        return self._allowed(start, agent, agent_active)

    def _allowed(self, start: int, agent: tuple[float, float], speaking: bool) -> bool:
        path = self.path
        if path is None or start - path.seen_at > to_samples(self._set.memory_s):
            return True
        echo = [self._predict(path, back) for back in range(_SMOOTH_HOPS if speaking else 2)]
        if not speaking:
            return max(agent) > max(echo) + self._set.margin_db
        # once speaking, the mean over a quarter of a second decides: single hops of double talk swing widely
        heard = list(self._agent)[-_SMOOTH_HOPS:]
        return _mean_db(heard) > _mean_db(echo) + self._set.stay_margin_db

    def _predict(self, path: EchoPath, back: int) -> float:
        """Level of the echo in the hop ``back`` hops ago, dBFS."""
        caller, last = self._caller, len(self._caller) - 1 - back
        first = max(0, path.lag_hops - _SAME_PATH_HOPS)
        return path.gain_db + max(
            caller[max(0, last - k)] - _DECAY_DB_PER_HOP * max(0, k - path.lag_hops - _SAME_PATH_HOPS)
            for k in range(first, path.lag_hops + _DECAY_HOPS)
        )

    def _compare(self, now: int) -> None:
        active = list(self._caller_active)[-self._block_hops :]
        if sum(active) < len(active) // 2:
            return
        found = self._correlate()
        self.caller_blocks += 1
        is_bleed = found is not None
        self.bleed_blocks += is_bleed
        self._blocks.append((now, is_bleed))
        while self._blocks and self._blocks[0][0] < now - _NOTICE_WINDOW_S * SAMPLE_RATE:
            self._blocks.popleft()
        self._learn(None if found is None else EchoPath(*found, now))
        share = sum(b for _, b in self._blocks) / len(self._blocks)
        if not self._noticed and len(self._blocks) >= _LEAST_CALLER_BLOCKS and share > self._set.notice_share:
            self._noticed = self.notice_due = True

    def _learn(self, seen: EchoPath | None) -> None:
        """Trust a path once three of the last six blocks agree on it; then follow it."""
        earlier = [
            p
            for p in self._compared
            if p is not None
            and seen is not None
            and abs(p.lag_hops - seen.lag_hops) <= _SAME_PATH_HOPS
            and abs(p.gain_db - seen.gain_db) <= _SAME_PATH_DB
        ]
        self._compared.append(seen)
        if seen is None or len(earlier) + 1 < _AGREEING_BLOCKS:
            return
        if self.path is None:
            self.echo_since = earlier[0].seen_at - self._block_hops * HOP_LENGTH
        gains = [p.gain_db for p in earlier] + [seen.gain_db]
        self.path = EchoPath(seen.lag_hops, float(np.median(gains)), seen.seen_at)

    def _correlate(self) -> tuple[int, float] | None:
        """Return lag (hops) and gain (dB) of the best match of one block, or None below the threshold."""
        n = self._block_hops
        agent = _amplitude(list(self._agent)[-n:])
        caller = _amplitude(self._caller)
        best, best_lag = 0.0, 0
        for lag in range(self._lag_hops + 1):
            shifted = caller[len(caller) - n - lag : len(caller) - lag]
            r = _pearson(agent, shifted)
            if r > best:
                best, best_lag = r, lag
        if best < self._set.correlation:
            return None
        shifted = caller[len(caller) - n - best_lag : len(caller) - best_lag]
        gain = 10 * np.log10((np.dot(agent, agent) + 1e-18) / (np.dot(shifted, shifted) + 1e-18))
        return best_lag, float(gain)


def _mean_db(levels: list[float]) -> float:
    return float(10 * np.log10(np.mean(10 ** (np.asarray(levels, np.float64) / 10)) + 1e-18))


def _amplitude(levels: deque[float] | list[float]) -> NDArray[np.float64]:
    return np.asarray(10 ** (np.asarray(levels, np.float64) / 20), np.float64)


def _pearson(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt(np.dot(a, a) * np.dot(b, b)))
    return float(np.dot(a, b)) / norm if norm > 0 else 0.0
