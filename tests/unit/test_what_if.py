"""Replay of a stored call, and the comparison of two logs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from callcoach.clock import Samples, Span, to_samples
from callcoach.config import Settings
from callcoach.core.delivery.profile import Profile
from callcoach.core.delivery.usual import Habit
from callcoach.errors import ConfigError
from callcoach.events import CueClosed, CueHeldBack, CueOpened, CueShown, Event
from callcoach.sources.stored_call import StoredCall, read_call
from callcoach.what_if import (
    changes_between,
    compare,
    cues_of,
    own_settings,
    parse_setting,
    replay,
    replayed_stages,
    stored_log,
    what_if,
    with_values,
)
from tests.support.stored import store


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> StoredCall:
    return read_call(store(tmp_path_factory.mktemp("stored")))


def test_the_same_settings_give_the_identical_log(call: StoredCall) -> None:
    assert len(stored_log(call)) > 5
    assert replay(call, own_settings(call)) == stored_log(call)


def test_other_settings_and_a_profile_are_replayed_as_they_were_analysed(tmp_path: Path) -> None:
    """Low thresholds give many states and cues; the profile moves the usual values."""
    settings = Settings.model_validate(
        {
            "delivery": {"spike_db": 2.0, "pitch_st": 1.0, "raised_z": 0.5, "quiet_db": -2.0, "fast_wpm": 80},
            "budget": {"quiet_start_s": 0, "min_gap_s": 0, "enabled": ["C01", "C07", "C09"]},
            "c03": {"hold_s": 1},
        }
    )
    profile = Profile(3, Habit(-25.0, 3.0), Habit(9.0, 1.0), Habit(4.0, 0.5))
    found = read_call(store(tmp_path, start=25, settings=settings, profile=profile))
    assert own_settings(found) == settings
    assert len(stored_log(found)) > 10
    assert replay(found, settings) == stored_log(found)
    assert replay(found, Settings()) != stored_log(found)


def test_a_replay_depends_on_thresholds_and_can_be_repeated(call: StoredCall) -> None:
    wanted = with_values(own_settings(call), {"budget": {"quiet_start_s": 300.0}}, "--set")
    first, second = what_if(call, wanted), what_if(call, wanted)
    assert first == second
    assert first.before == stored_log(call)
    assert first.after != first.before
    assert not any(isinstance(e, CueShown) and e.form == "text" for e in first.after)
    assert first.difference.now_suppressed
    # the budget never changes the cue log
    assert (first.difference.gained, first.difference.lost) == ((), ())


def test_a_log_of_another_version_is_told_anew_on_both_sides(call: StoredCall) -> None:
    old = dataclasses.replace(call, header=dataclasses.replace(call.header, version="0.0.1"))
    broken = dataclasses.replace(old, events=tuple(e for e in old.events if not isinstance(e, CueClosed)))
    wanted = with_values(own_settings(call), {"budget": {"min_gap_s": 11.0}}, "--set")
    found = what_if(broken, wanted)
    assert found.reproduced is False
    assert found.before == stored_log(call)


# -- settings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("c01.hold_s=0.3", 0.3),
        ("budget.burst = 3", 3),
        ('budget.enabled=["C01"]', ["C01"]),
        ("a.b=true", True),
    ],
)
def test_a_setting_has_a_value_of_toml(text: str, value: object) -> None:
    assert parse_setting(text)[2] == value


@pytest.mark.parametrize(
    "text", ["c01.hold_s", "hold_s=1", "=1", "c01.hold_s=", "c01.hold_s=abc", "c01.hold_s=1\nx=2", "a.b.c=1"]
)
def test_what_is_no_setting_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--set"):
        parse_setting(text)


def test_only_stages_that_run_again_can_be_changed() -> None:
    assert {"delivery", "c01", "budget"} <= set(replayed_stages())
    assert not {"overlap", "floor", "activity", "text", "silence"} & set(replayed_stages())
    with pytest.raises(ConfigError, match=r"overlap\.hold_s cannot be replayed, only .*c01.*analyse"):
        with_values(Settings(), {"overlap": {"hold_s": 1.9}}, "--set")
    usual = Settings().overlap.hold_s
    assert with_values(Settings(), {"overlap": {"hold_s": usual}}, "--set") == Settings()


def test_an_unknown_key_comes_with_a_suggestion() -> None:
    with pytest.raises(ConfigError, match=r"unknown key c01\.hld_s; did you mean c01\.hold_s"):
        with_values(Settings(), {"c01": {"hld_s": 1}}, "--set")
    with pytest.raises(ConfigError, match=r"c01\.hold_s = 99"):
        with_values(Settings(), {"c01": {"hold_s": 99}}, "--set")


def test_values_are_laid_over_those_of_the_call() -> None:
    own = Settings.model_validate({"c01": {"text_s": 1.1}})
    found = with_values(own, {"c01": {"hold_s": 0.3}}, "--set")
    assert (found.c01.text_s, found.c01.hold_s) == (1.1, 0.3)
    assert changes_between(own, found) == (("c01.hold_s", own.c01.hold_s, 0.3),)


# -- comparison --------------------------------------------------------------------------------------------


def cue(
    number: int,
    name: str,
    opened: float,
    *,
    shown: str | None = None,
    held: str | None = None,
    over: float = 2,
) -> list[Event]:
    """Events of one cue; ``shown`` and ``held`` are forms."""
    start, known = to_samples(opened), to_samples(opened + 1)
    at = Span(known, known)
    base = {"known_at": known, "number": number, "cue": name}
    events: list[Event] = [
        CueOpened(span=Span(start, known), form="text", facts={"overlap_s": 1.0}, evidence=(), **base)  # type: ignore[arg-type]
    ]
    if shown is not None:
        events.append(CueShown(span=at, form=shown, text=None, **base))  # type: ignore[arg-type]
    if held is not None:
        events.append(CueHeldBack(span=at, form=held, by="budget", detail="20 s", **base))  # type: ignore[arg-type]
    end = Samples(to_samples(opened + 1 + over))
    events.append(CueClosed(span=Span(start, end), known_at=end, number=number, cue=name, reason="over"))
    return events


def test_a_cue_is_the_same_within_half_a_second() -> None:
    near = compare(cue(1, "C01", 10, shown="text"), cue(7, "C01", 10.5, shown="text"))
    assert len(near.changed) == 1
    assert (near.gained, near.lost) == ((), ())
    far = compare(cue(1, "C01", 10, shown="text"), cue(1, "C01", 10.51, shown="text"))
    assert [c.opened for c in far.lost] == [to_samples(10)]
    assert [c.opened for c in far.gained] == [to_samples(10.51)]
    other = compare(cue(1, "C01", 10), cue(1, "C02", 10))
    assert (len(other.lost), len(other.gained)) == (1, 1)


def test_numbers_do_not_matter() -> None:
    same = compare(cue(1, "C01", 10, shown="text"), [*cue(1, "C02", 3), *cue(2, "C01", 10, shown="text")])
    assert [c.id for c in same.unchanged] == ["C01"]
    assert [c.id for c in same.gained] == ["C02"]
    assert compare(cue(1, "C01", 1), cue(5, "C01", 1)).is_empty


def test_the_closest_cues_are_paired() -> None:
    before = [*cue(1, "C01", 10), *cue(2, "C01", 10.4)]
    found = compare(before, cue(1, "C01", 10.4))
    assert [c.opened for c in found.lost] == [to_samples(10)]
    assert len(found.unchanged) == 1


@pytest.mark.parametrize(
    ("before", "after", "group"),
    [
        ({"held": "text"}, {"shown": "text"}, "now_shown"),
        ({"shown": "ring", "held": "text"}, {"shown": "text"}, "now_shown"),
        ({"shown": "text"}, {"held": "text"}, "now_suppressed"),
        ({"shown": "text"}, {"shown": "ring", "held": "text"}, "now_suppressed"),
        ({"shown": "text"}, {"shown": "text", "over": 3}, "changed"),
        ({"shown": "text"}, {"shown": "text"}, "unchanged"),
    ],
)
def test_groups(before: dict[str, str], after: dict[str, str], group: str) -> None:
    found = compare(cue(1, "C01", 10, **before), cue(1, "C01", 10, **after))  # type: ignore[arg-type]
    sizes = {f.name: len(getattr(found, f.name)) for f in dataclasses.fields(found)}
    assert sizes == {**dict.fromkeys(sizes, 0), group: 1}
    assert found.is_empty is (group == "unchanged")


def test_what_a_cue_says_and_what_held_it_back() -> None:
    (found,) = cues_of(cue(1, "C01", 10, shown="ring", held="text"))
    assert (found.form, found.held_by, found.held_because) == ("ring", "budget", "20 s")
    assert found.text == "Let them finish"
    assert (found.closed, found.why_closed) == (to_samples(13), "over")
