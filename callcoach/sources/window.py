"""The only place that opens a recording: regular files alone, a fixed stretch of bytes, no surprise later."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path
from typing import Final

from callcoach.errors import AudioFormatError

NAME_MAX: Final = 100
"""Characters of a file name that are shown."""

_OPEN_ERRORS: Final = {
    errno.ENOENT: ("does not exist", "check the spelling and the folder"),
    errno.ENOTDIR: ("does not exist", "check the spelling and the folder"),
    errno.EACCES: ("may not be read", "ask for permission or copy it to a folder of your own"),
    errno.EPERM: ("may not be read", "ask for permission or copy it to a folder of your own"),
    errno.ELOOP: ("is a link that points at itself", "name the recording itself"),
    errno.ENAMETOOLONG: ("has a name that is too long", "rename it"),
}


def display_name(path: Path) -> str:
    """Return the file name alone, in one line of printable characters, at most ``NAME_MAX`` of them."""
    name = path.name.encode("utf-8", "replace").decode("utf-8")
    shown = "".join(c if c.isprintable() else "?" for c in name) or "the recording"
    return shown if len(shown) <= NAME_MAX else shown[: NAME_MAX - 1] + "…"


def open_regular(path: Path) -> FileWindow:
    """Open a regular file for reading, without ever waiting for another process.

    Raises
    ------
    AudioFormatError
        The path is missing, a folder, a pipe, a device or unreadable, or the file is empty.
    """
    name = display_name(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise AudioFormatError(f"{name} is a folder; name one recording.")
        if not stat.S_ISREG(mode):
            raise AudioFormatError(
                f"{name} is a pipe or a device and not a file; save the recording to a file first."
            )
        # O_NONBLOCK: should the path have become a pipe since, opening it must not wait for a writer.
        flags = (
            os.O_RDONLY
            | getattr(os, "O_NONBLOCK", 0)
            | getattr(os, "O_CLOEXEC", 0)
            | getattr(os, "O_BINARY", 0)
        )
        raw = io.FileIO(os.open(path, flags), "r")
        status = os.fstat(raw.fileno())
    except OSError as error:
        what, advice = _OPEN_ERRORS.get(error.errno or 0, ("could not be opened", "copy it to another disk"))
        raise AudioFormatError(f"{name} {what}; {advice}.") from error
    except ValueError as error:  # a null character in the path
        raise AudioFormatError(f"{name} is not a valid file name; rename the recording.") from error
    if not stat.S_ISREG(status.st_mode) or status.st_size == 0:
        raw.close()
        raise AudioFormatError(f"{name} is empty; export or record the call again.")
    return FileWindow(raw, 0, status.st_size)


class FileWindow:
    """A stretch of a file that looks like a file of its own, optionally behind a made-up header.

    Decoders call it from C, where an exception has nowhere to go: a failed read is kept in ``error`` and
    looks like the end of the file. The size is fixed when the window is made, so a growing file gives one
    answer.

    Parameters
    ----------
    raw
        The open file; shared by all windows on it, each with a position of its own. Not for two threads at
        once.
    start, length
        Bytes of the file that are shown.
    header
        Bytes shown in front of them.
    """

    name = "recording"  # shown to decoders instead of a path, so that they have no folder to look into

    def __init__(self, raw: io.FileIO, start: int, length: int, header: bytes = b"") -> None:
        self._raw = raw
        self._start = start
        self._length = length
        self._header = header
        self._position = 0
        self.error: OSError | None = None

    @property
    def size(self) -> int:
        """Bytes that can be read, header included."""
        return len(self._header) + self._length

    def window(self, start: int, length: int, header: bytes = b"") -> FileWindow:
        """Return a window on a part of this one (positions count from the start of the file's bytes)."""
        start = min(start, self._length)
        return FileWindow(self._raw, self._start + start, min(length, self._length - start), header)

    def at(self, position: int, count: int) -> bytes:
        """Return up to ``count`` bytes from ``position`` without moving; fewer at the end."""
        here, self._position = self._position, min(max(position, 0), self.size)
        data = self.read(count)
        self._position = here
        return data

    def read(self, count: int = -1) -> bytes:
        """Return up to ``count`` bytes (all that are left when negative); empty at the end."""
        left = self.size - self._position
        buffer = bytearray(left if count < 0 else min(count, left))
        return bytes(buffer[: self.readinto(buffer)])

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Fill ``buffer`` and return the number of bytes written; 0 at the end."""
        view = memoryview(buffer).cast("B")
        done = 0
        if self._position < len(self._header):
            part = self._header[self._position : self._position + len(view)]
            view[: len(part)] = part
            done = len(part)
        while done < len(view):
            offset = self._position + done - len(self._header)
            want = min(len(view) - done, self._length - offset)
            if want <= 0:
                break
            try:
                self._raw.seek(self._start + offset)
                got = self._raw.readinto(view[done : done + want])
            except (OSError, ValueError) as error:  # ValueError: closed meanwhile
                self.error = error if isinstance(error, OSError) else OSError(errno.EBADF, "file is closed")
                break
            if not got:
                break
            done += got
        self._position += done
        return done

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position, kept inside the window, and return it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        self._position = min(max(base + offset, 0), self.size)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def close(self) -> None:
        """Close the file behind all windows."""
        self._raw.close()
