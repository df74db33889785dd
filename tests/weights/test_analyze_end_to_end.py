"""``callcoach analyze`` as a person starts it: a process of its own, real weights, a shipped sample."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import soundfile

from callcoach.contract.schemas import SchemaName, load_schema
from callcoach.core.delivery.ticks import REPLAY_COLUMNS
from callcoach.speech.store import ModelStore

pytestmark = pytest.mark.weights

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "samples" / "s02_interrupted_scanner.flac"

STOPPED_ON_THE_WAY = """
import os, signal, sys
from callcoach.core.analyzer import Analyzer

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job of the shell may ignore it
push = Analyzer.push

def pushed(self, block):
    if self.now > 10 * 16_000:
        os.kill(os.getpid(), signal.SIGINT)
    return push(self, block)

Analyzer.push = pushed
sys.argv = ["callcoach", *sys.argv[1:]]
from callcoach.cli import main
main()
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    ModelStore(folder).obtain("tiny.en", network=False)
    return folder


def start(
    arguments: list[str], models: Path, script: list[str] | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "COLUMNS": "100"}
    command = [sys.executable, *(script or ["-m", "callcoach"]), *arguments]
    return subprocess.run(
        [*command, "--model", "tiny.en", "--models", str(models)],
        cwd=models,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def validated(path: Path, schema: SchemaName) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(document, load_schema(schema))
    return document


@pytest.fixture(scope="module")
def done(
    models: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[subprocess.CompletedProcess[str], Path]:
    out = tmp_path_factory.mktemp("calls")
    return start(["analyze", str(SAMPLE), "--out", str(out)], models), out / SAMPLE.stem


Done = tuple[subprocess.CompletedProcess[str], Path]


def test_it_ends_well_and_prints_the_call(done: Done) -> None:
    process, folder = done
    assert process.returncode == 0
    assert process.stderr == ""
    assert "Traceback" not in process.stdout
    assert len(process.stdout.splitlines()) > 20
    assert {p.name for p in folder.iterdir()} >= {"call.json", "events.jsonl", "prosody.npz"}


def test_call_json_is_valid_and_true_to_the_sample(done: Done) -> None:
    document = validated(done[1] / "call.json", "call-1")
    truth = json.loads(SAMPLE.with_suffix(".truth.json").read_text(encoding="utf-8"))
    info = soundfile.info(SAMPLE)
    assert document["call"]["duration_ms"] == round(1000 * info.frames / info.samplerate)
    assert document["call"]["model"]["id"] == "tiny.en"
    assert len(document["call"]["model"]["sha256"]) == 64
    assert document["verdict"] == {"status": "ok", "reasons": [], "spans": []}
    assert document["quality"]["missed_text_jobs"] == 0
    assert document["quality"]["mean_word_probability"] > 0.7
    assert document["opening_story"]["completed"] is truth["opening_story"]["completed"]
    spoken = sum(len(u["words"]) for u in truth["utterances"])
    heard = [w for e in document["transcript"] for w in e["words"]]
    assert 0.85 * spoken < len(heard) < 1.15 * spoken
    assert all(0 <= w["b"] <= w["e"] <= document["call"]["duration_ms"] for w in heard)


def test_every_line_of_the_log_is_valid_and_in_order(done: Done) -> None:
    lines = (done[1] / "events.jsonl").read_text(encoding="utf-8").splitlines()
    schema = jsonschema.Draft202012Validator(load_schema("event-1"))
    records = [json.loads(line) for line in lines]
    for record in records:
        schema.validate(record)
    assert records[0]["type"] == "Call"
    assert len(records[0]["weights"]) == 64
    assert [r["known_at"] for r in records] == sorted(r["known_at"] for r in records)
    assert {"Words", "SpeechSegment", "FloorTaken", "Turn", "Overlap", "OpeningStory"} <= {
        r["type"] for r in records
    }
    document = validated(done[1] / "call.json", "call-1")
    in_log = [w["w"] for r in records if r["type"] == "Words" for w in r["items"]]
    assert sorted(in_log) == sorted(w["w"] for e in document["transcript"] for w in e["words"])


def test_the_delivery_curves_cover_the_call(done: Done) -> None:
    with np.load(done[1] / "prosody.npz") as arrays:
        assert set(arrays) == {
            f"{side}_{name}"
            for side in ("agent", "caller")
            for name in ("t_s", "level_dbfs", "f0_hz", "speech", *REPLAY_COLUMNS)
        }
        lengths = {len(arrays[name]) for name in arrays}
        assert len(lengths) == 1
        assert lengths.pop() * 0.016 == pytest.approx(soundfile.info(SAMPLE).duration, abs=0.033)


def test_files_are_for_their_owner_only(done: Done) -> None:
    assert done[1].stat().st_mode & 0o077 == 0
    assert [p.name for p in done[1].iterdir() if p.stat().st_mode & 0o077] == []


def test_a_process_that_is_stopped_ends_with_130_and_leaves_nothing_half_done(
    models: Path, tmp_path: Path
) -> None:
    process = start(["analyze", str(SAMPLE), "--out", str(tmp_path)], models, ["-c", STOPPED_ON_THE_WAY])
    assert process.returncode == 130
    assert process.stderr == "callcoach: stopped.\n"
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_silence_gives_no_words(models: Path, tmp_path: Path) -> None:
    """Nothing is invented where nobody speaks: digital silence and faint noise."""
    rng = np.random.default_rng(4)
    sound = np.stack([np.zeros(16_000 * 20), 0.001 * rng.standard_normal(16_000 * 20)], axis=1)
    soundfile.write(tmp_path / "nobody.wav", sound, 16_000)
    process = start(["analyze", str(tmp_path / "nobody.wav"), "--out", str(tmp_path), "--json"], models)
    assert process.returncode == 0
    (brief,) = json.loads(process.stdout)["calls"]
    assert brief["words"] == 0
    assert brief["agent_talk_share_pct"] is None
    document = validated(tmp_path / "nobody" / "call.json", "call-1")
    assert document["segments"] == document["transcript"] == []
    assert any("silent" in reason for reason in document["verdict"]["reasons"])
