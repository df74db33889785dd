"""The main side of the recogniser with a process that is only played: what is kept, gives way, comes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from callcoach.clock import SAMPLE_RATE, Span, to_samples
from callcoach.errors import WeightsError
from callcoach.events import Channel
from callcoach.live import recogniser as module
from callcoach.live.context import JOINT
from callcoach.live.jobs import Job
from callcoach.live.recogniser import LiveRecogniser
from callcoach.live.recogniser_process import Answer, ChildGoneError, Failed, Options, Ready, Task, Worker
from callcoach.ports import Audio, SpeechWindow


class Stage:
    """Plays the processes: holds tasks until `answer`, or dies and hangs when told to."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        """Tasks are answered while it is set."""
        self.gate.set()
        self.died = threading.Event()
        self.hang = False
        self.start_result: list[Ready | Failed | Exception | None] = []
        self.tasks: list[Task] = []
        self.sounds: list[Audio] = []
        self.opened = 0
        self.kill_on: Callable[[Task], bool] = lambda task: False

    def open(self, options: Options) -> Worker:
        self.opened += 1
        self.died.clear()
        return Played(self)


class Played:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._task: Task | None = None
        self._gone = False
        self.pid = stage.opened

    @property
    def alive(self) -> bool:
        return not (self._gone or self._stage.died.is_set())

    def await_ready(self, timeout_s: float) -> Ready | Failed | None:
        result = self._stage.start_result.pop(0) if self._stage.start_result else Ready(0.1, 0.1)
        if isinstance(result, Exception):
            raise result
        return result

    def send(self, task: Task, audio: Audio) -> None:
        if not self.alive:
            raise ChildGoneError
        self._task = task
        self._stage.tasks.append(task)
        self._stage.sounds.append(audio.copy())

    def receive(self, timeout_s: float) -> Answer | None:
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            assert self._task is not None
            if not self.alive or self._stage.kill_on(self._task):
                self._gone = True
                raise ChildGoneError
            if self._stage.gate.is_set() and not self._stage.hang:
                at = self._task.pieces[-1]
                return Answer(self._task.number, ((f"word{self._task.number}", *at, 0.9),), 0.1)
            time.sleep(0.002)
        return None

    def kill(self) -> None:
        self._gone = True

    def close(self) -> None:
        self._gone = True


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    return Stage()


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
def open_recogniser(
    stage: Stage, notices: list[str], tmp_path: object
) -> Iterator[Callable[..., LiveRecogniser]]:
    made: list[LiveRecogniser] = []

    def make(**more: object) -> LiveRecogniser:
        recogniser = LiveRecogniser(
            Options(tmp_path),  # type: ignore[arg-type]
            open_child=stage.open,
            on_notice=notices.append,
            **more,  # type: ignore[arg-type]
        )
        made.append(recogniser)
        recogniser.start()
        return recogniser

    yield make
    stage.gate.set()
    stage.hang = False
    for recogniser in made:
        recogniser.close()


def window(
    start: float = 0.0, seconds: float = 1.0, channel: Channel = Channel.AGENT, level: float = 0.1
) -> SpeechWindow:
    span = Span(to_samples(start), to_samples(start + seconds))
    return SpeechWindow(channel, np.full(span.length, level, np.float32), (span,), (0,))


def text(job: Job) -> list[str]:
    return [word.text for word in job.result(timeout=5)]


def wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not until():
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.002)


def test_words_come_back(open_recogniser: Callable[..., LiveRecogniser]) -> None:
    recogniser = open_recogniser()
    job = recogniser.submit(window(3.0), final=True)
    assert text(job) == ["word1"]
    assert job.done()
    figures = recogniser.figures()
    assert (figures.finals, figures.interims, figures.waiting_s, figures.in_memory_s) == (1, 0, 0, 0)
    assert figures.cpu_s == pytest.approx(0.1)


def test_finals_go_first_and_in_order(stage: Stage, open_recogniser: Callable[..., LiveRecogniser]) -> None:
    recogniser = open_recogniser()
    stage.gate.clear()
    recogniser.submit(window(0), final=False)
    wait(lambda: len(stage.tasks) == 1)
    interim = recogniser.submit(window(1), final=False)
    finals = [recogniser.submit(window(2 + i), final=True) for i in range(3)]
    assert recogniser.finals_waiting
    assert recogniser.figures().waiting_s == 3
    assert recogniser.figures().oldest_end == to_samples(3)
    stage.gate.set()
    for job in [*finals, interim]:
        text(job)
    assert [task.pieces[0][0] // SAMPLE_RATE for task in stage.tasks] == [0, 2, 3, 4, 1]


def test_a_newer_interim_takes_the_place_of_the_older_of_its_channel(
    stage: Stage, open_recogniser: Callable[..., LiveRecogniser]
) -> None:
    recogniser = open_recogniser()
    stage.gate.clear()
    first = recogniser.submit(window(0), final=False)
    wait(lambda: len(stage.tasks) == 1)
    old = recogniser.submit(window(1), final=False)
    other = recogniser.submit(window(1, channel=Channel.CALLER), final=False)
    new = recogniser.submit(window(2), final=False)
    assert old.dropped
    assert old.done()
    assert old.result() == ()
    stage.gate.set()
    assert text(first)
    assert text(other)
    assert text(new)
    assert recogniser.figures().dropped_interims == 1
    assert not recogniser.keep(old)


def test_an_interim_can_become_final(stage: Stage, open_recogniser: Callable[..., LiveRecogniser]) -> None:
    recogniser = open_recogniser()
    stage.gate.clear()
    running = recogniser.submit(window(0), final=False, lasting=True)
    wait(lambda: len(stage.tasks) == 1)
    waiting = recogniser.submit(window(1), final=False, lasting=True)
    assert recogniser.keep(running)
    assert recogniser.finals_waiting
    assert recogniser.keep(waiting)
    newer = recogniser.submit(window(2), final=False)
    stage.gate.set()
    assert text(waiting) == ["word2"]
    assert text(running) == ["word1"]
    assert text(newer)
    assert recogniser.figures().finals == 2
    assert recogniser.keep(running)
    assert not recogniser.keep(newer)
    assert [task.second_look for task in stage.tasks] == [True, True, False]


@pytest.mark.parametrize("hangs", [False, True])
def test_a_process_that_dies_or_hangs_is_replaced_and_gets_the_final_window_again(
    hangs: bool,
    stage: Stage,
    notices: list[str],
    open_recogniser: Callable[..., LiveRecogniser],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LEAST_DEADLINE_S", 0.1)
    monkeypatch.setattr(module, "DEADLINE_FACTOR", 0.1)
    recogniser = open_recogniser()
    stage.gate.clear()
    job = recogniser.submit(window(0), final=True)
    wait(lambda: len(stage.tasks) == 1)
    if not hangs:
        stage.died.set()
    wait(lambda: stage.opened == 2)
    stage.gate.set()
    assert text(job) == ["word1"]
    assert recogniser.figures().deaths == 1
    assert "started again" in notices[0]


def test_an_interim_window_is_not_tried_again(
    stage: Stage, open_recogniser: Callable[..., LiveRecogniser]
) -> None:
    recogniser = open_recogniser()
    stage.gate.clear()
    job = recogniser.submit(window(0), final=False)
    wait(lambda: len(stage.tasks) == 1)
    stage.died.set()
    wait(job.done)
    assert job.dropped
    stage.gate.set()
    wait(lambda: recogniser.figures().running)
    assert len(stage.tasks) == 1


def test_a_process_that_dies_idle_is_replaced(
    stage: Stage, open_recogniser: Callable[..., LiveRecogniser]
) -> None:
    recogniser = open_recogniser()
    stage.died.set()
    wait(lambda: stage.opened == 2)
    assert text(recogniser.submit(window(0), final=True))


def test_three_deaths_turn_it_off_and_the_words_follow_after_the_call(
    stage: Stage, notices: list[str], open_recogniser: Callable[..., LiveRecogniser]
) -> None:
    recogniser = open_recogniser()
    stage.kill_on = lambda task: True
    jobs = [recogniser.submit(window(i), final=True) for i in range(5)]
    wait(lambda: recogniser.figures().off)
    late = recogniser.submit(window(9), final=True)
    interim = recogniser.submit(window(9), final=False)
    assert not any(job.done() for job in [*jobs, late])
    assert recogniser.figures().deferred == 6
    assert recogniser.figures().waiting_s == 0
    assert "after the call" in notices[-1]
    assert stage.opened == 3
    stage.kill_on = lambda task: False
    progress: list[tuple[int, int]] = []
    done = recogniser.finish_deferred(lambda n, of: progress.append((n, of)))
    assert done == [*jobs, late]
    assert [text(job) for job in done] == [[f"word{job.number}"] for job in done]
    assert progress == [(n, 6) for n in range(1, 7)]
    assert recogniser.figures().discarded_s == 0
    assert text(interim) or interim.dropped


def test_deaths_long_apart_do_not_turn_it_off(
    stage: Stage, open_recogniser: Callable[..., LiveRecogniser]
) -> None:
    shift = [0.0]
    recogniser = open_recogniser(monotonic=lambda: time.monotonic() + shift[0])
    for number in range(5):
        shift[0] += 200.0
        stage.died.set()
        wait(lambda number=number: stage.opened == number + 2)  # type: ignore[misc]
    assert text(recogniser.submit(window(0), final=True))
    assert not recogniser.figures().off


def test_one_window_that_kills_does_not_hold_up_the_others(
    stage: Stage, open_recogniser: Callable[..., LiveRecogniser]
) -> None:
    recogniser = open_recogniser()
    stage.kill_on = lambda task: task.number == 1
    bad = recogniser.submit(window(0), final=True)
    good = recogniser.submit(window(2), final=True)
    assert text(good) == ["word2"]
    assert bad.deferred
    assert recogniser.finish_deferred() == [bad]
    assert bad.failed
    assert bad.result() == ()
    assert recogniser.figures().failed == 1


def test_a_recogniser_that_cannot_be_kept_running_ends_the_wait(
    stage: Stage, notices: list[str], open_recogniser: Callable[..., LiveRecogniser]
) -> None:
    recogniser = open_recogniser()
    stage.kill_on = lambda task: True
    jobs = [recogniser.submit(window(i), final=True) for i in range(8)]
    wait(lambda: recogniser.figures().off)
    assert recogniser.finish_deferred() == jobs
    assert all(job.failed for job in jobs)
    assert "missing" in notices[-1]


def test_put_off_and_asked_for(stage: Stage, open_recogniser: Callable[..., LiveRecogniser]) -> None:
    recogniser = open_recogniser()
    recogniser.defer(True)
    job = recogniser.submit(window(0), final=True)
    assert job.deferred
    recogniser.defer(False)
    now = recogniser.submit(window(1), final=True)
    assert text(now)
    assert not job.done()
    assert text(job) == ["word1"]
    assert recogniser.finish_deferred() == []


def test_no_more_than_30_s_wait_in_memory_and_the_rest_is_read_again(
    stage: Stage, open_recogniser: Callable[..., LiveRecogniser]
) -> None:
    asked: list[Span] = []

    def reload(channel: Channel | None, span: Span) -> Audio:
        asked.append(span)
        return np.full(span.length, 0.25, np.float32)

    recogniser = open_recogniser(reload=reload)
    recogniser.defer(True)
    jobs = [recogniser.submit(window(10 * i, 9.0), final=True) for i in range(10)]
    assert recogniser.figures().in_memory_s == 27
    assert sum(job.audio is not None for job in jobs) == 3
    assert recogniser.figures().deferred_s == 90
    recogniser.finish_deferred()
    assert [span.start for span in asked] == [to_samples(10 * i) for i in range(3, 10)]
    assert [len(sound) for sound in stage.sounds] == [9 * SAMPLE_RATE] * 10
    assert [float(sound.mean()) for sound in stage.sounds] == pytest.approx([0.1] * 3 + [0.25] * 7)
    assert recogniser.figures().in_memory_s == 0


def test_the_words_in_front_are_left_out_and_its_sound_can_be_read_again(
    stage: Stage, open_recogniser: Callable[..., LiveRecogniser]
) -> None:
    recogniser = open_recogniser(reload=lambda channel, span: np.full(span.length, 0.25, np.float32))
    stage.gate.clear()
    front = window(0, 14.0)
    jobs = [recogniser.submit(window(20, 1.0), final=True, before=[front]) for _ in range(3)]
    assert jobs[2].audio is None
    stage.gate.set()
    assert all(text(job) for job in jobs)
    assert stage.tasks[0].pieces == tuple(
        (int(p.start), int(p.end)) for p in (*front.pieces, *window(20).pieces)
    )
    (kept, *_, again) = stage.sounds
    assert len(kept) == len(again) == 15 * SAMPLE_RATE + JOINT
    assert np.all(again[14 * SAMPLE_RATE : 14 * SAMPLE_RATE + JOINT] == 0)
    job = jobs[0]
    job.finish((), 0.0)
    words = Answer(
        1, (("front", 0, 100, 0.9), ("own", to_samples(20), to_samples(20.5), 0.9)), 0.0
    ).as_words()
    other = Job(9, job_window := window(20), job_window.pieces[0].start, True, 1, 0.0, lambda: None)
    other.finish(words, 0.0)
    assert [word.text for word in other.result()] == ["own"]


def test_sound_that_cannot_be_read_again_is_a_failure_not_a_hang(
    stage: Stage, open_recogniser: Callable[..., LiveRecogniser]
) -> None:
    def reload(channel: Channel | None, span: Span) -> Audio:
        raise OSError("gone")

    recogniser = open_recogniser(reload=reload)
    recogniser.defer(True)
    jobs = [recogniser.submit(window(20 * i, 14.0), final=True) for i in range(4)]
    recogniser.finish_deferred()
    assert [job.failed for job in jobs] == [False, False, True, True]


@pytest.mark.parametrize(
    "result", [None, ChildGoneError(), Failed("weights", "The speech model in x lacks model.bin.")]
)
def test_a_start_that_fails_is_one_sentence(
    result: Failed | Exception | None, stage: Stage, tmp_path: object
) -> None:
    stage.start_result = [result]
    recogniser = LiveRecogniser(Options(tmp_path), open_child=stage.open)  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match=r"\S+.*\.$"):
        recogniser.start()
    assert recogniser.close() == 0


def test_close_gives_up_what_waits_and_says_how_much(
    stage: Stage, open_recogniser: Callable[..., LiveRecogniser]
) -> None:
    recogniser = open_recogniser()
    stage.gate.clear()
    jobs = [recogniser.submit(window(i), final=True) for i in range(3)]
    interim = recogniser.submit(window(9), final=False)
    assert recogniser.close() == 3
    assert all(job.done() for job in [*jobs, interim])
    assert recogniser.close() == 0
    assert recogniser.submit(window(1), final=True).done()


def test_busy_time_grows_while_a_window_is_in_work(
    stage: Stage, open_recogniser: Callable[..., LiveRecogniser]
) -> None:
    recogniser = open_recogniser()
    assert recogniser.idle
    stage.gate.clear()
    job = recogniser.submit(window(0), final=True)
    wait(lambda: recogniser.figures().busy_s > 0.05)
    assert not recogniser.idle
    stage.gate.set()
    text(job)
    wait(lambda: recogniser.idle)
    busy = recogniser.figures().busy_s
    time.sleep(0.05)
    assert recogniser.figures().busy_s == busy


def test_many_threads_hand_over_at_once(open_recogniser: Callable[..., LiveRecogniser]) -> None:
    recogniser = open_recogniser()
    jobs: list[Job] = []
    threads = [
        threading.Thread(
            target=lambda: jobs.extend(recogniser.submit(window(i), final=True) for i in range(20))
        )
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(text(job)[0] for job in jobs) == sorted(f"word{n}" for n in range(1, 101))
