"""Explanations and whether they arrived (L09), and whether the caller's story was played back (L10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from callcoach.clock import to_samples
from callcoach.core.language.finder import ACKNOWLEDGEMENT, CHECK_BACK, RECAP, Found
from callcoach.core.language.lists import content_words, language_lists, shared
from callcoach.core.language.view import LanguageView, SpokenTurn
from callcoach.core.phrases import joined, normal
from callcoach.events import Channel

_SLACK = to_samples(0.3)


@dataclass(frozen=True, slots=True)
class Block:
    """An explanation of the agent, samples; ``since`` is where it became one."""

    start: int
    since: int
    end: int
    covered_at: int | None
    """Start of the check-back that covers it."""


@dataclass(frozen=True, slots=True)
class Playback:
    """An agent turn that plays the caller's words back."""

    start: int
    end: int
    by_opener: bool


def blocks(view: LanguageView, told: Sequence[int], found: Sequence[Found]) -> list[Block]:
    """Return explanation blocks: an agent turn of 30 s or with three instructions.

    Parameters
    ----------
    told : positions of the agent's instruction verbs, in order of time.
    found : all that was found, in order of time.
    """
    s = view.settings
    long, reach = to_samples(s.block_s), to_samples(s.check_back_s)
    checks = [f for f in found if f.channel is Channel.AGENT and f.list == CHECK_BACK]
    listed: list[Block] = []
    for turn in view.turns:
        if turn.channel is not Channel.AGENT:
            continue
        verbs = [at for at in told if turn.start - _SLACK <= at < turn.end]
        marks = [verbs[s.block_verbs - 1]] if len(verbs) >= s.block_verbs else []
        if turn.end - turn.start >= long:
            marks.append(turn.start + long)
        if not marks:
            continue
        since = min(marks)
        begin = min(since, turn.end - reach)
        covered = next((f.start for f in checks if begin <= f.start <= turn.end + reach), None)
        listed.append(Block(turn.start, since, turn.end, covered))
    return listed


def playbacks(view: LanguageView, found: Sequence[Found]) -> list[Playback]:
    """Return the agent turns with a recap opener, or a quarter of their content from the caller.

    A recap opener may stand behind an acknowledgement; in the phase close it sums up what was done and is
    none of the caller's story.
    """
    s = view.settings
    lists = language_lists()
    listed: list[Playback] = []
    before: SpokenTurn | None = None
    for turn in view.turns:
        if turn.channel is Channel.CALLER:
            before = turn
            continue
        opener = next(
            (
                f
                for f in found
                if f.channel is Channel.AGENT
                and (f.list == RECAP or (f.list == ACKNOWLEDGEMENT and f.row.id in _PLAYING_BACK))
                and turn.start - _SLACK <= f.start <= turn.end
            ),
            None,
        )
        if opener is not None and turn.phase != "close":
            listed.append(Playback(opener.start, turn.end, True))
        elif before is not None:
            mine = content_words(normal(joined(view.words_in(Channel.AGENT, turn.start, turn.end))), lists)
            theirs = content_words(
                normal(joined(view.words_in(Channel.CALLER, before.start, before.end))), lists
            )
            common = shared(mine, theirs)
            if common >= s.shared_words and 100 * common >= s.shared_pct * len(set(mine)):
                listed.append(Playback(turn.start, turn.end, False))
        before = None
    return listed


_PLAYING_BACK = frozenset({"E17", "E18", "E19", "E26", "E27"})
"""Acknowledgements of table 10.4 that play the story back."""
