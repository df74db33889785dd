"""The event log: header first, one object per line, no half logs."""

from __future__ import annotations

import errno
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import JsonValue

from callcoach.clock import Samples, Span
from callcoach.contract import read_events
from callcoach.errors import StoreError
from callcoach.events import Event
from callcoach.sinks.jsonl import JsonlSink


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Event):
    """Stands for the header event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Event):
    """Stands for any other event."""

    text: str = "größer"


def to_json(event: Event) -> dict[str, JsonValue]:
    record: dict[str, JsonValue] = {"known_at": event.known_at, "type": type(event).__name__}
    record["span"] = [event.span.start, event.span.end]
    if isinstance(event, Said):
        record["text"] = event.text
    return record


HEADER = Call(span=Span(Samples(0), Samples(0)), known_at=Samples(0))
SAID = Said(span=Span(Samples(16), Samples(32)), known_at=Samples(40))


def test_lines_appear_in_order_under_the_final_name_only_when_complete(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with JsonlSink(path, to_json) as sink:
        sink.handle(HEADER)
        sink.handle(SAID)
        assert not path.exists()
    sink.close()
    assert path.read_text(encoding="utf-8").splitlines() == [
        '{"type":"Call","span":[0,0],"known_at":0}',
        '{"type":"Said","span":[16,32],"known_at":40,"text":"größer"}',
    ]
    assert [line.type for line in read_events(path)] == ["Call", "Said"]
    assert [p.name for p in tmp_path.iterdir()] == ["events.jsonl"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_header_comes_first(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path / "events.jsonl", to_json)
    with pytest.raises(ValueError, match="begins with Call, not Said"):
        sink.handle(SAID)
    sink.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_broken_offline_run_leaves_the_old_log(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("old\n", encoding="utf-8")

    def broken_run() -> None:
        with JsonlSink(path, to_json) as sink:
            sink.handle(HEADER)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_run()
    assert [p.name for p in tmp_path.iterdir()] == ["events.jsonl"]
    assert path.read_text(encoding="utf-8") == "old\n"


def test_a_live_log_is_on_disk_line_by_line_with_wall_time(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    walls = iter([0.0, 1.23456])
    sink = JsonlSink(path, to_json, wall_s=lambda: next(walls), in_place=True)
    sink.handle(HEADER)
    sink.handle(SAID)
    written = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["wall_s"] for line in written] == [0.0, 1.2346]
    sink.discard()
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2


def test_numbers_that_are_none_never_reach_the_log(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path / "e", lambda event: to_json(event) | {"level": float("nan")})
    with pytest.raises(ValueError, match="JSON"):
        sink.handle(HEADER)
    sink.discard()


def test_a_failed_rename_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    sink = JsonlSink(tmp_path / "events.jsonl", to_json)
    sink.handle(HEADER)
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(StoreError, match=r"events\.jsonl: No space left"):
        sink.close()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Could not write"):
        JsonlSink(tmp_path / "absent" / "events.jsonl", to_json)
