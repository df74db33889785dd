"""Opens a recording as a ``Source``: any accepted format in, the two parties' samples out, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from callcoach.errors import AudioFormatError, ConfigError
from callcoach.ports import Audio, Source, Verdict
from callcoach.sources.av_reader import AvReader
from callcoach.sources.layout import Layout, read_layout
from callcoach.sources.limits import HOURS_MAX, MERGE_SECONDS, DamageLog, duration_text
from callcoach.sources.protection import check_container, ogg_has_end
from callcoach.sources.reader import Reader
from callcoach.sources.sniff import FLAC, OGG, W64, WAV, sniff
from callcoach.sources.soundfile_reader import SOUNDFILE_ERRORS, SoundfileReader
from callcoach.sources.window import FileWindow, display_name, open_regular

VALUE_MAX: Final = 2.0**31
"""Full scale = 1; the largest value that a wrongly scaled 32-bit recording can have. Beyond it a sample is
damaged, and its square would leave float32."""
TINY: Final = float(np.finfo(np.float32).tiny)
"""Smaller values are subnormal; they are far below any sound and slow every filter down."""
LENGTH_SHARE: Final = 0.01
"""Share of the promised length that may be missing without a word (IMP-5), up to ``LENGTH_SECONDS``."""
LENGTH_SECONDS: Final = 0.1
"""Seconds that may be missing without a word: of three hours, 1 % would be two minutes."""

NOT_NUMBERS: Final = "Some samples were not usable numbers; they were replaced by silence."
NO_LENGTH: Final = "The header does not give a length; the file was read to its end."
NO_END_MARK: Final = "The recording stops without an end mark, so its end may be missing."


class RecordingSource:
    """A recording on disk; implements ``callcoach.ports.Source``.

    Made by ``open_recording``. Holds no global state, so it can live in a process of its own; for one thread.

    Attributes
    ----------
    name
        File name without folders.
    rate
        Hz.
    channels
        2 (agent, caller), or 1 for a mono recording.
    file_channels
        Channels that the file has.
    declared_length
        Frames that the container promises, or None.
    verdict
        Complete once ``blocks`` is exhausted.
    """

    def __init__(
        self,
        name: str,
        window: FileWindow,
        reader: Reader,
        columns: tuple[int, ...],
        log: DamageLog,
        first: Audio,
    ) -> None:
        self.name = name
        self.rate = reader.rate
        self.channels = len(columns)
        self.file_channels = reader.channels
        self.declared_length = reader.declared
        self._window = window
        self._reader = reader
        self._columns = list(columns)
        self._log = log
        self.verdict: Verdict = log.verdict
        self._first: Audio | None = first
        self._position = 0
        self._begun = self._closed = False

    def blocks(self) -> Iterator[Audio]:
        """Yield float32 blocks of shape ``(n, channels)``, 1 <= n <= one second, finite values only.

        Raises
        ------
        RuntimeError
            Called a second time, or the source is closed: a program error.
        """
        if self._begun or self._closed:
            raise RuntimeError("a recording is read once and before it is closed")
        self._begun = True
        return self._blocks()

    def _blocks(self) -> Iterator[Audio]:
        block, self._first = self._first, None
        end = HOURS_MAX * 3600 * self.rate
        while block is not None:
            if self._position + len(block) > end:
                self._log.salvage(f"Only the first {HOURS_MAX} hours of the recording were read.")
                break
            start = self._position
            self._position += len(block)
            yield self._clean(block, start)
            if self._closed:
                raise RuntimeError("the recording was closed while it was read")
            block = self._reader.read()
        self._compare_length()
        self._log.finish()

    def _clean(self, block: Audio, start: int) -> Audio:
        """Pick the columns and replace what is no usable number."""
        picked = np.ascontiguousarray(block[:, self._columns], np.float32)
        size = np.abs(picked)
        if not size.max() <= VALUE_MAX:  # also true for NaN
            bad = ~(size <= VALUE_MAX)
            self.verdict.nan_samples += int(np.count_nonzero(bad))
            rows = np.flatnonzero(bad.any(axis=1))
            gap = max(1, int(self.rate * MERGE_SECONDS))
            for run in np.split(rows, np.flatnonzero(np.diff(rows) > gap) + 1):
                self._log.damage(NOT_NUMBERS, start + int(run[0]), start + int(run[-1]) + 1)
            picked[bad] = 0.0
        picked *= size >= TINY
        return picked

    def _compare_length(self) -> None:
        promised, found = self._reader.declared, self._position
        if promised is None:
            return
        slack = min(LENGTH_SHARE * promised, LENGTH_SECONDS * self.rate) + self._reader.slack
        text = (
            f"The header promises {duration_text(promised, self.rate)} "
            f"but the file holds {duration_text(found, self.rate)}."
        )
        if found < promised - slack:
            self._log.salvage(text)
        elif found > promised + slack:
            self._log.note(text)

    def close(self) -> None:
        """Release the file; may be called more than once."""
        self._closed = True
        self._first = None
        self._reader.close()
        self._window.close()


def open_recording(
    path: Path, *, agent_channel: int = 0, caller_channel: int | None = None, audio_track: int = 0
) -> Source:
    """Open a recording of a call.

    Parameters
    ----------
    path
        A regular file in any accepted format; its name does not matter.
    agent_channel
        Channel of the agent, from 0.
    caller_channel
        Channel of the caller; by default the other one of the first two.
    audio_track
        Audio track of a video or multi-track file, from 0.

    Returns
    -------
    Source
        With 2 channels (agent, caller), or 1 if the file is mono. The first second is decoded already.

    Raises
    ------
    AudioFormatError
        The file cannot be used; one sentence says why and what to do.
    ConfigError
        A chosen channel or track does not exist.
    """
    return open_file(
        path, agent_channel=agent_channel, caller_channel=caller_channel, audio_track=audio_track
    )


def open_file(
    path: Path, *, agent_channel: int = 0, caller_channel: int | None = None, audio_track: int = 0
) -> RecordingSource:
    """Do what ``open_recording`` does, for the parts of this package that know ``RecordingSource``."""
    window = open_regular(path)
    reader: Reader | None = None
    try:
        name = display_name(path)
        log = DamageLog()
        reader = _open_reader(window, name, audio_track, log)
        log.set_rate(reader.rate)
        columns = _columns(name, reader.channels, agent_channel, caller_channel)
        first = reader.read()
        if first is None:
            raise AudioFormatError(f"{name} holds a header but no audio; export or record the call again.")
        return RecordingSource(name, window, reader, columns, log, first)
    except BaseException:
        if reader is not None:
            reader.close()
        window.close()
        raise


def _columns(name: str, channels: int, agent: int, caller: int | None) -> tuple[int, ...]:
    """Return the columns of agent and caller, or ``(0,)`` for a mono file."""
    if caller is None and channels > 1:
        caller = 1 if agent == 0 else 0
    for chosen in (agent, caller):
        if chosen is not None and not 0 <= chosen < channels:
            raise ConfigError(
                f"{name} has {channels} channel{'s' if channels != 1 else ''}, counted from 0, "
                f"so there is no channel {chosen}; choose another one."
            )
    if caller is None:
        return (agent,)
    if agent == caller:
        raise ConfigError(
            f"Agent and caller of {name} cannot both be on channel {agent}; choose two channels."
        )
    return agent, caller


def _open_reader(window: FileWindow, name: str, track: int, log: DamageLog) -> Reader:
    """Choose the reader: libsndfile where it is honest about damage, libav for everything in packets."""
    kind = sniff(window, name)
    check_container(window, kind, name)
    if kind is OGG and not ogg_has_end(window):
        log.salvage(NO_END_MARK)
    if not kind.soundfile:
        return AvReader(window, name, kind, track, log)
    layout = read_layout(window, kind, name)
    if layout is not None:
        _judge_layout(name, layout, log)
        if layout.for_library:
            layout = None
            if kind in (WAV, W64):  # libsndfile reads MP3 in WAV without a word about damage
                return AvReader(window, name, kind, track, log)
    try:
        salvage = _flac_salvage(window, name, log) if kind is FLAC else None
        reader: Reader = SoundfileReader(window, name, layout, log, salvage)
    except SOUNDFILE_ERRORS:
        return AvReader(window, name, kind, track, log)
    if track != 0:
        reader.close()
        raise ConfigError(f"{name} has 1 audio track, so there is no track {track}.")
    return reader


def _judge_layout(name: str, layout: Layout, log: DamageLog) -> None:
    if not layout.for_library and layout.available_frames > HOURS_MAX * 3600 * layout.rate:
        raise AudioFormatError(
            f"{name} lasts {duration_text(layout.available_frames, layout.rate)} and at most "
            f"{HOURS_MAX} hours can be read; cut it into parts."
        )
    if layout.declared is None:
        log.note(NO_LENGTH)
    if layout.for_library and layout.missing > LENGTH_SHARE * layout.available:
        log.salvage(
            f"The recording stops early: {layout.missing} bytes that its header promises are missing."
        )
    if layout.leftover:
        log.salvage(f"The header ends the audio early; {layout.leftover} bytes behind it were not read.")


def _flac_salvage(window: FileWindow, name: str, log: DamageLog) -> Callable[[int], Reader | None]:
    """Return what reads on with libav where libsndfile gives a damaged FLAC file up for good."""

    def read_on(delivered: int) -> Reader | None:
        try:
            return AvReader(window, name, FLAC, 0, log, start_at=delivered)
        except AudioFormatError:
            return None

    return read_on
