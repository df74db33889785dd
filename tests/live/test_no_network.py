"""No process of a live call opens a socket but local ones (SEC-7)."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.live_calls import excerpt

SOCKET = re.compile(r"socket\((AF_\w+|PF_\w+)")
LOCAL = {"AF_UNIX", "AF_LOCAL"}


pytestmark = [
    pytest.mark.weights,
    pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace: apt-get install -y strace"),
]


def sockets(trace: Path, *arguments: str) -> set[str]:
    """Run the command line under a trace; return the kinds of sockets that any of its processes opened."""
    command = ["strace", "-f", "-e", "trace=socket,connect,execve", "-o", str(trace)]
    done = subprocess.run(
        [*command, sys.executable, "-m", "callcoach", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return set(SOCKET.findall(trace.read_text("utf-8", "replace")))


def test_no_process_of_a_live_call_opens_an_internet_socket(tmp_path: Path) -> None:
    part = str(excerpt(tmp_path, start=0.0, seconds=6.0))
    options = ["--consent", "notice", "--model", "tiny.en", "--quiet"]
    sources = ["--agent-source", part, "--caller-source", part, "--headless"]
    found = sockets(tmp_path / "trace", "live", "--out", str(tmp_path / "live"), *sources, *options)
    assert next((tmp_path / "live").glob("*/call.json"))
    assert (tmp_path / "trace").read_text("utf-8", "replace").count("execve(") >= 3, (
        "all processes are traced"
    )
    assert found <= LOCAL


def test_the_analysis_of_a_recording_opens_no_internet_socket(tmp_path: Path) -> None:
    part = str(excerpt(tmp_path, start=0.0, seconds=6.0))
    found = sockets(
        tmp_path / "trace", "analyze", part, "--out", str(tmp_path / "out"), "--model", "tiny.en", "--quiet"
    )
    assert next((tmp_path / "out").glob("*/call.json"))
    assert found <= LOCAL
