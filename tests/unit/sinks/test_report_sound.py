"""The sound inside the report: small, in place, with its envelope."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile as sf

from callcoach.events import Channel
from callcoach.sinks.report import encode_audio
from tests.support.call_documents import mono_document, small_document
from tests.support.report_calls import (
    RATE,
    blocks,
    sound,
    tracks,
)


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 2), (8000, 2), (44_100, 1), (48_000, 2)])
def test_the_sound_keeps_length_place_and_sides(rate: int, channels: int) -> None:
    n = rate * 5
    at = np.arange(n) / rate
    samples = np.zeros((n, channels), np.float32)
    samples[:, 0] = np.where((at > 1) & (at < 2), 0.5 * np.sin(2 * np.pi * 440 * at), 0)
    if channels == 2:
        samples[:, 1] = np.where((at > 3) & (at < 4), 0.25 * np.sin(2 * np.pi * 700 * at), 0)
    audio = encode_audio(blocks(samples, 7777), rate)
    assert audio.mime == "audio/mpeg"
    heard, heard_rate = sf.read(io.BytesIO(audio.data), dtype="float32", always_2d=True)
    assert (heard_rate, heard.shape[1]) == (16_000, channels)
    assert abs(len(heard) / heard_rate - 5) < 0.05
    for column, (begin, end, height) in enumerate([(1, 2, 0.5), (3, 4, 0.25)][:channels]):
        loud = np.flatnonzero(np.abs(heard[:, column]) > 0.2 * height) / heard_rate
        assert (loud[0], loud[-1]) == (pytest.approx(begin, abs=0.01), pytest.approx(end, abs=0.01))
        assert float(np.abs(heard[:, column]).max()) == pytest.approx(height, rel=0.15)
    assert audio.peaks is not None
    assert audio.peaks.shape == (250, channels)
    assert float(audio.peaks[75, 0]) == pytest.approx(0.5, rel=0.02)
    assert float(audio.peaks[25, 0]) < 0.01


def test_the_cut_of_the_blocks_does_not_matter() -> None:
    samples = sound(small_document())[: 16_000 * 9 + 123]
    whole, pieces = encode_audio(blocks(samples, 10**9), RATE), encode_audio(blocks(samples, 1017), RATE)
    assert whole.data == pieces.data
    assert whole.peaks is not None
    assert pieces.peaks is not None
    assert np.array_equal(whole.peaks, pieces.peaks)


def test_ten_minutes_of_two_channels_stay_below_eight_megabytes_in_the_page() -> None:
    rng = np.random.default_rng(3)
    noise = (0.1 * rng.standard_normal((RATE * 30, 2))).astype(np.float32)
    audio = encode_audio(blocks(noise), RATE)
    assert 20 * len(audio.data) * 4 / 3 < 8e6
    longer = encode_audio(blocks(noise), RATE, expected_s=3600)
    assert len(longer.data) < 0.6 * len(audio.data)


def test_no_sound_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to compress"):
        encode_audio(iter(()), RATE)
    with pytest.raises(ValueError, match="nothing to compress"):
        encode_audio([np.zeros((0, 2), np.float32)], RATE)


def test_values_beyond_full_scale_are_clipped_not_wrapped() -> None:
    at = np.arange(RATE) / RATE
    samples = (3.0 * np.sin(2 * np.pi * 200 * at)).astype(np.float32)[:, None]
    audio = encode_audio([samples], RATE)
    heard, _ = sf.read(io.BytesIO(audio.data), dtype="float32")
    reference = np.clip(samples[:, 0], -1, 1)
    n = min(len(heard), len(reference))
    assert float(np.corrcoef(heard[:n], reference[:n])[0, 1]) > 0.95
    assert audio.peaks is not None
    assert float(audio.peaks.max()) <= 1.0


def test_roles_of_tracks_are_those_of_the_contract() -> None:
    assert set(tracks(small_document())) == {Channel.AGENT, Channel.CALLER}
    assert set(tracks(mono_document())) == {None}
