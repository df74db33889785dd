"""The caller's word balance (L15), and how often their name is said (L17)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from callcoach.clock import to_samples
from callcoach.core.language.finder import BALANCE, Found
from callcoach.core.language.lists import language_lists
from callcoach.core.language.text import Sentence
from callcoach.events import Channel

_QUARTER_WEIGHTS = (0.1, 0.2, 0.3, 0.4)
"""Weight of each quarter of the call in the overall balance; the end weighs most (L15)."""


@dataclass(frozen=True, slots=True)
class Balance:
    """The caller's word balance: overall, and by quarter; None without a word of the lists."""

    overall: float
    quarters: tuple[float | None, float | None, float | None, float | None]

    @property
    def shift(self) -> float | None:
        """Last quarter minus the first."""
        first, last = self.quarters[0], self.quarters[3]
        return None if first is None or last is None else last - first


def balance(found: Iterable[Found], length: int) -> Balance | None:
    """Return the word balance of the caller (L15), or None without a word of the lists.

    Parameters
    ----------
    found : matches of the list ``word_balance``; a negated one counts for the other side.
    length : int
        Samples of the call, which is cut into four quarters of time.
    """
    plus, minus = [0.0] * 4, [0.0] * 4
    any_word = False
    listed = [f for f in found if f.channel is Channel.CALLER and f.list == BALANCE]
    degree = [f for f in listed if f.row.kind in _DEGREES]
    scored = [(f.start, _weight(f, degree)) for f in listed if f.row.kind in ("positive", "negative")]
    for at, weight in scored:
        quarter = min(3, max(0, 4 * at // max(1, length)))
        (plus if weight > 0 else minus)[quarter] += abs(weight)
        any_word = True
    if not any_word:
        return None
    quarters: list[float | None] = []
    for p, n in zip(plus, minus, strict=True):
        quarters.append(max(-5.0, min(5.0, 5 * (p - n) / (p + n + 1))) if p + n else None)
    overall = sum(w * (q or 0.0) for w, q in zip(_QUARTER_WEIGHTS, quarters, strict=True))
    return Balance(overall, (quarters[0], quarters[1], quarters[2], quarters[3]))


def _weight(found: Found, degree: Sequence[Found]) -> float:
    """Return the weight of a word, over 0 for helpful; a negated one counts for the other side."""
    weight = 1.0 if found.row.weight is None else abs(found.row.weight)
    for word in degree:
        if 0 <= found.start - word.end <= _DEGREE_REACH:
            weight *= _DEGREES[word.row.kind]
    return weight if (found.row.kind == "positive") is not found.negated else -weight


_DEGREES: Final = {"booster": 1.5, "dampener": 0.5}
"""What a word of degree does to the word behind it; [D] L15 names boosters without a figure."""
_DEGREE_REACH: Final = to_samples(1.0)
"""Reach of a word of degree: about three words at 160 a minute."""


def caller_name(sentences: Iterable[Sentence]) -> str | None:
    """Return the first name that the caller gave ("my name is Ann"), in normal form, or None."""
    lists = language_lists()
    for sentence in sentences:
        if sentence.channel is not Channel.CALLER:
            continue
        tokens = sentence.text.split()
        for lead in sorted(lists["greeting.caller_name"], key=lambda p: (-len(p), p)):
            size = len(lead.split())
            for i in range(len(tokens) - size):
                if tokens[i : i + size] != lead.split():
                    continue
                name = tokens[i + size]
                sure = lead.startswith("my name")
                ends = i + size + 1 >= len(tokens) or tokens[i + size + 1] in (
                    "here",
                    "speaking",
                    "from",
                    "calling",
                    "and",
                    "in",
                )
                shown = _as_written(sentence, name)
                if (
                    name in lists["greeting.not_names"]
                    or name in lists["function.words"]
                    or not name.isalpha()
                ):
                    continue
                if sure or (ends and shown[:1].isupper() and i <= 3):
                    return name
    return None


def _as_written(sentence: Sentence, token: str) -> str:
    return next((w.text for w in sentence.words if w.text.lower().strip(" ,.;:?!\"'") == token), token)


def name_uses(sentences: Iterable[Sentence], name: str) -> int:
    """Return how often the agent said a name (one word, normal form)."""
    wanted = name.lower().split()[0] if name.strip() else ""
    return sum(
        token.removesuffix("'s") == wanted
        for sentence in sentences
        if sentence.channel is Channel.AGENT
        for token in sentence.text.split()
    )
