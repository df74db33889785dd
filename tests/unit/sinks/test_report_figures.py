"""The report's numbers and summary: bands, reasons, what went well, the one thing to work on."""

from __future__ import annotations

import itertools
from operator import attrgetter
from typing import Any

import pytest

from callcoach.contract import (
    AcknowledgementEntry,
    CallDocument,
    LanguageEventEntry,
    Metrics,
    OpeningStory,
)
from callcoach.contract import delivery_metrics as v
from callcoach.contract import metrics as m
from callcoach.contract.metrics import METRIC_KEYS
from callcoach.sinks.report import report_html
from callcoach.sinks.report.bands import BANDS, judge
from callcoach.sinks.report.focus import work_on
from callcoach.sinks.report.highlights import clip_around, went_well
from callcoach.sinks.report.numbers import number_groups
from tests.support.call_documents import AGENT, CALLER, small_document
from tests.support.html_pages import Page
from tests.support.report_calls import (
    cue,
    full_document,
    overlap,
)


def test_every_target_points_at_a_figure_of_the_contract() -> None:
    for metric, band in BANDS.items():
        name, field = band.path.split(".")
        assert name == metric
        annotation = Metrics.model_fields[metric].annotation
        models = [a for a in getattr(annotation, "__args__", ()) if hasattr(a, "model_fields")]
        assert field in models[0].model_fields, band.path
        assert band.source in ("D", "P", "R")
        assert attrgetter("axis")(band) is None or band.axis[0] < band.axis[1]  # type: ignore[index]


@pytest.mark.parametrize(
    ("share", "state"),
    [(39.9, "beside"), (40, "in"), (60, "in"), (60.1, "watch"), (70, "watch"), (70.1, "act")],
)
def test_a_share_of_talk_is_compared_with_its_band(share: float, state: str) -> None:
    assert judge(Metrics(M02=m.TalkShare(agent_pct=float(share))), "M02") == state


@pytest.mark.parametrize(
    ("median", "state"),
    [(-1, "watch"), (0, "beside"), (200, "in"), (1500, "in"), (2000, "beside"), (3000, "act"), (4000, "act")],
)
def test_answers_are_compared_with_their_band(median: float, state: str) -> None:
    latency = m.LatencySummary(median_ms=float(median), p10_ms=-100.0, p90_ms=5000.0, n=9)
    assert judge(Metrics(M12=latency), "M12") == state


def test_null_figures_have_a_dash_and_their_reason_and_never_a_nought() -> None:
    document = full_document()
    groups, unmeasured = number_groups(document)
    rows = {row.id: row for group in groups for row in group.rows} | {row.id: row for row in unmeasured}
    assert set(METRIC_KEYS) - set(rows) == {"V13"}
    for key, row in rows.items():
        assert (getattr(document.metrics, key) is None) == (row.reason is not None) == (row.value == ""), key
        if row.reason is not None:
            assert row.state == "none"
    page = Page(report_html(document)).visible
    assert "not enough data: no strong words in this call" in page
    assert "not enough data: fewer than 2 long silences" in page


def test_values_bands_and_states_stand_in_the_table() -> None:
    page = Page(report_html(full_document())).visible
    for text in (
        "51 %",
        "40 to 60 %",
        "in target",
        "cut at 0:14",
        "[R]",
        "152 wpm",
    ):
        assert text in page, text


def test_scores_with_too_little_data_say_so_with_what_is_missing() -> None:
    page = Page(report_html(full_document())).visible
    assert page.count("not enough data") >= 4
    assert "listening: L10 paraphrase, not measured yet" in page
    assert "3.5 / 15" in page
    assert "– / 5" in page


def test_a_cut_story_is_the_one_thing_with_its_clip_and_words() -> None:
    focus = work_on(full_document())
    assert focus is not None
    assert (focus.text, focus.at) == ("Let them finish", 14_300)
    assert focus.clip is not None
    assert focus.clip[0] < 14_300 < focus.clip[1]
    assert focus.quote is not None
    assert focus.quote.first_role is CALLER
    assert "meeting" in focus.quote.first
    assert focus.quote.second.startswith("What is the number")


def told(**changes: Any) -> CallDocument:
    """The small call with a story told to the end and nothing outside its target."""
    metrics: dict[str, Any] = {
        "M02": m.TalkShare(agent_pct=50.0),
        "M05": m.DeadAir(count=0, total_s=0.0, longest_s=0.0, agent_owned=0, caller_owned=0),
        "M07": m.Interruptions(agent=(), caller=(), agent_weight=0.0, caller_weight=0.0),
        "M01": m.TalkTime(agent_s=40.0, caller_s=40.0),
        "M08": m.InterruptionRate(per_10min=0.0),
        "M11": m.OpeningStoryMetric(length_s=9.0, words=20, backchannels=1, completed=True, cut_at_ms=None),
        "M12": m.LatencySummary(median_ms=600.0, p10_ms=100.0, p90_ms=900.0, n=6),
    }
    values: dict[str, Any] = {
        "overlaps": (),
        "silences": (),
        "opening_story": OpeningStory(
            begin=3400, end=12_400, completed=True, cut_at=None, words=20, backchannels=1
        ),
        "metrics": Metrics(**(metrics | changes.pop("figures", {}))),
    }
    return small_document(**(values | changes))


def test_a_call_inside_its_targets_has_nothing_to_work_on_and_says_what_went_well() -> None:
    document = told()
    assert work_on(document) is None
    assert [h.text for h in went_well(document)][:2] == [
        "The caller told the whole story",
        "You let the caller finish",
    ]
    assert "No figure of yours is beyond its limit" in Page(report_html(document)).visible


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        (
            "Let them finish",
            {
                "overlaps": (overlap("butting_in", AGENT, 21_000, 22_000),),
                "figures": {
                    "M07": m.Interruptions(agent=(0,), caller=(), agent_weight=0.5, caller_weight=0.0),
                    "M08": m.InterruptionRate(per_10min=7.5),
                },
            },
        ),
        (
            "Say what you're doing",
            {
                "silences": small_document().silences,
                "figures": {"M05": small_document().metrics.M05},
            },
        ),
        (
            "Pause: check with them",
            {"figures": {"M14": m.LongestMonologue(begin=1000, end=71_000, longest_s=70.0)}},
        ),
        (
            "Acknowledge it first",
            {"acknowledgement_windows": (AcknowledgementEntry(opened=15_000, answered=None, result="miss"),)},
        ),
        (
            "Try: I can do that by noon",
            {
                "language_events": (
                    LanguageEventEntry(
                        role=AGENT,
                        kind="discouraged",
                        id="D01",
                        phrase="that is impossible",
                        begin=16_000,
                        end=17_000,
                        severity=3,
                        suggestion="I can do that by noon",
                    ),
                )
            },
        ),
        ("Ask, then listen", {"figures": {"M02": m.TalkShare(agent_pct=72.0)}}),
        (
            "Let them hear you",
            {
                "figures": {
                    "M01": m.TalkTime(agent_s=50.0, caller_s=50.0),
                    "M17": m.BackchannelRate(count=0, per_min=0.0),
                }
            },
        ),
        (
            "Answer, or say you're checking",
            {"figures": {"M12": m.LatencySummary(median_ms=3200.0, p10_ms=900.0, p90_ms=5000.0, n=5)}},
        ),
    ],
)
def test_the_one_thing_follows_the_figures(text: str, changes: dict[str, Any]) -> None:
    focus = work_on(told(**changes))
    assert focus is not None
    assert focus.text == text
    assert text in Page(report_html(told(**changes))).visible


def test_no_figure_beyond_a_limit_is_passed_over_in_silence() -> None:
    """Whenever a target is missed beyond its limit there is something to work on."""
    beyond: dict[str, Any] = {
        "M04": m.NonTalkTime(total_s=12.0, pct=30.0, silence_s=12.0, hold_s=0.0),
        "M06": m.OverlapRatio(overlap_s=4.0, pct=11.0),
        "M09": m.OvertalkShare(pct=20.0, overtalk_turns=1, turns=5),
        "M10": m.CallerInterruptions(count=3, per_10min=45.0),
        "V04": v.PaceJump(mean_change_wpm=22.0, n=1),
        "V05": v.PaceMatch(median_ratio=1.4, outside_pct=70.0, n=3),
        "V06": v.Level(usual_dbfs=-26.0, spikes=2, per_10min=30.0, strongest_db=8.0, quiet=0),
        "V08": v.Clipping(agent_pct=2.0, caller_pct=0.0),
        "V10": v.PitchVariation(median_st=1.0, flat_pct=60.0),
        "V14": v.FilledPauses(count=9, per_min=9.0),
        "V16": v.RecoveryTime(median_s=80.0, longest_s=80.0, n=1),
    }
    for key, value in beyond.items():
        document = told(figures={key: value})
        assert judge(document.metrics, key) in ("watch", "act")
        assert work_on(document) is not None, key
    assert {k for k, band in BANDS.items() if band.watch or band.act} <= set(beyond) | {
        *("M02", "M05", "M08", "M11", "M12", "M14", "V03", "V12")
    }


def test_figures_beside_their_target_are_named_when_nothing_is_beyond_a_limit() -> None:
    document = told(figures={"M17": m.BackchannelRate(count=1, per_min=1.5)})
    assert work_on(document) is None
    assert "per minute of caller speech: 1.5 (1×), target 2 to 8" in Page(report_html(document)).visible


def test_what_stands_beyond_its_second_limit_comes_first() -> None:
    figures = {
        "M14": m.LongestMonologue(begin=1000, end=61_000, longest_s=60.0),
        "M02": m.TalkShare(agent_pct=75.0),
    }
    focus = work_on(told(figures=figures))
    assert focus is not None
    assert focus.text == "Ask, then listen"


def test_announced_silences_are_not_called_absent() -> None:
    silence = small_document().silences[0].model_copy(update={"kind": "narrated"})
    figures = {"M12": None, "M02": None, "M01": None, "M17": None, "M07": None}
    good = [h.text for h in went_well(told(silences=(silence,), figures=figures))]
    assert "You announced your silences" in good
    assert "No dead air" not in good
    assert "No dead air" in [h.text for h in went_well(told(figures=figures))]


def test_praise_comes_from_cues_of_that_kind_only() -> None:
    cues = (
        cue("C24", "Good: open question", 5000, 8000, facts={"caller_s": 14.0}, suppressed_by="budget"),
        cue("C24", "Good: open question", 25_000, 28_000),
        cue("C05", "A little slower", 20_000, 24_000, key="slow_down"),
    )
    texts = [h.text for h in went_well(told(cues=cues))]
    assert texts.count("Good: open question") == 1
    assert "A little slower" not in texts


def test_a_clip_lies_inside_the_call_and_lasts_seven_seconds_where_it_can() -> None:
    for begin, end in itertools.product((0, 100, 20_000, 39_900), (0, 500, 12_000)):
        first, last = clip_around(begin, min(40_000, begin + end), 40_000)
        assert 0 <= first <= begin <= last <= 40_000
        assert last - first >= 7000
    assert clip_around(500, 900, 3000) == (0, 3000)
