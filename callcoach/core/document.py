"""From a finished analysis to the document of the call folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from callcoach.clock import to_ms
from callcoach.config import Settings
from callcoach.contract import (
    CallDocument,
    CallInfo,
    Metrics,
    MonologueEntry,
    OpeningStory,
    OverlapEntry,
    Quality,
    SegmentEntry,
    SilenceEntry,
    TranscriptEntry,
    TurnEntry,
    VerdictInfo,
    WordEntry,
)
from callcoach.contract.metrics import METRIC_KEYS
from callcoach.core.call_facts import CallFacts, Talk, facts_of
from callcoach.core.coach import Coach
from callcoach.core.conversation import Conversation
from callcoach.core.cue_entries import cue_entries, voice_entries
from callcoach.core.delivery_metrics import delivery_metrics, words_a_minute
from callcoach.core.language.from_facts import language_view
from callcoach.core.language.parts import (
    NEED_CALLER_WORDS,
    NO_LANGUAGE,
    language_parts,
    with_language,
)
from callcoach.core.metrics import NEED_CALLER, conversation_metrics
from callcoach.core.overlaps import Meeting
from callcoach.core.phases import PhaseTracker
from callcoach.core.qa_card import qa_card
from callcoach.core.scores import call_scores
from callcoach.core.story import Story
from callcoach.core.transcript import Transcript
from callcoach.core.utterances import Party
from callcoach.events import Channel, OverlapClass, Word

CONVERSATION_METRICS: Final = (
    "M01",
    "M02",
    "M03",
    "M04",
    "M05",
    "M06",
    "M07",
    "M08",
    "M09",
    "M10",
    "M11",
    "M12",
    "M14",
    "M15",
    "M16",
    "M17",
    "M21",
)
"""What two parties on a clock allow, without a word list."""
_MEASURED_VOICE: Final = (
    "V02",
    "V03",
    "V05",
    "V06",
    "V07",
    "V08",
    "V09",
    "V10",
    "V11",
    "V12",
    "V14",
    "V16",
)
"""What the curves of delivery tell, and nothing else."""
_OF_FLOOR: Final = ("M14", "V05")
"""Metrics that are null without the caller where the agent's side alone does not give them."""
_MONO: Final = "one channel holds both sides; record the two sides apart to measure it"


def build_document(
    *,
    info: CallInfo,
    verdict: VerdictInfo,
    quality: Quality,
    settings: Settings,
    length: int,
    parties: dict[Channel | None, Party],
    transcript: Transcript,
    conversation: Conversation | None,
    coach: Coach | None,
    phases: PhaseTracker,
) -> CallDocument:
    """Assemble ``call.json`` of an analysis that has finished; see `document_of_facts`.

    Parameters
    ----------
    parties : runs of speech by channel; the one key is None in a mono recording.
    conversation : None in a mono recording.
    coach : delivery and cues; None where there is no audio.
    phases : what the call was about when; unused in a mono recording.
    """
    facts = facts_of(parties, transcript, conversation, coach, phases)
    return document_of_facts(
        facts, info=info, verdict=verdict, quality=quality, settings=settings, length=length
    )


def document_of_facts(
    facts: CallFacts,
    *,
    info: CallInfo,
    verdict: VerdictInfo,
    quality: Quality,
    settings: Settings,
    length: int,
) -> CallDocument:
    """Assemble ``call.json``.

    Parameters
    ----------
    length : int
        Samples at 16 kHz; nothing in the document lies beyond it.
    """
    clip = _Clip(length)
    segments = sorted(
        (
            SegmentEntry(role=channel, begin=clip(i.start), end=clip(i.end))
            for channel, party in facts.parties.items()
            for i in party.ipus
        ),
        key=lambda s: (s.begin, s.end),
    )
    talk, transcript = facts.talk, facts.transcript
    told = [] if facts.told is None else facts.told
    if talk is None:
        (party,) = facts.parties.values()
        metrics = Metrics(why_null=dict.fromkeys((k for k in METRIC_KEYS if k[0] in "MV"), _MONO))
        return CallDocument(
            call=info,
            verdict=verdict,
            quality=quality,
            segments=tuple(segments),
            transcript=tuple(_plain_entries(None, party, transcript, clip)),
            voice_events=tuple(voice_entries(told, clip)),
            metrics=metrics,
            scores=call_scores(metrics),
        )
    overlaps, counted, weights = _overlaps(talk.meetings, clip)
    story = _story(talk.story, transcript, clip)
    metrics = conversation_metrics(
        talk, facts.parties, length, counted, weights, None if story is None else story.words
    )
    metrics = _with_delivery(metrics, facts, settings, length)
    usual = None if metrics.V03 is None else metrics.V03.usual_wpm
    view = language_view(facts, settings.language, length, usual_wpm=usual)
    said = NO_LANGUAGE if view is None else language_parts(view)
    metrics = with_language(metrics, said)
    if facts.no_caller:
        gone = (*NEED_CALLER, *NEED_CALLER_WORDS, *_null(metrics, _OF_FLOOR))
        metrics = _without(metrics, gone, facts.no_caller)
    document = CallDocument(
        call=info,
        verdict=verdict,
        quality=quality,
        segments=tuple(segments),
        turns=tuple(_turns(talk, facts.phases, clip)),
        transcript=tuple(_transcript(talk, facts.parties, transcript, clip)),
        overlaps=tuple(overlaps),
        silences=tuple(
            SilenceEntry(begin=clip(q.start), end=clip(q.end), kind=q.kind, owner=q.owner)
            for q in talk.quiets
        ),
        monologues=tuple(
            MonologueEntry(role=p.holder, begin=clip(p.start), end=clip(p.end))
            for p in talk.periods
            if to_ms(p.end - p.start) >= settings.silence.monologue_s * 1000
        ),
        voice_events=tuple(voice_entries(told, clip)),
        language_events=said.events,
        acknowledgement_windows=said.windows,
        language=said.summary,
        opening_story=story,
        cues=tuple(cue_entries(told, clip)),
        metrics=metrics,
        scores=call_scores(metrics),
    )
    return document.model_copy(update={"qa_card": qa_card(document)})


def _with_delivery(metrics: Metrics, facts: CallFacts, settings: Settings, length: int) -> Metrics:
    """Add the voice metrics, as far as delivery was measured."""
    if facts.told is None:
        return metrics
    if facts.voices is not None:
        values, why = delivery_metrics(facts.voices, facts.parties, facts.transcript, settings, length)
    else:
        wpm, reason = words_a_minute(facts.parties, facts.transcript, settings)
        values = {} if wpm is None else {"V01": wpm}
        why = dict.fromkeys(_MEASURED_VOICE, facts.no_voices) | ({"V01": reason} if wpm is None else {})
    return _joined(metrics, values, why)


def _null(metrics: Metrics, keys: Collection[str]) -> list[str]:
    return [key for key in keys if getattr(metrics, key) is None]


def _without(metrics: Metrics, keys: Collection[str], reason: str) -> Metrics:
    """Take metrics away, with the reason."""
    known = {key: value for key in METRIC_KEYS if (value := getattr(metrics, key)) is not None}
    kept = {key: value for key, value in known.items() if key not in keys}
    return Metrics.model_validate({**kept, "why_null": {**metrics.why_null, **dict.fromkeys(keys, reason)}})


def _joined(metrics: Metrics, values: Mapping[str, object], why: Mapping[str, str]) -> Metrics:
    """Add metrics, and reasons of those that are null."""
    known = {key: value for key in METRIC_KEYS if (value := getattr(metrics, key)) is not None}
    reasons = {key: text for key, text in metrics.why_null.items() if key not in values}
    return Metrics.model_validate({**known, **values, "why_null": {**reasons, **why}})


class _Clip:
    """Samples to whole milliseconds inside the recording."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __call__(self, samples: int) -> int:
        return to_ms(max(0, min(samples, self._length)))


def _turns(talk: Talk, phases: PhaseTracker, clip: _Clip) -> list[TurnEntry]:
    return [
        TurnEntry.model_validate(
            {
                "role": period.holder,
                "begin": clip(period.start),
                "end": clip(period.end),
                "phase": phases.phase_of(period.start, period.end),
            }
        )
        for period in talk.periods
    ]


def _overlaps(
    meetings: Sequence[Meeting], clip: _Clip
) -> tuple[list[OverlapEntry], dict[Channel, tuple[int, ...]], dict[Channel, float]]:
    told = [m.event for m in meetings if m.event is not None]
    listed = [e for e in told if e.overlap > 0 or e.kind is OverlapClass.PAUSE_BARGE_IN]
    entries: list[OverlapEntry] = []
    counted: dict[Channel, list[int]] = {c: [] for c in Channel}
    weights = dict.fromkeys(Channel, 0.0)
    for event in sorted(listed, key=lambda e: (e.span.start, e.number)):
        if event.kind.counted:
            counted[event.incomer].append(len(entries))
            weights[event.incomer] += event.kind.weight
        entries.append(
            OverlapEntry.model_validate(
                {
                    "incomer": event.incomer,
                    "begin": clip(event.span.start),
                    "end": clip(event.span.end),
                    "class": event.kind.value,
                    "counted": event.kind.counted,
                    "weight": event.kind.weight,
                    "confidence": event.confidence,
                    "facts": {
                        "overlap_ms": to_ms(event.overlap),
                        "incomer_begin": clip(event.utterance.start),
                        "incomer_end": clip(event.utterance.end),
                        "holder_end": None if event.holder_end is None else clip(event.holder_end),
                        "clause_complete": event.clause_complete,
                        "decided_by": event.stage,
                        "known_at": to_ms(event.known_at),
                    },
                }
            )
        )
    return entries, {c: tuple(v) for c, v in counted.items()}, weights


def _story(story: Story | None, transcript: Transcript, clip: _Clip) -> OpeningStory | None:
    if story is None:
        return None
    words = len(transcript.within(Channel.CALLER, story.start, story.end)) if transcript.enabled else None
    return OpeningStory(
        begin=clip(story.start),
        end=clip(story.end),
        completed=story.completed,
        cut_at=None if story.cut_at is None else clip(story.cut_at),
        words=words,
        backchannels=story.backchannels,
    )


def _transcript(
    talk: Talk, parties: Mapping[Channel | None, Party], transcript: Transcript, clip: _Clip
) -> list[TranscriptEntry]:
    """Words by turn; what was said without the floor stands as an entry of its own."""
    entries: list[TranscriptEntry] = []
    backchannels = {id(m.utterance) for m in talk.meetings if m.decided is OverlapClass.BACKCHANNEL}
    for channel in Channel:
        words = transcript.all(channel)
        turns = [p for p in talk.periods if p.holder is channel]
        bounds = [(p.start, p.end) for p in turns]
        groups: dict[tuple[int, int, str], list[Word]] = {}
        utterances = parties[channel].utterances
        at = 0
        for word in words:
            middle = (word.span.start + word.span.end) // 2
            while at < len(bounds) - 1 and bounds[at + 1][0] <= middle:
                at += 1
            key: tuple[int, int, str] | None = None
            if bounds and bounds[at][0] <= middle <= bounds[at][1]:
                key = (*bounds[at], "turn")
            else:
                nearest = min(utterances, key=lambda u: _distance(u.start, u.end, middle), default=None)
                if nearest is not None:
                    inside = next((b for b in bounds if b[0] <= nearest.start < b[1]), None)
                    kind = "backchannel" if id(nearest) in backchannels else "turn"
                    key = (*inside, "turn") if inside else (nearest.start, nearest.end, kind)
            groups.setdefault(key or (word.span.start, word.span.end, "turn"), []).append(word)
        entries += [_entry(channel, *key, group, clip) for key, group in groups.items()]
    return sorted(entries, key=lambda e: (e.begin, e.end))


def _plain_entries(
    channel: Channel | None, party: Party, transcript: Transcript, clip: _Clip
) -> list[TranscriptEntry]:
    entries: list[TranscriptEntry] = []
    for utterance in party.utterances:
        words = transcript.within(channel, utterance.start, utterance.end)
        if words:
            entries.append(_entry(channel, utterance.start, utterance.end, "turn", words, clip))
    return entries


def _entry(
    channel: Channel | None, start: int, end: int, kind: str, words: Sequence[Word], clip: _Clip
) -> TranscriptEntry:
    return TranscriptEntry.model_validate(
        {
            "role": channel,
            "begin": clip(start),
            "end": clip(max(end, start)),
            "text": " ".join(w.text for w in words),
            "kind": kind,
            "words": tuple(
                WordEntry(w=w.text, b=clip(w.span.start), e=clip(w.span.end), p=round(w.probability, 3))
                for w in words
            ),
        }
    )


def _distance(start: int, end: int, position: int) -> int:
    return max(start - position, position - end, 0)
