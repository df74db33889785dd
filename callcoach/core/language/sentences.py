"""What single sentences of the agent are: questions, instructions, promises, apologies, thanks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from callcoach.core.cues.said import CueLists, cue_lists
from callcoach.core.cues.said import Sentence as CueSentence
from callcoach.core.language.finder import CHECK_BACK, COMMITMENT, OPEN_QUESTION, Found
from callcoach.core.language.lists import LanguageLists, has_time, language_lists, places
from callcoach.core.language.text import Sentence
from callcoach.core.phrases import contains
from callcoach.events import Channel

QuestionKind = Literal["open", "closed", "check_back"]
PromiseKind = Literal["complete", "vague"]


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the agent (M18)."""

    sentence: Sentence
    kind: QuestionKind


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise of the agent (L14)."""

    sentence: Sentence
    kind: PromiseKind
    row: str | None = None
    """Row of the list ``commitment``, where one told."""


def questions(sentences: Iterable[Sentence], found: Sequence[Found]) -> list[Question]:
    """Return the agent's questions; a check-back is one whatever mark was recognised."""
    lists = cue_lists()
    asked: list[Question] = []
    mine = [f for f in found if f.channel is Channel.AGENT and f.list in (CHECK_BACK, OPEN_QUESTION)]
    for sentence in sentences:
        if sentence.channel is not Channel.AGENT:
            continue
        inside = [f for f in mine if sentence.start <= f.start < sentence.end]
        checks = any(f.list == CHECK_BACK for f in inside)
        is_open = any(f.list == OPEN_QUESTION for f in inside) or _is_open(sentence, lists)
        if checks:
            asked.append(Question(sentence, "check_back"))
        elif is_open:
            asked.append(Question(sentence, "open"))
        elif sentence.asks:
            asked.append(Question(sentence, "closed"))
    return asked


def _is_open(sentence: Sentence, lists: CueLists) -> bool:
    return CueSentence(
        sentence.start, sentence.end, sentence.text, sentence.asks, sentence.ended or sentence.asks
    ).is_open_question(lists)


def promises_of(sentences: Iterable[Sentence], found: Iterable[Found]) -> list[Promise]:
    """Return the agent's promises (L14), one per sentence: by the rows of the list, else by its parts."""
    rows = [f for f in found if f.list == COMMITMENT and f.row.kind in ("complete", "vague")]
    promises: list[Promise] = []
    for sentence in sentences:
        inside = [f for f in rows if sentence.start <= f.start < sentence.end]
        complete = next((f for f in inside if f.row.kind == "complete"), None)
        first = complete if complete is not None else inside[0] if inside else None
        kind = promise_in(sentence)
        if first is not None and not sentence.asks:
            promises.append(Promise(sentence, "complete" if complete is not None else "vague", first.row.id))
        elif kind is not None:
            promises.append(Promise(sentence, kind))
    return promises


def promise_in(sentence: Sentence, lists: LanguageLists | None = None) -> PromiseKind | None:
    """Tell what a sentence promises (L14): owner, action and time; something vague; or nothing."""
    lists = language_lists() if lists is None else lists
    text = sentence.text
    if sentence.asks:
        return None
    nobody = contains(text, lists["promises.nobody"])
    owned = contains(text, lists["promises.owners"])
    if not nobody and not owned:
        return None
    later = _after_owner(text, lists)
    if later is None:
        return None
    timed = has_time(text, lists)
    if owned and later and timed:
        return "complete"
    if nobody:
        # "you'll get the message from us by four" has an owner too
        return "complete" if timed and not contains(text, lists["promises.nameless"]) else "vague"
    if later and contains(text, lists["promises.vague_times"]):
        return "vague"
    return "vague" if contains(text, lists["promises.contact"]) else None


def _after_owner(text: str, lists: LanguageLists) -> bool | None:
    """Tell whether an action of later follows the one who promises; None where nothing follows."""
    tokens = text.split()
    spots = [*places(tokens, lists["promises.owners"]), *places(tokens, lists["promises.nobody"])]
    if not spots:
        return None
    rest = " ".join(tokens[min(last for _, last in spots) + 1 :])
    if contains(text, lists["promises.nobody"]):
        return True
    return bool(rest) and contains(rest, lists["promises.later"])
