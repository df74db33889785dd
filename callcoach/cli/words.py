"""``callcoach words``: look at the word lists, and check a file of own rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from callcoach.cli.tables import print_table
from callcoach.errors import ConfigError
from callcoach.lexicon.loading import Changes, apply_own_file, load_lexicon
from callcoach.lexicon.rows import Lexicon, Row, WordList

app = typer.Typer(help="Look at the word lists, and check a file of own rows.", no_args_is_help=True)

_SHOWN_PATTERNS = 3

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Language = Annotated[str, typer.Option("--language", metavar="CODE", help="Language of the lists.")]
OwnFile = Annotated[Path, typer.Argument(metavar="FILE", help="A TOML file with own rows.")]


@app.command("list")
def list_words(
    list_name: Annotated[
        str | None, typer.Option("--list", metavar="NAME", help="Show the rows of this list.")
    ] = None,
    search: Annotated[
        str | None,
        typer.Option("--search", metavar="TEXT", help="Show the rows that hold this text anywhere."),
    ] = None,
    own: Annotated[
        Path | None, typer.Option("--words", metavar="FILE", help="Apply this file of own rows first.")
    ] = None,
    language: Language = "en",
    as_json: AsJson = False,
) -> None:
    """List the word lists; with --list or --search, their rows."""
    lexicon = load_lexicon(language, own)
    if list_name is not None and list_name not in lexicon.lists:
        raise ConfigError(f"There is no list '{list_name}'; there are {', '.join(lexicon.lists)}.")
    if list_name is None and search is None:
        _print_lists(lexicon, as_json)
        return
    wanted = (search or "").lower()
    rows = [
        row
        for each in _chosen(lexicon, list_name)
        for row in each.rows
        if wanted in "\n".join(_texts(row)).lower()
    ]
    if as_json:
        print(json.dumps([row_facts(row) for row in rows], indent=1, ensure_ascii=False))
        return
    if not rows:
        print("No row holds this text.")
        return
    print_table(
        ("Id", "List", "Kind", "Weight", "Looks for", "Say instead, or plain words", "In a prompt"),
        [_line(row) for row in rows],
    )


@app.command("check")
def check_words(file: OwnFile, language: Language = "en", as_json: AsJson = False) -> None:
    """Check a file of own rows, and count what it changes. Exit status 2 when it is wrong."""
    _, changes = apply_own_file(load_lexicon(language), file)
    counts = {
        "added": len(changes.added),
        "overridden": len(changes.overridden),
        "off": len(changes.off),
    }
    if as_json:
        print(json.dumps({"file": file.name, "right": True, **counts}, indent=1))
        return
    print(
        f"{file.name} is right: {_rows(counts['added'])} added, {_rows(counts['overridden'])} changed, "
        f"{_rows(counts['off'])} switched off."
    )


@app.command("diff")
def diff_words(file: OwnFile, language: Language = "en", as_json: AsJson = False) -> None:
    """Show the rows that a file of own rows adds, changes or switches off."""
    _, changes = apply_own_file(load_lexicon(language), file)
    if as_json:
        print(json.dumps(_difference(changes), indent=1, ensure_ascii=False))
        return
    lines = [
        *((Text("added", "green"), row.id, row.list, "", ", ".join(row.patterns)) for row in changes.added),
        *(
            (Text("changed", "yellow"), after.id, after.list, name, f"{_plain(old)} -> {_plain(new)}")
            for before, after in changes.overridden
            for name, old, new in _changed(before, after)
        ),
        *((Text("off", "red"), row.id, row.list, "", ", ".join(row.patterns)) for row in changes.off),
    ]
    if not lines:
        print(f"{file.name} changes nothing.")
        return
    print_table(("What", "Id", "List", "Field", "Value"), lines)


def row_facts(row: Row) -> dict[str, Any]:
    """Return the fields of a row as JSON values; those without a value are left out."""
    facts = {field.name: _value(getattr(row, field.name)) for field in fields(row)}
    return {
        name: value for name, value in facts.items() if value not in (None, [], False) or name == "patterns"
    }


def _value(value: object) -> Any:
    if isinstance(value, frozenset):
        return sorted(str(each) for each in value)
    return list(value) if isinstance(value, tuple) else value


def _plain(value: object) -> str:
    shown = _value(value)
    if shown is None:
        return "nothing"
    return ", ".join(shown) if isinstance(shown, list) else str(shown)


def _changed(before: Row, after: Row) -> Iterator[tuple[str, object, object]]:
    for field in fields(before):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if old != new and field.name != "own":
            yield field.name, old, new


def _difference(changes: Changes) -> dict[str, Any]:
    return {
        "added": [row_facts(row) for row in changes.added],
        "overridden": [
            {
                "id": after.id,
                "list": after.list,
                "fields": {
                    name: {"from": _value(old), "to": _value(new)}
                    for name, old, new in _changed(before, after)
                },
            }
            for before, after in changes.overridden
        ],
        "off": [row_facts(row) for row in changes.off],
    }


def _rows(count: int) -> str:
    return f"{count} row" if count == 1 else f"{count} rows"


def _chosen(lexicon: Lexicon, name: str | None) -> list[WordList]:
    return list(lexicon.lists.values()) if name is None else [lexicon.lists[name]]


def _texts(row: Row) -> list[str]:
    own = [row.id, row.kind, row.say or "", row.short or "", row.note or ""]
    return [*own, *row.patterns, *row.examples]


def _line(row: Row) -> tuple[str, ...]:
    more = len(row.patterns) - _SHOWN_PATTERNS
    looks_for = "; ".join(row.patterns[:_SHOWN_PATTERNS]) + (f"; {more} more" if more > 0 else "")
    weight = row.severity if row.severity is not None else row.weight
    return (
        f"{row.id} (own)" if row.own else row.id,
        row.list,
        row.kind,
        "" if weight is None else f"{weight:g}",
        looks_for,
        row.say or row.note or "",
        row.short or "",
    )


def _print_lists(lexicon: Lexicon, as_json: bool) -> None:
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "list": each.name,
                        "title": each.title,
                        "said_by": each.said_by,
                        "rows": len(each.rows),
                        "patterns": sum(len(row.patterns) for row in each.rows),
                        "source": each.source,
                        "kinds": dict(each.kinds),
                    }
                    for each in lexicon.lists.values()
                ],
                indent=1,
                ensure_ascii=False,
            )
        )
        return
    print_table(
        ("List", "What", "Said by", "Rows", "Source"),
        [
            (each.name, each.title, each.said_by, str(len(each.rows)), each.source)
            for each in lexicon.lists.values()
        ],
    )
