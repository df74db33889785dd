"""Words: error rate beside plain faster-whisper on the same recordings, and words where nobody speaks."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.lab import Lab, annotation, percent, truth_path
from tests.bench.scoring import ROLES, edits, true_text, words_of
from tests.bench.table import Row, Skipped, say
from tests.bench.tones import beside_silence, make_tones

SECTION: Final = "words"
ALLOWED: Final = 0.005
"""Error rate may be this much above that of plain faster-whisper."""
CLIPS: Final = ("read_speech", "asterisk_prompts", "harper_valley/caller_audio")
SMALL: Final = (
    *(
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


@dataclass(frozen=True, slots=True)
class Heard:
    """One channel: its text and what both sides made of it."""

    name: str
    reference: str
    ours: str
    plain: str


def run(lab: Lab) -> list[Row]:
    """Measure every set, then the sounds without speech."""
    rows = []
    jobs: list[tuple[str, Callable[[], list[Heard]]]] = [
        (name, functools.partial(_clips, lab, name)) for name in CLIPS
    ]
    jobs.append(("synthetic_calls", lambda: _calls(lab, lab.calls())))
    jobs.append(("samples", lambda: _calls(lab, lab.samples())))
    for name, job in jobs:
        try:
            rows.append(_error_rate(name, job(), bar=name != "samples"))
        except Skipped as reason:
            rows.append(Row(SECTION, f"{name}: word error rate", "", f"skipped: {reason}"))
    return rows + _no_words(lab)


def spell(words: Sequence[str]) -> list[str]:
    """Write figures as a voice reads them: 26 twenty six, 205 two hundred five, 1455 fourteen fifty five."""
    out: list[str] = []
    for word in words:
        match = re.fullmatch(r"(\d+)(st|nd|rd|th|s)?", word)
        out += _spell(match[1]) if match else [word]
    return out


def _spell(digits: str) -> list[str]:
    value = int(digits)
    if len(digits) > 4 or (digits[0] == "0" and len(digits) > 1):
        return [SMALL[int(d)] for d in digits]
    if value < 20:
        return [SMALL[value]]
    if value < 100:
        return [TENS[value // 10 - 2], *([SMALL[value % 10]] if value % 10 else [])]
    if value < 1000:
        return [SMALL[value // 100], "hundred", *(_spell(str(value % 100)) if value % 100 else [])]
    if value % 1000 == 0:
        return [SMALL[value // 1000], "thousand"]
    high, low = divmod(value, 100)
    return [
        *_spell(str(high)),
        *(_spell(str(low)) if low >= 10 else ["hundred"] if low == 0 else ["oh", SMALL[low]]),
    ]


def _clips(lab: Lab, name: str) -> list[Heard]:
    heard = []
    recordings = lab.recordings(name)
    for index, recording in enumerate(recordings):
        if index % 10 == 0:
            say(f"{SECTION}: {name} {index + 1} of {len(recordings)}")
        reference = " ".join(segment["text"] for segment in annotation(recording)["segments"])
        heard.append(
            Heard(recording.stem, reference, lab.analyse(recording).text(None), lab.plain(recording).texts[0])
        )
    return heard


def _calls(lab: Lab, recordings: Sequence[Path]) -> list[Heard]:
    heard = []
    for recording in recordings:
        say(f"{SECTION}: {recording.stem}")
        truth = json.loads(truth_path(recording).read_text(encoding="utf-8"))
        ours, plain = lab.analyse(recording), lab.plain(recording)
        heard += [
            Heard(
                f"{recording.stem} {role}", true_text(truth, channel), ours.text(role), plain.texts[channel]
            )
            for channel, role in enumerate(ROLES)
        ]
    return heard


def _error_rate(name: str, heard: Sequence[Heard], *, bar: bool) -> Row:
    ours = plain = ours_spelt = plain_spelt = total = total_spelt = 0
    worse = []
    for item in heard:
        reference, here, there = words_of(item.reference), words_of(item.ours), words_of(item.plain)
        wrong, other = edits(reference, here), edits(reference, there)
        ours, plain, total = ours + wrong, plain + other, total + len(reference)
        ours_spelt += edits(spell(reference), spell(here))
        plain_spelt += edits(spell(reference), spell(there))
        total_spelt += len(spell(reference))
        if wrong > other:
            worse.append(
                (wrong - other, f"{item.name}: {wrong} errors, plain {other}, of {len(reference)} words")
            )
    rate, plain_rate = ours / total, plain / total
    spelt, plain_spelt_rate = ours_spelt / total_spelt, plain_spelt / total_spelt
    measured = (
        f"{percent(rate)} (plain {percent(plain_rate)}: {100 * (rate - plain_rate):+.2f} points; {ours} and "
        f"{plain} errors of {total} words; figures spelt out {percent(spelt)}, {percent(plain_spelt_rate)})"
    )
    values = {
        "wer": rate,
        "plain_wer": plain_rate,
        "words": total,
        "wer_spelt": spelt,
        "plain_wer_spelt": plain_spelt_rate,
    }
    lines = tuple(line for _, line in sorted(worse, reverse=True))
    passed = rate - plain_rate <= ALLOWED
    return Row(
        SECTION,
        f"{name}: word error rate",
        "<= plain + 0.5 points" if bar else "",
        measured,
        passed if bar else None,
        values,
        lines,
    )


def _no_words(lab: Lab) -> list[Row]:
    """Count words on sound without speech, as a mono recording and as the caller's side of a call."""
    rows = []
    tones = make_tones(lab.folder / "tones")
    groups: list[tuple[str, list[Path]]] = [
        ("digital silence", [p for p in tones if "silence" in p.stem]),
        (
            "dial, busy and ring tones, push buttons, line noise",
            [p for p in tones if "silence" not in p.stem],
        ),
    ]
    try:
        groups.append(("hold_music", lab.recordings("hold_music")))
    except Skipped as reason:
        rows.append(Row(SECTION, "hold_music: words", "0", f"skipped: {reason}"))
    for name, paths in groups:
        say(f"{SECTION}: {name}")
        counts = {}
        for path in paths:
            for form in (path, beside_silence(path, lab.folder / "beside")):
                counts[form.stem] = sum(len(entry.words) for entry in lab.analyse(form).document.transcript)
        written = sum(counts.values())
        seconds = f"{written} in {len(counts)} recordings"
        lines = tuple(f"{stem}: {count} words" for stem, count in counts.items() if count)
        rows.append(Row(SECTION, f"{name}: words", "0", seconds, written == 0, {"words": written}, lines))
    return rows
