"""The recording inside the page: small, playable everywhere, with its envelope."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from callcoach.clock import SAMPLE_RATE
from callcoach.ports import Audio

MP3: Final = "audio/mpeg"
"""MP3 plays in Chromium, Firefox and Safari alike; Ogg/Opus does not play in Safari before 18.4."""

CHANNEL_KBPS: Final = 32
"""kbit/s per channel: 4.8 MB for 10 minutes of two channels, 6.4 MB as base64. The rate never changes, so
that a browser finds every position by arithmetic."""

LONG_CHANNEL_KBPS: Final = 16
"""kbit/s per channel of recordings longer than `LONG_S`: 19 MB as base64 for an hour of two channels."""

LONG_S: Final = 1200.0
"""Seconds; up to here the page stays below 15 MB at `CHANNEL_KBPS`."""

PEAK_HOP: Final = 320
"""Samples at 16 kHz (20 ms) behind each value of the envelope."""

_ENCODER: Final = "libmp3lame"
_SPEED: Final = {"compression_level": "7"}
"""Of 0 (slowest) to 9; at 7 ten minutes of two channels take some 7 s of one core."""
_FULL_SCALE: Final = 32767


@dataclass(frozen=True, slots=True)
class ReportAudio:
    """A compressed recording for the page.

    ``data`` is the file, ``mime`` its type. ``peaks``, float32 of shape (n, channels) in [0, 1], is the
    largest absolute sample of every 20 ms; None when unknown, the page then draws the level curve instead.
    Channel 0 is the agent, channel 1 the caller; one channel is a mono recording.
    """

    data: bytes
    mime: str = MP3
    peaks: NDArray[np.float32] | None = None


def encode_audio(blocks: Iterable[Audio], rate: int, *, expected_s: float | None = None) -> ReportAudio:
    """Compress a recording block by block; memory grows with the result only.

    Parameters
    ----------
    blocks : float32, shape (n, channels), any n, full scale = 1.0; values beyond it are clipped
    rate : Hz of the blocks
    expected_s : length of the recording in seconds, as far as known; above `LONG_S` fewer bits are spent

    Raises
    ------
    ValueError
        If no block has samples, or blocks differ in their channels.
    """
    kbps = LONG_CHANNEL_KBPS if expected_s is not None and expected_s > LONG_S else CHANNEL_KBPS
    writer: _Mp3Writer | None = None
    for block in blocks:
        if writer is None:
            writer = _Mp3Writer(rate, block.shape[1], kbps)
        writer.write(block)
    if writer is None:
        raise ValueError("there is nothing to compress")
    return writer.finish()


class _Mp3Writer:
    """Resample to 16 kHz, measure the envelope, encode."""

    def __init__(self, rate: int, channels: int, kbps: int) -> None:
        self._channels = channels
        self._resampler = (
            None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, channels, dtype="float32")
        )
        self._buffer = io.BytesIO()
        self._container = av.open(self._buffer, "w", format="mp3")
        self._stream = self._container.add_stream(_ENCODER, rate=SAMPLE_RATE, options=_SPEED)
        self._stream.bit_rate = kbps * 1000 * channels
        self._stream.layout = "stereo" if channels == 2 else "mono"
        self._stream.format = av.AudioFormat("s16p")
        self._written = 0
        self._rest: Audio = np.zeros((0, channels), np.float32)
        self._peaks: list[NDArray[np.float32]] = []

    def write(self, block: Audio) -> None:
        """Take a block of any length."""
        if block.shape[1] != self._channels:
            raise ValueError("all blocks of a recording have the same channels")
        self._take(block if self._resampler is None else self._resampler.resample_chunk(block))

    def finish(self) -> ReportAudio:
        """Flush everything and return the file."""
        if self._resampler is not None:
            empty = np.zeros((0, self._channels), np.float32)
            self._take(self._resampler.resample_chunk(empty, last=True))
        if len(self._rest):
            self._peaks.append(np.abs(self._rest).max(axis=0, keepdims=True))
        if not self._written:
            raise ValueError("there is nothing to compress")
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return ReportAudio(self._buffer.getvalue(), MP3, np.concatenate(self._peaks))

    def _take(self, samples: Audio) -> None:
        if not len(samples):
            return
        samples = np.clip(samples, -1.0, 1.0)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray((samples.T * _FULL_SCALE).round().astype(np.int16)),
            format="s16p",
            layout=self._stream.layout.name,
        )
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._written
        self._written += len(samples)
        self._container.mux(self._stream.encode(frame))
        joined = np.concatenate((self._rest, samples))
        whole = len(joined) // PEAK_HOP * PEAK_HOP
        if whole:
            self._peaks.append(np.abs(joined[:whole]).reshape(-1, PEAK_HOP, self._channels).max(axis=1))
        self._rest = joined[whole:]
