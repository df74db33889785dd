"""``python -m tests.bench``: every figure, its bar, what was measured, in one table."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from callcoach.errors import CallCoachError
from tests.bench import (
    activity,
    cost,
    delivery,
    determinism,
    hostile,
    interruptions,
    language,
    memory,
    pitch,
    recovery,
    report,
    syllables,
    what_if,
    words,
)
from tests.bench.lab import Lab
from tests.bench.table import CHECKOUT, Row, Skipped, as_json, machine, say, show, write

# Cost comes first: its runs, taken turns about, serve the sections that look at what was found.
SECTIONS: dict[str, Callable[[Lab], list[Row]]] = {
    "cost": cost.run,
    "interruptions": interruptions.run,
    "activity": activity.run,
    "words": words.run,
    "pitch": pitch.run,
    "syllables": syllables.run,
    "delivery": delivery.run,
    "what-if": what_if.run,
    "report": report.run,
    "language": language.run,
    "recovery": recovery.run,
    "determinism": determinism.run,
    "memory": memory.run,
    "bad-inputs": hostile.run,
}
ORDER = (
    *(
        "interruptions",
        "activity",
        "words",
        "pitch",
        "syllables",
        "delivery",
        "what-if",
        "report",
        "language",
        "recovery",
    ),
    *("cost", "determinism", "memory", "bad-inputs"),
)
BENCHMARKS = CHECKOUT / "docs" / "benchmarks.md"


def main() -> int:
    """Run what is asked for; return the exit status."""
    options = _arguments()
    if options.write and (options.only or options.quick):
        print("--write needs a full run; leave out --only and --quick.", file=sys.stderr)
        return 2
    facts = machine()
    chosen = options.only or list(SECTIONS)
    found: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory(prefix="callcoach-bench-") as folder:
        lab = Lab(Path(folder), quick=options.quick, long=options.long)
        try:
            for name, section in SECTIONS.items():
                if name in chosen:
                    say(name)
                    found[name] = _run(name, section, lab)
        finally:
            lab.close()
    facts["load after"] = " ".join(f"{value:.1f}" for value in os.getloadavg())
    rows = [row for name in ORDER for row in found.get(name, [])]
    note = "Quick run on a part of the data: not comparable." if options.quick else ""
    if options.json:
        print(json.dumps(as_json(rows, facts, note), indent=1))
    else:
        for key, value in facts.items():
            print(f"{key}: {value}")
        show(rows, details=options.details)
        if note:
            print(note)
    if options.write:
        write(BENCHMARKS, rows, facts, note)
        say(f"written to docs/{BENCHMARKS.name}")
    return int(options.strict and any(row.passed is False for row in rows))


def _run(name: str, section: Callable[[Lab], list[Row]], lab: Lab) -> list[Row]:
    """Run one section; what breaks it becomes a missed row, so that the others are still measured."""
    try:
        return section(lab)
    except Skipped as reason:
        return [Row(name, name, "", f"skipped: {reason}")]
    except CallCoachError as error:
        return [Row(name, name, "", f"failed: {error}", False)]
    except Exception as error:
        import traceback

        traceback.print_exc()
        return [Row(name, name, "", f"failed: {type(error).__name__}: {error}", False)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=list(SECTIONS), help="one section; may be repeated"
    )
    parser.add_argument("--quick", action="store_true", help="a part of the data, some minutes")
    parser.add_argument("--long", action="store_true", help="three hours with words too")
    parser.add_argument("--details", action="store_true", help="list every miss below the table")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    parser.add_argument("--strict", action="store_true", help="exit status 1 when a bar is missed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
