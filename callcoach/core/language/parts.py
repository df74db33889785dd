"""The language part of a call's document: events, windows, metrics and what is left for the ticket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from callcoach.clock import to_ms, to_samples, to_seconds
from callcoach.contract import AcknowledgementEntry, LanguageEventEntry
from callcoach.contract import delivery_metrics as v
from callcoach.contract import language_metrics as lm
from callcoach.contract import metrics as m
from callcoach.contract.language_parts import (
    GreetingHeard,
    LanguageSummary,
    NoteLine,
    RehearsalEntry,
    StepsHeard,
    TicketDraft,
)
from callcoach.core.language import finder as names
from callcoach.core.language.acknowledge import TYPES, Window, type_of, windows
from callcoach.core.language.asked_back import Repeated, repeated_questions
from callcoach.core.language.ending import (
    Rehearsal,
    TicketNote,
    close_of,
    greeting_of,
    progress_of,
    rehearsal,
    ticket_note,
)
from callcoach.core.language.explaining import blocks, playbacks
from callcoach.core.language.finder import Finder, Found
from callcoach.core.language.holds import Hold, holds, is_notice, silences_of_agent
from callcoach.core.language.orders import orders, with_orders
from callcoach.core.language.sentences import (
    Promise,
    promises_of,
    questions,
)
from callcoach.core.language.strong import StrongLevel
from callcoach.core.language.style import style
from callcoach.core.language.terms import Term, Vocabulary, terms_of
from callcoach.core.language.text import Sentence, chunks_of
from callcoach.core.language.view import LanguageView
from callcoach.core.language.wording import balance, caller_name, name_uses
from callcoach.events import Channel, Word

NO_WORDS: Final = "no words were recognised"

LANGUAGE_METRICS: Final = (
    "M13", "M18", "M19", "M20", "M22", "V04",
    *(f"L{n:02d}" for n in range(1, 21)),
)  # fmt: skip
"""What `language_parts` measures; M11 is measured with the turns."""

NEED_CALLER_WORDS: Final = (
    *("L03", "L04", "L07", "L08", "L10", "L15", "L17", "L19", "L20"),
    *("M13", "M22", "V04"),
)
"""What cannot be told where nothing of the caller is kept."""

_JUMP_S: Final = 15.0
"""Agent's time after strong words that V04 looks at; [P: Gong Labs] V04."""
_LEAST_JUMP_WORDS: Final = 6
_LEAST_JUMP_S: Final = 2.0
"""Speech and words that a pace after strong words needs; [D]."""
_NEAR_DUPLICATE: Final = frozenset({names.ACKNOWLEDGEMENT, names.RECAP, names.CHECK_BACK})


_Put = Callable[[str, object | None, str], None]
"""Takes id and value of a metric, and why it is null where there is no value."""


@dataclass(frozen=True, slots=True)
class LanguageParts:
    """What goes into ``call.json``."""

    events: tuple[LanguageEventEntry, ...] = ()
    windows: tuple[AcknowledgementEntry, ...] = ()
    metrics: Mapping[str, object] = field(default_factory=dict)
    """By id, for ``Metrics``; what is missing is in ``why_null``."""
    why_null: Mapping[str, str] = field(default_factory=dict)
    summary: LanguageSummary | None = None


@dataclass(frozen=True, slots=True)
class _Heard:
    """All that was found in a call."""

    view: LanguageView
    sentences: Sequence[Sentence]
    agent: Sequence[Sentence]
    caller: Sequence[Sentence]
    found: Sequence[Found]
    level: StrongLevel
    terms: Sequence[Term]
    vocabulary: Vocabulary
    promises: Sequence[Promise]
    orders: Sequence[int]
    told: Sequence[Sentence]
    windows: Sequence[Window]
    repeated: Sequence[Repeated]

    def of(self, channel: Channel, *lists: str) -> list[Found]:
        return [f for f in self.found if f.channel is channel and f.list in lists]

    def agent_words(self) -> int:
        return len(self.view.words.get(Channel.AGENT, ()))


def language_parts(view: LanguageView) -> LanguageParts:
    """Measure what was said in a finished call.

    Returns
    -------
    LanguageParts
        Events in order of time, each with the id of its row; metrics of `LANGUAGE_METRICS` by id, and why the
        others are null. Nothing but words, times, turns and silences is looked at.
    """
    if not any(view.words.get(channel) for channel in Channel):
        return LanguageParts(why_null=dict.fromkeys(LANGUAGE_METRICS, NO_WORDS))
    heard = _hear(view)
    values, why = _metrics(heard)
    return LanguageParts(
        events=tuple(_events(heard)),
        windows=tuple(_window_entry(w, view.length) for w in heard.windows),
        metrics=values,
        why_null=why,
        summary=_summary(heard),
    )


def with_language(metrics: m.Metrics, parts: LanguageParts) -> m.Metrics:
    """Return the metrics of a call with those of language put in; what they leave out has its reason."""
    known = {key: value for key in m.METRIC_KEYS if (value := getattr(metrics, key)) is not None}
    reasons = {key: text for key, text in metrics.why_null.items() if key not in parts.metrics}
    why = {key: text for key, text in parts.why_null.items() if key not in known}
    return m.Metrics.model_validate({**known, **parts.metrics, "why_null": {**reasons, **why}})


NO_LANGUAGE: Final = LanguageParts(why_null=dict.fromkeys(LANGUAGE_METRICS, NO_WORDS))
"""The parts of a call without words of two parties."""


def _hear(view: LanguageView) -> _Heard:
    s = view.settings
    finder = Finder(view.lexicon, s)
    found: list[Found] = []
    sentences: list[Sentence] = []
    for chunk in chunks_of(view.words, s):
        found += finder.take(chunk)
        sentences += chunk.sentences(s)
    found.sort(key=lambda f: (f.start, f.end, f.list, f.row.id))
    sentences.sort(key=lambda x: (x.start, x.end, x.channel.value))
    found = _without_twins(found)
    agent = [x for x in sentences if x.channel is Channel.AGENT]
    caller = [x for x in sentences if x.channel is Channel.CALLER]
    level = strong_level(found, view)
    vocabulary = Vocabulary()
    vocabulary.take(found)
    promises = promises_of(agent, found)
    return _Heard(
        view=view,
        sentences=sentences,
        agent=agent,
        caller=caller,
        found=found,
        level=level,
        terms=terms_of(found, agent, vocabulary),
        vocabulary=vocabulary,
        promises=promises,
        orders=orders(agent),
        told=with_orders(agent),
        windows=windows(view, level, found, agent),
        repeated=repeated_questions(caller, s.same_question),
    )


def strong_level(found: Iterable[Found], view: LanguageView) -> StrongLevel:
    """Return the level of the caller's strong words (L03)."""
    level = StrongLevel(view.settings)
    for f in found:
        if f.channel is not Channel.CALLER or f.low:
            continue
        if f.list == names.STRONG:
            level.add(f.start, f.row.weight or 1.0, f.phrase)
        elif f.list == names.RELIEF:
            level.add(f.start, -(f.row.weight or view.settings.relief), f.phrase)
    return level


def _without_twins(found: Sequence[Found]) -> list[Found]:
    """Give one stretch of words one kind among check-back, recap and acknowledgement.

    "Have I missed anything" stands in two tables: as a question it checks back. The others are told apart by
    length, the longer one stays.
    """
    rank = {names.CHECK_BACK: 0, names.RECAP: 1, names.ACKNOWLEDGEMENT: 2}
    kept: list[Found] = []
    for f in found:
        if f.list not in _NEAR_DUPLICATE:
            kept.append(f)
            continue
        rivals = [
            o
            for o in found
            if o is not f
            and o.channel is f.channel
            and o.list in _NEAR_DUPLICATE
            and o.list != f.list
            and o.start < f.end
            and f.start < o.end
        ]
        if all((-len(f.words), rank[f.list]) < (-len(o.words), rank[o.list]) for o in rivals):
            kept.append(f)
    return kept


# -- events ------------------------------------------------------------------------------------------------

_PLAIN_KINDS: Final = {
    names.DISCOURAGED: "discouraged",
    names.ACKNOWLEDGEMENT: "acknowledgement",
    names.STRONG: "strong_words",
    names.CHECK_BACK: "check_back",
    names.RECAP: "recap",
    names.DEESCALATION: "deescalation",
    names.APOLOGY: "apology",
    names.THANKS: "thanks",
    names.ASKING_BACK: names.ASKING_BACK,
}


def _events(heard: _Heard) -> list[LanguageEventEntry]:
    clip = _Clip(heard.view.length)
    by_term = {id(t.found): t for t in heard.terms}
    entries: list[LanguageEventEntry] = []
    for f in heard.found:
        if f.list == names.JARGON:
            term = by_term.get(id(f))
            if term is not None:
                entries.append(_entry(f, "jargon", clip, suggestion=f.row.say, unexplained=term.unexplained))
        elif f.list == names.NARRATION:
            if is_notice(f):
                entries.append(_entry(f, "hold_notice", clip))
        elif f.list in _PLAIN_KINDS:
            severity = f.row.severity if f.list == names.DISCOURAGED else None
            if f.list == names.STRONG and f.row.weight is not None:
                severity = round(f.row.weight)
            suggestion = f.row.say if f.list == names.DISCOURAGED else None
            entries.append(_entry(f, _PLAIN_KINDS[f.list], clip, severity=severity, suggestion=suggestion))
    entries += _sentence_events(heard, clip)
    return sorted(entries, key=lambda e: (e.begin, e.end, e.kind, e.id))


def _sentence_events(heard: _Heard, clip: _Clip) -> Iterable[LanguageEventEntry]:
    for question in questions(heard.agent, heard.found):
        if question.kind == "open":
            yield _of_words(question.sentence.words, "open_question", "L11", Channel.AGENT, clip)
    for promise in heard.promises:
        advice = None if promise.kind == "complete" else "I'll (action) by (time)."
        yield _of_words(
            promise.sentence.words,
            "commitment",
            f"L14-{promise.kind}",
            Channel.AGENT,
            clip,
            suggestion=advice,
        )
    for repeated in heard.repeated:
        yield _of_words(repeated.sentence.words, names.ASKING_BACK, "L19-again", Channel.CALLER, clip)


def _entry(
    found: Found,
    kind: str,
    clip: _Clip,
    *,
    severity: int | None = None,
    suggestion: str | None = None,
    unexplained: bool | None = None,
) -> LanguageEventEntry:
    return LanguageEventEntry.model_validate(
        {
            "role": found.channel,
            "kind": kind,
            "id": found.row.id,
            "phrase": found.phrase,
            "begin": clip(found.start),
            "end": clip(found.end),
            "severity": severity,
            "suggestion": suggestion,
            "unexplained": unexplained,
        }
    )


def _of_words(
    words: Sequence[Word], kind: str, row: str, role: Channel, clip: _Clip, *, suggestion: str | None = None
) -> LanguageEventEntry:
    return LanguageEventEntry.model_validate(
        {
            "role": role,
            "kind": kind,
            "id": row,
            "phrase": " ".join(w.text for w in words).strip(" ,.;:?!\"'"),
            "begin": clip(words[0].span.start),
            "end": clip(words[-1].span.end),
            "suggestion": suggestion,
        }
    )


def _window_entry(window: Window, length: int) -> AcknowledgementEntry:
    clip = _Clip(length)
    return AcknowledgementEntry.model_validate(
        {
            "opened": clip(window.opened),
            "answered": None if window.answered is None else clip(window.answered),
            "result": window.result,
            "level": round(window.level, 2),
            "types": window.types,
            "reason": window.reason,
        }
    )


class _Clip:
    """Samples to whole milliseconds inside the recording."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __call__(self, samples: int) -> int:
        return to_ms(max(0, min(samples, self._length)))


# -- metrics -----------------------------------------------------------------------------------------------


def _metrics(heard: _Heard) -> tuple[dict[str, object], dict[str, str]]:
    values: dict[str, object] = {}
    why: dict[str, str] = {}

    def put(key: str, value: object | None, reason: str) -> None:
        if value is None:
            why[key] = reason
        else:
            values[key] = value

    if not heard.agent:
        for key in (
            "L01",
            "L02",
            "L05",
            "L06",
            "L07",
            "L10",
            "L11",
            "L12",
            "L13",
            "L14",
            "L16",
            "L17",
            "L18",
            "M18",
        ):
            why[key] = "the agent says nothing"
    else:
        _agent_metrics(heard, put)
    found_blocks = blocks(heard.view, heard.orders, heard.found)
    covered = sum(b.covered_at is not None for b in found_blocks)
    put(
        "L09",
        lm.CheckBackCoverage(pct=_pct(covered, len(found_blocks)), covered=covered, blocks=len(found_blocks))
        if found_blocks
        else None,
        "the agent explains nothing at length",
    )
    if heard.caller:
        _caller_metrics(heard, put)
    else:
        for key in ("L03", "L08", "L15", "L19", "L20"):
            why[key] = "the caller says nothing"
    _window_metrics(heard, put)
    rated = holds(heard.view, heard.found)
    put("M19", _holds(rated, heard.view.length) if rated else None, "there is no hold")
    announced, unannounced = silences_of_agent(heard.view, heard.found)
    n = len(announced) + len(unannounced)
    put(
        "M20",
        m.SilenceNarration(pct=_pct(len(announced), n), announced=len(announced), n=n) if n else None,
        f"no silence of {heard.view.settings.narrated_s:.0f} s on the agent's side",
    )
    return values, why


def _agent_metrics(heard: _Heard, put: _Put) -> None:
    view = heard.view
    words = heard.agent_words()
    bad = heard.of(Channel.AGENT, names.DISCOURAGED)
    helpful = len(heard.of(Channel.AGENT, names.ACKNOWLEDGEMENT, names.DEESCALATION, *_HELPFUL))
    by = {n: sum((f.row.severity or 1) == n for f in bad) for n in (1, 2, 3)}
    put(
        "L01",
        lm.DiscouragedPhrases(
            count=len(bad),
            per_100_words=_per(len(bad), words),
            severity_1=by[1],
            severity_2=by[2],
            severity_3=by[3],
        ),
        "",
    )
    both = helpful + len(bad)
    put(
        "L02",
        lm.PositivityBalance(pct=_pct(helpful, both), helpful=helpful, discouraged=len(bad))
        if both
        else None,
        "no phrase of the lists was said",
    )
    put("L05", _types(heard), "no acknowledgement was said")
    put(
        "L06",
        lm.ApologiesAndThanks(
            apologies=len(heard.of(Channel.AGENT, names.APOLOGY)),
            thanks=len(heard.of(Channel.AGENT, names.THANKS)),
        ),
        "",
    )
    unexplained = [t for t in heard.terms if t.unexplained]
    put(
        "L07",
        lm.Jargon(
            count=len(heard.terms),
            unexplained=len(unexplained),
            per_100_words=_per(len(unexplained), words),
            terms=tuple(dict.fromkeys(t.found.row.id for t in unexplained)),
        ),
        "",
    )
    played = playbacks(view, heard.found)
    first = heard.orders[0] if heard.orders else None
    put(
        "L10",
        lm.Paraphrase(
            count=len(played),
            by_opener=sum(p.by_opener for p in played),
            by_shared_words=sum(not p.by_opener for p in played),
            before_first_instruction=None if first is None else any(p.start < first for p in played),
        ),
        "",
    )
    asked = questions(heard.agent, heard.found)
    kinds = {kind: sum(q.kind == kind for q in asked) for kind in ("open", "closed", "check_back")}
    minutes = to_seconds(view.length) / 60
    put(
        "M18",
        m.Questions(**{"count": len(asked), **kinds, "per_10min": _r(10 * len(asked) / minutes)})
        if minutes
        else None,
        "the call is empty",
    )
    early = sum(
        q.kind == "open" and _phase_at(view, q.sentence.start) in ("story", "diagnose") for q in asked
    )
    put("L11", lm.OpenQuestions(count=kinds["open"], early=early), "")
    acting = heard.of(Channel.AGENT, names.ACTOR)
    mine = sum(f.row.kind == "first person" for f in acting)
    others = len(acting) - mine
    put(
        "L12",
        lm.FirstPersonOwnership(i_pct=_pct(mine, mine + others), i_forms=mine, others=others)
        if mine + others
        else None,
        "nobody is named as the one who acts",
    )
    named, vague = len(heard.of(Channel.AGENT, names.CONCRETE)), len(heard.of(Channel.AGENT, names.VAGUE))
    put(
        "L13",
        lm.Concreteness(pct=_pct(named, named + vague), named=named, vague=vague) if named + vague else None,
        "the agent names nothing",
    )
    vaguely = [p for p in heard.promises if p.kind == "vague"]
    put(
        "L14",
        lm.Commitments(
            complete=len(heard.promises) - len(vaguely),
            vague=len(vaguely),
            vague_at_close=sum(_phase_at(view, p.sentence.start) == "close" for p in vaguely),
        ),
        "",
    )
    fillers, hedges = len(heard.of(Channel.AGENT, names.FILLERS)), len(heard.of(Channel.AGENT, names.HEDGES))
    put(
        "L16",
        lm.FillersAndHedges(
            fillers=fillers,
            hedges=hedges,
            fillers_per_100_words=_per(fillers, words),
            hedges_per_100_words=_per(hedges, words),
        ),
        "",
    )
    name = view.caller_name or caller_name(heard.caller)
    put(
        "L17",
        None if name is None else lm.NameUse(count=name_uses(heard.agent, name)),
        "the caller's name is not known",
    )
    end = close_of(
        view,
        heard.agent,
        heard.of(Channel.AGENT, names.RECAP, names.CLOSE, names.NEXT_STEP, names.THANKS),
        heard.promises,
    )
    put(
        "L18",
        lm.CloseQuality(
            recap=end.recap,
            next_step_with_time=end.next_step,
            anything_else=end.anything_else,
            thanks=end.thanks,
            points=end.points,
        ),
        "",
    )


def _caller_metrics(heard: _Heard, put: _Put) -> None:
    view, level = heard.view, heard.level
    s = view.settings
    peak, where = level.peak()
    clip = _Clip(view.length)
    put(
        "L03",
        lm.StrongWords(
            count=sum(k.weight > 0 for k in level.marks),
            peak=_r(peak),
            peak_ms=None if where is None else clip(where),
            mild_s=level.time_over(s.mild, view.length),
            clear_s=level.time_over(s.clear, view.length),
            high_s=level.time_over(s.high, view.length),
            relief=sum(k.weight < 0 for k in level.marks),
        ),
        "",
    )
    ordered = sorted(heard.vocabulary.first, key=lambda row: (heard.vocabulary.first[row], row))
    put("L08", lm.CallerVocabulary(terms=tuple(ordered)), "")
    weighed = balance(heard.found, view.length)
    if weighed is not None:
        q = weighed.quarters
        put(
            "L15",
            lm.WordBalance(
                overall=_r(weighed.overall),
                by_quarter=(_rn(q[0]), _rn(q[1]), _rn(q[2]), _rn(q[3])),
                shift=_rn(weighed.shift),
            ),
            "",
        )
    else:
        put("L15", None, "the caller says no word of the lists")
    asked = heard.of(Channel.CALLER, names.ASKING_BACK)
    put(
        "L19",
        lm.AskedBack(
            count=len(asked) + len(heard.repeated), phrases=len(asked), repeated_questions=len(heard.repeated)
        ),
        "",
    )
    speech = sum(b - a for a, b in view.speech.get(Channel.CALLER, ()))
    turns = sum(t.channel is Channel.CALLER for t in view.turns)
    card = style(heard.caller, heard.found, speech, turns) if speech >= to_samples(s.style_speech_s) else None
    put(
        "L20",
        None
        if card is None
        else lm.StyleProfile(
            speech_s=card.speech_s,
            wpm=card.wpm,
            words_per_turn=card.words_per_turn,
            terms_per_100_words=card.terms_per_100_words,
            formal_pct=card.formal_pct,
            small_talk_pct=card.small_talk_pct,
        ),
        f"less than {s.style_speech_s:.0f} s of caller speech",
    )


def _window_metrics(heard: _Heard, put: _Put) -> None:
    listed = heard.windows
    results = {kind: sum(w.result == kind for w in listed) for kind in ("hit", "late", "miss")}
    none = "no strong words that call for an acknowledgement"
    put(
        "L04",
        lm.AcknowledgementWindows(
            windows=len(listed),
            hits=results["hit"],
            late=results["late"],
            misses=results["miss"],
            hit_pct=_pct(results["hit"], len(listed)),
        )
        if listed
        else None,
        none,
    )
    times = [
        to_seconds(max(0, w.answered - w.opened))
        for w in listed
        if w.answered is not None and w.result != "miss"
    ]
    put(
        "M22",
        m.TimeToAcknowledge(median_s=_r(float(np.median(times))), n=len(times)) if times else None,
        "no acknowledgement after strong words" if listed else none,
    )
    put("M13", _latency(heard), "the agent answers no turn with strong words")
    put("V04", _pace_jump(heard), "too little of the agent's speech after strong words")


def _latency(heard: _Heard) -> m.LatencySummary | None:
    """M12 after caller turns with a mild level of strong words."""
    offsets = [
        to_seconds(answer.offset) * 1000
        for turn, answer in pairwise(heard.view.turns)
        if turn.channel is Channel.CALLER
        and answer.channel is Channel.AGENT
        and answer.offset is not None
        and heard.level.at(turn.end) >= heard.view.settings.mild
    ]
    if not offsets:
        return None
    p10, median, p90 = np.percentile(offsets, [10, 50, 90])
    return m.LatencySummary(
        median_ms=float(round(median)), p10_ms=float(round(p10)), p90_ms=float(round(p90)), n=len(offsets)
    )


def _pace_jump(heard: _Heard) -> v.PaceJump | None:
    """V04: the agent's words a minute in the 15 s after strong words, minus the usual pace."""
    view = heard.view
    window = to_samples(_JUMP_S)
    usual = view.usual_wpm
    if usual is None:
        speech = sum(b - a for a, b in view.speech.get(Channel.AGENT, ()))
        if not speech:
            return None
        usual = 60 * heard.agent_words() / to_seconds(speech)
    changes: list[float] = []
    for mark in heard.level.marks:
        if mark.weight <= 0:
            continue
        words = view.words_in(Channel.AGENT, mark.at, mark.at + window)
        spoken = to_seconds(view.speech_before(Channel.AGENT, mark.at, mark.at + window))
        if len(words) >= _LEAST_JUMP_WORDS and spoken >= _LEAST_JUMP_S:
            changes.append(60 * len(words) / spoken - usual)
    if not changes:
        return None
    return v.PaceJump(mean_change_wpm=_r(sum(changes) / len(changes)), n=len(changes))


def _types(heard: _Heard) -> lm.AcknowledgementTypes | None:
    said = heard.of(Channel.AGENT, names.ACKNOWLEDGEMENT)
    if not said:
        return None
    counts: dict[str, int] = dict.fromkeys([*TYPES.values(), "uncredited"], 0)
    for f in said:
        counts[type_of(f)] += 1
    return lm.AcknowledgementTypes.model_validate(
        {**counts, "cognitive_attentive_pct": _pct(counts["cognitive"] + counts["attentive"], len(said))}
    )


def _holds(listed: Sequence[Hold], length: int) -> m.HoldEtiquette:
    clip = _Clip(length)
    return m.HoldEtiquette(
        holds=tuple(
            m.HoldRating(
                begin=clip(h.start),
                end=clip(h.end),
                notice=h.notice,
                reason=h.reason,
                estimate=h.estimate,
                resumed=h.resumed,
                points=h.points,
            )
            for h in listed
        ),
        mean_points=_r(sum(h.points for h in listed) / len(listed)),
    )


# -- summary -----------------------------------------------------------------------------------------------


def _summary(heard: _Heard) -> LanguageSummary:
    clip = _Clip(heard.view.length)
    steps = progress_of(heard.view, heard.found, heard.promises)

    def at(position: int | None) -> int | None:
        return None if position is None else clip(position)

    greeting = greeting_of(heard.view, heard.agent)
    return LanguageSummary(
        greeting=None if greeting is None else GreetingHeard(own_name=greeting[0], offer=greeting[1]),
        progress=StepsHeard(
            heard=at(steps.heard),
            acknowledged=at(steps.acknowledged),
            apologised=at(steps.apologised),
            resolved=at(steps.resolved),
            diagnosed=at(steps.diagnosed),
        ),
        rehearse=_rehearsal(rehearsal(heard.found), clip),
        ticket_note=_note(ticket_note(heard.view, heard.sentences, heard.told, heard.promises), clip),
    )


def _rehearsal(found: Rehearsal | None, clip: _Clip) -> RehearsalEntry | None:
    if found is None:
        return None
    f = found.found
    return RehearsalEntry(
        id=f.row.id,
        phrase=f.phrase,
        instead=f.row.say or "",
        begin=clip(f.start),
        end=clip(f.end),
        times=found.times,
    )


def _note(note: TicketNote | None, clip: _Clip) -> TicketDraft | None:
    if note is None:
        return None

    def line(sentence: Sentence) -> NoteLine:
        return NoteLine(
            role=sentence.channel, text=sentence.said, begin=clip(sentence.start), end=clip(sentence.end)
        )

    return TicketDraft(
        problem=tuple(map(line, note.problem)),
        caller_tried=tuple(map(line, note.caller_tried)),
        steps=tuple(map(line, note.steps)),
        next_step=None if note.next_step is None else line(note.next_step),
    )


_HELPFUL: Final = (names.RECAP, names.OWNERSHIP, names.NEXT_STEP, names.CLOSE, names.SAY_INSTEAD)


def _phase_at(view: LanguageView, position: int) -> str:
    inside = [t for t in view.turns if t.start <= position <= t.end and t.channel is Channel.AGENT]
    before = [t for t in view.turns if t.start <= position]
    chosen = inside[-1] if inside else before[-1] if before else None
    return "opening" if chosen is None else chosen.phase


def _pct(part: float, whole: float) -> float:
    return round(100 * part / whole, 2) if whole else 0.0


def _per(count: int, words: int) -> float:
    return round(100 * count / words, 2) if words else 0.0


def _r(value: float) -> float:
    return round(float(value), 3)


def _rn(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
