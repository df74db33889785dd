"""Two mono files as one call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from callcoach.errors import AudioFormatError, ConfigError
from callcoach.ports import Audio, Source
from callcoach.sources.pair import open_pair
from tests.support.recordings import Samples, call_like, sndfile


def tone(rate: int, seconds: float, hertz: float = 440.0) -> Samples:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype(np.float32)[
        :, None
    ]


def save(path: Path, samples: Samples, rate: int, subtype: str = "FLOAT") -> Path:
    path.write_bytes(sndfile(samples, rate, "WAV", subtype))
    return path


def drain(source: Source) -> Audio:
    try:
        return np.concatenate(list(source.blocks()))
    finally:
        source.close()


def test_equal_files_are_put_side_by_side(tmp_path: Path) -> None:
    agent, caller = call_like(16_000, 3.3, 1, seed=1), call_like(16_000, 3.3, 1, seed=2)
    source = open_pair(save(tmp_path / "a.wav", agent, 16_000), save(tmp_path / "c.wav", caller, 16_000))
    assert (source.name, source.rate, source.channels) == ("a.wav + c.wav", 16_000, 2)
    assert source.declared_length == len(agent)
    assert np.array_equal(drain(source), np.hstack((agent, caller)))
    assert source.verdict.status == "ok"
    assert not source.verdict.reasons


@pytest.mark.parametrize(("agent_rate", "caller_rate"), [(8_000, 16_000), (16_000, 8_000), (44_100, 48_000)])
def test_different_rates_meet_at_the_higher_one(agent_rate: int, caller_rate: int, tmp_path: Path) -> None:
    source = open_pair(
        save(tmp_path / "a.wav", tone(agent_rate, 5.0), agent_rate),
        save(tmp_path / "c.wav", tone(caller_rate, 5.0), caller_rate),
    )
    rate = max(agent_rate, caller_rate)
    assert source.rate == rate
    got = drain(source)
    assert abs(len(got) - 5 * rate) <= 1
    inner = got[rate // 10 : -rate // 10]
    assert np.abs(inner[:, 0] - inner[:, 1]).max() < 1e-3  # no shift, no seam between blocks
    assert source.verdict.status == "ok"


@pytest.mark.parametrize("short", ["agent", "caller"])
def test_a_shorter_file_ends_in_marked_silence(short: str, tmp_path: Path) -> None:
    lengths = {"agent": 5.0, "caller": 5.0, short: 3.2}
    source = open_pair(
        save(tmp_path / "a.wav", tone(16_000, lengths["agent"]), 16_000),
        save(tmp_path / "c.wav", tone(16_000, lengths["caller"]), 16_000),
    )
    got = drain(source)
    assert len(got) == 80_000
    column = 0 if short == "agent" else 1
    assert not got[51_200:, column].any()
    assert got[51_200:, 1 - column].any()
    assert source.verdict.status == "salvaged"
    assert source.verdict.spans == [(51_200, 80_000)]
    assert source.verdict.reasons == [
        f"The {short}'s file ends 1.8 s before the other one; silence stands in its place."
    ]


def test_a_few_milliseconds_of_difference_are_no_damage(tmp_path: Path) -> None:
    source = open_pair(
        save(tmp_path / "a.wav", tone(16_000, 2.0), 16_000),
        save(tmp_path / "c.wav", tone(16_000, 2.02), 16_000),
    )
    assert len(drain(source)) == 32_320
    assert source.verdict.status == "ok"


def test_the_verdicts_of_both_files_are_carried_over(tmp_path: Path) -> None:
    damaged = tone(8_000, 4.0)
    damaged[8_000:8_100] = np.nan
    source = open_pair(
        save(tmp_path / "a.wav", tone(16_000, 4.0), 16_000), save(tmp_path / "c.wav", damaged, 8_000)
    )
    got = drain(source)
    assert np.isfinite(got).all()
    assert source.verdict.status == "salvaged"
    assert source.verdict.nan_samples == 100
    assert source.verdict.spans == [(16_000, 16_200)]
    assert source.verdict.reasons[0].startswith("Caller's file: ")


def test_a_stereo_file_is_refused(tmp_path: Path) -> None:
    mono = save(tmp_path / "mono.wav", tone(16_000, 1.0), 16_000)
    stereo = save(tmp_path / "stereo.wav", call_like(16_000, 1.0), 16_000)
    for pair in ((mono, stereo), (stereo, mono)):
        with pytest.raises(ConfigError, match=r"stereo\.wav has 2 channels"):
            open_pair(*pair)


def test_the_same_file_twice_is_refused(tmp_path: Path) -> None:
    mono = save(tmp_path / "mono.wav", tone(16_000, 1.0), 16_000)
    with pytest.raises(ConfigError, match=r"Both files of the pair are mono\.wav"):
        open_pair(mono, mono)


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    mono = save(tmp_path / "mono.wav", tone(16_000, 1.0), 16_000)
    (tmp_path / "bad.wav").write_bytes(b"")
    with pytest.raises(AudioFormatError, match=r"bad\.wav is empty"):
        open_pair(mono, tmp_path / "bad.wav")
    with pytest.raises(AudioFormatError, match=r"bad\.wav is empty"):
        open_pair(tmp_path / "bad.wav", mono)
