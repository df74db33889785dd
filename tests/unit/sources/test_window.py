"""The only way to a file: regular files alone, and reads that never raise."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from callcoach.errors import AudioFormatError
from callcoach.sources.file import open_recording
from callcoach.sources.window import display_name, open_regular
from tests.support.recordings import call_like, sndfile


def test_a_window_is_a_file_behind_a_header(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(range(100)))
    whole = open_regular(path)
    part = whole.window(10, 20, b"HEAD")
    assert (whole.size, part.size) == (100, 24)
    assert part.read() == b"HEAD" + bytes(range(10, 30))
    assert part.read() == b""
    part.seek(2)
    assert part.read(4) == b"AD" + bytes([10, 11])
    assert part.tell() == 6
    assert part.seek(-1, os.SEEK_END) == 23
    assert part.read(9) == bytes([29])
    assert whole.tell() == 0
    assert whole.at(98, 10) == bytes([98, 99])
    assert whole.window(95, 50).read() == bytes(range(95, 100))
    assert whole.window(500, 50).read() == b""
    assert part.seek(-5) == 0
    whole.close()


def test_a_failed_read_looks_like_the_end_and_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(100))
    window = open_regular(path)
    window.close()
    assert window.read() == b""
    assert isinstance(window.error, OSError)


def test_a_disk_error_in_the_middle_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(sndfile(call_like(16_000, 4.0), 16_000, "WAV", "PCM_16"))
    source = open_recording(path)
    blocks = source.blocks()
    first = next(blocks)
    source._window._raw.close()  # type: ignore[attr-defined]
    rest = sum(len(block) for block in blocks)
    assert len(first) + rest < 64_000
    assert source.verdict.status == "salvaged"
    assert any("disk" in reason for reason in source.verdict.reasons)
    source.close()


def test_a_file_that_shrinks_while_it_is_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(sndfile(call_like(16_000, 4.0), 16_000, "WAV", "PCM_16"))
    source = open_recording(path)
    blocks = source.blocks()
    found = len(next(blocks))
    os.truncate(path, 100_000)
    found += sum(len(block) for block in blocks)
    source.close()
    assert found < 30_000
    assert source.verdict.status == "salvaged"


def test_a_file_that_grows_while_it_is_read_ends_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(sndfile(call_like(16_000, 2.0), 16_000, "WAV", "PCM_16"))
    source = open_recording(path)
    with path.open("ab") as file:
        file.write(bytes(100_000))
    assert sum(len(block) for block in source.blocks()) == 32_000
    source.close()
    assert source.verdict.status == "ok"


@pytest.mark.skipif(os.name != "posix", reason="pipes have names on POSIX systems only")
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "call.wav")
    with pytest.raises(AudioFormatError, match="pipe or a device"):
        open_regular(tmp_path / "call.wav")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("call.wav", "call.wav"),
        ("a\nb\x1b[31m.wav", "a?b?[31m.wav"),
        ("電話.wav", "電話.wav"),
        ("\udcff.wav", "?.wav"),
        ("x" * 300, "x" * 99 + "…"),
    ],
)
def test_names_are_shown_in_one_printable_line(name: str, shown: str) -> None:
    assert display_name(Path("folder") / name) == shown


def test_a_null_character_in_a_name_is_refused() -> None:
    with pytest.raises(AudioFormatError):
        open_regular(Path("a\0b.wav"))
