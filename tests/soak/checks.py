"""What must hold of one call of the shift: its sound, its log, and where anything may be missing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from callcoach.clock import SAMPLE_RATE
from callcoach.events import Channel
from callcoach.sound_ports import Pcm
from tests.soak.capturing import HeardInput
from tests.support.fake_inputs import Fault, Jump, Stall, Vanish

ZERO_RUN: Final = 64
"""Samples; what the fakes deliver is never 0, and resampling makes no longer run of zeros of it."""
BEFORE_S, AFTER_S = 0.35, 1.5
"""Gaps may begin and end so much away from a fault: times of blocks are known to a jitter, and the first
blocks after a return settle the clock."""
EDGE_S: Final = 0.6
"""At the start one input is later than the other; at the end one has a block more."""
NEEDLE: Final = 96
TOGETHER_S: Final = 0.06
"""Largest shift between the sides (DEV-7)."""
LOOK_S: Final = 0.5
ALIKE: Final = 0.85
"""Least correlation of the resampled caller with what was delivered: the fakes pick the nearest sample."""


@dataclass
class Findings:
    """Of one call."""

    problems: list[str] = field(default_factory=list)
    compared_s: float = 0.0
    """Of both sides together, sample for sample."""
    correlated_s: float = 0.0
    """Of the caller when it was resampled."""
    gap_s: float = 0.0
    """Of both sides together."""
    dropped_s: float = 0.0
    """Delivered near a fault and not in the recording."""
    worst_shift_s: float = 0.0
    events: int = 0


@dataclass(frozen=True)
class Trouble:
    """Stretch of the call, s on its clock, in which a fault may show."""

    start: float
    end: float
    fault: Fault


def troubles(faults: Sequence[Fault], begun: float) -> list[Trouble]:
    """Place the faults of an input on the clock of a call that began at ``begun`` fake seconds."""
    found = []
    for fault in faults:
        lasting = fault.seconds if isinstance(fault, Stall | Vanish) else 0.0
        slack = abs(fault.seconds) if isinstance(fault, Jump) else 0.0
        at = fault.at - begun
        found.append(Trouble(at - BEFORE_S - slack, at + lasting + AFTER_S + slack, fault))
    return found


def check_sound(
    folder: Path,
    inputs: dict[Channel, HeardInput],
    faults: dict[Channel, Sequence[Fault]],
    begun: float,
    exact: set[Channel],
    stored: frozenset[Channel],
    findings: Findings,
) -> None:
    """Compare ``audio/call.flac`` with what the devices delivered."""
    if sorted(p.name for p in (folder / "audio").iterdir()) != ["call.flac"]:
        findings.problems.append("the journal is still there")
    kept, _ = soundfile.read(folder / "audio" / "call.flac", dtype="int16", always_2d=True)
    for column, (channel, source) in enumerate(inputs.items()):
        side: Pcm = kept[:, column]
        if channel not in stored:
            if side.any():
                findings.problems.append(f"{channel.value}: sound without consent")
            continue
        near = troubles(faults[channel], begun)
        length = len(side) / SAMPLE_RATE
        for start, end in zero_runs(side):
            findings.gap_s += (end - start) / SAMPLE_RATE
            low, high = start / SAMPLE_RATE, end / SAMPLE_RATE
            if not _explained(low, high, near, length):
                findings.problems.append(f"{channel.value}: zeros at {low:.2f}-{high:.2f} s, no fault there")
        if channel in exact:
            _follow(channel, side, source, near, begun, findings)
        else:
            every = [f for side_faults in faults.values() for f in side_faults]
            jumps = [f.at - begun - 0.5 for f in every if isinstance(f, Jump)]
            _correlate(channel, side, source, inputs[Channel.AGENT], near, jumps, findings)


def zero_runs(side: Pcm) -> list[tuple[int, int]]:
    """Return where a side holds nothing."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (side == 0).astype(np.int8), [0]])))
    starts, ends = edges[::2], edges[1::2]
    long = ends - starts >= ZERO_RUN
    return list(zip(starts[long].tolist(), ends[long].tolist(), strict=True))


def _explained(start: float, end: float, near: Sequence[Trouble], length: float) -> bool:
    if end <= EDGE_S or start >= length - EDGE_S:
        return True
    return any(t.start <= start and end <= t.end for t in near)


def _follow(
    channel: Channel,
    side: Pcm,
    source: HeardInput,
    near: Sequence[Trouble],
    begun: float,
    findings: Findings,
) -> None:
    """Whatever is not zero has to be the delivered sound, in order; what was delivered has to be there."""
    delivered = source.delivered()
    haystack = delivered.tobytes()
    ends = np.asarray(source.ends)

    def when(sample: int) -> float:
        block = min(int(np.searchsorted(ends, sample, "right")), len(ends) - 1)
        return source.times[block] - source._clock.start - begun

    def dropped(start: int, end: int) -> None:
        low, high = when(start), when(end - 1)
        findings.dropped_s += (end - start) / SAMPLE_RATE
        edge = low <= EDGE_S or high >= len(side) / SAMPLE_RATE - EDGE_S
        if not edge and not any(t.start <= high and low <= t.end for t in near):
            findings.problems.append(
                f"{channel.value}: {end - start} delivered samples at {low:.2f} s are not in the recording"
            )

    at = cursor = 0
    there = np.flatnonzero(side)
    while len(there) and at < len(side):
        index = int(np.searchsorted(there, at))
        if index == len(there):
            break
        at = int(there[index])
        holes = np.flatnonzero(side[at : at + (1 << 20)] == 0)
        end = at + (int(holes[0]) if len(holes) else len(side[at : at + (1 << 20)]))
        same = min(end - at, len(delivered) - cursor)
        other = np.flatnonzero(side[at : at + same] != delivered[cursor : cursor + same])
        good = int(other[0]) if len(other) else same
        at, cursor = at + good, cursor + good
        findings.compared_s += good / SAMPLE_RATE
        if at == end:
            continue
        place = haystack.find(side[at : min(end, at + NEEDLE)].tobytes(), 2 * cursor)
        while place >= 0 and place % 2:
            place = haystack.find(side[at : min(end, at + NEEDLE)].tobytes(), place + 1)
        if place < 0:
            findings.problems.append(
                f"{channel.value}: sound at {at / SAMPLE_RATE:.2f} s that was not delivered (then)"
            )
            return
        dropped(cursor, place // 2)
        cursor = place // 2
    if cursor < len(delivered):
        dropped(cursor, len(delivered))


def _correlate(
    channel: Channel,
    side: Pcm,
    source: HeardInput,
    master: HeardInput,
    near: Sequence[Trouble],
    jumps: Sequence[float],
    findings: Findings,
) -> None:
    """The resampled side has to lie where it was spoken, within ``TOGETHER_S``.

    After the first jump nobody knows any more: a device that says other times may be right.
    """
    size, reach = round(LOOK_S * SAMPLE_RATE), round(0.15 * SAMPLE_RATE)
    assert master.first_opened is not None
    until = min([len(side), *(round(j * SAMPLE_RATE) for j in jumps)])
    for start in range(round(EDGE_S * SAMPLE_RATE) + reach, until - size - reach, 3 * size):
        low, high = start / SAMPLE_RATE, (start + size) / SAMPLE_RATE
        if any(t.start - 1 <= high and low <= t.end + 1 for t in near):
            continue
        times = master.first_opened + np.arange(start - reach, start + size + reach) / master._rate
        wanted = source._signal(times)
        part = side[start : start + size].astype(np.float64) / 32767
        if np.sqrt(np.mean(part**2)) < 0.01:
            continue
        shift, alike = _best_shift(wanted, part)
        seconds = abs(shift - reach) / SAMPLE_RATE
        findings.correlated_s += LOOK_S
        findings.worst_shift_s = max(findings.worst_shift_s, seconds)
        if alike < ALIKE or seconds > TOGETHER_S:
            findings.problems.append(
                f"{channel.value}: at {low:.2f} s {1000 * seconds:.0f} ms apart, correlation {alike:.2f}"
            )


def _best_shift(wanted: NDArray[np.float64], part: NDArray[np.float64]) -> tuple[int, float]:
    """Return where in ``wanted`` the part fits best, and the correlation there."""
    count = 1 << (len(wanted) + len(part) - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(wanted, count) * np.conj(np.fft.rfft(part, count)), count)
    places = len(wanted) - len(part) + 1
    power = np.concatenate([[0.0], np.cumsum(wanted**2)])
    energy = power[len(part) :] - power[: -len(part)]
    found = product[:places] / np.sqrt(np.maximum(energy * np.sum(part**2), 1e-12))
    best = int(np.argmax(found))
    return best, float(found[best])


def check_log(
    folder: Path,
    told: Sequence[dict[str, Any]],
    faults: dict[Channel, Sequence[Fault]],
    begun: float,
    findings: Findings,
) -> None:
    """Nothing that was told is missing, time never goes back, and losses have a cause."""
    lines = [json.loads(line) for line in (folder / "events.jsonl").read_text("utf-8").splitlines()]
    findings.events = len(lines)
    walls = [line.pop("wall_s") for line in lines]
    if walls != sorted(walls):
        findings.problems.append("wall_s goes back in the log")
    known = [line["known_at"] for line in lines]
    if known != sorted(known):
        place = next(i for i in range(1, len(known)) if known[i] < known[i - 1])
        findings.problems.append(
            f"known_at goes back in the log at line {place + 1} ({lines[place]['type']})"
        )
    if lines[1:] != list(told):
        findings.problems.append(f"the log has {len(lines) - 1} events, {len(told)} were told")
    if not any(line["type"] == "CallEnded" for line in lines):
        findings.problems.append("the log has no end")
    length = max(known) / SAMPLE_RATE
    lost: dict[Channel, int] = dict.fromkeys(Channel, 0)
    for line in lines:
        if line["type"] not in ("Gap", "Device") or line.get("state") == "opened":
            continue
        start, end = (s / SAMPLE_RATE for s in line["span"])
        sides = [Channel(line["channel"])] if line.get("channel") else list(Channel)
        near = [t for c in sides for t in troubles(faults[c], begun)]
        what = line.get("reason") or line["state"]
        if what == "lost" and line["type"] == "Device":
            lost[sides[0]] += 1
        if line["type"] == "Gap" and what == "lost":
            near = [t for t in near if isinstance(t.fault, Vanish)]
        if not _explained(start, end, near, length):
            findings.problems.append(f"{line['type']} {what!r} at {start:.2f}-{end:.2f} s, no fault there")
    for channel, count in lost.items():
        wanted = sum(isinstance(f, Vanish) for f in faults[channel])
        if count != wanted:
            findings.problems.append(f"{channel.value}: lost {count} times, vanished {wanted} times")
