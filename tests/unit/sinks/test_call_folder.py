"""The call folder: whole files or none, private, complete."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from callcoach.contract import CallDocument, load_call
from callcoach.errors import ConfigError, StoreError
from callcoach.events import Channel
from callcoach.sinks.folder import ProsodyTrack, check_formats, write_call_folder
from callcoach.storage import atomic_file
from tests.support.call_documents import call_info, mono_document, small_document

HEADER = {"known_at": 0, "id": "call-1", "span": [0, 0], "type": "Call"}
ALL_FILES = [
    *("call.json", "contact-lens.json", "cues.csv", "events.jsonl", "metrics.csv", "overlaps.csv"),
    *("prosody.npz", "silences.csv", "transcript.csv", "transcript.srt", "turns.csv"),
]


def track(n: int) -> ProsodyTrack:
    f0 = np.full(n, 180.0, np.float32)
    f0[::2] = np.nan
    return ProsodyTrack(np.arange(n) * 0.016, np.full(n, -30.5, np.float32), f0, np.arange(n) % 3 == 0)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_everything_is_written_readable_by_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "example"
    old_mask = os.umask(0)
    try:
        written = write_call_folder(
            folder,
            small_document(),
            events=[HEADER, '{"type":"Turn"}'],
            prosody={Channel.AGENT: track(5), Channel.CALLER: track(5)},
            formats=("json", "csv", "srt", "contact-lens"),
        )
    finally:
        os.umask(old_mask)
    assert names(folder) == sorted(path.name for path in written) == ALL_FILES
    assert written[-1] == folder / "call.json"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert load_call(folder / "call.json") == small_document()
    lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines == ['{"type":"Call","span":[0,0],"known_at":0,"id":"call-1"}', '{"type":"Turn"}']


def test_prosody_has_the_keys_and_values_of_the_contract(tmp_path: Path) -> None:
    write_call_folder(tmp_path, small_document(), prosody={Channel.AGENT: track(7), Channel.CALLER: track(3)})
    with np.load(tmp_path / "prosody.npz", allow_pickle=False) as stored:
        assert sorted(stored) == [
            *("agent_f0_hz", "agent_level_dbfs", "agent_speech", "agent_t_s"),
            *("caller_f0_hz", "caller_level_dbfs", "caller_speech", "caller_t_s"),
        ]
        np.testing.assert_allclose(stored["agent_t_s"], np.arange(7) * 0.016)
        np.testing.assert_array_equal(stored["agent_speech"], np.arange(7) % 3 == 0)
        assert np.isnan(stored["agent_f0_hz"][::2]).all()
        assert stored["caller_level_dbfs"].tolist() == [-30.5] * 3
        assert [stored[f"agent_{key}"].dtype for key in ("t_s", "level_dbfs", "speech")] == ["f8", "f4", "?"]


def test_a_mono_recording_has_one_track_of_nobody(tmp_path: Path) -> None:
    write_call_folder(tmp_path, mono_document(), prosody={None: track(2)})
    with np.load(tmp_path / "prosody.npz") as stored:
        assert sorted(stored) == ["mono_f0_hz", "mono_level_dbfs", "mono_speech", "mono_t_s"]


def test_a_track_needs_arrays_of_one_length() -> None:
    with pytest.raises(ValueError, match="one length"):
        ProsodyTrack(np.zeros(2), np.zeros(3, np.float32), np.zeros(2, np.float32), np.zeros(2, bool))


def test_words_are_kept_in_utf8(tmp_path: Path) -> None:
    write_call_folder(tmp_path, small_document(call=call_info(source="Größe, 電話.wav")))
    assert "Größe, 電話.wav".encode() in (tmp_path / "call.json").read_bytes()


def test_exports_of_an_earlier_run_are_renewed(tmp_path: Path) -> None:
    write_call_folder(tmp_path, small_document(), formats=("json", "srt"))
    write_call_folder(tmp_path, mono_document())
    assert names(tmp_path) == ["call.json", "transcript.srt"]
    assert "Caller:" not in (tmp_path / "transcript.srt").read_text(encoding="utf-8")


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_behind(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_call_folder(tmp_path, small_document())
    before = (tmp_path / "call.json").read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(StoreError, match=r"Could not write .*call\.json: No space left on device; free some"):
        write_call_folder(tmp_path, mono_document())
    assert names(tmp_path) == ["call.json"]
    assert (tmp_path / "call.json").read_bytes() == before


def test_a_first_write_that_fails_leaves_no_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(StoreError):
        write_call_folder(tmp_path / "call", small_document())
    assert names(tmp_path / "call") == []


def test_an_interrupted_write_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupted() -> None:
        with atomic_file(tmp_path / "x") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(tmp_path) == []


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "call").write_text("x", encoding="utf-8")
    with pytest.raises(StoreError, match="Could not write"):
        write_call_folder(tmp_path / "call", small_document())


def test_unknown_formats_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Unknown --format pdf; choose from json, html, csv"):
        write_call_folder(tmp_path / "call", small_document(), formats=("json", "pdf"))
    assert names(tmp_path) == []
    assert check_formats(["json", "html"]) == {"json", "html"}


def test_the_record_is_written_whatever_the_formats(tmp_path: Path) -> None:
    write_call_folder(tmp_path, small_document(), formats=("csv",))
    document: CallDocument = load_call(tmp_path / "call.json")
    assert document.call.id == json.loads((tmp_path / "call.json").read_text(encoding="utf-8"))["call"]["id"]
