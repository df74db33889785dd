"""Syllables and filled pauses from sound: hand labels, calls with known words, pace stretches, cost."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from callcoach.clock import HOP_LENGTH, SAMPLE_RATE
from callcoach.config import Settings
from callcoach.core.analyzer import Analyzer
from callcoach.core.syllables import SyllableTrack
from callcoach.sources.file import open_recording
from callcoach.speech.silero import StreamingSilero
from tests.bench.lab import Lab, annotation, decode, percent, truth_path
from tests.bench.table import Row, Skipped, say

SECTION: Final = "syllables"
COUNT_BAR: Final = 0.10
TUNED_SPEAKERS: Final = ("08", "14")
"""emodb speakers that the settings were chosen on; the others were only measured."""
TUNED_CALLS: Final = ("dev01", "dev02", "dev03", "dev04")
WINDOW_S: Final = 12.0
STATE_WINDOW_S: Final = 4.0
LONGEST_PAUSE_S: Final = 0.5
LEAST_SYLLABLES: Final = 4
"""Utterances with fewer say nothing about a relative error."""
COST_BAR: Final = 0.01
COST_S: Final = 64
BATCH: Final = 16
HOP_S: Final = HOP_LENGTH / SAMPLE_RATE

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Heard:
    """What the product found on one channel, in seconds."""

    nuclei: Doubles
    filled: list[tuple[float, float]]
    speech_s: float


@dataclass(frozen=True, slots=True)
class Counted:
    """Syllables of one stretch, and how many were found."""

    group: str
    true: int
    found: int


def run(lab: Lab) -> list[Row]:
    """Measure all parts."""
    rows: list[Row] = []
    for part in (_hand_labels, _calls, _fillers, _cost):
        try:
            rows += part(lab)
        except Skipped as reason:
            rows.append(Row(SECTION, part.__name__.strip("_"), "", f"skipped: {reason}"))
    return rows


@functools.cache
def hear(path: Path) -> list[Heard]:
    """Run the core over a recording, once."""
    source = open_recording(path)
    analyzer = Analyzer(
        Settings(), rate=source.rate, channels=source.channels, detector=StreamingSilero, submit=None
    )
    for block in source.blocks():
        analyzer.push(block)
    analyzer.finish()
    source.close()
    return [
        Heard(
            np.asarray((np.flatnonzero(np.array(track.syllables.nuclei)) + 0.5) * HOP_S, np.float64),
            _runs(np.array(track.syllables.filled)),
            float(np.sum(track.speech_mask())) * HOP_S,
        )
        for track in analyzer.tracks
    ]


def _runs(marks: NDArray[np.int8]) -> list[tuple[float, float]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marks, [0]])))
    return [(a * HOP_S, b * HOP_S) for a, b in edges.reshape(-1, 2).tolist()]


def _within(nuclei: Doubles, start: float, end: float) -> int:
    return int(np.sum((nuclei >= start) & (nuclei < end)))


def _errors(counted: Sequence[Counted]) -> tuple[float, float]:
    """Return the mean absolute relative error of the stretches and the error of their sum."""
    relative = [abs(c.found - c.true) / c.true for c in counted]
    return float(np.mean(relative)), sum(c.found for c in counted) / sum(c.true for c in counted) - 1


def _count_row(figure: str, counted: Sequence[Counted], *, bar: bool) -> Row:
    mean, total = _errors(counted)
    groups = sorted({c.group for c in counted})
    details = []
    for group in groups:
        own_mean, own_total = _errors([c for c in counted if c.group == group])
        details.append(f"{group}: mean {percent(own_mean)}, of the sum {100 * own_total:+.1f} %")
    return Row(
        SECTION,
        figure,
        f"<= {percent(COUNT_BAR, 0)}" if bar else "",
        f"{percent(mean)} (of the sum {100 * total:+.1f} %; {len(counted)} stretches, "
        f"{sum(c.true for c in counted)} syllables)",
        mean <= COUNT_BAR if bar else None,
        {"mean_error": mean, "sum_error": total},
        tuple(details),
    )


def _hand_labels(lab: Lab) -> list[Row]:
    tuned: list[Counted] = []
    unseen: list[Counted] = []
    for recording in lab.recordings("emodb"):
        truth = annotation(recording)
        if "syllables" not in truth:
            continue
        (heard,) = hear(recording)
        last = truth["syllables"][-1]["end"]
        counted = Counted(
            truth["labels"]["speaker"], len(truth["syllables"]), _within(heard.nuclei, 0.0, last)
        )
        (tuned if counted.group in TUNED_SPEAKERS else unseen).append(counted)
    say(f"{SECTION}: emodb")
    text = "emodb: mean count error per clip (German, hand labels)"
    rows = []
    if unseen:
        rows.append(_count_row(f"{text}, speakers not tuned on", unseen, bar=True))
    if tuned:
        rows.append(_count_row(f"{text}, speakers tuned on", tuned, bar=False))
    return rows


def _calls(lab: Lab) -> list[Row]:
    counted: list[Counted] = []
    fixed: list[float] = []
    own: list[float] = []
    stretches: list[Row] = []
    for recording in lab.calls():
        say(f"{SECTION}: {recording.stem}")
        truth = json.loads(truth_path(recording).read_text(encoding="utf-8"))
        for channel, heard in enumerate(hear(recording)):
            mine = [u for u in truth["utterances"] if u["channel"] == channel]
            counted += _of_utterances(recording.stem[:5], mine, heard)
            first, second = _windows(mine, heard)
            fixed += first
            own += second
            events = [e for e in truth["voice_events"] if e["channel"] == channel]
            stretches += _stretches(recording.stem, mine, events, heard)
    unseen = [c for c in counted if c.group not in TUNED_CALLS]
    rows = []
    if unseen:
        rows.append(_count_row("synthetic_calls: mean count error, calls not tuned on", unseen, bar=False))
    rows.append(_count_row("synthetic_calls: mean count error, all", counted, bar=False))
    for name, errors in (("1.45 syllables per word", fixed), ("the speaker's own syllables per word", own)):
        if errors:
            absolute = float(np.mean(np.abs(errors)))
            rows.append(
                Row(
                    SECTION,
                    f"synthetic_calls: words a minute from sound alone, 12 s windows, {name}",
                    "",
                    f"mean absolute error {absolute:.1f} WPM, bias {np.mean(errors):+.1f} "
                    f"({len(errors)} windows)",
                    None,
                    {"error_wpm": absolute, "bias_wpm": float(np.mean(errors))},
                )
            )
    return rows + stretches


def _of_utterances(call: str, mine: Sequence[dict[str, Any]], heard: Heard) -> list[Counted]:
    return [
        Counted(call, u["n_syllables"], _within(heard.nuclei, u["start"] - 0.05, u["end"] + 0.05))
        for u in mine
        if u["n_syllables"] >= LEAST_SYLLABLES
    ]


def _speech(mine: Sequence[dict[str, Any]]) -> list[tuple[float, float]]:
    """Join runs of speech over pauses of up to 0.5 s: the speech time of V01."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted((a, b) for u in mine for a, b in u["ipus"]):
        if joined and start - joined[-1][1] <= LONGEST_PAUSE_S:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _in_speech_time(times: Doubles, speech: Sequence[tuple[float, float]]) -> Doubles:
    """Map times on the call's clock to speech time; what lies outside speech (by over 0.1 s) is dropped."""
    mapped, before = [], 0.0
    for start, end in speech:
        inside = times[(times >= start - 0.1) & (times < end + 0.1)]
        mapped.append(before + np.clip(inside - start, 0, end - start - 1e-6))
        before += end - start
    return np.concatenate(mapped) if mapped else np.zeros(0)


def _windows(mine: Sequence[dict[str, Any]], heard: Heard) -> tuple[list[float], list[float]]:
    """Errors in WPM of every 12 s of speech: fixed scale, and the scale of the speaker's other windows."""
    speech = _speech(mine)
    words = _in_speech_time(np.array([(w[1] + w[2]) / 2 for u in mine for w in u["words"]]), speech)
    nuclei = _in_speech_time(heard.nuclei, speech)
    starts = np.arange(int(sum(b - a for a, b in speech) / WINDOW_S)) * WINDOW_S
    said = np.array([_within(words, at, at + WINDOW_S) for at in starts], np.float64)
    found = np.array([_within(nuclei, at, at + WINDOW_S) for at in starts], np.float64)
    minute = 60 / WINDOW_S
    per_word = Settings().delivery.syllables_per_word
    fixed = (minute * (found / per_word - said)).tolist()
    if len(starts) < 2:
        return fixed, []
    scale = (found.sum() - found) / (said.sum() - said)
    return fixed, (minute * (found / scale - said)).tolist()


def _stretches(
    call: str, mine: Sequence[dict[str, Any]], events: Sequence[dict[str, Any]], heard: Heard
) -> list[Row]:
    """Compare fast and slow stretches with the same speaker's other speech."""
    rows = []
    chosen = [e for e in events if e["kind"] in ("fast", "slow")]
    plain = [u for u in mine if not any(e["start"] < u["end"] and u["start"] < e["end"] for e in chosen)]
    usual = _rates(plain, heard)
    for event in chosen:
        inside = [u for u in mine if event["start"] - 0.1 <= u["start"] and u["end"] <= event["end"] + 0.1]
        there = _rates(inside, heard)
        if not len(usual) or not len(there):
            continue
        middle = float(np.median(usual))
        fast = event["kind"] == "fast"
        party = ("agent", "caller")[event["channel"]]
        beyond = [float(np.mean(r > 1.15 * middle if fast else r < 0.75 * middle)) for r in (there, usual)]
        ratio, true = float(np.median(there)) / middle, event["wpm"] / event["baseline_wpm"]
        rows.append(
            Row(
                SECTION,
                f"{call}, {party}: {event['kind']} stretch against the usual pace",
                "",
                f"{ratio:.2f} times (true {true:.2f}); of its 4 s windows {percent(beyond[0], 0)} beyond "
                f"{'1.15' if fast else '0.75'}, of other speech {percent(beyond[1], 0)}",
                None,
                {"ratio": ratio, "true_ratio": true, "beyond": beyond[0], "beyond_usual": beyond[1]},
            )
        )
    return rows


def _rates(mine: Sequence[dict[str, Any]], heard: Heard) -> Doubles:
    """Syllables a second in 4 s of speech, every 0.5 s of it."""
    speech = _speech(mine)
    nuclei = _in_speech_time(heard.nuclei, speech)
    last = sum(b - a for a, b in speech) - STATE_WINDOW_S
    starts = np.arange(0, last, 0.5) if last > 0 else np.zeros(0)
    return np.array([_within(nuclei, at, at + STATE_WINDOW_S) / STATE_WINDOW_S for at in starts])


def _fillers(lab: Lab) -> list[Row]:
    rows = []
    for name in ("synthetic_calls", "aws_call_center"):
        found, seconds, details = 0, 0.0, []
        for recording in lab.recordings(name):
            say(f"{SECTION}: filled pauses, {recording.stem}")
            for channel, heard in enumerate(hear(recording)):
                found += len(heard.filled)
                seconds += heard.speech_s
                details.append(f"{recording.stem}, channel {channel}: {len(heard.filled)}")
        rate = 60 * found / seconds
        rows.append(
            Row(
                SECTION,
                f"{name}: filled pauses per minute of speech",
                "",
                f"{rate:.2f} ({found} in {seconds / 60:.1f} min)",
                None,
                {"per_minute": rate},
                tuple(details),
            )
        )
    return rows


def _cost(lab: Lab) -> list[Row]:
    audio = decode(lab.calls()[0])[0][: COST_S * SAMPLE_RATE]
    hops = len(audio) // (BATCH * HOP_LENGTH) * BATCH
    f0, levels = np.full(hops, 150, np.float32), np.full(hops, -30, np.float32)
    track = SyllableTrack(Settings().syllables)
    begun = time.process_time()
    for at in range(0, hops, BATCH):
        end = at + BATCH
        track.batch(audio[at * HOP_LENGTH : end * HOP_LENGTH], f0[at:end], levels[at:end])
    share = 2 * (time.process_time() - begun) / (hops * HOP_S)
    measured = f"{percent(share, 2)} of one core, both channels, all of it voiced"
    return [
        Row(SECTION, "time of both channels at 1x", "<= 1 %", measured, share <= COST_BAR, {"share": share})
    ]
