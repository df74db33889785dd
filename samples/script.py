"""Call texts: one TOML file per call, with marks for labels, anchors, pauses and cuts inside the text.

Marks: ``{kind:number|phrase}`` labels a phrase, ``<name>`` names the word that follows, ``(0.7)`` is a
pause in seconds, ``//`` is where a party that yields is cut off, ``~~`` is where it trails off by itself.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PARTIES = ("agent", "caller")
KINDS = {
    "ack": "acknowledgement",
    "disc": "discouraged",
    "strong": "strong_words",
    "jargon": "jargon",
    "check": "check_back",
    "recap": "recap",
    "deesc": "deescalation",
    "hold": "hold_notice",
}
ROLES = (
    "turn",
    "backchannel",
    "terminal",
    "simultaneous_start",
    "cooperative",
    "floor_taking",
    "butting_in",
    "pause_barge_in",
)
_TOKEN = re.compile(r"\{[a-z]+(?::[a-z0-9]+)?\||\}|<[a-z0-9_]+>|\(\d+\.?\d*\)|//|~~|[^\s{}<>()]+")
_END = re.compile(r"[.!?…][\"”']?$")


class ScriptError(ValueError):
    """A call text is written wrongly; the message names the call and the line."""


@dataclass(frozen=True, slots=True)
class Label:
    """A labelled phrase: words ``first`` to ``last`` (inclusive); ``number`` is weight or severity."""

    kind: str
    first: int
    last: int
    number: int
    explained: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One utterance of a call text.

    ``sentences`` holds the words to render, split where the voice is asked anew; ``pauses`` is the silence in
    seconds before each of them (negative: let the generator choose). ``spoken`` of the ``words`` are heard.
    """

    number: int
    channel: int
    role: str
    words: tuple[str, ...]
    sentences: tuple[tuple[str, ...], ...]
    pauses: tuple[float, ...]
    spoken: int
    trails: bool
    labels: tuple[Label, ...]
    anchors: tuple[tuple[str, int], ...]
    name: str
    after: str
    gap: float | None
    on: str
    offset: float
    story: bool
    supplied: bool
    speed: float
    gain_db: float
    pitch_st: float

    @property
    def cut(self) -> bool:
        """True when fewer words are heard than were planned."""
        return self.spoken < len(self.words)


@dataclass(frozen=True, slots=True)
class Voice:
    """A party's voice: model voice, own pace (factor), shift in semitones, level in dB against -30 dBFS."""

    name: str
    speed: float
    pitch_st: float
    level_db: float


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is added after the truth was taken; levels in dBFS RMS, steps in dB."""

    telephone: bool = False
    bleed_db: float | None = None
    pink_agent_dbfs: float | None = None
    pink_caller_dbfs: float | None = None
    hum_agent_dbfs: float | None = None


@dataclass(frozen=True, slots=True)
class CallScript:
    """A whole call text."""

    name: str
    title: str
    quality: str
    seed: int
    tail_s: float
    voices: tuple[Voice, Voice]
    conditions: Conditions
    lines: tuple[Line, ...]


def load_script(path: Path) -> CallScript:
    """Read a call text.

    Parameters
    ----------
    path
        A ``*.toml`` file; its stem is the name of the call.

    Raises
    ------
    ScriptError
        A field or a mark is unknown, or a mark is not closed.
    """
    with path.open("rb") as handle:
        data = tomllib.load(handle)
    try:
        lines = tuple(_line(number, item) for number, item in enumerate(data["line"]))
        voices = tuple(
            Voice(
                name=data[party]["voice"],
                speed=float(data[party]["speed"]),
                pitch_st=float(data[party].get("pitch_st", 0.0)),
                level_db=float(data[party].get("level_db", 0.0)),
            )
            for party in PARTIES
        )
        return CallScript(
            name=path.stem,
            title=data["title"],
            quality=data["quality"],
            seed=int(data["seed"]),
            tail_s=float(data.get("tail_s", 0.6)),
            voices=(voices[0], voices[1]),
            conditions=Conditions(**data.get("conditions", {})),
            lines=lines,
        )
    except (KeyError, TypeError, ScriptError) as error:
        raise ScriptError(f"{path.name}: {error}") from error


_FIELDS = frozenset(
    "who text role name after gap on offset story supplied speed gain_db pitch_st".split()  # noqa: SIM905
)


def _line(number: int, item: dict[str, object]) -> Line:
    unknown = set(item) - _FIELDS
    if unknown:
        raise ScriptError(f"line {number}: unknown fields {sorted(unknown)}")
    role = str(item.get("role", "turn"))
    if role not in ROLES:
        raise ScriptError(f"line {number}: unknown role {role}")
    who = str(item["who"])
    words: list[str] = []
    breaks: dict[int, float] = {}
    labels: list[Label] = []
    anchors: list[tuple[str, int]] = []
    opened: list[tuple[str, str, int]] = []
    spoken, trails = -1, False
    for token in _TOKEN.findall(str(item["text"])):
        if token.startswith("{"):
            kind, _, value = token[1:-1].partition(":")
            opened.append((kind, value, len(words)))
        elif token == "}":
            kind, value, first = opened.pop()
            labels.append(_label(number, kind, value, first, len(words) - 1))
        elif token.startswith("<"):
            anchors.append((token[1:-1], len(words)))
        elif token.startswith("("):
            breaks[len(words)] = float(token[1:-1])
        elif token in ("//", "~~"):
            spoken, trails = len(words), token == "~~"
        elif re.fullmatch(r"[^\w]+", token):  # a mark that stands alone after a closed label
            words[-1] += token
        else:
            words.append(token)
    if opened:
        raise ScriptError(f"line {number}: a label is not closed")
    spoken = len(words) if spoken < 0 else spoken
    sentences, pauses = _split(words, breaks, spoken if trails else len(words))
    gap = item.get("gap")
    return Line(
        number=number,
        channel=PARTIES.index(who),
        role=role,
        words=tuple(words),
        sentences=sentences,
        pauses=pauses,
        spoken=spoken,
        trails=trails,
        labels=tuple(sorted((x for x in labels if x.last < spoken), key=lambda x: x.first)),
        anchors=tuple(anchors),
        name=str(item.get("name", "")),
        after=str(item.get("after", "")),
        gap=None if gap is None else _number(gap),
        on=str(item.get("on", "")),
        offset=_number(item.get("offset", 0.0)),
        story=bool(item.get("story", False)),
        supplied=bool(item.get("supplied", False)),
        speed=_number(item.get("speed", 1.3 if role == "backchannel" else 1.0)),
        gain_db=_number(item.get("gain_db", 0.0)),
        pitch_st=_number(item.get("pitch_st", 0.0)),
    )


def _number(value: object) -> float:
    if not isinstance(value, (int, float)):
        raise ScriptError(f"{value!r} is not a number")
    return float(value)


def _label(number: int, kind: str, value: str, first: int, last: int) -> Label:
    if kind not in KINDS:
        raise ScriptError(f"line {number}: unknown label {kind}")
    amount = int(value) if value.isdigit() else 0
    if kind in ("disc", "strong") and amount not in (1, 2, 3):
        raise ScriptError(f"line {number}: {kind} needs 1, 2 or 3")
    return Label(KINDS[kind], first, last, amount, value == "x")


def _split(
    words: list[str], breaks: dict[int, float], stop: int
) -> tuple[tuple[tuple[str, ...], ...], tuple[float, ...]]:
    sentences: list[tuple[str, ...]] = []
    pauses: list[float] = []
    current: list[str] = []
    pause = 0.0
    for index, word in enumerate(words[:stop]):
        if index in breaks and current:
            sentences.append(tuple(current))
            pauses.append(pause)
            current, pause = [], breaks[index]
        current.append(word)
        if _END.search(word) and index + 1 < stop and index + 1 not in breaks:
            sentences.append(tuple(current))
            pauses.append(pause)
            current, pause = [], -1.0
    sentences.append(tuple(current))
    pauses.append(pause)
    return tuple(sentences), tuple(pauses)
