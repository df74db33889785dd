"""Placed utterances and the class rules that every overlap must keep (metric definitions 1.5 and 1.6).

Plain Python: nothing here needs the voices, so that shipped truth files can be checked anywhere. Times are
seconds from the first sample.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

Span = tuple[float, float]

_BACKCHANNELS = """
a absolutely agree ah ahead all at aye brilliant carry certainly cheers cool correct course dear
definitely enough exactly excellent fair fantastic follow for get go good goodness got gotcha
great hear hm hmm i i'm indeed it lovely makes mhm mm mm-hmm mmm never nice no nope not of oh ok
okay on ooh ouch pain perfect problem really right see sense super sure ta thank thanks that
that's true uh-huh uhuh understood way with worries wow ya yeah yep yes you yup
"""
BACKCHANNELS = frozenset(_BACKCHANNELS.split())
AGREEMENT = frozenset(("yes", "yeah", "yep", "right", "exactly", "okay", "sure", "correct", "true"))
WEIGHTS = {"floor_taking": 1.0, "butting_in": 0.5, "pause_barge_in": 0.5}
INSERTED = frozenset(("backchannel", "cooperative", "butting_in"))
_CLOSED = re.compile(r"[.!?]$")


class RuleError(AssertionError):
    """A placed utterance breaks the rule of the class that its text claims."""


@dataclass(frozen=True, slots=True)
class LabelTime:
    """A labelled phrase with its times; ``number`` is a weight (strong words) or a severity (discouraged)."""

    channel: int
    kind: str
    phrase: str
    start: float
    end: float
    number: int = 0
    explained: bool = False


@dataclass(frozen=True, slots=True)
class Utterance:
    """One placed utterance; all times absolute, ``planned_end`` is where it would have ended uncut."""

    channel: int
    start: float
    end: float
    text: str
    full_text: str
    role: str
    n_syllables: int
    gain_db: float
    pitch_st: float
    speed: float
    ipus: tuple[Span, ...]
    words: tuple[tuple[str, float, float], ...]
    planned_end: float
    story: bool = False
    supplied: bool = False

    @property
    def cut(self) -> bool:
        """True when what is heard differs from what was planned."""
        return self.text != self.full_text

    @property
    def wpm(self) -> float:
        """Words per minute between the edges, as the truth files state it."""
        return 60.0 * len(self.words) / (self.end - self.start)


@dataclass(frozen=True, slots=True)
class Overlap:
    """One entry where a party comes in; for a barge-in into a pause nothing overlaps and start equals end."""

    incomer: int
    klass: str
    start: float
    end: float
    overlap_s: float
    incomer_start: float
    incomer_end: float
    other_end: float
    other_cut: bool
    text: str

    @property
    def counted(self) -> bool:
        """True for the three classes that count as interruptions."""
        return self.klass in WEIGHTS


def shared(a: Utterance, b: Utterance) -> list[Span]:
    """Spans in which both utterances are active."""
    spans = [(max(x[0], y[0]), min(x[1], y[1])) for x in a.ipus for y in b.ipus]
    return sorted(span for span in spans if span[1] - span[0] > 1e-6)


def plain(words: str) -> list[str]:
    """Lower-case words without punctuation (hyphens and apostrophes stay)."""
    return re.findall(r"[a-z][a-z'-]*", words.lower())


def clause_open(spoken: str) -> bool:
    """Tell whether the text stops without a closing mark, so that the clause is incomplete."""
    return not _CLOSED.search(spoken)


def overlaps_of(utterances: list[Utterance]) -> list[Overlap]:
    """All overlaps of a call, each checked against the rule of its class.

    Raises
    ------
    RuleError
        A rule of 1.6 is broken, two parties overlap without a class, or one party overlaps itself.
    """
    order = sorted(utterances, key=lambda u: u.start)
    _check_self(order)
    found: list[Overlap] = []
    covered: set[tuple[int, int]] = set()
    for index, x in enumerate(order):
        if x.role == "turn":
            continue
        y = _other(order, index)
        spans = shared(x, y)
        start, end = (spans[0][0], spans[-1][1]) if spans else (x.start, x.start)
        overlap = sum(b - a for a, b in spans)
        resumed = _resume(order, x, y)
        _check(x, y, overlap, resumed)
        covered.update({(id(x), id(y)), (id(y), id(x))})
        if resumed is not None:
            covered.update({(id(x), id(resumed)), (id(resumed), id(x))})
        if not spans and x.role != "pause_barge_in":
            if x.role != "backchannel":
                raise RuleError(f"{x.role} without overlap: {x.text!r} at {x.start:.2f}")
            continue
        found.append(Overlap(x.channel, x.role, start, end, overlap, x.start, x.end, y.end, y.cut, x.text))
    for a in order:
        for b in order:
            if a.channel < b.channel and (id(a), id(b)) not in covered and shared(a, b):
                raise RuleError(f"no class for the overlap of {a.text!r} and {b.text!r} near {b.start:.2f}")
    _check_gaps(order)
    return found


def _check_self(order: list[Utterance]) -> None:
    for channel in (0, 1):
        own = [u for u in order if u.channel == channel]
        for a, b in pairwise(own):
            if b.start < a.end + 0.05:
                raise RuleError(f"party {channel} speaks over itself: {a.text!r} and {b.text!r}")


def _check_gaps(order: list[Utterance]) -> None:
    """Refuse a plain turn within 0.6 s of an open clause: that is a barge-in."""
    for x in order:
        if x.role != "turn":
            continue
        before = [u for u in order if u.start < x.start]
        if not before:
            continue
        y = max(before, key=lambda u: u.end)
        if (
            y.channel != x.channel
            and y.role not in INSERTED
            and x.start - y.end <= 0.6
            and clause_open(y.text)
        ):
            raise RuleError(f"plain turn after an open clause: {x.text!r} at {x.start:.2f}")


def _other(order: list[Utterance], index: int) -> Utterance:
    x = order[index]
    rivals = [u for u in order if u.channel != x.channel]
    touching = [u for u in rivals if u.start < x.end and u.end > x.start]
    if x.role in ("terminal", "backchannel", "cooperative", "floor_taking", "butting_in"):
        held = [u for u in touching if u.start <= x.start]
        if held:
            return held[0]
    if touching:
        return touching[0]
    ended = [u for u in rivals if u.end <= x.start + 1e-6]
    if not ended:
        raise RuleError(f"nobody to come in on: {x.text!r} at {x.start:.2f}")
    return max(ended, key=lambda u: u.end)


def _resume(order: list[Utterance], x: Utterance, y: Utterance) -> Utterance | None:
    """Return Y's next utterance when it begins within 1.0 s of the end of X."""
    later = [u for u in order if u.channel == y.channel and u.start >= y.end]
    return later[0] if later and later[0].start <= x.end + 1.0 else None


def _check(x: Utterance, y: Utterance, overlap: float, resumed: Utterance | None) -> None:
    keeps = y.end >= x.end or resumed is not None
    words = plain(x.text)
    backchannel = all(w in BACKCHANNELS for w in words) and x.end - x.start <= 1.0
    lead = y.planned_end - x.start
    rules: dict[str, bool] = {
        "backchannel": backchannel
        and y.start < x.start
        and x.start - y.end < 0.3
        and (any(a <= x.end + 1.0 and b > x.end for a, b in y.ipus) or resumed is not None),
        "terminal": 0 < overlap < 0.35 and not y.cut and not clause_open(y.text) and x.start > y.start,
        "simultaneous_start": abs(x.start - y.start) <= 0.25 and overlap > 0,
        "cooperative": x.end - x.start <= 2.0
        and keeps
        and (
            (len(words) <= 4 and x.text.endswith("?"))
            or x.supplied
            or (words[0] in AGREEMENT and len(words) <= 4)
        ),
        "floor_taking": not backchannel
        and y.start < x.start
        and lead >= 0.35
        and overlap > 0
        and (overlap >= 0.5 or y.end - x.start <= 0.5)
        and x.end - y.end >= 1.0
        and clause_open(y.text),
        "butting_in": not backchannel and overlap >= 0.8 and keeps and y.end > x.start,
        "pause_barge_in": overlap == 0
        and 0 < x.start - y.end <= 0.6
        and clause_open(y.text)
        and x.end - x.start >= 1.0,
    }
    if not rules[x.role]:
        raise RuleError(
            f"{x.role} breaks its rule: {x.text!r} at {x.start:.2f}-{x.end:.2f} over {y.text!r} "
            f"{y.start:.2f}-{y.end:.2f}, overlap {overlap:.2f}"
        )


def backchannels_of(utterances: list[Utterance]) -> list[tuple[Utterance, float]]:
    """Every backchannel with the seconds in which the other party is active too."""
    return [
        (x, sum(b - a for y in utterances if y.channel != x.channel for a, b in shared(x, y)))
        for x in sorted(utterances, key=lambda u: u.start)
        if x.role == "backchannel"
    ]


def talk_time(utterances: list[Utterance], channel: int) -> float:
    """Seconds of speech of one party: the sum of its IPUs."""
    return sum(b - a for u in utterances if u.channel == channel for a, b in u.ipus)
