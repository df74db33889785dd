"""Sixteen hops of one channel in one record: the input of every delivery measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from callcoach.clock import HOP_LENGTH, SAMPLE_RATE

HOPS: Final = 16
"""Hops per tick; the F0 track is computed in batches of as many."""
TICK: Final = HOPS * HOP_LENGTH
"""Samples per tick: 256 ms."""
TICK_S: Final = TICK / SAMPLE_RATE
HOP_S: Final = HOP_LENGTH / SAMPLE_RATE
LAG: Final = 1
"""Ticks after its end at which a tick is read, so that F0 and nuclei, which come in batches, are complete."""
REFERENCE_HZ: Final = 100.0
"""Zero of the semitone scale; every use is a difference, so the value does not matter."""


class Tick(NamedTuple):
    """What one channel did in 256 ms."""

    active: int
    """Hops in which the fast mask was open, as known live; 0 to 16."""
    voice: int
    """Of these, hops that stand over the noise floor."""
    energy: float
    """Sum of their mean squares, full scale = 1."""
    semitones: tuple[float, ...]
    """F0 of the voiced ones, semitones over 100 Hz, ascending."""
    nuclei: int
    """Syllable nuclei that peak in it."""
    filled: int
    """Hops inside a filled pause."""
    quietest: float
    """Lowest level of its hops, smoothed over 64 ms; dBFS."""
    clipped: int
    """Clipped samples."""


REPLAY_COLUMNS: Final = ("active", "nuclei", "filled", "floor_dbfs", "clipped")
"""Columns that are stored for a replay besides level and F0."""


@dataclass(frozen=True, slots=True)
class HopColumns:
    """Hops of one channel, each array of shape (n,): what ``prosody.npz`` keeps for it."""

    level_dbfs: NDArray[np.float32]
    f0_hz: NDArray[np.float32]
    """NaN = not voiced."""
    active: NDArray[np.int8]
    nuclei: NDArray[np.int8]
    """1 where a nucleus became known: 12 hops after its peak, so that a tick can be read one tick later."""
    filled: NDArray[np.int8]
    """1 inside a filled pause, as late as the nuclei."""
    floor_dbfs: NDArray[np.float32]
    clipped: NDArray[np.uint16]

    @classmethod
    def of(
        cls,
        level_dbfs: ArrayLike,
        f0_hz: ArrayLike,
        active: ArrayLike,
        nuclei: ArrayLike,
        filled: ArrayLike,
        floor_dbfs: ArrayLike,
        clipped: ArrayLike,
    ) -> HopColumns:
        """Copy sequences into columns."""
        return cls(
            np.array(level_dbfs, np.float32),
            np.array(f0_hz, np.float32),
            np.array(active, np.int8),
            np.array(nuclei, np.int8),
            np.array(filled, np.int8),
            np.array(floor_dbfs, np.float32),
            np.array(clipped, np.uint16),
        )

    def for_replay(self) -> dict[str, NDArray[Any]]:
        """Return the columns of `REPLAY_COLUMNS` by name."""
        return {name: getattr(self, name) for name in REPLAY_COLUMNS}


def ticks(hops: HopColumns, over_floor_db: float) -> list[Tick]:
    """Reduce hops to ticks; what does not fill a tick at the end is left out.

    Parameters
    ----------
    hops : columns of n hops.
    over_floor_db : float
        Level over the noise floor from which an active hop is voice, dB.

    Returns
    -------
    n // 16 ticks; each depends on its own 16 hops only, whatever else was passed with them.
    """
    count = len(hops.level_dbfs) // HOPS
    if count == 0:
        return []
    size = count * HOPS

    def table(column: NDArray[np.generic]) -> NDArray[np.float64]:
        return column[:size].astype(np.float64).reshape(count, HOPS)

    def counts(column: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        sums: NDArray[np.int64] = column[:size].reshape(count, HOPS).sum(axis=1, dtype=np.int64)
        return sums

    level = table(hops.level_dbfs)
    active = table(hops.active) > 0
    voice = active & (level >= table(hops.floor_dbfs) + over_floor_db)
    energy = np.where(voice, np.power(10.0, level / 10.0), 0.0).sum(axis=1).tolist()
    f0 = table(hops.f0_hz)
    voiced = voice & np.isfinite(f0)
    semitones = 12.0 * np.log2(np.where(voiced, f0, REFERENCE_HZ) / REFERENCE_HZ)
    lengths = voiced.sum(axis=1)
    ordered = np.sort(np.where(voiced, semitones, np.inf), axis=1)
    values = ordered[np.arange(HOPS) < lengths[:, np.newaxis]].tolist()
    ends = np.cumsum(lengths).tolist()
    smooth = level.reshape(count, HOPS // 4, 4).mean(axis=2).min(axis=1).tolist()
    columns = zip(
        active.sum(axis=1).tolist(),
        voice.sum(axis=1).tolist(),
        energy,
        [0, *ends[:-1]],
        ends,
        counts(hops.nuclei).tolist(),
        counts(hops.filled).tolist(),
        smooth,
        counts(hops.clipped).tolist(),
        strict=True,
    )
    return [
        Tick(a, v, e, tuple(values[first:last]), n, f, q, c) for a, v, e, first, last, n, f, q, c in columns
    ]
