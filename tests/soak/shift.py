"""A shift of calls through capture, analysis, log and call folders, as fast as the machine allows.

``python -m tests.soak.shift --hours 8`` prints a table and exits with 1 when anything grows, is lost or is
out of order (RT-5). Sound is that of the shipped calls, half of the time without speech; devices drift,
stall, jump, vanish and return by a seed. Words are scripted in every other call.
"""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, cast
from unittest.mock import patch

import numpy as np
import psutil
import soundfile
from rich.console import Console
from rich.table import Table

from callcoach.capture.process import CaptureSpec, InputSpec
from callcoach.capture.ring import SharedRing
from callcoach.clock import SAMPLE_RATE, Samples, Span
from callcoach.contract import ModelInfo
from callcoach.events import Channel, ConsentBasis, Event, Word, event_to_json
from callcoach.live import session as session_module
from callcoach.live.interim import InterimRecord
from callcoach.live.jobs import Job
from callcoach.live.recogniser import Figures, LiveRecogniser
from callcoach.live.session import LiveSession, Plan, Say
from callcoach.ports import SpeechWindow
from callcoach.sound_ports import Clock, Pcm
from tests.soak.capturing import CapturingHere, HeardInput
from tests.soak.checks import Findings, check_log, check_sound
from tests.support.fake_inputs import FakeClock, Fault, Jump, Signal, Stall, Vanish
from tests.support.running import SAMPLES

GROWTH_BYTES: Final = 50 * 2**20
"""RT-5."""
JOURNAL_BYTES: Final = 64 * 2**20
"""RT-5."""
SETTLED_MIN: Final = 30.0
"""RT-5: growth counts from here on in a shift; shorter runs count from the third call on."""
WARM_CALLS: Final = 3
CALL_S: Final = (300.0, 1140.0)
"""40 calls in 8 hours (RT-5)."""
JUMP_S: Final = 0.2
"""Below the patience of the aligner for one side, `callcoach.capture.align.PATIENCE`."""
MOST_TOLD: Final = 8
"""Problems of one call that are listed."""
MIDDLES: Final = (0.5, 0.98)
"""Parts of a call after which this process is looked at: at the second the journal is almost whole."""
PART_S: Final = 20.0
"""Speech and silence take turns."""
EVERY_S: Final = 600.0
IDLE_S: Final = 0.05
"""Fake seconds between two looks at the devices: longer than in the product, for speed, but not so long that
the aligner takes this process for one that stood still."""
SCRIPT: Final = [
    "i",
    "am",
    "so",
    "sorry",
    "about",
    "that",
    "um",
    "please",
    "hold",
    "while",
    "i",
    "look",
    "at",
    "your",
    "order",
    "right",
    "now",
    "thank",
    "you",
]


Inputs = dict[Channel, HeardInput]


@dataclass(frozen=True)
class Reading:
    """What this process uses."""

    call: int
    minutes: float
    """Of fake time."""
    where: str
    """``mid`` or ``end`` of a call."""
    rss: int
    threads: int
    handles: int
    folder: int
    """Bytes of the call's folder."""
    journal: int
    """Bytes of its largest journal file."""


@dataclass
class Outcome:
    """Of a shift."""

    readings: list[Reading] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    calls: int = 0
    minutes: float = 0.0
    """Of calls."""
    wall_s: float = 0.0
    events: int = 0
    faults: int = 0
    compared_s: float = 0.0
    correlated_s: float = 0.0
    gap_s: float = 0.0
    dropped_s: float = 0.0
    worst_shift_s: float = 0.0
    growth_bytes: int = 0
    thread_growth: int = 0
    handle_growth: int = 0
    largest_journal: int = 0
    """Bytes of one file."""
    settled_call: int = 0
    """Growth is counted from the end of this call on; 0 when the run was too short."""


class Scripted:
    """Stands in for ``LiveRecogniser``: the words are there at once."""

    info = ModelInfo(id="scripted", sha256="0" * 64)
    language = "en"
    pid = None
    finals_waiting = False
    reload: object = None

    def __init__(self) -> None:
        self._count = 0

    def submit(self, window: SpeechWindow, *, final: bool, **_: object) -> Job:
        """Say a word each 0.4 s."""
        self._count += 1
        (piece,) = window.pieces
        step = round(0.4 * SAMPLE_RATE)
        words = tuple(
            Word(SCRIPT[at // step % len(SCRIPT)], Span(Samples(at), Samples(min(at + step, piece.end))), 0.9)
            for at in range(piece.start, piece.end, step)
        )
        job = Job(self._count, window, 0, final, 5, 0.0, lambda: None)
        job.finish(words, 0.0)
        return job

    def keep(self, job: Job) -> bool:
        """Keep what was tried ahead of time."""
        return not job.dropped

    def figures(self) -> Figures:
        """Say that there is nothing to do."""
        return Figures(True, False, 0.0, 0.0, 0.0, None, 0.0, 0, 0.0, 0, self._count, 0, 0, 0)

    def defer(self, _on: bool) -> None:
        """Nothing waits."""

    def begin_deferred(self) -> None:
        """Nothing waits."""


class Watching:
    """Implements ``callcoach.live.session.Display``: remembers events, reads figures in the middle."""

    session: LiveSession | None = None

    def __init__(self, shift: Shift, seconds: float) -> None:
        self._shift = shift
        self._due = [part * seconds for part in MIDDLES]
        self.told: list[dict[str, Any]] = []
        self.warnings: list[str] = []

    def say(self, kind: Say, text: str) -> None:
        if kind == "warning":
            self.warnings.append(text)

    def event(self, event: Event, now: int) -> None:
        assert self.session is not None
        kept = self.session.consent.written(event)
        if kept is not None:
            self.told.append(json.loads(json.dumps(event_to_json(kept))))

    def interim(self, record: InterimRecord) -> None:
        pass

    def tick(self, session: LiveSession) -> None:
        if self._due and session.seconds >= self._due[0]:
            self._due.pop(0)
            self._shift.read("mid", session._plan.folder)


class Shift:
    """One agent's day."""

    def __init__(self, place: Path, seed: int, call_s: tuple[float, float] = CALL_S) -> None:
        self._place = place
        self._call_s = call_s
        self._chance = np.random.default_rng(seed)
        self._clock = FakeClock()
        self._signals = _signals()
        self._process = psutil.Process()
        self._begun = time.monotonic()
        self.outcome = Outcome()

    def run(self, hours: float, wall_s: float | None) -> Outcome:
        """Take calls until so many fake hours, or real seconds, are over."""
        while self._now() < hours * 3600 and (
            wall_s is None or self.outcome.wall_s < wall_s or self.outcome.calls <= WARM_CALLS
        ):
            self._call()
            self._clock.freeze(float(self._chance.uniform(2, 20)))
            self.outcome.wall_s = time.monotonic() - self._begun
        judge(self.outcome)
        return self.outcome

    def read(self, where: str, folder: Path) -> None:
        """Note what this process uses now."""
        sizes = {p.name: p.stat().st_size for p in folder.rglob("*") if p.is_file()}
        journal = max((size for name, size in sizes.items() if name.startswith("journal")), default=0)
        self.outcome.largest_journal = max(self.outcome.largest_journal, journal)
        process = self._process
        with process.oneshot():
            self.outcome.readings.append(
                Reading(
                    self.outcome.calls,
                    self._now() / 60,
                    where,
                    process.memory_info().rss,
                    process.num_threads(),
                    process.num_fds(),
                    sum(sizes.values()),
                    journal,
                )
            )

    def _now(self) -> float:
        return self._clock.monotonic() - self._clock.start

    def _call(self) -> None:
        number = self.outcome.calls = self.outcome.calls + 1
        chance = self._chance
        seconds = float(chance.uniform(*self._call_s))
        basis: ConsentBasis = "own-side" if number % 5 == 0 else "notice"
        words = number % 2 == 0
        drifts = {c: float(chance.uniform(-150, 150)) if chance.random() < 0.6 else 0.0 for c in Channel}
        faults: dict[Channel, Sequence[Fault]] = self._faults(seconds)
        inputs = {
            c: HeardInput(
                c.value,
                self._clock,
                self._signals[c],
                drift_ppm=drifts[c],
                jitter=float(chance.uniform(0, 0.01)),
                faults=faults[c],
                seed=number,
            )
            for c in Channel
        }
        folder = self._place / f"call-{number:04d}"
        plan = Plan(
            folder,
            {c: InputSpec("device", c.value) for c in Channel},
            basis=basis,
            seconds=seconds,
            formats=("json",),
        )
        watching = Watching(self, seconds)

        def here(
            spec: CaptureSpec, ring: SharedRing, _open: object, clock: Clock, inputs: Inputs = inputs
        ) -> CapturingHere:
            return CapturingHere(spec, ring, cast(FakeClock, clock), inputs)

        recogniser = cast(LiveRecogniser, Scripted()) if words else None
        with patch.object(session_module, "Capturing", here):
            session = LiveSession(plan, recogniser, watching, self._clock)
        watching.session = session
        findings = Findings()
        with patch.object(session_module, "IDLE_S", IDLE_S):
            document = session.run()
        begun = session._capture.begun
        if document is None or begun is None:
            findings.problems.append("the call never began")
        else:
            begun -= self._clock.start
            same_clock = drifts[Channel.AGENT] == drifts[Channel.CALLER]
            jumps = any(isinstance(f, Jump) for c in Channel for f in faults[c])
            exact = set(Channel) if same_clock and not jumps else {Channel.AGENT}
            stored = session.consent.stored
            check_sound(folder, inputs, faults, begun, exact, stored, findings)
            check_log(folder, watching.told, faults, begun, findings)
            reasons = " ".join(document.verdict.reasons)
            if "could not be read" in reasons or (reasons and not any(faults.values())):
                findings.problems.append(f"verdict {document.verdict.status}: {reasons}")
        self._note(number, findings, seconds, sum(map(len, faults.values())))
        for source in inputs.values():
            source.forget()
        del session, watching, recogniser, inputs, document, here
        gc.collect()
        self.read("end", folder)
        shutil.rmtree(folder)

    def _faults(self, seconds: float) -> dict[Channel, Sequence[Fault]]:
        """Return troubles of both sides, 15 s apart or more, none near the ends of the call."""
        found: dict[Channel, list[Fault]] = {c: [] for c in Channel}
        chance, start = self._chance, self._now()
        at = 8.0
        while (at := at + float(chance.uniform(15, 90))) < seconds - 15:
            sides = list(Channel) if chance.random() < 0.25 else [list(Channel)[int(chance.integers(2))]]
            kind = chance.random()
            for side in sides:
                if kind < 0.45:
                    fault: Fault = Stall(start + at, float(chance.uniform(0.1, 4)))
                elif kind < 0.75:
                    fault = Vanish(start + at, float(chance.uniform(0.5, 6)))
                else:
                    fault = Jump(start + at, float(chance.uniform(-JUMP_S, JUMP_S)))
                found[side].append(fault)
        return {c: tuple(f) for c, f in found.items()}

    def _note(self, number: int, findings: Findings, seconds: float, faults: int) -> None:
        outcome = self.outcome
        outcome.problems += [f"call {number}: {problem}" for problem in findings.problems[:MOST_TOLD]]
        if len(findings.problems) > MOST_TOLD:
            outcome.problems.append(f"call {number}: {len(findings.problems) - MOST_TOLD} more")
        outcome.minutes += seconds / 60
        outcome.events += findings.events
        outcome.faults += faults
        outcome.compared_s += findings.compared_s
        outcome.correlated_s += findings.correlated_s
        outcome.gap_s += findings.gap_s
        outcome.dropped_s += findings.dropped_s
        outcome.worst_shift_s = max(outcome.worst_shift_s, findings.worst_shift_s)


def judge(outcome: Outcome) -> None:
    """Compare what was used after the warm-up with the most of each kind until then."""
    ends = [r for r in outcome.readings if r.where == "end"]
    settled = next((r.call for r in ends if r.minutes >= SETTLED_MIN), 0)
    if not settled or settled > len(ends) // 2:
        settled = WARM_CALLS
    if len(ends) <= settled:
        outcome.problems.append(f"{len(ends)} calls are too few to see growth; let it run longer")
        return
    outcome.settled_call = settled
    for where in ("mid", "end"):
        early = [r for r in outcome.readings if r.where == where and r.call <= settled]
        later = [r for r in outcome.readings if r.where == where and r.call > settled]
        if not early or not later:
            continue
        outcome.growth_bytes = max(
            outcome.growth_bytes, max(r.rss for r in later) - max(r.rss for r in early)
        )
        outcome.thread_growth = max(
            outcome.thread_growth, max(r.threads for r in later) - max(r.threads for r in early)
        )
        outcome.handle_growth = max(
            outcome.handle_growth, max(r.handles for r in later) - max(r.handles for r in early)
        )
    if outcome.growth_bytes > GROWTH_BYTES:
        outcome.problems.append(f"memory grew by {outcome.growth_bytes / 2**20:.1f} MiB")
    if outcome.largest_journal > JOURNAL_BYTES:
        outcome.problems.append(f"a journal file has {outcome.largest_journal / 2**20:.1f} MiB")
    if outcome.thread_growth > 0:
        outcome.problems.append(f"{outcome.thread_growth} more threads")
    if outcome.handle_growth > 0:
        outcome.problems.append(f"{outcome.handle_growth} more open handles")


def _signals() -> dict[Channel, Signal]:
    """Return what the devices hear: calls that repeat, half of the time only a room; never digital zero."""
    parts = [
        soundfile.read(path, dtype="int16", always_2d=True)[0]
        for path in sorted(SAMPLES.glob("*.flac"))
        if soundfile.info(path).samplerate == SAMPLE_RATE
    ]
    speech = np.concatenate(parts)
    size = round(PART_S * SAMPLE_RATE)
    count = len(speech) // size
    sound = np.zeros((2 * count * size, 2), np.int16)
    for number in range(count):
        sound[2 * number * size : (2 * number + 1) * size] = speech[number * size : (number + 1) * size]
    noise = np.random.default_rng(7).integers(-6, 7, sound.shape, np.int16)
    sound = np.clip(sound.astype(np.int32) + noise, -32767, 32767).astype(np.int16)
    sound[sound == 0] = 1
    return {channel: _looped(sound[:, column].copy()) for column, channel in enumerate(Channel)}


def _looped(pcm: Pcm) -> Signal:
    return lambda t: pcm[np.rint(t * SAMPLE_RATE).astype(np.int64) % len(pcm)] / 32767


def show(outcome: Outcome) -> None:
    """Print a line for every 10 fake minutes, and the figures of the shift."""
    table = Table("Minute", "Call", "RSS MiB", "Threads", "Handles", "Folder MB", pad_edge=False)
    due = 0.0
    for reading in outcome.readings:
        if reading.where == "end" and reading.minutes * 60 >= due:
            due = (reading.minutes * 60 // EVERY_S + 1) * EVERY_S
            table.add_row(
                f"{reading.minutes:.0f}",
                str(reading.call),
                f"{reading.rss / 2**20:.1f}",
                str(reading.threads),
                str(reading.handles),
                f"{reading.folder / 1e6:.1f}",
            )
    console = Console(highlight=False)
    console.print(table)
    speed = outcome.minutes * 60 / outcome.wall_s if outcome.wall_s else 0.0
    console.print(
        f"{outcome.calls} calls of {outcome.minutes:.1f} min together in {outcome.wall_s:.0f} s "
        f"({speed:.1f}x), "
        f"{outcome.faults} faults, {outcome.events} events.\n"
        f"Growth after call {outcome.settled_call}: {outcome.growth_bytes / 2**20:.1f} MiB, "
        f"{outcome.thread_growth} threads, {outcome.handle_growth} handles; "
        f"largest journal file {outcome.largest_journal / 2**20:.1f} MiB.\n"
        f"{outcome.compared_s / 60:.1f} min of one side equal sample for sample, "
        f"{outcome.correlated_s / 60:.1f} min of a resampled side within "
        f"{1000 * outcome.worst_shift_s:.0f} ms, "
        f"{outcome.gap_s:.1f} s of gaps, {outcome.dropped_s:.2f} s delivered at faults and not kept."
    )
    for problem in outcome.problems:
        console.print(problem, style="red", markup=False)


def main() -> int:
    """Run a shift; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.shift", description=__doc__)
    parser.add_argument("--hours", type=float, default=8.0, help="of fake time")
    parser.add_argument("--wall-seconds", type=float, help="begin no call after so many real seconds")
    parser.add_argument("--shortest", type=float, default=CALL_S[0], metavar="S", help="length of calls")
    parser.add_argument("--longest", type=float, default=CALL_S[1], metavar="S")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="callcoach-soak-") as place:
        call_s = options.shortest, options.longest
        outcome = Shift(Path(place), options.seed, call_s).run(options.hours, options.wall_seconds)
    if options.json:
        sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
    else:
        show(outcome)
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
