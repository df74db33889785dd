"""Sounds of a telephone line without a voice: silence and the tones of exchanges."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

RATE: Final = 8_000
SECONDS: Final = 30.0
LEVEL: Final = 0.1
"""Peak of each sine, -20 dBFS."""
SEED: Final = 3
TONES: Final[dict[str, tuple[tuple[float, ...], float, float]]] = {
    "dial_tone_us": ((350.0, 440.0), 1.0, 0.0),
    "dial_tone_eu": ((425.0,), 1.0, 0.0),
    "busy_tone_us": ((480.0, 620.0), 0.5, 0.5),
    "ring_tone_us": ((440.0, 480.0), 2.0, 4.0),
    "ring_tone_eu": ((425.0,), 1.0, 4.0),
}
"""Frequencies in Hz, seconds on, seconds off (ITU-T E.180 supplement 2)."""
KEYS: Final = ((697, 1209), (770, 1336), (852, 1477), (941, 1209))
"""Hz of the push buttons 1, 5, 9 and * (ITU-T Q.23)."""


def make_tones(folder: Path) -> list[Path]:
    """Write the recordings (8 kHz, mono, 30 s) and return them."""
    folder.mkdir(parents=True, exist_ok=True)
    times = np.arange(int(RATE * SECONDS)) / RATE
    made = {"digital_silence": np.zeros(len(times))}
    made["line_noise"] = np.random.default_rng(SEED).normal(0, 10 ** (-60 / 20), len(times))
    for name, (frequencies, on, off) in TONES.items():
        made[name] = _sines(times, frequencies) * (times % (on + off) < on)
    keys = np.zeros(len(times))
    for index, pair in enumerate(KEYS):
        keys += _sines(times, pair) * ((times * 2 % len(KEYS)).astype(int) == index) * (times * 2 % 1 < 0.4)
    made["push_buttons"] = keys
    paths = []
    for name, audio in made.items():
        path = folder / f"{name}.wav"
        soundfile.write(path, audio, RATE, subtype="PCM_16")
        paths.append(path)
    return paths


def beside_silence(path: Path, folder: Path) -> Path:
    """Write a two-channel recording whose caller channel is ``path`` and whose agent channel is silent."""
    folder.mkdir(parents=True, exist_ok=True)
    audio, rate = soundfile.read(path, dtype="float32")
    made = folder / f"{path.stem}_two_channels.wav"
    soundfile.write(made, np.column_stack([np.zeros_like(audio), audio]), rate, subtype="PCM_16")
    return made


def _sines(
    times: np.ndarray[tuple[int], np.dtype[np.float64]], frequencies: Sequence[float]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(LEVEL * sum(np.sin(2 * np.pi * f * times) for f in frequencies))
