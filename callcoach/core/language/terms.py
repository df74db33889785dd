"""Terms of table 10.6 (L07), the caller's own vocabulary (L08), and whether a term was explained."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from callcoach.core.language.finder import JARGON, Found
from callcoach.core.language.lists import LanguageLists, content_words, language_lists
from callcoach.core.language.text import Sentence
from callcoach.core.phrases import contains, normal, starts_with
from callcoach.events import Channel

_GLOSS_SHARE = 0.5
"""Share of the content words of a plain gloss that make it said; [D]."""


@dataclass(frozen=True, slots=True)
class Term:
    """One use of a term by the agent."""

    found: Found
    explained: bool
    """A plain gloss stands in the same or the next sentence."""
    by_caller: bool
    """The caller has used the term before."""

    @property
    def unexplained(self) -> bool:
        """Whether it counts (L07)."""
        return not self.explained and not self.by_caller


class Vocabulary:
    """Terms that the caller has used, by row, with the position of their first use (L08)."""

    def __init__(self) -> None:
        self.first: dict[str, int] = {}

    def take(self, found: Iterable[Found]) -> None:
        """Note what the caller has said."""
        for each in found:
            if each.channel is Channel.CALLER and each.list == JARGON:
                known = self.first.get(each.row.id)
                if known is None or each.start < known:
                    self.first[each.row.id] = each.start

    def knows(self, found: Found) -> bool:
        """Tell whether the caller used the term before ``found`` was said."""
        first = self.first.get(found.row.id)
        return first is not None and first < found.start


def terms_of(found: Iterable[Found], sentences: Sequence[Sentence], vocabulary: Vocabulary) -> list[Term]:
    """Judge every use of a term by the agent.

    Parameters
    ----------
    sentences : the agent's, in order of time.
    """
    starts = [s.start for s in sentences]
    judged: list[Term] = []
    for each in found:
        if each.channel is not Channel.AGENT or each.list != JARGON:
            continue
        at = bisect_right(starts, each.start) - 1
        near = sentences[max(0, at) : at + 2]
        judged.append(Term(each, explains(each, near), vocabulary.knows(each)))
    return judged


def explains(term: Found, near: Sequence[Sentence]) -> bool:
    """Tell whether the sentence of a term, or the next one, says it in plain words.

    A gloss is the plain words of the list, or begins to explain ("that's the ...", "which means ...").
    """
    lists = language_lists()
    if not near:
        return False
    said = normal(term.phrase).split()
    plain = _plain_words(term, lists)
    for i, sentence in enumerate(near):
        tokens = sentence.text.split()
        rest = [t for t in tokens if t not in said]
        there = {*content_words(" ".join(rest), lists)}
        if any(words and len(words & there) >= max(1, round(_GLOSS_SHARE * len(words))) for words in plain):
            return True
        text = sentence.text
        if i == 0:
            # only what follows the term can gloss it
            text = text.partition(" ".join(said))[2] if " ".join(said) in text else ""
        if _glosses(text, at_start=i > 0):
            return True
    return False


def _glosses(text: str, *, at_start: bool) -> bool:
    lists = language_lists()
    if at_start:
        return starts_with(text, lists["gloss.leads"] - lists["gloss.inner"])
    return contains(text, lists["gloss.leads"])


def _plain_words(term: Found, lists: LanguageLists) -> list[set[str]]:
    """Content words of each wording of the plain words, without those of the term itself."""
    own = {*content_words(normal(term.phrase), lists)}
    found: list[set[str]] = []
    for wording in (term.row.say or "").replace("(", "/").replace(")", "/").split("/"):
        words = {*content_words(normal(wording), lists)} - own
        if words:
            found.append(words)
    return found
