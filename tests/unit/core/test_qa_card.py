"""QA card of section 7: points only where measured, evidence that can be played."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcoach.contract import (
    METRIC_KEYS,
    AcknowledgementEntry,
    CallDocument,
    CueEntry,
    LanguageEventEntry,
    Metrics,
    OpeningStory,
    QaCardEntry,
    SilenceEntry,
    VoiceEventEntry,
)
from callcoach.contract import metrics as m
from callcoach.contract.delivery_metrics import RaisedDelivery, RecoveryTime
from callcoach.core.qa_card import ITEMS, qa_card
from callcoach.events import Channel
from tests.support.call_documents import (
    call_info,
    document_from_truth,
    mono_document,
    small_document,
    truth_names,
)

AGENT, CALLER = Channel.AGENT, Channel.CALLER
GREETING, STORY, ACKNOWLEDGED, PLAYED_BACK, ASKED, PLAIN, POSITIVE, STEADY, SILENCE, CHECKED, OWNED, CLOSE = (
    range(12)
)


def card(**changes: Any) -> tuple[QaCardEntry, ...]:
    return qa_card(small_document(**changes))


def with_metrics(**values: Any) -> dict[str, Any]:
    """The metrics of the example call with others."""
    metrics = small_document().metrics
    held = {key: getattr(metrics, key) for key in METRIC_KEYS if getattr(metrics, key) is not None}
    return {"metrics": Metrics.model_validate({**held, **values})}


def raised(openings: int, per_10min: float) -> RaisedDelivery:
    return RaisedDelivery(openings=openings, per_10min=per_10min, total_s=3.0 * openings)


def silence(kind: str, begin: int, end: int, owner: Channel | None = AGENT) -> SilenceEntry:
    return SilenceEntry.model_validate({"kind": kind, "begin": begin, "end": end, "owner": owner})


def holds(*points: int) -> m.HoldEtiquette:
    told = {"notice": True, "reason": True, "estimate": False, "resumed": False}
    return m.HoldEtiquette(
        holds=tuple(m.HoldRating(begin=0, end=1000, points=p, **told) for p in points),
        mean_points=sum(points) / max(len(points), 1),
    )


def cue(identifier: str, *evidence: tuple[int, int]) -> CueEntry:
    return CueEntry(
        id=identifier,
        key="some_key",
        opened=evidence[0][0],
        closed=evidence[-1][1],
        known_at=evidence[0][0],
        shown=False,
        suppressed_by="budget",
        text="Some text",
        evidence=evidence,
    )


def event(
    kind: str, begin: int, role: Channel = AGENT, unexplained: bool | None = None
) -> LanguageEventEntry:
    return LanguageEventEntry.model_validate(
        {
            "kind": kind,
            "begin": begin,
            "end": begin + 500,
            "role": role,
            "id": "X01",
            "phrase": "some words",
            "unexplained": unexplained,
        }
    )


def test_the_card_is_that_of_section_7() -> None:
    told = [(e.max, e.source) for e in card()]
    assert told == [
        *((5, "auto"), (15, "auto"), (15, "both"), (8, "both"), (7, "both"), (10, "both")),
        *((8, "auto"), (8, "auto"), (8, "auto"), (6, "both"), (6, "both"), (4, "both")),
    ]
    assert sum(e.max for e in card()) == 100
    assert len({e.item for e in card()}) == 12
    assert [e.item for e in card()] == [i.text for i in ITEMS]


def test_the_page_of_the_file_lists_the_items() -> None:
    page = (Path(__file__).parents[3] / "docs" / "call-json.md").read_text("utf-8")
    for number, item in enumerate(ITEMS, 1):
        (row,) = [
            line
            for line in page.splitlines()
            if line.startswith(f"| {number} | {item.text} | {item.most} | {item.source} |")
        ]
        *_, computed, evidence, _ = (cell.strip() for cell in row.split("|"))
        assert (computed == "-") == (item.share is None)
        assert all(identifier in evidence for identifier in item.cues)


def test_nothing_measured_gives_no_points() -> None:
    assert {e.points for e in card(metrics=Metrics(), overlaps=())} == {None}


def test_a_mono_recording_gets_no_points_and_no_evidence_of_an_agent() -> None:
    found = qa_card(mono_document())
    assert {e.points for e in found} == {None}
    assert {e.evidence for e in found} == {()}


def test_a_story_cut_off_gets_no_points_and_shows_where() -> None:
    entry = card()[STORY]
    assert entry.points == 0
    assert entry.evidence == ((3400, 15_000), (14_300, 15_000))


def test_a_story_told_to_its_end_gets_all_points() -> None:
    told = m.OpeningStoryMetric(length_s=11.6, words=14, backchannels=1, completed=True, cut_at_ms=None)
    story = OpeningStory(begin=3400, end=14_000, completed=True, cut_at=None, words=14, backchannels=1)
    entry = card(opening_story=story, **with_metrics(M11=told))[STORY]
    assert entry.points == 15
    assert entry.evidence == ((3400, 14_000),), "an interruption after the story is none of it"


@pytest.mark.parametrize(
    ("openings", "per_10min", "median_s", "points"),
    [
        (0, 0.0, None, 8.0),
        (1, 0.0, 10.0, 8.0),
        (5, 3.0, 60.0, 0.0),
        (2, 1.5, 35.0, 4.0),
        (1, 0.0, 60.0, 4.5),  # 25 of 45 parts
        (1, 1.0, None, None),  # raised, but no recovery known
    ],
)
def test_a_steady_voice_is_few_raised_stretches_that_end_soon(
    openings: int, per_10min: float, median_s: float | None, points: float | None
) -> None:
    values: dict[str, Any] = {"V12": raised(openings, per_10min)}
    if median_s is not None:
        values["V16"] = RecoveryTime(median_s=median_s, longest_s=median_s, n=openings)
    assert card(**with_metrics(**values))[STEADY].points == points


def test_a_steady_voice_shows_the_raised_stretches_of_the_agent_alone() -> None:
    events = [
        VoiceEventEntry.model_validate(
            {"role": role, "kind": kind, "begin": b, "end": b + 1000, "known_at": b}
        )
        for role, kind, b in [
            (AGENT, "raised_delivery", 32_000),
            (AGENT, "level_spike", 34_000),
            (CALLER, "raised_delivery", 20_500),
        ]
    ]
    found = card(voice_events=tuple(events), cues=(cue("C10", (32_500, 34_000), (36_000, 37_000)),))
    assert found[STEADY].evidence == ((32_000, 33_000), (36_000, 37_000)), "a cue adds spots, none twice"


@pytest.mark.parametrize(
    ("silences", "values", "points"),
    [
        ([], {}, None),
        ([("gap", 0, 5000)], {}, None),
        ([("dead_air", 0, 8000)], {}, None),  # not known whether announced
        ([("dead_air", 0, 8000)], {"M20": m.SilenceNarration(pct=0.0, announced=0, n=1)}, 0),
        ([("narrated", 0, 8000)], {"M20": m.SilenceNarration(pct=80.0, announced=4, n=5)}, 8),
        ([("narrated", 0, 8000)], {"M20": m.SilenceNarration(pct=40.0, announced=2, n=5)}, 4),
        ([("hold", 0, 9000)], {"M19": holds(4)}, 8),
        ([("hold", 0, 9000)], {"M19": holds(1, 3)}, 4),
        ([("hold", 0, 9000)], {"M19": holds()}, None),
        ([("hold", 0, 9000), ("dead_air", 20_000, 27_000)], {"M19": holds(4)}, None),
        (
            [("hold", 0, 9000), ("dead_air", 20_000, 27_000)],
            {"M19": holds(4), "M20": m.SilenceNarration(pct=0.0, announced=0, n=1)},
            4,
        ),
    ],
)
def test_silence_and_hold_need_all_that_applies(
    silences: list[tuple[str, int, int]], values: dict[str, Any], points: float | None
) -> None:
    entry = card(silences=tuple(silence(*s) for s in silences), **with_metrics(**values))[SILENCE]
    assert entry.points == points
    assert entry.evidence == tuple((b, e) for kind, b, e in silences if kind != "gap")


def test_silences_of_the_caller_are_not_the_agents_to_handle() -> None:
    entry = card(silences=(silence("dead_air", 0, 8000, CALLER),), cues=(cue("C03", (2000, 8000)),))[SILENCE]
    assert entry.points is None
    assert entry.evidence == ((2000, 8000),)


@pytest.mark.parametrize(("count", "points"), [(0, 0), (1, 3.5), (2, 7), (9, 7)])
def test_open_questions_are_a_suggestion(count: int, points: float) -> None:
    asked = m.Questions(count=count + 1, open=count, closed=1, check_back=0, per_10min=2.0)
    entry = card(**with_metrics(M18=asked))[ASKED]
    assert (entry.points, entry.source) == (points, "both")


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        (ACKNOWLEDGED, "acknowledgement"),
        (PLAYED_BACK, "recap"),
        (ASKED, "open_question"),
        (PLAIN, "jargon"),
        (POSITIVE, "discouraged"),
        (CHECKED, "check_back"),
        (OWNED, "commitment"),
    ],
)
def test_what_the_agent_said_is_evidence_without_points(item: int, kind: str) -> None:
    found = card(language_events=(event(kind, 9000), event(kind, 5000), event(kind, 1000, CALLER)))
    assert found[item].evidence == ((5000, 5500), (9000, 9500))
    assert found[item].points is None
    others = [e for i, e in enumerate(found) if i not in (item, GREETING, STORY, SILENCE)]
    assert {e.evidence for e in others} == {()}


def test_jargon_that_was_explained_is_no_evidence() -> None:
    said = (event("jargon", 5000, unexplained=False), event("jargon", 9000, unexplained=True))
    assert card(language_events=said)[PLAIN].evidence == ((9000, 9500),)


def test_acknowledgement_windows_last_to_the_answer_or_until_it_was_due() -> None:
    windows = (
        AcknowledgementEntry(opened=1000, answered=4000, result="hit"),
        AcknowledgementEntry(opened=10_000, answered=None, result="miss"),
        AcknowledgementEntry(opened=39_000, answered=None, result="miss"),
    )
    found = card(acknowledgement_windows=windows)[ACKNOWLEDGED].evidence
    assert found == ((1000, 4000), (10_000, 25_000), (39_000, 40_000))


def test_first_and_closing_words_of_the_agent_can_be_played() -> None:
    turns = list(small_document().turns)
    turns[-1] = turns[-1].model_copy(update={"phase": "close"})
    found = card(turns=tuple(turns))
    assert found[GREETING].evidence == ((500, 3000),)
    assert found[CLOSE].evidence == ((32_000, 39_000),)
    assert found[GREETING].points is found[CLOSE].points is None


def test_a_document_with_its_card_and_scores_is_valid_and_comes_back_equal() -> None:
    document = small_document()
    whole = document.model_copy(update={"qa_card": qa_card(document)})
    assert CallDocument.from_json(whole.to_json()) == whole
    assert qa_card(whole) == whole.qa_card


@given(
    st.floats(0, 6),
    st.floats(0, 6),
    st.floats(0, 120),
    st.floats(0, 120),
    st.sampled_from(["rate", "recovery"]),
)
def test_fewer_and_shorter_raised_stretches_never_cost_points(
    rate: float, other_rate: float, seconds: float, other_seconds: float, what: str
) -> None:
    def points(per_10min: float, median_s: float) -> float:
        recovery = RecoveryTime(median_s=median_s, longest_s=median_s, n=1)
        found = card(**with_metrics(V12=raised(1, per_10min), V16=recovery))[STEADY].points
        assert found is not None
        assert 0 <= found <= 8
        assert found * 2 == int(found * 2)
        return found

    if what == "rate":
        assert points(min(rate, other_rate), seconds) >= points(max(rate, other_rate), seconds)
    else:
        assert points(rate, min(seconds, other_seconds)) >= points(rate, max(seconds, other_seconds))


@pytest.mark.skipif(not truth_names(), reason="shared/data/synthetic_calls is not beside the checkout")
@pytest.mark.parametrize("name", truth_names())
def test_evidence_of_whole_calls_lies_inside_them(name: str) -> None:
    document = document_from_truth(name)
    found = qa_card(document)
    assert found[STORY].points == (15 if document.opening_story and document.opening_story.completed else 0)
    for entry in found:
        assert list(entry.evidence) == sorted(set(entry.evidence))
        assert all(0 <= b < e <= document.call.duration_ms for b, e in entry.evidence)


def test_a_transcript_without_times_of_turns_gets_no_points() -> None:
    info = call_info(channel_mode="transcript", sample_rate=None, model=None)
    found = card(call=info, metrics=Metrics(), overlaps=(), turns=(), silences=(), opening_story=None)
    assert {(e.points, e.evidence) for e in found} == {(None, ())}
