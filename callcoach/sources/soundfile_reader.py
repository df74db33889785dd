"""Reads plain samples, ADPCM, GSM and FLAC through libsndfile.

``SoundFile.blocks`` must not be used: it repeats old memory when a compressed file is cut short. ``read``
returns what was decoded and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import soundfile as sf

from callcoach.ports import Audio
from callcoach.sources.layout import Layout
from callcoach.sources.limits import BLOCK_SECONDS, DamageLog, check_shape, frame_cap
from callcoach.sources.reader import Reader
from callcoach.sources.timeline import CAPPED
from callcoach.sources.window import FileWindow

SOUNDFILE_ERRORS: Final = (sf.SoundFileError, OSError, RuntimeError, ValueError, TypeError)
"""Everything that the binding raises for a file it does not like."""
_FRAMES_MAX: Final = 1 << 50
"""libsndfile says 2**63 - 1 when a FLAC header does not give a length."""

BROKEN: Final = "The recording is damaged; what could not be decoded is missing."


class SoundfileReader:
    """A ``Reader`` on libsndfile.

    Parameters
    ----------
    window
        The whole file.
    name
        File name for people.
    layout
        Where the samples lie, or None to let libsndfile read the header.
    log
        Where damage is written down.
    salvage
        Called with the number of frames delivered when decoding fails; returns a reader that goes on from
        there, or None.

    Raises
    ------
    AudioFormatError
        The header is outside the bounds.
    soundfile.SoundFileError
        libsndfile does not read this file.
    """

    slack = 0

    def __init__(
        self,
        window: FileWindow,
        name: str,
        layout: Layout | None,
        log: DamageLog,
        salvage: Callable[[int], Reader | None] | None = None,
    ) -> None:
        self._log = log
        self._salvage = salvage
        self._next: Reader | None = None
        self._delivered = 0
        self._may_be_cut = layout is None
        if layout is None:
            self._window = window.window(0, window.size)
            self._file = sf.SoundFile(self._window)
            frames = self._file.frames
            self.declared: int | None = frames if 0 < frames < _FRAMES_MAX else None
            self._cap = frame_cap(self._file.samplerate, window.size, self._file.subtype)
        else:
            self._window = window.window(layout.start, layout.available, layout.header or b"")
            if layout.subtype is None:
                self._file = sf.SoundFile(self._window)
            else:
                self._file = sf.SoundFile(
                    self._window, samplerate=layout.rate, channels=layout.channels, format="RAW",
                    subtype=layout.subtype, endian=layout.endian,
                )  # fmt: skip
            self.declared = layout.declared_frames
            self._cap = layout.available_frames
        self.rate = int(self._file.samplerate)
        self.channels = int(self._file.channels)
        check_shape(name, self.rate, self.channels)

    def read(self) -> Audio | None:
        """Return up to one second of float32 frames, or None at the end."""
        if self._next is not None:
            return self._next.read()
        want = min(BLOCK_SECONDS * self.rate, self._cap - self._delivered)
        if want <= 0:
            if self._may_be_cut:
                self._log.salvage(CAPPED)
            return None
        try:
            block: Audio = self._file.read(want, dtype="float32", always_2d=True)
        except SOUNDFILE_ERRORS:
            return self._go_on()
        if self._window.error is not None:
            self._log.salvage("The disk reported an error; the rest of the recording could not be read.")
        if not len(block):
            promised = self.declared is not None and self._delivered < self.declared
            return self._go_on() if promised and self._salvage is not None else None
        self._delivered += len(block)
        return np.asarray(block, np.float32)

    def _go_on(self) -> Audio | None:
        self._next = self._salvage(self._delivered) if self._salvage is not None else None
        if self._next is None:
            self._log.salvage(BROKEN)
            self._cap = self._delivered
            return None
        return self._next.read()

    def close(self) -> None:
        """Close the decoder."""
        self._file.close()
        if self._next is not None:
            self._next.close()
