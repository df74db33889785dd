"""Export in the post-call shape of Contact Lens: only measured keys."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callcoach.contract import SilenceEntry
from callcoach.sinks.contact_lens import contact_lens, contact_lens_text, words_per_minute
from tests.support.call_documents import (
    AGENT,
    CALLER,
    call_info,
    document_from_truth,
    mono_document,
    small_document,
    truth_names,
)


def export(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(contact_lens_text(small_document(**changes)))
    return found


def test_shape_and_figures() -> None:
    found = export()
    assert list(found) == [
        *("Version", "Channel", "ContentMetadata", "JobStatus", "LanguageCode"),
        *("Participants", "ConversationCharacteristics", "Transcript"),
    ]
    assert (found["Channel"], found["ContentMetadata"], found["JobStatus"]) == (
        "VOICE",
        {"Output": "Raw"},
        "COMPLETED",
    )
    assert found["Participants"] == [
        {"ParticipantId": "CUSTOMER", "ParticipantRole": "CUSTOMER"},
        {"ParticipantId": "AGENT", "ParticipantRole": "AGENT"},
    ]
    facts = found["ConversationCharacteristics"]
    assert facts["TotalConversationDurationMillis"] == 40_000
    assert facts["Interruptions"] == {
        "InterruptionsByInterrupter": {
            "AGENT": [{"BeginOffsetMillis": 14_300, "DurationMillis": 700, "EndOffsetMillis": 15_000}]
        },
        "TotalCount": 1,
        "TotalTimeMillis": 700,
    }
    assert facts["NonTalkTime"] == {
        "TotalTimeMillis": 8000,
        "Instances": [{"BeginOffsetMillis": 24_000, "DurationMillis": 8000, "EndOffsetMillis": 32_000}],
    }
    assert facts["TalkTime"] == {
        "TotalTimeMillis": 30_700,
        "DetailsByParticipant": {
            "AGENT": {"TotalTimeMillis": 15_600},
            "CUSTOMER": {"TotalTimeMillis": 15_100},
        },
    }
    assert found["Transcript"][1] == {
        "BeginOffsetMillis": 3400,
        "Content": "My printer went dark and I need the forms for the big meeting at",
        "EndOffsetMillis": 15_000,
        "Id": "call-1-2",
        "ParticipantId": "CUSTOMER",
    }
    assert len(found["Transcript"]) == 6


def test_nothing_that_was_not_measured_is_written() -> None:
    text = contact_lens_text(small_document())
    for key in ("Sentiment", "Categories", "AccountId", "Issues", "Loudness", "Summary"):
        assert key not in text


def test_speaking_rates_are_words_per_minute_of_speech() -> None:
    document = small_document()
    # 29 words of the agent in 15.6 s of speech; no pause between segments is as short as 0.5 s.
    assert words_per_minute(document, AGENT) == pytest.approx(60 * 29 / 15.6)
    rates = export()["ConversationCharacteristics"]["TalkSpeed"]["DetailsByParticipant"]
    assert rates == {"AGENT": {"AverageWordsPerMinute": 112}, "CUSTOMER": {"AverageWordsPerMinute": 75}}
    assert words_per_minute(small_document(transcript=()), CALLER) is None
    assert "TalkSpeed" not in export(transcript=())["ConversationCharacteristics"]


def test_short_gaps_are_no_non_talk_time_but_short_holds_are() -> None:
    silences = (
        SilenceEntry(begin=1000, end=4000, kind="gap", owner=None),
        SilenceEntry(begin=5000, end=7000, kind="hold", owner=AGENT),
    )
    found = export(silences=silences)["ConversationCharacteristics"]["NonTalkTime"]
    assert [entry["BeginOffsetMillis"] for entry in found["Instances"]] == [5000]
    assert found["TotalTimeMillis"] == 2000


def test_a_mono_recording_names_no_participants() -> None:
    found: dict[str, Any] = contact_lens(mono_document())
    assert "Participants" not in found
    assert set(found["ConversationCharacteristics"]) == {"TotalConversationDurationMillis", "NonTalkTime"}
    assert "ParticipantId" not in found["Transcript"][0]


def test_an_unknown_language_is_left_out() -> None:
    assert "LanguageCode" not in export(call=call_info(language=None))


@pytest.mark.skipif(not truth_names(), reason="shared/data/synthetic_calls is not beside the checkout")
@pytest.mark.parametrize("name", truth_names())
def test_totals_of_whole_calls_equal_the_sums_of_their_parts(name: str) -> None:
    found: dict[str, Any] = contact_lens(document_from_truth(name))
    facts = found["ConversationCharacteristics"]
    listed = [e for entries in facts["Interruptions"]["InterruptionsByInterrupter"].values() for e in entries]
    assert facts["Interruptions"]["TotalCount"] == len(listed)
    assert facts["Interruptions"]["TotalTimeMillis"] == sum(e["DurationMillis"] for e in listed)
    assert all(e["EndOffsetMillis"] - e["BeginOffsetMillis"] == e["DurationMillis"] for e in listed)
    parts = facts["TalkTime"]["DetailsByParticipant"].values()
    assert facts["TalkTime"]["TotalTimeMillis"] == sum(part["TotalTimeMillis"] for part in parts)
    assert set(facts["TalkSpeed"]["DetailsByParticipant"]) == {"AGENT", "CUSTOMER"}
