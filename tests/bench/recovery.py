"""Recovery: a log gives its document again, and the folder of a call of an hour whose process died, timed."""

from __future__ import annotations

import json
import os
import resource
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from callcoach.capture.journal import JournalWriter
from callcoach.capture.marker import Marker, start_call
from callcoach.contract import ModelInfo
from callcoach.core.delivery.ticks import HopColumns
from callcoach.events import Channel
from callcoach.live.curves import CurveLog
from callcoach.live.rebuild import rebuild_document
from callcoach.live.recovering import recover_call
from callcoach.live.tail import LOG_NAME, read_live_log
from callcoach.sources.stored_call import read_call
from tests.bench.lab import Lab
from tests.bench.table import Row, say
from tests.bench.what_if import make_folder

SECTION: Final = "recovery"
MINUTES: Final = 60
LIMIT_S: Final = 10.0
"""DUR-8."""
_RATE: Final = 16_000


def run(lab: Lab) -> list[Row]:
    """Compare documents, then let a call of an hour die and recover it."""
    return [_same(lab), _hour(lab)]


def _same(lab: Lab) -> Row:
    """Build every document again from log and curves and compare it key by key."""
    paths = [*lab.samples(), *lab.calls()]
    details: list[str] = []
    for path in paths:
        say(f"{SECTION}: {path.stem}")
        folder = lab.analyse(path).folder
        wanted = json.loads((folder / "call.json").read_text("utf-8"))
        log = read_live_log(folder / LOG_NAME)
        if log.header is None:
            raise RuntimeError(f"{path.stem} has a log without a header")
        document = rebuild_document(
            folder,
            log.events,
            header=log.header,
            language=wanted["call"]["language"],
            model=ModelInfo.model_validate(wanted["call"]["model"]),
            sample_rate=wanted["call"]["sample_rate"],
            bleed_share=wanted["quality"]["bleed_share"],
        )
        got = json.loads(document.to_json())
        # what the sound itself tells of the recording (silent channel, offset) is in no log
        other = [key for key in wanted if key != "verdict" and wanted[key] != got[key]]
        if other:
            details.append(f"{path.stem}: {', '.join(other)}")
    same = len(paths) - len(details)
    return Row(
        SECTION,
        "documents from the log alone, equal to those of the analysis in every key",
        "all",
        f"{same} of {len(paths)}",
        not details,
        {"same": same, "calls": len(paths)},
        tuple(details),
    )


def _hour(lab: Lab) -> Row:
    """Time the recovery of a call that died after an hour: FLAC, comparison, document, curves."""
    say(f"{SECTION}: making {MINUTES} min")
    minutes = 6 if lab.quick else MINUTES
    calls = [lab.analyse(path).folder for path in lab.samples()[:2]]
    made = lab.folder / "made-hour"
    make_folder(made, [read_call(folder) for folder in calls], minutes)
    dead = lab.folder / "dead-hour"
    dead.mkdir()
    _die(dead, made, lab.samples()[:2], minutes)
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    found = recover_call(dead)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if found.document.verdict.status != "salvaged" or not found.document.turns:
        raise RuntimeError("The recovered call is not what it should be.")
    return Row(
        SECTION,
        f"a call of {minutes} min whose process died",
        f"<= {LIMIT_S:g} s",
        f"{wall:.1f} s ({cpu:.1f} s of processor)",
        wall <= LIMIT_S,
        {"wall_s": wall, "cpu_s": cpu, "minutes": minutes},
    )


class _Fast:
    """A clock that only the written sound moves."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


def _die(dead: Path, made: Path, sounds: list[Path], minutes: float) -> None:
    """Leave what a killed process leaves: marker, journal, a log without its end, and columns."""
    log = read_live_log(made / LOG_NAME)
    (dead / LOG_NAME).write_bytes(b"".join(log.lines[: len(log.lines) * 99 // 100]))
    with np.load(made / "prosody.npz") as archive, CurveLog(dead) as curves:
        names = HopColumns.__dataclass_fields__
        curves.append(Channel.AGENT, 0, HopColumns(**{n: archive[f"agent_{n}"] for n in names}))
    child = os.fork()  # so that nobody holds the journal any more
    if child:
        os.waitpid(child, 0)
        return
    try:
        start_call(dead, Marker("hour", datetime.now(UTC), settings={"formats": ["json"]}))
        clock, at, end = _Fast(), 0, round(minutes * 60 * _RATE)
        journal = JournalWriter(dead, "hour", clock=clock)
        parts = [soundfile.read(p, dtype="int16", always_2d=True)[0] for p in sounds]
        while at < end:
            for pcm in parts:
                for first in range(0, len(pcm), _RATE // 2):
                    block = np.ascontiguousarray(pcm[first : first + _RATE // 2][: max(0, end - at)])
                    journal.write(at, block, set(Channel))
                    at += len(block)
                    clock.seconds = at / _RATE
        journal.sync()
    finally:
        os._exit(0)
