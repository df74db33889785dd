"""Syllable nuclei and filled pauses: known counts, nothing where nobody speaks, cuts, delay."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from callcoach.clock import HOP_LENGTH, SAMPLE_RATE, to_samples
from callcoach.config import Settings, SyllableSettings
from callcoach.core.level import NoiseFloor, hop_levels
from callcoach.core.pitch import PitchTrack
from callcoach.core.syllables import BandLevel, SyllableTrack
from callcoach.ports import Audio
from tests.support.sounding import noise, tone

FRAME = 512
BATCH = 16


def vowel(seconds: float, hz: float = 120.0, dbfs: float = -22.0, glide_st: float = 0.0) -> Audio:
    """Harmonics shaped by three resonances: a held "uh", F0 moving by ``glide_st`` over its length."""
    t = np.arange(to_samples(seconds)) / SAMPLE_RATE
    f0 = hz * 2 ** (glide_st / 12 * t / seconds)
    phase = 2 * np.pi * np.cumsum(f0) / SAMPLE_RATE
    wave = np.zeros(len(t))
    for k in range(1, int(3800 / hz)):
        weight = sum(
            1 / (1 + ((k * hz - formant) / width) ** 2)
            for formant, width in ((600, 90), (1200, 110), (2500, 160))
        )
        wave += weight * np.sin(k * phase) / k**0.5
    wave *= 10 ** (dbfs / 20) / np.sqrt(np.mean(wave**2))
    return wave.astype(np.float32)


def syllables(count: int, rate: float, hz: float = 120.0, dbfs: float = -22.0) -> Audio:
    """Vowels cut apart by closures, ``rate`` a second, F0 falling by 3 semitones."""
    seconds = count / rate
    t = np.arange(to_samples(seconds)) / SAMPLE_RATE
    envelope = np.clip(1.6 * np.sin(np.pi * ((t * rate) % 1)) ** 1.5 - 0.1, 0.005, 1)
    return (vowel(seconds, hz, dbfs, -3.0) * envelope).astype(np.float32)


def in_silence(*sounds: Audio, gap_s: float = 1.0, floor_dbfs: float = -75.0) -> Audio:
    pieces: list[Audio] = [np.zeros(to_samples(gap_s), np.float32)]
    for sound in sounds:
        pieces += [sound, np.zeros(to_samples(gap_s), np.float32)]
    joined = np.concatenate(pieces)
    joined = joined[: len(joined) // FRAME * FRAME]
    return (joined + noise(len(joined) / SAMPLE_RATE, floor_dbfs)[: len(joined)]).astype(np.float32)


def curves(audio: Audio) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """F0 and level per hop, as the channel's own tracks give them."""
    pitch, floor = PitchTrack(Settings().pitch), NoiseFloor(10.0)
    levels: list[float] = []
    for start in range(0, len(audio), FRAME):
        frame = audio[start : start + FRAME]
        both = hop_levels(frame)
        levels += both
        pitch.step(frame, both, floor.step(max(both)))
    pitch.finish()
    return np.array(pitch.f0_hz, np.float32), np.array(levels, np.float32)


def counted(
    audio: Audio,
    f0: NDArray[np.float32] | None = None,
    batches: Iterable[int] | None = None,
    settings: SyllableSettings | None = None,
) -> SyllableTrack:
    """Run a whole sound through, in batches of 16 hops unless told otherwise."""
    found, levels = curves(audio)
    f0 = found if f0 is None else f0
    track = SyllableTrack(settings or Settings().syllables)
    hops, at = len(levels), 0
    for length in batches or [BATCH] * (hops // BATCH + 1):
        end = min(at + length, hops)
        track.batch(audio[at * HOP_LENGTH : end * HOP_LENGTH], f0[at:end], levels[at:end])
        at = end
    track.finish()
    assert at == hops
    return track


@pytest.mark.parametrize("rate", [2.5, 4.0, 5.5, 7.0])
@pytest.mark.parametrize("hz", [105.0, 210.0])
def test_as_many_nuclei_as_syllables(rate: float, hz: float) -> None:
    track = counted(in_silence(syllables(12, rate, hz)))
    assert abs(sum(track.nuclei) - 12) <= 1


def test_nuclei_lie_where_the_syllables_peak() -> None:
    track = counted(in_silence(syllables(10, 4.0)))
    found = np.flatnonzero(np.array(track.nuclei)) * HOP_LENGTH / SAMPLE_RATE
    true = 1.0 + (np.arange(10) + 0.5) / 4.0
    assert len(found) == 10
    assert np.abs(found - true).max() <= 0.12


def test_the_level_of_the_voice_does_not_change_the_count() -> None:
    loud, faint = (sum(counted(in_silence(syllables(12, 4.0, dbfs=db))).nuclei) for db in (-15.0, -40.0))
    assert loud == faint == 12


@pytest.mark.parametrize("dbfs", [-70.0, -45.0, -25.0])
def test_noise_has_no_syllables(dbfs: float) -> None:
    track = counted(noise(6.016, dbfs))
    assert sum(track.nuclei) == 0
    assert sum(track.filled) == 0


def test_digital_silence_has_none() -> None:
    track = counted(np.zeros(FRAME * 100, np.float32))
    assert sum(track.nuclei) == sum(track.filled) == 0
    assert len(track.nuclei) == len(track.filled) == 200


def test_sound_without_a_voiced_hop_has_none() -> None:
    audio = in_silence(syllables(12, 4.0))
    unvoiced = np.full(len(audio) // HOP_LENGTH, np.nan, np.float32)
    assert sum(counted(audio).nuclei) == 12
    assert sum(counted(audio, unvoiced).nuclei) == 0


def test_a_held_vowel_is_one_syllable_and_a_filled_pause_from_its_400th_millisecond() -> None:
    track = counted(in_silence(vowel(1.2)))
    assert sum(track.nuclei) == 1
    filled = (np.flatnonzero(np.array(track.filled)) + 1) * HOP_LENGTH / SAMPLE_RATE
    assert 1.39 <= filled[0] <= 1.5
    assert 2.05 <= filled[-1] <= 2.3
    assert len(filled) == round((filled[-1] - filled[0]) * SAMPLE_RATE / HOP_LENGTH) + 1


@pytest.mark.parametrize(
    "sound",
    [vowel(0.3), vowel(1.2, glide_st=9.0), syllables(8, 4.0)],
    ids=["too short", "gliding", "syllables"],
)
def test_what_is_no_filled_pause(sound: Audio) -> None:
    assert sum(counted(in_silence(sound)).filled) == 0


def test_a_longer_hold_can_be_asked_for() -> None:
    patient = SyllableSettings(held_s=0.8)
    audio = in_silence(vowel(0.7), vowel(1.2))
    assert sum(counted(audio).filled) > sum(counted(audio, settings=patient).filled) > 0


def test_batches_of_other_sizes_give_the_same() -> None:
    audio = in_silence(syllables(9, 5.0), vowel(0.9))
    whole = counted(audio)
    hops = len(audio) // HOP_LENGTH
    for sizes in ([2] * (hops // 2 + 1), [3, 16, 1, 40] * (hops // 60 + 1), [hops]):
        other = counted(audio, batches=sizes)
        assert other.nuclei == whole.nuclei
        assert other.filled == whole.filled


def test_every_hop_is_told_exactly_12_hops_late_and_never_changed() -> None:
    audio = in_silence(syllables(9, 5.0), vowel(0.9))
    f0, levels = curves(audio)
    whole = counted(audio)
    track = SyllableTrack(Settings().syllables)
    for at in range(0, len(levels) - BATCH, BATCH):
        end = at + BATCH
        track.batch(audio[at * HOP_LENGTH : end * HOP_LENGTH], f0[at:end], levels[at:end])
        assert track.LAG == 12
        assert len(track.nuclei) == len(track.filled) == end - track.LAG
        assert track.nuclei == whole.nuclei[: end - track.LAG]
        assert track.filled == whole.filled[: end - track.LAG]


def test_later_sound_does_not_change_what_was_told() -> None:
    first = in_silence(syllables(9, 5.0))
    hops = len(first) // HOP_LENGTH
    alone = counted(first)
    followed = counted(np.concatenate([first, tone(1.024, 300.0, -10.0)]))
    told = hops - SyllableTrack.LAG
    assert followed.nuclei[:told] == alone.nuclei[:told]


def test_the_last_hops_are_told_at_the_end() -> None:
    audio = in_silence(syllables(4, 4.0))[: to_samples(1.92) // FRAME * FRAME]
    track = counted(audio)
    assert len(track.nuclei) == len(audio) // HOP_LENGTH
    assert sum(track.nuclei) == 4


def test_parts_that_do_not_match_are_refused() -> None:
    track = SyllableTrack(Settings().syllables)
    with pytest.raises(ValueError, match="do not match"):
        track.batch(np.zeros(512, np.float32), np.zeros(3, np.float32), np.zeros(3, np.float32))


def test_the_band_lets_a_vowel_through_and_keeps_hum_and_hiss_out() -> None:
    inside, hum, hiss = (BandLevel()(tone(1.024, hz, -20.0))[20:-20] for hz in (1000.0, 60.0, 7000.0))
    assert inside == pytest.approx(-20.0, abs=0.3)
    assert hum.max() < -60
    assert hiss.max() < -60


def test_a_level_lies_over_its_own_hop() -> None:
    sound = np.zeros(HOP_LENGTH * 40, np.float32)
    sound[HOP_LENGTH * 20 : HOP_LENGTH * 21] = tone(0.016, 1000.0, -20.0)
    levels = BandLevel()(sound)
    assert len(levels) == 2 * 39
    assert int(np.argmax(levels)) // 2 == 20
