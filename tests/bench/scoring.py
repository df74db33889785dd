"""Scores a call folder's ``call.json`` against a truth file: interruptions, backchannels, classes, story.

The definitions are those of the truth files: an event found within 0.5 s of a true one by the same party is
that event, one to one, nearest starts first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROLES: Final = ("agent", "caller")
SLACK_S: Final = 0.5
BACKCHANNEL_SLACK_S: Final = 0.1
SHORT_S: Final = (0.25, 0.8)
"""Lengths of the backchannels that the fast mask has to keep."""
FOUND_SHARE: Final = 0.5
"""Speech counts as found when one run of the mask covers more than this share of it."""
FILLERS: Final = frozenset({"uh", "um", "mm", "hmm", "mhm"})


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that a party did, in seconds; ``name`` is the class of an overlap."""

    start: float
    end: float
    role: str
    name: str = ""
    counted: bool = False


@dataclass(slots=True)
class Score:
    """Counts of one call, or of many added up."""

    true_counted: int = 0
    found_counted: int = 0
    right_counted: int = 0
    backchannels: int = 0
    backchannels_counted: int = 0
    backchannels_found: int = 0
    short_backchannels: int = 0
    short_backchannels_found: int = 0
    matched: int = 0
    right_class: int = 0
    stories: int = 0
    right_stories: int = 0
    misses: list[str] = field(default_factory=list)

    def add(self, other: Score) -> None:
        """Add the counts of another call."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def precision(self) -> float:
        """Share of the counted interruptions that are true; 1 when none was found."""
        return self.right_counted / self.found_counted if self.found_counted else 1.0

    @property
    def recall(self) -> float:
        """Share of the true interruptions that were found; 1 when there are none."""
        return self.right_counted / self.true_counted if self.true_counted else 1.0


def score_call(call_json: Path, truth_json: Path) -> Score:
    """Compare one call folder with its truth."""
    call = json.loads(call_json.read_text(encoding="utf-8"))
    truth = json.loads(truth_json.read_text(encoding="utf-8"))
    score, name = Score(), str(truth["name"])
    true = [_true_overlap(entry) for entry in truth["overlaps"]]
    found = [
        Mark(e["begin"] / 1000, e["end"] / 1000, e["incomer"], e["class"], e["counted"])
        for e in call["overlaps"]
    ]
    _counted(score, name, [m for m in true if m.counted], [m for m in found if m.counted])
    for i, j in match(true, found):
        score.matched += 1
        score.right_class += true[i].name == found[j].name
        if true[i].name != found[j].name:
            score.misses.append(f"{name} {true[i].start:.1f} s: {true[i].name} called {found[j].name}")
    backchannels = [Mark(b["start"], b["end"], ROLES[b["channel"]]) for b in truth["backchannels"]]
    segments = [Mark(e["begin"] / 1000, e["end"] / 1000, e["role"]) for e in call["segments"]]
    _backchannels(score, name, backchannels, [m for m in found if m.counted], segments)
    if truth.get("opening_story"):
        story = call.get("opening_story")
        right = story is not None and story["completed"] == truth["opening_story"]["completed"]
        score.stories, score.right_stories = 1, int(right)
        if not right:
            score.misses.append(f"{name}: opening story is {'missing' if story is None else 'judged wrong'}")
    return score


def match(true: Sequence[Mark], found: Sequence[Mark], slack: float = SLACK_S) -> list[tuple[int, int]]:
    """Pair marks of the same role whose spans, widened by ``slack`` seconds, meet; nearest starts first."""
    near = sorted(
        (abs(t.start - f.start), i, j)
        for i, t in enumerate(true)
        for j, f in enumerate(found)
        if t.role == f.role and t.start - slack <= f.end and f.start - slack <= t.end
    )
    pairs: list[tuple[int, int]] = []
    taken_true: set[int] = set()
    taken_found: set[int] = set()
    for _, i, j in near:
        if i not in taken_true and j not in taken_found:
            pairs.append((i, j))
            taken_true.add(i)
            taken_found.add(j)
    return pairs


def words_of(text: str) -> list[str]:
    """Return the words of a text in small letters without marks, hyphens and fillers."""
    plain = re.sub(r"[^a-z0-9' ]", " ", text.lower().replace("\u2019", "'").replace("-", " "))
    return [word for word in plain.split() if word not in FILLERS]


def edits(reference: Sequence[str], found: Sequence[str]) -> int:
    """Return the least number of insertions, deletions and replacements between two word lists."""
    row = list(range(len(found) + 1))
    for i, expected in enumerate(reference, 1):
        diagonal, row[0] = row[0], i
        for j, word in enumerate(found, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (expected != word))
    return row[-1]


def true_text(truth: dict[str, Any], channel: int) -> str:
    """Return what a party of a truth file can be heard to say, in order."""
    said = sorted((u for u in truth["utterances"] if u["channel"] == channel), key=lambda u: u["start"])
    return " ".join(u["text"] for u in said)


def _true_overlap(entry: dict[str, Any]) -> Mark:
    return Mark(entry["start"], entry["end"], ROLES[entry["incomer"]], entry["class"], entry["counted"])


def _counted(score: Score, name: str, true: list[Mark], found: list[Mark]) -> None:
    pairs = match(true, found)
    score.true_counted, score.found_counted, score.right_counted = len(true), len(found), len(pairs)
    hit, right = {i for i, _ in pairs}, {j for _, j in pairs}
    score.misses += [
        f"{name} {m.start:.1f} s: {m.name} by the {m.role} not counted"
        for i, m in enumerate(true)
        if i not in hit
    ]
    score.misses += [
        f"{name} {m.start:.1f} s: {m.name} by the {m.role} counted in error"
        for j, m in enumerate(found)
        if j not in right
    ]


def _backchannels(
    score: Score, name: str, true: list[Mark], counted: list[Mark], segments: list[Mark]
) -> None:
    score.backchannels = len(true)
    score.backchannels_counted = len(match(true, counted, BACKCHANNEL_SLACK_S))
    for mark in true:
        length = mark.end - mark.start
        heard = any(
            s.role == mark.role and min(s.end, mark.end) - max(s.start, mark.start) > FOUND_SHARE * length
            for s in segments
        )
        score.backchannels_found += heard
        if SHORT_S[0] <= length <= SHORT_S[1]:
            score.short_backchannels += 1
            score.short_backchannels_found += heard
        if not heard:
            score.misses.append(f"{name} {mark.start:.1f} s: backchannel of {length:.2f} s not heard")
