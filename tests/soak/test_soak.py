"""Two minutes of the shift on every change; the eight hours are ``make soak``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from callcoach.events import Channel
from tests.soak.capturing import HeardInput
from tests.soak.checks import Findings, check_log, check_sound
from tests.soak.shift import GROWTH_BYTES, Outcome, Reading, judge
from tests.support.fake_inputs import FakeClock, Fault, Vanish

WALL_S = 100


def test_two_minutes_of_a_shift_lose_nothing_and_do_not_grow() -> None:
    command = [sys.executable, "-m", "tests.soak.shift", "--wall-seconds", str(WALL_S)]
    done = subprocess.run(
        [*command, "--shortest", "40", "--longest", "120", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr[-2000:]
    outcome = json.loads(done.stdout)
    assert outcome["problems"] == []
    assert done.returncode == 0
    assert outcome["calls"] > outcome["settled_call"] >= 1
    assert outcome["growth_bytes"] <= GROWTH_BYTES
    assert outcome["faults"] > 0
    assert outcome["compared_s"] > 120


def outcome_of(rss: Sequence[int], threads: Sequence[int], handles: Sequence[int]) -> Outcome:
    found = Outcome(calls=len(rss))
    for number, (size, thread, handle) in enumerate(zip(rss, threads, handles, strict=True), 1):
        for where in ("mid", "end"):
            found.readings.append(Reading(number, 2.0 * number, where, size << 20, thread, handle, 0, 0))
    judge(found)
    return found


def test_growth_of_any_kind_is_a_problem() -> None:
    assert outcome_of([100, 120, 130, 170, 175], [3] * 5, [9] * 5).problems == []
    assert outcome_of([100, 120, 130, 170, 181], [3] * 5, [9] * 5).problems == ["memory grew by 51.0 MiB"]
    assert outcome_of([100] * 5, [3, 3, 3, 3, 4], [9] * 5).problems == ["1 more threads"]
    assert outcome_of([100] * 5, [3] * 5, [9, 9, 9, 10, 9]).problems == ["1 more open handles"]
    assert "too few" in outcome_of([100] * 2, [3] * 2, [9] * 2).problems[0]


def played(tmp_path: Path, faults: Sequence[Fault] = ()) -> tuple[dict[Channel, HeardInput], Any]:
    """Let two devices deliver 10 s, and return them with what a faultless recording of it holds."""
    clock = FakeClock()
    noise = np.random.default_rng(5).integers(1, 9000, 16000 * 12)
    inputs = {
        channel: HeardInput(
            channel.value,
            clock,
            lambda t, n=number: noise[(np.rint(t * 16000).astype(int) + 777 * n) % len(noise)] / 32767,
            faults=faults if channel is Channel.CALLER else (),
        )
        for number, channel in enumerate(Channel)
    }
    for source in inputs.values():
        source.open(lambda _block: None, lambda _reason: None)
    clock.advance(10.0)
    sound = np.zeros((16000 * 10, 2), np.int16)
    for column, source in enumerate(inputs.values()):
        source.close()
        source._file.seek(0)
        sound[: source.ends[-1], column] = np.frombuffer(source._file.read(), np.int16)
    (tmp_path / "audio").mkdir()
    return inputs, sound[: min(source.ends[-1] for source in inputs.values())]


def problems_of(
    tmp_path: Path,
    inputs: dict[Channel, HeardInput],
    sound: Any,
    faults: dict[Channel, Sequence[Fault]] | None = None,
) -> list[str]:
    findings = Findings()
    soundfile.write(tmp_path / "audio" / "call.flac", sound, 16000, subtype="PCM_16")
    wanted = faults or dict.fromkeys(Channel, ())
    check_sound(tmp_path, inputs, wanted, 0.0, set(Channel), frozenset(Channel), findings)
    return findings.problems


def test_a_whole_recording_has_no_problem(tmp_path: Path) -> None:
    inputs, sound = played(tmp_path)
    assert problems_of(tmp_path, inputs, sound) == []


@pytest.mark.parametrize("channel", list(Channel))
def test_zeros_changes_and_cuts_are_found(tmp_path: Path, channel: Channel) -> None:
    column = list(Channel).index(channel)
    inputs, sound = played(tmp_path)
    sound[80000:81000, column] = 0
    found = problems_of(tmp_path, inputs, sound)
    assert f"{channel.value}: zeros at 5.00-5.06 s, no fault there" in found
    assert any("delivered samples at 5.0" in line for line in found)


def test_a_changed_sample_is_found(tmp_path: Path) -> None:
    inputs, sound = played(tmp_path)
    sound[80000, 0] += 1
    assert problems_of(tmp_path, inputs, sound) == ["agent: sound at 5.00 s that was not delivered (then)"]


def test_a_cut_is_found(tmp_path: Path) -> None:
    inputs, sound = played(tmp_path)
    cut = np.concatenate([sound[:80000], sound[80100:]])
    found = problems_of(tmp_path, inputs, cut)
    assert found == [f"{c.value}: 100 delivered samples at 5.00 s are not in the recording" for c in Channel]


def test_zeros_at_a_fault_are_allowed(tmp_path: Path) -> None:
    inputs, sound = played(tmp_path)
    sound[80000:81000, 1] = 0
    faults: dict[Channel, Sequence[Fault]] = {Channel.AGENT: (), Channel.CALLER: (Vanish(5.0, 0.06),)}
    assert problems_of(tmp_path, inputs, sound, faults) == []


def log_problems(
    tmp_path: Path, lines: list[dict[str, Any]], told: int, faults: Sequence[Fault] = ()
) -> list[str]:
    text = "".join(json.dumps(line | {"wall_s": n}) + "\n" for n, line in enumerate(lines))
    (tmp_path / "events.jsonl").write_text(text, "utf-8")
    findings = Findings()
    both: dict[Channel, Sequence[Fault]] = {Channel.AGENT: (), Channel.CALLER: faults}
    check_log(tmp_path, lines[1:][:told] if told < len(lines) else [*lines[1:], {}], both, 0.0, findings)
    return findings.problems


def line(kind: str, start: int, end: int, **more: object) -> dict[str, Any]:
    return {"type": kind, "span": [start, end], "known_at": end, **more}


def test_logs_that_go_back_lack_events_or_lose_without_a_cause_are_found(tmp_path: Path) -> None:
    end = line("CallEnded", 160000, 160000)
    head = line("Call", 0, 0)
    gap = line("Gap", 80000, 90000, channel="caller", reason="lost")
    lost = line("Device", 80000, 80000, channel="caller", state="lost")
    vanish = (Vanish(5.0, 0.625),)
    assert log_problems(tmp_path, [head, lost, gap, end], 3, vanish) == []
    found = log_problems(tmp_path, [head, lost, gap, end], 3)
    assert found == [
        "Device 'lost' at 5.00-5.00 s, no fault there",
        "Gap 'lost' at 5.00-5.62 s, no fault there",
        "caller: lost 1 times, vanished 0 times",
    ]
    assert log_problems(tmp_path, [head, end], 0) == ["the log has 1 events, 0 were told"]
    back = log_problems(tmp_path, [head, end, line("Silence", 1, 2)], 2)
    assert back == ["known_at goes back in the log at line 3 (Silence)"]
