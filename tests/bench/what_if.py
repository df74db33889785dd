"""What-if: time of ``callcoach replay`` over a call of an hour, made of stored calls one after the other."""

from __future__ import annotations

import dataclasses
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from callcoach.clock import HOP_LENGTH, Samples, Span
from callcoach.contract import CallDocument
from callcoach.events import Call, CallEnded, Event, Overlap, Word, event_to_json
from callcoach.sinks.jsonl import event_text
from callcoach.sources.stored_call import StoredCall, read_call
from callcoach.what_if import own_settings, replay, what_if, with_values
from tests.bench.lab import Lab
from tests.bench.table import CHECKOUT, Row, say

SECTION: Final = "what-if"
MINUTES: Final = 60
LIMIT_S: Final = 1.0
RUNS: Final = 7
CHANGES: Final = {"c01": {"hold_s": 0.2}, "c17": {"hold_s": 10.0}, "budget": {"min_gap_s": 5.0}}
"""Of rules that need no delivery, and of the budget."""
DEEP: Final = {"delivery": {"spike_db": 4.0}}
"""Of the states of delivery: every tick is read again."""
_NUMBERS: Final = 1_000
"""Room for the numbers of the overlaps of one call."""


def run(lab: Lab) -> list[Row]:
    """Time the replay alone and the whole command, start of Python included."""
    say(f"{SECTION}: making {MINUTES} min")
    calls = [read_call(lab.analyse(path).folder) for path in lab.samples()[:2]]
    folder = lab.folder / "an-hour"
    make_folder(folder, calls, MINUTES)
    call = read_call(folder)
    lines = len(call.events) + 1
    wanted = with_values(own_settings(call), CHANGES, "--set")
    reading, alone = [], []
    for _ in range(RUNS):
        begin = time.perf_counter()
        call = read_call(folder)
        middle = time.perf_counter()
        found = what_if(call, wanted)
        reading.append(middle - begin)
        alone.append(time.perf_counter() - middle)
    if found.difference.is_empty:
        raise RuntimeError("The other thresholds make no difference in this call; choose others.")
    whole = [_timed(_command(folder, CHANGES)) for _ in range(RUNS)]
    deep = [_timed(_command(folder, DEEP)) for _ in range(RUNS)]
    start = [_timed([sys.executable, "-c", "pass"]) for _ in range(RUNS)]
    what = f"{MINUTES} min, {lines} events, {len(found.after)} of states and cues"
    wall, cpu = (statistics.median(times) for times in zip(*whole, strict=True))
    return [
        Row(
            SECTION,
            "callcoach replay with other thresholds, the whole command",
            f"<= {LIMIT_S:g} s",
            f"{wall:.2f} s ({cpu:.2f} s of processor; {what})",
            wall <= LIMIT_S,
            {"wall_s": wall, "cpu_s": cpu, "least_wall_s": min(w for w, _ in whole), "events": lines},
            tuple(f"run {i}: {w:.2f} s ({c:.2f} s of processor)" for i, (w, c) in enumerate(whole, start=1)),
        ),
        Row(
            SECTION,
            "... with other thresholds of delivery",
            "",
            f"{statistics.median(w for w, _ in deep):.2f} s",
            None,
            {"wall_s": statistics.median(w for w, _ in deep), "least_wall_s": min(w for w, _ in deep)},
        ),
        Row(
            SECTION,
            "of the first reading the folder, and replay and comparison",
            "",
            f"{statistics.median(reading):.2f} s and {statistics.median(alone):.2f} s",
            None,
            {
                "reading_s": statistics.median(reading),
                "replay_s": statistics.median(alone),
                "python_s": statistics.median(w for w, _ in start),
            },
        ),
    ]


def _command(folder: Path, values: Mapping[str, Mapping[str, float]]) -> list[str]:
    changes = [
        f"--set={stage}.{name}={value}" for stage, part in values.items() for name, value in part.items()
    ]
    return [sys.executable, "-m", "callcoach", "replay", str(folder), *changes, "--quiet"]


def make_folder(folder: Path, calls: Sequence[StoredCall], minutes: float) -> None:
    """Write the folder of a call that repeats stored ones until it is long enough."""
    hops = round(minutes * 60 * 16_000 / HOP_LENGTH) // 2 * 2
    digest = own_settings(calls[0]).digest()
    header = dataclasses.replace(calls[0].header, source=folder.name, settings_digest=digest)
    events: list[Event] = []
    at = number = 0
    parts: list[tuple[StoredCall, int]] = []
    while at < hops:
        call = calls[len(parts) % len(calls)]
        size = min(call.hops, hops - at)
        events += [
            shifted(e, at * HOP_LENGTH, number)
            for e in call.events
            if not isinstance(e, CallEnded) and e.known_at <= size * HOP_LENGTH - 512
        ]
        parts.append((call, size))
        at, number = at + size, number + _NUMBERS
    end = Samples(hops * HOP_LENGTH)
    events.append(CallEnded(span=Span(end, end), known_at=end))
    columns = {
        side: {
            name: np.concatenate([call.columns[side][name][:size] for call, size in parts])
            for name in calls[0].columns[side]
        }
        for side in calls[0].columns
    }
    whole = StoredCall(header, tuple(e for e in events if not is_told(e)), columns, end * 1000 // 16_000)
    log = sorted([*whole.events, *replay(whole, own_settings(whole))], key=lambda e: e.known_at)
    write_folder(folder, dataclasses.replace(whole, events=tuple(log)))


def is_told(event: Event) -> bool:
    """Tell whether an event is one that a replay makes anew."""
    return type(event).__name__.startswith(("Cue", "Voice"))


def shifted(event: Event, samples: int, number: int) -> Event:
    """Return an event of the same call, later by so many samples."""
    changes: dict[str, Any] = {
        item.name: _later(value, samples)
        for item in dataclasses.fields(event)
        if isinstance(value := getattr(event, item.name), Span | tuple)
        or (item.name in {"known_at", "holder_end", "cut_at"} and value is not None)
    }
    if isinstance(event, Overlap):
        changes["number"] = event.number + number
    return dataclasses.replace(event, **changes)


def _later(value: Any, samples: int) -> Any:
    if isinstance(value, Span):
        return Span(Samples(value.start + samples), Samples(value.end + samples))
    if isinstance(value, Word):
        return Word(value.text, _later(value.span, samples), value.probability)
    if isinstance(value, tuple):
        return tuple(_later(item, samples) for item in value)
    return value + samples


def write_folder(folder: Path, call: StoredCall) -> None:
    """Write what a replay reads of a call folder."""
    folder.mkdir(parents=True)
    events: list[Event] = [call.header, *call.events]
    assert isinstance(events[0], Call)
    text = "".join(event_text(event_to_json(e)) + "\n" for e in events)
    (folder / "events.jsonl").write_text(text, encoding="utf-8")
    arrays = {f"{side}_{name}": array for side, part in call.columns.items() for name, array in part.items()}
    np.savez_compressed(folder / "prosody.npz", allow_pickle=False, **arrays)
    document = CallDocument.model_validate(
        {
            "call": {
                "id": call.header.id,
                "source": call.header.source,
                "started_at": None,
                "duration_ms": call.duration_ms,
                "sample_rate": 16_000,
                "channel_mode": "dual",
                "language": None,
                "model": None,
                "settings_digest": call.header.settings_digest,
                "version": call.header.version,
            },
            "verdict": {"status": "ok"},
            "quality": {},
            "metrics": {},
        }
    )
    (folder / "call.json").write_text(document.to_json(), encoding="utf-8")


def _timed(command: list[str]) -> tuple[float, float]:
    """Run a command; return its time and its processor time, s."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
