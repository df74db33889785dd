"""One line of ``events.jsonl``, as any reader may expect it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, ValidationError, model_validator

from callcoach.contract._base import Amount, ContractModel, Role
from callcoach.contract.call import first_problem
from callcoach.errors import StoreError

EVENT_SCHEMA: Final = "callcoach.event/1"
HEADER_TYPE: Final = "Call"
"""Type of the first line of every log."""

Position = Annotated[int, Field(strict=True, ge=0)]
"""Samples at 16 kHz since the start of the call."""


def _ordered(span: tuple[int, int]) -> tuple[int, int]:
    if span[1] < span[0]:
        raise ValueError("a span needs start <= end")
    return span


class EventLine(ContractModel):
    """What every event line has; further keys belong to the type of the event and are plain JSON.

    Raises
    ------
    ValueError
        If ``known_at`` lies before the end of ``span``.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)

    type: str = Field(pattern=r"^[A-Z][A-Za-z0-9]*$")
    span: Annotated[tuple[Position, Position], AfterValidator(_ordered)]
    known_at: Position
    channel: Role | None = None
    wall_s: Amount | None = None

    @model_validator(mode="after")
    def _check_known_at(self) -> Self:
        if self.known_at < self.span[1]:
            raise ValueError("known_at lies before the end of the span")
        return self

    @property
    def details(self) -> dict[str, JsonValue]:
        """The keys that belong to this type of event."""
        return dict(self.__pydantic_extra__)


def read_events(path: Path) -> Iterator[EventLine]:
    """Yield the lines of an event log one by one.

    Raises
    ------
    StoreError
        If the file cannot be read, a line is no event, or the first line is not `HEADER_TYPE`.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    event = EventLine.model_validate_json(line)
                except ValidationError as error:
                    raise StoreError(
                        f"{path.name}, line {number} is not an event ({first_problem(error)})."
                    ) from None
                if number == 1 and event.type != HEADER_TYPE:
                    raise StoreError(
                        f"{path.name} does not begin with a {HEADER_TYPE} line; it is not an event log."
                    )
                yield event
    except OSError as error:
        raise StoreError(f"Could not read {path.name}: {error.strerror}.") from None
