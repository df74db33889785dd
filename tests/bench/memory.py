"""Memory: the peak of a whole process that analyses a call of three hours."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from callcoach.ports import Audio
from tests.bench.lab import MODEL, SAMPLES, Lab
from tests.bench.table import CHECKOUT, Row, say

SECTION: Final = "memory"
LIMIT_BYTES: Final = 10**9
HOURS: Final = 3.0
QUICK_HOURS: Final = 0.1
WORDS_HOURS: Final = 1 / 3
"""Length of the call that is also analysed with words, unless three hours are asked for."""

# The peak that the kernel keeps for a child includes what the parent held when it made it. This small process
# has next to nothing, so that what it reports of its only child is the child's own.
LAUNCHER: Final = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
use = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, use.ru_maxrss * 1024, use.ru_utime + use.ru_stime, done.stderr[-500:]]))
"""


def run(lab: Lab) -> list[Row]:
    """Analyse long calls made of the shipped ones, each in a process of its own."""
    hours = QUICK_HOURS if lab.quick else HOURS
    jobs = [
        (hours, 16_000, "flac", False),
        (hours if lab.long or lab.quick else WORDS_HOURS, 8_000, "wav", True),
    ]
    rows = []
    for length, rate, form, words in jobs:
        path = lab.folder / f"{round(length * 60)}_min.{form}"
        say(f"{SECTION}: making {length * 60:.0f} min at {rate} Hz")
        make_call(path, length * 3600, rate)
        say(f"{SECTION}: analysing {length * 60:.0f} min {'with' if words else 'without'} words")
        rows.append(_measure(lab, path, length, rate, words))
        path.unlink()
    return rows


def make_call(path: Path, seconds: float, rate: int) -> None:
    """Write a two-channel recording that repeats the shipped calls of 16 kHz, or the one of 8 kHz."""
    pieces: list[Audio] = []
    for sample in sorted(SAMPLES.glob("*.flac")):
        audio, own = soundfile.read(sample, dtype="int16", always_2d=True)
        if own == rate:
            pieces.append(audio)
    audio = np.concatenate(pieces)
    left = int(seconds * rate)
    with soundfile.SoundFile(path, "w", samplerate=rate, channels=2, subtype="PCM_16") as file:
        while left:
            part = audio[:left]
            file.write(part)
            left -= len(part)


def _measure(lab: Lab, path: Path, hours: float, rate: int, words: bool) -> Row:
    out = lab.folder / "memory"
    command = [
        sys.executable,
        "-m",
        "callcoach",
        "analyze",
        str(path),
        "--out",
        str(out),
        "--quiet",
        "--format",
        "json",
    ]
    command += ["--model", MODEL] if words else ["--no-words"]
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", LAUNCHER, *command], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    wall = time.monotonic() - begin
    status, peak, cpu, errors = json.loads(done.stdout)
    good = status == 0 and (out / path.stem / "call.json").is_file()
    form = f"{hours * 60:.0f} min, {rate // 1000} kHz {path.suffix[1:].upper()}"
    barred = hours >= HOURS
    measured = f"{peak / 1e6:.0f} MB, {wall / 60:.1f} min ({cpu / 60:.1f} min of processor)"
    return Row(
        SECTION,
        f"peak, two channels, {form}, {'with' if words else 'without'} words",
        "< 1 GB" if barred else "",
        measured if good else f"failed with exit status {status}",
        (good and peak < LIMIT_BYTES) if barred or not good else None,
        {"peak_bytes": peak, "wall_s": wall, "cpu_s": cpu, "audio_s": hours * 3600},
        () if good else (errors.strip(),),
    )
