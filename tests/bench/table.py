"""Rows of the benchmark table, and how they are shown: terminal, Markdown, JSON."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from callcoach import __version__

CHECKOUT: Final = Path(__file__).resolve().parents[2]
BEGIN: Final = "<!-- figures: begin, written by python -m tests.bench --write -->"
END: Final = "<!-- figures: end -->"
PACKAGES: Final = ("faster-whisper", "ctranslate2", "onnxruntime", "numpy", "soxr", "soundfile", "av")
_START: Final = time.monotonic()


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes
    ----------
    bar
        What is asked for; empty when the figure only informs.
    passed
        None when there is no bar or nothing was measured.
    values
        The bare numbers behind ``measured``.
    details
        What went wrong, one line each.
    """

    section: str
    figure: str
    bar: str
    measured: str
    passed: bool | None = None
    values: dict[str, float] = field(default_factory=dict)
    details: tuple[str, ...] = ()


class Skipped(Exception):  # noqa: N818 - a reason, not an error
    """A figure cannot be measured here; the text says why."""


def say(text: str) -> None:
    """Show progress on standard error."""
    minutes, seconds = divmod(int(time.monotonic() - _START), 60)
    print(f"[{minutes:3}:{seconds:02}] {text}", file=sys.stderr, flush=True)


def verdict(row: Row) -> str:
    """Return the last column of a row."""
    if row.measured.startswith("skipped"):
        return "skipped"
    return "" if row.passed is None else "pass" if row.passed else "MISSED"


def show(rows: Sequence[Row], *, details: bool) -> None:
    """Print the one table, and below it what went wrong when asked."""
    table = Table(show_lines=False, pad_edge=False)
    for title in ("Section", "Figure", "Bar", "Measured", ""):
        table.add_column(title, overflow="fold")
    colours = {"pass": "green", "MISSED": "bold red", "skipped": "dim"}
    last = ""
    for row in rows:
        if last and row.section != last:
            table.add_section()
        word = verdict(row)
        cells = ("" if row.section == last else row.section, row.figure, row.bar, row.measured)
        table.add_row(*(Text(cell) for cell in cells), Text(word, colours.get(word, "")))
        last = row.section
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    if details:
        for row in rows:
            for line in row.details:
                print(f"{row.figure}: {line}")


def machine() -> dict[str, str]:
    """Return what the figures depend on: date, processor, versions, other load."""
    facts = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": f"{_cpu_model()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "load before": " ".join(f"{value:.1f}" for value in os.getloadavg()),
        "callcoach": __version__ + _revision(),
    }
    facts["packages"] = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return facts


def as_json(rows: Sequence[Row], facts: dict[str, str], note: str) -> dict[str, object]:
    """Return everything for ``--json``."""
    return {
        "machine": facts,
        "note": note,
        "rows": [{**asdict(row), "verdict": verdict(row)} for row in rows],
    }


def write(path: Path, rows: Sequence[Row], facts: dict[str, str], note: str) -> None:
    """Write the table into a Markdown file; text outside the two marks stays as it is."""
    old = (
        path.read_text(encoding="utf-8")
        if path.exists()
        else f"# Benchmarks\n\n{INTRODUCTION}\n{BEGIN}\n{END}\n"
    )
    if BEGIN not in old:
        old = f"{old.rstrip()}\n\n## Figures\n\n{BEGIN}\n{END}\n"
    head, _, rest = old.partition(BEGIN)
    _, _, tail = rest.partition(END)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{head}{BEGIN}\n{_markdown(rows, facts, note)}{END}{tail}", encoding="utf-8")


INTRODUCTION: Final = """\
`make bench` (or `python -m tests.bench`) measures every figure below with the product as it is shipped and
prints one table; `--write` puts it here. `--only NAME` runs one section, `--quick` a part of the data,
`--long` adds three hours with words, `--details` lists every miss. The recordings lie beside the checkout in
`../shared/data`, which is not part of it; without them their rows say so. Settings were chosen on these
recordings, so expect somewhat less on others. Times are those of the machine and the hour named here.
"""


def _markdown(rows: Sequence[Row], facts: dict[str, str], note: str) -> str:
    lines = [*(f"* {name}: {value}" for name, value in facts.items()), ""]
    if note:
        lines += [note, ""]
    lines += ["| Section | Figure | Bar | Measured | |", "|---|---|---|---|---|"]
    for row in rows:
        cells = (row.section, row.figure, row.bar, row.measured, verdict(row))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    missed = [row for row in rows if row.passed is False and row.details]
    if missed:
        lines += ["", "### What missed its bar"]
        for row in missed:
            lines += ["", f"{row.section}, {row.figure}:", "", *(f"* {line}" for line in row.details[:20])]
    return "\n".join(lines) + "\n"


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "unknown processor"
    names = (line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name"))
    return next(names, platform.machine())


def _revision() -> str:
    command = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return f" ({found.stdout.strip()})"
