"""``callcoach devices`` as a person or a script meets it."""

from __future__ import annotations

import importlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner, Result

from callcoach.devices.pulse import START_COMMAND
from callcoach.errors import DeviceError
from tests.support.pulse_rig import PulseRig, pulse_rig

devices_module = importlib.import_module("callcoach.cli.devices")
app = typer.Typer()
app.command()(devices_module.devices)


@pytest.fixture
def rig() -> Iterator[PulseRig]:
    with pulse_rig() as made:
        made.add_microphone("headset", "cc_mic", "Jabra Evolve Mono")
        made.pactl("set-default-source", "headset")
        made.pactl("set-default-sink", "cc_phone")
        made.play_tone("cc_mic", 1000)
        yield made


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_the_list_says_names_kinds_and_defaults(rig: PulseRig) -> None:
    result = invoke()
    assert result.exit_code == 0
    rows = [line.split("  ") for line in result.stdout.splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert cells[0] == ["Name", "Kind", "Default for", "Id"]
    assert ["Jabra Evolve Mono", "microphone", "agent", "headset"] in cells
    assert ["cc_phone", "output", "caller", "cc_phone.monitor"] in cells
    assert ["paplay", "application", "application:paplay"] in cells


def test_json_is_the_same_list(rig: PulseRig) -> None:
    found = json.loads(invoke("--json").stdout)["devices"]
    microphone = next(device for device in found if device["kind"] == "microphone")
    assert microphone == {
        "id": "headset",
        "name": "Jabra Evolve Mono",
        "kind": "microphone",
        "default": True,
        "backend": "pulse",
        "default_for": ["agent"],
    }


def test_meters_without_a_terminal_are_lines(rig: PulseRig) -> None:
    result = invoke("--meters", "--seconds", "1.2")
    assert result.exit_code == 0
    lines = [line for line in result.stdout.splitlines() if line.startswith("agent ")]
    assert len(lines) == 2
    level = float(lines[-1].split()[1])
    assert level == pytest.approx(-15.05, abs=0.5), "a sine of -12 dBFS has an RMS of -15"
    assert "caller -90.0 dBFS" in lines[-1]


def test_json_meters_name_what_was_chosen(rig: PulseRig) -> None:
    found = json.loads(invoke("--json", "--meters", "--seconds", "0.6", "--caller-source", "paplay").stdout)
    assert found["meters"]["caller"]["name"] == "paplay"
    assert found["meters"]["caller"]["loudest_dbfs"] == pytest.approx(-15.05, abs=0.5)
    assert found["meters"]["agent"]["blocks"] >= 10


def test_meters_on_a_terminal_are_bars(rig: PulseRig) -> None:
    main, side = pty.openpty()
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import typer; from callcoach.cli.devices import devices; typer.run(devices)",
            *("--meters", "--seconds", "0.8"),
        ],
        stdout=side,
        stderr=subprocess.PIPE,
        env={**rig.environment, "TERM": "xterm", "COLUMNS": "120", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    os.close(side)
    drawn = b""
    try:
        while part := os.read(main, 65_536):
            drawn += part
    except OSError:  # the terminal is closed when the child has ended
        pass
    _, errors = child.communicate()
    os.close(main)
    assert child.returncode == 0, errors
    text = drawn.decode()
    assert "█" in text
    assert "-15." in text


def test_a_misspelt_source_is_answered_with_the_right_one(rig: PulseRig) -> None:
    result = invoke("--meters", "--agent-source", "Jabra Evolve Momo")
    assert isinstance(result.exception, DeviceError)
    assert "Did you mean 'Jabra Evolve Mono'" in str(result.exception)


def test_a_side_without_a_device_leaves_the_other_running(rig: PulseRig) -> None:
    rig.drop("headset")
    result = invoke("--meters", "--seconds", "0.3")
    assert result.exit_code == 0
    assert "no microphone" in result.stderr
    assert "caller" in result.stdout.splitlines()[-1]


def test_without_a_sound_server_one_sentence_says_what_to_do(rig: PulseRig) -> None:
    rig.kill_server()
    result = invoke()
    assert isinstance(result.exception, DeviceError)
    assert result.exception.exit_status == 4
    assert START_COMMAND in str(result.exception)
    assert "apt-get install" in str(result.exception)


def test_without_portaudio_one_sentence_says_what_to_do(
    rig: PulseRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Missing:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    assert invoke().exit_code == 0, "the list does not need it"
    result = invoke("--meters", "--seconds", "0.3")
    assert isinstance(result.exception, DeviceError)
    assert "apt-get install -y --no-install-recommends libportaudio2" in str(result.exception)


def test_the_command_line_loads_no_sound_library() -> None:
    code = (
        "import sys; import callcoach.cli.devices, callcoach.devices, callcoach.capture.process;"
        "print([m for m in ('sounddevice', 'pulsectl') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "[]"
