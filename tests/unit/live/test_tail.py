"""What can be read of a log whose process died."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from callcoach.clock import Samples, to_samples
from callcoach.events import Channel, Event, Scrub, Words
from callcoach.live.tail import event_line, read_live_log, trim_log
from callcoach.sources.stored_call import MOST_LINE_BYTES, CallFolderError
from tests.support.live_logs import ended, header, said, span, speech, write_log

EVENTS: list[Event] = [
    speech(Channel.AGENT, 1, 2),
    said(Channel.AGENT, 1, 2, "Grüße aus Köln"),
    speech(Channel.CALLER, 3, 4),
]


def test_a_whole_log(tmp_path: Path) -> None:
    path = write_log(tmp_path, [*EVENTS, ended(5)])
    log = read_live_log(path)
    assert (log.header, log.events) == (header(), (*EVENTS, ended(5)))
    assert (log.damaged_lines, log.changed) == (0, False)
    assert trim_log(log) == path.read_bytes()


def test_every_cut_leaves_whole_lines(tmp_path: Path) -> None:
    """Wherever the file ends: all earlier events are there, none is made up, one line at most is damaged."""
    path = write_log(tmp_path, EVENTS)
    whole = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        log = read_live_log(path)
        lines = sum(end <= cut for end in ends)
        complete = cut + 1 in ends  # all but the end of the line
        if lines == 0 and not complete:
            assert log.header is None
            assert log.events == ()
        else:
            assert list(log.events) == EVENTS[: lines - 1 + complete]
            assert trim_log(log) == whole[: ends[lines - 1 + complete]]
        assert log.damaged_lines == (cut not in (0, *ends) and not complete)


def test_zeros_of_a_power_cut(tmp_path: Path) -> None:
    path = write_log(tmp_path, EVENTS)
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(4096))
    log = read_live_log(path)
    assert (list(log.events), log.damaged_lines, log.changed) == (EVENTS, 1, True)
    assert trim_log(log) == whole


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"no json\n",
        b"[1, 2]\n",
        b'{"type":"Nothing","span":[0,0],"known_at":99999}\n',
        b'{"type":"Notice","span":[0,0],"known_at":99999,"code":"S","value":NaN}\n',
        b'{"type":"CallEnded","span":[0,0],"known_at":1}\n',
        b"\xff\xfe\n",
        b'{"a":' * 9999 + b"\n",
        b"x" * (MOST_LINE_BYTES * 2) + b"\n",
        event_line(header()),
    ],
    ids=["empty", "text", "list", "unknown", "nan", "earlier", "no utf-8", "deep", "long", "second header"],
)
def test_a_damaged_line_between_others_is_left_out(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "events.jsonl"
    before, after = event_line(EVENTS[0]), event_line(EVENTS[2])
    path.write_bytes(event_line(header()) + before + line + after)
    log = read_live_log(path)
    assert list(log.events) == [EVENTS[0], EVENTS[2]]
    assert (log.damaged_lines, log.changed) == (1, True)
    assert trim_log(log) == event_line(header()) + before + after


def test_a_second_end_is_damage(tmp_path: Path) -> None:
    log = read_live_log(write_log(tmp_path, [ended(5), ended(6)]))
    assert (log.events, log.damaged_lines) == ((ended(5),), 1)


def test_a_lost_header_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"?\n" + event_line(EVENTS[0]))
    log = read_live_log(path)
    assert (log.header, list(log.events), log.damaged_lines) == (None, EVENTS[:1], 1)
    assert trim_log(log, header()) == event_line(header()) + event_line(EVENTS[0])
    with pytest.raises(ValueError, match="header"):
        trim_log(log)


def test_lines_keep_what_an_event_does_not_hold(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    line = event_line(EVENTS[0]).replace(b"}\n", b',"wall_s":2.5}\n')
    path.write_bytes(event_line(header()) + line + b"half")
    assert trim_log(read_live_log(path)).endswith(line)


def test_a_call_without_a_log_has_no_events(tmp_path: Path) -> None:
    log = read_live_log(tmp_path / "events.jsonl")
    assert (log.header, log.events, log.damaged_lines) == (None, (), 0)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "events.jsonl")
    with pytest.raises(CallFolderError, match="is not a file"):
        read_live_log(tmp_path / "events.jsonl")


def test_words_that_were_to_be_removed_are_not_read(tmp_path: Path) -> None:
    """The process died between the order and the removal (PRV-4)."""
    scrub = Scrub(span=span(1.5, 3), known_at=to_samples(3))
    first = said(Channel.AGENT, 0.0, 3.0, "my card is four two")
    path = write_log(tmp_path, [first, scrub, said(Channel.AGENT, 3, 4, "thank you")])
    log = read_live_log(path)
    texts = [w.text for e in log.events if isinstance(e, Words) for w in e.items]
    assert texts == ["my", "card", "thank", "you"]
    assert log.changed
    assert b"four" not in trim_log(log)
    path.write_bytes(trim_log(log))
    assert not read_live_log(path).changed


def test_positions_never_go_back(tmp_path: Path) -> None:
    events = [speech(Channel.AGENT, 5, 6), speech(Channel.AGENT, 1, 2), ended(7)]
    log = read_live_log(write_log(tmp_path, events))
    assert [e.known_at for e in log.events] == [to_samples(6), Samples(112_128)]
