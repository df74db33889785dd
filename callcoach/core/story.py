"""The caller's opening story: whether they could tell it to the end (M11)."""

from __future__ import annotations

from dataclasses import dataclass

from callcoach.clock import to_samples
from callcoach.config import StorySettings
from callcoach.core.floor import Period
from callcoach.core.overlaps import Meeting
from callcoach.core.phrases import Phrases, contains, joined, normal
from callcoach.core.transcript import Transcript
from callcoach.core.utterances import Party
from callcoach.events import Channel, OverlapClass


@dataclass(frozen=True, slots=True)
class Story:
    """The opening story in samples."""

    start: int
    end: int
    completed: bool
    cut_at: int | None
    backchannels: int
    ended: bool
    """False while the caller is still telling it."""


def opening_story(
    periods: list[Period],
    meetings: list[Meeting],
    caller: Party,
    transcript: Transcript,
    settings: StorySettings,
    words: Phrases,
) -> Story | None:
    """Return the opening story as far as it is known; None while there is none.

    It begins with the caller's first turn after the greeting and ends at the first turn with which the agent
    takes the floor, identity checks excluded. It is cut when that turn began as an interruption.
    """
    greeting = to_samples(settings.greeting_s)
    at = next(
        (
            i
            for i, p in enumerate(periods)
            if p.holder is Channel.CALLER and p.end - p.start >= greeting and not p.from_words
        ),
        None,
    )
    if at is None:
        return None
    start, end = periods[at].start, periods[at].end
    counted = [
        m
        for m in meetings
        if m.incomer is Channel.AGENT
        and m.decided is not None
        and m.decided.counted
        and m.decided is not OverlapClass.BUTTING_IN
    ]
    cut_at: int | None = None
    ended = False
    for period in periods[at + 1 :]:
        if period.holder is Channel.CALLER:
            end = max(end, period.end)
            continue
        cut = next((m for m in counted if period.start <= m.utterance.start <= period.end), None)
        cut = cut if cut is not None and cut.utterance.start - period.start <= to_samples(1.0) else None
        if cut is None and (period.from_words or _is_identity_check(period, transcript, settings, words)):
            continue
        ended = True
        if cut is not None:
            cut_at = cut.utterance.start
        last = caller.last_before(cut_at if cut_at is not None else period.start)
        end = max(end, last.end) if last is not None else end
        break
    backchannels = sum(
        m.incomer is Channel.AGENT
        and m.decided is OverlapClass.BACKCHANNEL
        and start <= m.utterance.start < end
        for m in meetings
    )
    return Story(start, end, cut_at is None, cut_at, backchannels, ended)


def _is_identity_check(
    period: Period, transcript: Transcript, settings: StorySettings, words: Phrases
) -> bool:
    if period.end - period.start > to_samples(settings.identity_check_s):
        return False
    said = transcript.within(Channel.AGENT, period.start, period.end)
    text = joined(said)
    return "?" in text and contains(normal(text), words.identity_checks)
