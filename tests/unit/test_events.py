"""Every event class: its JSON form and back."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcoach import events as module
from callcoach.clock import Samples, Span
from callcoach.contract import EventLine
from callcoach.events import (
    EVENT_TYPES,
    Channel,
    Event,
    Fact,
    Facts,
    FloorTaken,
    OverlapClass,
    Word,
    event_from_json,
    event_to_json,
)

POSITIONS = st.integers(0, 10**9)
TEXTS = st.text(max_size=12)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    a, b = sorted((draw(POSITIONS), draw(POSITIONS)))
    return Span(Samples(a), Samples(b))


def values(hint: object) -> st.SearchStrategy[object]:
    """Any value of an annotation; a new kind of field fails here until it is known."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return st.one_of([values(a) for a in arguments])
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if hint == Facts:
        return st.dictionaries(TEXTS, values(Fact), max_size=3)
    if origin is dict:
        return st.dictionaries(TEXTS, values(arguments[1]), max_size=3)
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    known: dict[object, st.SearchStrategy[object]] = {
        Any: st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), TEXTS),
        type(None): st.none(),
        bool: st.booleans(),
        int: st.integers(-(10**9), 10**9),
        Samples: POSITIONS,
        float: st.floats(allow_nan=False, allow_infinity=False),
        str: TEXTS,
        Span: spans(),
        Word: st.builds(Word, TEXTS, spans(), st.floats(0, 1)),
    }
    return known[hint]


@st.composite
def events(draw: st.DrawFn, cls: type[Event]) -> Event:
    hints = typing.get_type_hints(cls)
    fields = {f.name: draw(values(hints[f.name])) for f in dataclasses.fields(cls)}
    span = fields["span"]
    assert isinstance(span, Span)
    fields["known_at"] = span.end + draw(st.integers(0, 10**6))
    return cls(**fields)


def test_every_event_class_of_the_module_can_be_read_back() -> None:
    defined = {
        c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Event) and c is not Event
    }
    assert set(EVENT_TYPES.values()) == defined
    assert all(name == cls.__name__ for name, cls in EVENT_TYPES.items())


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_json_there_and_back(name: str) -> None:
    cls = EVENT_TYPES[name]

    @given(events(cls))
    def there_and_back(event: Event) -> None:
        record = json.loads(json.dumps(event_to_json(event)))
        assert next(iter(record)) == "type"
        again = event_from_json(record)
        assert again == event
        assert type(again) is cls
        for item in dataclasses.fields(event):
            assert type(getattr(again, item.name)) is type(getattr(event, item.name))

    there_and_back()


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_every_event_is_a_line_of_the_log(name: str) -> None:
    @given(events(EVENT_TYPES[name]))
    def is_line(event: Event) -> None:
        line = EventLine.model_validate_json(json.dumps(event_to_json(event)))
        assert line.type == name
        assert line.known_at >= line.span[1]

    is_line()


def taken(start: int = 0, end: int = 10, known_at: int = 10) -> FloorTaken:
    return FloorTaken(
        span=Span(Samples(start), Samples(end)),
        known_at=Samples(known_at),
        channel=Channel.AGENT,
        offset=None,
    )


def test_the_form_is_plain() -> None:
    assert event_to_json(taken()) == {
        "type": "FloorTaken",
        "span": [0, 10],
        "known_at": 10,
        "channel": "agent",
        "offset": None,
    }


def test_an_event_is_never_known_before_it_has_ended() -> None:
    with pytest.raises(ValueError, match="before the end"):
        taken(known_at=9)


def test_further_keys_are_ignored() -> None:
    assert event_from_json({**event_to_json(taken()), "wall_s": 1.5}) == taken()


@pytest.mark.parametrize(
    "damage", [{"type": "Nothing"}, {"span": None}, {"span": 3}, {"channel": "nobody"}, {"span": [10, 0]}]
)
def test_what_is_no_event_is_refused(damage: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has a text of its own
        event_from_json({**event_to_json(taken()), **damage})


@pytest.mark.parametrize("key", ["type", "span", "known_at", "channel", "offset"])
def test_a_missing_field_is_refused(key: str) -> None:
    record = event_to_json(taken())
    del record[key]
    with pytest.raises(ValueError, match=key):
        event_from_json(record)


def test_three_classes_count() -> None:
    assert {k.value: k.weight for k in OverlapClass if k.counted} == {
        "floor_taking": 1.0,
        "butting_in": 0.5,
        "pause_barge_in": 0.5,
    }
    assert len(OverlapClass) == 8


def test_the_other_party() -> None:
    assert Channel.AGENT.other is Channel.CALLER
    assert Channel.CALLER.other is Channel.AGENT
