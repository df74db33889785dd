"""Reads compressed audio and the sound of videos through libav, packet by packet.

Every error costs one packet and no more. Time stamps place what follows, so that a lost packet becomes
silence of its own length with a span in the verdict, and later audio stays where it belongs.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from callcoach.errors import AudioFormatError, ConfigError
from callcoach.ports import Audio
from callcoach.sources.limits import BLOCK_SECONDS, DamageLog, check_shape, frame_cap
from callcoach.sources.mpeg import mpeg_frame, skip_id3
from callcoach.sources.sniff import DEMUXERS, MP3, Kind
from callcoach.sources.window import FileWindow

AV_ERRORS: Final = (
    av.error.FFmpegError, OSError, RuntimeError, ValueError, TypeError, LookupError, ArithmeticError,
)  # fmt: skip
"""Everything that the binding raises for a file it does not like."""
CODECS: Final = frozenset(
    name
    for name in av.codecs_available
    if name.startswith(("pcm_", "adpcm_"))
    or name
    in {
        "aac", "aac_latm", "ac3", "alac", "amrnb", "amrwb", "eac3", "flac", "g722", "g723_1", "g726",
        "g726le", "g729", "gsm", "gsm_ms", "ilbc", "libopencore_amrnb", "libopencore_amrwb", "libopus",
        "mp1", "mp1float", "mp2", "mp2float", "mp3", "mp3float", "nellymoser", "opus", "speex",
        "truespeech", "vorbis", "wmalossless", "wmapro", "wmav1", "wmav2", "wmavoice",
    }
)  # fmt: skip
"""Decoders that may run. Video and picture decoders are never started, also not to probe a file."""
ERRORS_IN_A_ROW: Final = 100
"""Failed attempts to find a next packet before the rest of a file counts as lost."""
PACKETS_SLACK: Final = 1_000
"""Packets that a file may have beyond its number of bytes; ends tables that repeat one place for ever."""
GAP_MAX_SECONDS: Final = 3_600
"""Longest gap in the time stamps that is believed (calls on hold are recorded with gaps); beyond it they
jumped."""
BACK_MAX_SECONDS: Final = 0.5
"""Time stamps that lag behind the audio by more than this have started anew (recordings joined end to
end)."""
EXACT_SECONDS: Final = 0.002
"""Rounding of time stamps in containers that count milliseconds."""
MP3_HEADER_MAX: Final = 2_048
"""Bytes behind the tags in which an MP3 tells its length."""
AAC_SLACK: Final = 4_096
"""Frames; delay and padding of AAC encoders."""
LOSSY_SLACK: Final = 1_152
"""Frames; padding of other lossy encoders (one frame of MP3)."""

GAP: Final = "Parts of the recording are missing or damaged; they were replaced by silence."
CHANGE: Final = "The audio format changes within the recording; other parts were replaced by silence."
JUMP: Final = "The time stamps of the recording jump; the parts were joined without a pause."
TAIL: Final = "The end of the recording could not be decoded and is missing."
CAPPED: Final = "More audio came out than a file of this size can hold; reading stopped there."
DISK: Final = "The disk reported an error; the rest of the recording could not be read."

_SCALE: Final = {"u8": 128.0, "s16": 32_768.0, "s32": 2_147_483_648.0}
_TAGS: Final = (b"ID3", b"TAG", b"APETAGEX", b"LYRICS")


def open_container(window: FileWindow, demuxer: str) -> InputContainer:
    """Open a container with one demuxer, on our own file, without any way to another file.

    Raises
    ------
    av.error.FFmpegError
        The demuxer is none of ``DEMUXERS``, or does not like the file.
    """
    return av.open(
        window,
        "r",
        format=demuxer,
        metadata_errors="replace",
        io_open=_refuse,
        container_options={
            "format_whitelist": ",".join(sorted(DEMUXERS)),
            "codec_whitelist": ",".join(sorted(CODECS)),
            "protocol_whitelist": "none",  # not even files: the bytes come from the window alone
        },
    )


def _refuse(url: str, flags: int, options: dict[str, str]) -> object:
    raise PermissionError("a recording must not open another file")


class AvReader:
    """A ``Reader`` on libav.

    Parameters
    ----------
    window
        The whole file.
    name
        File name for people.
    kind
        What the file is.
    track
        Which audio track, from 0.
    log
        Where damage is written down.
    start_at
        Frames to leave out at the start, because another reader delivered them.

    Raises
    ------
    AudioFormatError
        There is no audio, or none that can be decoded.
    ConfigError
        The chosen track does not exist.
    """

    def __init__(
        self, window: FileWindow, name: str, kind: Kind, track: int, log: DamageLog, start_at: int = 0
    ) -> None:
        self._window = window.window(0, window.size)
        self._name = name
        self._kind = kind
        self._log = log
        self._queue: deque[Audio | int] = deque()  # an int stands for that many frames of silence
        self._queued = 0
        self._out = 0
        self._skip = self._skip_end = start_at
        self._origin: int | None = None
        self._lost = False
        self._first_lost: Fraction | None = None
        self._ended = False
        self._packets = self._bytes = self._errors = 0
        self._frames = self._frame_bytes = self._phantoms = 0
        self._next_byte: int | None = None
        self._frame_length = self._cap = 0
        self.rate = self.channels = 0
        try:
            self._container = open_container(self._window, kind.demuxer)
        except AV_ERRORS as error:
            hint = "its index at the end is missing" if kind.demuxer == "mov" else "its header is damaged"
            raise AudioFormatError(
                f"{name} cannot be opened as {kind.label}, perhaps because {hint}; export it again."
            ) from error
        try:
            self._stream = self._choose(track)
            self._open()
        except BaseException:
            self.close()
            raise

    def _choose(self, track: int) -> AudioStream:
        streams = self._container.streams.audio
        if not streams:
            raise AudioFormatError(
                f"{self._name} ({self._kind.label}) has no audio track; choose a recording with sound."
            )
        if not 0 <= track < len(streams):
            raise ConfigError(
                f"{self._name} has {len(streams)} audio track(s), so there is no track {track}."
            )
        return streams[track]

    def _open(self) -> None:
        # Without a decoder for the track there is no context, whatever the type says.
        codec = str(getattr(self._stream.codec_context, "name", ""))
        if codec not in CODECS:
            raise AudioFormatError(
                f"{self._name} holds audio of a kind ({codec or 'unknown'}) that is not read here; "
                "convert it to WAV or FLAC."
            )
        context = self._stream.codec_context
        if context.sample_rate:
            check_shape(self._name, context.sample_rate, max(context.channels, 1))
        context.thread_count = 1  # with more, frames come late and an error hits its neighbours
        self._iterator = self._container.demux(self._stream)
        self._codec = codec.removeprefix("libopencore_").removesuffix("float")
        while not self._queue and self._pull():
            pass
        if not self._queue:
            raise AudioFormatError(
                f"{self._name} ({self._kind.label}) has no audio that could be decoded; export it again."
            )
        self.declared = self._promise()
        self.slack = 0 if codec == "flac" else AAC_SLACK if codec.startswith("aac") else LOSSY_SLACK

    def _promise(self) -> int | None:
        """Return the frames that the container promises; lengths that libav guessed do not count."""
        if self._kind.raw and not (self._kind is MP3 and self._has_mp3_length()):
            return None
        if self._kind.demuxer in ("mpegts", "mpeg"):
            return None
        length = None
        if self._stream.duration and self._stream.time_base:
            length = Fraction(self._stream.duration) * self._stream.time_base
        elif self._container.duration:
            length = Fraction(self._container.duration, av.time_base)
        return round(length * self.rate) if length is not None and length > 0 else None

    def _has_mp3_length(self) -> bool:
        head = self._window.at(skip_id3(self._window), MP3_HEADER_MAX)
        return b"Xing" in head or b"Info" in head or b"VBRI" in head

    def read(self) -> Audio | None:
        """Return up to one second of float32 frames, or None at the end."""
        want = BLOCK_SECONDS * self.rate
        while self._queued < want + self._skip and self._pull():
            self._drop_skipped()
        self._drop_skipped()
        parts: list[Audio] = []
        while want and self._queue:
            part = self._queue.popleft()
            length = part if isinstance(part, int) else len(part)
            take = min(want, length)
            if take < length:
                self._queue.appendleft(length - take if isinstance(part, int) else part[take:])
            parts.append(
                np.zeros((take, self.channels), np.float32) if isinstance(part, int) else part[:take]
            )
            want -= take
            self._queued -= take
        return np.concatenate(parts) if parts else None

    def _drop_skipped(self) -> None:
        while self._skip and self._queue:
            part = self._queue.popleft()
            length = part if isinstance(part, int) else len(part)
            drop = min(self._skip, length)
            self._skip -= drop
            self._queued -= drop
            if drop < length:
                self._queue.appendleft(length - drop if isinstance(part, int) else part[drop:])

    def close(self) -> None:
        """Close the container."""
        self._container.close()

    def _pull(self) -> bool:
        """Decode one more packet into the queue; False at the end."""
        if self._ended:
            return False
        packet = self._next_packet()
        if packet is None:
            self._ended = True
            if self._lost:
                self._log.salvage(TAIL)
            if self._window.error is not None:
                self._log.salvage(DISK)
            return False
        if packet.size == 0 and (packet.pts is not None or packet.dts is not None):
            return (
                True  # an empty packet in the middle would make the decoder believe that the file has ended
            )
        self._count_bytes_between(packet)
        if packet.is_corrupt:
            self._lose(packet)
            return True
        try:
            frames = packet.decode()
        except EOFError:  # the decoder was told of the end already
            return True
        except AV_ERRORS:
            self._lose(packet)
            return True
        for frame in frames:
            if frame.samples > 0:
                self._take(frame, packet)
        return not self._ended

    def _next_packet(self) -> Packet[AudioStream] | None:
        limit = self._window.size + PACKETS_SLACK
        while self._errors < ERRORS_IN_A_ROW:
            try:
                packet = next(self._iterator, None)
            except AV_ERRORS:
                self._errors += 1
                self._lost = True
                self._iterator = self._container.demux(self._stream)
                continue
            self._errors = 0
            if packet is None:
                return None
            self._packets += 1
            self._bytes += packet.size
            if self._packets > limit or self._bytes > 2 * limit:
                self._log.salvage(CAPPED)
                return None
            return packet
        return None

    def _lose(self, packet: Packet[AudioStream]) -> None:
        if packet.size == 0:
            return
        self._lost = True
        if self._origin is None and self._first_lost is None and packet.pts is not None and packet.time_base:
            self._first_lost = packet.pts * packet.time_base

    def _count_bytes_between(self, packet: Packet[AudioStream]) -> None:
        """In a bare run of packets, turn bytes that no frame covers into the time they would have taken."""
        if not self._kind.raw or packet.pos is None or packet.pos < 0 or packet.size == 0:
            return
        length = packet.size
        if self._kind is MP3:  # rubbish may hang on to a frame, or be taken for one
            header = mpeg_frame(bytes(memoryview(packet)[:4]), 0)
            if header is None:
                self._phantoms += 1
                return
            length = min(length, header.length)
        self._frames += 1
        self._frame_bytes += length
        if self._next_byte is not None and self._origin is not None and packet.pos > self._next_byte:
            missing = packet.pos - self._next_byte
            lost = round(missing * self._frames / self._frame_bytes) - self._phantoms
            if lost and not self._window.at(self._next_byte, 8).startswith(_TAGS):
                self._origin -= lost * self._frame_length
                self._lost = True
        self._phantoms = 0
        self._next_byte = packet.pos + length

    def _take(self, frame: AudioFrame, packet: Packet[AudioStream]) -> None:
        """Put one decoded frame where its time stamp says."""
        if not self.rate:
            check_shape(self._name, frame.sample_rate, frame.layout.nb_channels)
            self.rate, self.channels = frame.sample_rate, frame.layout.nb_channels
            self._log.set_rate(self.rate)
            self._cap = frame_cap(self.rate, self._window.size, self._codec)
        elif frame.sample_rate != self.rate or frame.layout.nb_channels != self.channels:
            self._lose(packet)
            self._log.salvage(CHANGE)
            return
        try:
            samples = _to_float(frame)
        except AV_ERRORS:
            self._lose(packet)
            return
        self._frame_length = len(samples)
        time = self._time(frame)
        if self._origin is None:
            self._origin = self._first_origin(time)
        if time is not None:
            self._align(time - self._origin - self._out, len(samples))
        self._lost = False
        self._append(samples, len(samples))

    def _time(self, frame: AudioFrame) -> int | None:
        if frame.pts is None or not frame.time_base:
            return None
        base = frame.time_base
        return (frame.pts * base.numerator * self.rate * 2 + base.denominator) // (2 * base.denominator)

    def _first_origin(self, time: int | None) -> int:
        if time is None:
            return 0
        if self._first_lost is None:
            return time
        lost = round(self._first_lost * self.rate)
        return max(min(lost, time), min(time, 0))

    def _align(self, gap: int, length: int) -> None:
        """Bring the output to the time of the next frame; ``gap`` is how far it lies ahead, in frames."""
        exact = int(EXACT_SECONDS * self.rate)
        tolerance = (
            exact
            if self._lost
            else min(max(6 * length // 10, 12 * self.rate // 1000), 60 * self.rate // 1000)
        )
        assert self._origin is not None
        believed = GAP_MAX_SECONDS * self.rate
        if gap > believed or gap < -BACK_MAX_SECONDS * self.rate:
            self._origin += gap
            self._log.salvage(JUMP)
        elif gap > tolerance:
            self._log.damage(GAP, max(self._out, self._skip_end), self._out + gap)
            self._append(gap, gap)
        elif self._lost:
            self._log.salvage(GAP)

    def _append(self, part: Audio | int, length: int) -> None:
        if self._out + length > self._cap:
            self._log.salvage(CAPPED)
            self._ended = True
            return
        self._queue.append(part)
        self._queued += length
        self._out += length


def _to_float(frame: AudioFrame) -> Audio:
    """Return the samples as float32, shape (n, channels), full scale 1.0."""
    data = frame.to_ndarray()
    kind = frame.format.name.removesuffix("p")
    data = data.T if frame.format.is_planar else data.reshape(-1, frame.layout.nb_channels)
    samples = data.astype(np.float32)
    if kind == "u8":
        samples -= 128.0
    scale = _SCALE.get(kind)
    if scale is not None:
        samples /= scale
    return samples
