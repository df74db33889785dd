"""Laws of the journal: whatever happens to its bytes, only samples that were recorded come back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcoach.capture.journal import FRAME_SAMPLES, JournalReading, JournalWriter, read_journal
from callcoach.capture.journal_format import HEADER_BYTES, MAGIC
from callcoach.events import Channel
from tests.support.storing import BOTH, FakeTime, FaultyStorage, counted

SECOND = 16_000
LENGTH = 3 * SECOND + 777
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@contextmanager
def journal(content: bytes) -> Iterator[JournalReading]:
    with tempfile.TemporaryDirectory() as name:
        audio = Path(name) / "audio"
        audio.mkdir()
        (audio / "journal-0001.ccj").write_bytes(content)
        yield read_journal(Path(name))


@cache
def recorded() -> bytes:
    with tempfile.TemporaryDirectory() as name:
        writer = JournalWriter(Path(name), "call-1", clock=FakeTime(), storage=FaultyStorage())
        writer.write(0, counted(LENGTH), BOTH)
        writer.close()
        return (Path(name) / "audio" / "journal-0001.ccj").read_bytes()


def check(reading: JournalReading) -> list[int]:
    """Every sample is the recorded one where it is stored and zero elsewhere; return the lost ones."""
    samples, truth = reading.read(0, LENGTH), counted(LENGTH)
    lost = []
    for column, channel in enumerate(BOTH):
        stored = np.zeros(LENGTH, bool)
        for span in reading.stored[channel]:
            stored[span.start : span.end] = True
        np.testing.assert_array_equal(samples[stored, column], truth[stored, column])
        assert not samples[~stored, column].any()
        for damage in reading.damage:
            assert damage.channel != channel or not stored[damage.span.start : damage.span.end].any()
        lost.append(int((~stored).sum()))
    return lost


@quick
@given(cut=st.integers(0, len(recorded())))
def test_a_file_cut_anywhere_keeps_every_whole_frame(cut: int) -> None:
    """DUR-3: a torn last frame is dropped, and it is no damage."""
    with journal(recorded()[:cut]) as reading:
        lost = check(reading)
        pair = 2 * (HEADER_BYTES + 2 * FRAME_SAMPLES)
        whole = max(0, cut - 500) // pair * FRAME_SAMPLES
        assert all(LENGTH - missing >= min(whole, LENGTH) for missing in lost)
        assert (reading.damage, reading.damaged_bytes) == ((), 0)
        assert reading.torn_bytes <= HEADER_BYTES + 2 * FRAME_SAMPLES


@quick
@given(at=st.integers(0, len(recorded()) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_costs_one_frame_and_is_told(at: int, bit: int) -> None:
    """SEC-5 for the journal: nothing damaged is passed on, all the rest is."""
    content = bytearray(recorded())
    content[at] ^= 1 << bit
    with journal(bytes(content)) as reading:
        lost = check(reading)
        assert sorted(lost)[0] == 0
        assert max(lost) <= FRAME_SAMPLES
        told = sum(damage.span.length for damage in reading.damage)
        assert told == max(lost) or reading.torn_bytes > 0
        assert reading.damaged_bytes + reading.torn_bytes > 0


@quick
@given(
    pieces=st.lists(
        st.tuples(st.integers(0, len(recorded())), st.integers(0, 20_000), st.binary(max_size=300)),
        max_size=6,
    )
)
def test_whatever_is_cut_out_or_put_in_nothing_is_invented(pieces: list[tuple[int, int, bytes]]) -> None:
    content = recorded()
    for at, removed, put in pieces:
        content = content[:at] + put + content[at + removed :]
    with journal(content) as reading:
        check(reading)


@quick
@given(junk=st.binary(max_size=3000), repeated=st.integers(0, 5))
def test_junk_is_no_journal(junk: bytes, repeated: int) -> None:
    with journal((junk + MAGIC) * repeated + junk) as reading:
        assert (reading.end, list(reading), reading.call_id) == (0, [], None)


@settings(max_examples=80, deadline=None)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(
                st.just("write"), st.integers(1, 9000), st.sampled_from([BOTH, BOTH[:1], BOTH[1:], ()])
            ),
            st.tuples(st.just("skip"), st.integers(1, 9000), st.just(())),
            st.tuples(st.just("erase"), st.integers(0, 20_000), st.sampled_from([BOTH, BOTH[:1], BOTH[1:]])),
            st.tuples(st.just("sync"), st.just(0), st.just(())),
            st.tuples(st.just("failed sync"), st.integers(0, 12_000), st.just(())),
            st.tuples(st.just("failed write"), st.integers(0, 12_000), st.just(())),
        ),
        max_size=25,
    )
)
def test_a_journal_is_what_was_given_less_what_was_taken_back(
    steps: list[tuple[str, int, tuple[Channel, ...]]],
) -> None:
    """Any order of writing, pauses, erasures and disk errors, with a ring of 12,000 samples behind it."""
    with tempfile.TemporaryDirectory() as name:
        folder, clock, storage = Path(name), FakeTime(), FaultyStorage()
        writer = JournalWriter(folder, "call-1", clock=clock, storage=storage, roll_bytes=40_000)
        truth = np.zeros((0, 2), np.int16)
        given_by: list[tuple[int, int, tuple[Channel, ...]]] = []
        for step, size, channels in steps:
            clock.now += 0.6
            position = len(truth)
            if step == "write":
                block = counted(size, position)
                writer.write(position, block, channels)
                given_by.append((position, position + size, channels))
                kept = block * np.array([channel in channels for channel in BOTH], np.int16)
                truth = np.concatenate([truth, kept])
            elif step == "skip":
                truth = np.concatenate([truth, np.zeros((size, 2), np.int16)])
            elif step == "erase":
                start = max(0, position - size)
                writer.erase(start, position, channels)
                for column, channel in enumerate(BOTH):
                    if channel in channels:
                        truth[start:position, column] = 0
            else:
                storage.broken = {
                    "failed sync": {"sync": "input/output"},
                    "failed write": {"write": "no space"},
                }.get(step, {})
                writer.sync()
                storage.broken = {}
                clock.now += 0.6
                writer.flush()
            again = writer.take_rewrite()
            if again is not None:
                for start, end, sides in given_by:
                    if end > again:
                        low = max(start, again)
                        writer.write(low, counted(end - low, low), sides)
        writer.close(end=len(truth))
        reading = read_journal(folder)
        assert reading.end == len(truth)
        assert (reading.damage, reading.torn_bytes) == ((), 0)
        np.testing.assert_array_equal(reading.read(0, len(truth)), truth)


def test_two_calls_do_not_mix(tmp_path: Path) -> None:
    """A frame of another call, left in a reused block of the disk, is not of this one."""
    other = JournalWriter(tmp_path / "other", "call-2", clock=FakeTime(), storage=FaultyStorage())
    other.write(0, np.full((FRAME_SAMPLES, 2), 9, np.int16), BOTH)
    other.close()
    foreign = (tmp_path / "other" / "audio" / "journal-0001.ccj").read_bytes()
    with journal(recorded()[:40_000] + foreign + recorded()[40_000:]) as reading:
        lost = check(reading)
        assert max(lost) <= FRAME_SAMPLES
        assert reading.damaged_bytes >= len(foreign)


@pytest.mark.parametrize("hole", [HEADER_BYTES, 8056, 100_000])
def test_a_hole_of_zeros_as_a_power_cut_leaves_it(hole: int) -> None:
    content = bytearray(recorded())
    content[50_000 : 50_000 + hole] = bytes(min(hole, len(content) - 50_000))
    with journal(bytes(content)) as reading:
        lost = check(reading)
        # 4 bytes hold a sample of both sides; the frames that meet the hole go
        assert sum(lost) <= 2 * FRAME_SAMPLES + hole // 2
        told = {c: sum(d.span.length for d in reading.damage if d.channel is c) for c in BOTH}
        assert list(told.values()) == lost
