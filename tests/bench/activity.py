"""Speech activity: the fast mask of the real core against hand labels, a level gate, and no speech at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from callcoach.clock import FRAME_LENGTH, SAMPLE_RATE
from callcoach.config import Settings
from callcoach.core.analyzer import Analyzer
from callcoach.events import SpeechSegment
from callcoach.ports import Audio
from callcoach.sources.file import open_recording
from callcoach.speech.silero import StreamingSilero
from tests.bench.lab import Lab, annotation, decode, percent
from tests.bench.table import Row, Skipped, say
from tests.bench.tones import make_tones

SECTION: Final = "speech activity"
GRID_S: Final = 0.01
"""A frame of the comparison; it is speech when its middle is."""
F1_BAR: Final = 0.93
SILERO_OPEN: Final = 0.5

Mask = NDArray[np.bool_]
Spans = Sequence[tuple[float, float]]


def run(lab: Lab) -> list[Row]:
    """Measure all three: labels, level gate, no speech."""
    rows: list[Row] = []
    for part in (_ten_vad, _call_centre, _no_speech):
        try:
            rows += part(lab)
        except Skipped as reason:
            rows.append(Row(SECTION, part.__name__.strip("_"), "", f"skipped: {reason}"))
    return rows


def fast_mask(path: Path) -> list[list[tuple[float, float]]]:
    """Return the runs of speech of each channel in seconds, from the core as `callcoach analyze` runs it."""
    source = open_recording(path)
    analyzer = Analyzer(
        Settings(), rate=source.rate, channels=source.channels, detector=StreamingSilero, submit=None
    )
    events = [event for block in source.blocks() for event in analyzer.push(block)] + analyzer.finish()
    source.close()
    spans: dict[object, list[tuple[float, float]]] = {track.channel: [] for track in analyzer.tracks}
    for event in events:
        if isinstance(event, SpeechSegment):
            spans[event.channel].append((event.span.start / SAMPLE_RATE, event.span.end / SAMPLE_RATE))
    return list(spans.values())


def silero_alone(audio: Audio) -> list[tuple[float, float]]:
    """Return the frames of one channel at 16 kHz where the detector says at least 0.5, in seconds."""
    detector = StreamingSilero()
    starts = range(0, len(audio) - FRAME_LENGTH + 1, FRAME_LENGTH)
    frame = FRAME_LENGTH / SAMPLE_RATE
    return [
        (at / SAMPLE_RATE, at / SAMPLE_RATE + frame)
        for at in starts
        if detector(audio[at : at + FRAME_LENGTH]) >= SILERO_OPEN
    ]


def mask(spans: Spans, seconds: float) -> Mask:
    """Draw spans on the grid."""
    middles = (np.arange(int(seconds / GRID_S)) + 0.5) * GRID_S
    drawn = np.zeros(len(middles), np.bool_)
    for start, end in spans:
        drawn |= (middles >= start) & (middles < end)
    return drawn


def f1(pairs: Sequence[tuple[Mask, Mask]]) -> tuple[float, float, float]:
    """Return F1, precision and recall of (true, found) masks taken together."""
    hit = sum(int(np.sum(true & found)) for true, found in pairs)
    said = sum(int(np.sum(found)) for _, found in pairs)
    real = sum(int(np.sum(true)) for true, _ in pairs)
    precision, recall = hit / said if said else 0.0, hit / real if real else 0.0
    return (2 * precision * recall / (precision + recall) if hit else 0.0), precision, recall


def _ten_vad(lab: Lab) -> list[Row]:
    ours: list[tuple[Mask, Mask]] = []
    alone: list[tuple[Mask, Mask]] = []
    details = []
    for recording in lab.recordings("ten_vad"):
        say(f"{SECTION}: ten_vad {recording.stem}")
        truth = annotation(recording)
        seconds = truth["duration_s"]
        true = mask([(s["start"], s["end"]) for s in truth["segments"]], seconds)
        (spans,) = fast_mask(recording)
        ours.append((true, mask(spans, seconds)))
        alone.append((true, mask(silero_alone(decode(recording)[0]), seconds)))
        details.append(f"{recording.stem}: F1 {f1(ours[-1:])[0]:.3f}, Silero alone {f1(alone[-1:])[0]:.3f}")
    value, precision, recall = f1(ours)
    other = f1(alone)[0]
    measured = (
        f"{value:.3f} (precision {precision:.3f}, recall {recall:.3f}; Silero alone at 0.5: {other:.3f})"
    )
    values = {"f1": value, "precision": precision, "recall": recall, "silero_f1": other}
    return [
        Row(
            SECTION,
            "ten_vad: F1 of 10 ms frames",
            f">= {F1_BAR}",
            measured,
            value >= F1_BAR,
            values,
            tuple(details),
        )
    ]


def _call_centre(lab: Lab) -> list[Row]:
    rows = []
    for recording in lab.recordings("aws_call_center"):
        say(f"{SECTION}: aws_call_center {recording.stem}")
        truth = annotation(recording)
        seconds = truth["duration_s"]
        found = fast_mask(recording)
        given = truth.get("segments_silero") or truth.get("labels", {}).get("segments_silero") or []
        for channel, spans in enumerate(found):
            true = mask(
                [(s["start"], s["end"]) for s in truth["segments"] if s["channel"] == channel], seconds
            )
            drawn = mask(spans, seconds)
            alone = mask([(s["start"], s["end"]) for s in given if s["channel"] == channel], seconds)
            if not given:
                alone = mask(silero_alone(decode(recording)[channel]), seconds)
            hit, lone, real = (float(np.sum(m)) * GRID_S for m in (true & drawn, true & alone, true))
            extra = float(np.sum(drawn & ~true)) * GRID_S
            measured = (
                f"{hit:.1f} of {real:.1f} s ({percent(hit / real)}), {extra:.1f} s more; "
                f"Silero alone {lone:.1f} s ({percent(lone / real)})"
            )
            values = {"found_s": hit, "true_s": real, "extra_s": extra, "silero_s": lone}
            figure = f"{recording.stem}, {truth['channels'][channel]}: found of what the level gate has"
            rows.append(Row(SECTION, figure, "", measured, None, values))
    return rows


def _no_speech(lab: Lab) -> list[Row]:
    rows = []
    files = [("made", path) for path in make_tones(lab.folder / "tones")]
    try:
        files += [("hold_music", path) for path in lab.recordings("hold_music")]
    except Skipped as reason:
        rows.append(Row(SECTION, "hold_music: speech in music", "", f"skipped: {reason}"))
    for origin, path in files:
        say(f"{SECTION}: {path.stem}")
        found = sum(end - start for spans in fast_mask(path) for start, end in spans)
        seconds = soundfile.info(path).duration
        figure = f"{origin}: {path.stem}, taken for speech"
        rows.append(Row(SECTION, figure, "", f"{found:.2f} of {seconds:.0f} s", None, {"speech_s": found}))
    return rows
