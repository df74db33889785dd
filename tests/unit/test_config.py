"""Settings from a file: refused with a sentence, or taken with a digest of their own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from callcoach.config import MAX_SETTINGS_BYTES, Settings, load_settings, setting_names
from callcoach.errors import ConfigError


def load(tmp_path: Path, text: str | bytes) -> Settings:
    path = tmp_path / "my.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_settings(path)


def problem(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(ConfigError) as found:
        load(tmp_path, text)
    assert found.value.exit_status == 2
    message = str(found.value)
    assert "my.toml" in message
    assert str(tmp_path) not in message
    assert message.endswith(".")
    return message


def test_without_a_file_the_defaults_hold() -> None:
    assert load_settings(None) == Settings()


def test_a_file_changes_what_it_names(tmp_path: Path) -> None:
    settings = load(tmp_path, "[silence]\ndead_air_s = 8\n")
    assert settings.silence.dead_air_s == 8
    assert settings.silence.non_talk_s == Settings().silence.non_talk_s


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("[silence]\ndead_ar_s = 8", "silence.dead_air_s"),
        ("[activity]\nopen_probabilty = 0.4", "activity.open_probability"),
        ("[silense]\ndead_air_s = 8", "silence"),
    ],
)
def test_an_unknown_key_gets_a_suggestion(tmp_path: Path, text: str, suggestion: str) -> None:
    assert f"did you mean {suggestion}?" in problem(tmp_path, text)


def test_a_key_like_nothing_gets_none(tmp_path: Path) -> None:
    message = problem(tmp_path, "zzzzqqqq = 1")
    assert "unknown key zzzzqqqq" in message
    assert "did you mean" not in message


@pytest.mark.parametrize("value", ["0.01", "0.99", '"a half"', "[]"])
def test_a_value_out_of_range_is_refused(tmp_path: Path, value: str) -> None:
    assert "activity.open_probability" in problem(tmp_path, f"[activity]\nopen_probability = {value}")


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_no_setting_is_nan_or_infinite(tmp_path: Path, value: str) -> None:
    problem(tmp_path, f"[activity]\nopen_probability = {value}")


@pytest.mark.parametrize("text", ["[silence", "silence = [", b"\xff\xfe\x00"])
def test_what_is_not_toml_is_refused(tmp_path: Path, text: str | bytes) -> None:
    assert "not valid TOML" in problem(tmp_path, text)


def test_a_large_file_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    assert "larger than 1 MiB" in problem(tmp_path, b"#" * (MAX_SETTINGS_BYTES + 1))
    assert load(tmp_path, b"#" * MAX_SETTINGS_BYTES) == Settings()


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"my\.toml cannot be read"):
        load_settings(tmp_path / "my.toml")


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().silence.dead_air_s = 3


def test_the_digest_is_16_hex_digits_and_stable() -> None:
    digest = Settings().digest()
    assert re.fullmatch(r"[0-9a-f]{16}", digest)
    assert digest == Settings().digest()


Value = float | int | bool | tuple[str, ...]


def leaves() -> list[tuple[str, str, Value]]:
    found = []
    for stage in Settings.model_fields:
        model: BaseModel = getattr(Settings(), stage)
        found += [(stage, name, getattr(model, name)) for name in type(model).model_fields]
    return found


def another(value: Value) -> Value:
    """Return a value beside this one, of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple):
        return value[1:]
    return value + 1 if isinstance(value, int) else value * 1.001 + 1e-6


@pytest.mark.parametrize(("stage", "name", "value"), leaves())
def test_every_setting_changes_the_digest(stage: str, name: str, value: Value) -> None:
    other = another(value)
    changed = Settings.model_construct(**{stage: getattr(Settings(), stage).model_copy(update={name: other})})
    whole = Settings().model_copy(update={stage: getattr(changed, stage)})
    assert whole.digest() != Settings().digest()


@pytest.mark.parametrize(("stage", "name", "value"), leaves())
def test_every_setting_says_what_it_is_and_where_it_comes_from(stage: str, name: str, value: object) -> None:
    model = getattr(Settings(), stage)
    field = type(model).model_fields[name]
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    assert field.description
    assert re.match(r"\[(D|P|R|R\*)\b", str(extra["source"]))
    assert extra["unit"] or not name.endswith(("_s", "_db", "_hz", "_dbfs", "_words"))
    type(model).model_validate({name: value})  # the default lies in its own range
    assert f"{stage}.{name}" in setting_names()
