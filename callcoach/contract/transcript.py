"""Words that come from outside: the input format ``callcoach.transcript/1``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from callcoach.clock import Samples, Span, from_ms
from callcoach.contract._base import ContractModel, Ms, Role, Share, TimedModel
from callcoach.contract.call import first_problem
from callcoach.errors import AudioFormatError
from callcoach.events import Word

TRANSCRIPT_SCHEMA: Final = "callcoach.transcript/1"

MAX_BYTES: Final = 64 * 1024 * 1024
"""Largest transcript that is read; a day of speech with word times stays below a third of it."""

_MARK = re.compile(r"\[[^\[\]]*\]|<[^<>]*>")
_CUT = re.compile(r"~+(?=[^\w~]*$)")


class InputWord(ContractModel):
    """A word with times from the transcript's maker; the probability may be absent."""

    w: str
    b: Ms
    e: Ms
    p: Share | None = None

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.e < self.b:
            raise ValueError("a word needs b <= e")
        return self


class InputSegment(TimedModel):
    """What one side said from ``begin`` to ``end`` (ms); segments may overlap and come in any order."""

    role: Role
    text: str
    words: tuple[InputWord, ...] | None = None


class TranscriptInput(ContractModel):
    """A whole transcript without audio."""

    schema_id: Literal["callcoach.transcript/1"] = Field(
        validation_alias="schema", serialization_alias="schema"
    )
    language: str = Field(min_length=1)
    segments: tuple[InputSegment, ...]

    @property
    def duration_ms(self) -> int:
        """End of the last segment in milliseconds, 0 without segments."""
        return max((segment.end for segment in self.segments), default=0)

    def words(self, role: Role) -> tuple[TranscriptWord, ...]:
        """Return all words of one side in order of time."""
        found = [
            word
            for segment in sorted(self.segments, key=lambda s: (s.begin, s.end))
            if segment.role is role
            for word in segment_words(segment)
        ]
        return tuple(sorted(found, key=lambda word: (word.span.start, word.span.end)))


@dataclass(frozen=True, slots=True)
class TranscriptWord:
    """One word of a transcript.

    ``probability`` is None when the transcript gives none, ``is_cut`` tells that the speaker broke
    off inside it (the mark itself is not part of ``text``), ``is_timed`` that its times were given
    and not spread.
    """

    text: str
    span: Span
    probability: float | None
    is_cut: bool
    is_timed: bool

    def as_word(self) -> Word:
        """Return the word as the analysis knows it; a missing probability counts as 1."""
        return Word(self.text, self.span, 1.0 if self.probability is None else self.probability)


def _clean(token: str) -> tuple[str, bool] | None:
    """Return a token without its cut mark and whether it had one; None when nothing of a word is left."""
    text, cuts = _CUT.subn("", token)
    return (text, cuts > 0) if any(character.isalnum() for character in text) else None


def split_words(text: str) -> tuple[tuple[str, bool], ...]:
    """Split transcript text into words, each with the fact whether it was cut short.

    Marks in square or angle brackets, and tokens without a letter or digit, are no words.
    """
    return tuple(word for token in _MARK.sub(" ", text).split() if (word := _clean(token)) is not None)


def segment_words(segment: InputSegment) -> tuple[TranscriptWord, ...]:
    """Turn one segment into words on the call's clock.

    Given word times are kept; without them the words are spread evenly over the segment, meeting
    end to start and filling it exactly.
    """
    if segment.words is not None:
        timed = []
        for word in segment.words:
            for text, is_cut in split_words(word.w):
                span = Span(from_ms(word.b), from_ms(word.e))
                timed.append(TranscriptWord(text, span, word.p, is_cut, is_timed=True))
        return tuple(timed)
    texts = split_words(segment.text)
    begin, length = from_ms(segment.begin), from_ms(segment.end) - from_ms(segment.begin)
    edges = [Samples(begin + length * i // len(texts)) for i in range(len(texts) + 1)] if texts else []
    return tuple(
        TranscriptWord(text, Span(edges[i], edges[i + 1]), None, is_cut, is_timed=False)
        for i, (text, is_cut) in enumerate(texts)
    )


def load_transcript(path: Path) -> TranscriptInput:
    """Read a transcript file (UTF-8 JSON, a byte order mark is allowed).

    Raises
    ------
    AudioFormatError
        If the file cannot be read, is larger than `MAX_BYTES`, or is not a transcript; the message
        never quotes its words.
    """
    advice = "see docs/call-json.md for the format"
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise AudioFormatError(f"Could not read the transcript {path.name}: {error.strerror}.") from None
    if len(content) > MAX_BYTES:
        raise AudioFormatError(
            f"The transcript {path.name} is larger than {MAX_BYTES // 2**20} MiB; split it."
        )
    try:
        return TranscriptInput.model_validate_json(
            content.removeprefix(b"\xef\xbb\xbf"), by_alias=True, by_name=False
        )
    except ValidationError as error:
        problem = first_problem(error)
        raise AudioFormatError(
            f"{path.name} is not a {TRANSCRIPT_SCHEMA} file ({problem}); {advice}."
        ) from None
