"""Reading a call folder: every way in which it can be incomplete, old, foreign or hostile."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from callcoach.events import Channel
from callcoach.sources.stored_call import (
    MOST_LINE_BYTES,
    CallFolderError,
    is_whole,
    read_call,
    read_curves,
)
from tests.support.stored import store

Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store(tmp_path_factory.mktemp("stored"))


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "a call"))


def refused(folder: Path) -> str:
    with pytest.raises(CallFolderError) as found:
        read_call(folder)
    assert found.value.exit_status == 3
    text = str(found.value)
    assert "\n" not in text
    return text


def test_a_whole_folder(folder: Path) -> None:
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    call = read_call(folder)
    assert call.header.channel_mode == "dual"
    assert call.duration_ms == 60_000
    assert call.hops == 60 * 16_000 // 256
    assert {len(a) for c in Channel for a in call.columns[c].values()} == {call.hops}
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


@pytest.mark.parametrize("name", ["call.json", "events.jsonl", "prosody.npz"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert name in refused(folder)


@pytest.mark.parametrize("name", ["call.json", "events.jsonl", "prosody.npz"])
def test_a_pipe_is_not_waited_for(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert f"{name} in a call is not a file" in refused(folder)


def test_what_is_no_folder(tmp_path: Path) -> None:
    assert "is not a call folder" in refused(tmp_path / "nothing")
    assert "\x1b" not in refused(tmp_path / "\x1b[31m")


def rewritten(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the document and the header alike."""
    path = folder / "call.json"
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(json.dumps(document), "utf-8")


def lines(folder: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    path = folder / "events.jsonl"
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    change(records)
    path.write_text("".join(json.dumps(r) + "\n" for r in records), "utf-8")


@pytest.mark.parametrize(("mode", "word"), [("mono", "one channel"), ("transcript", "transcript")])
def test_calls_without_two_channels_of_sound(folder: Path, mode: str, word: str) -> None:
    lines(folder, lambda r: r[0].update(channel_mode=mode))
    assert word in refused(folder)


def test_a_rejected_recording(folder: Path) -> None:
    rewritten(folder, lambda d: d["verdict"].update(status="rejected"))
    assert "rejected" in refused(folder)


def test_files_of_two_recordings(folder: Path) -> None:
    rewritten(folder, lambda d: d["call"].update(id="0" * 16))
    assert "different recordings" in refused(folder)


def arrays(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "prosody.npz"
    with np.load(path) as stored:
        columns = dict(stored)
    change(columns)
    np.savez_compressed(path, **columns)


def test_an_older_version_without_what_a_replay_needs(folder: Path) -> None:
    arrays(folder, lambda c: c.pop("caller_nuclei"))
    assert "older version" in refused(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.pop("agent_level_dbfs"),
        lambda c: c.update(agent_active=c["agent_active"][:-2]),
        lambda c: c.update(agent_active=c["agent_active"] + 1),
        lambda c: c.update(agent_active=c["agent_active"].astype(np.int64)),
        lambda c: c.update(agent_level_dbfs=c["agent_level_dbfs"] * np.nan),
        lambda c: c.update(agent_f0_hz=c["agent_f0_hz"] * 0),
        lambda c: c.update(caller_floor_dbfs=c["caller_floor_dbfs"][:, None]),
        lambda c: c.update(caller_clipped=c["caller_clipped"] + np.uint16(300)),
        lambda c: c.update(caller_nuclei=c["caller_nuclei"] - 3),
    ],
)
def test_damaged_curves(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    arrays(folder, change)
    assert "prosody.npz in a call is damaged" in refused(folder)


def test_pickled_objects_are_not_loaded(folder: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (folder / "trapped",))

    path = folder / "prosody.npz"
    with np.load(path) as stored:
        columns = dict(stored)
    columns["agent_active"] = np.array([Trap()], dtype=object)
    np.savez_compressed(path, **columns)
    refused(folder)
    assert not (folder / "trapped").exists()


def member(shape: tuple[int, ...], data: bytes) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": "|i1", "fortran_order": False, "shape": shape})
    return out.getvalue() + data


@pytest.mark.parametrize(
    "content",
    [member((1 << 40,), b""), member((10,), b"x"), member((1,), b"x" * 50), b"", b"\x93NUMPY\x02\x00"],
)
def test_an_array_that_lies_about_its_size(folder: Path, content: bytes) -> None:
    path = folder / "prosody.npz"
    with zipfile.ZipFile(path) as archive:
        kept = {n: archive.read(n) for n in archive.namelist()}
    kept["agent_active.npy"] = content
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in kept.items():
            archive.writestr(name, data)
    assert "damaged" in refused(folder)


def test_an_archive_with_a_large_directory_is_not_opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(folder / "prosody.npz", "a") as archive:
        for i in range(2000):
            archive.writestr(f"{i:060}", b"")

    def opened(*_: object) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr(zipfile, "ZipFile", opened)
    assert "damaged" in refused(folder)


@pytest.mark.parametrize("size", [0, 10, 41, 1000])
def test_an_archive_cut_short(folder: Path, size: int) -> None:
    path = folder / "prosody.npz"
    path.write_bytes(path.read_bytes()[:size])
    assert "damaged" in refused(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.pop(0),
        lambda r: r.append(dict(r[0])),
        lambda r: r.insert(3, dict(r[-1])),
        lambda r: r[4].update(known_at=1 << 50),
        lambda r: r[4].update(type="Nothing"),
        lambda r: r[4].update(span=[5, 1]),
        lambda r: r[4].update(span=[0, True]),
        lambda r: r[4].update(channel=7),
        lambda r: r.clear(),
        lambda r: r[-40:].clear() or r.__setitem__(slice(None), [e for e in r if e["type"] != "CallEnded"]),
        lambda r: next(e for e in r if e["type"] == "CallEnded").update(known_at=512 * 9),
    ],
)
def test_damaged_logs(folder: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    lines(folder, change)
    assert "events.jsonl" in refused(folder)


@pytest.mark.parametrize(
    "line",
    [b"{" * 9000, b"[" * 100_000, b"\xff\xfe", b"NaN", b"1" * 5000, b"x" * (MOST_LINE_BYTES + 5), b"null"],
)
def test_hostile_lines(folder: Path, line: bytes) -> None:
    path = folder / "events.jsonl"
    first, _, rest = path.read_bytes().partition(b"\n")
    path.write_bytes(first + b"\n" + line + b"\n" + rest)
    assert "events.jsonl" in refused(folder)


def test_words_of_a_call_never_stand_in_a_message(folder: Path) -> None:
    record = {
        "type": "Words",
        "span": [0, 9],
        "known_at": 9,
        "channel": "agent",
        "items": [{"w": "secret", "p": 1}],
    }
    lines(folder, lambda r: r.insert(1, record))
    assert "secret" not in refused(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 10_000, '{"call": 3}'])
def test_damaged_documents(folder: Path, text: str) -> None:
    (folder / "call.json").write_text(text, "utf-8")
    assert "call.json in a call is damaged" in refused(folder)


# -- curves alone ------------------------------------------------------------------------------------------


def test_curves_need_nothing_but_their_file(folder: Path) -> None:
    whole = read_call(folder)
    for name in ("call.json", "events.jsonl"):
        (folder / name).unlink()
    curves = read_curves(folder, list(Channel))
    assert curves.keys() == set(Channel)
    for channel in Channel:
        assert is_whole(curves[channel])
        assert curves[channel]["speech"].dtype == np.bool_
        for name, column in whole.columns[channel].items():
            assert np.array_equal(curves[channel][name], column, equal_nan=name == "f0_hz")


def test_curves_of_a_side_may_be_missing_or_say_only_when_it_spoke(folder: Path) -> None:
    def cut(found: dict[str, Any]) -> None:
        for name in [
            n for n in found if n.startswith("caller_") and n not in ("caller_speech", "caller_active")
        ]:
            del found[name]

    arrays(folder, cut)
    curves = read_curves(folder, list(Channel))
    assert curves[Channel.CALLER].keys() == {"speech", "active"}
    assert not is_whole(curves[Channel.CALLER])
    arrays(folder, lambda found: [found.pop(n) for n in list(found) if n.startswith("caller_")])
    assert read_curves(folder, list(Channel)).keys() == {Channel.AGENT}
    assert read_curves(folder, [None]) == {}


def test_curves_with_values_out_of_range_are_not_whole(folder: Path) -> None:
    arrays(folder, lambda found: found["agent_level_dbfs"].fill(np.nan))
    curves = read_curves(folder, list(Channel))
    assert not is_whole(curves[Channel.AGENT])
    assert is_whole(curves[Channel.CALLER])


def test_curves_that_differ_in_length_are_damaged(folder: Path) -> None:
    arrays(folder, lambda found: found.update(agent_f0_hz=found["agent_f0_hz"][:-2]))
    with pytest.raises(CallFolderError, match="damaged"):
        read_curves(folder, list(Channel))
