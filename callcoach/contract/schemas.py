"""JSON Schemas of the file formats, generated from the models and shipped inside the package.

``python -m callcoach.contract.schemas`` writes them again after a model has changed.
"""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, JsonValue

from callcoach.contract.call import CALL_SCHEMA, CallDocument
from callcoach.contract.event_line import EVENT_SCHEMA, EventLine
from callcoach.contract.transcript import TRANSCRIPT_SCHEMA, TranscriptInput

SchemaName = Literal["call-1", "transcript-1", "event-1"]

_SOURCES: Final[dict[SchemaName, tuple[type[BaseModel], Literal["validation", "serialization"], str]]] = {
    # What is written names every key; what is read may leave out optional ones.
    "call-1": (CallDocument, "serialization", CALL_SCHEMA),
    "transcript-1": (TranscriptInput, "validation", TRANSCRIPT_SCHEMA),
    "event-1": (EventLine, "validation", EVENT_SCHEMA),
}
SCHEMA_NAMES: Final[tuple[SchemaName, ...]] = tuple(_SOURCES)


def make_schema(name: SchemaName) -> dict[str, JsonValue]:
    """Generate one JSON Schema (draft 2020-12) from its model."""
    model, mode, identifier = _SOURCES[name]
    body: dict[str, JsonValue] = model.model_json_schema(by_alias=True, mode=mode)
    head: dict[str, JsonValue] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:" + identifier.replace(".", ":").replace("/", ":"),
    }
    return {**head, **body, "title": identifier}


def schema_text(name: SchemaName) -> str:
    """Return a generated schema as the text of its file."""
    return json.dumps(make_schema(name), indent=1, ensure_ascii=False) + "\n"


def load_schema(name: SchemaName) -> dict[str, JsonValue]:
    """Return a schema as shipped inside the package."""
    resource = files("callcoach").joinpath("_data", "schema", f"{name}.schema.json")
    shipped: dict[str, JsonValue] = json.loads(resource.read_text(encoding="utf-8"))
    return shipped


def main() -> int:
    """Write every schema into the package; return 0."""
    folder = Path(__file__).parents[1] / "_data" / "schema"
    folder.mkdir(parents=True, exist_ok=True)
    for name in SCHEMA_NAMES:
        (folder / f"{name}.schema.json").write_text(schema_text(name), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
