"""``call.json``: what it must hold, and what it must refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from callcoach.contract import (
    METRIC_KEYS,
    NOT_MEASURED_YET,
    CallDocument,
    CueEntry,
    Metrics,
    OpeningStory,
    OverlapEntry,
    SegmentEntry,
    TurnEntry,
    VerdictInfo,
    load_call,
)
from callcoach.contract import metrics as m
from callcoach.contract.schemas import load_schema
from callcoach.errors import StoreError
from callcoach.events import Channel
from tests.support.call_documents import (
    call_info,
    document_from_truth,
    mono_document,
    small_document,
    truth_names,
)

TOP_KEYS = [
    *("schema", "call", "verdict", "quality", "segments", "turns", "transcript", "overlaps", "silences"),
    *("monologues", "voice_events", "language_events", "acknowledgement_windows", "opening_story", "cues"),
    *("metrics", "scores", "qa_card", "language"),
]


def plain(document: CallDocument) -> dict[str, Any]:
    """The document as a JSON reader sees it."""
    found: dict[str, Any] = json.loads(document.to_json())
    return found


def errors_of(value: object) -> list[str]:
    validator = jsonschema.Draft202012Validator(load_schema("call-1"))
    return [error.message for error in validator.iter_errors(value)]


@pytest.mark.parametrize("document", [small_document(), mono_document()], ids=["dual", "mono"])
def test_written_text_follows_the_shipped_schema_and_comes_back_equal(document: CallDocument) -> None:
    assert errors_of(plain(document)) == []
    assert CallDocument.from_json(document.to_json()) == document


@pytest.mark.skipif(not truth_names(), reason="shared/data/synthetic_calls is not beside the checkout")
@pytest.mark.parametrize("name", truth_names())
def test_whole_calls_follow_the_schema_and_come_back_equal(name: str) -> None:
    document = document_from_truth(name)
    assert errors_of(plain(document)) == []
    assert CallDocument.from_json(document.to_json()) == document


def test_every_key_of_the_contract_is_written_in_its_order() -> None:
    written = plain(small_document())
    assert list(written) == TOP_KEYS
    assert written["schema"] == "callcoach.call/1"
    assert list(written["call"]) == [
        *("id", "source", "started_at", "duration_ms", "sample_rate", "channel_mode"),
        *("language", "model", "settings_digest", "version"),
    ]
    assert set(written["overlaps"][1]) == {
        *("incomer", "begin", "end", "class", "counted", "weight", "confidence", "facts")
    }
    assert written["overlaps"][1]["class"] == "floor_taking"
    assert set(written["transcript"][0]["words"][0]) == {"w", "b", "e", "p"}


def test_metrics_give_a_reason_for_every_null() -> None:
    metrics = plain(small_document())["metrics"]
    assert set(METRIC_KEYS) | {"why_null"} == set(metrics)
    assert set(metrics["why_null"]) == {key for key in METRIC_KEYS if metrics[key] is None}
    assert metrics["why_null"]["L15"] == NOT_MEASURED_YET
    assert metrics["M12"] == {"median_ms": 3650, "p10_ms": -700, "p90_ms": 8000, "n": 2}


def test_own_reasons_are_kept_and_contradictions_refused() -> None:
    assert Metrics(why_null={"M12": "the agent never answered"}).why_null["M12"] == "the agent never answered"
    with pytest.raises(ValidationError, match="M21"):
        Metrics(M21=m.GreetingLatency(seconds=1.0), why_null={"M21": "no audio"})
    with pytest.raises(ValidationError, match="V15"):
        Metrics(why_null={"V15": "not used"})


def test_started_at_is_written_as_rfc3339() -> None:
    info = call_info(started_at="2026-03-01T09:30:00+01:00")
    assert plain(small_document(call=info))["call"]["started_at"] == "2026-03-01T09:30:00+01:00"
    with pytest.raises(ValidationError):
        call_info(started_at="2026-03-01T09:30:00")


@pytest.mark.parametrize(
    "path", [(), ("call",), ("metrics",), ("turns", 0), ("transcript", 0, "words", 0), ("metrics", "M12")]
)
def test_unknown_keys_are_refused_at_every_depth_by_model_and_schema(path: tuple[str | int, ...]) -> None:
    document = plain(small_document())
    place = document
    for step in path:
        place = place[step]  # type: ignore[index]
    place["surprise"] = 1
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        CallDocument.from_json(json.dumps(document))
    assert errors_of(document)


def test_only_the_names_of_the_contract_are_read() -> None:
    document = plain(small_document())
    document["overlaps"][0]["overlap_class"] = document["overlaps"][0].pop("class")
    with pytest.raises(ValidationError):
        CallDocument.from_json(json.dumps(document))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("call", "duration_ms"), 40_000.5),
        (("call", "duration_ms"), "40000"),
        (("call", "duration_ms"), -1),
        (("call", "channel_mode"), "stereo"),
        (("turns", 0, "begin"), True),
        (("turns", 0, "role"), "customer"),
        (("turns", 0, "phase"), "middle"),
        (("overlaps", 0, "class"), "rude"),
        (("overlaps", 0, "weight"), 1.5),
        (("quality", "bleed_share"), 20),
        (("metrics", "M01", "agent_s"), -1.0),
        (("silences", 0, "kind"), "pause"),
    ],
)
def test_wrong_values_are_refused_by_model_and_schema(path: tuple[str | int, ...], value: object) -> None:
    document = plain(small_document())
    place = document
    for step in path[:-1]:
        place = place[step]  # type: ignore[index]
    place[path[-1]] = value  # type: ignore[index]
    with pytest.raises(ValidationError):
        CallDocument.from_json(json.dumps(document))
    assert errors_of(document)


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(ValidationError, match="finite"):
        m.TalkTime(agent_s=float("nan"), caller_s=1.0)
    with pytest.raises(ValidationError, match="finite"):
        OverlapEntry(
            incomer=Channel.AGENT,
            begin=0,
            end=1,
            overlap_class="unsure",
            counted=False,
            weight=0,
            confidence="low",
            facts={"overlap_ms": float("inf")},
        )


def test_intervals_do_not_run_backwards() -> None:
    with pytest.raises(ValidationError, match="begin <= end"):
        SegmentEntry(role=Channel.AGENT, begin=5, end=4)
    with pytest.raises(ValidationError, match="begin <= end"):
        VerdictInfo(status="salvaged", reasons=("torn",), spans=((5, 4),))


@pytest.mark.parametrize(
    ("overlap_class", "counted", "weight"),
    [
        ("backchannel", True, 1.0),
        ("floor_taking", False, 0.0),
        ("butting_in", True, 0.0),
        ("terminal", False, 0.5),
    ],
)
def test_counted_weight_and_class_of_an_overlap_fit(overlap_class: Any, counted: bool, weight: float) -> None:
    with pytest.raises(ValidationError, match="counted"):
        OverlapEntry(
            incomer=Channel.AGENT,
            begin=0,
            end=1,
            overlap_class=overlap_class,
            counted=counted,
            weight=weight,
            confidence="high",
        )


def test_interruption_indices_point_at_the_counted_overlaps_of_that_side() -> None:
    for agent, caller in (((0,), ()), ((), (1,)), ((1, 2), ())):
        listed = m.Interruptions(agent=agent, caller=caller, agent_weight=1.0, caller_weight=0.0)
        with pytest.raises(ValidationError, match="M07"):
            small_document(metrics=Metrics(M07=listed))


def test_a_story_is_cut_or_completed() -> None:
    with pytest.raises(ValidationError, match="cut_at"):
        OpeningStory(begin=0, end=9, completed=True, cut_at=5, words=3, backchannels=0)
    with pytest.raises(ValidationError, match="cut_at"):
        OpeningStory(begin=0, end=9, completed=False, cut_at=None, words=3, backchannels=0)


def test_a_cue_that_was_shown_was_not_suppressed() -> None:
    facts: dict[str, Any] = {"id": "C01", "key": "k", "opened": 1, "closed": 2, "known_at": 3, "text": "t"}
    assert CueEntry(**facts, shown=False, suppressed_by="budget").suppressed_by == "budget"
    with pytest.raises(ValidationError, match="suppressed"):
        CueEntry(**facts, shown=True, suppressed_by="budget")


def test_a_bad_verdict_needs_a_reason() -> None:
    with pytest.raises(ValidationError, match="reason"):
        VerdictInfo(status="rejected")


def test_roles_are_open_in_mono_only_and_mono_invents_no_speakers() -> None:
    nobody = SegmentEntry(role=None, begin=0, end=1)
    with pytest.raises(ValidationError, match="only a mono recording"):
        small_document(segments=(nobody,))
    mono = mono_document().model_dump(by_alias=True)
    for key, entry in (
        ("segments", SegmentEntry(role=Channel.AGENT, begin=0, end=1)),
        ("turns", TurnEntry(role=Channel.AGENT, begin=0, end=1, phase="diagnose")),
    ):
        with pytest.raises(ValidationError, match="mono recording"):
            CallDocument.model_validate(mono | {key: (entry,)})


def test_loading_says_what_is_wrong_without_quoting_words(tmp_path: Path) -> None:
    good = tmp_path / "call.json"
    good.write_text(small_document().to_json(), encoding="utf-8")
    assert load_call(good) == small_document()
    broken = plain(small_document())
    broken["transcript"][0]["text"] = ["my secret words"]
    good.write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(StoreError, match=r"call\.json is not a valid .*transcript\.0\.text") as caught:
        load_call(good)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
    with pytest.raises(StoreError, match="No such file"):
        load_call(tmp_path / "absent.json")


def test_the_file_has_one_list_entry_per_line() -> None:
    lines = small_document().to_json().splitlines()
    assert sum(line.startswith('  {"begin": ') and '"phase"' in line for line in lines) == 5
    assert any(line.startswith('  "M12": ') for line in lines)
