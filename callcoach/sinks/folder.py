"""The call folder: ``call.json``, the delivery curves and the exports that were asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from callcoach.contract import CallDocument
from callcoach.errors import ConfigError
from callcoach.events import Channel
from callcoach.sinks.contact_lens import contact_lens_text
from callcoach.sinks.csv_tables import csv_tables
from callcoach.sinks.jsonl import event_text
from callcoach.sinks.srt import srt_text
from callcoach.storage import atomic_file, make_private_folder

_EXPORTS: Final[Mapping[str, Callable[[CallDocument], Mapping[str, str]]]] = {
    "csv": csv_tables,
    "srt": lambda document: {"transcript.srt": srt_text(document)},
    "contact-lens": lambda document: {"contact-lens.json": contact_lens_text(document)},
}

FORMATS: Final = ("json", "html", *_EXPORTS)
"""Values of ``--format``. ``json`` is the record itself and always written."""


@dataclass(frozen=True, slots=True)
class ProsodyTrack:
    """Delivery of one channel on a regular hop; all arrays have shape (n,).

    ``t_s``, start of the hop in seconds, is stored as float64; ``level_dbfs`` and ``f0_hz`` (NaN =
    unvoiced) as float32; ``speech`` is the fast mask.

    Raises
    ------
    ValueError
        If the arrays are not one-dimensional or differ in length.
    """

    t_s: NDArray[np.floating[Any]]
    level_dbfs: NDArray[np.floating[Any]]
    f0_hz: NDArray[np.floating[Any]]
    speech: NDArray[np.bool_]
    more: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """Further columns of shape (n,) by name: what a replay needs besides."""

    def __post_init__(self) -> None:
        shapes = {self.t_s.shape, self.level_dbfs.shape, self.f0_hz.shape, self.speech.shape}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            raise ValueError(f"a prosody track needs four arrays of one length, got shapes {sorted(shapes)}")


def check_formats(formats: Iterable[str]) -> frozenset[str]:
    """Return the formats as a set.

    Raises
    ------
    ConfigError
        If one is unknown.
    """
    wanted = frozenset(formats)
    unknown = sorted(wanted.difference(FORMATS))
    if unknown:
        raise ConfigError(f"Unknown --format {', '.join(unknown)}; choose from {', '.join(FORMATS)}.")
    return wanted


def write_call_folder(
    folder: Path,
    document: CallDocument,
    *,
    events: Iterable[Mapping[str, object] | str] | None = None,
    prosody: Mapping[Channel | None, ProsodyTrack] | None = None,
    formats: Collection[str] = ("json",),
) -> tuple[Path, ...]:
    """Write one call; every file appears whole or not at all, ``call.json`` last.

    Parameters
    ----------
    folder : created when missing, 0700; its files get 0600
    document : the content of ``call.json``
    events : lines of ``events.jsonl`` (objects, or text without line end), header first; None when a
        `callcoach.sinks.jsonl.JsonlSink` writes them
    prosody : tracks by channel; the one track of a mono recording stands under None and gets the
        prefix ``mono_``. None or empty: no ``prosody.npz``
    formats : values of `FORMATS`. ``html`` is the business of the report sink. Exports that an
        earlier run left in the folder are renewed too, so that all files tell of one analysis.

    Returns
    -------
    The files written, in order.

    Raises
    ------
    ConfigError
        If a format is unknown.
    StoreError
        If a file cannot be written; earlier files are whole, the failed one is as it was before.
    """
    wanted = check_formats(formats)
    make_private_folder(folder)
    written = []
    if events is not None:
        written.append(folder / "events.jsonl")
        with atomic_file(written[-1]) as file:
            for event in events:
                line = event if isinstance(event, str) else event_text(event)
                file.write(line.encode() + b"\n")
    if prosody:
        written.append(write_prosody(folder, prosody))
    for name, export in _EXPORTS.items():
        texts = export(document)
        if name in wanted or any((folder / file_name).exists() for file_name in texts):
            for file_name, text in texts.items():
                written.append(folder / file_name)
                with atomic_file(written[-1]) as file:
                    file.write(text.encode())
    written.append(folder / "call.json")
    with atomic_file(written[-1]) as file:
        file.write(document.to_json().encode())
    return tuple(written)


def write_prosody(folder: Path, prosody: Mapping[Channel | None, ProsodyTrack]) -> Path:
    """Write ``prosody.npz`` and return its path.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    path = folder / "prosody.npz"
    with atomic_file(path) as file:
        np.savez_compressed(file, allow_pickle=False, **_prosody_arrays(prosody))
    return path


def _prosody_arrays(
    prosody: Mapping[Channel | None, ProsodyTrack],
) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for channel, track in prosody.items():
        prefix = "mono" if channel is None else channel.value
        arrays[f"{prefix}_t_s"] = track.t_s.astype(np.float64)
        arrays[f"{prefix}_level_dbfs"] = track.level_dbfs.astype(np.float32)
        arrays[f"{prefix}_f0_hz"] = track.f0_hz.astype(np.float32)
        arrays[f"{prefix}_speech"] = track.speech.astype(np.bool_)
        for name, column in track.more.items():
            arrays[f"{prefix}_{name}"] = column
    return arrays
