"""Sets of half-open stretches of samples, as sorted pairs ``(start, end)`` that do not touch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Pair = tuple[int, int]


def merged(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> list[Pair]:
    """Return the union of stretches, given as two arrays of shape (n,) in any order."""
    keep = ends > starts
    starts, ends = starts[keep], ends[keep]
    if not len(starts):
        return []
    order = np.argsort(starts, kind="stable")
    starts, reach = starts[order], np.maximum.accumulate(ends[order])
    first = np.flatnonzero(np.concatenate(([True], starts[1:] > reach[:-1])))
    last = np.concatenate((first[1:], [len(starts)])) - 1
    return list(zip(starts[first].tolist(), reach[last].tolist(), strict=True))


def union(spans: Iterable[Pair]) -> list[Pair]:
    """Return the union of stretches in any order."""
    pairs = np.array(list(spans), np.int64).reshape(-1, 2)
    return merged(pairs[:, 0], pairs[:, 1])


def without(spans: Iterable[Pair], cuts: Sequence[Pair]) -> list[Pair]:
    """Return what is left of ``spans`` outside the sorted ``cuts``."""
    left = []
    for start, end in spans:
        for cut_start, cut_end in cuts:
            if cut_end <= start:
                continue
            if cut_start >= end:
                break
            if cut_start > start:
                left.append((start, cut_start))
            start = cut_end
            if start >= end:
                break
        if start < end:
            left.append((start, end))
    return left
