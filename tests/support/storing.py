"""Storages that fail on demand or remember every step, and calls to store in them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from callcoach.events import Channel
from callcoach.storage import OpenMode, OsStorage

BOTH = (Channel.AGENT, Channel.CALLER)
STEPS = ("open", "write", "sync", "rename", "lock", "remove", "truncate")
FAULTS = {
    "no space": errno.ENOSPC,
    "input/output": errno.EIO,
    "permission": errno.EACCES,
    "interrupted": errno.EINTR,
    "short": 0,
}


@dataclass
class FakeTime:
    """A clock that stands still until it is moved."""

    now: float = 100.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class FaultyStorage(OsStorage):
    """The real storage, of which single steps fail.

    ``fail_at`` is the number of the step, counted over all kinds from 1, that fails once; while ``broken``
    holds a step's name, each of that kind fails. A short write writes half of what it was given.
    """

    fail_at: int = 0
    fault: str = "input/output"
    broken: dict[str, str] = field(default_factory=dict)
    space: int | None = None
    """Bytes that still fit; None is as many as the disk has."""
    calls: list[str] = field(default_factory=list)

    def _fault(self, step: str) -> str | None:
        self.calls.append(step)
        if step in self.broken:
            return self.broken[step]
        return self.fault if len(self.calls) == self.fail_at else None

    def _check(self, step: str) -> None:
        fault = self._fault(step)
        if fault and FAULTS[fault]:
            raise OSError(FAULTS[fault], os.strerror(FAULTS[fault]))

    def open(self, path: Path, mode: OpenMode) -> int:
        self._check("open")
        return super().open(path, mode)

    def write(self, handle: int, data: bytes | memoryview, offset: int) -> int:
        fault = self._fault("write")
        size = len(memoryview(data).cast("B"))
        most = size
        if fault == "short":
            most = max(1, size // 2)
        elif fault:
            # like a disk that fails in the middle of it
            super().write(handle, memoryview(data).cast("B")[: size // 3], offset)
            raise OSError(FAULTS[fault], os.strerror(FAULTS[fault]))
        if self.space is not None:
            grows = max(0, offset + most - os.fstat(handle).st_size)
            if grows > self.space:
                most -= grows - self.space
                if most <= 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                grows = self.space
            self.space -= grows
        return super().write(handle, memoryview(data).cast("B")[:most], offset)

    def truncate(self, handle: int, size: int) -> None:
        self._check("truncate")
        super().truncate(handle, size)

    def sync(self, handle: int) -> None:
        self._check("sync")
        # not really: tests need no power cut of this computer

    def sync_folder(self, folder: Path) -> None:
        self._check("sync")

    def rename(self, source: Path, target: Path) -> None:
        self._check("rename")
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        self._check("remove")
        super().remove(path)

    def lock(self, handle: int, *, shared: bool = False) -> bool:
        self._check("lock")
        return super().lock(handle, shared=shared)

    def free_bytes(self, folder: Path) -> int:
        return super().free_bytes(folder) if self.space is None else self.space


def every_step(fault: str = "input/output") -> Iterator[FaultyStorage]:
    """Yield storages of which the 1st, 2nd, ... step fails; in the last one none has failed."""
    for n in count(1):
        storage = FaultyStorage(fail_at=n, fault=fault)
        yield storage
        if len(storage.calls) < n:
            return


def counted(samples: int, start: int = 0) -> NDArray[np.int16]:
    """Samples of shape (samples, 2) that tell their own position and column, never zero."""
    position = np.arange(start, start + samples, dtype=np.uint64)
    mixed = [
        (position * np.uint64(factor) >> np.uint64(11)) % np.uint64(32_000) + np.uint64(1)
        for factor in (2_654_435_761, 2_246_822_519)
    ]
    return np.stack([mixed[0].astype(np.int16), -(mixed[1].astype(np.int16))], axis=1)
