"""Same call, same events: any size of blocks, any pace, a fast or a slow recogniser."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np

from callcoach.config import Settings
from callcoach.core.analyzer import Analyzer
from callcoach.events import Word, event_to_json
from callcoach.ports import Audio, Pending, SpeechWindow
from callcoach.sources.file import open_recording
from callcoach.speech.silero import StreamingSilero
from tests.bench.lab import Lab
from tests.bench.table import Row, say

SECTION: Final = "determinism"
EXCERPT_S: Final = 60.0
REAL_TIME_S: Final = 20.0
SEED: Final = 11
BLOCKS: Final = (1, 77, 160, 512, 1000, 65_536)
BLOCK_S: Final = 0.02
"""Seconds of a block when a pace is kept."""

Submit = Callable[[SpeechWindow], Pending]


class Memory:
    """Gives the recogniser's words again for a window it has met; counts the windows it has not."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit
        self._known: dict[str, tuple[Word, ...]] = {}
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._random = random.Random(SEED)
        self.new = 0

    def submit(self, window: SpeechWindow) -> Pending:
        """Answer at once."""
        return self._pool.submit(self._words, window, 0.0)

    def slow(self, window: SpeechWindow) -> Pending:
        """Answer after up to half a second."""
        return self._pool.submit(self._words, window, self._random.uniform(0, 0.5))

    def close(self) -> None:
        """Stop the thread."""
        self._pool.shutdown()

    def _words(self, window: SpeechWindow, delay: float) -> tuple[Word, ...]:
        time.sleep(delay)
        key = hashlib.sha256(
            window.audio.tobytes() + repr((window.channel, window.pieces, window.offsets)).encode()
        )
        if key.hexdigest() not in self._known:
            self.new += 1
            self._known[key.hexdigest()] = self._submit(window).result()
        return self._known[key.hexdigest()]


def run(lab: Lab) -> list[Row]:
    """Compare the events of a 16 kHz and an 8 kHz call under all cuts and paces."""
    rows = []
    for recording in lab.samples() if lab.quick else [lab.samples()[1], lab.samples()[3]]:
        audio, rate = _read(recording, EXCERPT_S)
        memory = Memory(lab.recogniser.submit)
        say(f"{SECTION}: {recording.stem}")
        reference = _events(_cut(audio, rate), rate, memory.submit)
        windows = memory.new
        wrong = []
        for name, blocks, submit in _ways(audio, rate, memory):
            say(f"{SECTION}: {recording.stem}, {name}")
            found = _events(blocks, rate, submit)
            if found != reference:
                wrong.append(f"{recording.stem}, {name}: {_difference(reference, found)}")
        ways = len(BLOCKS) + 4
        short = audio[: int(REAL_TIME_S * rate)]
        expected = _events(_cut(short, rate), rate, memory.submit)
        for pace in (10.0,) if lab.quick else (10.0, 1.0):
            say(f"{SECTION}: {recording.stem}, pace {pace:g}")
            if _events(_paced(short, rate, pace), rate, memory.slow) != expected:
                wrong.append(f"{recording.stem}: other events at pace {pace:g}")
            ways += 1
        memory.close()
        measured = "the same" if not wrong else f"{len(wrong)} differ"
        rows.append(
            Row(
                SECTION,
                f"{recording.stem}: events for {ways} block sizes, paces and speeds of the recogniser",
                "exact",
                f"{measured} ({len(reference)} events, {windows} windows)",
                not wrong and len(reference) > 0,
                {"different": len(wrong), "events": len(reference)},
                tuple(wrong),
            )
        )
    return rows


def _ways(audio: Audio, rate: int, memory: Memory) -> Iterator[tuple[str, Iterator[Audio], Submit]]:
    for size in BLOCKS:
        yield f"blocks of {size}", _cut(audio, size), memory.submit
    yield "one block", iter([audio]), memory.submit
    for seed in (1, 2):
        yield f"random blocks {seed}", _random_cut(audio, seed), memory.submit
    yield "a slow recogniser", _cut(audio, rate // 50), memory.slow


def _read(path: Path, seconds: float) -> tuple[Audio, int]:
    source = open_recording(path)
    audio = np.concatenate(list(source.blocks()))
    source.close()
    return audio[: int(seconds * source.rate)], source.rate


def _events(blocks: Iterator[Audio], rate: int, submit: Submit) -> list[str]:
    analyzer = Analyzer(Settings(), rate=rate, channels=2, detector=StreamingSilero, submit=submit)
    events = [event for block in blocks for event in analyzer.push(block)] + analyzer.finish()
    return [json.dumps(event_to_json(event), sort_keys=True) for event in events]


def _cut(audio: Audio, size: int) -> Iterator[Audio]:
    return (audio[at : at + size] for at in range(0, len(audio), size))


def _random_cut(audio: Audio, seed: int) -> Iterator[Audio]:
    numbers, at = random.Random(seed), 0
    while at < len(audio):
        size = round(10 ** numbers.uniform(0, 5))
        yield audio[at : at + size]
        at += size


def _paced(audio: Audio, rate: int, pace: float) -> Iterator[Audio]:
    begin = time.monotonic()
    for index, block in enumerate(_cut(audio, int(BLOCK_S * rate))):
        time.sleep(max(0.0, begin + index * BLOCK_S / pace - time.monotonic()))
        yield block


def _difference(reference: list[str], found: list[str]) -> str:
    at = next((i for i, (a, b) in enumerate(zip(reference, found, strict=False)) if a != b), None)
    return f"{len(found)} events instead of {len(reference)}" if at is None else f"event {at} differs first"
