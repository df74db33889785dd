"""Section 6: which cues meet the eye, when, and what held the others back."""

from __future__ import annotations

import dataclasses
import timeit

import pytest

from callcoach.clock import FRAME_LENGTH, SAMPLE_RATE
from callcoach.config import Settings
from callcoach.config_cues import BudgetSettings
from callcoach.core.cues.budget import Budget, action_text
from callcoach.core.cues.budget_limits import Limits, clock
from callcoach.core.cues.catalogue import catalogue
from callcoach.events import CueHeldBack, CueShown, Event
from tests.support.prompting import Cue, Played, cue_log, play, scene_of

FRAME_S = FRAME_LENGTH / SAMPLE_RATE
ALL = tuple(cue for cue, entry in catalogue().items() if entry.has_text)


def budget(**values: object) -> Settings:
    return Settings.model_validate({"budget": values})


EVERY = budget(most_enabled=26, enabled=ALL)


def texts(played: Played) -> list[tuple[str, float]]:
    """Id and time of every text that was shown, seconds to one decimal."""
    return [(e.cue, round(e.known_at / SAMPLE_RATE, 1)) for e in played.texts]


def held(played: Played) -> list[tuple[str, str]]:
    return [(e.cue, e.by) for e in played.held]


def only_held(played: Played) -> CueHeldBack:
    (event,) = played.held
    return event


# --- moment


def test_a_text_is_shown_at_once_while_the_agent_is_silent() -> None:
    played = play("caller 0-60, C03 30-40")
    assert texts(played) == [("C03", 30.0)]
    assert played.texts[0].text == "Say what you're doing"
    assert played.held == []


def test_a_text_waits_for_a_pause_of_the_agent() -> None:
    at = play("agent 0-31.5, agent 33-50, C05 31-40").texts[0].known_at / SAMPLE_RATE
    # the mask falls at 31.5 and says that speech was over close_s earlier
    closing = Settings().activity.close_s
    assert at == pytest.approx(31.5 + max(0, 0.15 - closing), abs=2 * FRAME_S)


def test_a_pause_shorter_than_that_does_not_count() -> None:
    settings = budget(pause_s=0.6)
    assert texts(play("agent 0-31, agent 31.1-50, C05 30.5-40", settings)) == [("C05", 32.5)]


def test_a_text_comes_with_the_caller() -> None:
    assert texts(play("agent 0-50, caller 31.2-33, C05 30-40")) == [("C05", 31.2)]


def test_a_caller_who_was_already_speaking_does_not_come_in() -> None:
    assert texts(play("agent 0-50, caller 29-33, C05 30-40")) == [("C05", 32.0)]


def test_without_any_moment_a_text_is_shown_after_2_s() -> None:
    assert texts(play("agent 0-60, C05 30-40")) == [("C05", 32.0)]


@pytest.mark.parametrize("cue", ["C01", "C21"])
def test_two_cues_do_not_wait_for_a_moment(cue: str) -> None:
    assert texts(play(f"agent 0-60, {cue} 30-32")) == [(cue, 30.0)]


def test_a_text_whose_cue_is_over_before_its_moment_is_dropped_as_stale() -> None:
    played = play("agent 0-60, C05 30-31")
    event = only_held(played)
    assert played.texts == []
    assert (event.by, event.form) == ("stale", "text")
    assert event.detail == "no pause before it was over after 1.0 s: it was over"
    assert event.known_at / SAMPLE_RATE == pytest.approx(31, abs=FRAME_S)


def test_a_text_that_is_too_old_is_dropped() -> None:
    event = only_held(play("agent 0-60, C05 30-40", budget(wait_s=8)))
    assert event.by == "stale"
    assert event.known_at / SAMPLE_RATE == pytest.approx(34, abs=2 * FRAME_S)


# --- limits over all texts


def test_texts_are_20_s_apart_and_the_one_held_back_says_until_when() -> None:
    played = play("C05 62-70, C04 70-80, C03 82-90")
    assert texts(played) == [("C05", 62.0), ("C03", 82.0)]
    event = only_held(played)
    assert (event.cue, event.by) == ("C04", "budget")
    assert event.detail == "20 s after C05 at 1:02; wait until 1:22"
    assert event.known_at / SAMPLE_RATE == pytest.approx(70, abs=FRAME_S)


def test_a_text_waits_for_a_gap_that_ends_before_it_is_stale() -> None:
    assert texts(play("C05 62-70, C03 79-90")) == [("C05", 62.0), ("C03", 82.0)]


def test_a_text_over_before_the_gap_ends_is_held_back_by_the_gap() -> None:
    event = only_held(play("C05 62-70, C03 79-80.5"))
    assert event.by == "budget"
    assert event.detail == "20 s after C05 at 1:02; wait until 1:22; over after 1.5 s: it was over"


def test_c01_never_goes_stale_but_keeps_the_gap() -> None:
    assert texts(play("C05 62-70, C01 64-90")) == [("C05", 62.0), ("C01", 82.0)]


def test_two_texts_in_60_s() -> None:
    played = play("C05 30-35, C03 50-55, C04 70-75, C01 91-92")
    assert texts(played) == [("C05", 30.0), ("C03", 50.0), ("C01", 91.0)]
    assert only_held(played).detail == "2 texts in 60 s since 0:30; wait until 1:30"


def test_eight_texts_in_10_min() -> None:
    cues = enumerate(["C05", "C03", "C04"] * 6)
    script = ", ".join(f"{cue} {40 * i + 30}-{40 * i + 32}" for i, cue in cues)
    played = play(script)
    early = [at for _, at in texts(played) if at < 30 + 600]
    assert len(early) == 8
    details = [e.detail for e in played.held if e.detail.startswith("8 texts")]
    assert details[0] == "8 texts in 10 min since 0:30; wait until 10:30"
    first, ninth = played.texts[0], played.texts[8]
    assert 600 * SAMPLE_RATE < ninth.known_at - first.known_at < 602 * SAMPLE_RATE


def test_one_praise_in_5_min() -> None:
    settings = budget(most_enabled=7, enabled=("C03", "C24"), burst=20, min_gap_s=0)
    played = play("C24 30-33, C24 200-203, C03 205-206, C24 640-643", settings)
    assert texts(played) == [("C24", 30.0), ("C03", 205.0), ("C24", 640.0)]
    event = only_held(played)
    assert (event.cue, event.by) == ("C24", "cooldown")  # 300 s from its end, a little longer than the limit


def test_the_limit_of_praise_holds_where_the_cooldown_does_not() -> None:
    entries = {**catalogue(), "C03": dataclasses.replace(catalogue()["C03"], soft=True)}
    settings = budget(enabled=("C03",))
    scene, one = scene_of(settings), Budget(settings, entries)
    log = cue_log([Cue("C03", 30, 32), Cue("C03", 200, 202)])
    found: list[Event] = []
    for index in sorted(log):
        scene.step(index * FRAME_LENGTH, (False, True), ())
        found += one.step(scene, log[index])
    assert isinstance(found[0], CueShown)
    assert isinstance(found[1], CueHeldBack)
    assert found[1].detail == "1 praise in 5 min, the last at 0:30; wait until 5:30"


def test_windows_are_closed_and_the_gap_is_not() -> None:
    settings = budget(min_gap_s=20, burst=1, burst_s=60, average=1, average_s=100, praise_gap_s=150).budget
    soft, other = catalogue()["C24"], catalogue()["C03"]
    limits = Limits(settings)
    limits.shown(soft, SAMPLE_RATE)
    assert [b.until for b in (limits.longest(other), limits.longest(soft)) if b is not None] == [
        101 * SAMPLE_RATE + 1,
        151 * SAMPLE_RATE + 1,
    ]
    limits = Limits(budget(min_gap_s=200, burst=1).budget)
    limits.shown(soft, SAMPLE_RATE)
    gap = limits.longest(other)
    assert gap is not None
    assert gap.until == 201 * SAMPLE_RATE


# --- one at a time


def test_of_two_texts_the_more_urgent_is_shown() -> None:
    played = play("C05 30-40, C03 30-40")
    assert texts(played) == [("C03", 30.0)]
    event = only_held(played)
    assert event.detail == "20 s after C03 at 0:30; wait until 0:50"
    assert event.known_at == played.texts[0].known_at


def test_a_text_does_not_overtake_a_more_urgent_one_that_waits_for_its_moment() -> None:
    # C05 need not wait for a pause any more at 32 s, C03 until 33 s
    played = play("agent 0-60, C05 30-40, C03 31-40")
    assert texts(played) == [("C03", 33.0)]
    assert held(played) == [("C05", "budget")]


def test_it_comes_next_when_the_more_urgent_one_is_over() -> None:
    played = play("agent 0-60, C05 30-40, C03 31-32.5")
    assert texts(played) == [("C05", 32.5)]
    assert held(played) == [("C03", "stale")]


def test_a_more_urgent_text_replaces_a_visible_one_after_1_s() -> None:
    settings = budget(min_gap_s=0)
    assert texts(play("C05 30-40, C03 30.3-35", settings)) == [("C05", 30.0), ("C03", 31.0)]


def test_a_text_that_was_over_behind_a_more_urgent_one_says_so() -> None:
    played = play("agent 0-60, C05 30-32.5, C03 31-40")
    assert texts(played) == [("C03", 33.0)]
    assert only_held(played).detail == "C03 comes first; over after 2.5 s: it was over"


def test_a_text_as_urgent_as_the_visible_one_replaces_nothing() -> None:
    assert texts(play("C03 30-40, C04 32-40", budget(min_gap_s=0))) == [("C03", 30.0), ("C04", 35.0)]


def test_a_less_urgent_text_waits_until_the_visible_one_is_gone() -> None:
    settings = budget(min_gap_s=0)
    assert texts(play("C03 30-40, C05 32-40", settings)) == [("C03", 30.0), ("C05", 35.0)]
    assert texts(play("C03 30-33, C05 32-40", settings)) == [("C03", 30.0), ("C05", 33.0)]
    event = only_held(play("C03 30-40, C05 30.5-40", settings))
    assert (event.cue, event.by, event.detail) == ("C05", "budget", "C03 on screen since 0:30")


def test_a_replacement_keeps_the_gap() -> None:
    assert texts(play("C05 30-40, C03 31-33, C01 34-35")) == [("C05", 30.0)]


def test_come_back_stays_until_its_cue_closes() -> None:
    settings = budget(min_gap_s=1)
    played = play("C21 30-45, C03 40-43, C04 44.5-46", settings)
    assert texts(played) == [("C21", 30.0), ("C04", 45.0)]
    assert [(e.cue, e.detail) for e in played.held] == [
        ("C03", "C21 on screen since 0:30; over after 3.0 s: it was over")
    ]


# --- cooldown


def test_the_cooldown_runs_from_the_end_of_the_cue_that_was_shown() -> None:
    played = play("C05 30-38, C05 90-95, C05 98.5-105")
    assert texts(played) == [("C05", 30.0), ("C05", 98.5)]
    event = only_held(played)
    assert event.by == "cooldown"
    assert event.detail == "60 s after it was over at 0:38; wait until 1:38"


def test_a_cue_that_was_held_back_starts_no_cooldown() -> None:
    assert texts(play("C03 30-35, C05 32-33, C05 55-60")) == [("C03", 30.0), ("C05", 55.0)]


def test_a_text_waits_for_a_cooldown_that_ends_before_it_is_stale() -> None:
    assert texts(play("C05 30-38, C05 96-105")) == [("C05", 30.0), ("C05", 98.0)]


def test_ignored_twice_doubles_the_cooldown() -> None:
    # shown at 30 and 105, both still open 10 s later: from then on 120 s
    played = play("C05 30-42, C05 105-117, C05 180-185, C05 238-245")
    assert texts(played) == [("C05", 30.0), ("C05", 105.0), ("C05", 238.0)]
    assert only_held(played).detail == (
        "120 s after it was over at 1:57 (2 times as long, it was ignored); wait until 3:57"
    )


def test_a_text_that_was_followed_starts_the_count_again() -> None:
    script = "C05 30-42, C05 105-107, C05 170-182, C05 243-250"
    assert len(texts(play(script))) == 4


def test_the_cooldown_grows_at_most_8_times() -> None:
    script, at = [], 30.0
    for _ in range(12):
        script.append(f"C05 {at}-{at + 11}")
        at += 11 + 8 * 60 + 1
    assert len(texts(play(", ".join(script), every_frame=False))) == 12
    late = f"C05 {at - 10}-{at - 9}"
    event = only_held(play(", ".join([*script, late]), every_frame=False))
    assert event.by == "cooldown"
    assert "8 times as long" in event.detail


def test_some_cues_are_shown_once_in_a_call() -> None:
    played = play("C19 30-40, C19 2000-2010", EVERY, every_frame=False)
    assert texts(played) == [("C19", 30.0)]
    assert only_held(played).detail == "once in a call; it was over at 0:40"


# --- rings and gauges


def test_a_ring_is_shown_at_once_and_its_text_decided_on_its_own() -> None:
    played = play("agent 0-60, C01 30-33 text 30.3")
    assert [(e.form, e.text) for e in [*played.rings, *played.texts]] == [
        ("ring", None), ("text", "Let them finish"),
    ]  # fmt: skip
    assert played.texts[0].known_at > played.rings[0].known_at


def test_rings_are_outside_the_limits() -> None:
    played = play("C05 30-40, C01 31-33 ring, C01 35-37 ring, C01 39-41 text 39.3")
    assert len(played.rings) == 3
    assert texts(played) == [("C05", 30.0)]
    assert held(played) == [("C01", "budget")]


def test_a_ring_cue_that_opens_with_its_text_shows_its_ring_although_the_text_is_held_back() -> None:
    played = play("C05 30-40, C01 35-37")
    assert [(e.cue, e.number) for e in played.rings] == [("C01", 2)]
    assert held(played) == [("C01", "budget")]


def test_only_a_ring_without_a_text_has_a_cooldown() -> None:
    played = play("C12 30-35, C12 100-105, C12 126-130".replace(",", " ring,") + " ring")
    assert [round(e.known_at / SAMPLE_RATE) for e in played.rings] == [30, 126]
    assert held(played) == [("C12", "cooldown")]


def test_a_gauge_is_always_shown() -> None:
    played = play("hold 0-60, C05 5-10 gauge", budget(calls_before=0))
    assert [(e.form, e.text) for e in played.answers if isinstance(e, CueShown)] == [("gauge", None)]


# --- quiet times


@pytest.mark.parametrize(
    ("script", "detail"),
    [
        ("C03 19-30", "first 20 s of the call"),
        ("C01 5-8 ring", "first 20 s of the call"),
        ("hold 29-60, C03 30-35", "on hold since 0:29"),
        ("hold 29-60, C04 30-35 ring", "on hold since 0:29"),
        ("quiet 25-60, C03 30-35", "quiet mode since 0:25"),
        ("agent 0-60, quiet 31-60, C05 30-40", "quiet mode since 0:31"),
        ("agent 0-60, hold 31-60, C05 30-40", "on hold since 0:31"),
    ],
)
def test_quiet_times(script: str, detail: str) -> None:
    played = play(script)
    event = only_held(played)
    assert (event.by, event.detail) == ("quiet", detail)
    assert played.rings == played.texts == []


def test_after_quiet_times_prompts_come_again() -> None:
    assert texts(play("C03 20-30, quiet 40-50, hold 60-70, C04 71-75")) == [("C03", 20.0), ("C04", 71.0)]


def test_come_back_is_exempt_from_quiet_times() -> None:
    assert texts(play("hold 0-100, quiet 0-100, C21 5-10, C21 50-60")) == [("C21", 5.0), ("C21", 50.0)]


def test_a_ring_held_back_in_quiet_times_may_still_raise_to_a_text() -> None:
    played = play("C04 19-25 text 20.5")
    assert held(played) == [("C04", "quiet")]
    assert played.held[0].form == "ring"
    assert len(played.rings) == 1
    assert texts(played) == [("C04", 20.5)]


def test_quiet_mode_takes_the_text_off_the_screen_unless_it_is_exempt() -> None:
    for cue, stays in (("C03", False), ("C21", True)):
        settings = Settings()
        scene, one = scene_of(settings), Budget(settings)
        scene.step(30 * SAMPLE_RATE, (False, True), ())
        one.step(scene, next(iter(cue_log([Cue(cue, 30, 40)]).values())))
        assert one.visible is not None
        one.quiet(True, scene.now)
        assert (one.visible is not None) is stays


# --- ramp, set and mute


def shown_to(calls_before: int) -> set[str]:
    """Cues with text that an agent sees after so many calls, each alone in a call."""
    settings = budget(calls_before=calls_before, most_enabled=7, enabled=("C01", "C03", "C24"))
    return {cue for cue in ALL if play(f"C12 1-2 ring, {cue} 30-32", settings, every_frame=False).texts}


def test_the_ramp() -> None:
    for calls in (0, 4):
        assert shown_to(calls) == {"C21"}
    for calls in (5, 14):
        assert shown_to(calls) == {"C01", "C05", "C11", "C21"}
    assert shown_to(15) == {"C01", "C03", "C24"}


def test_the_ramp_holds_back_rings_and_says_why() -> None:
    event = only_held(play("C01 30-32 ring", budget(calls_before=2)))
    assert (event.by, event.form) == ("muted", "ring")
    assert event.detail == "call 3 of the first 5, which have gauges only"
    event = only_held(play("C04 30-32", budget(calls_before=9)))
    assert event.detail == "call 10 of the first 15, which have only C01, C05, C11"


def test_the_default_set_is_that_of_the_catalogue() -> None:
    assert set(BudgetSettings().enabled) == {cue for cue, e in catalogue().items() if e.on_by_default}
    assert BudgetSettings().most_enabled == 6


def test_a_cue_outside_the_set_is_muted_with_its_ring() -> None:
    played = play("C10 30-40, C24 50-53, C12 60-62 ring")
    assert [(e.cue, e.by, e.detail) for e in played.held] == [
        ("C10", "muted", "not in your set"), ("C24", "muted", "not in your set"),
    ]  # fmt: skip
    assert [e.cue for e in played.rings] == ["C12"]  # no text, so no place in the set


def test_dismissed_twice_is_muted_for_the_call() -> None:
    once = "C05 30-40, dismiss C05 31, C05 105-110"
    assert len(texts(play(once))) == 2
    played = play(f"{once}, dismiss C05 106, C05 200-210, C03 220-225")
    assert texts(played) == [("C05", 30.0), ("C05", 105.0), ("C03", 220.0)]
    assert [(e.by, e.detail) for e in played.held] == [("muted", "muted at 1:46: dismissed 2 times")]


def test_one_text_is_dismissed_once() -> None:
    played = play("dismiss C05 25, C05 30-40, dismiss C05 31, dismiss C05 32, C05 105-110, C05 200-210")
    assert len(texts(played)) == 3


def test_a_dismissed_text_was_not_ignored() -> None:
    settings = budget(dismissed_times=10)
    played = play("C05 30-42, dismiss C05 32, C05 105-117, dismiss C05 106, C05 180-185", settings)
    assert len(texts(played)) == 3


def test_a_dismissed_text_is_off_the_screen() -> None:
    settings = budget(min_gap_s=0)
    assert texts(play("C03 30-40, C05 31-40, dismiss C03 32", settings)) == [("C03", 30.0), ("C05", 32.0)]


# --- end of the call, wording, cost


def test_what_waits_at_the_end_of_the_call_is_held_back() -> None:
    settings = Settings()
    scene, one = scene_of(settings), Budget(settings)
    scene.step(30 * SAMPLE_RATE, (True, False), ())
    assert one.step(scene, next(iter(cue_log([Cue("C05", 30, 40)]).values()))) == []
    (event,) = one.finish(scene)
    assert isinstance(event, CueHeldBack)
    assert (event.by, event.detail) == ("stale", "no pause before it was over after 0.0 s: the call ended")
    assert one.finish(scene) == []


def test_the_text_is_that_of_the_case() -> None:
    entry = catalogue()["C10"]
    assert action_text(entry, {"case": "level_pitch"}) == "Louder and higher: breathe out"
    assert action_text(entry, {"case": "pitch_pace"}) == "Higher and faster: breathe out"
    assert action_text(entry, {"case": "none"}) is None
    assert action_text(catalogue()["C13"], {"short": "turn it off"}) == "Plainer: turn it off"


@pytest.mark.parametrize("short", [None, "one two three four five"])
def test_without_a_short_wording_there_is_no_text(short: str | None) -> None:
    assert action_text(catalogue()["C13"], {} if short is None else {"short": short}) is None


def test_a_text_without_a_short_wording_is_held_back() -> None:
    scene, one = scene_of(EVERY), Budget(EVERY)
    scene.step(30 * SAMPLE_RATE, (False, True), ())
    (opened,) = next(iter(cue_log([Cue("C13", 30, 40)]).values()))
    opened.facts.clear()
    (event,) = one.step(scene, [opened])
    assert isinstance(event, CueHeldBack)
    assert (event.by, event.detail) == ("muted", "no short wording fits")


def test_times_are_minutes_and_seconds() -> None:
    assert clock(0) == "0:00"
    assert clock(62 * SAMPLE_RATE + 900) == "1:02"
    assert clock(3600 * SAMPLE_RATE) == "60:00"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"enabled": ("C01", "C01")}, "names a cue twice"),
        ({"enabled": ("C01", "C03", "C05"), "most_enabled": 2}, "names 3 cues, most_enabled allows 2"),
        ({"enabled": ("C27",)}, "enabled"),
    ],
)
def test_the_set_is_checked(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BudgetSettings.model_validate(values)


def test_a_step_without_anything_due_costs_next_to_nothing() -> None:
    settings = Settings()
    scene, one = scene_of(settings), Budget(settings)
    scene.step(30 * SAMPLE_RATE, (False, True), ())
    one.step(scene, next(iter(cue_log([Cue("C03", 30, 40)]).values())))
    nothing: list[CueShown] = []
    best = min(timeit.repeat(lambda: one.step(scene, nothing), number=2000, repeat=20)) / 2000
    assert best < 2e-6
