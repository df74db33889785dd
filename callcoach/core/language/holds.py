"""What was said around holds (M19) and silences (M20)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from callcoach.clock import to_samples
from callcoach.core.cues.said import cue_lists, promised_s
from callcoach.core.language.finder import NARRATION, Found
from callcoach.core.language.lists import language_lists
from callcoach.core.language.view import LanguageView, QuietTime
from callcoach.core.phrases import contains, joined, normal, phrases
from callcoach.events import Channel

_WORD_SLACK = to_samples(0.5)
_NOTICE_REACH = to_samples(12.0)
"""Time before a silence in which an announcement counts; the same as for naming the silence."""


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold and what was said around it; one point each."""

    start: int
    end: int
    notice: bool
    reason: bool
    estimate: bool
    resumed: bool

    @property
    def points(self) -> int:
        """0 to 4."""
        return sum((self.notice, self.reason, self.estimate, self.resumed))


_RETURN: Final = frozenset({"return"})
_PROGRESS: Final = frozenset({"progress"})


def is_notice(found: Found) -> bool:
    """Tell whether a line of table 10.9 announces a silence: neither ends one, nor tells how far it is."""
    return found.list == NARRATION and found.row.kind not in _RETURN | _PROGRESS


def is_return(found: Found) -> bool:
    """Tell whether a line of table 10.9 ends a silence."""
    return found.list == NARRATION and found.row.kind in _RETURN


def narrates(found: Found) -> bool:
    """Tell whether a line of table 10.9 makes the silence behind it an announced one."""
    return found.list == NARRATION and found.row.kind not in _RETURN


def holds(view: LanguageView, found: Sequence[Found]) -> list[Hold]:
    """Return every hold of the call with what was said around it."""
    s = view.settings
    before, after = to_samples(s.notice_s), to_samples(s.resumed_s)
    lists, cues, listed = language_lists(), cue_lists(), phrases()
    mine = [f for f in found if f.channel is Channel.AGENT and f.list == NARRATION]
    rated: list[Hold] = []
    for quiet in view.silences:
        if quiet.kind != "hold":
            continue
        said = normal(
            joined(
                view.words_in(Channel.AGENT, quiet.start - before - _WORD_SLACK, quiet.start + _WORD_SLACK)
            )
        )
        then = normal(joined(view.words_in(Channel.AGENT, quiet.end - _WORD_SLACK, quiet.end + after)))
        rated.append(
            Hold(
                quiet.start,
                quiet.end,
                notice=contains(said, listed.hold_notices)
                or contains(said, listed.narration)
                or any(is_notice(f) and 0 <= quiet.start + _WORD_SLACK - f.start <= before for f in mine),
                reason=contains(said, lists["hold.reasons"]),
                estimate=promised_s(said, cues) is not None,
                resumed=contains(then, lists["hold.resumed"])
                or any(is_return(f) and -_WORD_SLACK <= f.start - quiet.end <= after for f in mine),
            )
        )
    return rated


def silences_of_agent(view: LanguageView, found: Sequence[Found]) -> tuple[list[QuietTime], list[QuietTime]]:
    """Return the agent's silences of 6 s and more outside holds: announced, and not.

    "Let me see" alone keeps a silence from being dead air and announces nothing (M20 asks for a line of
    table 10.9, or a time).
    """
    cues = cue_lists()
    least = to_samples(view.settings.narrated_s)
    mine = [f for f in found if f.channel is Channel.AGENT and narrates(f)]
    announced: list[QuietTime] = []
    unannounced: list[QuietTime] = []
    for quiet in view.silences:
        if quiet.kind not in ("dead_air", "narrated") or quiet.owner is not Channel.AGENT:
            continue
        if quiet.end - quiet.start < least:
            continue
        said = normal(
            joined(view.words_in(Channel.AGENT, quiet.start - _NOTICE_REACH, quiet.start + _WORD_SLACK))
        )
        timed = quiet.kind == "narrated" and promised_s(said, cues) is not None
        told = timed or any(0 <= quiet.start + _WORD_SLACK - f.start <= _NOTICE_REACH for f in mine)
        (announced if told else unannounced).append(quiet)
    return announced, unannounced
