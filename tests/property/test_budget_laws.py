"""Laws of the budget over cue logs nobody would have thought of (section 6)."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcoach.clock import FRAME_LENGTH, to_samples
from callcoach.config import Settings
from callcoach.core.cues.catalogue import catalogue
from callcoach.events import CueClosed, CueForm, CueHeldBack, CueOpened, CueShown
from tests.support.prompting import Cue, Played, Stream, Stretch, frame, play

T = TypeVar("T")
CATALOGUE = catalogue()
TEXTS = [cue for cue, entry in CATALOGUE.items() if entry.has_text]
FEW = ["C01", "C03", "C05", "C21", "C24"]
LAWS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def every_cue(**values: object) -> Settings:
    return Settings.model_validate({"budget": {"most_enabled": 26, "enabled": tuple(TEXTS), **values}})


DEFAULT = every_cue()
"""The limits as they ship, with every cue in the set: the hardest case."""
LOOSE = every_cue(min_gap_s=3, burst=4, burst_s=20, average=6, average_s=60, praise_gap_s=30, quiet_start_s=5)
NO_GAP = every_cue(min_gap_s=0, burst=20, average=60)
SETTINGS = st.sampled_from([DEFAULT, LOOSE, NO_GAP])


class Dice:
    """Draws of a stream, from hypothesis or from a seed."""

    def __init__(self, draw: st.DrawFn | random.Random) -> None:
        self._draw = draw

    def number(self, least: int, most: int) -> int:
        if isinstance(self._draw, random.Random):
            return self._draw.randint(least, most)
        return self._draw(st.integers(least, most))

    def one(self, items: Sequence[T]) -> T:
        return items[self.number(0, len(items) - 1)]


def stretches(dice: Dice, most: int, scale: int, length: int) -> tuple[Stretch, ...]:
    found: list[Stretch] = []
    at = 0
    for _ in range(dice.number(0, most)):
        at += dice.number(1, scale)
        end = at + dice.number(1, length)
        found.append((at / 10, end / 10))
        at = end
    return tuple(found)


def stream(dice: Dice, most: int = 40) -> Stream:
    """Cues as the engine may log them: a cue opens again only after it closed. Grid of 0.1 s."""
    names = dice.one([TEXTS, FEW, FEW[:2], list(CATALOGUE)])
    free = dict.fromkeys(names, 0)
    at, cues = 0, list[Cue]()
    for _ in range(dice.number(1, most)):
        at += dice.one([0, 1, dice.number(0, 20), dice.number(0, 300)])
        name = dice.one(names)
        start = max(at, free[name])
        end = start + dice.number(2, dice.one([10, 60, 200]))
        free[name] = end + 1
        entry, form, text_at = CATALOGUE[name], "text", None
        if "A" in entry.classes and (not entry.has_text or dice.number(0, 1)):
            form = "ring"
            if entry.has_text and dice.number(0, 1):
                text_at = dice.number(start + 1, end - 1) / 10
        cues.append(Cue(name, start / 10, end / 10, _form(form), text_at))
    last = max(free.values())
    clicks = [(dice.one(cues).cue, dice.number(0, last) / 10) for _ in range(dice.number(0, 4))]
    return Stream(
        tuple(cues),
        agent=stretches(dice, 30, 30, 80),
        caller=stretches(dice, 20, 60, 60),
        hold=stretches(dice, 2, 900, 300),
        quiet=stretches(dice, 2, 900, 300),
        dismissals=tuple(clicks),
    )


def _form(name: str) -> CueForm:
    return "ring" if name == "ring" else "text"


STREAMS = st.composite(lambda draw: stream(Dice(draw)))()


# --- the laws, each as a check that knows the limits from the settings and nothing of how they are kept


def check_limits(played: Played, how: Settings) -> None:
    b, times = how.budget, [e.known_at for e in played.texts]
    assert all(y - x >= to_samples(b.min_gap_s) for x, y in pairwise(times))
    for most, seconds in ((b.burst, b.burst_s), (b.average, b.average_s)):
        # closed windows: the text after `most` others lies beyond the window of the first of them
        assert all(y - x > to_samples(seconds) for x, y in zip(times, times[most:], strict=False))
    praise = [e.known_at for e in played.texts if CATALOGUE[e.cue].soft]
    assert all(y - x > to_samples(b.praise_gap_s) for x, y in pairwise(praise))


def check_one_at_a_time(played: Played, how: Settings) -> None:
    """A text appears when the one before it is gone, or replaces it: more urgent and after a second."""
    b = how.budget
    for old, new in pairwise(played.texts):
        end = played.closed(old.number).known_at
        if "quiet" not in CATALOGUE[old.cue].exempt:
            end = min(end, old.known_at + to_samples(b.show_s))
        if new.known_at < end and old.number not in played.taken_off:
            assert CATALOGUE[new.cue].priority < CATALOGUE[old.cue].priority
            assert new.known_at - old.known_at >= to_samples(b.replace_after_s)


def check_every_opening_is_answered_once(played: Played) -> None:
    answers: dict[tuple[int, CueForm], list[CueShown | CueHeldBack]] = {}
    for given_answer in played.answers:
        answers.setdefault((given_answer.number, given_answer.form), []).append(given_answer)
    openings = {(e.number, e.form): e for e in played.log if isinstance(e, CueOpened)}
    late: list[CueShown | CueHeldBack] = []
    for key, opened in openings.items():
        answer, *more = answers.pop(key)
        late += more
        assert not more or isinstance(answer, CueHeldBack)
        assert answer.cue == opened.cue
        assert opened.known_at <= answer.known_at <= played.closed(opened.number).known_at
        assert isinstance(answer, CueShown) or answer.detail
        if opened.form == "ring":
            assert answer.known_at == opened.known_at
    for left in answers.values():
        assert len(left) == 1
    # what is left are rings that came with the text: it opened with it, or the ring alone had been held back
    for ring in [*late, *(left[0] for left in answers.values())]:
        assert isinstance(ring, CueShown)
        assert ring.form == "ring"
        assert "A" in CATALOGUE[ring.cue].classes
        assert ring.known_at == openings[ring.number, "text"].known_at


def check_no_text_of_a_cue_that_is_over(played: Played, how: Settings) -> None:
    for text in played.texts:
        assert text.known_at < played.closed(text.number).known_at
        if "moment" not in CATALOGUE[text.cue].exempt:
            assert text.known_at - played.opened(text.number).known_at <= to_samples(how.budget.stale_s)


def check_quiet_times(played: Played, what: Stream, how: Settings) -> None:
    quiet = [(frame(a) * FRAME_LENGTH, frame(b) * FRAME_LENGTH) for a, b in (*what.hold, *what.quiet)]
    quiet.append((0, int(to_samples(how.budget.quiet_start_s))))
    for shown in (*played.texts, *played.rings):
        if "quiet" not in CATALOGUE[shown.cue].exempt:
            assert not any(a <= shown.known_at < b for a, b in quiet)


def check_cooldowns(played: Played) -> None:
    for cue in TEXTS:
        mine = [e for e in played.texts if e.cue == cue]
        for old, new in pairwise(mine):
            rest = CATALOGUE[cue].cooldown_s
            assert not math.isinf(rest)
            assert new.known_at - played.closed(old.number).known_at >= to_samples(rest)


@dataclass
class _Text:
    opened: CueOpened
    closed: CueClosed
    answer: CueShown | CueHeldBack


def check_the_more_urgent_goes_first(played: Played, how: Settings) -> None:
    """No text is shown while a more urgent one that nothing but its moment keeps waiting is open."""
    answers = {a.number: a for a in played.answers if a.form == "text"}
    texts = [
        _Text(e, played.closed(e.number), answers[e.number])
        for e in played.log
        if isinstance(e, CueOpened) and e.form == "text"
    ]
    shown_before: dict[str, int] = {}
    for text in played.texts:
        at = text.known_at
        for other in texts:
            more_urgent = CATALOGUE[other.opened.cue].priority < CATALOGUE[text.cue].priority
            waits = other.opened.known_at <= at <= other.answer.known_at and at < other.closed.known_at
            if not (more_urgent and waits) or other.opened.cue in shown_before:
                continue  # its cooldown may keep it waiting
            age = at - other.opened.known_at
            if age > to_samples(how.budget.stale_s) and "moment" not in CATALOGUE[other.opened.cue].exempt:
                continue
            by = other.answer.by if isinstance(other.answer, CueHeldBack) else None
            assert by in {"quiet", "muted"}, (text, other)
            assert other.answer.known_at == at or by == "quiet"
        shown_before[text.cue] = at


def check_that_the_budget_had_a_reason(played: Played, how: Settings) -> None:
    """What a limit held back was near a text that was shown, or behind one that waited."""
    reach = to_samples(max(how.budget.average_s, how.budget.praise_gap_s, how.budget.min_gap_s)) + 1
    for held in played.held:
        if held.by == "budget" and "comes first" not in held.detail:
            at = held.known_at
            assert any(at - reach <= t.known_at <= at for t in played.texts), held
        if held.by == "cooldown" and CATALOGUE[held.cue].has_text:
            assert any(t.cue == held.cue and t.known_at < held.known_at for t in played.texts)


def check_all(played: Played, what: Stream, how: Settings) -> None:
    check_limits(played, how)
    check_one_at_a_time(played, how)
    check_every_opening_is_answered_once(played)
    check_no_text_of_a_cue_that_is_over(played, how)
    check_quiet_times(played, what, how)
    check_cooldowns(played)
    check_the_more_urgent_goes_first(played, how)
    check_that_the_budget_had_a_reason(played, how)


@LAWS
@given(STREAMS, SETTINGS)
def test_the_laws_hold(what: Stream, how: Settings) -> None:
    check_all(play(what, how, every_frame=False), what, how)


@LAWS
@given(STREAMS, SETTINGS)
def test_it_does_not_matter_how_often_the_budget_is_asked(what: Stream, how: Settings) -> None:
    seldom = play(what, how, every_frame=False)
    often = play(what, how)
    assert seldom.answers == often.answers
    assert seldom.frames <= often.frames


@LAWS
@given(STREAMS)
def test_the_same_call_has_the_same_prompts(what: Stream) -> None:
    assert play(what, every_frame=False).answers == play(what, every_frame=False).answers


@LAWS
@given(STREAMS, st.integers(1, 40))
def test_the_past_does_not_depend_on_what_follows(what: Stream, kept: int) -> None:
    cues = what.cues[:kept]
    end = min((frame(c.start) * FRAME_LENGTH for c in what.cues[kept:]), default=1 << 60)
    end = min(end, max(frame(c.end) * FRAME_LENGTH for c in cues))
    part = Stream(cues, what.agent, what.caller, what.hold, what.quiet, what.dismissals)
    whole, first = play(what, every_frame=False), play(part, every_frame=False)
    assert [e for e in whole.answers if e.known_at < end] == [e for e in first.answers if e.known_at < end]


@pytest.mark.parametrize("batch", range(10))
def test_the_laws_hold_over_ten_thousand_random_streams(batch: int) -> None:
    texts = held = 0
    for seed in range(1000 * batch, 1000 * (batch + 1)):
        what = stream(Dice(random.Random(seed)), most=40 if seed % 10 == 0 else 12)
        how = (DEFAULT, DEFAULT, LOOSE, NO_GAP)[seed % 4]
        played = play(what, how, every_frame=False)
        check_all(played, what, how)
        texts += len(played.texts)
        held += len(played.held)
    assert texts > 1000
    assert held > 1000
