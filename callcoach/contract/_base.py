"""Building blocks of the file formats: strict numbers, intervals, plain JSON facts."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from callcoach.events import Channel

DECIMALS = 6
"""Digits kept behind the point in written numbers; the accuracy on which desktop and batch must agree."""

Ms = Annotated[int, Field(strict=True, ge=0)]
"""Whole milliseconds from the start of the recording; never a float, never a truth value."""

Count = Annotated[int, Field(strict=True, ge=0)]
"""A number of things, 0 or more."""


def _round(value: float) -> float:
    return round(value, DECIMALS)


Number = Annotated[float, Field(strict=True), AfterValidator(_round)]
"""A finite number, rounded to `DECIMALS` digits."""

Amount = Annotated[float, Field(strict=True, ge=0), AfterValidator(_round)]
"""A finite number, 0 or more."""

Share = Annotated[float, Field(strict=True, ge=0, le=1), AfterValidator(_round)]
"""A share or a probability in [0, 1]."""

Percent = Annotated[float, Field(strict=True, ge=0, le=100), AfterValidator(_round)]
"""Per cent in [0, 100]."""

Fact = int | float | str | bool | None
"""One plain value among the facts that explain an event."""

Role = Channel
"""``agent`` or ``caller``."""


def _ordered(interval: tuple[int, int]) -> tuple[int, int]:
    if interval[1] < interval[0]:
        raise ValueError("an interval needs begin <= end")
    return interval


Interval = Annotated[tuple[Ms, Ms], AfterValidator(_ordered)]
"""``[begin, end)`` in milliseconds."""


class ContractModel(BaseModel):
    """Base of every format: unknown keys, NaN and infinity are refused, values are frozen.

    Input never appears in the text of a validation error, since it may hold words of a call.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        json_schema_serialization_defaults_required=True,
    )


class TimedModel(ContractModel):
    """Something that lasts from ``begin`` to ``end`` (milliseconds, half-open).

    Raises
    ------
    ValueError
        If ``end`` lies before ``begin``.
    """

    begin: Ms
    end: Ms

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.end < self.begin:
            raise ValueError("an interval needs begin <= end")
        return self

    @property
    def length_ms(self) -> int:
        """Length in milliseconds."""
        return self.end - self.begin
