"""Render the sample calls: ``python -m samples.make_samples --voices DIR [--extra DIR] [NAME ...]``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import soundfile

from samples import rules, truth
from samples.render import PlacementError, render_call
from samples.script import PARTIES, ScriptError, load_script
from samples.voices import Kokoro, VoiceSetupError

if TYPE_CHECKING:
    from samples.render import Call
    from samples.script import CallScript

HERE = Path(__file__).resolve().parent
Json = dict[str, object]


def truth_of(script: CallScript, call: Call) -> Json:
    """Truth of a rendered call as it is written to ``NAME.truth.json``.

    Raises
    ------
    samples.rules.RuleError
        A placed utterance breaks the rule of its class; such a call must not be written.
    """
    utterances, labels = list(call.utterances), list(call.labels)
    story = truth.story_of(utterances)
    return {
        "name": script.name,
        "title": script.title,
        "quality": script.quality,
        "sample_rate": call.rate,
        "duration_s": round(len(call.audio) / call.rate, 3),
        "channels": list(PARTIES),
        "voices": {
            party: {
                "name": voice.name,
                "speed": voice.speed,
                "pitch_st": voice.pitch_st,
                "level_db": voice.level_db,
            }
            for party, voice in zip(PARTIES, script.voices, strict=True)
        },
        "conditions": list(call.conditions),
        "speech_level_dbfs": -30.0,
        "utterances": [_utterance(u) for u in utterances],
        "overlaps": [
            {
                "start": _r(o.start),
                "end": _r(o.end),
                "overlap_s": _r(o.overlap_s),
                "incomer": o.incomer,
                "class": o.klass,
                "counted": o.counted,
                "weight": rules.WEIGHTS.get(o.klass, 0),
                "incomer_start": _r(o.incomer_start),
                "incomer_end": _r(o.incomer_end),
                "other_end": _r(o.other_end),
                "other_cut": o.other_cut,
                "text": o.text,
            }
            for o in rules.overlaps_of(utterances)
        ],
        "backchannels": [
            {
                "channel": u.channel,
                "start": _r(u.start),
                "end": _r(u.end),
                "text": u.text,
                "overlap_s": _r(overlap),
            }
            for u, overlap in rules.backchannels_of(utterances)
        ],
        "voice_events": [
            {
                "channel": e.channel,
                "kind": e.kind,
                "start": _r(e.start),
                "end": _r(e.end),
                "speech_s": round(e.speech_s, 2),
                "own_speech_before_s": round(e.own_speech_before_s, 1),
                "wpm": round(e.wpm),
                "baseline_wpm": round(e.baseline_wpm),
                "gain_db": e.gain_db,
                "pitch_st": e.pitch_st,
            }
            for e in truth.voice_events_of(utterances)
        ],
        "silences": [
            {
                "start": _r(s.start),
                "end": _r(s.end),
                "announced": s.announced_by is not None,
                "announced_by": None if s.announced_by is None else PARTIES[s.announced_by],
                "dead_air": s.end - s.start >= 6.0,
            }
            for s in truth.silences_of(utterances, labels)
        ],
        "monologues": [
            {"channel": channel, "start": _r(a), "end": _r(b), "duration_s": round(b - a, 2)}
            for channel, a, b in truth.monologues_of(utterances)
        ],
        "language": [_label(x, call) for x in labels],
        "acknowledgement_windows": [
            {
                "t0": _r(w.t0),
                "level": round(w.level, 2),
                "result": w.result,
                "acknowledged_at": _maybe(w.acknowledged_at),
            }
            for w in truth.windows_of(utterances, labels, [])
        ],
        "opening_story": None
        if story is None
        else {
            "start": _r(story.start),
            "end": _r(story.end),
            "completed": story.cut_at is None,
            "cut_at": _maybe(story.cut_at),
            "words": story.words,
        },
        "talk_time_s": [round(rules.talk_time(utterances, channel), 2) for channel in (0, 1)],
    }


def _r(seconds: float) -> float:
    return round(seconds, 3)


def _maybe(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _utterance(u: rules.Utterance) -> Json:
    return {
        "channel": u.channel,
        "start": _r(u.start),
        "end": _r(u.end),
        "text": u.text,
        "full_text": u.full_text,
        "cut": u.cut,
        "role": u.role,
        "n_words": len(u.words),
        "n_syllables": u.n_syllables,
        "wpm": round(u.wpm, 1),
        "gain_db": u.gain_db,
        "pitch_st": u.pitch_st,
        "speed": u.speed,
        "ipus": [[_r(a), _r(b)] for a, b in u.ipus],
        "words": [[word, _r(a), _r(b)] for word, a, b in u.words],
    }


def _label(label: rules.LabelTime, call: Call) -> Json:
    entry: Json = {
        "channel": label.channel,
        "kind": label.kind,
        "phrase": label.phrase,
        "start": _r(label.start),
        "end": _r(label.end),
    }
    if label.kind == "discouraged":
        entry["severity"] = label.number
    elif label.kind == "strong_words":
        entry["weight"] = label.number
    elif label.kind == "jargon":
        term = " ".join(rules.plain(label.phrase))
        earlier = (
            " ".join(rules.plain(u.text)) for u in call.utterances if u.channel == 1 and u.end <= label.start
        )
        entry["explained"] = label.explained
        entry["caller_used_first"] = any(f" {term} " in f" {text} " for text in earlier)
    return entry


def write_call(script: CallScript, kokoro: Kokoro, out: Path) -> Path:
    """Render a call, check it and write ``NAME.flac`` and ``NAME.truth.json`` into ``out``.

    Raises
    ------
    samples.rules.RuleError
        A class rule is broken; nothing is written.
    """
    call = render_call(script, kokoro)
    entry = truth_of(script, call)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{script.name}.flac"
    soundfile.write(path, call.audio, call.rate, subtype="PCM_16", format="FLAC", compression_level=1.0)
    text = json.dumps(entry, indent=1, ensure_ascii=False)
    (out / f"{script.name}.truth.json").write_text(text + "\n", encoding="utf-8")
    return path


def main(arguments: list[str] | None = None) -> int:
    """Render what was asked for; returns 0, or 1 when a call breaks a rule or a package is missing."""
    parser = argparse.ArgumentParser(prog="make_samples", description=__doc__)
    parser.add_argument("names", nargs="*", help="calls to render (default: all)")
    parser.add_argument("--voices", type=Path, required=True, help="folder with the voice files (*.bin)")
    parser.add_argument("--cache", type=Path, default=platformdirs.user_cache_path("callcoach") / "samples")
    parser.add_argument("--out", type=Path, default=HERE, help="folder for the shipped calls")
    parser.add_argument(
        "--extra", type=Path, help="render the further development calls into this folder instead"
    )
    chosen = parser.parse_args(arguments)
    texts = HERE / "scripts" / "extra" if chosen.extra else HERE / "scripts"
    failed = 0
    try:
        kokoro = Kokoro(chosen.voices, chosen.cache)
    except VoiceSetupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for path in sorted(texts.glob("*.toml")):
        if chosen.names and path.stem not in chosen.names:
            continue
        try:
            written = write_call(load_script(path), kokoro, chosen.extra or chosen.out)
        except (rules.RuleError, ScriptError, PlacementError, VoiceSetupError, ValueError) as error:
            sys.stderr.write(f"{path.stem}: {error}\n")
            failed = 1
            continue
        sys.stdout.write(f"{written}\n")
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
