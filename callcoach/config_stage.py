"""What every group of settings is made of."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from callcoach.clock import to_samples


def setting(
    default: float | int | bool,
    unit: str,
    text: str,
    source: str,
    *,
    ge: float | None = None,
    le: float | None = None,
) -> Any:
    """Return one setting with its unit, its range and the source of its default."""
    return Field(default, ge=ge, le=le, description=text, json_schema_extra={"unit": unit, "source": source})


class Stage(BaseModel):
    """Settings of one stage of the analysis."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def in_samples(self) -> dict[str, int]:
        """Return every time of this stage (names that end in ``_s``) in samples."""
        names = (name for name in type(self).model_fields if name.endswith("_s"))
        return {name: int(to_samples(getattr(self, name))) for name in names}
