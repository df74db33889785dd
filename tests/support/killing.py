"""Children that are killed at random moments; run as a script, prints one JSON line for each.

``python -m tests.support.killing write FOLDER TIMES SEED`` records calls and kills the recorder.
``python -m tests.support.killing recover FOLDER TIMES SEED`` recovers FOLDER, killed again and again.
"""

from __future__ import annotations

import json
import os
import random
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from callcoach.capture.archive import complete, write_flac
from callcoach.capture.clocks import SystemClock
from callcoach.capture.journal import JournalWriter
from callcoach.capture.marker import Marker, claim_call, start_call
from tests.support.storing import BOTH, counted

BLOCK = 320
"""20 ms, as devices deliver them."""
LOOP = 60 * 16_000
SAMPLES = counted(LOOP)


def record(folder: Path, tell: Callable[[int], None]) -> None:
    """Write as fast as it goes, telling after each block how much was taken; a thread syncs all the time."""
    lock = start_call(folder, Marker("call-1", datetime.now(UTC)))
    journal = JournalWriter(folder, "call-1", clock=SystemClock(), roll_bytes=1 << 20)

    def keep_syncing() -> None:
        while True:
            journal.sync()

    threading.Thread(target=keep_syncing, daemon=True).start()
    for position in range(0, LOOP, BLOCK):
        journal.write(position, SAMPLES[position : position + BLOCK], BOTH)
        tell(position + BLOCK)
        time.sleep(0.0001)
    journal.close()
    lock.release()


def recover(folder: Path, tell: Callable[[int], None]) -> None:
    claim = claim_call(folder)
    assert claim is not None
    with claim:
        complete(folder, write_flac(folder))
    tell(1)


def killed(body: Callable[[Path, Callable[[int], None]], None], folder: Path, after: float) -> int:
    """Run ``body`` in a child, kill it so long after its first word (or start), return its last word."""
    reader, writer = os.pipe()

    def tell(value: int) -> None:
        os.write(writer, struct.pack("<q", value))

    child = os.fork()
    if child == 0:
        try:
            body(folder, tell)
        finally:
            os._exit(0)
    os.close(writer)
    last = 0
    if body is record:
        (last,) = struct.unpack("<q", os.read(reader, 8))
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read()
    return struct.unpack("<q", told[-8:])[0] if len(told) >= 8 else last


def main(what: str, folder: Path, times: int, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(times):
        if what == "write":
            place = folder / f"{number:02d}"
            last = killed(record, place, chance.uniform(0, 0.08))
        else:
            place = folder
            last = killed(recover, place, chance.uniform(0, 0.12))
        sys.stdout.write(json.dumps({"folder": place.name, "last": last}) + "\n")
        if what != "write" and last:
            return


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
