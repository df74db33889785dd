"""``callcoach replay``: a stored call once more, with other thresholds."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from callcoach import __version__
from callcoach.cli._lazy import no_collection
from callcoach.clock import to_ms
from callcoach.config import Settings
from callcoach.events import Event
from callcoach.sinks._style import Style, clock, length, plural
from callcoach.sources.stored_call import StoredCall, read_call
from callcoach.what_if import (
    Cue,
    Difference,
    Pair,
    WhatIf,
    changes_between,
    cues_of,
    file_values,
    own_settings,
    parse_setting,
    stored_log,
    what_if,
    with_values,
)


def replay(
    folder: Annotated[
        Path, typer.Argument(metavar="CALL_FOLDER", help="Folder that callcoach analyze has written.")
    ],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="STAGE.KEY=VALUE", help="Another threshold; may be repeated."),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option("--settings", metavar="FILE", help="Other thresholds from a settings file (TOML)."),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing; the exit status tells.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a machine-readable comparison.")] = False,
) -> None:
    """Ask what other thresholds would have shown in a stored call.

    Runs the states of delivery, the cue rules and the budget again over the stored events and curves, without
    sound and without recognising words, and prints which cues are gained, lost, shown or held back. Without
    other thresholds it lists the cues and checks that the stored log comes out the same. The folder is not
    changed. Exit status: 0 done, 2 wrong usage, 3 the folder cannot be replayed.
    """
    with no_collection():
        call = read_call(folder)
        own = own_settings(call)
        wanted = own
        if settings is not None:
            wanted = with_values(own, file_values(settings), f"Settings file {settings.name}")
        if changes:
            wanted = with_values(wanted, _grouped(changes), "--set")
        found = what_if(call, wanted)
        if as_json:
            print(json.dumps(_as_json(folder, call, found), indent=1, ensure_ascii=False))
        elif not quiet:
            _show(call, found, asked=settings is not None or bool(changes))


def _grouped(changes: Sequence[str]) -> dict[str, dict[str, Any]]:
    values: dict[str, dict[str, Any]] = {}
    for text in changes:
        stage, key, value = parse_setting(text)
        values.setdefault(stage, {})[key] = value
    return values


# -- for people --------------------------------------------------------------------------------------------


def _show(call: StoredCall, found: WhatIf, *, asked: bool) -> None:
    from callcoach.cli.tables import print_table

    style = Style.for_terminal(
        color=False, ascii_only=not (sys.stdout.encoding or "").lower().startswith("utf")
    )
    changed = changes_between(found.own, found.settings)
    words = "with words" if call.header.words else "no words"
    print(style.join(style.clean(call.header.source), length(call.duration_ms), words))
    for name, before, after in changed:
        print(f"{name}: {_value(before)} {style.glyphs.to} {_value(after)} {_unit(found.own, name)}".rstrip())
    if changed:
        rows = list(_differences(found.difference, style))
        if rows:
            print_table(("", "Time", "Cue", "Says", "Before", "Now"), rows)
            print()
        else:
            print("No difference: every cue opens, closes and is shown as before.")
        print(_counts(found, style))
    else:
        if asked:
            print("The call was analysed with these very settings; there is nothing to compare.")
        cues = sorted(cues_of(stored_log(call)), key=lambda c: c.opened)
        if cues:
            print_table(
                ("Time", "Cue", "Says", ""),
                [(_time(c.opened), c.id, _says(c, style), _fate(c, style)) for c in cues],
            )
            print()
        print(style.join(plural(len(cues), "cue"), *_forms(cues)))
    print(_verdict(call, found))


def _differences(difference: Difference, style: Style) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Yield the rows of the table, one cue each, in groups."""
    nothing = style.glyphs.minus
    for cue in difference.gained:
        yield "gained", _time(cue.opened), cue.id, _says(cue, style), nothing, _fate(cue, style)
    for cue in difference.lost:
        yield "lost", _time(cue.opened), cue.id, _says(cue, style), _fate(cue, style), nothing
    groups: tuple[tuple[str, tuple[Pair, ...]], ...] = (
        ("now shown", difference.now_shown),
        ("now suppressed", difference.now_suppressed),
        ("changed", difference.changed),
    )
    for name, pairs in groups:
        for old, new in pairs:
            before, after = _fate(old, style), _fate(new, style)
            if before == after:
                before, after = _times(old), _times(new)
            if before == after:
                after = f"{after}, other figures"
            yield name, _time(new.opened), new.id, _says(new, style), before, after


def _time(samples: int) -> str:
    return clock(to_ms(samples))


def _says(cue: Cue, style: Style) -> str:
    return style.clean(cue.text)


def _fate(cue: Cue, style: Style) -> str:
    """Say what became of a cue: shown as what and when, and what held back the rest."""
    parts = []
    if cue.form is not None and cue.shown_at is not None:
        parts.append(f"{cue.form} at {clock(to_ms(cue.shown_at), tenths=True)}")
    if cue.held_by is not None:
        what = "text held back" if cue.form is not None else "held back"
        parts.append(f"{what} ({cue.held_by}: {style.clean(cue.held_because or '')})")
    return "; ".join(parts) or "nothing shown"


def _times(cue: Cue) -> str:
    closed = "the end" if cue.closed is None else clock(to_ms(cue.closed), tenths=True)
    return f"known at {clock(to_ms(cue.known_at), tenths=True)}, over at {closed}"


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)


def _unit(settings: Settings, name: str) -> str:
    stage, _, key = name.partition(".")
    extra = type(getattr(settings, stage)).model_fields[key].json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def _forms(cues: Sequence[Cue]) -> tuple[str, ...]:
    forms = Counter(c.form for c in cues)
    return (
        f"{plural(forms['text'], 'text')} shown",
        f"{plural(forms['ring'], 'ring')} alone",
        f"{forms[None]} not shown" if forms[None] else "",
    )


def _counts(found: WhatIf, style: Style) -> str:
    d = found.difference
    before, after = cues_of(found.before), cues_of(found.after)
    texts = [sum(c.form == "text" for c in cues) for cues in (before, after)]
    to = style.glyphs.to
    return style.join(
        f"Cues {len(before)} {to} {len(after)}",
        f"texts shown {texts[0]} {to} {texts[1]}",
        f"gained {len(d.gained)}",
        f"lost {len(d.lost)}",
        f"now shown {len(d.now_shown)}",
        f"now suppressed {len(d.now_suppressed)}",
        f"changed {len(d.changed)}",
        f"unchanged {len(d.unchanged)}",
    )


def _verdict(call: StoredCall, found: WhatIf) -> str:
    """Say whether the stored log is that of this version, if that is known."""
    if found.reproduced is None:
        return "Compared with the stored log."
    if found.reproduced:
        return "The stored log is reproduced exactly."
    told = Counter(map(repr, found.before if found.settings != found.own else found.after))
    kept = Counter(map(repr, stored_log(call)))
    number = sum(((told - kept) | (kept - told)).values())
    made = "" if call.header.version == __version__ else f" It was made by version {call.header.version}."
    both = " Both sides above are told by this version." if found.settings != found.own else ""
    return (
        "This version tells another log than the stored one "
        f"({plural(number, 'event differs', 'events differ')}).{made}{both} "
        "Analyse the recording again to renew it."
    )


# -- for programs ------------------------------------------------------------------------------------------


def _as_json(folder: Path, call: StoredCall, found: WhatIf) -> dict[str, object]:
    d = found.difference
    return {
        "folder": str(folder),
        "call": call.header.id,
        "version": __version__,
        "settings": [
            {"key": name, "before": before, "after": after}
            for name, before, after in changes_between(found.own, found.settings)
        ],
        "reproduced": found.reproduced,
        "before": _totals(found.before),
        "after": _totals(found.after),
        "gained": [_cue(c) for c in d.gained],
        "lost": [_cue(c) for c in d.lost],
        "now_shown": [{"before": _cue(a), "after": _cue(b)} for a, b in d.now_shown],
        "now_suppressed": [{"before": _cue(a), "after": _cue(b)} for a, b in d.now_suppressed],
        "changed": [{"before": _cue(a), "after": _cue(b)} for a, b in d.changed],
        "unchanged": [_cue(c) for c in d.unchanged],
    }


def _totals(log: Sequence[Event]) -> dict[str, int]:
    cues = cues_of(log)
    forms = Counter(c.form for c in cues)
    return {"cues": len(cues), "texts": forms["text"], "rings": forms["ring"], "not_shown": forms[None]}


def _cue(cue: Cue) -> dict[str, object]:
    """Return a cue with the names and units of ``call.json``; times in milliseconds."""
    return {
        "id": cue.id,
        "key": cue.key,
        "opened": to_ms(cue.opened),
        "closed": None if cue.closed is None else to_ms(cue.closed),
        "known_at": to_ms(cue.known_at),
        "shown": cue.form is not None,
        "form": cue.form,
        "shown_at": None if cue.shown_at is None else to_ms(cue.shown_at),
        "suppressed_by": cue.held_by,
        "held_back": cue.held_because,
        "text": cue.text,
        "facts": cue.facts,
    }
