"""Reads compressed audio and the sound of videos through libav, packet by packet.

Every error costs one packet and no more. Time stamps place what follows, so that a lost packet becomes
silence of its own length with a span in the verdict, and later audio stays where it belongs.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from callcoach.errors import AudioFormatError, ConfigError
from callcoach.ports import Audio
from callcoach.sources.limits import BLOCK_SECONDS, DamageLog, check_shape, frame_cap
from callcoach.sources.mpeg import mpeg_frame, skip_id3
from callcoach.sources.sniff import DEMUXERS, MP3, Kind
from callcoach.sources.timeline import CAPPED, Timeline
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
MP3_HEADER_MAX: Final = 2_048
"""Bytes behind the tags in which an MP3 tells its length."""
AAC_SLACK: Final = 4_096
"""Frames; delay and padding of AAC encoders."""
LOSSY_SLACK: Final = 1_152
"""Frames; padding of other lossy encoders (one frame of MP3)."""

CHANGE: Final = "The audio format changes within the recording; other parts were replaced by silence."
TAIL: Final = "The end of the recording could not be decoded and is missing."
DISK: Final = "The disk reported an error; the rest of the recording could not be read."

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
        self._start_at = start_at
        self._timeline: Timeline | None = None
        self._lost = False
        self._first_lost: int | None = None
        self._ended = False
        self._packets = self._bytes = self._errors = 0
        self._frames = self._frame_bytes = self._phantoms = 0
        self._next_byte: int | None = None
        self._frame_length = 0
        self.rate = self.channels = 0
        self.declared: int | None = None
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
        if codec == "flac":  # has a checksum over every frame, which is not looked at unless asked for
            context.options = {"err_detect": "crccheck+explode"}
        self._iterator = self._container.demux(self._stream)
        self._codec = codec.removeprefix("libopencore_").removesuffix("float")
        base = self._stream.time_base or Fraction(1, av.time_base)
        self._base = base.numerator, base.denominator
        while self._timeline is None and self._pull():
            pass
        if self._timeline is None:
            raise AudioFormatError(
                f"{self._name} ({self._kind.label}) has no audio that could be decoded; export it again."
            )
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
        assert self._timeline is not None  # made by the first frame, without which there is no reader
        want = BLOCK_SECONDS * self.rate
        while self._timeline.waiting < want and self._pull():
            pass
        return self._timeline.take(want)

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
            return True  # in the middle of a file an empty packet would tell the decoder that it has ended
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
        if self._timeline is None and self._first_lost is None:
            self._first_lost = packet.pts

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
        place = self._timeline
        if self._next_byte is not None and place is not None and packet.pos > self._next_byte:
            missing = packet.pos - self._next_byte
            lost = round(missing * self._frames / self._frame_bytes) - self._phantoms
            if lost and not self._window.at(self._next_byte, 8).startswith(_TAGS):
                place.origin = (place.origin or 0) - lost * self._frame_length
                self._lost = True
        self._phantoms = 0
        self._next_byte = packet.pos + length

    def _take(self, frame: AudioFrame, packet: Packet[AudioStream]) -> None:
        """Hand one decoded frame to the timeline, unless it does not belong to the others."""
        rate, channels = frame.sample_rate, frame.layout.nb_channels
        if self._timeline is None:
            check_shape(self._name, rate, channels)
            self.rate, self.channels = rate, channels
            self._log.set_rate(rate)
            cap = frame_cap(rate, self._window.size, self._codec)
            self.declared = self._promise()
            self._timeline = Timeline(rate, channels, cap, self.declared, self._start_at, self._log)
        elif rate != self.rate or channels != self.channels:
            self._lose(packet)
            self._log.salvage(CHANGE)
            return
        time = None if frame.pts is None else self._frames_of(frame.pts)
        if self._timeline.origin is None and time is not None and self._first_lost is not None:
            # Before the first sound something was lost: the call began there, but not before time 0.
            self._timeline.origin = max(min(self._frames_of(self._first_lost), time), min(time, 0))
        self._frame_length = frame.samples
        try:
            self._timeline.place(frame, time, self._lost)
        except AV_ERRORS:
            self._lose(packet)
            return
        self._lost = False
        self._ended = self._timeline.full

    def _frames_of(self, stamp: int) -> int:
        """Convert a time stamp of the track to frames, to nearest."""
        up, down = self._base
        return (2 * stamp * up * self.rate + down) // (2 * down)
