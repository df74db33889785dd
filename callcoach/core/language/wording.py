"""How things are worded: who acts (L12), what is named (L13), word balance (L15), names said (L17)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from callcoach.core.language.finder import BALANCE, Found
from callcoach.core.language.lists import LanguageLists, count, language_lists
from callcoach.core.language.text import Sentence
from callcoach.events import Channel

_QUARTER_WEIGHTS = (0.1, 0.2, 0.3, 0.4)
"""Weight of each quarter of the call in the overall balance; the end weighs most (L15)."""
_LONGEST_PHRASE = 5
"""Words of a noun phrase that are looked through for its content."""


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


def actors(sentences: Iterable[Sentence]) -> tuple[int, int]:
    """Return how often the agent named "I", and how often "we", "they" or a team, as the one who acts."""
    lists = language_lists()
    mine = others = 0
    for sentence in sentences:
        mine += count(sentence.text, lists["actors.first_person"])
        others += count(sentence.text, lists["actors.others"])
    return mine, others


def named_and_vague(sentences: Iterable[Sentence]) -> tuple[int, int]:
    """Return how many things were named and how many words named nothing (L13).

    A thing is named by a content word behind a determiner ("the blue button"); "it", "that" alone, "stuff"
    and the like are vague. Set phrases at the start of a sentence ("that's right") say nothing either way.
    """
    lists = language_lists()
    named = vague = 0
    for sentence in sentences:
        tokens = sentence.text.split()
        for i, token in enumerate(tokens):
            if token in lists["vague.words"]:
                vague += 1
            elif token in lists["vague.determiners"] and _names(
                tokens[i + 1 : i + 1 + _LONGEST_PHRASE], lists
            ):
                named += 1
            elif token in lists["vague.pointers"]:
                vague += 1
    return named, vague


def _names(after: Sequence[str], lists: LanguageLists) -> bool:
    """Tell whether a content word stands before the next word of another kind."""
    for token in after:
        if token in lists["vague.words"]:
            return False
        if token not in lists["function.words"]:
            return True
        if token not in lists["vague.determiners"] and token not in lists["vague.within"]:
            return False
    return False


def balance(found: Iterable[Found], length: int, extra: Iterable[tuple[int, float]] = ()) -> Balance | None:
    """Return the word balance of the caller (L15), or None without a word of the lists.

    Parameters
    ----------
    found : matches of the list ``word_balance``; a negated one counts for the other side.
    length : int
        Samples of the call, which is cut into four quarters of time.
    extra : further positions with their weight, over 0 for helpful.
    """
    plus, minus = [0.0] * 4, [0.0] * 4
    any_word = False
    scored = [
        (f.start, _weight(f))
        for f in found
        if f.channel is Channel.CALLER and f.list == BALANCE and _weight(f)
    ]
    for at, weight in [*scored, *extra]:
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


def _weight(found: Found) -> float:
    weight = 1.0 if found.row.weight is None else abs(found.row.weight)
    if found.row.kind not in ("positive", "negative"):
        return 0.0
    sign = 1.0 if (found.row.kind == "positive") is not found.negated else -1.0
    return sign * weight


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
