"""The JSON Schemas inside the package tell the same as the models."""

from __future__ import annotations

import jsonschema
import pytest

from callcoach.contract import schemas


@pytest.mark.parametrize("name", schemas.SCHEMA_NAMES)
def test_shipped_schema_equals_the_generated_one(name: schemas.SchemaName) -> None:
    """After a change of a model: python -m callcoach.contract.schemas."""
    assert schemas.load_schema(name) == schemas.make_schema(name)


@pytest.mark.parametrize("name", schemas.SCHEMA_NAMES)
def test_schema_is_a_valid_schema_with_an_identity(name: schemas.SchemaName) -> None:
    schema = schemas.load_schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:callcoach:{name.replace('-', ':')}"


def test_every_key_of_a_written_call_is_required() -> None:
    schema = schemas.load_schema("call-1")
    assert schema["required"] == list(schema["properties"])  # type: ignore[arg-type]
    assert schema["additionalProperties"] is False
