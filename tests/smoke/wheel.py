"""Build the wheel, install it with the locked packages into an empty environment, and try it there.

``make smoke`` runs this. It works in a temporary folder, with nothing of the checkout in reach, so that data
files missing from the wheel show up.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command; its output, or the end of this script with what it said."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CALLCOACH"))
    }
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="callcoach-smoke-") as name:
        folder = Path(name)
        away = folder / "elsewhere"
        away.mkdir()
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
        wheel = next(folder.glob("callcoach-*.whl"))
        print(f"built {wheel.name}, {wheel.stat().st_size / 1e3:.0f} kB")

        venv.create(folder / "env")
        python = folder / "env" / "bin" / "python"
        install = (Path(sys.executable).with_name("uv"), "pip", "install", "--quiet", "--python", python)
        locked = ("--require-hashes", "--only-binary", ":all:", "-r", ROOT / "requirements.lock")
        run(*install, *locked, cwd=away)
        run(*install, "--no-deps", wheel, cwd=away)
        print(f"installed after {time.monotonic() - began:.0f} s")

        callcoach = folder / "env" / "bin" / "callcoach"
        data = {"XDG_DATA_HOME": str(folder / "share"), "HF_HUB_OFFLINE": "1"}
        assert "analyze" in run(callcoach, "--help", cwd=away, **data)
        assert run(python, "-m", "callcoach", "--help", cwd=away, **data)
        listed = json.loads(run(callcoach, "models", "list", "--json", cwd=away, **data))
        assert [(row["id"], row["path"]) for row in listed] == [
            ("tiny.en", None),
            ("base", None),
            ("small", None),
        ]
        run(callcoach, "models", "pull", "tiny.en", cwd=away, **data)
        rows = {
            row["id"]: row for row in json.loads(run(callcoach, "models", "list", "--json", cwd=away, **data))
        }
        assert rows["tiny.en"]["verified"], rows
        assert rows["tiny.en"]["path"].startswith(str(folder / "share")), rows
        report = json.loads(run(callcoach, "doctor", "--json", cwd=away, **data))
        assert report["ok"], report
        recordings = sorted((ROOT / "samples").glob("*.flac"))
        if recordings:
            out = away / "calls"
            run(
                callcoach,
                "analyze",
                recordings[0],
                "--out",
                out,
                "--model",
                "tiny.en",
                "--quiet",
                cwd=away,
                **data,
            )
            call = json.loads((out / recordings[0].stem / "call.json").read_text("utf-8"))
            assert call["schema"] == "callcoach.call/1"
            assert call["transcript"]
            print(f"analysed {recordings[0].name}: {len(call['transcript'])} turns of text")
        print(f"the wheel works; {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
