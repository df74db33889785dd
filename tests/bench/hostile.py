"""Bad inputs: every broken, locked or foreign file through the command line, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.lab import Lab
from tests.bench.table import CHECKOUT, Row, say
from tests.support.bad_inputs import BadInput, generate

SECTION: Final = "bad inputs"
LEAST: Final = 60
PATIENCE_S: Final = 120.0
"""A process that has not ended by then hangs; a good one takes a second or two, on a busy machine ten."""
QUICK_STEP: Final = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one input came to."""

    name: str
    outcome: str
    """``ok``, ``salvaged``, ``rejected``, ``hang`` or ``failed``."""
    traceback: bool
    invented: bool
    wrong: tuple[str, ...]


def run(lab: Lab) -> list[Row]:
    """Make all inputs, analyse each without words, and judge exit status, sentence and audio."""
    inputs = generate(lab.folder / "bad")
    if lab.quick:
        inputs = inputs[::QUICK_STEP]
    broken = [item for item in inputs if item.expected != {"ok"}]
    out = lab.folder / "bad_out"
    done: list[Outcome] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for index, found in enumerate(pool.map(lambda item: judge(item, out / item.name), inputs)):
            done.append(found)
            if index % 20 == 0:
                say(f"{SECTION}: {index + 1} of {len(inputs)}")
    names = {item.name for item in broken}
    wrong = [f"{found.name}: {text}" for found in done for text in found.wrong]
    verdicts = Counter(found.outcome for found in done if found.name in names)
    good = len(inputs) - len({line.partition(":")[0] for line in wrong})
    counts = ", ".join(f"{count} {name}" for name, count in sorted(verdicts.items()))
    return [
        Row(
            SECTION,
            "broken, locked or foreign files",
            f">= {LEAST}",
            f"{len(broken)} (and {len(inputs) - len(broken)} sound ones in unusual forms)",
            None if lab.quick else len(broken) >= LEAST,
            {"broken": len(broken), "all": len(inputs)},
        ),
        _count(done, "tracebacks", [found.name for found in done if found.traceback]),
        _count(done, "hangs", [found.name for found in done if found.outcome == "hang"]),
        _count(
            done, "files with audio that is not in them", [found.name for found in done if found.invented]
        ),
        Row(
            SECTION,
            "verdict and one sentence each",
            "all",
            f"{good} of {len(inputs)} as they should be (the broken: {counts})",
            not wrong,
            {f"broken_{name}": count for name, count in verdicts.items()},
            tuple(wrong),
        ),
    ]


def judge(item: BadInput, out: Path) -> Outcome:
    """Analyse one input and say what is wrong with what came of it."""
    command = [sys.executable, "-m", "callcoach", "analyze", str(item.path), "--no-words", "--quiet"]
    command += ["--format", "json", "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=PATIENCE_S,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(item.name, "hang", False, False, (f"did not end within {PATIENCE_S:.0f} s",))
    errors = done.stderr.decode("utf-8", "replace")
    traceback = "Traceback" in errors
    wrong = ["a traceback"] if traceback else []
    documents = list(out.glob("*/call.json"))
    call = json.loads(documents[0].read_text(encoding="utf-8")) if documents else None
    if done.returncode == 0:
        outcome, texts = _accepted(call)
        wrong += texts
    elif done.returncode in (2, 3):
        outcome = "rejected"
        wrong += _one_sentence(errors)
        if call is not None and (call["verdict"]["status"] != "rejected" or not call["verdict"]["reasons"]):
            wrong.append("the call folder does not say rejected, with a reason")
        if call is None:
            wrong.append("no call folder with the verdict")
    else:
        outcome = "failed"
        wrong.append(f"exit status {done.returncode}: {errors.strip()[:200]}")
    if outcome not in item.expected:
        wrong.append(f"{outcome}, expected {' or '.join(sorted(item.expected))}")
    heard = call["call"]["duration_ms"] / 1000 if call is not None else 0.0
    invented = heard > item.seconds + 0.001
    if invented:
        wrong.append(f"{heard:.3f} s of audio, at most {item.seconds} s are real")
    return Outcome(item.name, outcome, traceback, invented, tuple(wrong))


def _accepted(call: dict[str, dict[str, object]] | None) -> tuple[str, list[str]]:
    if call is None:
        return "failed", ["exit status 0 without call.json"]
    status = str(call["verdict"]["status"])
    silent = status == "salvaged" and not call["verdict"]["reasons"]
    return status, ["salvaged without a reason"] if silent else []


def _one_sentence(errors: str) -> list[str]:
    lines = errors.strip().splitlines()
    if len(lines) == 1 and lines[0].startswith("callcoach: ") and lines[0].endswith("."):
        return []
    return [f"not one sentence: {errors.strip()[:200]!r}"]


def _count(done: Sequence[Outcome], figure: str, names: Sequence[str]) -> Row:
    return Row(
        SECTION, figure, "0", f"{len(names)} of {len(done)}", not names, {"count": len(names)}, tuple(names)
    )
