"""The cue catalogue: what every cue measures, compares with and says. No entry, no cue (DLV-5)."""

from __future__ import annotations

import math
import re
import string
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass as plain_dataclass
from functools import cache
from importlib import resources
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

MOST_WORDS: Final = 5
"""Longest action text, in words (section 5); more cannot be read at a glance beside a talk."""

_CONFIG: Final = ConfigDict(extra="forbid")
_SPACE_BEFORE_UNIT: Final = re.compile(r"(?<=\d) (?=(?:dB|st|s|wpm|min)\b)")
_MINUS: Final = re.compile(r"-(?=\d)")


class _Formatter(string.Formatter):
    """Format of templates: that of Python, and ``clock`` for seconds as m:ss."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "clock":
            seconds = round(float(value))
            return f"{seconds // 60}:{seconds % 60:02d}"
        return str(super().format_field(value, format_spec))

    def fields(self, template: str) -> dict[str, bool]:
        """Name of every placeholder, and whether it is a number (it has a format)."""
        return {name: bool(spec) for _, name, spec, _ in self.parse(template) if name is not None}


_FORMATTER: Final = _Formatter()


def fits(text: str) -> bool:
    """Tell whether an action text has at most `MOST_WORDS` words."""
    return 0 < len(text.split()) <= MOST_WORDS


def _as_template(text: str) -> str:
    try:
        _FORMATTER.format(
            text, **{n: 1.0 if number else "x" for n, number in _FORMATTER.fields(text).items()}
        )
    except (ValueError, LookupError) as error:
        raise ValueError(f"not a template: {error}") from None
    return text


def _as_action(text: str) -> str:
    if not fits(text):
        raise ValueError(f"an action text has 1 to {MOST_WORDS} words")
    return _as_template(text)


Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
SettingKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
Sentence = Annotated[str, Field(min_length=1)]
Template = Annotated[str, AfterValidator(_as_template)]


@plain_dataclass(frozen=True, slots=True)
class Said:
    """What one cue of one call says: action, figures beside it, and the whole sentence."""

    text: str
    fact: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class Wording:
    """What a cue says, as templates: ``{name:.1f}`` is a number, ``{name:clock}`` m:ss, ``{name}`` a text."""

    case: Annotated[str, Field(pattern=r"^[a-z_]*$")] = ""
    """Which of several wordings; empty where there is one for every case."""
    text: Annotated[str, AfterValidator(_as_action)]
    """What to do, in at most five words."""
    fact: Template
    """Figures only, beside the text; may be empty."""
    line: Annotated[Template, Field(min_length=1)]
    """Quantity, comparison, action in full (DLV-4)."""

    @property
    def figures(self) -> frozenset[str]:
        """Names of the facts that a cue must carry to be worded."""
        return frozenset(n for t in (self.text, self.fact, self.line) for n in _FORMATTER.fields(t))

    def filled(self, facts: Mapping[str, object]) -> Said:
        """Put the figures in place, with minus signs and thin spaces before units.

        Parameters
        ----------
        facts : the facts of a cue by name; more than needed is allowed.

        Raises
        ------
        ValueError
            If a fact is missing or not a number where one is needed, or the text grows beyond five words
            (a replacement phrase is too long: then the cue has no text).
        """
        if missing := sorted(self.figures - facts.keys()):
            raise ValueError(f"no figure for {', '.join(missing)}")
        text, fact, line = (_typeset(t, facts) for t in (self.text, self.fact, self.line))
        if not fits(text):
            raise ValueError(f"an action text has at most {MOST_WORDS} words")
        return Said(text, fact, line)


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class CatalogueEntry:
    """One cue: what it is, when it opens and closes, what it says, who reviewed it.

    Thresholds and times are settings and stand here by key; their values, units, ranges and sources are those
    of ``callcoach.config``.
    """

    id: Annotated[str, Field(pattern=r"^C\d\d$")]
    key: Key
    icon: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    classes: Annotated[tuple[Literal["A", "B", "C"], ...], Field(min_length=1)]
    """``A`` ring, may open at once; ``B`` text, subject to the budget; ``C`` passive gauge."""
    soft: bool = False
    """Praise: a text with a limit of its own."""
    needs: Literal["sound", "words", "language"]
    """What it cannot do without: sound alone, recognised words, or the measures of language."""
    unit: Sentence
    formula: Sentence
    threshold: Annotated[tuple[SettingKey, ...], Field(min_length=1)]
    hold: SettingKey | Literal["none"]
    """Setting that says how long the condition must last before it opens."""
    closes: Sentence
    closing: tuple[SettingKey, ...]
    source: Annotated[str, Field(pattern=r"\[(D|P|R|R\*)\]")]
    priority: Annotated[int, Field(ge=1, le=10)]
    """1 is the most urgent."""
    cooldown_s: Annotated[float, Field(gt=0)]
    """Seconds until it may be shown again; infinite = once per call."""
    exempt: frozenset[Literal["moment", "quiet", "ramp"]] = frozenset()
    """Rules of the budget that do not hold it back; ``moment``: waiting for a pause, and going stale."""
    on_by_default: bool = False
    in_ramp: bool = False
    """Shown to a new agent after the first calls."""
    reviewer: Sentence
    wording: Annotated[tuple[Wording, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        cases = [w.case for w in self.wording]
        if len(set(cases)) != len(cases):
            raise ValueError(f"{self.id}: a case is worded twice")
        return self

    @property
    def text(self) -> str:
        """Action text of the first case."""
        return self.wording[0].text

    @property
    def once_per_call(self) -> bool:
        """Whether it is shown at most once in a call."""
        return math.isinf(self.cooldown_s)

    @property
    def has_text(self) -> bool:
        """Whether it may show a text (class B), which the budget limits."""
        return "B" in self.classes

    @property
    def setting_keys(self) -> frozenset[str]:
        """All settings it refers to, as ``stage.name``."""
        return frozenset({*self.threshold, *self.closing, *({self.hold} - {"none"})})

    def worded(self, facts: Mapping[str, object], case: str = "") -> Said:
        """Return what the cue says in a case, with its figures in place.

        Raises
        ------
        ValueError
            If there is no such case, or as `Wording.filled` does.
        """
        return self._of_case(case).filled(facts)

    def said(self, facts: Mapping[str, object]) -> Said:
        """Word a cue of the log from its facts; ``case`` among them says which wording.

        What lacks a figure, because it was not measurable, is empty.

        Raises
        ------
        ValueError
            If there is no such case.
        """
        wording = self._of_case(str(facts.get("case", "")))
        return Said(*(_filled_or_empty(t, facts) for t in (wording.text, wording.fact, wording.line)))

    def _of_case(self, case: str) -> Wording:
        wording = next((w for w in self.wording if w.case == case), None)
        if wording is None:
            raise ValueError(f"{self.id} has no wording for {case!r}")
        return wording


@cache
def catalogue(language: str = "en") -> Mapping[str, CatalogueEntry]:
    """Load the catalogue of a language: entries by id, in the order of the file.

    Raises
    ------
    FileNotFoundError
        If no catalogue of this language ships.
    ValueError
        If the file is not a catalogue.
    """
    path = resources.files("callcoach").joinpath(f"_data/cues.{language}.toml")
    return parse_catalogue(path.read_text(encoding="utf-8"))


def parse_catalogue(text: str) -> Mapping[str, CatalogueEntry]:
    """Read a catalogue from TOML; entries by id, in the order of the file.

    Raises
    ------
    ValueError
        If it is not TOML, an entry lacks a field or has one too many, or an id or key is used twice.
    """
    try:
        raw = tomllib.loads(text)
        entries = TypeAdapter(tuple[CatalogueEntry, ...]).validate_python(raw["cue"])
    except KeyError:
        raise ValueError("the catalogue holds no [[cue]]") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"catalogue entry {where}: {first['msg']}") from None
    for name in ("id", "key"):
        values = [getattr(entry, name) for entry in entries]
        if twice := sorted({v for v in values if values.count(v) > 1}):
            raise ValueError(f"{name} used twice: {', '.join(twice)}")
    return {entry.id: entry for entry in entries}


def unknown_settings(entries: Iterable[CatalogueEntry], names: Collection[str]) -> tuple[str, ...]:
    """Return the settings (``stage.name``) that entries refer to and ``names`` does not hold, in order."""
    return tuple(sorted({key for entry in entries for key in entry.setting_keys} - set(names)))


def _typeset(template: str, facts: Mapping[str, object]) -> str:
    # signs are set in the figures alone: a text that was said is quoted as it is
    figures = {
        name: _Figure(facts[name]) if number else facts[name]
        for name, number in _FORMATTER.fields(template).items()
    }
    return _SPACE_BEFORE_UNIT.sub("\u2009", _FORMATTER.vformat(template, (), figures))


def _filled_or_empty(template: str, facts: Mapping[str, object]) -> str:
    if any(facts.get(name) is None for name in _FORMATTER.fields(template)):
        return ""
    return _typeset(template, facts)


class _Figure:
    """A number that formats with a minus sign instead of a hyphen, and never as minus zero."""

    def __init__(self, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError("a figure is a finite number")
        self._value = value

    def __float__(self) -> float:
        return float(self._value)

    def __format__(self, spec: str) -> str:
        shown = format(self._value, spec)
        if not any(digit in shown for digit in "123456789"):
            shown = shown.replace("-", "")
        return _MINUS.sub("\u2212", shown)
