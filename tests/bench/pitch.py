"""F0 against a laryngograph, beside Praat, and against the pitch that synthetic calls were given."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from callcoach.clock import FRAME_LENGTH, HOP_LENGTH, SAMPLE_RATE
from callcoach.config import Settings
from callcoach.core.analyzer import Analyzer
from callcoach.core.level import NoiseFloor, hop_levels
from callcoach.core.pitch import LONGEST_DELAY_HOPS, PitchTrack
from callcoach.ports import Audio
from callcoach.sources.file import open_recording
from callcoach.speech.silero import StreamingSilero
from tests.bench.lab import Lab, annotation, decode, percent, truth_path
from tests.bench.table import Row, Skipped, say

SECTION: Final = "F0"
GROSS: Final = 0.20
"""An error above this share of the true F0 is gross."""
GROSS_BAR, VOICING_BAR, FINE_BAR = 0.008, 0.065, 0.14
CORE_BAR: Final = 0.03
"""Share of one core for both channels at the speed of the call."""
DELAY_BAR_S: Final = 0.256
BAND_HZ: Final = (300.0, 3400.0)
JUMP_ST: Final = 9.0
SPIKE_ST: Final = 3.0
LEAST_VOICED: Final = 15

Curve = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Errors:
    """What a track gets wrong against the laryngograph."""

    gross: float
    """Share of the frames voiced in both that are off by more than 20 %."""
    voicing: float
    """Share of all frames with the wrong voicing."""
    fine_st: float
    """Median absolute error of the other frames voiced in both, semitones."""

    def __str__(self) -> str:
        return f"gross {percent(self.gross, 2)}, voicing {percent(self.voicing)}, fine {self.fine_st:.3f} st"


def run(lab: Lab) -> list[Row]:
    """Measure all: laryngograph, synthetic calls, cost."""
    rows: list[Row] = []
    for part in (_laryngograph, _calls, _cost):
        try:
            rows += part(lab)
        except Skipped as reason:
            rows.append(Row(SECTION, part.__name__.strip("_"), "", f"skipped: {reason}"))
    return rows


def errors(true: Sequence[Curve], found: Sequence[Curve]) -> Errors:
    """Compare frames: true F0 in Hz with 0 = unvoiced, found F0 in Hz with NaN = unvoiced."""
    real, heard = np.concatenate(true), np.concatenate(found)
    voiced, said = real > 0, ~np.isnan(heard)
    both = voiced & said
    ratio = heard[both] / real[both]
    gross = np.abs(ratio - 1) > GROSS
    fine = 12 * np.abs(np.log2(ratio[~gross]))
    return Errors(float(gross.mean()), float(np.mean(voiced != said)), float(np.median(fine)))


def at_times(f0_hz: Curve, times: Curve) -> Curve:
    """Read a track at ``times`` in s: the nearest hop says voiced or not, between two voiced hops linear.

    Praat's own query does the same.
    """
    place = times * SAMPLE_RATE / HOP_LENGTH - 0.5
    before = np.floor(place).astype(int)
    share = place - before
    last = len(f0_hz) - 1
    left, right = f0_hz[np.clip(before, 0, last)], f0_hz[np.clip(before + 1, 0, last)]
    nearest = np.where(share < 0.5, left, right)
    between = left * (1 - share) + right * share
    return np.asarray(np.where(np.isnan(nearest) | np.isnan(between), nearest, between))


def through_product(path: Path) -> list[Curve]:
    """Return the F0 track of each channel, from the core as `callcoach analyze` runs it."""
    source = open_recording(path)
    analyzer = Analyzer(
        Settings(), rate=source.rate, channels=source.channels, detector=StreamingSilero, submit=None
    )
    for block in source.blocks():
        analyzer.push(block)
    analyzer.finish()
    source.close()
    return [track.curves()[2].astype(np.float64) for track in analyzer.tracks]


def through_tracker(audio: Audio) -> Curve:
    """Return the F0 track of one channel at 16 kHz, without the rest of the core."""
    pitch, floor = PitchTrack(Settings().pitch), NoiseFloor(Settings().activity.floor_window_s)
    for start in range(0, len(audio) - FRAME_LENGTH + 1, FRAME_LENGTH):
        frame = audio[start : start + FRAME_LENGTH]
        levels = hop_levels(frame)
        pitch.step(frame, levels, floor.step(max(levels)))
    pitch.finish()
    return np.array(pitch.f0_hz, np.float64)


def _praat() -> Any:
    """Return the module, or say why not; it is GPL and therefore in no list of packages of this project.

    Raises
    ------
    Skipped
        If it is not installed.
    """
    try:
        return importlib.import_module("parselmouth")
    except ImportError:
        raise Skipped("Praat is not here (pip install praat-parselmouth, for this comparison only)") from None


def _through_praat(praat: Any, audio: Audio, times: Curve) -> Curve:
    pitch = praat.Sound(audio.astype(np.float64), SAMPLE_RATE).to_pitch()
    return np.array([pitch.get_value_at_time(t) for t in times])


def _band(audio: Audio) -> Audio:
    """Leave what a telephone line leaves: 300 to 3400 Hz, zero phase."""
    spectrum = np.fft.rfft(audio)
    hz = np.fft.rfftfreq(len(audio), 1 / SAMPLE_RATE)
    low, high = BAND_HZ
    spectrum /= np.sqrt((1 + (low / np.maximum(hz, 1e-3)) ** 12) * (1 + (hz / high) ** 12))
    return np.fft.irfft(spectrum, len(audio)).astype(np.float32)


def _laryngograph(lab: Lab) -> list[Row]:
    recordings = lab.recordings("fda_ue")
    try:
        praat, absent = _praat(), ""
    except Skipped as reason:
        praat, absent = None, str(reason)
    true: list[Curve] = []
    plain: list[Curve] = []
    line: list[Curve] = []
    praat_plain: list[Curve] = []
    praat_line: list[Curve] = []
    for recording in recordings:
        say(f"{SECTION}: fda_ue {recording.stem}")
        given = annotation(recording)["f0"]
        true.append(np.array(given["values"], np.float64))
        times = np.arange(len(true[-1]), dtype=np.float64) * np.float64(given["step_s"])
        plain.append(at_times(through_product(recording)[0], times))
        audio = decode(recording)[0]
        narrow = _band(audio)
        line.append(at_times(through_tracker(narrow), times))
        if praat is not None:
            praat_plain.append(_through_praat(praat, audio, times))
            praat_line.append(_through_praat(praat, narrow, times))
    ours = errors(true, plain)
    theirs = errors(true, praat_plain) if praat is not None else None
    details = tuple(
        f"{recording.stem}: {errors(true[i : i + 1], plain[i : i + 1])}"
        for i, recording in enumerate(recordings)
    )
    rows = [
        _compared(
            "gross error (over 20 %)",
            GROSS_BAR,
            ours.gross,
            None if theirs is None else theirs.gross,
            details,
        ),
        _compared(
            "voicing error", VOICING_BAR, ours.voicing, None if theirs is None else theirs.voicing, details
        ),
        _compared(
            "median fine error",
            FINE_BAR,
            ours.fine_st,
            None if theirs is None else theirs.fine_st,
            details,
            "st",
        ),
    ]
    for half, name in enumerate(("first, third, ...", "second, fourth, ...")):
        measured = str(errors(true[half::2], plain[half::2]))
        if praat is not None:
            measured += f"; Praat: {errors(true[half::2], praat_plain[half::2])}"
        rows.append(Row(SECTION, f"fda_ue, every second recording: {name}", "", measured))
    measured = str(errors(true, line))
    if praat is not None:
        measured += f"; Praat: {errors(true, praat_line)}"
    rows.append(Row(SECTION, "fda_ue through 300-3400 Hz", "", measured))
    if absent:
        rows.append(Row(SECTION, "fda_ue: Praat", "", f"skipped: {absent}"))
    return rows


def _compared(
    figure: str, bar: float, ours: float, praat: float | None, details: tuple[str, ...], unit: str = ""
) -> Row:
    def shown(value: float, digits: int) -> str:
        return f"{value:.{digits}f} {unit}" if unit else percent(value, digits)

    measured = shown(ours, 3 if unit else 2)
    values = {"ours": ours}
    if praat is not None:
        measured += f"; Praat: {shown(praat, 3 if unit else 2)}"
        values["praat"] = praat
    return Row(
        SECTION,
        f"fda_ue: {figure}",
        f"<= {shown(bar, 2 if unit else 1)}",
        measured,
        ours <= bar,
        values,
        details,
    )


def _calls(lab: Lab) -> list[Row]:
    """Median F0 of utterances shifted by 3 semitones or more against the speaker's others."""
    seen: list[float] = []
    details: list[str] = []
    jumps = voiced = 0
    for recording in lab.calls():
        say(f"{SECTION}: {recording.stem}")
        truth = json.loads(truth_path(recording).read_text(encoding="utf-8"))
        for channel, f0 in enumerate(through_product(recording)):
            st = 12 * np.log2(f0)
            voiced += int(np.sum(~np.isnan(st)))
            jumps += int(np.sum(np.abs(np.diff(st)) > JUMP_ST))
            usual: list[Curve] = []
            shifted: list[tuple[float, float, Curve]] = []
            for spoken in truth["utterances"]:
                if spoken["channel"] != channel:
                    continue
                first, last = (int(spoken[edge] * SAMPLE_RATE / HOP_LENGTH) for edge in ("start", "end"))
                part = st[first:last]
                part = part[~np.isnan(part)]
                if spoken["pitch_st"] == 0:
                    usual.append(part)
                elif spoken["pitch_st"] >= SPIKE_ST and len(part) >= LEAST_VOICED:
                    shifted.append((spoken["start"], spoken["pitch_st"], part))
            middle = float(np.median(np.concatenate(usual)))
            for start, given, part in shifted:
                found = float(np.median(part)) - middle
                seen.append(found - given)
                details.append(
                    f"{recording.stem} {channel} {start:.1f} s: +{given:.1f} st, found {found:+.1f}"
                )
    if not seen:
        raise Skipped("no utterance of these calls is shifted")
    off = np.array(seen)
    return [
        Row(
            SECTION,
            "synthetic_calls: median F0 of shifted utterances over the speaker's others",
            "",
            f"{len(off)} of +{SPIKE_ST:.0f} st or more; found minus given: median {np.median(off):+.1f} st, "
            f"{off.min():+.1f} to {off.max():+.1f}",
            None,
            {"median_st": float(np.median(off))},
            tuple(details),
        ),
        Row(
            SECTION,
            f"synthetic_calls: voiced neighbours more than {JUMP_ST:.0f} st apart",
            "0",
            f"{jumps} of {voiced}",
            jumps == 0,
        ),
    ]


def _cost(lab: Lab) -> list[Row]:
    """Processor time of the tracker alone, as one share of a core for two channels."""
    audio = decode(lab.calls()[0])[0]
    through_tracker(audio[:SAMPLE_RATE])
    before = time.process_time()
    through_tracker(audio)
    share = 2 * (time.process_time() - before) * SAMPLE_RATE / len(audio)
    delay = LONGEST_DELAY_HOPS * HOP_LENGTH / SAMPLE_RATE
    return [
        Row(
            SECTION,
            "processor time, both channels at 1x",
            f"<= {percent(CORE_BAR, 0)} of a core",
            f"{percent(share, 2)}",
            share <= CORE_BAR,
            {"share": share},
        ),
        Row(
            SECTION,
            "from the start of a hop until its F0 is out",
            f"<= {DELAY_BAR_S * 1000:.0f} ms",
            f"{delay * 1000:.0f} ms",
            delay <= DELAY_BAR_S,
        ),
    ]
