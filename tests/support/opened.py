"""Sees which files of a folder are opened, by whatever library, through the kernel's own notice (Linux)."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from types import TracebackType

import pytest

IN_OPEN = 0x20
IN_NONBLOCK = 0x800


class OpenedFiles:
    """Context manager; ``names()`` gives the names of the files that were opened in ``folder`` since."""

    def __init__(self, folder: os.PathLike[str]) -> None:
        if not sys.platform.startswith("linux"):
            pytest.skip("inotify exists on Linux only")
        self._folder = os.fsencode(folder)
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = -1

    def __enter__(self) -> OpenedFiles:
        self._fd = self._libc.inotify_init1(IN_NONBLOCK)
        if self._fd < 0 or self._libc.inotify_add_watch(self._fd, self._folder, IN_OPEN) < 0:
            pytest.skip(f"inotify does not work here: {os.strerror(ctypes.get_errno())}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    def names(self) -> set[str]:
        """Return the names seen so far and forget them."""
        try:
            data = os.read(self._fd, 1 << 16)
        except BlockingIOError:
            return set()
        names, at = set(), 0
        while at < len(data):
            (length,) = struct.unpack_from("12xI", data, at)
            names.add(os.fsdecode(data[at + 16 : at + 16 + length].rstrip(b"\0")))
            at += 16 + length
        return names - {""}
