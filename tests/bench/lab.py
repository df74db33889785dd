"""What the sections share: data, the product, plain faster-whisper, and the time each of them takes."""

from __future__ import annotations

import functools
import json
import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from callcoach.clock import SAMPLE_RATE
from callcoach.contract import CallDocument
from callcoach.ports import Audio
from callcoach.runner import Job, Recogniser, analyze_source
from callcoach.sources.file import open_recording
from callcoach.speech.store import ModelStore, go_offline
from tests.bench.table import CHECKOUT, Skipped, say

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

MODEL: Final = "base"
SAMPLES: Final = CHECKOUT / "samples"
DATA: Final = CHECKOUT.parent / "shared" / "data"
QUICK_CLIPS: Final = 4
QUICK_CALLS: Final = 2


@dataclass(frozen=True, slots=True)
class Cost:
    """Time spent, in seconds; ``cpu`` is user and system time of all threads."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Analysed:
    """One recording through the product."""

    folder: Path
    document: CallDocument
    cost: Cost

    def text(self, role: str | None) -> str:
        """Return what a party said, in order of time; None is the voice of a mono recording."""
        entries = sorted(self.document.transcript, key=lambda e: e.begin)
        return " ".join(e.text for e in entries if e.role == role)


@dataclass(frozen=True, slots=True)
class Plain:
    """One recording through faster-whisper as it comes: beam 5, the whole channel at once."""

    texts: tuple[str, ...]
    """One per channel."""
    cost: Cost


class Lab:
    """Runs things once and remembers them; nothing here knows what is measured.

    Parameters
    ----------
    folder : Path
        Temporary; holds call folders and made recordings.
    quick : bool
        Take only a part of every set.
    long : bool
        Take also what lasts an hour.
    """

    def __init__(self, folder: Path, *, quick: bool = False, long: bool = False) -> None:
        self.folder = folder
        self.quick = quick
        self.long = long
        self._analysed: dict[Path, Analysed] = {}
        self._plain: dict[Path, Plain] = {}

    @functools.cached_property
    def model_folder(self) -> Path:
        """Folder of verified weights, the same for both sides."""
        return ModelStore().obtain(MODEL)

    @functools.cached_property
    def recogniser(self) -> Recogniser:
        """The product's recogniser, loaded and used once."""
        say(f"loading {MODEL} for callcoach")
        made = Recogniser(MODEL, store=ModelStore())
        self._run(SAMPLES / "s04_phone_line_with_bleed.flac", self.folder / "warm-up", made)
        return made

    @functools.cached_property
    def plain_model(self) -> WhisperModel:
        """The same weights in faster-whisper, loaded and used once; threads as callcoach takes them."""
        say(f"loading {MODEL} for plain faster-whisper")
        go_offline()
        from faster_whisper import WhisperModel

        model = WhisperModel(
            str(self.model_folder), device="cpu", compute_type="int8", cpu_threads=os.cpu_count() or 1
        )
        segments, _ = model.transcribe(np.zeros(SAMPLE_RATE, np.float32), language="en")
        list(segments)
        return model

    def analyse(self, path: Path) -> Analysed:
        """Run the product with words, as the command line does, and keep the result."""
        if path not in self._analysed:
            recogniser = self.recogniser
            self._analysed[path] = self._run(path, self.folder / path.parent.name / path.stem, recogniser)
        return self._analysed[path]

    def plain(self, path: Path) -> Plain:
        """Run faster-whisper's defaults on every channel of a recording and keep the result."""
        if path not in self._plain:
            model = self.plain_model
            before = _clock()
            texts = []
            for channel in decode(path):
                segments, _ = model.transcribe(channel, language="en")
                texts.append(" ".join(segment.text.strip() for segment in segments))
            self._plain[path] = Plain(tuple(texts), _since(before))
        return self._plain[path]

    def _run(self, path: Path, folder: Path, recogniser: Recogniser) -> Analysed:
        job = Job(out=folder.parent)
        before = _clock()
        result = analyze_source(
            path.name, [path], functools.partial(open_recording, path), folder, job, recogniser
        )
        if result.error is not None:
            raise RuntimeError(result.error)
        return Analysed(folder, result.document, _since(before))

    def recordings(self, name: str) -> list[Path]:
        """Return the recordings of a shared set, fewer when quick.

        Raises
        ------
        Skipped
            If the set is not here.
        """
        if not DATA.is_dir():
            raise Skipped("../shared/data is absent")
        found = sorted((DATA / name).glob("*.flac"))
        if not found:
            raise Skipped(f"../shared/data/{name} is absent")
        return found[:: max(1, len(found) // QUICK_CLIPS)] if self.quick else found

    def calls(self) -> list[Path]:
        """Return the synthetic calls; see `recordings`."""
        found = self.recordings("synthetic_calls")
        return found[1 : 1 + QUICK_CALLS] if self.quick else found

    def samples(self) -> list[Path]:
        """Return the shipped calls."""
        found = sorted(SAMPLES.glob("*.flac"))
        return found[1:2] if self.quick else found

    def close(self) -> None:
        """Stop the recogniser's thread."""
        if "recogniser" in self.__dict__:
            self.recogniser.close()


def truth_path(recording: Path) -> Path:
    """Return the truth file of a call."""
    return recording.with_name(f"{recording.stem}.truth.json")


def annotation(recording: Path) -> dict[str, Any]:
    """Return the annotation of a recording."""
    found: dict[str, Any] = json.loads(recording.with_suffix(".json").read_text(encoding="utf-8"))
    return found


def decode(path: Path) -> list[Audio]:
    """Return every channel of a recording at 16 kHz, decoded by faster-whisper."""
    from faster_whisper import decode_audio

    source = open_recording(path)
    channels = source.channels
    source.close()
    decoded = decode_audio(str(path), sampling_rate=SAMPLE_RATE, split_stereo=channels == 2)
    return list(decoded) if channels == 2 else [decoded]


def percent(value: float, digits: int = 1) -> str:
    """Return a share as text."""
    return f"{100 * value:.{digits}f} %"


def _clock() -> Cost:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Cost(time.perf_counter(), usage.ru_utime + usage.ru_stime)


def _since(before: Cost) -> Cost:
    now = _clock()
    return Cost(now.wall - before.wall, now.cpu - before.cpu)
