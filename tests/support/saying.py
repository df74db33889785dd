"""Small dialogues for the language measures: ``said("caller 0-4 'I give up.', agent 5-9 'I hear you.'")``.

Turns are the runs of the script as they stand, so that a test sees the measures and not the floor.
"""

from __future__ import annotations

from typing import Any

from callcoach.clock import to_samples
from callcoach.config import Settings
from callcoach.core.language.parts import LanguageParts, language_parts
from callcoach.core.language.view import LanguageView, Phase, QuietTime, SpokenTurn
from callcoach.events import Channel, SilenceKind, Word
from callcoach.lexicon import load_lexicon
from tests.support.talking import Run, parse


def view_of(
    script: str,
    *,
    seconds: float | None = None,
    phases: dict[int, Phase] | None = None,
    silences: list[tuple[float, float, SilenceKind, Channel]] | None = None,
    **others: Any,
) -> LanguageView:
    """Return the view of a script; ``phases`` by number of the turn, diagnose where it is silent."""
    runs = parse(script)
    words: dict[Channel, list[Word]] = {c: [] for c in Channel}
    for run in runs:
        words[run.channel] += run.words()
    turns: list[SpokenTurn] = []
    for number, run in enumerate(sorted(runs, key=lambda r: r.start)):
        before = turns[-1] if turns else None
        start, end = to_samples(run.start), to_samples(run.end)
        offset = start - before.end if before is not None and before.channel is not run.channel else None
        phase = (phases or {}).get(number, "diagnose")
        turns.append(SpokenTurn(run.channel, start, end, offset, phase))
    return LanguageView(
        words={c: sorted(listed, key=lambda w: w.span.start) for c, listed in words.items()},
        speech={c: sorted(_bounds(r) for r in runs if r.channel is c) for c in Channel},
        turns=turns,
        silences=[
            QuietTime(to_samples(a), to_samples(b), kind, owner) for a, b, kind, owner in silences or []
        ],
        length=to_samples(seconds if seconds is not None else max(r.end for r in runs) + 1),
        settings=Settings().language,
        lexicon=load_lexicon(),
        **others,
    )


def said(script: str, **others: Any) -> LanguageParts:
    """Measure a script; parameters as for `view_of`."""
    return language_parts(view_of(script, **others))


def value(parts: LanguageParts, key: str) -> Any:
    """Return the value of a metric; fails with its reason where it is null."""
    assert key in parts.metrics, parts.why_null.get(key, "neither a value nor a reason")
    return parts.metrics[key]


def events(parts: LanguageParts, kind: str) -> list[tuple[str, str]]:
    """Row and phrase of every event of a kind."""
    return [(e.id, e.phrase) for e in parts.events if e.kind == kind]


def _bounds(run: Run) -> tuple[int, int]:
    return to_samples(run.start), to_samples(run.end)
