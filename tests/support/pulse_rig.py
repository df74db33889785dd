"""A private PulseAudio with null sinks: real streams, real routing, no sound card.

Everything lies in one temporary folder, so tests run in parallel, as root, without D-Bus, systemd or
XDG_RUNTIME_DIR, and never meet the sound server of the machine.
"""

from __future__ import annotations

import ctypes.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

PROGRAMS = ("pulseaudio", "pactl", "paplay", "parec")
PACKAGES = "pulseaudio pulseaudio-utils libportaudio2 libasound2-plugins"
PLAY_RATE = 48_000
"""Hz; the rate of the sinks, so that nothing but our own opening resamples."""


def missing_part() -> str | None:
    """Return why the rig cannot run here, or None."""
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if ctypes.util.find_library("portaudio") is None:
        absent.append("libportaudio2")
    if absent:
        return f"no {', '.join(absent)}: apt-get install -y --no-install-recommends {PACKAGES}"
    return None


class PulseRig:
    """One sound server and what plays into it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="callcoach-pulse-"))
        state = self.folder / "state"
        state.mkdir()
        self.variables = {
            "PULSE_RUNTIME_PATH": str(self.folder),
            "PULSE_STATE_PATH": str(state),
            "PULSE_COOKIE": str(self.folder / "cookie"),
            "PULSE_SERVER": f"unix:{self.folder}/native",
        }
        self.environment = {**os.environ, **self.variables, "LC_ALL": "C"}
        self._modules: dict[str, str] = {}
        self._players: list[subprocess.Popen[bytes]] = []
        self._server: subprocess.Popen[bytes] | None = None
        self._log = (self.folder / "log").open("wb")
        self.start_server()

    def start_server(self) -> None:
        """Start the server, without any sink; returns when it answers."""
        self._modules.clear()
        self._server = subprocess.Popen(
            [
                *("pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"),
                *("--disallow-exit=no", "--log-target=stderr", "--log-level=notice"),
                *("-L", f"module-native-protocol-unix auth-anonymous=1 socket={self.folder}/native"),
                *("-L", "module-always-sink"),
            ],
            env=self.environment,
            stderr=self._log,
        )
        for _ in range(200):
            if self._server.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text(errors="replace"))
            if subprocess.run(["pactl", "info"], env=self.environment, capture_output=True).returncode == 0:
                return
            time.sleep(0.02)
        raise RuntimeError("pulseaudio did not start")

    def kill_server(self) -> None:
        """End the server at once, as a crash does."""
        assert self._server is not None
        self._server.kill()
        self._server.wait()
        (self.folder / "native").unlink(missing_ok=True)

    def stop_server(self, *, stopped: bool) -> None:
        """Freeze the server, or let it go on."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP if stopped else signal.SIGCONT)

    def pactl(self, *arguments: str) -> str:
        """Run one command of ``pactl`` and return what it prints."""
        return subprocess.run(
            ["pactl", *arguments], env=self.environment, capture_output=True, text=True, check=True
        ).stdout.strip()

    def add_sink(self, name: str, description: str | None = None) -> None:
        """Add an output; what plays there is recorded from ``<name>.monitor``.

        Without ``norewinds`` the sink renders up to 2 s ahead and every latency is wrong.
        """
        self._modules[name] = self.pactl(
            *("load-module", "module-null-sink", f"sink_name={name}", "norewinds=1"),
            *(f"rate={PLAY_RATE}", "channels=1", _described("sink", description or name)),
        )

    def add_microphone(self, name: str, sink: str, description: str | None = None) -> None:
        """Add a microphone that hears what is played to ``sink``."""
        self._modules[name] = self.pactl(
            *("load-module", "module-remap-source", f"source_name={name}", f"master={sink}.monitor"),
            _described("source", description or name),
        )

    def drop(self, name: str) -> None:
        """Remove a sink or microphone, as pulling the plug does."""
        self.pactl("unload-module", self._modules.pop(name))

    def play(self, sink: str, sound: Path, application: str = "paplay") -> subprocess.Popen[bytes]:
        """Play a WAV file in real time; 0.2 s ahead, so that a busy machine leaves no holes."""
        player = subprocess.Popen(
            ["paplay", "--latency-msec=200", f"--client-name={application}", "-d", sink, str(sound)],
            env=self.environment,
            stderr=subprocess.DEVNULL,
        )
        self._players.append(player)
        return player

    def play_tone(
        self, sink: str, hertz: float, seconds: float = 60.0, application: str = "paplay"
    ) -> subprocess.Popen[bytes]:
        """Play a sine of -12 dBFS."""
        path = self.folder / f"tone-{hertz:g}-{seconds:g}.wav"
        if not path.exists():
            write_tone(path, hertz, seconds)
        return self.play(sink, path, application)

    def kill_players(self) -> None:
        """End everything that plays."""
        for player in self._players:
            player.kill()
            player.wait()

    def close(self) -> None:
        """End everything that was started and remove the folder."""
        children = [*self._players, *([self._server] if self._server else [])]
        for child in children:
            if child.poll() is None:
                child.send_signal(signal.SIGCONT)
                child.terminate()
        for child in children:
            try:
                child.wait(3)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _described(kind: str, description: str) -> str:
    return f"{kind}_properties=\"device.description='{description}'\""


def write_tone(path: Path, hertz: float, seconds: float, amplitude: float = 0.25) -> None:
    """Write a sine as WAV, mono, 16 bit."""
    t = np.arange(round(seconds * PLAY_RATE)) / PLAY_RATE
    samples = np.round(amplitude * 32767 * np.sin(2 * np.pi * hertz * t)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(PLAY_RATE)
        file.writeframes(samples.tobytes())


def tone_level(samples: NDArray[np.int16], hertz: float, rate: int = 16_000) -> float:
    """Return the level in dBFS (sine of full scale = 0) of one frequency; -200 when there is none."""
    if len(samples) == 0:
        return -200.0
    phase = np.exp(-2j * np.pi * hertz * np.arange(len(samples)) / rate)
    window = np.hanning(len(samples) + 2)[1:-1]
    amplitude = 2 * abs(np.dot(samples / 32768.0 * window, phase)) / window.sum()
    return float(20 * np.log10(max(amplitude, 1e-10)))


@contextmanager
def pulse_rig(sinks: Sequence[str] = ("cc_mic", "cc_phone")) -> Iterator[PulseRig]:
    """Run a rig with these sinks; while it runs, this process finds it as its sound server.

    Skips the test where a part is missing.
    """
    if (reason := missing_part()) is not None:
        pytest.skip(reason)
    rig = PulseRig()
    changed = {"PULSE_SOURCE", "PULSE_PROP", "PULSE_SINK", *rig.variables}
    saved = {name: os.environ.pop(name, None) for name in changed}
    os.environ.update(rig.variables)
    try:
        for sink in sinks:
            rig.add_sink(sink)
        yield rig
    finally:
        for name, value in saved.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        rig.close()
