"""Words join the events at a fixed place, whatever the speed of the computer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest

from callcoach.clock import Samples, Span
from callcoach.core.deadlines import DeadlineMerge
from callcoach.events import Channel, Word
from callcoach.ports import SpeechWindow


@dataclass
class Slow:
    """A result that is there or not."""

    name: str
    ready: bool = True

    def done(self) -> bool:
        return self.ready

    def result(self) -> tuple[Word, ...]:
        return (Word(self.name, Span(Samples(0), Samples(1)), 1.0),)


def window(name: str) -> SpeechWindow:
    return SpeechWindow(
        Channel.AGENT, np.zeros(len(name), np.float32), (Span(Samples(0), Samples(len(name))),), (0,)
    )


def released(merge: DeadlineMerge, now: int | None) -> list[str | None]:
    return [None if r is None else r.result()[0].text for _, r in merge.release(now)]


def merge_of(
    jobs: list[tuple[int, str]], on_miss: Literal["wait", "skip"] = "wait", ready: bool = True
) -> DeadlineMerge:
    merge = DeadlineMerge(on_miss)
    for deadline, name in jobs:
        merge.submit(deadline, window(name), Slow(name, ready))
    return merge


def test_nothing_is_released_before_its_deadline() -> None:
    merge = merge_of([(100, "a")])
    assert released(merge, 99) == []
    assert released(merge, 100) == ["a"]
    assert released(merge, 100) == []


def test_jobs_come_by_deadline() -> None:
    assert released(merge_of([(300, "c"), (100, "a"), (200, "b")]), 1000) == ["a", "b", "c"]


def test_jobs_of_one_deadline_come_in_the_order_of_submission() -> None:
    names = list("qwertz")
    assert released(merge_of([(100, n) for n in names]), 100) == names


def test_at_the_end_everything_comes() -> None:
    assert released(merge_of([(300, "c"), (100, "a")]), None) == ["a", "c"]


def test_a_file_waits_for_what_is_not_ready() -> None:
    merge = merge_of([(100, "a")], "wait", ready=False)
    assert released(merge, 100) == ["a"]
    assert merge.missed == 0


def test_a_live_call_tells_what_is_late_and_delivers_it_when_it_is_there() -> None:
    merge = DeadlineMerge("skip")
    first, second = Slow("a", False), Slow("b", False)
    merge.submit(100, window("a"), first)
    merge.submit(200, window("b"), second)
    assert released(merge, 100) == [None]
    assert released(merge, 200) == [None]
    assert merge.missed == 2
    assert len(merge.outstanding) == 2
    second.ready = True
    assert released(merge, 300) == ["b"]
    assert released(merge, None) == ["a"]
    assert merge.outstanding == []


def test_a_live_call_takes_what_is_ready() -> None:
    merge = merge_of([(100, "a")], "skip")
    assert released(merge, 100) == ["a"]
    assert merge.missed == 0


@pytest.mark.parametrize("now", [99, 100])
def test_outstanding_names_what_was_not_delivered(now: int) -> None:
    merge = merge_of([(100, "a"), (200, "bb")])
    released(merge, now)
    assert sorted(w.pieces[0].length for w in merge.outstanding) == ([1, 2] if now < 100 else [2])
