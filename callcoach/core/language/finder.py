"""Rows of the word lists found in what each party says, with the conditions around a match looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from callcoach.clock import to_samples
from callcoach.config_language import LanguageSettings
from callcoach.core.language.text import Chunk
from callcoach.core.phrases import joined
from callcoach.events import Channel, Word
from callcoach.lexicon import Lexicon, Match, Matcher, Need, Row

DISCOURAGED: Final = "discouraged"
ACKNOWLEDGEMENT: Final = "acknowledgement"
STRONG: Final = "strong"
RELIEF: Final = "relief"
JARGON: Final = "jargon"
CHECK_BACK: Final = "check_back"
DEESCALATION: Final = "deescalation"
NARRATION: Final = "narration"
RECAP: Final = "recap"
OWNERSHIP: Final = "ownership"
NEXT_STEP: Final = "next_step"
CLOSE: Final = "close"
OPEN_QUESTION: Final = "open_question"
ASKING_BACK: Final = "confusion"
HEDGES: Final = "hedges"
FILLERS: Final = "fillers"
ABSOLUTES: Final = "absolutes"
BALANCE: Final = "word_balance"
APOLOGY: Final = "apology"
ACTOR: Final = "actor"
CAUSE: Final = "cause"
COMMITMENT: Final = "commitment"
CONCRETE: Final = "concrete_words"
VAGUE: Final = "vague_words"
SAY_INSTEAD: Final = "say_instead"
FORMALITY: Final = "formality"
SMALL_TALK: Final = "small_talk"
THANKS: Final = "thanks"
PROCEDURE: Final = "procedure_question"

AGENT_LISTS: Final = (
    DISCOURAGED,
    ACKNOWLEDGEMENT,
    JARGON,
    CHECK_BACK,
    DEESCALATION,
    NARRATION,
    RECAP,
    OWNERSHIP,
    NEXT_STEP,
    CLOSE,
    OPEN_QUESTION,
    HEDGES,
    FILLERS,
    APOLOGY,
    THANKS,
    PROCEDURE,
    ACTOR,
    CAUSE,
    COMMITMENT,
    CONCRETE,
    VAGUE,
    SAY_INSTEAD,
)
CALLER_LISTS: Final = (
    STRONG,
    RELIEF,
    JARGON,
    ASKING_BACK,
    NARRATION,
    BALANCE,
    FORMALITY,
    SMALL_TALK,
)

_SAME_S: Final = 1.2
"""Matches of one row this close to each other are one ("hello? are you there?"); [D]."""
_SILENCE_S: Final = 3.0
_ACKNOWLEDGED_WORDS: Final = 12
_NEAR_S: Final = 60.0
_ONE_EACH: Final = frozenset(
    {STRONG, NARRATION, DISCOURAGED, ACKNOWLEDGEMENT, CHECK_BACK, RECAP, APOLOGY, THANKS}
)
"""Lists in which matches of one row next to each other are one event."""


@dataclass(frozen=True, slots=True)
class Found:
    """A row that was said; positions in samples."""

    channel: Channel
    list: str
    row: Row
    words: tuple[Word, ...]
    negated: bool
    low: bool
    """Whether its words were recognised with a low probability, taken together."""

    @property
    def start(self) -> int:
        """First sample."""
        return self.words[0].span.start

    @property
    def end(self) -> int:
        """Last sample."""
        return self.words[-1].span.end

    @property
    def phrase(self) -> str:
        """The words as recognised, without the marks around them."""
        return joined(list(self.words)).strip(" ,.;:?!\"'")


@dataclass(slots=True)
class _Told:
    """What one party has said so far, for the conditions of rows."""

    found: list[Found] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    phrases: set[str] = field(default_factory=set)


class Finder:
    """One call. Give it the chunks of both parties, in order of time as far as they are known.

    Parameters
    ----------
    lexicon : the word lists.
    settings : LanguageSettings
    """

    def __init__(self, lexicon: Lexicon, settings: LanguageSettings) -> None:
        self._set = settings
        self._matchers = {
            Channel.AGENT: _matcher(lexicon, AGENT_LISTS),
            Channel.CALLER: _matcher(lexicon, CALLER_LISTS),
        }
        self._told = {channel: _Told() for channel in Channel}
        self._last_end = dict.fromkeys(Channel, -1)
        self._checks: dict[Need, Callable[[Found, Chunk, Sequence[Found]], bool]] = {
            Need.REPEATED: self._is_repeated,
            Need.AFTER_SILENCE: self._after_silence,
            Need.AFTER_ACKNOWLEDGEMENT: self._after_acknowledgement,
            Need.ONLY_ACKNOWLEDGEMENT: self._only_acknowledgement,
            Need.UNLESS_OTHER_PARTY: self._unless_other_party,
            Need.AFTER_COMPLAINT: self._after_complaint,
            Need.AFTER_BAD_NEWS: self._after_bad_news,
            Need.WITH_STRONG_WORDS: self._with_strong_words,
            Need.WITHOUT_RECAP: self._without_recap,
        }

    def take(self, chunk: Chunk) -> list[Found]:
        """Return what is new in a chunk, in order of time.

        A chunk may be given again when it has grown; what overlaps a match of the same list that was returned
        before is left out, so that nothing is ever taken back.
        """
        matches = self._matchers[chunk.channel].find([w.text for w in chunk.words])
        candidates = [_found(chunk, m, self._set.least_word_probability) for m in matches]
        told = self._told[chunk.channel]
        fresh = [
            f
            for f in candidates
            if not any(
                o.list == f.list and o.start < f.end and f.start < o.end
                for o in _recent(told.found, chunk.start)
            )
        ]
        new: list[Found] = []
        for found in sorted(fresh, key=lambda f: (f.start, f.end, f.row.id)):
            told.counts[found.row.id] = told.counts.get(found.row.id, 0) + 1
            if not all(self._checks[need](found, chunk, candidates) for need in found.row.needs):
                continue
            if self._continues(found, [*_recent(told.found, chunk.start), *new]):
                continue
            new.append(found)
        told.found += new
        self._last_end[chunk.channel] = max(self._last_end[chunk.channel], chunk.end)
        if chunk.channel is Channel.CALLER:
            told.phrases.add(" " + " ".join(w.text.lower().strip(',.?!;:"') for w in chunk.words) + " ")
        return new

    def _continues(self, found: Found, before: Iterable[Found]) -> bool:
        """Tell whether a match only goes on with one of the same row."""
        if found.list not in _ONE_EACH:
            return False
        near = to_samples(_SAME_S)
        return any(
            0 <= found.start - o.end <= near
            and (o.row.id == found.row.id or found.list == o.list == NARRATION)
            for o in before
        )

    def _of(self, channel: Channel, name: str, since: int, until: int) -> list[Found]:
        return [f for f in self._told[channel].found if f.list == name and since <= f.start < until]

    def _is_repeated(self, found: Found, chunk: Chunk, beside: Sequence[Found]) -> bool:
        return self._told[found.channel].counts[found.row.id] >= found.row.times

    def _after_silence(self, found: Found, chunk: Chunk, beside: Sequence[Found]) -> bool:
        first = chunk.words[0] if found.words[0] in chunk.words[:2] else None
        if first is None:
            return False
        return found.start - max(self._last_end.values()) >= to_samples(_SILENCE_S)

    def _after_acknowledgement(self, found: Found, chunk: Chunk, beside: Sequence[Found]) -> bool:
        at = chunk.words.index(found.words[0])
        reach = chunk.words[max(0, at - _ACKNOWLEDGED_WORDS)].span.start
        return any(o.list == ACKNOWLEDGEMENT and reach <= o.end <= found.start for o in beside)

    def _only_acknowledgement(self, found: Found, chunk: Chunk, beside: Sequence[Found]) -> bool:
        return not any(
            o.list == ACKNOWLEDGEMENT and o.row.kind != "F" and o.row.id != found.row.id for o in beside
        )

    def _unless_other_party(self, found: Found, chunk: Chunk, beside: Sequence[Found]) -> bool:
        said = f" {found.phrase.lower()} "
        return not any(said in text for text in self._told[found.channel.other].phrases)

    def _after_complaint(self, found: Found, chunk: Chunk, beside: Sequence[Found]) -> bool:
        since = found.start - to_samples(_NEAR_S / 2)
        return bool(self._of(found.channel.other, STRONG, since, found.start))

    def _after_bad_news(self, found: Found, chunk: Chunk, beside: Sequence[Found]) -> bool:
        since = found.start - to_samples(_NEAR_S / 2)
        return bool(self._of(found.channel.other, DISCOURAGED, since, found.start))

    def _with_strong_words(self, found: Found, chunk: Chunk, beside: Sequence[Found]) -> bool:
        near = to_samples(_NEAR_S)
        others = [*self._of(found.channel, STRONG, found.start - near, found.start), *beside]
        return any(o.list == STRONG and o.row.id != found.row.id and not o.row.needs for o in others)

    def _without_recap(self, found: Found, chunk: Chunk, beside: Sequence[Found]) -> bool:
        since = found.start - to_samples(_NEAR_S)
        mine = self._told[found.channel].found
        return not any(
            o.list in (RECAP, NEXT_STEP, CLOSE)
            and o.row.id != found.row.id
            and since <= o.start < found.start
            for o in [*mine, *beside]
        )


_MATCHERS: dict[tuple[int, tuple[str, ...]], tuple[Lexicon, Matcher]] = {}
"""Matchers that were made: reading every pattern takes most of a second. The lexicon is kept with its own."""
_MOST_MATCHERS: Final = 8


def _matcher(lexicon: Lexicon, names: Iterable[str]) -> Matcher:
    listed = tuple(name for name in names if name in lexicon.lists)
    key = (id(lexicon), listed)
    made = _MATCHERS.get(key)
    if made is None or made[0] is not lexicon:
        if len(_MATCHERS) >= _MOST_MATCHERS:
            _MATCHERS.clear()
        made = _MATCHERS[key] = (lexicon, Matcher(lexicon, listed))
    return made[1]


def _found(chunk: Chunk, match: Match, least: float) -> Found:
    words = chunk.words[match.first : match.last + 1]
    # one half-heard word among several that fit is no doubt; a single one is
    low = sum(w.probability for w in words) < least * len(words)
    return Found(chunk.channel, match.row.list, match.row, words, match.negated, low)


def _recent(found: list[Found], since: int) -> list[Found]:
    """Return what was found near or in the chunk that began at ``since``; the list is in order of time."""
    near = since - to_samples(_SAME_S)
    at = len(found)
    while at and found[at - 1].end >= near:
        at -= 1
    return found[at:]
