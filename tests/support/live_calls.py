"""Real live calls for tests: the command line in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import soundfile

from tests.support.running import SAMPLES

CALLCOACH = (sys.executable, "-m", "callcoach")


def excerpt(
    folder: Path, *, start: float = 0.0, seconds: float = 10.0, name: str = "s02_interrupted_scanner"
) -> Path:
    """Write a part of a shipped sample, 16 kHz and 16 bit, and return its path."""
    path = SAMPLES / f"{name}.flac"
    rate = int(soundfile.info(path).samplerate)
    audio, _ = soundfile.read(path, start=round(start * rate), frames=round(seconds * rate), dtype="int16")
    target = folder / f"{name}-{start:g}-{seconds:g}.wav"
    soundfile.write(target, audio, rate, subtype="PCM_16")
    return target


class LiveCall:
    """``callcoach live`` in a process of its own."""

    def __init__(self, out: Path, agent: str | Path, caller: str | Path, *options: str) -> None:
        self.out = out
        command = [*CALLCOACH, "live", "--out", str(out), "--agent-source", str(agent)]
        command += ["--caller-source", str(caller), "--headless", *options]
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "COLUMNS": "100"},
        )

    @property
    def folder(self) -> Path:
        """The call folder; waits for it."""
        self._wait(lambda: any(self.out.glob("call-*")), "the call folder")
        return next(self.out.glob("call-*"))

    def await_sound(self, seconds: float = 0.0) -> None:
        """Wait until the journal is written, and so many seconds more."""
        self._wait(lambda: any(self.out.glob("call-*/audio/journal-*")), "the journal")
        time.sleep(seconds)

    def order(self, line: str) -> None:
        """Type an order."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self, timeout: float = 90.0) -> str:
        """Wait for its end and return what it printed."""
        output, _ = self.process.communicate(timeout=timeout)
        return output

    def kill(self) -> None:
        """Kill the session as ``kill -9`` does, and wait until its helpers have gone by themselves."""
        children = self.children()
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()
        _, left = psutil.wait_procs(children, timeout=10.0)
        assert not left, f"{len(left)} helpers outlive the session"

    def children(self) -> list[psutil.Process]:
        """Processes of this call beside the session."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def helper(self, name: str) -> psutil.Process:
        """Return the process ``capture`` or ``recogniser``: the recogniser is started first."""
        spawned = [p for p in self.children() if "spawn_main" in " ".join(p.cmdline())]
        return spawned[-1] if name == "capture" else spawned[0]

    def _wait(self, there: Any, what: str, seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        while not there():
            if self.process.poll() is not None and not there():
                raise AssertionError(f"no {what}: {self.end()}")
            if time.monotonic() > until:
                raise AssertionError(f"no {what} within {seconds} s")
            time.sleep(0.02)


def events_of(folder: Path) -> list[dict[str, Any]]:
    """Lines of the log."""
    return [json.loads(line) for line in (folder / "events.jsonl").read_text("utf-8").splitlines()]


def document_of(folder: Path) -> dict[str, Any]:
    """Content of ``call.json``."""
    found: dict[str, Any] = json.loads((folder / "call.json").read_text("utf-8"))
    return found


def analysed(recording: Path, out: Path, *options: str) -> Path:
    """Analyse a recording with the command line; return the call folder."""
    run(["analyze", str(recording), "--out", str(out), "--quiet", "--format", "json", *options])
    return out / recording.stem


def run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run the command line; it has to succeed."""
    return subprocess.run([*CALLCOACH, *arguments], check=True, capture_output=True, text=True)
