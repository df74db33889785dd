"""Makes small recordings in any format, for tests; everything from one seed."""

from __future__ import annotations

import io
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path

import av
import numpy as np
import soundfile as sf
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def call_like(rate: int, seconds: float, channels: int = 2, seed: int = 20) -> Samples:
    """Return bursts of harmonic sound over faint noise, the channels in turn; shape (n, channels), below
    0.7."""
    rng = np.random.default_rng(seed)
    n = round(rate * seconds)
    t = np.arange(n) / rate
    out = 0.003 * rng.standard_normal((n, channels))
    for c in range(channels):
        pitch = 110.0 + 45.0 * c + 15.0 * np.sin(2 * np.pi * 0.7 * t)
        phase = 2 * np.pi * np.cumsum(pitch) / rate
        voice = sum(np.sin(k * phase) / k for k in range(1, 12) if k * 200 < rate / 2)
        gate = (np.sin(2 * np.pi * (0.5 * t + c / max(channels, 1))) > 0).astype(float)
        out[:, c] += 0.2 * voice * gate * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))
    return out.astype(np.float32)


def sndfile(samples: Samples, rate: int, form: str, subtype: str, endian: str = "FILE") -> bytes:
    """Encode with libsndfile."""
    buffer = io.BytesIO()
    buffer.name = "x"
    sf.write(buffer, samples, rate, format=form, subtype=subtype, endian=endian)
    return buffer.getvalue()


def libav(
    samples: Samples,
    rate: int,
    form: str,
    codec: str,
    *,
    options: Mapping[str, str] | None = None,
    bit_rate: int | None = None,
    video: str | None = None,
    tracks: int = 1,
) -> bytes:
    """Encode with libav; ``video`` names a codec for a moving picture in front, ``tracks`` repeats the
    audio."""
    layout = "stereo" if samples.shape[1] == 2 else "mono"
    with tempfile.TemporaryDirectory() as folder:  # some muxers read what they wrote
        path = Path(folder) / "recording"
        with av.open(str(path), "w", format=form, options=dict(options or {})) as out:
            _mux(out, samples, rate, codec, layout, bit_rate, video, tracks)
        return path.read_bytes()


def _mux(
    out: av.container.OutputContainer,
    samples: Samples,
    rate: int,
    codec: str,
    layout: str,
    bit_rate: int | None,
    video: str | None,
    tracks: int,
) -> None:
    picture = out.add_stream(video, rate=10) if video else None
    if picture is not None:
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
    streams = [out.add_stream(codec, rate=rate, layout=layout) for _ in range(tracks if len(samples) else 0)]
    for stream in streams:
        if bit_rate:
            stream.bit_rate = bit_rate
    if picture is not None:
        for index in range(max(10, int(len(samples) / rate * 10))):
            image = np.full((48, 64, 3), index * 5 % 255, np.uint8)
            out.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(picture.encode(None))
    for number, stream in enumerate(streams):
        if not stream.codec_context.is_open:
            stream.codec_context.open()
        resampler = av.AudioResampler(
            format=stream.codec_context.format.name,
            layout=layout,
            rate=rate,
            frame_size=stream.codec_context.frame_size or 1024,
        )
        for at in range(0, len(samples), rate):
            second = np.ascontiguousarray(samples[at : at + rate].T / (1 + number))
            frame = av.AudioFrame.from_ndarray(second, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate, at
            for part in resampler.resample(frame):
                out.mux(stream.encode(part))
        for part in resampler.resample(None):
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))


def wav(
    data: bytes,
    *,
    tag: int = 1,
    channels: int = 2,
    rate: int = 16_000,
    bits: int = 16,
    align: int | None = None,
    size: int | None = None,
    magic: bytes = b"RIFF",
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """Write a WAV by hand, with any header; ``size`` is what the data chunk claims."""
    align = channels * ((bits + 7) // 8) if align is None else align
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * align & 0xFFFFFFFF, align & 0xFFFF, bits)
    claimed = len(data) if size is None else size
    body = b"WAVE" + before + b"fmt " + struct.pack("<I", 16) + form
    body += b"data" + struct.pack("<I", claimed) + data + after
    return magic + struct.pack("<I", len(body) & 0xFFFFFFFF) + body


def pcm16(samples: Samples) -> bytes:
    """Return samples as 16-bit little-endian integers."""
    return np.round(np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes()
