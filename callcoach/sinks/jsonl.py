"""The event log of a call, one JSON object per line, written while the call is analysed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from callcoach.contract.event_line import HEADER_TYPE
from callcoach.events import Event
from callcoach.storage import FILE_MODE, atomic_file, sync_folder, write_failure

_FIRST_KEYS = ("type", "span", "known_at", "channel")


def event_text(record: Mapping[str, object]) -> str:
    """Return one line of the log without its end: ``type``, ``span``, ``known_at``, ``channel`` come first.

    Raises
    ------
    ValueError
        If the record holds NaN or infinity.
    """
    ordered = {key: record[key] for key in _FIRST_KEYS if key in record} | dict(record)
    return json.dumps(ordered, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class JsonlSink:
    """Writes events as lines; a `callcoach.ports.Sink`.

    An offline log grows beside its final name and takes that name on `close`, so that a broken
    run never leaves half a log. A live log (``in_place``) is written under its final name, and each
    line reaches the operating system before `handle` returns: a killed process loses none.

    Parameters
    ----------
    path : where the log ends up; its folder exists
    to_json : makes the plain JSON object of an event; its ``type`` names the class
    wall_s : for live calls, seconds since capture start on the monotonic clock, added to every line
    in_place : write under the final name from the start

    Raises
    ------
    StoreError
        If the file cannot be opened, written or renamed.
    """

    def __init__(
        self,
        path: Path,
        to_json: Callable[[Event], Mapping[str, object]],
        *,
        wall_s: Callable[[], float] | None = None,
        in_place: bool = False,
    ) -> None:
        self._path = path
        self._to_json = to_json
        self._wall_s = wall_s
        self._in_place = in_place
        self._target = path if in_place else path.with_name(f".{path.name}.part")
        self._has_header = False
        try:
            self._file = self._target.open("w", encoding="utf-8", newline="\n")
            self._target.chmod(FILE_MODE)
        except OSError as error:
            raise write_failure(path, error) from error

    def handle(self, event: Event) -> None:
        """Append one event.

        Raises
        ------
        StoreError
            If the disk refuses the line.
        ValueError
            If the first event is not the header, or a value is NaN or infinite.
        """
        record = dict(self._to_json(event))
        if not self._has_header and record.get("type") != HEADER_TYPE:
            raise ValueError(f"an event log begins with {HEADER_TYPE}, not {record.get('type')}")
        if self._wall_s is not None:
            record["wall_s"] = round(self._wall_s(), 4)
        line = event_text(record) + "\n"
        try:
            self._file.write(line)
            if self._in_place:
                self._file.flush()
        except OSError as error:
            raise write_failure(self._path, error) from error
        self._has_header = True

    def sync(self) -> None:
        """Bring what was written so far to disk.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise write_failure(self._path, error) from error

    def rewrite(self, change: Callable[[dict[str, Any]], Mapping[str, object] | None]) -> None:
        """Replace every line of a live log by what ``change`` makes of it; None drops the line.

        The earlier log stands until the new one is whole and on disk.

        Raises
        ------
        StoreError
            If the file cannot be read or written; the log goes on as it was.
        """
        try:
            self._file.flush()
            lines = self._target.read_text("utf-8").splitlines()
            kept = [record for line in lines if (record := change(json.loads(line))) is not None]
            with atomic_file(self._target) as file:
                file.write("".join(event_text(record) + "\n" for record in kept).encode())
            self._file.close()
            self._file = self._target.open("a", encoding="utf-8", newline="\n")
        except OSError as error:
            raise write_failure(self._path, error) from error

    def close(self) -> None:
        """Bring the log to disk under its final name; may be called more than once."""
        if self._file.closed:
            return
        try:
            with self._file:
                self._file.flush()
                os.fsync(self._file.fileno())
            if not self._in_place:
                self._target.replace(self._path)
            sync_folder(self._path.parent)
        except OSError as error:
            if not self._in_place:
                self._target.unlink(missing_ok=True)
            raise write_failure(self._path, error) from error

    def discard(self) -> None:
        """Give up an offline log: nothing is left of it. A live log is kept as far as it got."""
        if self._file.closed:
            return
        if self._in_place:
            self.close()
            return
        self._file.close()
        self._target.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()
