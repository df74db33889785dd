"""IMP-3: no recording makes a decoder read another file."""

from __future__ import annotations

import contextlib
from pathlib import Path

import av
import pytest

from callcoach.errors import AudioFormatError
from callcoach.sources import av_reader, sniff
from callcoach.sources.av_reader import AvReader, open_container
from callcoach.sources.file import open_recording
from callcoach.sources.limits import DamageLog
from callcoach.sources.window import open_regular
from tests.support.opened import OpenedFiles
from tests.support.recordings import call_like, libav, sndfile

RATE = 16_000
LISTS = {
    "ffconcat": "ffconcat version 1.0\nfile canary.wav\n",
    "concat": "file 'canary.wav'\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:1,\ncanary.wav\n#EXT-X-ENDLIST\n",
    "dash": '<?xml version="1.0"?><MPD><Period><AdaptationSet><Representation><BaseURL>canary.wav</BaseURL>'
    "</Representation></AdaptationSet></Period></MPD>",
    "cue": 'FILE "canary.wav" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
    "pls": "[playlist]\nFile1=canary.wav\nNumberOfEntries=1\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a canary; relative names lead to it, so that a decoder would find it either way."""
    (tmp_path / "canary.wav").write_bytes(sndfile(call_like(RATE, 1.0), RATE, "WAV", "PCM_16"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_canary_is_real(folder: Path) -> None:
    """Without guards the same text does make the decoder read the other file, and the watch sees it."""
    (folder / "list.wav").write_text(LISTS["ffconcat"], encoding="utf-8")
    with OpenedFiles(folder) as opened:
        with av.open("list.wav", "r") as container:
            assert sum(frame.samples for frame in container.decode(audio=0)) == RATE
        assert "canary.wav" in opened.names()


@pytest.mark.parametrize("ending", [".wav", ".m4a", ".mp3", ".m3u8", ".flac", ".mkv"])
@pytest.mark.parametrize("text", LISTS)
def test_a_list_of_files_is_refused_and_opens_nothing(folder: Path, text: str, ending: str) -> None:
    path = folder / f"call{ending}"
    path.write_text(LISTS[text], encoding="utf-8")
    with OpenedFiles(folder) as opened:
        with pytest.raises(AudioFormatError):
            open_recording(path)
        assert opened.names() == {path.name}


@pytest.mark.parametrize("demuxer", ["concat", "hls", "dash", "image2", "lavfi", "sdp", "srt", "tee"])
def test_the_demuxer_list_is_closed(folder: Path, demuxer: str) -> None:
    """Even if the sniffer were wrong: libav itself is told which demuxers exist."""
    (folder / "list.wav").write_text(LISTS["ffconcat"], encoding="utf-8")
    window = open_regular(folder / "list.wav")
    with OpenedFiles(folder) as opened:
        with pytest.raises(av_reader.AV_ERRORS):
            open_container(window, demuxer)
        assert "canary.wav" not in opened.names()
    window.close()


def test_the_list_of_protocols_is_empty_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the first guard taken away the second one, the empty list of protocols, still holds."""
    (folder / "list.wav").write_text(LISTS["ffconcat"], encoding="utf-8")
    monkeypatch.setattr(av_reader, "DEMUXERS", sniff.DEMUXERS | {"concat"})
    with OpenedFiles(folder) as opened:
        window = open_regular(folder / "list.wav")
        with pytest.raises(av_reader.AV_ERRORS):
            open_container(window, "concat")
        window.close()
        assert "canary.wav" not in opened.names()


@pytest.mark.parametrize("kind", sniff.KINDS, ids=lambda kind: kind.demuxer)
@pytest.mark.parametrize("text", LISTS)
def test_no_accepted_demuxer_follows_a_list(folder: Path, kind: sniff.Kind, text: str) -> None:
    path = folder / "list.wav"
    path.write_text(LISTS[text] * 50, encoding="utf-8")
    window = open_regular(path)
    with OpenedFiles(folder) as opened:
        with contextlib.suppress(AudioFormatError):  # GSM has no header: any bytes are sound to its demuxer
            AvReader(window, "list.wav", kind, 0, DamageLog()).close()
        assert opened.names() == set()
    window.close()


def test_lists_pictures_and_devices_are_not_among_the_demuxers() -> None:
    forbidden = ("concat", "hls", "dash", "image", "pipe", "lavfi", "sdp", "rtsp", "rtp", "alsa", "fbdev",
                 "tty", "srt", "ass", "webvtt", "gif", "ffmetadata")  # fmt: skip
    assert not [name for name in sniff.DEMUXERS if any(word in name for word in forbidden)]
    assert all(name in av.formats_available or any(name in listed for listed in av.formats_available)
               for name in sniff.DEMUXERS)  # fmt: skip


def test_no_video_or_picture_decoder_may_run() -> None:
    for name in av_reader.CODECS:
        assert av.Codec(name, "r").type == "audio", name


def test_a_video_is_read_without_decoding_pictures(tmp_path: Path) -> None:
    path = tmp_path / "call.mp4"
    path.write_bytes(libav(call_like(RATE, 1.0), RATE, "mp4", "aac", video="mpeg4"))
    window = open_regular(path)
    container = open_container(window, "mov")
    assert container.streams.video[0].codec_context.name == "mpeg4"
    assert "mpeg4" not in av_reader.CODECS
    container.close()
    window.close()
