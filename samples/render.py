"""From a call text to audio and truth: placement, levels, noise, line conditions."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import librosa
import numpy as np
import scipy.signal
import soxr

from samples.rules import LabelTime, Utterance

if TYPE_CHECKING:
    import numpy.typing as npt

    from samples.script import CallScript, Line, Voice
    from samples.voices import Kokoro, Spoken

    Floats = npt.NDArray[np.float32]

RATE = 16_000
HOP = RATE // 100
SPEECH_DBFS = -30.0
NOISE_DBFS = -70.0
EDGE_DB = -38.0  # frames below this, against the loudest frame of the sentence, are not speech
PITCH_TOLERANCE_ST = 0.3
MERGE_S = 0.2  # reference 1.2: gaps under 200 ms are merged
CUT_FADE_S = 0.03


@dataclass(frozen=True, slots=True)
class Clip:
    """One utterance before placement: 16 kHz audio from its first to its last sound, times from its start."""

    audio: Floats
    words: tuple[tuple[str, float, float], ...]
    ipus: tuple[tuple[float, float], ...]
    syllables: int
    planned_s: float
    pitch_st: float


@dataclass(frozen=True, slots=True)
class Call:
    """A placed call: two channels in columns, the utterances in time order and all labels."""

    audio: Floats
    rate: int
    utterances: tuple[Utterance, ...]
    labels: tuple[LabelTime, ...]
    conditions: tuple[str, ...]


class PlacementError(ValueError):
    """A line refers to an unknown line or anchor, or would start before the call."""


def active_frames(audio: Floats) -> npt.NDArray[np.bool_]:
    """Return which 10 ms frames lie above ``EDGE_DB`` of the loudest one, without bursts under 40 ms."""
    count = max(1, len(audio) // HOP)
    power: npt.NDArray[np.float64] = np.square(
        audio[: count * HOP].reshape(count, HOP).astype(np.float64)
    ).mean(axis=1)
    level = 10.0 * np.log10(power + 1e-12)
    active: npt.NDArray[np.bool_] = level > level.max() + EDGE_DB
    # A closure of a stop consonant is not an end, a click or a breath is not a beginning.
    for first, last in _runs(active):
        alone = not active[max(0, first - 8) : first].any() and not active[last : last + 8].any()
        if last - first < 4 and alone:
            active[first:last] = False
    return active


def _runs(active: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], active.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def speech_runs(audio: Floats) -> tuple[tuple[float, float], ...]:
    """Return runs of speech in seconds, gaps under ``MERGE_S`` merged."""
    merged: list[list[float]] = []
    for first, last in _runs(active_frames(audio)):
        a, b = first / 100.0, last / 100.0
        if merged and a - merged[-1][1] < MERGE_S - 1e-9:
            merged[-1][1] = b
        else:
            merged.append([a, b])
    return tuple((a, b) for a, b in merged)


def make_clip(line: Line, voice: Voice, kokoro: Kokoro, rng: np.random.Generator) -> Clip:
    """Render one line, cut it where the text says and find its edges."""
    pieces: list[Floats] = []
    words: list[tuple[str, float, float]] = []
    syllables: list[int] = []
    length = 0
    speed = voice.speed * line.speed
    for index, sentence in enumerate(line.sentences):
        text = " ".join(sentence)
        last = index == len(line.sentences) - 1
        if line.trails and last and text[-1].isalpha():
            text += ","
        said = _shifted(kokoro, text, voice, speed, line.pitch_st)
        audio = soxr.resample(said.audio, 24_000, RATE).astype(np.float32)
        frames = np.flatnonzero(active_frames(audio))
        first, stop = int(frames[0]) * HOP, (int(frames[-1]) + 1) * HOP
        audio = _faded(audio[first:stop], 0.005)
        pause = line.pauses[index]
        if index:
            pause = float(rng.uniform(0.24, 0.42)) / min(1.3, max(0.8, line.speed)) if pause < 0 else pause
            silence = np.zeros(round(pause * 100) * HOP, np.float32)
            pieces.append(silence)
            length += len(silence)
        begin, end = length / RATE, (length + len(audio)) / RATE
        shift = begin - first / RATE
        for number, (word, a, b) in enumerate(said.words):
            a = begin if number == 0 else a + shift
            b = end if number == len(said.words) - 1 else b + shift
            words.append((word, min(max(a, begin), end), min(max(b, begin), end)))
        syllables += said.syllables
        pieces.append(audio)
        length += len(audio)
    audio = np.concatenate(pieces)
    planned = len(audio) / RATE
    if line.cut and not line.trails:
        words, syllables = words[: line.spoken], syllables[: line.spoken]
        stop = round(words[-1][2] * RATE)
        audio = _faded(audio[:stop], 0.0, CUT_FADE_S)
        frames = np.flatnonzero(active_frames(audio))
        audio = audio[: min(len(audio), (int(frames[-1]) + 1) * HOP)]
        words[-1] = (words[-1][0], words[-1][1], len(audio) / RATE)
    elif line.trails:
        planned += 2.0
        words[-1] = (line.words[line.spoken - 1], words[-1][1], words[-1][2])
    runs = speech_runs(audio)
    begin, end = runs[0][0], runs[-1][1]
    return Clip(
        audio[round(begin * RATE) : round(end * RATE)],
        tuple((word, max(a - begin, 0.0), min(b, end) - begin) for word, a, b in words),
        tuple((a - begin, b - begin) for a, b in runs),
        sum(syllables),
        planned - begin,
        line.pitch_st,
    )


def _shifted(kokoro: Kokoro, text: str, voice: Voice, speed: float, wanted_st: float) -> Spoken:
    """Render a sentence so that its median F0 lies ``wanted_st`` (within 0.3) from the unshifted rendering.

    The decoder follows a scaled pitch curve only roughly, hence the check by pYIN.
    """
    said = kokoro.say(text, voice.name, speed, voice.pitch_st)
    if not wanted_st:
        return said
    base, asked = _median_f0(said.audio), wanted_st
    for _ in range(5):
        said = kokoro.say(text, voice.name, speed, voice.pitch_st + asked)
        reached = 12.0 * np.log2(_median_f0(said.audio) / base)
        if abs(reached - wanted_st) <= PITCH_TOLERANCE_ST:
            return said
        asked = round(asked + wanted_st - reached, 2)
    raise ValueError(f"the pitch of {text!r} cannot be moved by {wanted_st} semitones with {voice.name}")


def _median_f0(audio: Floats) -> float:
    f0, voiced, _ = librosa.pyin(audio, fmin=65.0, fmax=500.0, sr=24_000, frame_length=2048, hop_length=480)
    return float(np.median(f0[voiced]))


def _faded(audio: Floats, fade_in: float, fade_out: float | None = None) -> Floats:
    out = audio.astype(np.float32, copy=True)
    for seconds, reverse in ((fade_in, False), (fade_in if fade_out is None else fade_out, True)):
        count = min(len(out), round(seconds * RATE))
        if count:
            ramp = np.linspace(0.0, 1.0, count, dtype=np.float32)
            if reverse:
                out[-count:] *= ramp[::-1]
            else:
                out[:count] *= ramp
    return out


def render_call(script: CallScript, kokoro: Kokoro) -> Call:
    """Render and place all lines of a call and add its conditions.

    Returns
    -------
    Call
        Audio of shape (samples, 2), float32, agent first; truth times do not move with the conditions.

    Raises
    ------
    PlacementError
        A line refers to an unknown line or anchor.
    """
    placed: list[tuple[Line, Clip, float]] = []
    for line in script.lines:
        rng = np.random.default_rng([script.seed, zlib.crc32(" ".join(line.words).encode()), line.number])
        clip = make_clip(line, script.voices[line.channel], kokoro, rng)
        level = (
            SPEECH_DBFS + script.voices[line.channel].level_db + line.gain_db + float(rng.uniform(-1.0, 1.0))
        )
        audio = clip.audio * np.float32(_gain(clip, level))
        clip = Clip(audio, clip.words, clip.ipus, clip.syllables, clip.planned_s, clip.pitch_st)
        start = round(_start(line, placed, rng) * 1000) / 1000
        placed.append((line, clip, start))
    ends = [start + len(clip.audio) / RATE for _, clip, start in placed]
    total = round((max(ends) + script.tail_s) * RATE)
    mix = np.zeros((total, 2), np.float32)
    for line, clip, start in placed:
        at = round(start * RATE)
        mix[at : at + len(clip.audio), line.channel] += clip.audio
    placed.sort(key=lambda item: item[2])
    utterances = tuple(_utterance(*item) for item in placed)
    labels = tuple(sorted((x for item in placed for x in _labels(*item)), key=lambda x: x.start))
    audio, rate, notes = _conditions(mix, script)
    return Call(audio, rate, utterances, labels, notes)


def _gain(clip: Clip, level_dbfs: float) -> float:
    power = [
        float(np.square(clip.audio[round(a * RATE) : round(b * RATE)].astype(np.float64)).sum())
        for a, b in clip.ipus
    ]
    count = sum(b - a for a, b in clip.ipus) * RATE
    return float(10.0 ** (level_dbfs / 20.0) / np.sqrt(sum(power) / count))


def _start(line: Line, placed: list[tuple[Line, Clip, float]], rng: np.random.Generator) -> float:
    if not placed:
        return 0.4 if line.gap is None else line.gap
    if line.on:
        for other, clip, start in placed:
            for name, word in other.anchors:
                if name == line.on:
                    return start + clip.words[word][1] + line.offset
            if other.name == line.on:
                return start + line.offset
        raise PlacementError(f"line {line.number}: no anchor or line {line.on!r}")
    reference = None
    for item in placed:
        named = (
            item[0].name == line.after
            if line.after
            else item[0].role not in ("backchannel", "cooperative", "butting_in")
        )
        if named:
            reference = item
    if reference is None:
        raise PlacementError(f"line {line.number}: no line {line.after!r}")
    gap = float(rng.uniform(0.15, 0.6)) if line.gap is None else line.gap
    return reference[2] + len(reference[1].audio) / RATE + gap


def _utterance(line: Line, clip: Clip, start: float) -> Utterance:
    return Utterance(
        channel=line.channel,
        start=start,
        end=start + len(clip.audio) / RATE,
        text=" ".join(line.words[: line.spoken]),
        full_text=" ".join(line.words),
        role=line.role,
        n_syllables=clip.syllables,
        gain_db=line.gain_db,
        pitch_st=clip.pitch_st,
        speed=line.speed,
        ipus=tuple((start + a, start + b) for a, b in clip.ipus),
        words=tuple((word, start + a, start + b) for word, a, b in clip.words),
        planned_end=start + clip.planned_s,
        story=line.story,
        supplied=line.supplied,
    )


def _labels(line: Line, clip: Clip, start: float) -> list[LabelTime]:
    return [
        LabelTime(
            line.channel,
            label.kind,
            " ".join(line.words[label.first : label.last + 1]).strip(".,!?;:"),
            start + clip.words[label.first][1],
            start + clip.words[label.last][2],
            label.number,
            label.explained,
        )
        for label in line.labels
    ]


def _pink(count: int, rng: np.random.Generator) -> Floats:
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[: max(1, int(20 * count / RATE))] = 0.0
    noise = np.fft.irfft(spectrum, count)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)), np.float32)


def _hum(count: int) -> Floats:
    """Mains hum with harmonics and a fan-like tone, unit RMS."""
    t = np.arange(count) / RATE
    tone = sum(np.sin(2 * np.pi * f * t) * a for f, a in ((50, 1.0), (100, 0.6), (150, 0.4), (300, 0.2)))
    return np.asarray(tone / np.sqrt(np.mean(np.square(tone))), np.float32)


def _conditions(mix: Floats, script: CallScript) -> tuple[Floats, int, tuple[str, ...]]:
    rng = np.random.default_rng([script.seed, 7])
    what = script.conditions
    notes = [f"noise floor: white, {NOISE_DBFS:.0f} dBFS on both channels"]
    count = len(mix)
    out = mix + rng.standard_normal(mix.shape).astype(np.float32) * np.float32(10 ** (NOISE_DBFS / 20))
    for channel, name, level in ((0, "agent", what.pink_agent_dbfs), (1, "caller", what.pink_caller_dbfs)):
        if level is not None:
            out[:, channel] += _pink(count, rng) * np.float32(10 ** (level / 20))
            notes.append(f"pink noise {level:.0f} dBFS on the {name} channel")
    if what.hum_agent_dbfs is not None:
        out[:, 0] += _hum(count) * np.float32(10 ** (what.hum_agent_dbfs / 20))
        notes.append(f"mains hum {what.hum_agent_dbfs:.0f} dBFS on the agent channel")
    if what.bleed_db is not None:
        late = round(0.03 * RATE)
        out[late:, 0] += out[:-late, 1] * np.float32(10 ** (what.bleed_db / 20))
        notes.append(
            f"speaker bleed: caller channel, {what.bleed_db:.0f} dB, 30 ms late, added to the agent channel "
            "(times of true speech are unchanged)"
        )
    if not what.telephone:
        return out, RATE, tuple(notes)
    notes.append("telephone: 300-3400 Hz, 8 kHz, 8-bit mu-law")
    band = scipy.signal.butter(4, (300, 3400), btype="bandpass", fs=RATE, output="sos")
    narrow = np.asarray(scipy.signal.sosfiltfilt(band, out, axis=0), np.float32)
    return _mu_law(soxr.resample(narrow, RATE, 8_000).astype(np.float32)), 8_000, tuple(notes)


def _mu_law(audio: Floats) -> Floats:
    """8-bit mu-law there and back, with the rounding that ITU-T G.711 implies (mu = 255)."""
    x = np.clip(audio, -1.0, 1.0)
    code = np.round(np.sign(x) * np.log1p(255.0 * np.abs(x)) / np.log1p(255.0) * 127.0) / 127.0
    return np.asarray(np.sign(code) * np.expm1(np.abs(code) * np.log1p(255.0)) / 255.0, np.float32)
