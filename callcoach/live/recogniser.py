"""The recogniser of a live call as the main process sees it: what has to be kept is kept, the rest gives way.

Final windows are recognised in order and their words are never lost: a process that dies or hangs is replaced
and gets the window again; one that keeps dying stays off, and what is left is recognised after the call.
Interim windows serve the display alone: one per channel waits at most, a newer one takes its place.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from callcoach.clock import Samples
from callcoach.contract import ModelInfo
from callcoach.core.windows import join_pieces
from callcoach.errors import WeightsError
from callcoach.events import Channel, Word
from callcoach.live.context import JOINT
from callcoach.live.jobs import Job, Reload
from callcoach.live.recogniser_process import (
    Answer,
    ChildGoneError,
    ChildProcess,
    Failed,
    Options,
    Ready,
    Task,
    Worker,
)
from callcoach.ports import Audio, SpeechWindow
from callcoach.speech.store import ModelStore

log = logging.getLogger(__name__)

START_S: Final = 60.0
"""Seconds that loading the weights may take before the call."""
RESTART_S: Final = 30.0
"""Seconds that a new process may take during the call; it is mostly warm in two."""
DEADLINE_FACTOR: Final = 2.0
"""A window has this many times its own length (OVL-6)."""
LEAST_DEADLINE_S: Final = 4.0
"""... and at least so many seconds: a short window has fixed costs, and a busy machine does them slowly."""
MOST_DEATHS: Final = 3
"""Deaths within `DEATHS_WITHIN_S` after which the recogniser stays off (OVL-6)."""
DEATHS_WITHIN_S: Final = 300.0
MOST_IN_MEMORY_S: Final = 30.0
"""Seconds of waiting final audio in memory; what goes beyond is read again from the journal (OVL-5)."""
ATTEMPTS: Final = 2
"""Times that one window is tried before it is put off until after the call, and again after it."""
FINAL_BEAM: Final = 5
"""Texts followed at once for final words: 0.4 points fewer errors than with 1, for an eighth more time."""
LOOK_S: Final = 0.25
"""Seconds between two looks at an idle process."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the recogniser has to say of itself."""

    running: bool
    """False while it is replaced, or when it is off."""
    off: bool
    """Given up for this call after `MOST_DEATHS`."""
    busy_s: float
    """Seconds with a job in work, since the start; grows during a job."""
    cpu_s: float
    """Seconds of processor time of finished jobs."""
    waiting_s: float
    """Seconds of final audio waiting or in work, what is put off excluded."""
    oldest_end: Samples | None
    """End of the earliest final window that waits or is in work, on the call's clock."""
    in_memory_s: float
    """Seconds of final audio held in memory."""
    deferred: int
    """Final windows put off until after the call."""
    deferred_s: float
    deaths: int
    finals: int
    """Final windows finished."""
    interims: int
    """Interim windows finished."""
    dropped_interims: int
    failed: int
    """Final windows that could not be recognised in any attempt."""
    discarded_s: float = 0.0
    """Seconds of final audio thrown away: nothing does that."""


class LiveRecogniser:
    """Words of live windows, from a process of its own; methods may be called from any thread.

    Parameters
    ----------
    options : Options
        What the process loads. One thread (``cpu_threads``) costs less in all than two and is hardly slower;
        the other core belongs to the analysis.
    info : ModelInfo or None
        The model as the record of the call names it.
    on_notice : callable taking a sentence
        Called, from a thread of the recogniser, when it is replaced, off or back.
    reload : callable taking a channel and a span and returning float32 audio, or None
        Reads sound again that is not kept in memory; None keeps all waiting audio in memory. Called from a
        thread of the recogniser.
    open_child : callable taking `Options` and returning a `Worker`
        Starts the process; another one in tests.
    monotonic : clock of all seconds here.
    """

    def __init__(
        self,
        options: Options,
        *,
        info: ModelInfo | None = None,
        on_notice: Callable[[str], None] | None = None,
        reload: Reload | None = None,
        open_child: Callable[[Options], Worker] = ChildProcess,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.info = info
        self.language = options.language
        self._options = options
        self._on_notice = on_notice
        self.reload = reload
        """May be set later, before the call begins."""
        self._open_child = open_child
        self._clock = monotonic
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._worker: Worker | None = None
        self._finals: deque[Job] = deque()
        self._interims: dict[Channel | None, Job] = {}
        self._deferred: list[Job] = []
        self._in_work: Job | None = None
        self._begun: float | None = None
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS)
        self._off = self._defer = self._catch_up = self._closing = False
        self._count = self._finished_finals = self._finished_interims = 0
        self._dropped = self._failed = self._all_deaths = 0
        self._busy = self._cpu = self._in_memory = 0.0

    @classmethod
    def of_model(
        cls,
        model_id: str,
        *,
        store: ModelStore,
        language: str = "en",
        hotwords: str | None = None,
        cpu_threads: int = 1,
        on_notice: Callable[[str], None] | None = None,
        reload: Reload | None = None,
    ) -> LiveRecogniser:
        """Find the weights as `callcoach.runner.Recogniser` does.

        Raises
        ------
        WeightsError
            If the weights are not here and cannot be obtained.
        """
        folder = store.obtain(model_id)
        weights = next(f for f in store.manifest.spec(model_id).files if f.name == "model.bin")
        return cls(
            Options(folder, language, hotwords, cpu_threads),
            info=ModelInfo(id=model_id, sha256=weights.sha256),
            on_notice=on_notice,
            reload=reload,
        )

    def start(self, timeout_s: float = START_S) -> None:
        """Load and warm up; return when the first window can be taken.

        Raises
        ------
        WeightsError, ConfigError
            As the transcriber has it, or when the process does not get ready.
        """
        worker = self._open_child(self._options)
        try:
            message = worker.await_ready(timeout_s)
        except ChildGoneError:
            message = None
        if not isinstance(message, Ready):
            worker.kill()
            if message is not None:
                raise message.error()
            raise WeightsError("The recogniser did not start; run 'callcoach doctor'.")
        self._worker = worker
        self._thread = threading.Thread(target=self._run, name="recogniser", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Process id of the recogniser; None while there is none."""
        worker = self._worker
        return worker.pid if worker is not None else None

    def submit(
        self,
        window: SpeechWindow,
        *,
        final: bool,
        before: Sequence[SpeechWindow] = (),
        beam_size: int = 1,
        lasting: bool = False,
    ) -> Job:
        """Take a window; see the module for what final means.

        ``before`` are pieces of the same channel that are put in front for better words, see
        `callcoach.live.context`; the job returns the words of ``window`` alone. At most 30 s in all.
        ``beam_size`` texts are followed at once: `FINAL_BEAM` where the words are to stay and there is time.
        ``lasting`` says of an interim window that it may become final (`keep`), so that a text that loops is
        looked at a second time.
        """
        whole = join_pieces([*before, window], JOINT) if before else window
        with self._wake:
            self._count += 1
            job = Job(
                self._count,
                whole,
                window.pieces[0].start,
                final,
                beam_size,
                self._clock(),
                self.begin_deferred,
            )
            job.lasting = final or lasting
            if self._closing:
                self._give_up(job)
            elif final:
                self._take_final(job)
            else:
                self._drop_interim(job.record.channel)
                self._interims[job.record.channel] = job
            self._wake.notify_all()
        return job

    def keep(self, job: Job) -> bool:
        """Make an interim job final: its words are wanted after all.

        False when it has been dropped, or was not made to be ``lasting``.
        """
        with self._wake:
            if job.dropped or not job.lasting:
                return False
            if job.final or job.done():
                return True
            job.final = True
            waiting = self._interims.get(job.record.channel)
            if waiting is job:
                del self._interims[job.record.channel]
                self._take_final(job)
            self._wake.notify_all()
        return True

    def drop_interims(self, channel: Channel | Literal["all"] | None = "all") -> None:
        """Forget the interim windows that wait."""
        with self._wake:
            for key in list(self._interims) if channel == "all" else [channel]:
                self._drop_interim(key)

    def defer(self, on: bool) -> None:
        """Put all final windows off until after the call, also those that wait already; or stop doing so.

        What was put off stays so until `finish_deferred`.
        """
        with self._wake:
            self._defer = on
            if on:
                self._catch_up = False
                while self._finals:
                    self._put_off(self._finals.popleft())
                for key in list(self._interims):
                    self._drop_interim(key)
            self._wake.notify_all()

    def begin_deferred(self) -> None:
        """Start work on everything that was put off, with a new process if need be; does not wait."""
        with self._wake:
            if self._catch_up and not self._deferred and not self._off:
                return
            if self._off:
                self._off = False
                self._deaths.clear()
            self._defer = False
            self._catch_up = True
            self._deferred.sort(key=lambda job: job.number)
            for job in self._deferred:
                job.deferred, job.attempts = False, 0
                self._finals.append(job)
            self._deferred.clear()
            self._wake.notify_all()

    def finish_deferred(self, progress: Callable[[int, int], None] | None = None) -> list[Job]:
        """After the call: recognise what was put off; return those jobs when all final words are there.

        ``progress`` gets the number of windows done and the number in all.
        """
        with self._wake:
            jobs = sorted(self._deferred, key=lambda job: job.number)
            waiting = [*self._finals, *([self._in_work] if self._in_work is not None else [])]
        self.begin_deferred()
        everything = [*(job for job in waiting if job.final), *jobs]
        for index, job in enumerate(everything):
            job.result()
            if progress is not None:
                progress(index + 1, len(everything))
        return jobs

    @property
    def finals_waiting(self) -> bool:
        """Whether a final window waits or is in work."""
        with self._wake:
            return bool(self._finals) or (self._in_work is not None and self._in_work.final)

    @property
    def idle(self) -> bool:
        """Whether a window would be taken into work at once."""
        with self._wake:
            return (
                self._in_work is None and not self._finals and not self._interims and self._worker is not None
            )

    def figures(self) -> Figures:
        """Return the present figures."""
        with self._wake:
            now = self._clock()
            waiting = [*self._finals]
            if self._in_work is not None and self._in_work.final:
                waiting.append(self._in_work)
            ends = [job.record.pieces[-1].end for job in waiting]
            return Figures(
                running=self._worker is not None,
                off=self._off,
                busy_s=self._busy + (now - self._begun if self._begun is not None else 0.0),
                cpu_s=self._cpu,
                waiting_s=sum(job.seconds for job in waiting),
                oldest_end=min(ends, default=None),
                in_memory_s=self._in_memory,
                deferred=len(self._deferred),
                deferred_s=sum(job.seconds for job in self._deferred),
                deaths=self._all_deaths,
                finals=self._finished_finals,
                interims=self._finished_interims,
                dropped_interims=self._dropped,
                failed=self._failed,
            )

    def close(self) -> int:
        """End the process; return how many final windows have no words. May be called more than once."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._worker is not None:
            self._worker.close()
            self._worker = None
        with self._wake:
            left = [*self._finals, *self._deferred]
            self._finals.clear()
            self._deferred.clear()
            for job in [*left, *self._interims.values()]:
                self._give_up(job)
            self._interims.clear()
        return len(left)

    # ---- jobs; all with the lock held

    def _take_final(self, job: Job) -> None:
        self._hold(job)
        if self._defer or (self._off and not self._catch_up):
            self._put_off(job)
        else:
            self._finals.append(job)

    def _hold(self, job: Job) -> None:
        """Keep the audio of a waiting final window in memory as far as there is room."""
        if self.reload is not None and self._in_memory + job.seconds > MOST_IN_MEMORY_S:
            job.audio = None
        else:
            job.held = True
            self._in_memory += job.seconds

    def _put_off(self, job: Job) -> None:
        job.deferred = True
        self._deferred.append(job)

    def _drop_interim(self, channel: Channel | None) -> None:
        job = self._interims.pop(channel, None)
        if job is not None:
            self._dropped += 1
            self._give_up(job)

    def _give_up(self, job: Job) -> None:
        job.dropped = True
        job.finish((), self._clock())

    def _next(self) -> Job | None:
        if self._off:
            return None
        if self._finals:
            return self._finals.popleft()
        if self._interims:
            channel = min(self._interims, key=lambda key: self._interims[key].number)
            return self._interims.pop(channel)
        return None

    def _finished(self, job: Job, words: tuple[Word, ...]) -> None:
        with self._wake:
            if job.final:
                self._finished_finals += 1
            else:
                self._finished_interims += 1
            self._let_go(job)
            job.finish(words, self._clock())

    def _let_go(self, job: Job) -> None:
        if job.held:
            self._in_memory -= job.seconds
            job.held = False

    def _again(self, job: Job) -> None:
        """Keep a final window that did not come back for another try; give an interim one up."""
        with self._wake:
            if not job.final:
                self._dropped += 1
                self._give_up(job)
                return
            job.attempts += 1
            if job.attempts < ATTEMPTS and not self._off:
                self._finals.appendleft(job)
            else:
                self._set_aside(job)

    def _set_aside(self, job: Job) -> None:
        """Put a final window off until after the call; after the call, give it up."""
        if not self._catch_up:
            self._put_off(job)
            return
        self._failed += 1
        job.failed = True
        self._let_go(job)
        job.finish((), self._clock())

    # ---- the thread that feeds the process

    def _run(self) -> None:
        while True:
            with self._wake:
                job = None if self._closing or self._worker is None else self._next()
                if job is None:
                    if self._closing:
                        return
                    if self._off or self._worker is not None:
                        self._wake.wait(LOOK_S)
                    if self._settled():
                        continue
                else:
                    self._in_work, self._begun = job, (begun := self._clock())
            if job is None:
                self._replace()
                continue
            try:
                self._work(job)
            finally:
                with self._wake:
                    self._busy += self._clock() - begun
                    self._in_work = self._begun = None

    def _settled(self) -> bool:
        """Whether there is no process to be replaced."""
        return self._closing or self._off or (self._worker is not None and self._worker.alive)

    def _work(self, job: Job) -> None:
        worker = self._worker
        audio = self._audio(job)
        if worker is None or audio is None:
            self._again(job)
            return
        record = job.record
        pieces = tuple((int(p.start), int(p.end)) for p in record.pieces)
        task = Task(
            job.number, record.channel, len(audio), pieces, record.offsets, job.beam_size, job.lasting
        )
        try:
            answer = self._ask(worker, task, audio, max(LEAST_DEADLINE_S, DEADLINE_FACTOR * job.seconds))
        except ChildGoneError:
            answer = None
        if self._closing and answer is None:
            with self._wake:
                self._finals.appendleft(job) if job.final else self._give_up(job)
            return
        if answer is not None:
            self._cpu += answer.cpu_s
            if answer.error is None:
                self._finished(job, answer.as_words())
            else:
                log.error("the recogniser could not do a window of %.1f s: %s", job.seconds, answer.error)
                self._again(job)
            return
        self._died(worker)
        self._again(job)

    def _ask(self, worker: Worker, task: Task, audio: Audio, seconds: float) -> Answer | None:
        worker.send(task, audio)
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0 and not self._closing:
            answer = worker.receive(min(left, LOOK_S))
            if answer is not None and answer.number == task.number:
                return answer
        return None

    def _audio(self, job: Job) -> Audio | None:
        if job.audio is not None:
            return job.audio
        if self.reload is None:
            return None
        try:
            return job.record.load(self.reload)
        except Exception as error:
            log.error("the sound of a window could not be read again: %s", type(error).__name__)
            return None

    def _died(self, worker: Worker) -> None:
        """Count a death; after too many of them the recogniser stays off."""
        worker.kill()
        now = self._clock()
        with self._wake:
            self._worker = None
            self._all_deaths += 1
            self._deaths.append(now)
            if len(self._deaths) == MOST_DEATHS and now - self._deaths[0] <= DEATHS_WITHIN_S:
                self._off = True
                while self._finals:
                    self._set_aside(self._finals.popleft())
                for key in list(self._interims):
                    self._drop_interim(key)
        log.warning("the recogniser's process has stopped, %d times in this call", self._all_deaths)
        if not self._off:
            self._tell("The recogniser has stopped and is started again; its words come a little later.")
        elif not self._catch_up:
            self._tell("The recogniser has stopped three times; words follow after the call, cues go on.")
        else:
            self._tell("The recogniser cannot be kept running; some words are missing.")

    def _replace(self) -> None:
        """Start a new process in place of one that is gone."""
        if self._worker is not None:
            self._died(self._worker)
            if self._off:
                return
        worker = self._open_child(replace(self._options, warm_up_s=()))
        try:
            message = worker.await_ready(RESTART_S)
        except ChildGoneError:
            message = None
        if isinstance(message, Failed):
            log.error("the recogniser's process cannot be replaced")
        if not isinstance(message, Ready):
            self._died(worker)
            return
        with self._wake:
            self._worker = worker
            self._wake.notify_all()

    def _tell(self, sentence: str) -> None:
        if self._on_notice is not None:
            self._on_notice(sentence)
