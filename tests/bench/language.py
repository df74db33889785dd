"""Language events, acknowledgement windows and word lists against what was said.

From the true words of the synthetic calls, given as a transcript, and from recognised words; and on
transcripts of short, courteous bank calls, where hardly anything should be flagged.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from callcoach.clock import Samples, Span, from_ms, to_samples
from callcoach.config import Settings
from callcoach.contract import CallDocument, InputSegment, InputWord, LanguageEventEntry, TranscriptInput
from callcoach.core.call_facts import facts_of
from callcoach.core.language.from_facts import language_view
from callcoach.core.language.parts import LanguageParts, language_parts
from callcoach.core.language.view import LanguageView, QuietTime, SpokenTurn
from callcoach.core.phases import PhaseTracker
from callcoach.core.phrases import phrases
from callcoach.core.replay import TranscriptReplay
from callcoach.events import Channel, Word
from callcoach.lexicon import load_lexicon
from tests.bench.lab import DATA, Lab, percent, truth_path
from tests.bench.table import Row, Skipped, say

SECTION: Final = "language"
TRUE_F1: Final = 0.90
HEARD_F1: Final = 0.75
WINDOWS: Final = 0.85
FLAGGED: Final = 0.5
HOUR_MS: Final = 100.0
ROLES: Final = (Channel.AGENT, Channel.CALLER)
SLACK_S: Final = 1.0
WINDOW_SLACK_S: Final = 3.0


@dataclass(slots=True)
class Tally:
    """Right, true and found events by kind, windows, and what went wrong."""

    right: Counter[str] = field(default_factory=Counter)
    true: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    windows_right: int = 0
    windows: int = 0
    wrong: list[str] = field(default_factory=list)

    def f1(self, kind: str) -> float:
        """Return 2 * right / (true + found)."""
        both = self.true[kind] + self.found[kind]
        return 2 * self.right[kind] / both if both else 1.0


def run(lab: Lab) -> list[Row]:
    """Score both ways, then the bank calls, then the time for an hour of words."""
    rows: list[Row] = []
    try:
        calls = lab.calls()
    except Skipped as reason:
        return [Row(SECTION, "synthetic_calls", "", f"skipped: {reason}")]
    true, heard = Tally(), Tally()
    for recording in calls:
        say(f"{SECTION}: {recording.stem}")
        truth = json.loads(truth_path(recording).read_text("utf-8"))
        parts = parts_of_truth(truth)
        tally(true, truth, parts.events, windows_of(parts))
        document = lab.analyse(recording).document
        again = parts_of_document(document)
        tally(heard, truth, again.events, windows_of(again))
    rows += _rows("true words", true, TRUE_F1)
    rows += _rows("recognised words", heard, HEARD_F1)
    rows += bank_rows()
    rows.append(hour_row())
    return rows


def windows_of(parts: LanguageParts) -> list[tuple[float, str]]:
    """Opening (seconds) and result of every window."""
    return [(w.opened / 1000, w.result) for w in parts.windows]


def tally(
    total: Tally,
    truth: dict[str, Any],
    events: Iterable[LanguageEventEntry],
    windows: Sequence[tuple[float, str]],
) -> None:
    """Add one call: events match within 1 s, one to one, nearest starts first; windows within 3 s."""
    listed = [e for e in events if e.role is not None]
    labels = [(x["start"], x["end"], ROLES[x["channel"]], x["kind"], x["phrase"]) for x in truth["language"]]
    for kind in sorted({x[3] for x in labels}):
        mine = [(e.begin / 1000, e.end / 1000, e.role, e.phrase, e.id) for e in listed if e.kind == kind]
        theirs = [x for x in labels if x[3] == kind]
        near = sorted(
            (abs(t[0] - f[0]), i, j)
            for i, t in enumerate(theirs)
            for j, f in enumerate(mine)
            if t[2] is f[2] and t[0] - SLACK_S <= f[1] and f[0] - SLACK_S <= t[1]
        )
        matched: dict[int, int] = {}
        for _, i, j in near:
            if i not in matched and j not in matched.values():
                matched[i] = j
        total.right[kind] += len(matched)
        total.true[kind] += len(theirs)
        total.found[kind] += len(mine)
        for i, t in enumerate(theirs):
            if i not in matched:
                total.wrong.append(f"{truth['name']} {t[0]:.1f} s {kind} missed: {t[4]}")
        for j, f in enumerate(mine):
            if j not in matched.values():
                total.wrong.append(f"{truth['name']} {f[0]:.1f} s {kind} {f[4]} too many: {f[3]}")
    for window in truth.get("acknowledgement_windows", ()):
        total.windows += 1
        near_by = [r for at, r in windows if abs(at - window["t0"]) <= WINDOW_SLACK_S]
        right = window["result"] in near_by
        total.windows_right += right
        if not right:
            total.wrong.append(
                f"{truth['name']} {window['t0']:.1f} s window {window['result']}: {near_by or 'none'}"
            )


def transcript_of_truth(truth: dict[str, Any]) -> TranscriptInput:
    """Return the true words as transcript input, with their times."""
    segments = [
        InputSegment(
            role=ROLES[u["channel"]],
            begin=round(1000 * u["start"]),
            end=round(1000 * u["end"]),
            text=u["text"],
            words=tuple(
                InputWord(w=w, b=round(1000 * min(a, b)), e=round(1000 * b))
                for w, a, b in u["words"]
                if round(1000 * min(a, b)) <= round(1000 * u["end"])
            ),
        )
        for u in truth["utterances"]
    ]
    return TranscriptInput(schema_id="callcoach.transcript/1", language="en", segments=tuple(segments))


def parts_of_transcript(given: TranscriptInput, settings: Settings | None = None) -> LanguageParts:
    """Measure a transcript the way the product does."""
    settings = settings or Settings()
    replay = TranscriptReplay(settings, given)
    tracker = PhaseTracker(phrases(), settings.phases)
    for event in replay.run():
        tracker.handle(event)
    facts = facts_of(replay.parties, replay.transcript, replay.conversation, None, tracker)
    view = language_view(facts, settings.language, replay.length)
    assert view is not None
    return language_parts(view)


def parts_of_truth(truth: dict[str, Any]) -> LanguageParts:
    """Measure the true words of a synthetic call."""
    return parts_of_transcript(transcript_of_truth(truth))


def parts_of_document(document: CallDocument) -> LanguageParts:
    """Measure the words, turns and silences of a call folder."""
    return language_parts(view_of_document(document))


def view_of_document(document: CallDocument) -> LanguageView:
    """Rebuild the view from ``call.json``."""
    words: dict[Channel, list[Word]] = {c: [] for c in Channel}
    for entry in document.transcript:
        if entry.role is not None:
            words[entry.role] += [
                Word(w.w, Span(from_ms(w.b), from_ms(w.e)), 1.0 if w.p is None else w.p) for w in entry.words
            ]
    turns: list[SpokenTurn] = []
    for t in document.turns:
        before = turns[-1] if turns else None
        offset = None
        if before is not None and before.channel is not t.role:
            offset = int(from_ms(t.begin)) - before.end
        turns.append(SpokenTurn(t.role, int(from_ms(t.begin)), int(from_ms(t.end)), offset, t.phase))
    story = document.opening_story
    return LanguageView(
        words={c: sorted(listed, key=lambda w: (w.span.start, w.span.end)) for c, listed in words.items()},
        speech={
            c: [(int(from_ms(s.begin)), int(from_ms(s.end))) for s in document.segments if s.role is c]
            for c in Channel
        },
        turns=turns,
        silences=[
            QuietTime(int(from_ms(s.begin)), int(from_ms(s.end)), s.kind, s.owner) for s in document.silences
        ],
        length=int(from_ms(document.call.duration_ms)),
        settings=Settings().language,
        lexicon=load_lexicon(),
        story=None if story is None else (int(from_ms(story.begin)), int(from_ms(story.end))),
        story_completed=None if story is None else story.completed,
    )


def _rows(name: str, total: Tally, bar: float) -> list[Row]:
    rows: list[Row] = []
    for kind in sorted(total.true):
        score = total.f1(kind)
        rows.append(
            Row(
                SECTION,
                f"{name}: {kind}, F1",
                f">= {bar:.2f}",
                f"{score:.2f} ({total.right[kind]} of {total.true[kind]}, {total.found[kind]} found)",
                score >= bar,
                {"right": total.right[kind], "true": total.true[kind], "found": total.found[kind]},
                tuple(line for line in total.wrong if f" {kind} " in line),
            )
        )
    share = total.windows_right / total.windows if total.windows else 1.0
    rows.append(
        Row(
            SECTION,
            f"{name}: acknowledgement windows, result right",
            f">= {WINDOWS:.2f}",
            f"{percent(share)} ({total.windows_right} of {total.windows})",
            share >= WINDOWS,
            {"right": total.windows_right, "of": total.windows},
            tuple(line for line in total.wrong if " window " in line),
        )
    )
    return rows


def bank_calls() -> list[tuple[str, TranscriptInput]]:
    """Return the transcripts of the bank calls.

    Raises
    ------
    Skipped
        If they are not there.
    """
    files = sorted((DATA / "harper_valley" / "transcripts").glob("*.json"))
    if not files:
        raise Skipped("no transcripts of harper_valley")
    found = []
    for file in files:
        raw = json.loads(file.read_text("utf-8"))
        roles = [Channel(name) for name in raw["channels"]]
        segments = tuple(
            InputSegment(
                role=roles[s["channel"]],
                begin=round(1000 * s["start"]),
                end=round(1000 * s["end"]),
                text=s["text"],
            )
            for s in raw["segments"]
        )
        given = TranscriptInput(schema_id="callcoach.transcript/1", language="en", segments=segments)
        found.append((file.stem, given))
    return found


def bank_rows() -> list[Row]:
    """False alarms, and what these calls all hold: greeting, questions, thanks or a wish at the end."""
    try:
        calls = bank_calls()
    except Skipped as reason:
        return [Row(SECTION, "harper_valley", "", f"skipped: {reason}")]
    flagged: list[str] = []
    questions = asked = closings = greeted = checks = 0
    for name, given in calls:
        parts = parts_of_transcript(given)
        flagged += [
            f"{name} {e.begin / 1000:.1f} s {e.kind} {e.id}: {e.phrase}"
            for e in parts.events
            if e.kind in ("discouraged", "strong_words")
        ]
        metrics: Any = parts.metrics
        m18 = metrics.get("M18")
        questions += 0 if m18 is None else m18.count
        asked += sum(_asks(s.text) for s in given.segments if s.role is Channel.AGENT)
        checks += 0 if m18 is None else m18.check_back
        l18 = metrics.get("L18")
        closings += l18 is not None and (l18.thanks or l18.anything_else)
        greeted += (
            parts.summary is not None and parts.summary.greeting is not None and parts.summary.greeting.offer
        )
    n = len(calls)
    return [
        Row(
            SECTION,
            "harper_valley: discouraged and strong words flagged a call",
            f"<= {FLAGGED}",
            f"{len(flagged) / n:.2f} ({len(flagged)} in {n} calls)",
            len(flagged) / n <= FLAGGED,
            {"flagged": len(flagged), "calls": n},
            tuple(flagged),
        ),
        Row(SECTION, "harper_valley: greetings with an offer found", "", f"{greeted} of {n}"),
        Row(SECTION, "harper_valley: questions of the agent found", "", f"{questions}, by hand rule {asked}"),
        Row(SECTION, "harper_valley: check-backs found", "", f"{checks}"),
        Row(SECTION, "harper_valley: thanks or 'anything else' at the end", "", f"{closings} of {n}"),
    ]


def _asks(text: str) -> bool:
    """Tell whether a segment without marks asks: by its words, as a reader would."""
    padded = f" {text.lower()} "
    return any(
        f" {lead} " in padded
        for lead in (
            "how can i help",
            "which",
            "what is",
            "what day",
            "what time",
            "is there anything",
            "can you",
            "what's",
            "would you like",
            "anything else",
        )
    )


def hour_row() -> Row:
    """Time for the language measures of an hour of talk."""
    text = (
        "okay so I can see what you mean and I will check the server for you now please open the "
        "settings and tell me what you see on the screen when the message comes up again I have "
        "already tried that twice."
    )
    said = text.split()
    words: dict[Channel, list[Word]] = {c: [] for c in Channel}
    at = 0
    turns: list[SpokenTurn] = []
    while at < 3600:
        for channel in Channel:
            start = at
            for i in range(40):
                begin = Samples(to_samples(at + i * 0.35))
                words[channel].append(
                    Word(said[i % len(said)], Span(begin, Samples(begin + to_samples(0.3))), 0.9)
                )
            at += 15
            turns.append(SpokenTurn(channel, to_samples(start), to_samples(at - 1)))
    view = LanguageView(
        words=words,
        speech={c: [(t.start, t.end) for t in turns if t.channel is c] for c in Channel},
        turns=turns,
        silences=(),
        length=to_samples(at),
        settings=Settings().language,
        lexicon=load_lexicon(),
    )
    language_parts(view)
    began = time.process_time()
    language_parts(view)
    spent = 1000 * (time.process_time() - began)
    n = sum(len(w) for w in words.values())
    return Row(
        SECTION,
        "all measures of a 60 min call, processor time",
        "",
        f"{spent:.0f} ms for {n} words",
        None,
        {"ms": spent},
    )


def main() -> None:
    """Score true words, and call folders given as ``name=folder`` pairs, without running the recogniser."""
    import sys

    true, heard = Tally(), Tally()
    folders = [Path(a) for a in sys.argv[1:]]
    for file in sorted((DATA / "synthetic_calls").glob("*.truth.json")):
        truth = json.loads(file.read_text("utf-8"))
        parts = parts_of_truth(truth)
        tally(true, truth, parts.events, windows_of(parts))
        for folder in folders:
            named = next(iter(sorted(folder.glob(f"{truth['name']}*/call.json"))), None)
            if named is not None:
                again = parts_of_document(CallDocument.from_json(named.read_bytes()))
                tally(heard, truth, again.events, windows_of(again))
    rows = [*_rows("true words", true, TRUE_F1), *(_rows("recognised", heard, HEARD_F1) if folders else [])]
    for row in [*rows, *bank_rows(), hour_row()]:
        print(f"{row.figure:60} {row.bar:8} {row.measured:40} {'' if row.passed is None else row.passed}")
        for line in row.details:
            print("      ", line)


if __name__ == "__main__":
    main()
