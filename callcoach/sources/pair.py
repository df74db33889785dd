"""Two mono files of one call, one per party, read as one two-channel source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import soxr

from callcoach.errors import ConfigError
from callcoach.ports import Audio, Source, Verdict
from callcoach.sources.file import LENGTH_SECONDS, TINY, RecordingSource, open_file
from callcoach.sources.limits import DamageLog, duration_text

QUALITY: Final = "HQ"
"""soxr's quality: 20 bits of precision, far below the noise of any call."""


class _Side:
    """One file of a pair at the rate of the pair, as a queue of samples."""

    def __init__(self, source: RecordingSource, rate: int) -> None:
        self.source = source
        self._blocks = source.blocks()
        self._stream = (
            soxr.ResampleStream(source.rate, rate, 1, dtype="float32", quality=QUALITY)
            if source.rate != rate
            else None
        )
        self._rest = np.zeros(0, np.float32)
        self.ended = False
        self.length = 0

    @property
    def waiting(self) -> int:
        """Samples in the queue."""
        return len(self._rest)

    def pull(self) -> None:
        """Read one block into the queue; ``ended`` when there was none."""
        block = next(self._blocks, None)
        if block is None:
            self.ended = True
            samples = np.zeros(0, np.float32)
        else:
            samples = block[:, 0]
        if self._stream is not None:
            samples = np.asarray(self._stream.resample_chunk(samples, last=self.ended), np.float32)
            samples[np.abs(samples) < TINY] = 0.0
        self.length += len(samples)
        self._rest = np.concatenate((self._rest, samples)) if len(self._rest) else samples

    def take(self, count: int) -> Audio:
        """Return the next ``count`` samples, silence beyond the end."""
        part, self._rest = self._rest[:count], self._rest[count:]
        return part if len(part) == count else np.pad(part, (0, count - len(part)))


class PairSource:
    """Two mono recordings that start together; implements ``callcoach.ports.Source``.

    Made by ``open_pair``. The rate is the higher one of the two; the shorter file goes on as silence, with a
    span and a reason in the verdict.

    Attributes
    ----------
    name
        Both file names.
    rate
        Hz.
    channels
        Always 2: agent, caller.
    declared_length
        Frames at ``rate`` that the containers promise (the larger number), or None.
    verdict
        Complete once ``blocks`` is exhausted; spans are in frames at ``rate``.
    """

    channels = 2

    def __init__(self, agent: RecordingSource, caller: RecordingSource) -> None:
        self.name = f"{agent.name} + {caller.name}"
        self.rate = max(agent.rate, caller.rate)
        self._sources = (agent, caller)
        lengths = [
            round(source.declared_length * self.rate / source.rate)
            for source in self._sources
            if source.declared_length is not None
        ]
        self.declared_length = max(lengths) if len(lengths) == 2 else None
        self._log = DamageLog()
        self._log.set_rate(self.rate)
        self.verdict: Verdict = self._log.verdict
        self._begun = False

    def blocks(self) -> Iterator[Audio]:
        """Yield float32 blocks of shape ``(n, 2)``, n >= 1, finite values only.

        Raises
        ------
        RuntimeError
            Called a second time, or the source is closed: a program error.
        """
        if self._begun:
            raise RuntimeError("a recording is read once")
        self._begun = True
        return self._blocks()

    def _blocks(self) -> Iterator[Audio]:
        agent, caller = (_Side(source, self.rate) for source in self._sources)
        while True:
            for side in (agent, caller):
                while not side.waiting and not side.ended:
                    side.pull()
            ready = [side.waiting for side in (agent, caller) if side.waiting]
            if not ready:
                break
            # A side without samples has ended: the other one goes on beside silence.
            count = min(ready)
            yield np.stack((agent.take(count), caller.take(count)), axis=1)
        self._judge(agent, caller)

    def _judge(self, agent: _Side, caller: _Side) -> None:
        """Carry the verdicts of both files over, and name a difference in length."""
        for side, party in ((agent, "agent"), (caller, "caller")):
            verdict, scale = side.source.verdict, self.rate / side.source.rate
            self.verdict.nan_samples += verdict.nan_samples
            for reason in verdict.reasons:
                text = f"{party.capitalize()}'s file: {reason}"
                if verdict.status == "ok":
                    self._log.note(text)
                else:
                    self._log.salvage(text)
            for start, end in verdict.spans:
                self._log.damage(
                    f"{party.capitalize()}'s file: {verdict.reasons[0]}", *_scaled(start, end, scale)
                )
        short, long = sorted((agent.length, caller.length))
        if long - short > LENGTH_SECONDS * self.rate:
            party = "agent" if agent.length < caller.length else "caller"
            self._log.damage(
                f"The {party}'s file ends {duration_text(long - short, self.rate)} before the other one; "
                "silence stands in its place.",
                short,
                long,
            )
        self._log.finish()

    def close(self) -> None:
        """Release both files; may be called more than once."""
        self._begun = True
        for source in self._sources:
            source.close()


def _scaled(start: int, end: int, scale: float) -> tuple[int, int]:
    return int(start * scale), int(np.ceil(end * scale))


def open_pair(agent_path: Path, caller_path: Path) -> Source:
    """Open two mono files of one call that start at the same moment.

    Parameters
    ----------
    agent_path, caller_path
        Files in any accepted format, with one channel each; their rates may differ.

    Returns
    -------
    Source
        With 2 channels (agent, caller) at the higher rate.

    Raises
    ------
    AudioFormatError
        One of the files cannot be used.
    ConfigError
        One of the files has more than one channel, or both are the same file.
    """
    agent = open_file(agent_path)
    try:
        caller = open_file(caller_path)
    except BaseException:
        agent.close()
        raise
    try:
        for source in (agent, caller):
            if source.file_channels != 1:
                raise ConfigError(
                    f"{source.name} has {source.file_channels} channels and a pair takes two files with one "
                    "channel each; name this file alone."
                )
        if agent_path.samefile(caller_path):
            raise ConfigError(
                f"Both files of the pair are {agent.name}; name the agent's and the caller's file."
            )
    except BaseException:
        agent.close()
        caller.close()
        raise
    return PairSource(agent, caller)
