"""Whole live calls in real processes: what is recorded, what is told, what is kept."""

from __future__ import annotations

import json
import shutil
import stat
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from callcoach.contract import CallDocument
from tests.support.live_calls import LiveCall, analysed, document_of, events_of, excerpt, run

NO_WORDS = ("--no-words", "--format", "json")
TELLS_OF_BOTH = {"Overlap", "Silence", "OpeningStory", "FloorTaken"}
LIVE_ONLY = {"Call", "Consent", "Device", "Notice", "Overload"}


def deterministic(folder: Path) -> list[dict[str, Any]]:
    """The log without what only one of live and offline has."""
    found = []
    for event in events_of(folder):
        of_caller = event["type"].startswith("Voice") and event["channel"] == "caller"
        if event["type"] not in LIVE_ONLY and not of_caller:
            event.pop("wall_s", None)
            found.append(event)
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("calls")


@pytest.fixture(scope="module")
def part(place: Path) -> Path:
    """14 s of two people, with an interruption of the caller."""
    return excerpt(place, start=10.0, seconds=14.0)


@pytest.fixture(scope="module")
def calls(place: Path, part: Path) -> dict[str, Path]:
    """Call folders of four calls that run side by side."""
    running = {
        "noticed": LiveCall(place / "noticed", part, part, "--consent", "notice", *NO_WORDS),
        "own-side": LiveCall(place / "own-side", part, part, *NO_WORDS),
        "withdrawn": LiveCall(place / "withdrawn", part, part, "--consent", "notice", *NO_WORDS),
        "scrubbed": LiveCall(place / "scrubbed", part, part, "--consent", "notice", *NO_WORDS),
    }
    for call in running.values():
        call.await_sound()
    time.sleep(7.0)
    running["withdrawn"].order("refused")
    running["scrubbed"].order("scrub 3")
    for call in running.values():
        output = call.end()
        assert call.process.returncode == 0, output
    return {name: call.folder for name, call in running.items()}


def test_a_live_call_tells_what_its_recording_tells(
    calls: dict[str, Path], part: Path, tmp_path: Path
) -> None:
    folder = calls["noticed"]
    live = deterministic(folder)
    assert live == deterministic(analysed(part, tmp_path / "offline", "--no-words"))
    flac = folder / "audio" / "call.flac"
    assert live == deterministic(analysed(flac, tmp_path / "again", "--no-words"))
    sound, rate = soundfile.read(part, dtype="int16")
    kept, kept_rate = soundfile.read(flac, dtype="int16")
    assert kept_rate == rate == 16000
    assert np.array_equal(kept, sound)
    assert any(e["type"] == "CueOpened" for e in live)
    names = sorted(p.name for p in folder.iterdir())
    assert names == ["audio", "call.json", "events.jsonl", "prosody.npz"]
    assert [p.name for p in (folder / "audio").iterdir()] == ["call.flac"]
    CallDocument.model_validate_json((folder / "call.json").read_bytes())
    assert stat.S_IMODE(flac.stat().st_mode) == 0o600


def test_times_of_a_live_log_follow_the_sound(calls: dict[str, Path]) -> None:
    events = events_of(calls["noticed"])
    rows = [e for e in events if e["type"] in ("SpeechSegment", "CueOpened", "Overlap")]
    assert rows
    for row in rows:
        delay = row["wall_s"] - row["known_at"] / 16000
        assert 0 <= delay < 2.0  # how fast it is belongs to the benchmark
    walls = [e["wall_s"] for e in events]
    assert walls == sorted(walls)


def test_without_a_basis_nothing_of_the_caller_is_kept(calls: dict[str, Path]) -> None:
    folder = calls["own-side"]
    kept, _ = soundfile.read(folder / "audio" / "call.flac", dtype="int16")
    assert np.any(kept[:, 0])
    assert not np.any(kept[:, 1])
    events = events_of(folder)
    assert not [e for e in events if e.get("channel") == "caller" and e["type"] != "Device"]
    assert not [e for e in events if e["type"] in TELLS_OF_BOTH]
    assert [e["stored"] for e in events if e["type"] == "Consent"] == [["agent"]]
    # the ring needs to know that the caller speaks, and works all the same
    assert [e["cue"] for e in events if e["type"] == "CueOpened"] == ["C01"]
    document = document_of(folder)
    assert {s["role"] for s in document["segments"]} == {"agent"}
    assert document["overlaps"] == []
    assert document["metrics"]["M02"] is None
    assert "caller" in document["metrics"]["why_null"]["M02"]
    with np.load(folder / "prosody.npz") as curves:
        assert not [name for name in curves.files if name.startswith("caller")]


def test_no_level_or_pitch_of_the_caller_outlives_the_call(calls: dict[str, Path]) -> None:
    with np.load(calls["noticed"] / "prosody.npz") as curves:
        assert np.isnan(curves["caller_level_dbfs"]).all()
        assert np.isnan(curves["caller_f0_hz"]).all()
        assert curves["caller_speech"].any()
        assert np.isfinite(curves["agent_level_dbfs"]).all()
    events = events_of(calls["noticed"])
    assert not [e for e in events if e["type"] == "VoiceOpened" and e["channel"] == "caller"]


def test_a_caller_who_takes_it_back_leaves_nothing_behind(calls: dict[str, Path]) -> None:
    folder = calls["withdrawn"]
    kept, _ = soundfile.read(folder / "audio" / "call.flac", dtype="int16")
    assert np.any(kept[:, 0])
    assert not np.any(kept[:, 1])
    events = events_of(folder)
    assert not [e for e in events if e.get("channel") == "caller" and e["type"] != "Device"]
    assert [e["answer"] for e in events if e["type"] == "Consent"] == ["set", "withdrawn"]


def test_the_last_seconds_can_be_taken_back(calls: dict[str, Path]) -> None:
    folder = calls["scrubbed"]
    (scrub,) = [e for e in events_of(folder) if e["type"] == "Scrub"]
    start, end = scrub["span"]
    kept, _ = soundfile.read(folder / "audio" / "call.flac", dtype="int16")
    assert end - start == 3 * 16000
    assert not np.any(kept[start:end])
    assert np.any(kept[:start])
    assert np.any(kept[end:])


def test_consent_that_is_given_refused_and_a_pause(tmp_path: Path) -> None:
    part = excerpt(tmp_path, start=2.0, seconds=14.0)
    call = LiveCall(tmp_path / "live", part, part, "--consent", "asked", *NO_WORDS)
    call.await_sound(2.0)
    call.order("y")
    call.await_sound(4.0)
    call.order("private")
    call.await_sound(2.0)
    call.order("resume")
    call.await_sound(1.0)
    output = call.end()
    assert call.process.returncode == 0, output
    events = events_of(call.folder)
    given = next(e for e in events if e["type"] == "Consent" and e["stored"] == ["agent", "caller"])
    on, off = [e for e in events if e["type"] == "Pause"]
    assert (on["on"], off["on"], on["kind"]) == (True, False, "private")
    kept, _ = soundfile.read(call.folder / "audio" / "call.flac", dtype="int16")
    assert not np.any(kept[: given["span"][0], 1])
    assert np.any(kept[given["span"][0] : on["span"][0], 1])
    assert not np.any(kept[on["span"][0] + 3200 : off["span"][0]])  # 200 ms after the key (PRV-3)
    assert not [
        e
        for e in events
        if e["type"] == "SpeechSegment"
        and e["span"][1] > on["span"][0] + 4800
        and e["span"][0] < off["span"][0]
    ]
    gaps = [e for e in events if e["type"] == "Gap"]
    assert [g["reason"] for g in gaps] == ["private"]
    assert document_of(call.folder)["verdict"]["status"] == "ok"


def test_a_killed_session_leaves_its_sound_and_recovers_twice_alike(tmp_path: Path) -> None:
    part = excerpt(tmp_path, start=2.0, seconds=12.0)
    call = LiveCall(tmp_path / "live", part, part, "--consent", "notice", *NO_WORDS)
    call.await_sound(6.0)
    call.kill()
    assert not (call.folder / "call.json").exists()
    shutil.copytree(tmp_path / "live", tmp_path / "copy")
    run(["recover", str(tmp_path / "live"), "--quiet"])
    run(["recover", str(tmp_path / "copy"), "--quiet"])
    folder, twin = call.folder, next((tmp_path / "copy").iterdir())
    assert (folder / "call.json").read_bytes() == (twin / "call.json").read_bytes()
    assert (folder / "events.jsonl").read_bytes() == (twin / "events.jsonl").read_bytes()
    document = document_of(folder)
    assert document["verdict"]["status"] == "salvaged"
    sound, _ = soundfile.read(part, dtype="int16")
    kept, _ = soundfile.read(folder / "audio" / "call.flac", dtype="int16")
    assert len(kept) > 5.0 * 16000
    whole = len(kept) - 1600  # at the very end one side may be a block ahead of the other
    assert np.array_equal(kept[:whole], sound[:whole])
    again = run(["recover", str(tmp_path / "live"), "--json"])
    assert json.loads(again.stdout) == {"calls": []}


def test_a_killed_capture_process_is_replaced(tmp_path: Path) -> None:
    part = excerpt(tmp_path, start=2.0, seconds=14.0)
    call = LiveCall(tmp_path / "live", part, part, "--consent", "notice", *NO_WORDS)
    call.await_sound(4.0)
    call.helper("capture").kill()
    output = call.end()
    assert call.process.returncode == 0, output
    events = events_of(call.folder)
    (gap,) = [e for e in events if e["type"] == "Gap"]
    assert gap["reason"] == "capture_died"
    assert gap["span"][1] - gap["span"][0] < 4 * 16000
    sound, _ = soundfile.read(part, dtype="int16")
    kept, _ = soundfile.read(call.folder / "audio" / "call.flac", dtype="int16")
    lost = round(0.5 * 16000)  # DUR-1
    assert np.array_equal(kept[: gap["span"][0] - lost], sound[: gap["span"][0] - lost])
    after = gap["span"][1]
    assert np.array_equal(kept[after:], sound[after : len(kept)])
    assert len(kept) > 13 * 16000
    assert any(e["type"] == "SpeechSegment" and e["span"][0] > after for e in events)


@pytest.mark.weights
def test_words_of_both_sides_come_while_the_call_runs_and_survive_a_killed_recogniser(tmp_path: Path) -> None:
    part = excerpt(tmp_path, start=0.0, seconds=20.0)
    call = LiveCall(
        tmp_path / "live",
        part,
        part,
        "--consent",
        "notice",
        "--model",
        "tiny.en",
        "--log-interim",
        "--format",
        "json",
    )
    call.await_sound(8.0)
    call.helper("recogniser").kill()
    output = call.end()
    assert call.process.returncode == 0, output
    events = events_of(call.folder)
    words = [e for e in events if e["type"] == "Words" and e["items"]]
    assert {e["channel"] for e in words} == {"agent", "caller"}
    assert any(e["wall_s"] < 12.0 for e in words)
    spoken = " ".join(w["w"] for e in words for w in e["items"]).lower()
    assert "scanner" in spoken
    lines = [json.loads(line) for line in (call.folder / "interim.jsonl").read_text("utf-8").splitlines()]
    assert {"role", "begin", "end", "text", "stable", "wall_s"} == set(lines[0])
    assert {line["role"] for line in lines} == {"agent", "caller"}
    assert "caller: " in output
    assert document_of(call.folder)["call"]["model"]["id"] == "tiny.en"


def test_devices_that_are_not_there_are_told_in_one_sentence(tmp_path: Path) -> None:
    call = LiveCall(tmp_path / "live", "no such microphone", "nothing", *NO_WORDS)
    output = call.end()
    assert call.process.returncode == 4
    assert output.startswith("callcoach: ")
    assert output.count("\n") == 1
