"""Words by party and by time."""

from __future__ import annotations

from callcoach.clock import to_samples
from callcoach.core.transcript import Transcript
from callcoach.events import Channel
from tests.support.sounding import word


def transcript() -> Transcript:
    made = Transcript(enabled=True)
    made.add(Channel.AGENT, (word("one", 1.0, 1.4), word("two", 1.5, 1.9)))
    made.add(Channel.AGENT, (word("three", 5.0, 5.4),))
    made.add(Channel.CALLER, (word("other", 1.2, 1.6),))
    return made


def within(start: float, end: float, channel: Channel = Channel.AGENT) -> list[str]:
    return [w.text for w in transcript().within(channel, to_samples(start), to_samples(end))]


def test_a_word_belongs_where_its_middle_lies_give_or_take_0_15_s() -> None:
    assert within(1.0, 2.0) == ["one", "two"]
    assert within(1.34, 1.6) == ["one", "two"]
    assert within(1.36, 1.6) == ["two"]
    assert within(0.0, 1.04) == []
    assert within(0.0, 1.06) == ["one"]
    assert within(2.0, 4.0) == []


def test_the_parties_do_not_mix() -> None:
    assert within(0, 10, Channel.CALLER) == ["other"]
    assert [w.text for w in transcript().all(Channel.AGENT)] == ["one", "two", "three"]


def test_the_last_word_before_a_stop() -> None:
    t = transcript()
    two = t.last_before(Channel.AGENT, to_samples(3.0), to_samples(1.5))
    assert two is not None
    assert two.text == "two"
    assert t.last_before(Channel.AGENT, to_samples(3.5), to_samples(1.5)) is None
    assert t.last_before(Channel.AGENT, to_samples(0.5), to_samples(1.5)) is None


def test_words_are_known_up_to_where_they_have_arrived() -> None:
    t = transcript()
    t.through[Channel.AGENT] = 1000
    assert t.known(Channel.AGENT, 1000)
    assert not t.known(Channel.AGENT, 1001)
    assert not t.known(Channel.CALLER, 1)


def test_without_a_recogniser_nothing_is_ever_known() -> None:
    t = Transcript(enabled=False)
    t.through[Channel.AGENT] = 1000
    assert not t.known(Channel.AGENT, 0)
