"""Curves of the agent's delivery against the agent's usual, and the waveforms."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from callcoach.clock import SAMPLE_RATE
from callcoach.contract import CallDocument
from callcoach.events import Channel
from callcoach.sinks._texts import timed_words
from callcoach.sinks.folder import ProsodyTrack
from callcoach.sinks.report.audio import PEAK_HOP, ReportAudio

Floats = NDArray[np.float64]

MAX_POINTS: Final = 24_000
"""Points of a curve; a longer call gets a wider step, so that the page stays quick."""
STEP_S: Final = 0.1
LEVEL_WINDOW_S: Final = 1.0
"""V06: energy mean over 1 s of speech frames."""
PITCH_WINDOW_S: Final = 1.0
PACE_WINDOW_S: Final = 12.0
PACE_MIN_S: Final = 6.0
PACE_MIN_WORDS: Final = 12
"""V01: the last 12 s of speech, at least 6 s and 12 words."""
PEAKS_PER_S: Final = SAMPLE_RATE // PEAK_HOP
OUTLINE: Final = 800
"""Steps of the waveform on paper."""
_SILENT_DB: Final = -60.0


@dataclass(frozen=True, slots=True)
class Guide:
    """A dashed limit or the line of the usual, with its label."""

    value: float
    label: str
    dashed: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """One lane with a curve.

    ``path`` is an SVG path in seconds (across) and in the lane's unit turned upside down (down), so that
    ``view`` (left, top, width, height) shows the lane from ``high`` to ``low``. ``reason`` says why there is
    no curve; ``path`` is empty then.
    """

    key: str
    name: str
    unit: str
    low: float
    high: float
    band: tuple[float, float]
    guides: tuple[Guide, ...]
    path: str
    reason: str | None
    usual: str


def delivery_curves(
    document: CallDocument, curves: Mapping[Channel | None, ProsodyTrack]
) -> tuple[Curve, ...]:
    """Return level, pitch and pace of the agent; none for mono, where nobody can tell the voices apart."""
    if document.call.channel_mode == "mono" or document.call.duration_ms == 0:
        return ()
    track = curves.get(Channel.AGENT)
    return (_level(document, track), _pitch(document, track), _pace(document))


def _level(document: CallDocument, track: ProsodyTrack | None) -> Curve:
    guides = (Guide(6, "+6", True), Guide(0, "", False))
    points: list[tuple[float, float]] = []
    usual, reason = "", None
    if track is None or not len(track.t_s):
        reason = "No level: there is no sound of your side"
    else:
        grid, hops, rows = _grid(track)
        heard = track.speech & (track.level_dbfs > _SILENT_DB)
        energy = np.where(heard, 10.0 ** (np.maximum(track.level_dbfs, _SILENT_DB) / 10.0), 0.0)
        power = energy[: rows * hops].reshape(rows, hops).sum(axis=1)
        count = heard[: rows * hops].reshape(rows, hops).sum(axis=1)
        width = max(1, round(LEVEL_WINDOW_S / (grid[1] - grid[0]))) if rows > 1 else 1
        power, total = _moving(power, width), _moving(count.astype(np.float64), width)
        spoken = (count > 0) & (total >= 0.25 * width * hops)
        if spoken.any():
            level = 10 * np.log10(np.maximum(power[spoken], 1e-12) / np.maximum(total[spoken], 1))
            known = document.metrics.V06
            base = known.usual_dbfs if known is not None else float(np.median(level))
            usual = f"{base:.0f} dBFS" + ("" if known is not None else ", median of this call")
            points = list(zip(grid[spoken].tolist(), (level - base).tolist(), strict=True))
        else:
            reason = "No level: you did not speak long enough"
    return _curve("level", "Level", "dB, your usual = 0", -14, 12, (-4, 4), guides, points, reason, usual)


def _pitch(document: CallDocument, track: ProsodyTrack | None) -> Curve:
    guides = (Guide(3, "+3", True), Guide(0, "", False))
    points: list[tuple[float, float]] = []
    usual, reason = "", None
    if track is None or not len(track.t_s):
        reason = "No pitch: there is no sound of your side"
    else:
        voiced = track.speech & np.isfinite(track.f0_hz) & (track.f0_hz > 0)
        if voiced.sum() < 20:
            reason = "No pitch: too little voiced speech of yours"
        else:
            known = document.metrics.V09
            base = known.usual_hz if known is not None else float(np.median(track.f0_hz[voiced]))
            usual = f"{base:.0f} Hz" + ("" if known is not None else ", median of this call")
            grid, hops, rows = _grid(track)
            tones = np.full(rows * hops, np.nan)
            seen = voiced[: rows * hops]
            tones[seen] = 12 * np.log2(track.f0_hz[: rows * hops][seen] / base)
            middle = _row_medians(tones.reshape(rows, hops))
            width = max(1, round(PITCH_WINDOW_S / (grid[1] - grid[0]))) if rows > 1 else 1
            smooth = _moving_median(middle, width)
            shown = np.isfinite(middle) & np.isfinite(smooth)
            points = list(zip(grid[shown].tolist(), smooth[shown].tolist(), strict=True))
    return _curve("pitch", "Pitch", "st, your usual = 0", -9, 9, (-2, 2), guides, points, reason, usual)


def _pace(document: CallDocument) -> Curve:
    """Words per minute in the last 12 s of the agent's speech, whenever the agent speaks."""
    guides = (Guide(170, "170", True),)
    known = document.metrics.V03
    usual = f"{known.usual_wpm:.0f} wpm" if known is not None else ""
    words = sorted(timed_words(document, Channel.AGENT))
    spans = [(s.begin / 1000, s.end / 1000) for s in document.segments if s.role is Channel.AGENT]
    if not spans:
        spans = [(t.begin / 1000, t.end / 1000) for t in document.turns if t.role is Channel.AGENT]
    points = _pace_points(words, _joined(spans)) if words else []
    reason = None
    if not points:
        reason = "No pace: too few words of yours" if words else "No pace: words were not recognised"
    return _curve("pace", "Pace", "wpm", 80, 220, (120, 160), guides, points, reason, usual)


def _joined(spans: Iterable[tuple[float, float]], gap_s: float = 0.5) -> list[tuple[float, float]]:
    """Join stretches of speech over pauses up to 0.5 s, as V01 counts its speech time."""
    joined: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if joined and begin - joined[-1][1] <= gap_s:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def _pace_points(
    words: list[tuple[int, int, str]], spans: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    begins = np.array([b for b, _ in spans])
    lengths = np.array([e - b for b, e in spans])
    before = np.concatenate(([0.0], np.cumsum(lengths)))

    def spoken(times: Floats) -> Floats:
        """Seconds of the agent's speech up to each moment."""
        index = np.searchsorted(begins, times, side="right") - 1
        inside = np.clip(times - begins[index], 0, lengths[index])
        return np.where(index < 0, 0.0, before[index] + inside)

    middles = spoken(np.array([(b + e) / 2000 for b, e, _ in words]))
    middles.sort()
    points: list[tuple[float, float]] = []
    for begin, end in spans:
        times = np.arange(begin + 0.5, end, 0.5)
        now = spoken(times)
        since = np.maximum(now - PACE_WINDOW_S, 0)
        count = np.searchsorted(middles, now, side="right") - np.searchsorted(middles, since, side="right")
        enough = (now - since >= PACE_MIN_S) & (count >= PACE_MIN_WORDS)
        rates = 60 * count[enough] / (now - since)[enough]
        points += zip(times[enough].tolist(), rates.tolist(), strict=True)
    return points


def _grid(track: ProsodyTrack) -> tuple[Floats, int, int]:
    """Return middles of the drawn steps in seconds, hops per step, and the number of steps."""
    hop = float(track.t_s[1] - track.t_s[0]) if len(track.t_s) > 1 else STEP_S
    hops = max(1, round(STEP_S / hop), -(-len(track.t_s) // MAX_POINTS))
    rows = len(track.t_s) // hops
    return track.t_s[: rows * hops].reshape(rows, hops).mean(axis=1) + hop / 2, hops, rows


def _moving(values: Floats, width: int) -> Floats:
    """Return sums over ``width`` steps around each."""
    return (
        np.convolve(values, np.ones(width), "same")
        if len(values) >= width
        else np.full_like(values, values.sum())
    )


def _row_medians(rows: Floats) -> Floats:
    """Return the median of each row without NaN; NaN for a row of nothing else."""
    ordered = np.sort(rows, axis=1)
    count = np.isfinite(rows).sum(axis=1)
    at = np.arange(len(rows))
    low = ordered[at, np.maximum((count - 1) // 2, 0)]
    high = ordered[at, np.maximum(count // 2, 0)]
    return np.where(count > 0, (low + np.where(count % 2 == 1, low, high)) / 2, np.nan)


def _moving_median(values: Floats, width: int) -> Floats:
    if width < 2 or len(values) < width:
        return values
    before = (width - 1) // 2
    padded = np.pad(values, (before, width - 1 - before), constant_values=np.nan)
    return _row_medians(sliding_window_view(padded, width))


def _curve(
    key: str,
    name: str,
    unit: str,
    low: float,
    high: float,
    band: tuple[float, float],
    guides: tuple[Guide, ...],
    points: list[tuple[float, float]],
    reason: str | None,
    usual: str,
) -> Curve:
    gap = 1.0 if key == "pace" else 0.45
    parts: list[str] = []
    last = -1e9
    for at, value in points:
        shown = high - min(max(value, low), high)
        parts.append(f"{'L' if at - last <= gap else 'M'}{at:.2f} {shown:.2f}")
        last = at
    return Curve(key, name, unit, low, high, band, guides, "".join(parts), reason, usual)


@dataclass(frozen=True, slots=True)
class Wave:
    """Envelope of one side: ``peaks`` in base64, one byte per 20 ms; ``outline``, an SVG path for paper.

    The outline lies in a box of `OUTLINE` steps across and 2 down, around 1.
    """

    side: Channel | None
    peaks: str
    outline: str


def waveforms(
    document: CallDocument, audio: ReportAudio | None, curves: Mapping[Channel | None, ProsodyTrack]
) -> tuple[Wave, ...]:
    """Return the envelopes to draw, caller first.

    The agent's has its true height. The caller's is levelled: every stretch of speech has the same height, so
    that it shows words and pauses and keeps no history of how loud a caller was.
    """
    if document.call.channel_mode == "mono":
        sides: tuple[Channel | None, ...] = (None,)
    else:
        sides = (Channel.CALLER, Channel.AGENT)
    found: list[Wave] = []
    for side in sides:
        peaks = _peaks(audio, side, curves)
        if peaks is None or not len(peaks):
            continue
        scaled = _levelled(peaks, document, side) if side is Channel.CALLER else _scaled(peaks)
        found.append(Wave(side, base64.b64encode(scaled.tobytes()).decode("ascii"), _outline(scaled)))
    return tuple(found)


def _outline(heights: NDArray[np.uint8]) -> str:
    edges = np.linspace(0, len(heights), min(OUTLINE, len(heights)) + 1).astype(int)[:-1]
    tops = np.maximum.reduceat(heights, edges) / 255
    across = np.arange(len(tops)) * OUTLINE / len(tops)
    upper = [f"{x:.0f} {1 - y:.2f}" for x, y in zip(across, tops, strict=True)]
    lower = [f"{x:.0f} {1 + y:.2f}" for x, y in zip(across[::-1], tops[::-1], strict=True)]
    return f"M{'L'.join(upper + lower)}Z"


def _peaks(
    audio: ReportAudio | None, side: Channel | None, curves: Mapping[Channel | None, ProsodyTrack]
) -> Floats | None:
    if audio is not None and audio.peaks is not None:
        column = 1 if side is Channel.CALLER else 0
        if column < audio.peaks.shape[1]:
            return np.asarray(audio.peaks[:, column], np.float64)
    track = curves.get(side)
    if track is None or len(track.t_s) < 2:
        return None
    times = np.arange(0.0, float(track.t_s[-1]), 1 / PEAKS_PER_S)
    heights: Floats = np.interp(times, track.t_s, 10.0 ** (np.maximum(track.level_dbfs, -100.0) / 20.0))
    return heights


def _scaled(peaks: Floats) -> NDArray[np.uint8]:
    top = float(np.quantile(peaks, 0.999)) or 1.0
    return (np.clip(peaks / top, 0, 1) * 255).astype(np.uint8)


def _levelled(peaks: Floats, document: CallDocument, side: Channel | None) -> NDArray[np.uint8]:
    heights = np.zeros(len(peaks))
    for segment in document.segments:
        if segment.role is side:
            first = segment.begin * PEAKS_PER_S // 1000
            last = -(-segment.end * PEAKS_PER_S // 1000)
            piece = peaks[first:last]
            if len(piece):
                heights[first:last] = 0.85 * piece / (float(np.quantile(piece, 0.95)) or 1.0)
    return (np.clip(heights, 0, 1) * 255).astype(np.uint8)
