"""``kill -9`` of each process of a real call at random moments: what is lost, and how it is recovered.

``python -m tests.bench.kills [--count 50] [--seed 1]`` prints the table. Session, capture and recogniser are
killed in turn in calls of 8 s that are played at 1x. The moment of a kill is read from the shared ring, so it
is a position of the call: what was captured by then and is not in the finished folder is lost.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
import soundfile

from callcoach.capture.ring import SharedRing
from callcoach.clock import SAMPLE_RATE
from callcoach.live.closing import missing_words
from callcoach.live.recovering import interrupted_calls, recover_call
from callcoach.live.tail import LOG_NAME, read_live_log
from callcoach.sound_ports import Pcm
from tests.bench.lab import Lab
from tests.bench.table import Row, machine, say, show
from tests.support.live_calls import LiveCall, analysed, events_of, excerpt

SECTION: Final = "kills"
COUNT: Final = 50
SECONDS: Final = 8.0
STARTS: Final = (2.0, 10.0, 20.0, 40.0)
"""Where the excerpts begin in the shipped call, s."""
AUDIO_BAR_S, EVENTS_BAR_S = 0.5, 0.25
"""DUR-1."""
VICTIMS: Final = ("session", "capture", "recogniser")
SHOWN: Final = ("CueOpened", "CueClosed", "Bookmark", "Consent", "Pause", "Device", "Gap")
"""The events that DUR-1 counts."""
MARGIN_S: Final = 0.2
"""The last that a recording has beside the same sound without a kill: a side may be a block behind."""


@dataclass
class Kill:
    """What became of one call."""

    victim: str
    at_s: float
    """Position of the call at the kill."""
    audio_s: float = 0.0
    """Captured by then and not kept."""
    away_s: float = 0.0
    """Not captured until the process was there again."""
    events_s: float = 0.0
    """From the first event that is missing to the kill."""
    shown_s: float = 0.0
    """The same for the events of DUR-1 alone."""
    lines: int = 0
    """Lines of the log at the kill that are not in it afterwards."""
    missing: int = 0
    """Stretches of speech without words although the call went on."""
    recover_s: float | None = None
    problems: list[str] = field(default_factory=list)


def run(lab: Lab, *, count: int = COUNT, seed: int = 1) -> list[Row]:
    """Kill so many processes, recover what was cut off, twice, and compare."""
    folder = lab.folder / "kills"
    folder.mkdir()
    chance = np.random.default_rng(seed)
    kills: list[Kill] = []
    parts: dict[float, tuple[Path, list[dict[str, Any]]]] = {}
    for number in range(count):
        victim = VICTIMS[number % len(VICTIMS)]
        start = STARTS[number // len(VICTIMS) % len(STARTS)]
        if start not in parts:
            part = excerpt(folder, start=start, seconds=SECONDS)
            offline = analysed(part, folder / "offline", "--no-words")
            parts[start] = part, _deterministic(events_of(offline))
            if not parts[start][1]:
                raise RuntimeError(f"nothing happens in the excerpt at {start:g} s; choose another")
        place = folder / f"{number:03d}"
        kill = _kill(place, victim, *parts[start], float(chance.uniform(0.0, SECONDS - 1.5)))
        say(f"{SECTION} {number + 1}/{count}: {_line(kill)}")
        kills.append(kill)
        shutil.rmtree(place)
    return rows(kills)


def rows(kills: Sequence[Kill]) -> list[Row]:
    """Put the worst of every kind of victim into the table."""
    found = []
    for victim in VICTIMS:
        of = [k for k in kills if k.victim == victim]
        if not of:
            continue
        audio, shown = max(k.audio_s for k in of), max(k.shown_s for k in of)
        events = max(k.events_s for k in of)
        details = tuple(f"{k.victim} at {k.at_s:.2f} s: {p}" for k in of for p in k.problems)
        name = f"{victim} killed, {len(of)} random moments"
        found += [
            Row(
                SECTION,
                f"{name}: largest loss of audio",
                f"<= {AUDIO_BAR_S:g} s",
                f"{audio:.3f} s",
                audio <= AUDIO_BAR_S,
                {"audio_s": audio},
            ),
            Row(
                SECTION,
                f"{name}: largest loss of events",
                f"<= {EVENTS_BAR_S:g} s",
                f"{max(shown, events):.3f} s",
                max(shown, events) <= EVENTS_BAR_S,
                {"shown_s": shown, "events_s": events, "lines": sum(k.lines for k in of)},
            ),
            Row(
                SECTION,
                f"{name}: failures",
                "0",
                f"{sum(bool(k.problems) for k in of)}",
                not details,
                {"failures": float(len(details))},
                details,
            ),
        ]
        if victim == "capture":
            away = max(k.away_s for k in of)
            both = max(k.away_s + k.audio_s for k in of)
            found.append(
                Row(
                    SECTION,
                    f"{name}: longest without capture; with what was lost before",
                    "",
                    f"{away:.2f} s; {both:.2f} s",
                    values={"away_s": away, "both_s": both},
                )
            )
        if victim == "recogniser":
            count = sum(k.missing for k in of)
            found.append(
                Row(
                    SECTION,
                    f"{name}: stretches without words",
                    "0",
                    f"{count}",
                    not count,
                    {"missing": count},
                )
            )
        times = [k.recover_s for k in of if k.recover_s is not None]
        if times:
            longest = max(times)
            found.append(
                Row(
                    SECTION,
                    f"{name}: longest recovery",
                    "",
                    f"{longest:.2f} s",
                    values={"recover_s": longest},
                )
            )
    return found


def _kill(place: Path, victim: str, part: Path, wanted: list[dict[str, Any]], after: float) -> Kill:
    words = ("--model", "tiny.en") if victim == "recogniser" else ("--no-words",)
    call = LiveCall(place, part, part, "--consent", "notice", "--format", "json", *words)
    try:
        call.await_sound()
        ring = _ring_of(call.process.pid)
        try:
            while ring.written < after * SAMPLE_RATE and call.process.poll() is None:
                time.sleep(0.002)
            process = None if victim == "session" else call.helper(victim)
            lines = _whole_lines(call.folder)
            kill = Kill(victim, ring.written / SAMPLE_RATE)
            if process is None:
                call.kill()
            else:
                process.kill()
        finally:
            ring.close()
        if process is not None:
            output = call.end()
            if call.process.returncode != 0:
                kill.problems.append(f"the call ended with {call.process.returncode}: {output[-300:]}")
                return kill
    finally:
        if call.process.poll() is None:
            call.process.kill()
            call.process.communicate()
    if victim == "session":
        _recover(place, kill)
    elif interrupted_calls(place):
        kill.problems.append("a call that went on to its end is listed for recovery")
    _compare(call.folder, part, wanted, lines, kill)
    return kill


def _ring_of(pid: int) -> SharedRing:
    """Join the ring of a running call; its name stands among the files that the session has mapped."""
    until = time.monotonic() + 30.0
    while time.monotonic() < until:
        for mapped in psutil.Process(pid).memory_maps(grouped=True):
            if found := re.search(r"/(callcoach-[0-9a-f]{16})", mapped.path):
                return SharedRing.attach(found[1])
        time.sleep(0.02)
    raise RuntimeError("the call has no ring")


def _whole_lines(folder: Path) -> list[str]:
    text = (folder / LOG_NAME).read_text("utf-8")
    return text[: text.rfind("\n") + 1].splitlines()


def _recover(place: Path, kill: Kill) -> None:
    """Recover the call and a copy of it, then look whether there is anything left to do."""
    twin = place.with_name(place.name + "-twin")
    shutil.copytree(place, twin)
    folders = [interrupted_calls(root) for root in (place, twin)]
    if [len(f) for f in folders] != [1, 1]:
        kill.problems.append(
            f"{len(folders[0])} and {len(folders[1])} calls are listed for recovery, not 1 and 1"
        )
        return
    begin = time.perf_counter()
    document = recover_call(folders[0][0]).document
    kill.recover_s = time.perf_counter() - begin
    recover_call(folders[1][0])
    for name in ("call.json", LOG_NAME, "audio/call.flac"):
        first, second = (f[0] / name for f in folders)
        if first.read_bytes() != second.read_bytes():
            kill.problems.append(f"{name} differs between two recoveries")
    if document.verdict.status != "salvaged":
        kill.problems.append(f"verdict {document.verdict.status} after a recovery")
    if interrupted_calls(place):
        kill.problems.append("a recovered call is listed again")
    shutil.rmtree(twin)


def _compare(folder: Path, part: Path, wanted: list[dict[str, Any]], lines: list[str], kill: Kill) -> None:
    sound, _ = soundfile.read(part, dtype="int16", always_2d=True)
    kept, _ = soundfile.read(folder / "audio" / "call.flac", dtype="int16", always_2d=True)
    events = events_of(folder)
    gap = next((e for e in events if e["type"] == "Gap" and e["reason"] == "capture_died"), None)
    kill.audio_s = _lost(kept, sound, round(kill.at_s * SAMPLE_RATE)) / SAMPLE_RATE
    if kill.victim == "capture":
        if gap is None:
            kill.problems.append("no gap tells of the capture process that died")
        else:
            kill.away_s = (gap["span"][1] - gap["span"][0]) / SAMPLE_RATE
            behind, whole = gap["span"][1], len(kept) - round(MARGIN_S * SAMPLE_RATE)
            if not np.array_equal(kept[behind:whole], sound[behind:whole]):
                kill.problems.append("the sound after the gap is not what was played")
    if kill.victim == "recogniser" and not np.array_equal(kept[: len(sound)], sound[: len(kept)]):
        kill.problems.append("the recording is not what was played")
    after = (folder / LOG_NAME).read_text("utf-8").splitlines()
    kill.lines = len(set(lines) - set(after))
    if after[: len(lines)] != lines:
        kill.problems.append(f"{kill.lines} lines of the log at the kill are not in it afterwards")
    gone = [json.loads(line) for line in set(lines) - set(after)]
    shown = [e["known_at"] for e in gone if e["type"] in SHOWN]
    kill.shown_s = max((kill.at_s - k / SAMPLE_RATE for k in shown), default=0.0)
    # what an undisturbed analysis has told by the moment of the kill
    found = [json.dumps(e, sort_keys=True) for e in _deterministic(events)]
    for event in wanted:
        known = event["known_at"] / SAMPLE_RATE
        if known <= kill.at_s and json.dumps(event, sort_keys=True) not in found:
            kill.events_s = max(kill.events_s, kill.at_s - known)
    if kill.victim == "recogniser":
        kill.missing = len(missing_words(read_live_log(folder / LOG_NAME).events))
        if not any(e["type"] == "Words" and e["items"] for e in events):
            kill.problems.append("the call has no words")


def _lost(kept: Pcm, sound: Pcm, position: int) -> int:
    """Return how much of what was captured by ``position`` is not kept: from the first difference on."""
    position = min(position, len(sound))
    there = min(len(kept), position)
    other = np.flatnonzero((kept[:there] != sound[:there]).any(axis=1))
    return position - (int(other[0]) if len(other) else there)


def _deterministic(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the events of the analysis that live calls, recordings and calls with words have alike."""
    return [
        {key: value for key, value in event.items() if key != "wall_s"}
        for event in events
        if event["type"] in ("SpeechSegment", "Overlap", "Silence")
        or (event["type"] == "CueOpened" and event["cue"] == "C01")
    ]


def _line(kill: Kill) -> str:
    text = f"{kill.victim} at {kill.at_s:.2f} s: audio {kill.audio_s:.3f} s, events {kill.events_s:.3f} s"
    if kill.recover_s is not None:
        text += f", recovered in {kill.recover_s:.2f} s"
    return text + "".join(f"; {p}" for p in kill.problems)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.kills")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="callcoach-kills-") as folder:
        found = run(Lab(Path(folder)), count=options.count, seed=options.seed)
    for key, value in machine().items():
        print(f"{key}: {value}")
    show(found, details=True)


if __name__ == "__main__":
    main()
