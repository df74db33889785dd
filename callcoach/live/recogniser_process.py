"""The recogniser's own process: loads the weights, says that it is warm, then does one job after the other.

Nothing of the call lives here, so this process may hang or be killed without taking the call along. Audio
comes through memory shared with the parent, never through a pipe that could block; nothing touches a disk.
Messages go through two one-way pipes, which are no sockets.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol

import numpy as np

from callcoach.clock import SAMPLE_RATE, Samples, Span
from callcoach.errors import CallCoachError, ConfigError, WeightsError
from callcoach.events import Channel, Word
from callcoach.ports import Audio, SpeechWindow

if TYPE_CHECKING:
    from callcoach.speech.whisper import WhisperTranscriber

ROOM: Final = 30 * SAMPLE_RATE
"""Samples of shared memory: the longest window that the recogniser takes."""
JOIN_S: Final = 2.0
"""Seconds for an ended or killed process to go away."""
_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Options:
    """What the process loads; the folder holds verified weights."""

    folder: Path
    language: str = "en"
    hotwords: str | None = None
    cpu_threads: int = 1
    pad_seconds: float = 5.0
    warm_up_s: tuple[float, ...] = (1.0, 15.0)
    """Lengths of the windows of noise that are recognised before the process says that it is ready.

    None of them in the middle of a call: the first words are slower then, but sooner.
    """


@dataclass(frozen=True, slots=True)
class Task:
    """One window; its audio lies in the first ``length`` samples of the shared memory."""

    number: int
    channel: Channel | None
    length: int
    pieces: tuple[tuple[int, int], ...]
    offsets: tuple[int, ...]
    beam_size: int = 1
    """Texts followed at once."""
    second_look: bool = True
    """Whether a text that loops is worth another try."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Words of one task as (text, start, end, probability); ``error`` names the type of what went wrong."""

    number: int
    words: tuple[tuple[str, int, int, float], ...]
    cpu_s: float
    """Seconds of processor time, of all threads."""
    error: str | None = None

    def as_words(self) -> tuple[Word, ...]:
        """Return the words."""
        return tuple(Word(text, Span(Samples(a), Samples(b)), p) for text, a, b, p in self.words)


@dataclass(frozen=True, slots=True)
class Ready:
    """The weights are loaded and warm."""

    load_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The weights cannot be used; ``text`` is the sentence for the user."""

    kind: Literal["weights", "config", "other"]
    text: str

    def error(self) -> CallCoachError:
        """Return what the parent raises."""
        return ConfigError(self.text) if self.kind == "config" else WeightsError(self.text)


class ChildGoneError(Exception):
    """The process has died, or its pipe is broken."""


class Worker(Protocol):
    """What the parent asks of the process; a thread takes its place in tests."""

    @property
    def pid(self) -> int | None:
        """Process id."""
        ...

    @property
    def alive(self) -> bool:
        """Whether it still runs; a stopped one does."""
        ...

    def await_ready(self, timeout_s: float) -> Ready | Failed | None:
        """Wait until it is warm; None when that takes longer. Raises ChildGoneError."""
        ...

    def send(self, task: Task, audio: Audio) -> None:
        """Hand over a task. Raises ChildGoneError."""
        ...

    def receive(self, timeout_s: float) -> Answer | None:
        """Wait for the answer; None when there is none in time. Raises ChildGoneError."""
        ...

    def kill(self) -> None:
        """End it at once, whatever it does."""
        ...

    def close(self) -> None:
        """Let it end by itself, kill it when it does not."""
        ...


class ChildProcess:
    """The process as seen by its parent; implements `Worker`.

    Parameters
    ----------
    options : Options
    serve : callable
        What runs in the process; another one in tests. It must be importable by name.
    """

    def __init__(self, options: Options, serve: Callable[..., None] | None = None) -> None:
        context = multiprocessing.get_context("spawn")
        self._audio = context.RawArray("f", ROOM)
        self._view: Audio = np.frombuffer(self._audio, np.float32)
        tasks, self._tasks = context.Pipe(duplex=False)
        self._answers, answers = context.Pipe(duplex=False)
        self._process: BaseProcess = context.Process(
            target=serve or serve_tasks,
            args=(options, self._audio, tasks, answers),
            name="callcoach recogniser",
            daemon=True,
        )
        self._process.start()
        # only the child may hold these ends: their closing tells each side that the other is gone
        tasks.close()
        answers.close()

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs; a stopped one does."""
        return self._process.is_alive()

    def await_ready(self, timeout_s: float) -> Ready | Failed | None:
        """Wait until it is warm; None when that takes longer than ``timeout_s``."""
        message = self._receive(timeout_s)
        return message if isinstance(message, (Ready, Failed)) else None

    def send(self, task: Task, audio: Audio) -> None:
        """Hand over one task; the one before must have been answered."""
        self._view[: len(audio)] = audio
        try:
            self._tasks.send(task)
        except OSError as error:
            raise ChildGoneError from error

    def receive(self, timeout_s: float) -> Answer | None:
        """Wait for an answer; None when there is none within ``timeout_s``."""
        message = self._receive(timeout_s)
        return message if isinstance(message, Answer) else None

    def kill(self) -> None:
        """End the process at once; works on a stopped one too."""
        self._process.kill()
        self._release()

    def close(self) -> None:
        """Let the process end after the job it has in work."""
        with contextlib.suppress(OSError):
            self._tasks.close()
        self._process.join(JOIN_S)
        if self._process.is_alive():
            self._process.kill()
        self._release()

    def _release(self) -> None:
        self._process.join(JOIN_S)
        for end in (self._tasks, self._answers):
            with contextlib.suppress(OSError):
                end.close()

    def _receive(self, timeout_s: float) -> object:
        try:
            return self._answers.recv() if self._answers.poll(timeout_s) else None
        except (EOFError, OSError) as error:
            raise ChildGoneError from error


def serve_tasks(options: Options, audio: object, tasks: Connection, answers: Connection) -> None:
    """Load, warm up, answer tasks until the parent closes the pipe or is gone."""
    # the terminal sends an interrupt to all processes; the parent alone decides what it means
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    started, cpu = time.monotonic(), time.process_time()
    # threads that wait for work must sleep: the cores belong to the call
    os.environ.update(OMP_NUM_THREADS=str(max(1, options.cpu_threads)), OMP_WAIT_POLICY="PASSIVE")
    try:
        transcriber = _load(options)
    except CallCoachError as error:
        kind: Literal["weights", "config"] = "config" if isinstance(error, ConfigError) else "weights"
        answers.send(Failed(kind, str(error)))
        return
    shared: Audio = np.frombuffer(audio, np.float32)  # type: ignore[call-overload]
    with contextlib.suppress(EOFError, OSError):  # the parent is gone
        answers.send(Ready(time.monotonic() - started, time.process_time() - cpu))
        while True:
            task: Task = tasks.recv()
            before = time.process_time()
            error_name = None
            words: tuple[Word, ...] = ()
            try:
                words = transcriber.transcribe(
                    _window(task, shared), beam_size=task.beam_size, second_look=task.second_look
                )
            except Exception as error:
                error_name = type(error).__name__
            answers.send(
                Answer(
                    task.number,
                    tuple((w.text, int(w.span.start), int(w.span.end), w.probability) for w in words),
                    time.process_time() - before,
                    error_name,
                )
            )


def _load(options: Options) -> WhisperTranscriber:
    from callcoach.speech.store import go_offline

    go_offline()
    from callcoach.speech.whisper import WhisperTranscriber

    transcriber = WhisperTranscriber(
        options.folder,
        language=options.language,
        hotwords=options.hotwords,
        cpu_threads=options.cpu_threads,
        workers=1,
        pad_seconds=options.pad_seconds,
    )
    noise = np.random.default_rng(_SEED)
    for seconds in options.warm_up_s:
        length = round(seconds * SAMPLE_RATE)
        sound = (0.01 * noise.standard_normal(length)).astype(np.float32)
        transcriber.transcribe(SpeechWindow(None, sound, (Span(Samples(0), Samples(length)),), (0,)))
    return transcriber


def _window(task: Task, shared: Audio) -> SpeechWindow:
    pieces = tuple(Span(Samples(a), Samples(b)) for a, b in task.pieces)
    return SpeechWindow(task.channel, shared[: task.length].copy(), pieces, task.offsets)
