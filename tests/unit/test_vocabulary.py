"""No output, label, field or identifier names a feeling: delivery is measured (DLV-1, DLV-6).

Reviewed exceptions, such as statements of purpose, stand in ``tests/support/vocabulary_allowed.toml``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED = ROOT / "tests" / "support" / "vocabulary_allowed.toml"
PLACES = [
    "callcoach",
    "ui",
    "docs",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "models/README.md",
    "pyproject.toml",
    "requirements.lock",
]

# Patterns of words for feelings, moods and traits of a person, and for scores that stand in for them.
WORDS = r"""
    affective(?:ly)? afraid anger(?:ed|s)? angr(?:y|ier|iest|ily) annoy[a-z]* anxi[a-z]+ arous[a-z]+
    attitudes? bored(?:om)? calm[a-z]* cheerful[a-z]* confident(?:ly)? confus[a-z]+ contempt[a-z]*
    delight[a-z]* demeanou?r depress[a-z]+ despair[a-z]* disappoint[a-z]* disgust[a-z]* dissatisf[a-z]+
    distress[a-z]* embarrass[a-z]* emoti(?:on|ve)[a-z]* empath[a-z]+ engage(?:d|ment|ments) enjoy[a-z]*
    enthusias[a-z]+ excite[a-z]* fear(?:s|ful|ed)? feel[a-z]* felt friendl(?:y|ier|iness) frustrat[a-z]+
    fur(?:y|ious|iously) grief guilt[a-z]* happ(?:y|ier|iest|ily|iness) hat(?:e|ed|red) hostil[a-z]+ hurt
    impatien[a-z]+ irritat[a-z]+ joy[a-z]* moods? moody nervous[a-z]* personalit(?:y|ies) pleased
    polite[a-z]* proud[a-z]* psycholog[a-z]+ rage relaxed rude[a-z]* sad(?:der|ly|ness)? sarcas[a-z]+
    satisfaction sentiment[a-z]* shame[a-z]* sincer[a-z]+ insincer[a-z]+ stress(?:ed|es|ful|ing|or)?
    surprise[a-z]* sympath[a-z]+ tempers? tens(?:e|ion) tired(?:ness)? unhapp[a-z]+ upset[a-z]* valence
    warmth wellbeing worr(?:y|ies|ied|ying)
    (?:agent|caller|person|self|speaker|vocal|voice)(?:['\u2019]?s)?[\s_-]*confidence
    confidence[\s_-]+of[\s_-]+(?:the[\s_-]+|an?[\s_-]+)?(?:agent|caller|person|speaker)
    state[\s_-]+of[\s_-]+mind
"""
# Words of identifiers count too: moodScore, caller_mood, MOOD. "happens" and "saddle" do not.
_START = r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))"
_END = r"(?![a-z])(?!(?<=[A-Z])[A-Z])"
FEELING = re.compile(f"{_START}(?i:{'|'.join(WORDS.split())}){_END}")


@dataclass(frozen=True)
class Reviewed:
    """One reviewed use: ``word`` inside the text ``within`` of ``file``."""

    file: str
    word: str
    within: str
    reason: str

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Places of ``within``, however its lines are broken."""
        pattern = r"[\s#]+".join(re.escape(part) for part in self.within.split())
        return (match.span() for match in re.finditer(pattern, text))


def exceptions() -> list[Reviewed]:
    entries = tomllib.loads(ALLOWED.read_text("utf-8"))["allowed"]
    return [Reviewed(e["file"], e["word"], e["in"], e["reason"]) for e in entries]


def texts() -> Iterator[tuple[str, str]]:
    for place in PLACES:
        path = ROOT / place
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if not file.is_file() or "__pycache__" in file.parts:
                continue
            try:
                yield file.relative_to(ROOT).as_posix(), file.read_text("utf-8")
            except UnicodeDecodeError:
                continue


def uses(text: str) -> Iterator[tuple[int, str]]:
    """Position and form of every word for a feeling."""
    return ((match.start(), match.group()) for match in FEELING.finditer(text))


@pytest.mark.parametrize(
    "text",
    [
        "The caller is upset.",
        "caller_mood = 1",
        "moodScore",
        "MOOD_SCORE",
        "class AngerLevel:",
        '"sentiment"',
        "You sound angry",
        "an empathy score",
        "isHappy()",
        "Calm down.",
        "agent_confidence",
        "the confidence of the caller",
        "engagement score",
    ],
)
def test_words_for_feelings_are_found(text: str) -> None:
    assert list(uses(text))


@pytest.mark.parametrize(
    "text",
    [
        "what happens",
        "saddle",
        "SADDLE",
        "intense",
        'confidence: "low"',
        "confidential",
        "a window is settled",
        "temperature 0",
        "strong words",
        "louder than your usual",
    ],
)
def test_other_words_are_not_mistaken_for_them(text: str) -> None:
    assert not list(uses(text))


def test_the_search_reaches_code_interface_schemas_and_manual() -> None:
    names = {name for name, _ in texts()}
    assert {
        "README.md",
        "callcoach/events.py",
        "callcoach/sinks/console.py",
        "callcoach/_data/phrases.en.toml",
        "callcoach/_data/schema/call-1.schema.json",
        "docs/metrics.md",
        "ui/callcoach_ui/__init__.py",
    } <= names


def test_no_text_or_identifier_names_a_feeling_unless_reviewed() -> None:
    reviewed = exceptions()
    found = []
    for name, text in texts():
        spans = [
            (entry.word.lower(), *span)
            for entry in reviewed
            if entry.file == name
            for span in entry.spans(text)
        ]
        for at, word in uses(text):
            if not any(word.lower() == w and start <= at < end for w, start, end in spans):
                found.append(f"{name}:{text.count(chr(10), 0, at) + 1}: {word}")
    assert found == [], f"reword, or review and add to {ALLOWED.name}"


def test_every_reviewed_exception_is_still_used_and_says_why() -> None:
    by_name = dict(texts())
    for entry in exceptions():
        assert len(entry.reason.split()) >= 4, entry
        text = by_name.get(entry.file, "")
        at = [position for position, word in uses(text) if word.lower() == entry.word.lower()]
        assert any(start <= p < end for start, end in entry.spans(text) for p in at), f"not used: {entry}"
