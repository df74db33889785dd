"""Scores of section 7: what they are made of, and that nothing is made up where data is missing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from callcoach.contract import METRIC_KEYS, Metrics, Scores
from callcoach.contract import delivery_metrics as v
from callcoach.contract import language_metrics as lm
from callcoach.contract import metrics as m
from callcoach.contract.delivery_metrics import Level, PaceState, PitchVariation, RaisedDelivery, RecoveryTime
from callcoach.core import scores as module
from callcoach.core.scores import INPUTS, OVERALL, Band, Input, Ramp, ScoreName, call_scores, score
from tests.support.call_documents import mono_document, small_document

ALL_INPUTS = [(name, entry) for name, inputs in INPUTS.items() for entry in inputs]
DOCS = Path(__file__).parents[3] / "docs" / "call-json.md"


def level(per_10min: float) -> Level:
    return Level(usual_dbfs=-26.0, spikes=1, per_10min=per_10min, strongest_db=7.0, quiet=0)


def raised(per_10min: float) -> RaisedDelivery:
    return RaisedDelivery(openings=1, per_10min=per_10min, total_s=4.0)


def pace(fast_pct: float) -> PaceState:
    return PaceState(usual_wpm=150.0, fast_pct=fast_pct, very_fast_pct=0.0, slow_pct=0.0)


def variation(median_st: float) -> PitchVariation:
    return PitchVariation(median_st=median_st, flat_pct=0.0)


def recovery(median_s: float) -> RecoveryTime:
    return RecoveryTime(median_s=median_s, longest_s=median_s, n=1)


def in_band(pct: float) -> v.WordsPerMinute:
    return v.WordsPerMinute(agent_wpm=150.0, caller_wpm=None, in_band_pct=pct, n=4)


def rate(per_10min: float) -> m.InterruptionRate:
    return m.InterruptionRate(per_10min=per_10min)


def story(completed: bool) -> m.OpeningStoryMetric:
    cut = None if completed else 20_000
    return m.OpeningStoryMetric(length_s=20.0, words=None, backchannels=1, completed=completed, cut_at_ms=cut)


def latency(median_ms: float) -> m.LatencySummary:
    return m.LatencySummary(median_ms=median_ms, p10_ms=0.0, p90_ms=3000.0, n=3)


def monologue(longest_s: float) -> m.LongestMonologue:
    return m.LongestMonologue(begin=0, end=1000, longest_s=longest_s)


def backchannels(per_min: float) -> m.BackchannelRate:
    return m.BackchannelRate(count=3, per_min=per_min)


def severe(count: float) -> lm.DiscouragedPhrases:
    n = int(count)
    return lm.DiscouragedPhrases(count=n, per_100_words=1.0, severity_1=0, severity_2=0, severity_3=n)


def helpful(pct: float) -> lm.PositivityBalance:
    return lm.PositivityBalance(pct=pct, helpful=3, discouraged=1)


def hits(pct: float) -> lm.AcknowledgementWindows:
    return lm.AcknowledgementWindows(windows=2, hits=1, late=0, misses=1, hit_pct=pct)


def types(pct: float) -> lm.AcknowledgementTypes:
    return lm.AcknowledgementTypes(
        cognitive=1, attentive=1, ownership=0, appreciation=0, uncredited=0, cognitive_attentive_pct=pct
    )


def terms(per_100_words: float) -> lm.Jargon:
    return lm.Jargon(count=2, unexplained=1, per_100_words=per_100_words, terms=("J21",))


def covered(pct: float) -> lm.CheckBackCoverage:
    return lm.CheckBackCoverage(pct=pct, covered=1, blocks=2)


def played_back(count: float) -> lm.Paraphrase:
    n = int(count)
    return lm.Paraphrase(count=n, by_opener=n, by_shared_words=0, before_first_instruction=None)


def concrete(pct: float) -> lm.Concreteness:
    return lm.Concreteness(pct=pct, named=3, vague=1)


def balance(shift: float) -> lm.WordBalance:
    return lm.WordBalance(overall=0.0, by_quarter=(0.0, None, None, 0.0), shift=shift)


MAKE: dict[str, Any] = {
    "L01": severe,
    "L02": helpful,
    "L04": hits,
    "L05": types,
    "L07": terms,
    "L09": covered,
    "L10": played_back,
    "L13": concrete,
    "L15": balance,
    "M08": rate,
    "M12": latency,
    "M14": monologue,
    "M17": backchannels,
    "V01": in_band,
    "V03": pace,
    "V06": level,
    "V10": variation,
    "V12": raised,
    "V16": recovery,
}
"""Metric with one value from which a score reads; M11, a truth value, apart."""


def best(*without: str, **others: Any) -> Metrics:
    """Every measurable input at its best, some left out, some with other values."""
    values: dict[str, Any] = {
        "L01": severe(0),
        "L02": helpful(100.0),
        "L04": hits(100.0),
        "L05": types(100.0),
        "L07": terms(0.0),
        "L09": covered(100.0),
        "L10": played_back(3),
        "L13": concrete(100.0),
        "L15": balance(3.0),
        "M08": rate(0.0),
        "M11": story(completed=True),
        "M12": latency(800.0),
        "M14": monologue(20.0),
        "M17": backchannels(6.0),
        "V01": in_band(100.0),
        "V03": pace(0.0),
        "V06": level(0.0),
        "V10": variation(3.0),
        "V12": raised(0.0),
        "V16": recovery(5.0),
    }
    return Metrics.model_validate({k: x for k, x in (values | others).items() if k not in without})


@pytest.mark.parametrize(
    ("value", "good", "bad", "expected"),
    [
        *((0.5, 0.5, 4, 100), (4, 0.5, 4, 0), (0.0, 0.5, 4, 100), (9.0, 0.5, 4, 0), (2.25, 0.5, 4, 50)),
        *((4, 4, 0, 100), (0, 4, 0, 0), (1, 4, 0, 25), (7, 4, 0, 100), (-2, 2, -2, 0), (0, 2, -2, 50)),
    ],
)
def test_a_score_runs_straight_from_bad_to_good_and_stops_there(
    value: float, good: float, bad: float, expected: float
) -> None:
    assert score(value, good, bad) == pytest.approx(expected)
    assert Ramp(good, bad)(value) == score(value, good, bad)


@given(st.floats(-1e6, 1e6), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3).filter(lambda x: abs(x) > 1e-3))
def test_a_score_lies_between_0_and_100(value: float, good: float, width: float) -> None:
    assert 0 <= score(value, good, good + width) <= 100


@pytest.mark.parametrize(("value", "expected"), [(199.9, 0), (200, 100), (1500, 100), (1500.1, 0), (-40, 0)])
def test_a_band_counts_its_ends(value: float, expected: float) -> None:
    assert Band(200, 1500)(value) == expected


def test_scales_that_tell_nothing_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="differ"):
        Ramp(4, 4)
    with pytest.raises(ValueError, match="low"):
        Band(2, 1)


def test_the_table_is_that_of_section_7() -> None:
    told = {name: [(i.metric, i.weight) for i in inputs] for name, inputs in INPUTS.items()}
    assert told == {
        "listening": [("M08", 30), ("M11", 20), ("M12", 10), ("M14", 15), ("M17", 10), ("L10", 15)],
        "delivery": [("V06", 25), ("V12", 25), ("V03", 20), ("V10", 10), ("V16", 20)],
        "acknowledgement": [("L04", 60), ("L05", 20), ("L15", 20)],
        "clarity": [("L07", 35), ("L09", 30), ("V01", 20), ("L13", 15)],
        "positive": [("L02", 70), ("L01", 30)],
    }
    assert dict(OVERALL) == {
        "listening": 25,
        "delivery": 20,
        "acknowledgement": 20,
        "clarity": 20,
        "positive": 15,
    }
    assert (
        set(INPUTS)
        == set(OVERALL)
        == set(get_args(ScoreName))
        == set(Scores.model_fields)
        - {
            "overall",
            "missing",
        }
    )
    assert all(sum(i.weight for i in inputs) == 100 for inputs in INPUTS.values())
    assert sum(OVERALL.values()) == 100
    assert all(entry.source.startswith("[D]") for _, entry in ALL_INPUTS)


@pytest.mark.parametrize(("name", "entry"), ALL_INPUTS, ids=lambda x: getattr(x, "metric", x))
def test_an_input_is_read_as_soon_as_the_contract_holds_its_metric(name: str, entry: Input) -> None:
    """Nobody can give a metric a value and forget the score that it belongs to."""
    kinds = [t for t in get_args(Metrics.model_fields[entry.metric].annotation) if t is not type(None)]
    if entry.field is None:
        assert kinds == [], f"{name}: name the value of {entry.metric} in INPUTS"
    else:
        (model,) = kinds
        assert entry.field in model.model_fields


def test_the_page_of_the_file_gives_the_table() -> None:
    page = " ".join(DOCS.read_text("utf-8").split())
    for name, inputs in INPUTS.items():
        cells = []
        for i in inputs:
            value = f"{i.metric} `{i.field}`" if i.field else i.metric
            scale = (
                f"{i.scale.low:g} to {i.scale.high:g}"
                if isinstance(i.scale, Band)
                else f"{i.scale.good:g}, {i.scale.bad:g}"
            )
            cells.append(f"{value} ({i.weight}; {scale})")
        assert f"| `{name}` | {', '.join(cells)} | {OVERALL[name]} |" in page


@pytest.mark.parametrize("key", [k for k in METRIC_KEYS if k.startswith("V")])
def test_the_page_of_the_file_names_every_value_of_a_voice_metric(key: str) -> None:
    (row,) = [line for line in DOCS.read_text("utf-8").splitlines() if line.startswith(f"| {key} |")]
    kinds = [t for t in get_args(Metrics.model_fields[key].annotation) if t is not type(None)]
    assert set(re.findall(r"`(\w+)`", row)) == {name for kind in kinds for name in kind.model_fields}


def test_the_caller_leaves_no_delivery_behind() -> None:
    """V13 cannot be stored, whatever reason somebody gives for it."""
    assert Metrics.model_fields["V13"].annotation is type(None)
    assert Metrics(why_null={"V13": "anything"}).why_null["V13"] == m.NEVER_STORED


@pytest.mark.parametrize(
    "make",
    [
        lambda: v.WordsPerMinute(agent_wpm=150.0, caller_wpm=None, in_band_pct=None, n=2),
        lambda: v.WordsPerMinute(agent_wpm=150.0, caller_wpm=None, in_band_pct=50.0, n=0),
        lambda: PaceState(usual_wpm=150.0, fast_pct=5.0, very_fast_pct=6.0, slow_pct=0.0),
        lambda: PaceState(usual_wpm=150.0, fast_pct=60.0, very_fast_pct=0.0, slow_pct=41.0),
        lambda: Level(usual_dbfs=-26.0, spikes=0, per_10min=0.0, strongest_db=7.0, quiet=0),
        lambda: Level(usual_dbfs=-26.0, spikes=1, per_10min=1.0, strongest_db=None, quiet=0),
        lambda: v.Pitch(usual_hz=0.0, spikes=0, per_10min=0.0, strongest_st=None),
        lambda: v.Pitch(usual_hz=120.0, spikes=1, per_10min=1.0, strongest_st=None),
        lambda: RecoveryTime(median_s=5.0, longest_s=4.0, n=1),
        lambda: RecoveryTime(median_s=5.0, longest_s=5.0, n=0),
    ],
)
def test_values_that_contradict_each_other_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValidationError):
        make()


def test_nothing_measured_gives_no_score_and_names_every_input() -> None:
    found = call_scores(Metrics())
    values = found.model_dump(exclude={"missing"})
    assert set(values.values()) == {None}
    for name, entry in ALL_INPUTS:
        assert f"{name}: {entry.metric} {METRIC_KEYS[entry.metric]}, {m.NOT_MEASURED_YET}" in found.missing
    for name in (*INPUTS, "overall"):
        assert f"{name}: not enough data, 0 % of its weight" in found.missing
    assert len(found.missing) == len(set(found.missing)) == len(ALL_INPUTS) + 2 * len(INPUTS) + 1


def test_what_two_channels_with_delivery_allow() -> None:
    found = call_scores(best(*(key for key in METRIC_KEYS if key.startswith("L"))))
    assert (found.listening, found.delivery) == (100.0, 100.0)
    assert found.acknowledgement is found.clarity is found.positive is found.overall is None
    assert "listening: L10 paraphrase, not measured yet" in found.missing
    assert "clarity: not enough data, 20 % of its weight" in found.missing
    assert [x for x in found.missing if x.startswith("overall")] == [
        *("overall: acknowledgement", "overall: clarity", "overall: positive"),
        "overall: not enough data, 45 % of its weight",
    ]
    assert not [x for x in found.missing if x.startswith("delivery")]


def test_with_words_every_score_has_a_value() -> None:
    found = call_scores(best())
    assert set(found.model_dump(exclude={"missing"}).values()) == {100.0}
    assert found.missing == ()


@pytest.mark.parametrize("mode", ["mono", "words without sound"])
def test_no_score_where_nobody_is_told_apart_or_nothing_was_timed(mode: str) -> None:
    metrics = mono_document().metrics if mode == "mono" else Metrics(M11=story(completed=True))
    found = call_scores(metrics)
    assert set(found.model_dump(exclude={"missing"}).values()) == {None}
    assert "listening: not enough data" in " ".join(found.missing)


def test_the_reason_of_the_metric_stands_in_missing() -> None:
    metrics = Metrics(why_null={"V16": "no raised stretch", "V12": "microphone clips"})
    found = call_scores(metrics).missing
    assert "delivery: V16 recovery_time, no raised stretch" in found
    assert "delivery: V12 raised_delivery, microphone clips" in found


def test_a_metric_without_the_part_that_is_read_is_missing_too() -> None:
    words = v.WordsPerMinute(agent_wpm=150.0, caller_wpm=None, in_band_pct=None, n=0)
    assert f"clarity: V01 wpm, {module.TOO_LITTLE}" in call_scores(Metrics(V01=words)).missing


def test_no_raised_stretch_means_no_recovery_time_and_a_score_of_the_rest() -> None:
    still = RaisedDelivery(openings=0, per_10min=0.0, total_s=0.0)
    metrics = Metrics(
        V03=pace(17.5), V06=level(2.0), V10=variation(2.2), V12=still, why_null={"V16": "no raised stretch"}
    )
    found = call_scores(metrics)
    # (25 * 50 + 25 * 100 + 20 * 50 + 10 * 100) / 80
    assert found.delivery == pytest.approx(71.9)
    assert [x for x in found.missing if x.startswith("delivery")] == [
        "delivery: V16 recovery_time, no raised stretch"
    ]


@pytest.mark.parametrize(
    ("without", "expected"),
    [
        (("V10",), 100.0),
        (("V10", "V16"), 100.0),
        (("V03", "V16"), 100.0),  # exactly 60 %
        (("V06", "V10"), 100.0),
        (("V06", "V16"), None),  # 55 %
        (("V06", "V12"), None),
    ],
)
def test_sixty_per_cent_of_the_weight_is_enough_and_less_is_not(
    without: tuple[str, ...], expected: float | None
) -> None:
    found = call_scores(best(*without))
    assert found.delivery == expected
    present = 100 - sum(i.weight for i in INPUTS["delivery"] if i.metric in without)
    assert (f"delivery: not enough data, {present} % of its weight" in found.missing) == (expected is None)
    for metric in without:
        assert any(x.startswith(f"delivery: {metric} ") for x in found.missing)


def test_the_weights_of_what_is_there_count_alone() -> None:
    """Listening without L10 and M12: 30, 20, 15, 10 points of 75."""
    metrics = Metrics(M08=rate(2.25), M11=story(completed=False), M14=monologue(45.0), M17=backchannels(1.0))
    assert call_scores(metrics).listening == round((30 * 50 + 20 * 0 + 15 * 100 + 10 * 25) / 75, 1)


def test_the_example_call_by_hand() -> None:
    """M08 39.7 (0), story cut (0), M12 3650 ms (0), M14 7 s (100), M17 3.97 (99.25) of 85 points."""
    found = call_scores(small_document().metrics)
    assert found.listening == round((15 * 100 + 10 * 99.25) / 85, 1)
    assert found.delivery is None


def test_the_overall_keeps_the_same_rule_and_the_stored_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    only = Input("M08", "per_10min", 100, Ramp(0.5, 4))
    metrics = Metrics(M08=rate(2.25), M11=story(completed=True))
    absent = Input("L10", None, 100, Ramp(2, 0))
    completed = Input("M11", "completed", 100, Ramp(1, 0))

    def table(**names: Input) -> dict[str, tuple[Input, ...]]:
        return {name: (names.get(name, absent),) for name in INPUTS}

    # 25 + 20 + 15 points of 100: exactly 60 %
    monkeypatch.setattr(module, "INPUTS", table(listening=only, clarity=completed, positive=completed))
    found = call_scores(metrics)
    assert (found.listening, found.clarity, found.positive) == (50.0, 100.0, 100.0)
    assert found.overall == round((25 * 50 + 20 * 100 + 15 * 100) / 60, 1)
    assert [x for x in found.missing if x.startswith("overall")] == [
        "overall: delivery",
        "overall: acknowledgement",
    ]
    # 20 + 20 + 15: 55 %
    monkeypatch.setattr(module, "INPUTS", table(delivery=only, clarity=completed, positive=completed))
    found = call_scores(metrics)
    assert found.overall is None
    assert found.missing[-1] == "overall: not enough data, 55 % of its weight"


def value_of(name: str, entry: Input, value: float) -> float | None:
    """The score with one input at a value and all others at their best."""
    found: float | None = getattr(call_scores(best(**{entry.metric: MAKE[entry.metric](value)})), name)
    return found


RAMPS = [(n, e) for n, e in ALL_INPUTS if e.field is not None and e.metric not in ("M11", "M12", "V01")]


@pytest.mark.parametrize(("name", "entry"), RAMPS, ids=lambda x: getattr(x, "metric", x))
@given(first=st.floats(0, 100), second=st.floats(0, 100))
def test_better_never_lowers_a_score(name: str, entry: Input, first: float, second: float) -> None:
    assert isinstance(entry.scale, Ramp)
    low, high = sorted((first, second))
    worse, better = (low, high) if entry.scale.good > entry.scale.bad else (high, low)
    found = value_of(name, entry, worse), value_of(name, entry, better)
    assert found[0] is not None
    assert found[1] is not None
    assert found[0] <= found[1] <= 100.0


@pytest.mark.parametrize(("name", "entry"), RAMPS, ids=lambda x: getattr(x, "metric", x))
def test_every_input_moves_its_score_by_its_weight(name: ScoreName, entry: Input) -> None:
    assert isinstance(entry.scale, Ramp)
    present = sum(i.weight for i in INPUTS[name] if i.field is not None)
    assert value_of(name, entry, float(entry.scale.good)) == 100.0
    assert value_of(name, entry, float(entry.scale.bad)) == round(100 * (1 - entry.weight / present), 1)


@given(st.sets(st.sampled_from(sorted(MAKE))))
def test_leaving_out_inputs_at_their_best_never_changes_a_score_but_to_null(absent: set[str]) -> None:
    found = call_scores(best(*absent))
    assert {found.listening, found.delivery} <= {None, 100.0}
    weight = sum(i.weight for i in INPUTS["delivery"] if i.metric not in absent)
    assert (found.delivery is None) == (weight < 60)
