from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcoach.capture.align import Aligner
from callcoach.capture.clocks import PacedClock, SystemClock
from callcoach.capture.inputs import FileInput, cut_blocks, to_pcm
from callcoach.errors import AudioFormatError, DeviceError
from callcoach.events import Channel
from callcoach.sound_ports import InputBlock
from tests.support.fake_inputs import FakeClock

RATE = 16_000


def recording(seconds: float, rate: int = RATE, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(-30_000, 30_000, (int(seconds * rate), 2)).astype(np.int16)


def blocks_of(pcm: np.ndarray, size: int = 1000) -> Iterator[np.ndarray]:
    for begin in range(0, len(pcm), size):
        yield (pcm[begin : begin + size] / 32768).astype(np.float32)


class Heard:
    """Collects what an input delivers and waits for its end."""

    def __init__(self) -> None:
        self.blocks: list[InputBlock] = []
        self.ends: list[str] = []
        self._over = threading.Event()

    def end(self, reason: str) -> None:
        self.ends.append(reason)
        self._over.set()

    def wait(self) -> None:
        assert self._over.wait(20)

    @property
    def pcm(self) -> np.ndarray:
        return np.concatenate([block.pcm for block in self.blocks])


def play(source: FileInput) -> Heard:
    heard = Heard()
    source.open(heard.blocks.append, heard.end)
    heard.wait()
    source.close()
    return heard


@pytest.mark.parametrize("column", [0, 1])
def test_int16_at_16_khz_comes_out_to_the_bit_in_blocks_of_20_ms(column: int) -> None:
    pcm = recording(3.01)
    clock = FakeClock(speed=50)
    source = FileInput("call.wav", lambda: blocks_of(pcm, 777), RATE, column, clock, start=clock.start)
    heard = play(source)
    assert np.array_equal(heard.pcm, pcm[:, column])
    assert [len(block.pcm) for block in heard.blocks] == [320] * 150 + [160]
    assert [block.t for block in heard.blocks] == [clock.start + k * 320 / RATE for k in range(151)]
    assert heard.ends == ["ended"]
    assert not source.active


def test_blocks_come_when_their_last_sample_is_due() -> None:
    clock = SystemClock()
    began = clock.monotonic()
    arrivals: list[float] = []
    heard = Heard()
    source = FileInput("call.wav", lambda: blocks_of(recording(0.3)), RATE, 0, clock, start=began)
    source.open(lambda block: arrivals.append(clock.monotonic() - block.t - len(block.pcm) / RATE), heard.end)
    heard.wait()
    assert min(arrivals) >= 0.0
    assert np.median(arrivals) < 0.05
    source.close()


def test_a_pace_makes_waits_shorter_and_leaves_times_alone() -> None:
    pcm = recording(4)
    clock = SystemClock()
    began = clock.monotonic()
    heard = play(FileInput("call.wav", lambda: blocks_of(pcm), RATE, 0, clock, pace=40, start=began))
    assert 0.08 < clock.monotonic() - began < 2.0
    assert heard.blocks[-1].t == pytest.approx(began + 3.98)
    with pytest.raises(ValueError, match="above 0"):
        FileInput("call.wav", lambda: blocks_of(pcm), RATE, 0, clock, pace=0)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_other_rates_are_resampled_in_one_stream(rate: int) -> None:
    hz, seconds = 440.0, 2.0
    tone = 0.5 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)
    column = np.stack([tone, tone], 1).astype(np.float32)

    def blocks(size: int) -> Iterator[np.ndarray]:
        return iter(np.split(column, range(size, len(column), size)))

    clock = PacedClock(SystemClock(), 50)
    heard = [
        play(FileInput("a.wav", lambda size=size: blocks(size), rate, 1, clock)).pcm for size in (999, 4096)
    ]
    assert np.array_equal(*heard)
    assert len(heard[0]) == pytest.approx(RATE * seconds, abs=1)
    true = 16_384 * np.sin(2 * np.pi * hz * np.arange(len(heard[0])) / RATE)
    inner = slice(1000, -1000)
    noise = np.mean((heard[0][inner] - true[inner]) ** 2)
    assert 10 * np.log10(np.mean(true[inner] ** 2) / noise) > 60


def test_two_recordings_with_one_start_stay_together_to_the_sample() -> None:
    """Threads deliver when they like; sample n of one file stands beside sample n of the other."""
    pcm = recording(5)
    clock = FakeClock(speed=20)
    aligner, heard = Aligner(clock.start + 0.5), {channel: Heard() for channel in Channel}
    sources = [
        FileInput("call.wav", lambda: blocks_of(pcm), RATE, column, clock, start=clock.start + 0.5)
        for column in (0, 1)
    ]
    for source, sink in zip(sources, heard.values(), strict=True):
        source.open(sink.blocks.append, sink.end)
    out = []
    while not all(sink.ends for sink in heard.values()):
        clock.sleep(0.02)
        for channel, sink in heard.items():
            waiting, sink.blocks[:] = sink.blocks[:], []
            for block in waiting:
                aligner.push(channel, block)
        out.append(aligner.read(clock.monotonic())[0])
    for source, (channel, sink) in zip(sources, heard.items(), strict=True):
        source.close()
        for block in sink.blocks:
            aligner.push(channel, block)
    out.append(aligner.finish()[0])
    assert np.array_equal(np.concatenate(out), pcm)


def test_a_recording_that_breaks_off_says_so_once() -> None:
    def blocks() -> Iterator[np.ndarray]:
        yield (recording(0.1) / 32768).astype(np.float32)
        raise AudioFormatError("the file is damaged")

    heard = play(FileInput("call.wav", blocks, RATE, 0, FakeClock(speed=100)))
    assert heard.ends == ["failed"]
    assert len(heard.pcm) == 1600


def test_a_recording_that_cannot_be_opened_is_a_device_error() -> None:
    def blocks() -> Iterator[np.ndarray]:
        raise AudioFormatError("call.wav holds no audio; record again.")

    with pytest.raises(DeviceError, match="holds no audio"):
        FileInput("call.wav", blocks, RATE, 0, FakeClock(speed=100)).open(print, print)


def test_closing_stops_at_once_and_quietly() -> None:
    closed = threading.Event()

    def blocks() -> Iterator[np.ndarray]:
        try:
            yield from blocks_of(recording(60))
        finally:
            closed.set()

    heard = Heard()
    source = FileInput("call.wav", blocks, RATE, 0, SystemClock())
    source.open(heard.blocks.append, heard.end)
    assert source.active
    with pytest.raises(DeviceError, match="playing already"):
        source.open(heard.blocks.append, heard.end)
    source.close()
    source.close()
    assert not source.active
    assert not heard.ends
    assert closed.is_set()


@given(st.lists(st.integers(0, 50), max_size=20), st.integers(1, 40))
@settings(max_examples=50)
def test_cutting_keeps_every_sample(lengths: list[int], size: int) -> None:
    pieces = [np.arange(sum(lengths[:k]), sum(lengths[: k + 1]), dtype=np.int16) for k in range(len(lengths))]
    blocks = list(cut_blocks(iter(pieces), size))
    assert [n for block in blocks for n in block] == list(range(sum(lengths)))
    assert all(len(block) == size for block in blocks[:-1])


def test_every_int16_value_survives_the_way_through_float() -> None:
    values = np.arange(-32768, 32768).astype(np.int16)
    assert np.array_equal(to_pcm((values / 32768).astype(np.float32)), values)
    assert np.array_equal(to_pcm(np.array([2.0, -2.0], np.float32)), [32767, -32768])
