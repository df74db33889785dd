"""Channels, tracks, values, blocks and lengths of one recording."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from callcoach.errors import AudioFormatError, ConfigError
from callcoach.ports import Audio, Source
from callcoach.sources.file import open_recording
from tests.support.recordings import call_like, libav, pcm16, sndfile, wav

RATE = 16_000


def drain(source: Source) -> Audio:
    try:
        return np.concatenate(list(source.blocks()))
    finally:
        source.close()


@pytest.fixture
def four(tmp_path: Path) -> Path:
    """Four channels with the constant values 0.1, 0.2, 0.3, 0.4."""
    path = tmp_path / "four.wav"
    path.write_bytes(sndfile(np.tile(np.float32([0.1, 0.2, 0.3, 0.4]), (RATE, 1)), RATE, "WAV", "FLOAT"))
    return path


@pytest.mark.parametrize(
    ("agent", "caller", "values"),
    [
        (0, None, (0.1, 0.2)),
        (1, None, (0.2, 0.1)),
        (3, None, (0.4, 0.1)),
        (2, 3, (0.3, 0.4)),
        (0, 2, (0.1, 0.3)),
    ],
)
def test_agent_and_caller_are_the_chosen_channels(
    four: Path, agent: int, caller: int | None, values: tuple[float, float]
) -> None:
    source = open_recording(four, agent_channel=agent, caller_channel=caller)
    assert source.channels == 2
    assert drain(source)[5] == pytest.approx(values)


@pytest.mark.parametrize(("agent", "caller"), [(4, None), (0, 4), (-1, None), (0, -1)])
def test_a_channel_that_does_not_exist_is_named_with_the_count(
    four: Path, agent: int, caller: int | None
) -> None:
    with pytest.raises(ConfigError, match=r"four\.wav has 4 channels.*no channel -?\d"):
        open_recording(four, agent_channel=agent, caller_channel=caller)


def test_agent_and_caller_cannot_share_a_channel(four: Path) -> None:
    with pytest.raises(ConfigError, match="cannot both be on channel 2"):
        open_recording(four, agent_channel=2, caller_channel=2)


def test_a_mono_file_has_one_column(tmp_path: Path) -> None:
    path = tmp_path / "mono.wav"
    path.write_bytes(sndfile(call_like(RATE, 2.5, 1), RATE, "WAV", "PCM_16"))
    source = open_recording(path)
    assert (source.channels, source.rate, source.declared_length) == (1, RATE, 40_000)
    assert drain(source).shape == (40_000, 1)
    for channels in ({"agent_channel": 1}, {"caller_channel": 1}):
        with pytest.raises(ConfigError, match="has 1 channel,"):
            open_recording(path, **channels)


def test_a_track_of_a_video_can_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "call.mkv"
    path.write_bytes(
        libav(call_like(RATE, 2.0), RATE, "matroska", "flac", tracks=2)
    )  # the second one has half the level
    first, second = (drain(open_recording(path, audio_track=track)) for track in (0, 1))
    assert np.abs(first).max() == pytest.approx(2 * np.abs(second).max(), rel=0.01)
    with pytest.raises(ConfigError, match=r"2 audio track.* no track 2"):
        open_recording(path, audio_track=2)
    (tmp_path / "call.wav").write_bytes(sndfile(call_like(RATE, 1.0), RATE, "WAV", "PCM_16"))
    with pytest.raises(ConfigError, match="1 audio track"):
        open_recording(tmp_path / "call.wav", audio_track=1)


@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"]
)
@pytest.mark.parametrize("form", ["WAV", "W64", "AIFF", "AU", "CAF", "RF64"])
def test_samples_are_those_of_libsndfile(form: str, subtype: str, tmp_path: Path) -> None:
    if not sf.check_format(form, subtype):
        subtype = subtype.replace("PCM_U8", "PCM_S8")
    if not sf.check_format(form, subtype):
        pytest.skip(f"{form} holds no {subtype}")
    path = tmp_path / "call"
    path.write_bytes(sndfile(call_like(RATE, 1.3, 3), RATE, form, subtype))
    with path.open("rb") as file:
        expected = sf.read(file, dtype="float32")[0]
    source = open_recording(path, agent_channel=2, caller_channel=0)
    assert source.declared_length == len(expected)
    got = drain(source)
    assert np.array_equal(got, expected[:, [2, 0]])
    assert source.verdict.status == "ok"
    assert not source.verdict.reasons


@pytest.mark.parametrize(
    ("form", "codec", "tolerance"),
    [("flac", "flac", 2e-5), ("ipod", "alac", 2e-5), ("mov", "pcm_s16be", 4e-5)],
)
def test_lossless_compression_gives_the_samples_back(
    form: str, codec: str, tolerance: float, tmp_path: Path
) -> None:
    audio = call_like(RATE, 2.2)
    path = tmp_path / "call"
    path.write_bytes(libav(audio, RATE, form, codec))
    got = drain(open_recording(path))
    assert got.shape == audio.shape
    assert np.abs(got - audio).max() < tolerance


@pytest.mark.parametrize(
    ("form", "codec"),
    [("mp3", "libmp3lame"), ("ogg", "libopus"), ("webm", "libopus"), ("ipod", "aac"), ("matroska", "aac")],
)
def test_compressed_sound_starts_where_the_call_starts(form: str, codec: str, tmp_path: Path) -> None:
    """The delay of the encoder is taken off: what is heard at 1.5 s was said at 1.5 s."""
    audio = call_like(RATE, 3.0)
    path = tmp_path / "call"
    path.write_bytes(libav(audio, RATE, form, codec, bit_rate=64_000))
    source = open_recording(path)
    step = source.rate // RATE
    got = drain(source)[::step, 0][: len(audio)]
    middle = audio[RATE : 2 * RATE, 0]
    lags = range(-1_600, 1_601, 4)
    scores = [float(np.dot(middle, got[RATE + lag : 2 * RATE + lag])) for lag in lags]
    assert abs(lags[int(np.argmax(scores))]) <= 16  # 1 ms


def test_blocks_last_about_a_second_and_come_once(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(sndfile(call_like(RATE, 3.5), RATE, "WAV", "PCM_16"))
    source = open_recording(path)
    assert [len(block) for block in source.blocks()] == [RATE, RATE, RATE, RATE // 2]
    with pytest.raises(RuntimeError):
        source.blocks()
    source.close()
    source.close()


def test_a_closed_source_does_not_pretend_to_have_ended(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(sndfile(call_like(RATE, 3.5), RATE, "WAV", "PCM_16"))
    source = open_recording(path)
    blocks = source.blocks()
    next(blocks)
    source.close()
    with pytest.raises(RuntimeError, match="closed"):
        next(blocks)


def test_values_that_are_no_numbers_become_counted_silence(tmp_path: Path) -> None:
    audio = call_like(RATE, 2.0)
    damaged = audio.copy()
    damaged[100:110, 0] = np.nan
    damaged[105:120, 1] = np.inf
    damaged[20_000, 1] = -1e30
    damaged[31_000:31_010] = 1e-41
    path = tmp_path / "call.wav"
    path.write_bytes(sndfile(damaged, RATE, "WAV", "FLOAT"))
    source = open_recording(path)
    got = drain(source)
    assert source.verdict.status == "salvaged"
    assert source.verdict.nan_samples == 10 + 15 + 1
    assert source.verdict.spans == [(100, 120), (20_000, 20_001)]
    bad = ~np.isfinite(damaged) | (np.abs(damaged) > 1e20)
    assert not got[bad].any()
    assert not got[31_000:31_010].any()
    bad[31_000:31_010] = True
    assert np.array_equal(got[~bad], audio[~bad])


def test_only_the_chosen_channels_count(tmp_path: Path) -> None:
    audio = np.zeros((RATE, 3), np.float32)
    audio[:, 2] = np.nan
    path = tmp_path / "call.wav"
    path.write_bytes(sndfile(audio, RATE, "WAV", "FLOAT"))
    source = open_recording(path)
    drain(source)
    assert (source.verdict.status, source.verdict.nan_samples) == ("ok", 0)


def test_many_damaged_places_do_not_fill_the_memory(tmp_path: Path) -> None:
    audio = np.zeros((RATE * 600, 1), np.float32)
    audio[:: RATE // 8] = np.nan
    path = tmp_path / "call.wav"
    path.write_bytes(sndfile(audio, RATE, "WAV", "FLOAT"))
    source = open_recording(path)
    drain(source)
    assert source.verdict.nan_samples == 4_800
    assert len(source.verdict.spans) <= 4_096
    assert source.verdict.spans[0][0] == 0
    assert source.verdict.spans[-1][1] == 599 * RATE + 7 * RATE // 8 + 1


@pytest.mark.parametrize(
    ("size", "status", "found", "declared"),
    [
        (0, "ok", 32_000, None),
        (0xFFFF_FFFF, "ok", 32_000, None),
        (0x7FFF_FFFF, "ok", 32_000, None),
        (64_000, "salvaged", 16_000, 16_000),
        (256_000, "salvaged", 32_000, 64_000),
        (129_000, "ok", 32_000, 32_250),
    ],
)
def test_the_length_in_the_header_is_checked(
    size: int, status: str, found: int, declared: int | None, tmp_path: Path
) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(wav(pcm16(call_like(RATE, 2.0)), size=size))
    source = open_recording(path)
    assert source.declared_length == declared
    assert len(drain(source)) == found
    assert source.verdict.status == status
    if size == 64_000:
        assert "64000 bytes" in source.verdict.reasons[0]
    if size == 256_000:
        assert source.verdict.reasons == ["The header promises 4.0 s but the file holds 2.0 s."]


@pytest.mark.parametrize("form", ["wav", "flac"])
def test_memory_does_not_grow_with_the_length(form: str, tmp_path: Path) -> None:
    path = tmp_path / "call"
    second = call_like(8_000, 1.0)
    with sf.SoundFile(path, "w", 8_000, 2, "PCM_16", format=form.upper()) as file:
        for _ in range(1_200):
            file.write(second)
    tracemalloc.start()
    source = open_recording(path)
    found = sum(len(block) for block in source.blocks())
    source.close()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == 1_200 * 8_000  # 77 MB as float32
    assert peak < 5_000_000


def test_a_source_leaves_no_file_open(tmp_path: Path) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("needs /proc")
    good, bad = tmp_path / "good.m4a", tmp_path / "bad.m4a"
    data = libav(call_like(RATE, 1.0), RATE, "ipod", "aac")
    good.write_bytes(data)
    bad.write_bytes(data[:200])
    before = len(list(descriptors.iterdir()))
    for _ in range(20):
        drain(open_recording(good))
        with pytest.raises(AudioFormatError):
            open_recording(bad)
        with pytest.raises(ConfigError):
            open_recording(good, agent_channel=9)
    assert len(list(descriptors.iterdir())) <= before + 1
