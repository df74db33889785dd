"""Curves of delivery that survive their process."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from callcoach.core.delivery.ticks import HopColumns
from callcoach.core.syllables import SyllableTrack
from callcoach.errors import StoreError
from callcoach.events import Channel
from callcoach.live.curves import (
    CURVES_NAME,
    CurveLog,
    measure,
    measure_from,
    read_curve_log,
    recovered_prosody,
)
from callcoach.sources.stored_call import CallFolderError
from tests.support.live_logs import COLUMNS, analysed, speech
from tests.support.running import analyzer, equal, read

NAME = "s02_interrupted_scanner"


def columns(hops: int, seed: int = 0) -> HopColumns:
    rng = np.random.default_rng(seed)
    f0 = rng.uniform(80, 300, hops)
    f0[::3] = np.nan
    return HopColumns.of(
        rng.uniform(-90, 0, hops),
        f0,
        rng.integers(0, 2, hops),
        rng.integers(0, 2, hops),
        rng.integers(0, 2, hops),
        rng.uniform(-75, -30, hops),
        rng.integers(0, 257, hops),
    )


def part(hops: HopColumns, first: int, last: int) -> HopColumns:
    return HopColumns(**{n: getattr(hops, n)[first:last] for n in COLUMNS})


def same(a: HopColumns, b: HopColumns) -> bool:
    return all(np.array_equal(getattr(a, n), getattr(b, n), equal_nan=n == "f0_hz") for n in COLUMNS)


def written(folder: Path, both: dict[Channel | None, HopColumns], step: int = 100) -> bytes:
    hops = max(len(c.level_dbfs) for c in both.values())
    with CurveLog(folder) as log:
        for at in range(0, hops, step):
            for channel, whole in both.items():
                log.append(channel, at, part(whole, at, at + step))
    return (folder / CURVES_NAME).read_bytes()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    both: dict[Channel | None, HopColumns] = {Channel.AGENT: columns(950), Channel.CALLER: columns(950, 1)}
    written(tmp_path, both)
    found = read_curve_log(tmp_path)
    assert found.keys() == both.keys()
    assert all(same(found[c], both[c]) for c in both)
    assert (tmp_path / CURVES_NAME).stat().st_mode & 0o777 == 0o600


def test_a_long_stretch_is_split(tmp_path: Path) -> None:
    both: dict[Channel | None, HopColumns] = {None: columns(10_000)}
    written(tmp_path, both, step=10_000)
    assert same(read_curve_log(tmp_path)[None], both[None])


def test_a_torn_file_ends_where_all_sides_do(tmp_path: Path) -> None:
    both: dict[Channel | None, HopColumns] = {Channel.AGENT: columns(500), Channel.CALLER: columns(500, 1)}
    whole = written(tmp_path, both)
    path = tmp_path / CURVES_NAME
    for cut in range(0, len(whole), 97):
        path.write_bytes(whole[:cut])
        found = read_curve_log(tmp_path)
        hops = {len(c.level_dbfs) for c in found.values()}
        assert len(hops) <= 1
        for channel, kept in found.items():
            assert same(kept, part(both[channel], 0, len(kept.level_dbfs)))
    assert hops == {400}


def test_a_flipped_byte_ends_it(tmp_path: Path) -> None:
    whole = written(tmp_path, {Channel.AGENT: columns(500)})
    path = tmp_path / CURVES_NAME
    rng = np.random.default_rng(1)
    for at in rng.integers(0, len(whole), 60):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :])
        record = len(whole) // 5
        kept = read_curve_log(tmp_path).get(Channel.AGENT)
        found = 0 if kept is None else len(kept.level_dbfs)
        assert found == 100 * (at // record)


def test_a_hole_ends_it(tmp_path: Path) -> None:
    whole = columns(300)
    with CurveLog(tmp_path) as log:
        log.append(Channel.AGENT, 0, part(whole, 0, 100))
        log.append(Channel.AGENT, 200, part(whole, 200, 300))
    assert len(read_curve_log(tmp_path)[Channel.AGENT].level_dbfs) == 100


def test_without_a_file_there_is_nothing(tmp_path: Path) -> None:
    assert read_curve_log(tmp_path) == {}


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / CURVES_NAME).mkdir()
    with pytest.raises(CallFolderError):
        read_curve_log(tmp_path)
    with pytest.raises(StoreError):
        CurveLog(tmp_path)


def test_a_log_may_be_closed_twice_and_goes_when_it_is_told_to(tmp_path: Path) -> None:
    log = CurveLog(tmp_path)
    log.close()
    log.remove()
    assert not (tmp_path / CURVES_NAME).exists()


def test_curves_of_a_running_call_are_final(tmp_path: Path) -> None:
    """What lies a tick and the lag of the syllables behind the sound does not change any more."""
    audio, rate = read(NAME, seconds=40)
    running = analyzer(rate)
    first = 0
    with CurveLog(tmp_path) as log:
        for block in equal(audio, 800):
            running.push(block)
            track = running.tracks[0]
            last = len(track.levels) - SyllableTrack.LAG - 16
            if last - first >= 64:
                log.append(track.channel, first, track.hops(first, last))
                first = last
    running.finish()
    kept = read_curve_log(tmp_path)[Channel.AGENT]
    assert len(kept.level_dbfs) == first > 2300
    assert same(kept, running.tracks[0].hops(0, first))


# -- stored audio ------------------------------------------------------------------------------------------


def test_levels_of_the_audio_are_those_of_the_analysis() -> None:
    audio, _ = read(NAME, seconds=30)
    pcm = np.round(audio * 32768).astype(np.int16)
    call = analysed(NAME, words=False, seconds=30)
    blocks = [(at, pcm[at : at + 7001]) for at in range(0, len(pcm), 7001)]
    length, found = measure(blocks)
    assert length == len(pcm)
    for channel in Channel:
        level = found[channel].level_dbfs
        wanted = call.curves.columns[channel].level_dbfs
        assert level.shape == wanted.shape
        np.testing.assert_allclose(level, wanted, atol=1e-4)
        assert found[channel].clipped == call.curves.columns[channel].clipped.sum()
        assert found[channel].loudest == pytest.approx(
            float(np.abs(audio[:, 0 if channel is Channel.AGENT else 1]).max())
        )


def test_clipping_offset_and_silence_are_measured() -> None:
    pcm = np.zeros((32_000, 2), np.int16)
    pcm[100:200, 0] = 32_767
    pcm[:, 1] = 3277
    length, found = measure([(0, pcm)])
    assert length == 32_000
    assert found[Channel.AGENT].clipped == 100
    assert found[Channel.CALLER].offset == pytest.approx(0.1, abs=0.02)
    assert found[Channel.CALLER].clipped == 0
    assert measure([]) == (
        0,
        {c: dataclasses.replace(found[c], levels=[], clipped=0, loudest=0.0, offset=0.0) for c in Channel},
    )


def test_where_columns_are_kept_only_the_end_is_measured() -> None:
    rng = np.random.default_rng(0)
    pcm = rng.integers(-9000, 9000, (20 * 16_000, 2), np.int16) + np.array([300, -200], np.int16)
    _, whole = measure([(0, pcm)])
    kept = part(columns(15 * 16_000 // 256), 0, 15 * 16_000 // 256)
    start = measure_from({Channel.AGENT: kept})
    assert start % 512 == 0
    assert 9.9 < start / 16_000 <= 10
    length, end = measure([(start, pcm[start:])], start)
    assert length == len(pcm)
    hops = len(whole[Channel.AGENT].level_dbfs)
    curves = [recovered_prosody(hops, [], {Channel.AGENT: kept}, m)[Channel.AGENT] for m in (whole, end)]
    np.testing.assert_allclose(curves[0].level_dbfs, curves[1].level_dbfs, atol=0.01)
    assert measure_from({}) == 0
    assert measure_from({Channel.CALLER: kept}) == 0


def test_a_hole_in_the_audio_is_an_error() -> None:
    with pytest.raises(ValueError, match="follows"):
        measure([(0, np.zeros((10, 2), np.int16)), (11, np.zeros((10, 2), np.int16))])


def test_recovered_curves_are_as_whole_as_can_be() -> None:
    rng = np.random.default_rng(0)
    _, measured = measure([(0, rng.integers(-9000, 9000, (256 * 100, 2), np.int16))])
    kept = columns(60)
    runs = [speech(Channel.AGENT, 0.5, 1.0), speech(Channel.CALLER, 0, 0.1)]
    tracks = recovered_prosody(120, runs, {Channel.AGENT: kept}, measured)
    agent, caller = tracks[Channel.AGENT], tracks[Channel.CALLER]
    assert {len(a) for t in tracks.values() for a in (t.t_s, t.level_dbfs, t.f0_hz, t.speech)} == {120}
    np.testing.assert_array_equal(agent.level_dbfs[:60], kept.level_dbfs)
    np.testing.assert_array_equal(agent.level_dbfs[60:100], measured[Channel.AGENT].level_dbfs[60:])
    assert (agent.level_dbfs[100:] == -180).all()
    np.testing.assert_array_equal(agent.f0_hz[:60], kept.f0_hz)
    assert np.isnan(agent.f0_hz[60:]).all()
    assert np.isnan(caller.f0_hz).all()
    assert np.flatnonzero(agent.speech).tolist() == list(range(31, 63))
    assert agent.more == {}
    shorter = recovered_prosody(40, runs, {Channel.AGENT: kept}, measured, [Channel.AGENT])
    assert shorter.keys() == {Channel.AGENT}
    assert len(shorter[Channel.AGENT].f0_hz) == 40
