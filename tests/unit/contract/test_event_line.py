"""Lines of ``events.jsonl``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from callcoach.contract import EventLine, read_events
from callcoach.contract.schemas import load_schema
from callcoach.errors import StoreError

HEADER = {"type": "Call", "span": [0, 0], "known_at": 0, "id": "call-1", "weights": {"base": "ab"}}
OVERLAP = {
    "type": "Overlap",
    "span": [16, 32],
    "known_at": 48,
    "channel": "agent",
    "class": "terminal",
    "p": 0.5,
}


def test_keys_of_a_type_pass_through() -> None:
    line = EventLine.model_validate_json(json.dumps(OVERLAP))
    assert line.details == {"class": "terminal", "p": 0.5}
    assert line.model_dump(mode="json", exclude_unset=True) == OVERLAP
    for event in (HEADER, OVERLAP):
        jsonschema.validate(event, load_schema("event-1"))


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "overlap"},
        {"type": None},
        {"span": [5]},
        {"span": [5, 4], "known_at": 9},
        {"span": [0.5, 4]},
        {"known_at": 31},
        {"known_at": "48"},
        {"channel": "customer"},
        {"wall_s": -1},
    ],
)
def test_wrong_lines_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EventLine.model_validate_json(json.dumps(OVERLAP | changes))


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_a_log_is_read_line_by_line(tmp_path: Path) -> None:
    events = list(read_events(write(tmp_path / "events.jsonl", HEADER, OVERLAP)))
    assert [event.type for event in events] == ["Call", "Overlap"]


def test_a_log_begins_with_its_header_and_errors_name_the_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with pytest.raises(StoreError, match="does not begin with a Call line"):
        list(read_events(write(path, OVERLAP)))
    with pytest.raises(StoreError, match="line 2 is not an event"):
        list(read_events(write(path, HEADER, {"type": "Turn"})))
    with pytest.raises(StoreError, match="Could not read"):
        list(read_events(tmp_path / "absent.jsonl"))
