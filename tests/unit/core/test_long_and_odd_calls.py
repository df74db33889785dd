"""Cases that once went wrong: windows, echo paths, ends of calls and turns that only words give away."""

import json

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from callcoach.config import load_settings
from callcoach.core.deadlines import DeadlineMerge
from callcoach.errors import ConfigError
from tests.support.talking import talk
from tests.unit.core.test_bleed import gate
from tests.unit.core.test_deadlines import Slow, released, window
from tests.unit.core.test_windows import Line, check
from tests.unit.test_samples import SAMPLES


def test_a_window_waits_for_speech_that_has_just_ended() -> None:
    line = Line([(t, t + 4.0) for t in range(1, 41, 5)], 50)
    assert [len(w.pieces) for w in line.windows] == [3, 3, 2]


@pytest.mark.parametrize("runs", [[(1.0, 14.0), (14.3, 29.0), (29.6, 40.0)], [(0.5, 60.0)]])
def test_no_sound_is_in_two_windows(runs: list[tuple[float, float]]) -> None:
    check(Line(runs, runs[-1][1] + 1.0))


def continuous(stem: str, channel: int) -> NDArray[np.float32]:
    audio, rate = soundfile.read(SAMPLES / f"{stem}.flac", dtype="float32")
    truth = json.loads((SAMPLES / f"{stem}.truth.json").read_text(encoding="utf-8"))
    runs = [ipu for u in truth["utterances"] if u["channel"] == channel for ipu in u["ipus"]]
    return np.concatenate([audio[int(a * rate) : int(b * rate), channel] for a, b in runs])


def test_two_independent_voices_at_once_are_no_echo() -> None:
    agent, caller = (continuous("s01_good_second_screen", channel) for channel in (0, 1))
    length = min(len(agent), len(caller))
    assert all(gate(agent[:length], caller[:length]).allowed)


def test_the_end_of_a_live_call_waits_for_the_last_words() -> None:
    merge = DeadlineMerge("skip")
    merge.submit(100, window("a"), Slow("a", False))
    assert released(merge, None) == ["a"]


def test_an_endless_setting_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "mine.toml"
    path.write_text("[bleed]\nmemory_s = inf\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="memory_s"):
        load_settings(path)


def test_a_short_worded_turn_does_not_swallow_the_turn_before_it() -> None:
    said = "caller 0-4 'my screen is black.', agent 4.3-5.1 'which one please'"
    call = talk(said, delay_s=0.2, seconds=12)
    assert [e.channel.value for e in call.turn_events] == ["caller", "agent"]
    assert all(p.closed for p in call.conversation.floor.periods)
