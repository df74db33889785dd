"""Render generated readings for the figure on recognised words; needs the voices of ``samples/README.md``.

``python -m tests.bench.spoken_readings --voices package/voices --out ../readings``
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr

from callcoach.clock import SAMPLE_RATE
from samples.voices import RATE, Kokoro
from tests.support.readings import Reading, readings

VOICES: Final = ("af_heart", "am_echo", "bf_emma", "bm_george")
MOST_WORDS: Final = 30
COMMA_S: Final = 0.45
"""A longer pause of a reading becomes a comma."""
LEAD_S: Final = 0.5
TRAIL_S: Final = 1.5
LEVEL: Final = 0.3


def main() -> None:
    """Render as many readings of each kind as asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voices", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--each", type=int, default=6, help="readings of each kind")
    parser.add_argument("--seed", type=int, default=20250)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    kokoro = Kokoro(options.voices, options.cache or options.out / "cache")
    for number, reading in enumerate(chosen(options.each, options.seed)):
        voice = VOICES[number % len(VOICES)]
        try:
            _render(kokoro, reading, voice, options.out / f"{number:03d}")
        except ValueError as error:
            print(f"left out {number}: {error}")


def chosen(each: int, seed: int) -> list[Reading]:
    """Return readings that a voice can say: no written digits, not too long."""
    by_kind: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings(seed=seed):
        if len(reading.words) < MOST_WORDS and not any(c.isdigit() or c == "@" for c in reading.text):
            by_kind[reading.kind].append(reading)
    return [reading for found in by_kind.values() for reading in found[:each]]


def _render(kokoro: Kokoro, reading: Reading, voice: str, path: Path) -> None:
    spoken = kokoro.say(_sentence(reading), voice, 0.95)
    sound = soxr.resample(spoken.audio, RATE, SAMPLE_RATE)
    around = (round(LEAD_S * SAMPLE_RATE), round(TRAIL_S * SAMPLE_RATE))
    sound = np.pad(sound / np.abs(sound).max() * LEVEL, around)
    soundfile.write(path.with_suffix(".flac"), sound, SAMPLE_RATE)
    words = [
        [text, LEAD_S + start, LEAD_S + end, n in reading.secret]
        for n, (text, (_, start, end)) in enumerate(zip(reading.words, spoken.words, strict=True))
    ]
    truth = {
        "kind": reading.kind,
        "style": reading.style,
        "text": reading.text,
        "voice": voice,
        "words": words,
    }
    path.with_suffix(".json").write_text(json.dumps(truth, indent=1), encoding="utf-8")


def _sentence(reading: Reading) -> str:
    out = []
    for n, word in enumerate(reading.words):
        plain = word.strip(".,")
        plain = plain if len(plain) > 1 else plain.upper()
        late = n + 1 < len(reading.words) and reading.pauses[n + 1] > COMMA_S
        out.append(plain + ("," if late else ""))
    return " ".join(out) + "."


if __name__ == "__main__":
    main()
