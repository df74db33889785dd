"""``callcoach analyze`` without weights: every way in, every exit status, every file."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import soundfile

from callcoach.cli import main
from callcoach.contract.schemas import SchemaName, load_schema
from callcoach.core.analyzer import Analyzer
from callcoach.core.delivery.ticks import REPLAY_COLUMNS
from callcoach.ports import Audio
from callcoach.speech.store import ModelStore

SAMPLES = Path(__file__).parents[3] / "samples"
SECONDS = 8
RATE = 16_000


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run the command line in an empty folder; every failure must be a sentence, never a traceback."""
    monkeypatch.chdir(tmp_path)

    def running(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["callcoach", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        found = capsys.readouterr()
        assert "Traceback" not in found.out + found.err
        assert isinstance(end.value.code, int)
        return Outcome(end.value.code, found.out, found.err)

    return running


@pytest.fixture(scope="session")
def speech() -> Audio:
    """Both sides of a stretch with an interruption in it, shape (n, 2), 16 kHz."""
    audio, rate = soundfile.read(
        SAMPLES / "s02_interrupted_scanner.flac", start=15 * RATE, frames=SECONDS * RATE, dtype="float32"
    )
    assert rate == RATE
    return np.asarray(audio)


@pytest.fixture
def recording(tmp_path: Path, speech: Audio) -> Path:
    path = tmp_path / "my call.wav"
    soundfile.write(path, speech, RATE)
    return path


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    path = tmp_path / "words.json"
    segments = [
        {"role": "agent", "begin": 0, "end": 3000, "text": "Service desk, how can I help?"},
        {"role": "caller", "begin": 3400, "end": 9000, "text": "My screen stays black."},
    ]
    path.write_text(json.dumps({"schema": "callcoach.transcript/1", "language": "en", "segments": segments}))
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "notes.wav"
    path.write_text("these are no sounds but words, and not few of them")
    return path


def validated(path: Path, schema: SchemaName = "call-1") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(document, load_schema(schema))
    return document


def lines(path: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for record in found:
        jsonschema.validate(record, load_schema("event-1"))
    return found


# -- files -------------------------------------------------------------------------------------------------


def test_a_call_folder_is_complete_and_valid(run: Run, recording: Path, tmp_path: Path) -> None:
    assert run("analyze", recording, "--no-words", "--out", tmp_path / "out", "--quiet") == Outcome(0, "", "")
    folder = tmp_path / "out" / "my call"
    assert {p.name for p in folder.iterdir()} >= {"call.json", "events.jsonl", "prosody.npz"}
    assert not list(folder.glob(".*"))
    document = validated(folder / "call.json")
    assert document["call"]["channel_mode"] == "dual"
    assert document["call"]["duration_ms"] == SECONDS * 1000
    assert document["call"]["model"] is None
    assert document["transcript"] == []
    assert document["segments"]
    assert {t["role"] for t in document["turns"]} == {"agent", "caller"}


def test_the_event_log_begins_with_the_call_and_is_in_order(
    run: Run, recording: Path, tmp_path: Path
) -> None:
    run("analyze", recording, "--no-words", "--out", tmp_path, "--quiet")
    found = lines(tmp_path / "my call" / "events.jsonl")
    assert found[0]["type"] == "Call"
    assert found[0]["source"] == "my call.wav"
    assert found[0]["weights"] is None
    assert [r["known_at"] for r in found] == sorted(r["known_at"] for r in found)
    assert {"SpeechSegment", "FloorTaken", "Turn"} <= {r["type"] for r in found}
    document = validated(tmp_path / "my call" / "call.json")
    assert document["call"]["id"] == found[0]["id"]
    assert document["call"]["settings_digest"] == found[0]["settings_digest"]
    assert len(document["segments"]) == sum(r["type"] == "SpeechSegment" for r in found)


def test_delivery_curves_of_both_sides_on_one_hop(run: Run, recording: Path, tmp_path: Path) -> None:
    run("analyze", recording, "--no-words", "--out", tmp_path, "--quiet")
    with np.load(tmp_path / "my call" / "prosody.npz") as arrays:
        assert set(arrays) == {
            f"{side}_{name}"
            for side in ("agent", "caller")
            for name in ("t_s", "level_dbfs", "f0_hz", "speech", *REPLAY_COLUMNS)
        }
        assert len({len(arrays[name]) for name in arrays}) == 1
        times = arrays["agent_t_s"]
        assert np.allclose(np.diff(times), 0.016)
        assert times[-1] < SECONDS + 0.032
        assert arrays["agent_speech"].dtype == np.bool_
        speaking = arrays["caller_speech"]
        assert (
            np.median(arrays["caller_level_dbfs"][speaking])
            > np.median(arrays["caller_level_dbfs"][~speaking]) + 10
        )
        voiced = arrays["caller_f0_hz"][~np.isnan(arrays["caller_f0_hz"])]
        assert 65 <= voiced.min() <= voiced.max() < 425


def test_the_same_recording_gives_the_same_files(run: Run, recording: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        run("analyze", recording, "--no-words", "--out", tmp_path / name, "--quiet")
    for file in ("call.json", "events.jsonl"):
        assert (tmp_path / "one/my call" / file).read_bytes() == (
            tmp_path / "two/my call" / file
        ).read_bytes()


def test_every_format(run: Run, recording: Path, tmp_path: Path) -> None:
    run(
        "analyze",
        recording,
        "--no-words",
        "--out",
        tmp_path,
        "--quiet",
        "--format",
        "json, csv,srt,contact-lens",
    )
    names = {p.name for p in (tmp_path / "my call").iterdir()}
    assert {"transcript.srt", "contact-lens.json", "call.json"} <= names
    assert any(n.endswith(".csv") for n in names)


# -- ways in -----------------------------------------------------------------------------------------------


def test_two_mono_files_equal_one_with_two_channels(
    run: Run, recording: Path, speech: Audio, tmp_path: Path
) -> None:
    for name, channel in (("left", 0), ("right", 1)):
        soundfile.write(tmp_path / f"{name}.wav", speech[:, channel], RATE)
    run("analyze", recording, "--no-words", "--out", tmp_path / "a", "--quiet")
    pair = run(
        "analyze",
        "--agent",
        tmp_path / "left.wav",
        "--caller",
        tmp_path / "right.wav",
        "--no-words",
        "--out",
        tmp_path / "b",
        "--quiet",
    )
    assert pair.status == 0
    one = validated(tmp_path / "a/my call/call.json")
    two = validated(tmp_path / "b/left/call.json")
    for key in ("segments", "turns", "overlaps", "silences", "metrics", "opening_story"):
        assert one[key] == two[key]


def test_the_channels_can_be_named(run: Run, recording: Path, tmp_path: Path) -> None:
    run("analyze", recording, "--no-words", "--out", tmp_path / "a", "--quiet")
    run("analyze", recording, "--no-words", "--agent-channel", "1", "--out", tmp_path / "b", "--quiet")
    one = validated(tmp_path / "a/my call/call.json")["metrics"]["M01"]
    two = validated(tmp_path / "b/my call/call.json")["metrics"]["M01"]
    assert one["agent_s"] != one["caller_s"]
    assert two["agent_s"] == pytest.approx(one["caller_s"], abs=0.2)  # the bleed gate looks at one side only
    assert two["caller_s"] == pytest.approx(one["agent_s"], abs=0.2)


def test_a_mono_recording_has_no_turns(run: Run, speech: Audio, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "mono.wav", speech.mean(axis=1), RATE)
    assert run("analyze", tmp_path / "mono.wav", "--no-words", "--out", tmp_path, "--quiet").status == 0
    document = validated(tmp_path / "mono/call.json")
    assert document["call"]["channel_mode"] == "mono"
    assert document["turns"] == document["overlaps"] == []
    assert document["segments"]
    assert {s["role"] for s in document["segments"]} == {None}
    assert "apart" in document["metrics"]["why_null"]["M02"]
    assert {r["type"] for r in lines(tmp_path / "mono/events.jsonl")} == {
        "Call",
        "SpeechSegment",
        "CallEnded",
    }
    with np.load(tmp_path / "mono/prosody.npz") as arrays:
        assert {"mono_t_s", "mono_level_dbfs", "mono_f0_hz", "mono_speech"} <= set(arrays)
        assert all(name.startswith("mono_") for name in arrays)


def test_a_transcript_needs_no_audio(run: Run, transcript: Path, tmp_path: Path) -> None:
    assert run("analyze", "--transcript", transcript, "--out", tmp_path, "--quiet") == Outcome(0, "", "")
    document = validated(tmp_path / "words/call.json")
    assert document["call"]["channel_mode"] == "transcript"
    assert document["call"]["sample_rate"] is None
    assert [(t["role"], t["begin"], t["end"]) for t in document["turns"]] == [
        ("agent", 0, 3000),
        ("caller", 3400, 9000),
    ]
    assert [e["text"] for e in document["transcript"]] == [
        "Service desk, how can I help?",
        "My screen stays black.",
    ]
    assert lines(tmp_path / "words/events.jsonl")[0]["channel_mode"] == "transcript"


def test_settings_from_a_file_change_the_analysis_and_its_digest(
    run: Run, recording: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text("[activity]\nmerge_gap_s = 1.0\n")
    run("analyze", recording, "--no-words", "--out", tmp_path / "a", "--quiet")
    run(
        "analyze",
        recording,
        "--no-words",
        "--out",
        tmp_path / "b",
        "--quiet",
        "--settings",
        tmp_path / "mine.toml",
    )
    one, two = (validated(tmp_path / f"{x}/my call/call.json") for x in "ab")
    assert len(two["segments"]) < len(one["segments"])
    assert one["call"]["settings_digest"] != two["call"]["settings_digest"]


# -- what is printed ---------------------------------------------------------------------------------------


def test_the_summary_for_machines(run: Run, recording: Path, broken: Path, tmp_path: Path) -> None:
    found = run("analyze", recording, broken, "--no-words", "--out", tmp_path, "--json")
    assert found.status == 3
    good, bad = found.json["calls"]
    assert good["input"] == "my call.wav"
    assert good["folder"] == str(tmp_path / "my call")
    assert (good["status"], good["channel_mode"], good["duration_ms"]) == ("ok", "dual", SECONDS * 1000)
    assert good["words"] == 0
    assert (bad["input"], bad["status"]) == ("notes.wav", "rejected")
    document = validated(tmp_path / "my call/call.json")
    assert good["agent_interruptions"] == len(document["metrics"]["M07"]["agent"])
    assert good["agent_talk_share_pct"] == document["metrics"]["M02"]["agent_pct"]


def test_the_summary_for_people_tells_where_the_folder_is(run: Run, recording: Path, tmp_path: Path) -> None:
    found = run("analyze", recording, "--no-words", "--out", "out")
    assert found.status == 0
    assert "my call" in found.out
    assert found.err == ""
    assert len(found.out.splitlines()) > 5


# -- exit status -------------------------------------------------------------------------------------------


def sentence(outcome: Outcome) -> str:
    """The one line on standard error."""
    (line,) = outcome.err.splitlines()
    assert line.startswith("callcoach: ")
    assert line.endswith(".")
    return line


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--agent", "a.wav"],
        ["x.wav", "--agent-channel", "1", "--caller-channel", "1"],
        ["x.wav", "--format", "pdf"],
        ["x.wav", "--settings", "missing.toml"],
        ["x.wav", "--vocabulary", "missing.txt"],
        ["x.wav", "--model", "huge"],
    ],
)
def test_wrong_usage_ends_with_2_and_a_sentence(run: Run, arguments: list[str], tmp_path: Path) -> None:
    found = run("analyze", *arguments)
    assert found.status == 2
    assert sentence(found)
    assert found.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [["--nonsense"], ["x.wav", "--agent-channel", "left"], ["--agent-channel", "-1"]]
)
def test_an_option_that_does_not_exist_ends_with_2(run: Run, arguments: list[str]) -> None:
    assert run("analyze", *arguments).status == 2


def test_a_rejected_recording_ends_with_3_and_a_verdict(run: Run, broken: Path, tmp_path: Path) -> None:
    found = run("analyze", broken, "--no-words", "--out", tmp_path / "out")
    assert found.status == 3
    assert "notes.wav" in sentence(found)
    document = validated(tmp_path / "out/notes/call.json")
    assert document["verdict"]["status"] == "rejected"
    assert len(document["verdict"]["reasons"]) == 1
    assert document["segments"] == document["transcript"] == []
    assert not (tmp_path / "out/notes/events.jsonl").exists()


def test_a_missing_file_ends_with_3(run: Run, tmp_path: Path) -> None:
    found = run("analyze", tmp_path / "nowhere.wav", "--no-words", "--out", tmp_path / "out")
    assert found.status == 3
    assert "nowhere.wav" in sentence(found)


def test_a_bad_transcript_ends_with_3_and_never_quotes_it(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text('{"schema": "callcoach.transcript/1", "secret": "pineapple"}')
    found = run("analyze", "--transcript", tmp_path / "t.json", "--out", tmp_path / "out")
    assert found.status == 3
    assert "t.json" in sentence(found)
    assert "pineapple" not in found.err
    assert validated(tmp_path / "out/t/call.json")["verdict"]["status"] == "rejected"


def test_one_bad_recording_does_not_stop_the_others(
    run: Run, recording: Path, broken: Path, tmp_path: Path, transcript: Path
) -> None:
    found = run(
        "analyze",
        broken,
        recording,
        "--transcript",
        transcript,
        "--no-words",
        "--out",
        tmp_path / "out",
        "--quiet",
    )
    assert found.status == 3
    assert "notes.wav" in sentence(found)
    statuses = {
        p.parent.name: validated(p)["verdict"]["status"] for p in (tmp_path / "out").glob("*/call.json")
    }
    assert statuses == {"notes": "rejected", "my call": "ok", "words": "ok"}


def test_missing_weights_end_with_4_before_any_folder_is_made(
    run: Run, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = importlib.import_module("callcoach.cli.models")
    monkeypatch.setattr(models, "default_folders", lambda folder: (tmp_path / "models",))
    monkeypatch.setattr(ModelStore, "packaged", lambda self, model: False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = run("analyze", recording, "--model", "small", "--out", tmp_path / "out")
    assert found.status == 4
    assert "callcoach models pull small" in found.err
    assert not (tmp_path / "out").exists()


def test_interrupted_ends_with_130_and_keeps_what_was_finished(
    run: Run, recording: Path, speech: Audio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real SIGINT in the middle of the second call."""
    second = tmp_path / "second.wav"
    soundfile.write(second, speech[::-1], RATE)
    push, calls = Analyzer.push, [0]

    def interrupted(self: Analyzer, block: Audio) -> list[Any]:
        if self.now == 0:
            calls[0] += 1
        if calls[0] == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return push(self, block)

    monkeypatch.setattr(Analyzer, "push", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job of the shell may ignore it
    try:
        found = run("analyze", recording, second, "--no-words", "--out", tmp_path / "out", "--json")
    finally:
        signal.signal(signal.SIGINT, before)
    assert found.status == 130
    assert "1 finished call kept" in sentence(found)
    assert [c["input"] for c in found.json["calls"]] == ["my call.wav"]
    assert validated(tmp_path / "out/my call/call.json")["verdict"]["status"] == "ok"
    left = tmp_path / "out/second"
    assert not left.exists() or list(left.iterdir()) == []


def test_inputs_of_one_name_get_folders_of_their_own(
    run: Run, recording: Path, speech: Audio, tmp_path: Path
) -> None:
    (tmp_path / "b").mkdir()
    soundfile.write(tmp_path / "b" / "My Call.flac", speech, RATE)
    run(
        "analyze",
        recording,
        tmp_path / "b" / "My Call.flac",
        "--no-words",
        "--out",
        tmp_path / "out",
        "--quiet",
    )
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["My Call-2", "my call"]


def test_a_folder_that_cannot_be_written_is_a_sentence(run: Run, recording: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file stands where the folder should be")
    found = run("analyze", recording, "--no-words", "--out", tmp_path / "taken")
    assert found.status == 1
    assert sentence(found)
