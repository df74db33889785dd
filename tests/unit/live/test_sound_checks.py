from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from callcoach.live.sound_checks import NO_AUDIO, SAME_SOUND, Finding, NoSound, SameSound, correlation
from callcoach.sound_ports import Pcm

RATE = 16_000
BOTH_QUIET = (False, False)
AGENT_SPEAKS = (True, False)
CALLER_SPEAKS = (False, True)


def voice(seconds: float, seed: int, dbfs: float = -25.0) -> np.ndarray:
    """Noise with the envelope of syllables: two of them never correlate by chance."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    rough = np.convolve(rng.standard_normal(n), np.ones(6) / 6, "same")
    knots = np.arange(0, n + 2000, 2000)
    envelope = np.interp(np.arange(n), knots, rng.random(len(knots)))
    sound = rough * envelope
    return sound / np.sqrt(np.mean(sound**2)) * 10 ** (dbfs / 20)


def pcm(agent: np.ndarray, caller: np.ndarray) -> Pcm:
    both = np.stack([agent, caller], axis=1)
    return np.clip(np.round(both * 32768), -32768, 32767).astype(np.int16)


def noise(seconds: float, dbfs: float, seed: int = 9) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(round(seconds * RATE)) * 10 ** (dbfs / 20)


def run(
    check: SameSound | NoSound, block: Pcm, active: tuple[bool, bool] = BOTH_QUIET, step: int = 800
) -> list[tuple[float, str, float]]:
    """Feed a recording in blocks; return (second, code, value)."""
    return [(at, *found) for at, found in _run(check, block, active, step)]


def _run(
    check: SameSound | NoSound, block: Pcm, active: tuple[bool, bool], step: int
) -> Iterator[tuple[float, Finding]]:
    for start in range(0, len(block), step):
        for found in check.step(block[start : start + step], active):
            yield min(start + step, len(block)) / RATE, found


class TestSameSound:
    @pytest.mark.parametrize("shift_ms", [0, 20, -50])
    @pytest.mark.parametrize("step", [320, 777, 16_000])
    def test_one_device_on_both_sides_is_named_within_a_second_after_three(
        self, shift_ms: int, step: int
    ) -> None:
        sound = voice(10, 1)
        found = run(SameSound(), pcm(sound, np.roll(sound, shift_ms * 16)), step=step)
        assert [code for _, code, _ in found] == [SAME_SOUND]
        at, _, value = found[0]
        assert 3.0 <= at <= 4.0
        assert 0.9 < value <= 1.0

    def test_a_copy_with_noise_and_turned_polarity_is_a_copy(self) -> None:
        sound = voice(6, 1)
        found = run(SameSound(), pcm(sound, -0.8 * sound + noise(6, -45)))
        assert [code for _, code, _ in found] == [SAME_SOUND]

    def test_two_voices_are_two_sounds(self) -> None:
        assert run(SameSound(), pcm(voice(120, 1), voice(120, 2))) == []

    def test_the_far_end_in_the_microphone_is_no_second_device(self) -> None:
        caller = voice(30, 2)
        leak = np.roll(caller, 480) * 10 ** (-10 / 20)
        assert run(SameSound(), pcm(leak + noise(30, -70), caller)) == []

    def test_less_than_three_seconds_do_not_count(self) -> None:
        one, other = voice(2.5, 1), voice(2.5, 2)
        sound, second = np.concatenate([one, other] * 8), np.concatenate([one, np.roll(one, 9000)] * 8)
        assert run(SameSound(), pcm(sound, second)) == []

    def test_pauses_in_between_do_not_start_anew(self) -> None:
        speech, pause = voice(1, 1), np.zeros(RATE)
        sound = np.concatenate([speech, pause] * 5)
        found = run(SameSound(), pcm(sound, sound))
        assert len(found) == 1
        assert found[0][0] <= 6.0

    def test_it_is_said_once_in_ten_minutes(self) -> None:
        sound = np.tile(voice(10, 1), 65)
        found = run(SameSound(), pcm(sound, sound), step=16_000)
        assert len(found) == 2
        assert 600 <= found[1][0] - found[0][0] < 605

    def test_zeros_and_hiss_are_not_alike(self) -> None:
        assert run(SameSound(), np.zeros((10 * RATE, 2), np.int16)) == []
        assert run(SameSound(), pcm(noise(10, -70), noise(10, -70))) == []


def test_correlation_is_that_of_the_shared_part() -> None:
    rng = np.random.default_rng(3)
    audio = rng.standard_normal((8000, 2))
    audio[:, 1] = np.roll(audio[:, 0], 300) * 5
    best = correlation(audio, 400)
    direct = abs(np.corrcoef(audio[:-300, 0], audio[300:, 1])[0, 1])
    assert best == pytest.approx(direct, abs=1e-3)
    assert correlation(audio, 200) < 0.1
    assert correlation(np.zeros((8000, 2)), 100) == 0.0


class TestNoSound:
    @pytest.mark.parametrize("index", [0, 1])
    @pytest.mark.parametrize("dead_dbfs", [-200.0, -84.0])
    def test_a_side_that_is_dead_at_the_start_is_named_after_five_seconds(
        self, index: int, dead_dbfs: float
    ) -> None:
        sides = [noise(8, -60), noise(8, -60, 4)]
        sides[index] = noise(8, dead_dbfs)
        found = run(NoSound(), pcm(*sides))
        assert [code for _, code, _ in found] == [NO_AUDIO[index]]
        assert 5.0 <= found[0][0] <= 6.0
        assert found[0][2] == pytest.approx(found[0][0], abs=0.15)

    def test_a_quiet_line_is_alive(self) -> None:
        assert run(NoSound(), pcm(noise(60, -76), noise(60, -76, 4)), CALLER_SPEAKS) == []

    def test_a_single_click_in_five_seconds_is_life(self) -> None:
        agent = np.zeros(8 * RATE)
        agent[4 * RATE] = 0.5
        assert run(NoSound(), pcm(agent, noise(8, -60))) == []

    @pytest.mark.parametrize(("index", "speaker"), [(0, CALLER_SPEAKS), (1, AGENT_SPEAKS)])
    def test_a_side_that_dies_is_named_after_fifteen_seconds_of_the_others_speech(
        self, index: int, speaker: tuple[bool, bool]
    ) -> None:
        check = NoSound()
        assert run(check, pcm(noise(20, -60), noise(20, -60, 4)), speaker) == []
        sides = [noise(30, -60), noise(30, -60, 4)]
        sides[index] = np.zeros(30 * RATE)
        assert run(check, pcm(*sides)) == [], "nobody speaks"
        found = run(check, pcm(*sides), speaker)
        assert [code for _, code, _ in found] == [NO_AUDIO[index]]
        assert 15.0 <= found[0][0] <= 16.0

    def test_a_side_is_named_once(self) -> None:
        dead = np.zeros(600 * RATE)
        found = run(NoSound(), pcm(dead, noise(600, -60)), CALLER_SPEAKS, step=16_000)
        assert len(found) == 1

    def test_a_line_that_sends_nothing_in_pauses_is_no_fault(self) -> None:
        """A shift of eight hours at such a line: at most one false warning (DEV-4)."""
        check, found = NoSound(), []
        speech, zeros = voice(2, 3), np.zeros(2 * RATE)
        turn = pcm(np.concatenate([speech, zeros]), np.concatenate([zeros, speech]))
        long = pcm(np.tile(speech, 20), np.zeros(40 * RATE))
        for _ in range(20):
            found += run(check, turn[: 2 * RATE], AGENT_SPEAKS)
            found += run(check, turn[2 * RATE :], CALLER_SPEAKS)
        for _ in range(5):
            found += run(check, long, AGENT_SPEAKS, step=1600)
            found += run(check, turn[2 * RATE :], CALLER_SPEAKS)
        assert found == []

    def test_such_a_line_that_died_is_still_named(self) -> None:
        check = NoSound()
        speech, zeros = voice(2, 3), np.zeros(2 * RATE)
        for caller in (speech, zeros, speech):
            assert run(check, pcm(speech, caller), AGENT_SPEAKS) == []
        found = run(check, pcm(np.tile(speech, 40), np.zeros(80 * RATE)), AGENT_SPEAKS)
        assert [code for _, code, _ in found] == [NO_AUDIO[1]]
        assert 60.0 <= found[0][0] <= 61.0

    @pytest.mark.parametrize("step", [1, 160, 1601, 48_000])
    def test_block_lengths_change_nothing(self, step: int) -> None:
        sides = pcm(np.zeros(6 * RATE), noise(6, -60))[: 6 * RATE if step > 1 else RATE // 2]
        found = run(NoSound(), sides, step=step)
        assert len(found) == (1 if step > 1 else 0)
