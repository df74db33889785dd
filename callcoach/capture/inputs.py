"""A recording in the place of a device: the same blocks, at the speed of real sound."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Final

import numpy as np
import soxr

from callcoach.clock import SAMPLE_RATE
from callcoach.errors import CallCoachError, DeviceError
from callcoach.ports import Audio
from callcoach.sound_ports import Clock, InputBlock, OnBlock, OnEnd, Pcm

__all__ = ["FileInput"]

BLOCK: Final = SAMPLE_RATE // 50
"""Samples of a block (20 ms), as sound devices deliver them."""
FULL_SCALE: Final = 32768.0

log = logging.getLogger(__name__)


class FileInput:
    """One column of a recording, played at real speed; implements ``callcoach.sound_ports.AudioInput``.

    Sample n of the recording (at 16 kHz) has the time ``start + n / 16000``, computed from n: no drift,
    no jitter. A thread of its own hands every block over when its last sample is due.

    Parameters
    ----------
    name
        For people; without folders.
    open_blocks
        Opens the recording and yields float32 blocks of shape ``(n, k)`` or ``(n,)``, full scale 1.
    rate
        Hz, of these blocks. At 16 kHz what was int16 comes out to the bit.
    column
        Which of the k columns.
    clock
        Where time comes from.
    pace
        How many times faster than real speed; times of blocks stay those of real speed. For a whole
        path that runs faster, take a ``PacedClock`` and leave this at 1.
    start
        ``Clock.monotonic`` of sample 0; two inputs with the same start begin at the same sample. By
        default the moment of ``open``.

    Raises
    ------
    ValueError
        Unless ``pace`` is above 0.
    """

    def __init__(
        self,
        name: str,
        open_blocks: Callable[[], Iterator[Audio]],
        rate: int,
        column: int,
        clock: Clock,
        pace: float = 1.0,
        start: float | None = None,
    ) -> None:
        if not pace > 0:
            raise ValueError(f"the pace of a recording is above 0, got {pace}")
        self.name = name
        self._open_blocks = open_blocks
        self._rate = rate
        self._column = column
        self._clock = clock
        self._pace = pace
        self._start = start
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, on_block: OnBlock, on_end: OnEnd) -> None:
        """Begin to play.

        Raises
        ------
        DeviceError
            When the recording cannot be read, or is playing already.
        """
        if self.active:
            raise DeviceError(f"{self.name} is playing already; close it first.")
        self.close()
        try:
            blocks = self._open_blocks()
        except CallCoachError as error:
            raise DeviceError(str(error)) from error
        self._stop.clear()
        start = self._clock.monotonic() if self._start is None else self._start
        self._thread = threading.Thread(
            target=self._play, args=(blocks, start, on_block, on_end), name="file-input", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop and wait for the thread; may be called more than once, ``on_end`` is not called."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    @property
    def active(self) -> bool:
        """Whether blocks are coming."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def _play(self, blocks: Iterator[Audio], start: float, on_block: OnBlock, on_end: OnEnd) -> None:
        reason = "ended"
        position = 0
        try:
            for pcm in cut_blocks(self._resampled(blocks), BLOCK):
                end = position + len(pcm)
                if not self._wait(start + end / SAMPLE_RATE / self._pace):
                    return
                on_block(InputBlock(start + position / SAMPLE_RATE, pcm))
                position = end
        except Exception as error:  # the worker's loop: damage must not end the call without a word
            log.error("a recording could not be read on after %d samples: %s", position, type(error).__name__)
            reason = "failed"
        finally:
            if isinstance(blocks, Generator):
                blocks.close()
        if not self._stop.is_set():
            on_end(reason)

    def _wait(self, due: float) -> bool:
        """Wait until ``due`` on the clock; return False when the input was closed meanwhile."""
        while not self._stop.is_set():
            left = due - self._clock.monotonic()
            if left <= 0:
                return True
            self._clock.sleep(min(left, 0.1))
        return False

    def _resampled(self, blocks: Iterator[Audio]) -> Iterator[Pcm]:
        """Yield the column as int16 at 16 kHz, in pieces of any length."""
        stream = None
        if self._rate != SAMPLE_RATE:
            stream = soxr.ResampleStream(self._rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")
        for block in blocks:
            column = np.ascontiguousarray(block if block.ndim == 1 else block[:, self._column], np.float32)
            if stream is not None:
                column = stream.resample_chunk(column)
            yield to_pcm(column)
        if stream is not None:
            yield to_pcm(stream.resample_chunk(np.zeros(0, np.float32), last=True))


def to_pcm(audio: Audio) -> Pcm:
    """Return float32 samples (full scale 1) as int16, rounded and limited; exact for what was int16."""
    pcm: Pcm = np.clip(np.rint(audio * np.float32(FULL_SCALE)), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return pcm


def cut_blocks(pieces: Iterator[Pcm], length: int) -> Iterator[Pcm]:
    """Yield arrays of ``length`` samples out of pieces of any length; the last one may be shorter."""
    kept: list[Pcm] = []
    count = 0
    for piece in pieces:
        while len(piece):
            taken = piece[: length - count]
            kept.append(taken)
            count += len(taken)
            piece = piece[len(taken) :]
            if count == length:
                yield np.concatenate(kept)
                kept, count = [], 0
    if kept:
        yield np.concatenate(kept)
