"""From the analysis to call.json."""

from __future__ import annotations

import json

import jsonschema
import pytest

from callcoach.clock import to_ms, to_samples
from callcoach.config import Settings
from callcoach.contract import CallDocument, Quality, VerdictInfo
from callcoach.contract.schemas import load_schema
from callcoach.core.activity import Ipu
from callcoach.core.document import CONVERSATION_METRICS, build_document
from callcoach.core.phases import PhaseTracker
from callcoach.core.phrases import phrases
from callcoach.core.transcript import Transcript
from callcoach.core.utterances import Party
from tests.support.documents import call_info, document_of
from tests.support.sounding import word
from tests.support.talking import talk

MID = "'we have reset your password and the'"
LONG = "'thank you I will try that now then'"


def mono(words: bool) -> CallDocument:
    party = Party(to_samples(0.5), 0)
    party.update(
        [
            Ipu(to_samples(1), to_samples(3), 0, closed=True),
            Ipu(to_samples(5), to_samples(6), 0, closed=True),
        ],
        False,
        to_samples(8),
    )
    party.finish()
    transcript = Transcript(enabled=words)
    if words:
        transcript.add(None, (word("hello", 1.0, 1.5), word("there", 2.0, 3.0), word("bye", 5.2, 5.8)))
    return build_document(
        info=call_info(to_samples(8), "mono"),
        verdict=VerdictInfo(status="ok"),
        quality=Quality(),
        settings=Settings(),
        length=to_samples(8),
        parties={None: party},
        transcript=transcript,
        conversation=None,
        coach=None,
        phases=PhaseTracker(phrases()),
    )


def test_a_mono_recording_invents_no_speakers() -> None:
    document = mono(words=True)
    assert document.turns == ()
    assert document.overlaps == ()
    assert document.opening_story is None
    assert {s.role for s in document.segments} == {None}
    assert [(s.begin, s.end) for s in document.segments] == [(1000, 3000), (5000, 6000)]
    assert [(e.role, e.text) for e in document.transcript] == [(None, "hello there"), (None, "bye")]


def test_a_mono_recording_says_why_turn_metrics_are_missing() -> None:
    document = mono(words=False)
    for key in CONVERSATION_METRICS:
        assert getattr(document.metrics, key) is None
        assert "record the two sides apart" in document.metrics.why_null[key]
    assert document.transcript == ()


def test_a_pause_barge_in_is_the_pause() -> None:
    (entry,) = document_of(talk(f"agent 0-5 {MID}, caller 5.4-9 {LONG}")).overlaps
    assert entry.overlap_class == "pause_barge_in"
    assert (entry.begin, entry.end) == (5000, 5400)
    assert entry.facts["overlap_ms"] == 0
    assert (entry.facts["incomer_begin"], entry.facts["incomer_end"]) == (5400, 9000)


def test_an_overlap_with_its_facts() -> None:
    (entry,) = document_of(talk(f"agent 0-5 {MID}, caller 4.2-9 {LONG}")).overlaps
    assert (entry.incomer, entry.begin, entry.end, entry.overlap_class) == (
        "caller",
        4200,
        5000,
        "floor_taking",
    )
    assert (entry.counted, entry.weight) == (True, 1.0)
    assert entry.facts["overlap_ms"] == 800
    assert entry.facts["holder_end"] == 5000
    assert entry.facts["clause_complete"] is False
    assert entry.facts["decided_by"] == "words"


def test_backchannels_without_overlap_are_told_but_not_listed() -> None:
    """What falls into a pause overlaps nothing; it counts as listening all the same."""
    found = talk("caller 0-6, agent 6.2-6.6, caller 7.0-13")
    document = document_of(found)
    assert document.overlaps == ()
    assert document.metrics.M17 is not None
    assert document.metrics.M17.count == 1


def test_nothing_lies_beyond_the_recording() -> None:
    """The last frame is filled up with zeros: its samples are no part of the call."""
    found = talk("agent 0-5, caller 4.2-9.99, agent 6-6.4", seconds=10)
    length = to_samples(9.5)
    document = document_of(found, length)
    assert document.call.duration_ms == 9500
    for entry in (
        *document.segments,
        *document.turns,
        *document.overlaps,
        *document.silences,
        *document.monologues,
    ):
        assert 0 <= entry.begin <= entry.end <= 9500
    assert max(s.end for s in document.segments) == 9500


def test_phases_before_in_and_after_the_story() -> None:
    found = talk("agent 0-3, caller 3.4-12, agent 12.4-16, caller 16.4-20")
    assert [t.phase for t in document_of(found).turns] == ["opening", "story", "diagnose", "diagnose"]


def test_without_a_story_everything_is_diagnosis() -> None:
    assert [t.phase for t in document_of(talk("agent 0-3, agent 7-9")).turns] == ["diagnose", "diagnose"]


def test_words_stand_with_their_turn_or_as_a_backchannel() -> None:
    found = talk(
        "agent 0-3 'how can I help?', caller 3.4-9 'my screen is black since today.', agent 6-6.4 'mm-hmm', "
        "agent 9.4-12 'I see that here.'"
    )
    entries = [(e.role, e.kind, e.text) for e in document_of(found).transcript]
    assert entries == [
        ("agent", "turn", "how can I help?"),
        ("caller", "turn", "my screen is black since today."),
        ("agent", "backchannel", "mm-hmm"),
        ("agent", "turn", "I see that here."),
    ]


def test_every_word_of_the_transcript_is_in_the_document_once() -> None:
    found = talk(
        f"agent 0-5 {MID}, caller 4.2-9 {LONG}, agent 6-7.2 'but I would like to', "
        f"caller 9.3-9.7 'no', agent 10-14 {LONG}"
    )
    heard = sorted((str(e.role), w.b, w.w) for e in document_of(found).transcript for w in e.words)
    said = sorted(
        (str(c), to_ms(w.span.start), w.text)
        for c in found.conversation.parties
        for w in found.transcript.all(c)
    )
    assert heard == said


def test_monologues_are_listed() -> None:
    (entry,) = document_of(talk("agent 0-46, caller 47-50")).monologues
    assert (entry.role, entry.begin, entry.end) == ("agent", 0, 46_000)


@pytest.mark.parametrize("document", [mono(words=True), mono(words=False), document_of(talk("", seconds=5))])
def test_a_document_fits_the_shipped_schema(document: CallDocument) -> None:
    jsonschema.validate(json.loads(document.to_json()), load_schema("call-1"))


def test_a_full_document_fits_the_shipped_schema() -> None:
    found = talk(
        f"agent 0-5 {MID}, caller 4.2-9 {LONG}, agent 6-6.4 'okay', agent 20-22 'so', caller 23-70 {LONG}"
    )
    jsonschema.validate(json.loads(document_of(found).to_json()), load_schema("call-1"))
