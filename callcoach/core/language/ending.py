"""What is left of a call: close (L18), steps of a good answer, ticket note, a line to rehearse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from callcoach.clock import to_samples
from callcoach.core.language.finder import (
    ACKNOWLEDGEMENT,
    APOLOGY,
    CAUSE,
    CLOSE,
    DISCOURAGED,
    NEXT_STEP,
    RECAP,
    RELIEF,
    THANKS,
    Found,
)
from callcoach.core.language.lists import content_words, has_time, language_lists
from callcoach.core.language.sentences import Promise
from callcoach.core.language.text import Sentence
from callcoach.core.language.view import LanguageView
from callcoach.core.phrases import contains, normal
from callcoach.events import Channel

_MOST_PROBLEM = 3
"""Sentences of the caller that a ticket note quotes; [D]."""
_MOST_STEPS = 8
_LEAST_CONTENT = 2
"""Content words that make a sentence part of a problem."""


@dataclass(frozen=True, slots=True)
class Close:
    """What the last part of the call held (L18)."""

    recap: bool
    next_step: bool
    anything_else: bool
    thanks: bool

    @property
    def points(self) -> int:
        """0 to 4."""
        return sum((self.recap, self.next_step, self.anything_else, self.thanks))


@dataclass(frozen=True, slots=True)
class Progress:
    """Where each step of a good answer was first heard (10.8), samples; None where it was not."""

    heard: int | None
    """End of the caller's opening story, when it was not cut."""
    acknowledged: int | None
    apologised: int | None
    resolved: int | None
    """First complete commitment of the agent, or relief marker of the caller."""
    diagnosed: int | None
    """A sentence that names the cause."""


@dataclass(frozen=True, slots=True)
class TicketNote:
    """Draft of a ticket note in the words of the call; a person checks it."""

    problem: tuple[Sentence, ...]
    caller_tried: tuple[Sentence, ...]
    steps: tuple[Sentence, ...]
    next_step: Sentence | None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One phrase to practise in another wording."""

    found: Found
    times: int


def close_of(
    view: LanguageView, sentences: Sequence[Sentence], found: Sequence[Found], promises: Sequence[Promise]
) -> Close:
    """Look at the agent's words in the last part of the call.

    Parameters
    ----------
    sentences, found : the agent's.
    """
    lists = language_lists()
    begin = view.length - round(view.length * view.settings.closing_share_pct / 100)
    last = [s for s in sentences if s.start >= begin]
    late = [f for f in found if f.start >= begin]
    texts = [s.text for s in last]
    recap = any(f.list == RECAP or (f.list == CLOSE and _sums_up(f)) for f in late)
    stepped = any(p.kind == "complete" and p.sentence.start >= begin for p in promises) or any(
        f.list == NEXT_STEP and _timed_or_conditional(f, last) for f in late
    )
    more = any(contains(t, lists["closing.anything_else"]) for t in texts)
    thanked = any(f.list == THANKS for f in late)
    return Close(recap, stepped, more, thanked)


def _sums_up(found: Found) -> bool:
    return contains(normal(found.phrase), language_lists()["closing.done"])


def _timed_or_conditional(found: Found, sentences: Sequence[Sentence]) -> bool:
    sentence = next((s for s in sentences if s.start <= found.start < s.end), None)
    if sentence is None:
        return False
    return (
        has_time(sentence.text, language_lists())
        or sentence.text.startswith("if ")
        or " if " in sentence.text
    )


def progress_of(
    view: LanguageView,
    found: Sequence[Found],
    promises: Sequence[Promise],
) -> Progress:
    """Return where the steps of a good answer were first heard; ``found`` of both parties."""
    told = view.story is not None and view.story_completed is True
    complete = [p.sentence.start for p in promises if p.kind == "complete"]
    relief = [f.start for f in found if f.channel is Channel.CALLER and f.list == RELIEF]
    return Progress(
        heard=view.story[1] if told and view.story is not None else None,
        acknowledged=next((f.start for f in found if f.list == ACKNOWLEDGEMENT), None),
        apologised=next((f.start for f in found if f.channel is Channel.AGENT and f.list == APOLOGY), None),
        resolved=min([*complete, *relief], default=None),
        diagnosed=next((f.start for f in found if f.list == CAUSE), None),
    )


def greeting_of(view: LanguageView, sentences: Sequence[Sentence]) -> tuple[bool, bool] | None:
    """Tell whether the agent gave a name and offered help before the caller's story; None without words.

    A name is a word with a capital letter, or any word where nothing is written with one, behind "this is" or
    "my name is", or before "speaking" or "here".
    """
    mine = [s for s in sentences if s.channel is Channel.AGENT]
    if not mine:
        return None
    until = mine[0].start + to_samples(_GREETING_S)
    first = [s for s in mine if s.start <= until]
    lists = language_lists()
    offer = any(contains(s.text, lists["greeting.offer"]) for s in first)
    return any(_gives_name(s) for s in first), offer


_GREETING_S = 15.0
"""Time from the agent's first word in which a greeting is looked for; [D]."""


def _gives_name(sentence: Sentence) -> bool:
    lists = language_lists()
    shown = [w.text.strip(" ,.;:?!\"'") for w in sentence.words]
    plain = [w.lower() for w in shown]
    cased = any(w[:1].isupper() for w in shown)

    def is_name(i: int) -> bool:
        if not 0 <= i < len(shown) or not shown[i].isalpha() or plain[i] in lists["greeting.not_names"]:
            return False
        return plain[i] not in lists["function.words"] and (shown[i][:1].isupper() or not cased)

    for i, word in enumerate(plain):
        before = " ".join(plain[max(0, i - 1) : i + 1])
        if (before in ("this is", "name is") or word in ("name's", "i'm")) and is_name(i + 1):
            return True
        if word in ("speaking", "here") and is_name(i - 1):
            return True
        if word == "am" and i and plain[i - 1] == "i" and is_name(i + 1):
            return True
    return False


def ticket_note(
    view: LanguageView,
    sentences: Sequence[Sentence],
    told: Sequence[Sentence],
    promises: Sequence[Promise],
) -> TicketNote | None:
    """Draft a ticket note by rules; None without a problem in the caller's words.

    Parameters
    ----------
    sentences : of both parties, in order of time.
    told : the agent's instructions.
    """
    lists = language_lists()
    theirs = [s for s in sentences if s.channel is Channel.CALLER]
    if view.story is not None:
        story = [s for s in theirs if view.story[0] <= s.start < view.story[1]]
    else:
        story = theirs[: 2 * _MOST_PROBLEM]
    tried = [s for s in theirs if contains(s.text, lists["note.tried"])]
    told_problem = [s for s in story if s not in tried and not s.asks and _has_content(s)]
    if not told_problem:
        return None
    best = sorted(told_problem, key=lambda s: (-_weight(s), s.start))[:_MOST_PROBLEM]
    complete = [p.sentence for p in promises if p.kind == "complete"]
    return TicketNote(
        problem=tuple(sorted(best, key=lambda s: s.start)),
        caller_tried=tuple(tried[:_MOST_STEPS]),
        steps=tuple([s for s in told if not s.asks or _has_content(s)][:_MOST_STEPS]),
        next_step=complete[-1] if complete else None,
    )


def _has_content(sentence: Sentence) -> bool:
    return len(content_words(sentence.text, language_lists())) >= _LEAST_CONTENT


def _weight(sentence: Sentence) -> float:
    """Sentences that say what fails come first; the earlier ones of those alike."""
    text = sentence.text
    lists = language_lists()
    fails = contains(text, lists["note.fails"]) or any(t.endswith("n't") for t in text.split())
    return 2.0 * fails + min(1.0, len(content_words(text, lists)) / 8)


def rehearsal(found: Sequence[Found]) -> Rehearsal | None:
    """Return the discouraged phrase to practise: the most severe, then the most frequent, then the first."""
    said = [f for f in found if f.list == DISCOURAGED and f.channel is Channel.AGENT and f.row.say]
    if not said:
        return None
    times = Counter(f.row.id for f in said)
    worst = min(said, key=lambda f: (-(f.row.severity or 0), -times[f.row.id], f.start))
    return Rehearsal(worst, times[worst.row.id])
