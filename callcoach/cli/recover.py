"""``callcoach recover``: calls whose process died get their folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from callcoach.cli.models import ModelsFolder, open_store
from callcoach.errors import StoreError
from callcoach.live.finishing import marker_facts
from callcoach.live.recovering import Recovered, give_up, interrupted_calls, recover_call
from callcoach.ports import Pending, SpeechWindow
from callcoach.runner import Recogniser


def recover(
    place: Annotated[
        Path, typer.Argument(metavar="DIR", help="A call folder, or the folder that holds the calls.")
    ],
    no_words: Annotated[
        bool, typer.Option("--no-words", help="Leave speech without words that had none when the call died.")
    ] = False,
    list_only: Annotated[bool, typer.Option("--list", help="Only list what can be recovered.")] = False,
    aside: Annotated[
        bool,
        typer.Option(
            "--set-aside", help="Leave a call that cannot be rebuilt as it is; it is not listed again."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a machine-readable summary.")] = False,
    models: ModelsFolder = None,
) -> None:
    """Rebuild call folders whose process died. It may be stopped and run again at any time.

    Exit status: 0 all recovered, 1 at least one could not be, 2 there is no such folder.
    """
    if not place.is_dir():
        raise typer.BadParameter(f"there is no folder {place}", param_hint="DIR")
    folders = interrupted_calls(place)
    console = Console(stderr=as_json)
    if not folders:
        if as_json:
            print(json.dumps({"calls": []}))
        elif not quiet:
            console.print("Nothing to recover: every call here is complete.", highlight=False)
        return
    if list_only or aside:
        for folder in folders:
            if aside:
                give_up(folder)
            print(folder)
        return
    done: list[Recovered] = []
    failed = 0
    recognisers: dict[tuple[str, str], Recogniser] = {}
    for folder in folders:
        try:
            words = None if no_words else _Words(folder, recognisers, models)
            done.append(recover_call(folder, submit=words))
        except StoreError as error:
            failed += 1
            print(f"callcoach: {error}", file=sys.stderr)
    for recogniser in recognisers.values():
        recogniser.close()
    if as_json:
        print(json.dumps({"calls": [_brief(r) for r in done], "failed": failed}, indent=1))
    elif not quiet:
        for one in done:
            seconds = one.document.call.duration_ms / 1000
            console.print(f"Recovered {one.folder}: {seconds:.1f} s.", highlight=False)
            for reason in one.document.verdict.reasons:
                console.print(f"  {reason}", highlight=False)
            if one.missing:
                console.print(f"  {one.missing} stretches of speech have no words.", highlight=False)
    if failed:
        raise typer.Exit(1)


def _brief(one: Recovered) -> dict[str, object]:
    return {
        "folder": str(one.folder),
        "duration_ms": one.document.call.duration_ms,
        "status": one.document.verdict.status,
        "reasons": list(one.document.verdict.reasons),
        "missing_words": one.missing,
    }


class _Words:
    """Loads the recogniser of a call when the first window needs it."""

    def __init__(self, folder: Path, loaded: dict[tuple[str, str], Recogniser], models: Path | None) -> None:
        self._facts = marker_facts(folder)
        self._loaded = loaded
        self._models = models

    def __call__(self, window: SpeechWindow) -> Pending:
        model = self._facts.get("model") or {"id": "base"}
        key = (str(model["id"]), str(self._facts.get("language") or "en"))
        if key not in self._loaded:
            self._loaded[key] = Recogniser(key[0], store=open_store(self._models), language=key[1])
        return self._loaded[key].submit(window)
