"""Choice of the recogniser's settings: error rate and processor time for every combination that is asked for.

`python -m tests.bench.bench_words --beam 1 5 --empty 5 8 --pad 200 400` prints one line for each; the
figures of the product itself are `python -m tests.bench --only words`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from callcoach.clock import SAMPLE_RATE, Span
from callcoach.config import Settings
from callcoach.core.analyzer import Analyzer
from callcoach.events import Channel, Word
from callcoach.ports import Audio, SpeechWindow
from callcoach.speech.silero import StreamingSilero
from callcoach.speech.store import ModelStore
from callcoach.speech.whisper import WhisperTranscriber
from tests.bench.lab import annotation, decode, truth_path
from tests.bench.packing import Packing, mask, pack, probabilities, seconds
from tests.bench.scoring import ROLES, edits, true_text, words_of

ROOT: Final = Path(__file__).parents[2]
DATA: Final = ROOT.parent / "shared" / "data"
CLIPS: Final = ("read_speech", "asterisk_prompts", "harper_valley/caller_audio")
CALLS: Final = "synthetic_calls"


@dataclass(slots=True)
class Side:
    """One channel of a recording with its text; ``core`` are the windows that the core cut from it."""

    group: str
    name: str
    audio: Audio
    reference: list[str]
    speech: list[float] = field(default_factory=list)
    core: list[SpeechWindow] = field(default_factory=list)


class _NoWords:
    """The work of a recogniser that hears nothing."""

    def done(self) -> bool:
        return True

    def result(self) -> tuple[Word, ...]:
        return ()


def sides(groups: Sequence[str]) -> Iterator[Side]:
    """Read every channel of the named sets."""
    for group in groups:
        for recording in sorted((DATA / group).glob("*.flac")):
            channels = decode(recording)
            if group == CALLS:
                truth = json.loads(truth_path(recording).read_text(encoding="utf-8"))
                texts = [true_text(truth, channel) for channel in (0, 1)]
            else:
                texts = [" ".join(segment["text"] for segment in annotation(recording)["segments"])]
            cut = core_windows(channels[: len(texts)])
            for index, text in enumerate(texts):
                key = None if len(texts) == 1 else tuple(Channel)[index]
                role = "" if key is None else f" {ROLES[index]}"
                yield Side(
                    group,
                    recording.stem + role,
                    channels[index],
                    words_of(text),
                    probabilities(channels[index]),
                    [window for window in cut if window.channel == key],
                )


def core_windows(channels: Sequence[Audio]) -> list[SpeechWindow]:
    """Return the windows that the core cuts from a recording with its own settings."""
    import numpy as np

    windows: list[SpeechWindow] = []

    def submit(window: SpeechWindow) -> _NoWords:
        windows.append(window)
        return _NoWords()

    analyzer = Analyzer(
        Settings(), rate=SAMPLE_RATE, channels=len(channels), detector=StreamingSilero, submit=submit
    )
    analyzer.push(np.stack(channels, axis=1))
    analyzer.finish()
    return windows


def measure(
    label: str,
    everything: Sequence[Side],
    cut: Callable[[Side], list[SpeechWindow]],
    recogniser: WhisperTranscriber,
    workers: int,
) -> None:
    """Recognise every window of every channel and print one line."""
    windows = [cut(side) for side in everything]
    recogniser.warm_up()
    wall, cpu = time.perf_counter(), _cpu()
    with ThreadPoolExecutor(workers) as pool:
        heard = list(pool.map(recogniser.transcribe, itertools.chain(*windows)))
    wall, cpu = time.perf_counter() - wall, _cpu() - cpu
    texts = iter(heard)
    groups: dict[str, list[int]] = {}
    for side, own in zip(everything, windows, strict=True):
        text = " ".join(word.text for _ in own for word in next(texts))
        wrong, total = groups.setdefault(side.group, [0, 0])
        groups[side.group] = [wrong + edits(side.reference, words_of(text)), total + len(side.reference)]
    rates = "  ".join(
        f"{name.split('/')[0]} {100 * wrong / total:.2f} % ({wrong})"
        for name, (wrong, total) in groups.items()
    )
    sound = sum(seconds(own) for own in windows)
    count = sum(map(len, windows))
    print(
        f"{label}: {rates}; {count} windows, {sound:.0f} s; {wall:.1f} s wall, {cpu:.1f} s processor",
        flush=True,
    )


def measure_plain(everything: Sequence[Side], folder: Path) -> None:
    """Do the same with plain faster-whisper on the whole channels, beam 5."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(folder), device="cpu", compute_type="int8", local_files_only=True)

    class Whole(WhisperTranscriber):
        def __init__(self) -> None:
            pass

        def warm_up(self) -> None:
            pass

        def transcribe(self, window: SpeechWindow) -> tuple[Word, ...]:
            segments, _ = model.transcribe(window.audio, language="en")
            return tuple(Word(segment.text, window.pieces[0], 1.0) for segment in segments)

    def whole(side: Side) -> list[SpeechWindow]:
        return [SpeechWindow(None, side.audio, (Span(0, len(side.audio)),), (0,))]  # type: ignore[arg-type]

    measure("plain faster-whisper", everything, whole, Whole(), 1)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="base")
    parser.add_argument("--sets", nargs="+", default=[*CLIPS, CALLS])
    parser.add_argument("--plain", action="store_true", help="measure plain faster-whisper too")
    parser.add_argument("--core", action="store_true", help="windows of the core, with its settings")
    parser.add_argument("--beam", nargs="+", type=int, default=[1])
    parser.add_argument(
        "--empty", nargs="+", type=float, default=[5.0], help="seconds of silence behind the speech"
    )
    parser.add_argument("--pad", nargs="+", type=int, default=[200], help="ms kept on each side of a piece")
    parser.add_argument("--joint", nargs="+", type=int, default=[300], help="ms between pieces")
    parser.add_argument(
        "--silent-joints", action="store_true", help="digital silence instead of the real sound"
    )
    parser.add_argument("--window", nargs="+", type=int, default=[15_000], help="ms, longest window")
    parser.add_argument("--gap", nargs="+", type=int, default=[60_000], help="ms, widest gap inside a window")
    parser.add_argument(
        "--workers", nargs="+", type=int, default=[2], help="windows at a time, one thread each; 1: all cores"
    )
    asked = parser.parse_args()
    folder = ModelStore().obtain(asked.model, network=False)
    everything = list(sides(asked.sets))
    if asked.plain:
        measure_plain(everything, folder)
    for beam, empty, workers in itertools.product(asked.beam, asked.empty, asked.workers):
        recogniser = WhisperTranscriber(
            folder, beam_size=beam, pad_seconds=empty, cpu_threads=1 if workers > 1 else 0, workers=workers
        )
        label = f"beam {beam}, empty {empty:g} s, {workers} workers"
        if asked.core:
            measure(f"{label}, windows of the core", everything, lambda side: side.core, recogniser, workers)
            continue
        for pad, joint, window, gap in itertools.product(asked.pad, asked.joint, asked.window, asked.gap):
            packing = Packing(pad, joint, not asked.silent_joints, window, gap)

            def cut(side: Side, packing: Packing = packing) -> list[SpeechWindow]:
                return pack(side.audio, mask(side.speech, len(side.audio), packing), packing, Channel.AGENT)

            measure(f"{label}, {packing}", everything, cut, recogniser, workers)


if __name__ == "__main__":
    main()
