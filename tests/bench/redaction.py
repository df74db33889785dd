"""Masking of numbers, addresses and secrets: exact words, harmless sentences, recognised words, cost."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import soundfile

from callcoach.clock import SAMPLE_RATE, Samples, Span, to_samples
from callcoach.config_redaction import RedactionSettings
from callcoach.events import Channel, Word
from callcoach.lexicon.redaction import Redactor
from callcoach.lexicon.redaction_kinds import Match
from callcoach.lexicon.silencing import silence_spans
from callcoach.ports import Audio, SpeechWindow
from tests.bench.lab import DATA, Lab, annotation, percent, truth_path
from tests.bench.table import Row, Skipped
from tests.support.masking_scores import Hidden, hidden
from tests.support.readings import Reading, harmless, readings

SECTION: Final = "redaction"
RECALL_BAR: Final = 0.99
COST_BAR_S: Final = 0.1
HOUR_WORDS: Final = 9000
RENDERED: Final = "CALLCOACH_READINGS"
"""Folder made by `python -m tests.bench.spoken_readings`; without it recognised words are skipped."""
LONGEST_S: Final = 14.0
SETTINGS: Final = RedactionSettings()


def run(lab: Lab) -> list[Row]:
    """Measure everything that needs no recogniser, then rendered readings."""
    rows = [*_recall(), _harmless(), _polite_calls(), _cost()]
    try:
        rows += _recognised(lab)
    except Skipped as reason:
        rows.append(Row(SECTION, "recognised words", "", f"skipped: {reason}"))
    return rows


def masked(words: Sequence[Word], cuts: Sequence[int] = ()) -> tuple[list[Word], list[Match]]:
    """Mask the words of one party that come in windows cut at ``cuts``."""
    redactor = Redactor(SETTINGS)
    out: list[Word] = []
    borders = [0, *cuts, len(words)]
    for n, last in enumerate(borders[1:]):
        out += redactor.push(words[borders[n] : last])
        if 0 < last < len(words):
            out += redactor.settle(words[last].span.start)
    return [*out, *redactor.finish()], redactor.matches


def _recall() -> list[Row]:
    rng = random.Random(99)
    said = readings()
    whole, cut, seen, kinds = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    missed = []
    words_seen = words_hidden = 0
    for reading in said:
        words = reading.timed()
        cuts = sorted(rng.randrange(len(words) + 1) for _ in range(4))
        seen[reading.kind] += 1
        out, matches = masked(words)
        open_words = _open_words(reading, out)
        words_seen += len(reading.secret)
        words_hidden += len(reading.secret) - len(open_words)
        whole[reading.kind] += not open_words
        cut[reading.kind] += not _open_words(reading, masked(words, cuts)[0])
        kinds.update(f"{reading.kind} as {match.kind.value}" for match in matches)
        if open_words:
            missed.append(f"{reading.kind} {reading.style}: {reading.text}")
    rows = [
        _share("readings wholly masked, exact words", whole.total(), len(said), tuple(missed)),
        _share("readings wholly masked, cut at random window borders", cut.total(), len(said), ()),
        _share("words of them masked", words_hidden, words_seen, ()),
    ]
    by_kind = ", ".join(f"{kind} {whole[kind]} of {seen[kind]}" for kind in seen)
    named = ", ".join(f"{name} {count}" for name, count in sorted(kinds.items()))
    return [*rows, Row(SECTION, "by kind", "", by_kind, details=(named,))]


def _open_words(reading: Reading, out: Sequence[Word]) -> list[int]:
    return [i for i in reading.secret if not out[i].text.startswith("[")]


def _share(figure: str, good: int, of: int, details: tuple[str, ...]) -> Row:
    share = good / of
    return Row(
        SECTION,
        figure,
        f">= {percent(RECALL_BAR, 0)}",
        f"{percent(share)} ({good} of {of})",
        share >= RECALL_BAR,
        {"share": share, "count": float(of)},
        details,
    )


def _harmless() -> Row:
    said = harmless()
    wrong = [reading.text for reading in said if masked(reading.timed())[1]]
    return Row(
        SECTION,
        "harmless sentences masked",
        "",
        f"{len(wrong)} of {len(said)}",
        None,
        {"count": float(len(wrong))},
        tuple(wrong),
    )


def _polite_calls() -> Row:
    """Count what is masked in transcripts and calls in which real people and scripts speak."""
    folder = DATA / "harper_valley" / "transcripts"
    if not folder.is_dir():
        return Row(SECTION, "masked in 15 bank calls", "", "skipped: ../shared/data is absent")
    found = []
    calls = sorted(folder.glob("*.json"))
    for path in calls:
        call = json.loads(path.read_text(encoding="utf-8"))
        for channel in (0, 1):
            words = [
                word
                for segment in call["segments"]
                if segment["channel"] == channel and segment["speech"]
                for word in _spread(segment)
            ]
            for match in masked(words)[1]:
                text = " ".join(word.text for word in words[match.first : match.last + 1])
                found.append(f"{path.stem[:6]} {match.kind.value}: {text}")
    return Row(
        SECTION,
        f"runs masked in {len(calls)} bank calls (transcripts)",
        "",
        str(len(found)),
        None,
        {"count": float(len(found))},
        tuple(found),
    )


def _spread(segment: dict[str, Any]) -> list[Word]:
    texts = [text for text in segment["text"].split() if not text.startswith(("[", "<"))]
    start, end = to_samples(segment["start"]), to_samples(segment["end"])
    step = (end - start) / max(1, len(texts))
    return [
        Word(text, Span(Samples(round(start + i * step)), Samples(round(start + (i + 1) * step))), 1.0)
        for i, text in enumerate(texts)
    ]


def _cost() -> Row:
    words = _an_hour()
    best = float("inf")
    for _ in range(7):
        before = time.process_time()
        redactor = Redactor(SETTINGS)
        for at in range(0, len(words), 20):
            redactor.push(words[at : at + 20])
        redactor.finish()
        best = min(best, time.process_time() - before)
    return Row(
        SECTION,
        f"processor time for {len(words)} words",
        f"<= {1000 * COST_BAR_S:.0f} ms",
        f"{1000 * best:.0f} ms",
        best <= COST_BAR_S,
        {"seconds": best},
    )


def _an_hour() -> list[Word]:
    """Return the words of an hour: synthetic calls one after another, or harmless sentences without them."""
    utterances = [
        [str(word) for word, _, _ in utterance["words"]]
        for path in sorted((DATA / "synthetic_calls").glob("*.flac"))
        for utterance in json.loads(truth_path(path).read_text(encoding="utf-8"))["utterances"]
    ] or [list(reading.words) for reading in harmless()]
    texts: list[str] = []
    while len(texts) < HOUR_WORDS:
        texts += [text for utterance in utterances for text in utterance]
    return [
        Word(text, Span(to_samples(0.4 * i), to_samples(0.4 * i + 0.3)), 0.9)
        for i, text in enumerate(texts[:HOUR_WORDS])
    ]


def _recognised(lab: Lab) -> list[Row]:
    named = os.environ.get(RENDERED)
    folder = Path(named) if named else None
    files = sorted(folder.glob("*.flac")) if folder else []
    if not files:
        raise Skipped(f"set {RENDERED} to a folder made by python -m tests.bench.spoken_readings")
    results: list[Hidden] = []
    missed = []
    for path in files:
        truth = annotation(path)
        true = [
            Word(text, Span(to_samples(start), to_samples(end)), 1.0)
            for text, start, end, hide in truth["words"]
            if hide
        ]
        sound, rate = soundfile.read(path, dtype="float32")
        assert rate == SAMPLE_RATE
        out, matches = masked(recognise(lab, sound))
        silence = silence_spans(matches, SETTINGS.margin_s).get(None, ())
        result = hidden(true, out, silence, numbers=truth["kind"] not in ("email", "secret"))
        results.append(result)
        if not (result.in_text and result.in_sound):
            missed.append(f"{truth['kind']} {truth['style']}: {truth['text']} -> {' '.join(result.readable)}")
    words = sum(r.words for r in results)
    figures = (
        ("wholly masked in the text", sum(r.in_text for r in results), len(results)),
        ("wholly silenced", sum(r.in_sound for r in results), len(results)),
        ("words silenced", words - sum(r.audible for r in results), words),
    )
    return [
        Row(SECTION, f"recognised readings: {name}", "", f"{percent(good / of)} ({good} of {of})",
            None, {"share": good / of}, tuple(missed) if n == 0 else ())
        for n, (name, good, of) in enumerate(figures)
    ]  # fmt: skip


def recognise(lab: Lab, sound: Audio) -> list[Word]:
    """Return the words of a mono sound, in windows of up to 14 s cut where it is quietest."""
    words: list[Word] = []
    at = 0
    while at < len(sound):
        end = _quiet_end(sound, at)
        span = Span(Samples(at), Samples(end))
        window = SpeechWindow(Channel.CALLER, sound[at:end].copy(), (span,), (0,))
        words += lab.recogniser.submit(window).result()
        at = end
    return words


def _quiet_end(sound: Audio, at: int) -> int:
    end = at + to_samples(LONGEST_S)
    if end >= len(sound):
        return len(sound)
    step = SAMPLE_RATE // 10
    starts = range(end - 3 * SAMPLE_RATE, end, step)
    quietest = min(starts, key=lambda start: float((sound[start : start + step] ** 2).sum()))
    return quietest + step // 2
