"""Voice delivery and cues: states and pace against truth, raised voices, prompts, delays, cost."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

from callcoach.clock import FRAME_LENGTH, SAMPLE_RATE, Samples, Span, from_ms
from callcoach.config import Settings
from callcoach.contract import CallDocument
from callcoach.core.analyzer import Analyzer
from callcoach.core.coach import Coach
from callcoach.core.delivery.states import read_at
from callcoach.core.delivery.ticks import Tick, ticks
from callcoach.core.delivery.word_pace import pace_windows
from callcoach.core.level import NoiseFloor, hop_levels
from callcoach.core.pitch import PitchTrack
from callcoach.core.syllables import SyllableTrack
from callcoach.events import Channel, Word
from callcoach.speech.silero import StreamingSilero
from tests.bench.lab import Lab, annotation, decode, percent, truth_path
from tests.bench.table import Row, Skipped

SECTION: Final = "delivery and cues"
ROLES: Final = ("agent", "caller")
SCORED: Final = ("level_spike", "pitch_spike", "fast", "slow", "quiet")
SLACK_S: Final = 0.5
PRAISE: Final = ("C24", "C25")


@dataclass(frozen=True, slots=True)
class Match:
    """Found states against true ones, of one party or both."""

    hits: int
    truth: int
    false: int
    minutes: float

    def row(self, name: str) -> Row:
        """Return the row of the table."""
        recall = self.hits / self.truth if self.truth else 1.0
        per_10 = 10 * self.false / self.minutes
        return Row(
            SECTION,
            f"spikes and stretches, {name}",
            "recall >= 0.95, <= 1 false per 10 min",
            f"recall {recall:.2f} ({self.hits}/{self.truth}), {per_10:.1f} false per 10 min ({self.false})",
            recall >= 0.95 and per_10 <= 1,
        )


def run(lab: Lab) -> list[Row]:
    """Measure all parts; one that lacks its data says so."""
    rows: list[Row] = []
    for part in (_states, _pace, _raised, _prompts, _cost):
        try:
            rows += part(lab)
        except Skipped as reason:
            rows.append(Row(SECTION, part.__name__.strip("_"), "", f"skipped: {reason}"))
    return rows


def _truth(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(truth_path(path).read_text(encoding="utf-8"))
    return found


def match_states(truth: Sequence[dict[str, Any]], document: CallDocument, role: str) -> tuple[int, int, int]:
    """Pair states of one party one to one by their beginnings; return hits, true ones, false ones."""
    wanted = [v for v in truth if ROLES[v["channel"]] == role and v["kind"] in SCORED]
    found = [v for v in document.voice_events if v.role == role and v.kind in SCORED]
    pairs = sorted(
        (abs(t["start"] - f.begin / 1000), i, j)
        for i, t in enumerate(wanted)
        for j, f in enumerate(found)
        if t["kind"] == f.kind
        and f.begin / 1000 - SLACK_S <= t["end"]
        and t["start"] <= f.end / 1000 + SLACK_S
    )
    taken: set[int] = set()
    used: set[int] = set()
    for _, i, j in pairs:
        if i not in taken and j not in used:
            taken.add(i)
            used.add(j)
    return len(taken), len(wanted), len(found) - len(used)


def _states(lab: Lab) -> list[Row]:
    sums = {role: np.zeros(3, int) for role in ROLES}
    minutes = 0.0
    for path in lab.calls():
        truth, document = _truth(path), lab.analyse(path).document
        minutes += truth["duration_s"] / 60
        for role in ROLES:
            sums[role] += match_states(truth["voice_events"], document, role)
    return [Match(*map(int, sums[role]), minutes).row(f"{role}, synthetic_calls") for role in ROLES]


def _pace(lab: Lab) -> list[Row]:
    errors: list[float] = []
    for path in lab.calls():
        truth, document = _truth(path), lab.analyse(path).document
        for side, role in enumerate(ROLES):
            said = [
                Word(w, Span(_at(b), _at(max(b, e))), 1.0)
                for u in truth["utterances"]
                if u["channel"] == side
                for w, b, e in u["words"]
            ]
            said.sort(key=lambda w: w.span.start)
            heard = [
                Word(w.w, Span(from_ms(w.b), from_ms(w.e)), 1.0)
                for entry in document.transcript
                if entry.role == role
                for w in entry.words
            ]
            heard.sort(key=lambda w: w.span.start)
            runs = [(int(from_ms(s.begin)), int(from_ms(s.end))) for s in document.segments if s.role == role]
            middles = np.array([(w.span.start + w.span.end) / 2 for w in said])
            for window in pace_windows(heard, runs, Settings().delivery.longest_pause_s):
                true = int(((middles >= window.span.start) & (middles < window.span.end)).sum())
                errors.append(abs(window.wpm - 60 * true / window.speech_s))
    if not errors:
        raise Skipped("no window of 12 s of speech")
    mean = float(np.mean(errors))
    shown = f"{mean:.1f} WPM over {len(errors)} windows, 90 % under {np.percentile(errors, 90):.1f}"
    return [Row(SECTION, "words a minute, 12 s windows, mean absolute error", "<= 10 WPM", shown, mean <= 10)]


def _at(seconds: float) -> Samples:
    return Samples(round(seconds * SAMPLE_RATE))


def auc(high: Iterable[float], low: Iterable[float]) -> float:
    """Area under the curve: how often a value of ``high`` lies above one of ``low``; ties count half."""
    lows = np.array(list(low))
    return float(np.mean([(value > lows).mean() + 0.5 * (value == lows).mean() for value in high]))


@dataclass(frozen=True, slots=True)
class _Clip:
    label: str
    raised: bool
    rise_db: float
    rise_st: float


def _raised(lab: Lab) -> list[Row]:
    """Compare acted clips with the same actor's own neutral ones: a check of the measures, no feature."""
    rows = []
    for name, bar in (("ravdess", 0.95), ("emodb", None)):
        clips = _acted(lab.recordings(name))
        high = [c for c in clips if c.raised]
        low = [c for c in clips if not c.raised]
        quiet = [c for c in low if c.label == "calm"] or low
        level = auc((c.rise_db for c in high), (c.rise_db for c in quiet))
        pitch = auc((c.rise_st for c in high), (c.rise_st for c in quiet))
        either = [
            (f"level >= {db:g} dB or F0 >= {st:g} st", _share(high, db, st), _share(quiet, db, st))
            for db, st in ((1.5, 1.5), (2.0, 2.0), (3.0, 2.0), (3.0, 3.0), (6.0, 3.0))
        ]
        rule = max(either, key=lambda e: (e[2] <= 0.10, e[1] - e[2]))
        all_low = (
            f"against all low clips: level {auc((c.rise_db for c in high), (c.rise_db for c in low)):.3f}"
        )
        all_low += f", F0 {auc((c.rise_st for c in high), (c.rise_st for c in low)):.3f}"
        passed = None if bar is None else max(level, pitch) >= bar or (rule[1] >= 0.90 and rule[2] <= 0.10)
        rows.append(
            Row(
                SECTION,
                f"raised against low clips, own baseline, {name}",
                "AUC >= 0.95, or recall >= 0.90 at <= 0.10 false" if bar else "",
                f"AUC level {level:.3f}, F0 {pitch:.3f} ({len(high)} clips against {len(quiet)}); "
                f"{rule[0]}: recall {rule[1]:.2f} at {rule[2]:.2f} false; {all_low}",
                passed,
            )
        )
    return rows


def _share(clips: Sequence[_Clip], db: float, st: float) -> float:
    return sum(c.rise_db >= db or c.rise_st >= st for c in clips) / len(clips)


def _acted(paths: Sequence[Path]) -> list[_Clip]:
    clips: dict[str, list[tuple[str, bool, float, float]]] = {}
    for path in paths:
        labels = annotation(path)["labels"]
        measured = _measured(path)
        if measured is not None:
            entry = (labels["emotion"], labels["arousal"] == "high", *measured)
            clips.setdefault(labels["speaker"], []).append(entry)
    found = []
    for entries in clips.values():
        usual = [e for e in entries if e[0] == "neutral"]
        if not usual:
            continue
        level, pitch = (float(np.mean([e[i] for e in usual])) for i in (2, 3))
        found += [_Clip(e[0], e[1], e[2] - level, e[3] - pitch) for e in entries if e[0] != "neutral"]
    return found


def _measured(path: Path) -> tuple[float, float] | None:
    """Level (dBFS) and F0 (semitones) of a clip, from the ticks that every state rests on."""
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    lead = 1e-5 * np.random.default_rng(0).standard_normal((rate // 2, 1)).astype(np.float32)
    analyzer = Analyzer(Settings(), rate=rate, channels=1, detector=StreamingSilero, submit=None)
    analyzer.push(np.concatenate([lead, audio[:, :1]]))
    analyzer.finish()
    (track,) = analyzer.tracks
    found = ticks(track.hops(0, len(track.levels)), Settings().delivery.over_floor_db)
    voice = sum(t.voice for t in found)
    semitones = [v for t in found for v in t.semitones]
    if voice < 10 or len(semitones) < 5:
        return None
    return float(10 * np.log10(sum(t.energy for t in found) / voice)), float(np.median(semitones))


def _prompts(lab: Lab) -> list[Row]:
    shown = opened = rung = 0
    minutes = 0.0
    told: list[str] = []
    ring: list[float] = []
    text: list[float] = []
    for path in lab.calls():
        truth, document = _truth(path), lab.analyse(path).document
        if truth["quality"] == "good":
            minutes += truth["duration_s"] / 60
            texts = [c for c in document.cues if c.shown and c.form == "text" and c.id not in PRAISE]
            shown += len(texts)
            told += [f"{truth['name']} {c.id} at {c.opened / 1000:.1f} s" for c in texts]
        for overlap in truth["overlaps"]:
            if not overlap["counted"] or overlap["incomer"] != 0 or overlap["class"] == "pause_barge_in":
                continue
            opened += 1
            begin, end = overlap["start"], overlap["end"]
            near = [c for c in document.cues if c.id == "C01" and begin - 0.5 <= c.opened / 1000 <= end + 1.5]
            rung += bool(near)
            if near and overlap["overlap_s"] >= Settings().c01.hold_s:
                ripe = max(
                    begin + Settings().c01.hold_s,
                    overlap["incomer_start"] + Settings().overlap.backchannel_no_text_s,
                )
                ring.append(near[0].known_at / 1000 - ripe)
        text += _text_delays(truth, document)
    per_10 = 10 * shown / minutes if minutes else 0.0
    rows = [
        Row(
            SECTION,
            "shown text prompts on the good synthetic calls",
            "<= 1 unwarranted per 10 min",
            f"{per_10:.1f} per 10 min ({shown} in {minutes:.1f} min{': ' + '; '.join(told) if told else ''})",
            per_10 <= 1,
        ),
        Row(
            SECTION,
            "C01 on true agent interruptions",
            ">= 0.85",
            f"{percent(rung / opened)} ({rung}/{opened})" if opened else "none in the truth",
            rung >= 0.85 * opened,
        ),
    ]
    for name, delays, bar in (("ring", ring, 0.3), ("text from sound alone", text, 1.0)):
        if delays:
            worst, middle = max(delays), float(np.median(delays))
            rows.append(
                Row(
                    SECTION,
                    f"delay from the true condition to known_at, {name}",
                    f"<= {1000 * bar:.0f} ms",
                    f"median {1000 * middle:.0f} ms, largest {1000 * worst:.0f} ms ({len(delays)})",
                    float(np.percentile(delays, 95)) <= bar,
                )
            )
    return rows


def _text_delays(truth: dict[str, Any], document: CallDocument) -> list[float]:
    """Delay of every hit spike after its hold has passed in the true speech of the party, s."""
    s = Settings().delivery
    holds = {"level_spike": s.spike_s, "pitch_spike": s.pitch_s}
    delays = []
    for event in truth["voice_events"]:
        if event["kind"] not in holds:
            continue
        found = [
            v
            for v in document.voice_events
            if v.role == ROLES[event["channel"]]
            and v.kind == event["kind"]
            and abs(v.begin / 1000 - event["start"]) <= 2
        ]
        if found:
            spoken = _speech_clock(truth, event["channel"], event["start"], holds[event["kind"]])
            delays.append(found[0].known_at / 1000 - spoken)
    return delays


def _speech_clock(truth: dict[str, Any], side: int, start: float, seconds: float) -> float:
    """Return when so many seconds of a party's true speech have passed since ``start``."""
    runs = sorted(
        (max(a, start), b)
        for u in truth["utterances"]
        if u["channel"] == side
        for a, b in u["ipus"]
        if b > start
    )
    for a, b in runs:
        if b - a >= seconds:
            return float(a + seconds)
        seconds -= b - a
    return float(runs[-1][1])


def _cost(lab: Lab) -> list[Row]:
    """Processor time of F0, syllables, states, cues and budget for two channels of one call."""
    path = lab.calls()[0]
    channels = decode(path)
    frames = len(channels[0]) // FRAME_LENGTH
    settings = Settings()
    split = [c[: frames * FRAME_LENGTH].reshape(frames, FRAME_LENGTH) for c in channels]
    levels = [[hop_levels(f) for f in c] for c in split]
    floors = [_floors(one, settings) for one in levels]

    def once() -> None:
        coach = Coach(settings, list(Channel), words=False)
        tracks = [(PitchTrack(settings.pitch), SyllableTrack(settings.syllables)) for _ in split]
        done = counted = 0
        for i in range(frames):
            for side, (pitch, _) in enumerate(tracks):
                pitch.step(split[side][i], levels[side][i], floors[side][i])
            known = len(tracks[0][0].f0_hz) // 2
            if known > counted:
                for side, (pitch, syllables) in enumerate(tracks):
                    syllables.batch(
                        split[side][counted:known].ravel(),
                        np.array(pitch.f0_hz[2 * counted : 2 * known], np.float32),
                        np.array(levels[side][counted:known], np.float32).ravel(),
                    )
                counted = known
            now = (i + 1) * FRAME_LENGTH
            due: dict[Channel | None, Tick] | None = None
            if read_at(done) <= now:
                due = {c: Tick(16, 16, 0.01, (8.0,) * 8, 1, 0, -70.0, 0) for c in Channel}
                done += 1
            coach.step(now, (i % 400 < 200, i % 400 >= 200), [], due)

    once()
    seconds = _processor(once)
    share = seconds * SAMPLE_RATE / (frames * FRAME_LENGTH)
    return [
        Row(
            SECTION,
            "delivery analysis of both channels, processor time per time of call",
            "<= 5 % of one core",
            percent(share, 2),
            share <= 0.05,
        )
    ]


def _floors(levels: Sequence[tuple[float, float]], settings: Settings) -> list[float]:
    floor = NoiseFloor(settings.activity.floor_window_s)
    return [floor.step(max(pair)) for pair in levels]


def _processor(work: Callable[[], None]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin
