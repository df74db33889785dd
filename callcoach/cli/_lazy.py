"""Commands that are imported when they are asked for: ``replay`` does not wait for what ``analyze`` needs."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup


@contextmanager
def no_collection() -> Iterator[None]:
    """Leave garbage alone for the second that this takes: looking for it costs a tenth of that.

    What was made meanwhile is never looked at again.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
            gc.enable()


class LazyCommands(TyperGroup):
    """A group of commands by name and place."""

    places: ClassVar[Mapping[str, str]]
    """``module:name`` of a function, or of a Typer with commands of its own, by the name of the command."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Loaded(self.places)


class _Loaded(MutableMapping[str, Any]):
    """Commands by name, made at the first look."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = dict(places)
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            module, _, attribute = self._places[name].partition(":")
            with no_collection():
                found = getattr(importlib.import_module(module), attribute)
            above = typer.Typer(add_completion=False)
            if isinstance(found, typer.Typer):
                above.add_typer(found, name=name)
                self._made[name] = typer.main.get_group(above).commands[name]
            else:
                above.command(name)(found)
                self._made[name] = typer.main.get_command(above)
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._places.setdefault(name, "")
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._places[name]
        self._made.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
