from __future__ import annotations

import gc
import multiprocessing
import os
import secrets
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcoach.capture.ring import InputRing, SharedRing
from callcoach.sound_ports import InputBlock

RATE = 16_000


def counting(start: int, length: int) -> np.ndarray:
    """Return audio that says of every position which one it is: low and high 15 bits."""
    at = np.arange(start, start + length)
    return np.stack([at % 32_768, at // 32_768], 1).astype(np.int16)


@pytest.fixture
def ring() -> object:
    made = SharedRing.create(seconds=0.1)
    yield made
    made.close()
    made.unlink()


class TestSharedRing:
    @given(lengths=st.lists(st.integers(0, 700), max_size=25), most=st.integers(1, 2000))
    @settings(max_examples=60, deadline=None)
    def test_a_reader_that_keeps_up_gets_everything(self, lengths: list[int], most: int) -> None:
        ring = SharedRing.create(seconds=0.1)
        try:
            got, position = [np.zeros((0, 2), np.int16)], 0
            for length in lengths:
                ring.write(counting(ring.written, length))
                while position < ring.written:
                    start, block = ring.read(position, most)
                    assert start == position
                    assert 0 < len(block) <= most
                    got.append(block)
                    position += len(block)
            assert np.array_equal(np.concatenate(got), counting(0, sum(lengths)))
        finally:
            ring.close()
            ring.unlink()

    def test_a_reader_that_is_late_is_told_where_audio_begins(self, ring: SharedRing) -> None:
        for _ in range(10):
            ring.write(counting(ring.written, 400))
        start, block = ring.read(100, 5000)
        assert start == 4000 - 1600
        assert np.array_equal(block, counting(2400, 1600))

    def test_a_block_longer_than_the_ring_leaves_its_end(self, ring: SharedRing) -> None:
        ring.write(counting(0, 5000))
        start, block = ring.read(0, 5000)
        assert (start, ring.written) == (3400, 5000)
        assert np.array_equal(block, counting(3400, 1600))

    def test_nothing_new_is_an_empty_block(self, ring: SharedRing) -> None:
        ring.write(counting(0, 100))
        start, block = ring.read(100, 50)
        assert (start, block.shape) == (100, (0, 2))

    def test_what_the_writer_goes_over_while_it_is_copied_is_not_given_out(
        self, ring: SharedRing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The writer comes round in the middle of a copy; exactly the part that it touched is left out."""
        ring.write(counting(0, 1600))
        empty = np.empty

        def slow(*args: object, **kwargs: object) -> np.ndarray:
            monkeypatch.setattr(np, "empty", empty)
            ring.write(counting(1600, 300))
            return empty(*args, **kwargs)

        monkeypatch.setattr(np, "empty", slow)
        start, block = ring.read(0, 1600)
        assert start == 300
        assert np.array_equal(block, counting(300, 1300))

    def test_positions_have_64_bits(self, ring: SharedRing) -> None:
        """A call of 12 h has 691,200,000 positions, a week 9.7e9."""
        far = 7 * 24 * 3600 * RATE
        ring._views()[0][2:4] = far
        ring.write(counting(5, 700))
        start, block = ring.read(far, 700)
        assert (start, ring.written) == (far, far + 700)
        assert np.array_equal(block, counting(5, 700))

    def test_erased_positions_are_silent(self, ring: SharedRing) -> None:
        ring.write(counting(1, 2000))
        ring.erase(-5, 600)
        ring.erase(1500, 1600)
        _, block = ring.read(400, 1600)
        wanted = counting(401, 1600)
        wanted[:200] = 0
        wanted[1100:1200] = 0
        assert np.array_equal(block, wanted)

    def test_joining_what_is_no_ring(self) -> None:
        with pytest.raises(FileNotFoundError):
            SharedRing.attach("callcoach-nobody-has-this")
        memory = multiprocessing.shared_memory.SharedMemory(create=True, size=4096)
        try:
            with pytest.raises(ValueError, match="no ring"):
                SharedRing.attach(memory.name)
        finally:
            memory.close()
            memory.unlink()
        with pytest.raises(ValueError, match="at least one sample"):
            SharedRing.create(seconds=0)

    def test_only_the_maker_removes_it(self) -> None:
        ring = SharedRing.create(f"callcoach-{secrets.token_hex(4)}", seconds=0.1)
        other = SharedRing.attach(ring.name)
        ring.write(counting(0, 10))
        assert other.written == 10
        other.close()
        other.close()
        other.unlink()
        SharedRing.attach(ring.name).close()
        ring.close()
        ring.unlink()
        ring.unlink()
        with pytest.raises(FileNotFoundError):
            SharedRing.attach(ring.name)
        with pytest.raises(ValueError, match="closed"):
            ring.read(0, 1)

    def test_a_writer_in_another_process_is_read_without_a_false_sample(self) -> None:
        """Written as fast as it goes, far faster than the reader: what is given out is always right."""
        ring = SharedRing.create(seconds=0.2)
        child = multiprocessing.get_context("spawn").Process(target=_write_fast, args=(ring.name, 3000, 320))
        child.start()
        position, got, skipped = 0, 0, 0
        try:
            while position < 3000 * 320:
                start, block = ring.read(position, 4000)
                assert np.array_equal(block, counting(start, len(block)))
                skipped += start - position
                got += len(block)
                position = start + len(block)
        finally:
            child.join(30)
            ring.close()
            ring.unlink()
        assert child.exitcode == 0
        assert got + skipped == 3000 * 320
        assert got > 0

    @pytest.mark.parametrize("how", ["spawn", "subprocess"])
    def test_no_process_leaves_a_warning_or_takes_the_memory_away(self, how: str, tmp_path: Path) -> None:
        """Python before 3.13 would remove it at the end of whoever joined, or complain at the maker's end."""
        script = tmp_path / "maker.py"
        script.write_text(_MAKER)
        done = subprocess.run(
            [sys.executable, script, how],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert (done.returncode, done.stdout.strip()) == (0, "320")
        assert done.stderr == ""


def _write_fast(name: str, blocks: int, length: int) -> None:
    ring = SharedRing.attach(name)
    for _ in range(blocks):
        ring.write(counting(ring.written, length))
        if ring.written % 3200 == 0:
            time.sleep(0.001)
    ring.close()


_MAKER = """
import multiprocessing, subprocess, sys
import numpy
from callcoach.capture.ring import SharedRing

def join(name):
    ring = SharedRing.attach(name)
    ring.write(numpy.ones((320, 2), "i2"))
    ring.close()

if __name__ == "__main__":
    if len(sys.argv) > 2:
        join(sys.argv[2])
        sys.exit()
    ring = SharedRing.create(seconds=1)
    if sys.argv[1] == "subprocess":
        subprocess.run([sys.executable, __file__, "join", ring.name], check=True)
    else:
        child = multiprocessing.get_context("spawn").Process(target=join, args=(ring.name,))
        child.start()
        child.join()
        assert child.exitcode == 0
    again = SharedRing.attach(ring.name)
    print(again.written)
    again.close()
    ring.close()
    ring.unlink()
"""


class TestInputRing:
    @given(st.lists(st.tuples(st.integers(1, 900), st.booleans()), max_size=40))
    @settings(max_examples=60, deadline=None)
    def test_blocks_come_out_as_they_went_in(self, writes: list[tuple[int, bool]]) -> None:
        ring, waiting, sample = InputRing(seconds=0.2), deque(), 0
        for number, (length, take) in enumerate(writes):
            block = InputBlock(100.0 + number, counting(sample, length)[:, 0], overflow=number % 7 == 0)
            if sum(len(b.pcm) for b in waiting) + length <= 3200:
                waiting.append(block)
            ring.write(block)
            sample += length
            if take:
                for got in ring.take():
                    wanted = waiting.popleft()
                    assert got.t == wanted.t
                    assert got.overflow == wanted.overflow
                    assert np.array_equal(got.pcm, wanted.pcm)
                assert not waiting
        assert sum(len(b.pcm) for b in waiting) == sum(len(b.pcm) for b in ring.take())

    def test_what_does_not_fit_is_counted_and_what_was_kept_stays(self) -> None:
        ring = InputRing(seconds=0.1)
        for k in range(10):
            ring.write(InputBlock(float(k), counting(k * 320, 320)[:, 0]))
        assert ring.dropped == 5 * 320
        blocks = ring.take()
        assert [block.t for block in blocks] == [0.0, 1.0, 2.0, 3.0, 4.0]
        assert np.array_equal(np.concatenate([b.pcm for b in blocks]), counting(0, 1600)[:, 0])
        ring.write(InputBlock(11.0, counting(0, 320)[:, 0]))
        assert [block.t for block in ring.take()] == [11.0]
        assert ring.samples == 6 * 320

    def test_audio_that_was_taken_is_not_written_over(self) -> None:
        ring = InputRing(seconds=0.05)
        ring.write(InputBlock(0.0, np.full(800, 7, np.int16)))
        (block,) = ring.take()
        ring.write(InputBlock(1.0, np.full(800, 9, np.int16)))
        assert (block.pcm == 7).all()

    def test_erasing_leaves_no_sound_behind(self) -> None:
        ring = InputRing(seconds=0.05)
        for k in range(5):
            ring.write(InputBlock(float(k), np.full(300, 7, np.int16)))
            (block,) = ring.take(erase=True)
            assert (block.pcm == 7).all()
            assert not ring._pcm.any()

    def test_a_callback_takes_less_than_a_millisecond_and_allocates_nothing(self) -> None:
        """RT-1, with a thread that takes blocks meanwhile."""
        ring, over = InputRing(), threading.Event()
        block = InputBlock(1.0, np.ones(320, np.int16))
        taken = [0]

        def reader() -> None:
            while not over.is_set():
                taken[0] += sum(len(b.pcm) for b in ring.take())
                time.sleep(0.01)

        thread = threading.Thread(target=reader)
        thread.start()
        times = []
        for _ in range(3000):
            began = time.thread_time()
            ring.write(block)
            times.append(time.thread_time() - began)
            if ring.samples % 32_000 == 0:
                time.sleep(0.002)
        over.set()
        thread.join()
        assert np.percentile(times, 99.9) < 0.001
        held = ring.samples
        ring.take()
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(400):
            ring.write(block)
        assert sys.getallocatedblocks() - before < 20
        assert ring.samples == held + 400 * 320
