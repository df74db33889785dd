"""Bounds that hold before any memory is spent, and the book of what was wrong with a recording."""

from __future__ import annotations

from typing import Final

from callcoach.errors import AudioFormatError
from callcoach.ports import Verdict

RATE_MIN: Final = 4_000
"""Hz. Below it no speech is left, and a header of 1 Hz would grow 16,000-fold when resampled."""
RATE_MAX: Final = 384_000
"""Hz. The highest rate of any sound card; above it the header is wrong."""
CHANNELS_MAX: Final = 32
"""Channels that a recording may have; two of them are used."""
HOURS_MAX: Final = 24
"""Hours; the longest recording that is read."""
BLOCK_SECONDS: Final = 1
"""Seconds; the length of a block that a source delivers, except the last one."""
MERGE_SECONDS: Final = 0.1
"""Seconds; two damaged spans closer than this become one."""
SPANS_MAX: Final = 4_096
"""Spans kept per recording; with more, the closest neighbours are joined, so that memory stays bounded."""
CAP_SLACK_SECONDS: Final = 60
"""Seconds that any compressed file may decode to, whatever its size."""
MIN_BYTES_PER_SECOND: Final = {
    "mp1": 500,
    "mp2": 500,
    "mp3": 500,
    "amrnb": 30,
    "amrwb": 30,
    "gsm": 1_000,
    "gsm_ms": 1_000,
}
"""Bytes that one second takes at least in a codec. MPEG audio: 8 kbit/s, free format half of that; AMR: one
byte per 20 ms in pauses; GSM: 13 kbit/s. Half of the true value is left as a margin."""
MIN_BYTES_PER_SECOND_OTHER: Final = 8
"""The same for codecs with silence of almost no bytes (FLAC, Opus, Vorbis, AAC): FLAC writes digital silence
at 8 kHz in 22 bytes a second, Opus with gaps takes 25."""


def check_shape(name: str, rate: float, channels: int) -> None:
    """Refuse a recording whose header is outside the bounds, before anything is allocated.

    Parameters
    ----------
    name
        File name for people.
    rate
        Hz, as the header says.
    channels
        As the header says.

    Raises
    ------
    AudioFormatError
        Unless ``RATE_MIN <= rate <= RATE_MAX`` and ``1 <= channels <= CHANNELS_MAX``.
    """
    if channels < 1:
        raise AudioFormatError(
            f"{name} declares no channels, so its header is damaged; export the recording again."
        )
    if channels > CHANNELS_MAX:
        raise AudioFormatError(
            f"{name} declares {channels} channels and at most {CHANNELS_MAX} can be read; "
            "export it with two channels."
        )
    if not RATE_MIN <= rate <= RATE_MAX:
        raise AudioFormatError(
            f"{name} declares a sample rate of {rate:.6g} Hz and only {RATE_MIN} to {RATE_MAX} Hz "
            "can be read; export it at 8000 to 48000 Hz."
        )


def frame_cap(rate: int, size: int, codec: str) -> int:
    """Return how many frames a compressed file may decode to.

    Parameters
    ----------
    rate
        Hz.
    size
        Bytes of the file.
    codec
        Name of the codec; unknown names get the widest bound.

    Returns
    -------
    int
        Frames; at most 24 h.
    """
    seconds = CAP_SLACK_SECONDS + size / MIN_BYTES_PER_SECOND.get(codec, MIN_BYTES_PER_SECOND_OTHER)
    return int(min(seconds, HOURS_MAX * 3600) * rate)


def duration_text(frames: int, rate: int) -> str:
    """Write a length for people: ``12.3 s`` below ten minutes, else ``h:mm:ss``."""
    seconds = frames / rate
    if seconds < 600:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


class DamageLog:
    """Fills a verdict while a recording is read; spans stay sorted, merged and few.

    ``verdict`` may be looked at any time and is complete after ``finish``.
    """

    def __init__(self) -> None:
        self.verdict = Verdict()
        self._gap = 0

    def set_rate(self, rate: int) -> None:
        """Tell the rate in Hz, on which merging of spans depends."""
        self._gap = int(rate * MERGE_SECONDS)

    def note(self, reason: str) -> None:
        """Add a sentence worth knowing that costs no audio; the status stays as it is."""
        if reason not in self.verdict.reasons:
            self.verdict.reasons.append(reason)

    def salvage(self, reason: str) -> None:
        """Mark the recording as salvaged without a span."""
        self.verdict.salvage(reason)

    def damage(self, reason: str, start: int, end: int) -> None:
        """Mark ``[start, end)`` (frames at the source's rate) as damaged, missing or replaced."""
        if end <= start:
            return
        self.verdict.salvage(reason)
        spans = self.verdict.spans
        if spans and start <= spans[-1][1] + self._gap and end >= spans[-1][0] - self._gap:
            spans[-1] = (min(start, spans[-1][0]), max(end, spans[-1][1]))
        else:
            spans.append((start, end))
        if len(spans) > SPANS_MAX:
            self._merge()
            while len(spans) > SPANS_MAX // 2:
                self._gap = 2 * self._gap + 1
                self._merge()

    def finish(self) -> None:
        """Sort and merge the spans one last time."""
        self._merge()

    def _merge(self) -> None:
        spans = self.verdict.spans
        spans.sort()
        merged: list[tuple[int, int]] = []
        for start, end in spans:
            if merged and start <= merged[-1][1] + self._gap:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        spans[:] = merged
