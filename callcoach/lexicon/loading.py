"""Loads the word lists and a user's own file through one schema.

Own files are data only, at most 1 MiB, and unknown keys are refused with the row named (IMP-12).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from callcoach.errors import ConfigError
from callcoach.lexicon.patterns import Grammar, PatternError, make_grammar, read_pattern
from callcoach.lexicon.rows import Lexicon, Need, Negation, Place, Row, WordList
from callcoach.lexicon.tokens import Speller

LARGEST_FILE = 1024 * 1024
"""Bytes of one file (IMP-12)."""
MOST_SHORT_WORDS = 4
"""Words of the short form, which stands in a live prompt of at most five (C13, C15)."""
FORMAT = 1
"""Version of the file format."""

_Text = Annotated[str, Field(min_length=1, max_length=800)]
_Id = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,31}$")]
_Patterns = Annotated[tuple[_Text, ...], Field(max_length=800)]


M = TypeVar("M", bound=BaseModel)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Fields(_Model):
    """What a row may hold; all of it optional in a row that changes another."""

    kind: _Text | None = None
    patterns: _Patterns | None = None
    severity: Annotated[int, Field(ge=1, le=3, strict=True)] | None = None
    weight: Annotated[float, Field(gt=0, le=5)] | None = None
    say: _Text | None = None
    short: _Text | None = None
    note: _Text | None = None
    exceptions: _Patterns | None = Field(None, alias="except")
    places: frozenset[Place] | None = Field(None, alias="at")
    needs: frozenset[Need] | None = None
    times: Annotated[int, Field(ge=2, le=20, strict=True)] | None = None
    negation: Negation | None = None
    escalation: Annotated[bool, Field(strict=True)] | None = None
    examples: _Patterns | None = None
    counter_examples: _Patterns | None = None

    def given(self) -> dict[str, Any]:
        """Return the fields of :class:`Row` that stand in the file."""
        return {name: getattr(self, name) for name in _Fields.model_fields if name in self.model_fields_set}


class _ShippedRow(_Fields):
    id: _Id


class _OwnRow(_Fields):
    id: _Id
    list: _Text | None = None


class _ShippedFile(_Model):
    """One list as it ships."""

    version: Literal[1]
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
    list: _Text
    title: _Text
    said_by: Literal["agent", "caller", "either", "nobody"]
    source: _Text
    negation: Negation = Negation.KEEP
    reported: bool = False
    kinds: Mapping[str, str]
    row: tuple[_ShippedRow, ...]


class _OwnFile(_Model):
    """A user's own file."""

    version: Literal[1]
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")] = "en"
    off: tuple[_Id, ...] = ()
    row: tuple[_OwnRow, ...] = ()


class _GrammarFile(_Model):
    """Slots, spellings and the words of grammar of one language."""

    version: Literal[1]
    language: str
    negators: tuple[str, ...]
    reporters: tuple[str, ...]
    fillers: tuple[str, ...]
    lead_ins: tuple[str, ...]
    subjects: tuple[str, ...]
    opinions: tuple[str, ...]
    contractions: Mapping[str, str]
    endings: Mapping[str, str]
    is_after: tuple[str, ...]
    slots: Mapping[str, tuple[str, ...]]
    spellings: Mapping[str, str]
    inflections: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Changes:
    """What a user's own file does to the shipped lists; ids in the order of the file."""

    added: tuple[Row, ...] = ()
    overridden: tuple[tuple[Row, Row], ...] = ()
    """Each as it ships and as it is then."""
    off: tuple[Row, ...] = ()


def load_lexicon(language: str = "en", extra: Path | None = None) -> Lexicon:
    """Load the lists of a language, changed by a user's own file.

    Raises
    ------
    ConfigError
        If no list of the language ships, or the own file is too large, damaged or wrong; the message
        names the row.
    """
    lexicon = _shipped(language)
    return lexicon if extra is None else apply_own_file(lexicon, extra)[0]


def apply_own_file(lexicon: Lexicon, path: Path) -> tuple[Lexicon, Changes]:
    """Return the lists with a user's own file applied, and what it changes.

    Raises
    ------
    ConfigError
        If the file is too large, damaged or wrong; the message names the row.
    """
    raw = _read_own(path)
    try:
        own = _OwnFile.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"{path.name}: {_why(error, raw)}.") from None
    if own.language != lexicon.language:
        raise ConfigError(
            f"{path.name} is written for the language '{own.language}', not for '{lexicon.language}'; "
            "set 'language' to that of the call."
        )
    shipped = {row.id: row for each in lexicon.lists.values() for row in each.rows}
    rows = dict(shipped)
    added: list[Row] = []
    overridden: list[tuple[Row, Row]] = []
    seen: set[str] = set()
    for entry in own.row:
        if entry.id in seen:
            raise ConfigError(f"{path.name}: row {entry.id} stands there twice; keep one.")
        seen.add(entry.id)
        rows[entry.id] = row = _own_row(entry, shipped.get(entry.id), lexicon, path.name)
        _check_row(row, lexicon, path.name)
        before = shipped.get(entry.id)
        if before is None:
            added.append(row)
        else:
            overridden.append((before, row))
    off = []
    for row_id in dict.fromkeys(own.off):
        if row_id not in shipped:
            raise ConfigError(
                f"{path.name}: 'off' names the row {row_id}, which does not exist; "
                "see the ids with 'callcoach words list'."
            )
        if row_id in seen:
            raise ConfigError(f"{path.name}: row {row_id} is changed and switched off; keep one of both.")
        off.append(rows.pop(row_id))
    lists = {
        name: replace(each, rows=tuple(row for row in rows.values() if row.list == name))
        for name, each in lexicon.lists.items()
    }
    return replace(lexicon, lists=lists), Changes(tuple(added), tuple(overridden), tuple(off))


def _own_row(entry: _OwnRow, before: Row | None, lexicon: Lexicon, file: str) -> Row:
    given = entry.given()
    if before is not None:
        if entry.list not in (None, before.list):
            raise ConfigError(
                f"{file}: row {entry.id} belongs to the list '{before.list}'; "
                "take another id for a row of another list."
            )
        if None in given.values():
            raise ConfigError(f"{file}: row {entry.id} has an empty field; leave it out.")
        return replace(before, **given, own=True)
    if entry.list is None or entry.list not in lexicon.lists:
        known = ", ".join(lexicon.lists)
        raise ConfigError(
            f"{file}: row {entry.id} needs 'list', one of {known}."
            if entry.list is None
            else f"{file}: row {entry.id} names the list '{entry.list}'; there are {known}."
        )
    if not given.get("patterns"):
        raise ConfigError(f"{file}: row {entry.id} needs 'patterns', the words to look for.")
    given.setdefault("kind", "own")
    return Row(id=entry.id, list=entry.list, **given, language=lexicon.language, own=True)


def _read_own(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError(
            f"The word file {path.name} cannot be read "
            f"({error.strerror or type(error).__name__}); check its path."
        ) from None
    if len(data) > LARGEST_FILE:
        raise ConfigError(f"The word file {path.name} is larger than 1 MiB; split off what is not needed.")
    return _parse(data, path.name)


def _parse(data: bytes, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise ConfigError(f"The word file {file} is not UTF-8 text; save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"The word file {file} is not valid TOML: {error}.") from None
    except RecursionError:
        raise ConfigError(
            f"The word file {file} is nested too deep; see docs/lexicons.md for its format."
        ) from None


def _why(error: ValidationError, raw: Mapping[str, Any]) -> str:
    """Return the first fault as half a sentence that names the row and the field."""
    fault = error.errors(include_url=False, include_context=False)[0]
    place = list(fault["loc"])
    where = ""
    if len(place) > 1 and place[0] == "row" and isinstance(place[1], int):
        number = place[1]
        rows = raw.get("row")
        row = rows[number] if isinstance(rows, list) and number < len(rows) else None
        name = row.get("id") if isinstance(row, dict) else None
        where = f"row {name}: " if isinstance(name, str) and len(name) <= 32 else f"row number {number + 1}: "
        place = place[2:]
    key = str(place[0]) if place else "the file"
    match fault["type"]:
        case "extra_forbidden":
            return f"{where}the key '{key}' is not known; see docs/lexicons.md for the keys"
        case "missing":
            return f"{where}the key '{key}' is missing"
        case _:
            return f"{where}'{key}' is not right: {fault['msg'][:1].lower()}{fault['msg'][1:]}"


def _check_row(row: Row, lexicon: Lexicon, file: str) -> None:
    """Refuse patterns that cannot be read and short forms that are too long."""
    grammar = lexicon.grammar
    for text in (*row.patterns, *row.exceptions):
        try:
            read_pattern(text, grammar)
        except PatternError as error:
            raise ConfigError(
                f"{file}: row {row.id}: the pattern '{text[:80]}' cannot be used: {error}."
            ) from None
    if row.short is not None and len(row.short.split()) > MOST_SHORT_WORDS:
        raise ConfigError(
            f"{file}: row {row.id}: 'short' has more than {MOST_SHORT_WORDS} words; "
            "it must fit a live prompt."
        )


@cache
def _shipped(language: str) -> Lexicon:
    folder = resources.files("callcoach").joinpath("_data").joinpath("lexicon").joinpath(language)
    if not language.replace("-", "").isalpha() or not folder.is_dir():
        raise ConfigError(f"There are no word lists for the language '{language}'; 'en' ships.")
    files = {
        entry.name: _parse(entry.read_bytes(), entry.name)
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }
    grammar = _validated(_GrammarFile, files.pop("grammar.toml"), "grammar.toml")
    lists = [_list(_validated(_ShippedFile, raw, name), name) for name, raw in files.items()]
    lexicon = Lexicon(
        language=language,
        version=FORMAT,
        lists={each.name: each for each in lists},
        grammar=_grammar(grammar),
        negators=frozenset(grammar.negators),
        reporters=frozenset(grammar.reporters),
        fillers=frozenset(grammar.fillers),
        lead_ins=frozenset(grammar.lead_ins),
        subjects=frozenset(grammar.subjects),
        opinions=frozenset(grammar.opinions),
    )
    _refuse_twins(row.id for each in lists for row in each.rows)
    return lexicon


def _grammar(file: _GrammarFile) -> Grammar:
    speller = Speller(file.spellings, file.contractions, file.endings, frozenset(file.is_after))
    try:
        return make_grammar(file.slots, speller, file.inflections)
    except PatternError as error:
        raise ConfigError(f"grammar.toml: a slot cannot be used: {error}.") from None


def check_shipped(language: str = "en") -> None:
    """Read every pattern of the shipped lists (tests; reading a call reads them anyway).

    Raises
    ------
    ConfigError
        If a pattern or a short form is wrong.
    """
    lexicon = _shipped(language)
    for each in lexicon.lists.values():
        for row in each.rows:
            _check_row(row, lexicon, f"list {each.name}")


def _refuse_twins(ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for row_id in ids:
        if row_id in seen:
            raise ConfigError(f"The word lists hold the row {row_id} twice.")
        seen.add(row_id)


def _validated(model: type[M], raw: dict[str, Any], file: str) -> M:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"{file}: {_why(error, raw)}.") from None


def _list(file: _ShippedFile, name: str) -> WordList:
    rows = []
    for entry in file.row:
        given = entry.given()
        if given.get("kind") not in file.kinds or "patterns" not in given:
            raise ConfigError(f"{name}: row {entry.id} needs 'patterns' and one of the kinds of its list.")
        rows.append(Row(id=entry.id, list=file.list, **given, language=file.language))
    return WordList(
        name=file.list,
        title=file.title,
        said_by=file.said_by,
        source=file.source,
        rows=tuple(rows),
        negation=file.negation,
        reported=file.reported,
        kinds=dict(file.kinds),
    )
