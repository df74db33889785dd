"""``callcoach replay``: what it prints, every exit status, and that it starts without the heavy libraries."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from callcoach.cli import main
from tests.support.stored import store

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def running(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["callcoach", "replay", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        found = capsys.readouterr()
        assert "Traceback" not in found.out + found.err
        assert isinstance(end.value.code, int)
        return Outcome(end.value.code, found.out, found.err)

    return running


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store(tmp_path_factory.mktemp("stored"))


def test_without_other_thresholds_it_lists_the_cues_and_checks_the_log(run: Run, whole: Path) -> None:
    before = {p.name: p.read_bytes() for p in whole.iterdir()}
    found = run(whole)
    assert (found.status, found.err) == (0, "")
    assert "Let them finish" in found.out
    assert "The stored log is reproduced exactly." in found.out
    assert {p.name: p.read_bytes() for p in whole.iterdir()} == before


def test_the_difference_in_words(run: Run, whole: Path) -> None:
    found = run(whole, "--set", "budget.quiet_start_s=300")
    assert found.status == 0
    assert "budget.quiet_start_s: 20 \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} 300 s" in found.out
    rows = [line for line in found.out.splitlines() if line.startswith("now suppressed ")]
    assert rows
    assert "first 300 s of the call" in rows[0]
    assert "Compared with the stored log." in found.out


def test_no_difference(run: Run, whole: Path) -> None:
    assert "No difference" in run(whole, "--set", "c21.hold_s=299").out
    usual = run(whole, "--set", "budget.quiet_start_s=20")
    assert "very settings" in usual.out


def test_json_and_quiet(run: Run, whole: Path) -> None:
    assert run(whole, "--quiet") == Outcome(0, "", "")
    found: dict[str, Any] = json.loads(run(whole, "--set", "budget.quiet_start_s=300", "--json").out)
    assert found["settings"] == [{"key": "budget.quiet_start_s", "before": 20.0, "after": 300.0}]
    assert found["reproduced"] is None
    assert found["now_suppressed"]
    pair = found["now_suppressed"][0]
    assert (pair["before"]["shown"], pair["after"]["suppressed_by"]) == (True, "quiet")
    assert pair["before"]["opened"] == pair["after"]["opened"]
    assert json.loads(run(whole, "--json").out)["reproduced"] is True


def test_a_settings_file_and_single_values_over_it(run: Run, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text("[budget]\nquiet_start_s = 300\nmin_gap_s = 10\n[overlap]\n", "utf-8")
    found = json.loads(run(whole, "--settings", path, "--set", "budget.min_gap_s=5", "--json").out)
    assert {s["key"]: s["after"] for s in found["settings"]} == {
        "budget.quiet_start_s": 300.0,
        "budget.min_gap_s": 5.0,
    }


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--set", "overlap.hold_s=1.7"), "overlap.hold_s cannot be replayed"),
        (("--set", "c01.hld_s=1"), "did you mean c01.hold_s"),
        (("--set", "c01.hold_s=abc"), "is not a value"),
        (("--set", "c01.hold_s=99"), "less than or equal to 3"),
        (("--settings", "missing.toml"), "missing.toml"),
    ],
)
def test_wrong_usage(run: Run, whole: Path, arguments: tuple[str, ...], sentence: str) -> None:
    found = run(whole, *arguments)
    assert (found.status, found.out) == (2, "")
    assert sentence in found.err
    assert found.err.count("\n") == 1


def test_what_cannot_be_replayed(run: Run, whole: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "nothing").status == 3
    folder = Path(shutil.copytree(whole, tmp_path / "call"))
    (folder / "prosody.npz").unlink()
    found = run(folder)
    assert found.status == 3
    assert "prosody.npz" in found.err


def test_words_of_a_call_cannot_steer_the_terminal(run: Run, whole: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "call"))
    log = folder / "events.jsonl"
    log.write_text(
        log.read_text("utf-8").replace('"source":"call.wav"', '"source":"\\u001b[31m[b]x"'), "utf-8"
    )
    found = run(folder)
    assert found.status == 0
    assert "\x1b" not in found.out
    assert "?[31m[b]x" in found.out


def test_it_starts_without_sound_and_speech_libraries(whole: Path) -> None:
    code = (
        "import sys; from callcoach.cli import main\n"
        "sys.argv = ['callcoach', 'replay', sys.argv[1], '--quiet']\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "heavy = 'librosa numba scipy onnxruntime ctranslate2 faster_whisper av soxr soundfile'.split()\n"
        "print(sorted({*heavy} & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(whole)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
