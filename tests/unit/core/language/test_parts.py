"""Every language metric on a small dialogue, and events that explain themselves."""

from __future__ import annotations

import pytest

from callcoach.contract import METRIC_KEYS, Metrics
from callcoach.core.language.parts import LANGUAGE_METRICS, NO_WORDS, language_parts
from callcoach.events import Channel
from tests.support.saying import events, said, value, view_of

AGENT, CALLER = Channel.AGENT, Channel.CALLER


def test_every_metric_has_a_value_or_a_reason() -> None:
    for script in ("agent 0-2 'Hello.'", "caller 0-2 'Hello.'", "caller 0-2 'Hi.', agent 3-5 'Hello.'"):
        parts = said(script)
        assert set(parts.metrics) | set(parts.why_null) == set(LANGUAGE_METRICS)
        assert not set(parts.metrics) & set(parts.why_null)
        Metrics.model_validate({**parts.metrics, "why_null": dict(parts.why_null)})
    assert set(LANGUAGE_METRICS) <= set(METRIC_KEYS)


def test_no_words_no_values() -> None:
    parts = language_parts(view_of("agent 0-2, caller 3-4"))
    assert parts.events == ()
    assert set(parts.why_null.values()) == {NO_WORDS}


def test_discouraged_phrases_explain_themselves() -> None:
    parts = said("caller 0-2 'Hello.', agent 3-8 'There is nothing I can do about that.'")
    (event,) = [e for e in parts.events if e.kind == "discouraged"]
    assert (event.id, event.role, event.severity) == ("N02", AGENT, 3)
    assert event.suggestion is not None
    assert "Here is what I can do" in event.suggestion
    assert 3000 <= event.begin < event.end <= 8000
    found = value(parts, "L01")
    assert (found.count, found.severity_3) == (1, 1)
    assert value(parts, "L02").pct == 0.0


def test_the_caller_is_never_judged_by_the_lists_of_the_agent() -> None:
    parts = said("caller 0-4 'There is nothing I can do. You need to calm down.', agent 5-6 'I hear you.'")
    assert events(parts, "discouraged") == []


def test_reported_speech_does_not_count() -> None:
    parts = said("caller 0-2 'Hello.', agent 3-7 'He told me calm down.'")
    assert events(parts, "discouraged") == []


def test_apologies_and_thanks() -> None:
    parts = said(
        "agent 0-9 'Sorry for the wait. I apologise. Sorry, what was that? Thank you for waiting. Right.'"
    )
    found = value(parts, "L06")
    assert (found.apologies, found.thanks) == (2, 1)
    assert [row for row, _ in events(parts, "apology")] == ["P01", "P02"]


def test_terms_of_the_caller_suppress_and_explanations_help() -> None:
    parts = said(
        "caller 0-3 'My VPN is down.', agent 4-8 'The VPN needs new credentials.', caller 9-10 'Okay.', "
        "agent 11-16 'It is the DNS, that is the address book of the internet.'"
    )
    jargon = {e.phrase: e.unexplained for e in parts.events if e.kind == "jargon"}
    assert jargon == {"VPN": False, "credentials": True, "DNS": False}
    found = value(parts, "L07")
    assert (found.count, found.unexplained) == (3, 1)
    assert value(parts, "L08").terms == ("J29",)


def test_a_term_that_the_caller_takes_up_later_was_not_theirs() -> None:
    parts = said("caller 0-1 'Hi.', agent 2-5 'Check the firewall.', caller 6-9 'The firewall is what?'")
    assert [e.unexplained for e in parts.events if e.kind == "jargon"] == [True]


LONG = "Open the door. Press the button. Select the tray. Close the lid."


def test_check_backs_cover_explanations() -> None:
    covered = said(f"caller 0-2 'Hi.', agent 3-12 '{LONG} Tell me when you are there.'")
    assert value(covered, "L09").pct == 100.0
    assert events(covered, "check_back") == [("K06", "Tell me when you are there")]
    late = "caller 13-15 'Done.', agent 40-43 'How does that sound to you?'"
    bare = said(f"caller 0-2 'Hi.', agent 3-12 '{LONG}', {late}")
    assert (value(bare, "L09").covered, value(bare, "L09").blocks) == (0, 1)
    assert "explains nothing" in said("agent 0-3 'Hello.'").why_null["L09"]


def test_questions_by_kind() -> None:
    parts = said(
        "caller 0-3 'It is slow.', agent 4-8 'What have you noticed? Is it on?', caller 9-10 'Yes.', "
        "agent 11-15 'Did I get that right?'"
    )
    found = value(parts, "M18")
    assert (found.count, found.open, found.closed, found.check_back) == (3, 1, 1, 1)
    assert value(parts, "L11").early == 1


def test_a_recap_plays_the_story_back() -> None:
    story = "caller 0-6 'The printer made a noise and an orange light came on.'"
    opener = said(
        story + ", agent 7-11 'So if I have got this right, it is loud.', agent 12-14 'Open the door.'"
    )
    assert (value(opener, "L10").by_opener, value(opener, "L10").before_first_instruction) == (1, True)
    shared = said(story + ", agent 7-12 'The printer made a noise and the orange light is on.'")
    assert value(shared, "L10").by_shared_words == 1
    neither = said(story + ", agent 7-9 'Open the settings please.'")
    assert (value(neither, "L10").count, value(neither, "L10").before_first_instruction) == (0, False)


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("I'll call you by four.", "complete"),
        ("I will call you tomorrow with the result.", "complete"),
        ("We'll send someone within two hours.", "complete"),
        ("Someone will get back to you.", "vague"),
        ("Someone will call you back by four.", "vague"),
        ("I'll let you know.", "vague"),
        ("I'll call you back as soon as possible.", "vague"),
        ("I'll put you through.", None),
        ("I'll take it step by step.", None),
        ("Will I call you by four?", None),
    ],
)
def test_promises(sentence: str, kind: str | None) -> None:
    parts = said(f"caller 0-2 'Hi.', agent 3-6 \"{sentence}\"", phases={1: "close"})
    found = value(parts, "L14")
    expected = {"complete": (1, 0, 0), "vague": (0, 1, 1), None: (0, 0, 0)}[kind]
    assert (found.complete, found.vague, found.vague_at_close) == expected


def test_ownership_and_concreteness() -> None:
    parts = said(
        "caller 0-1 'Hi.', agent 2-9 \"I'll open the invoice folder. We will see it. They fix that thing.\""
    )
    owned = value(parts, "L12")
    assert (owned.i_forms, owned.others) == (1, 2)
    concrete = value(parts, "L13")
    assert (concrete.named, concrete.vague) == (2, 3)


def test_the_name_of_the_caller_is_counted_and_not_stored() -> None:
    script = "caller 0-3 'Hello, my name is Marta.', agent 4-8 'Hello Marta. Good, Marta.'"
    parts = said(script)
    assert value(parts, "L17").count == 2
    assert "marta" not in str(parts.metrics).lower()
    assert value(said("agent 0-3 'Hello Ann.'", caller_name="Ann"), "L17").count == 1
    assert "not known" in said("agent 0-3 'Hello.'").why_null["L17"]


def test_the_close() -> None:
    last = (
        "So today we cleared the old password. I'll call you by nine tomorrow. What else can I help with? "
        "Thank you for testing it."
    )
    good = value(said(f"caller 0-80 'Long talk.', agent 82-98 \"{last}\""), "L18")
    assert (good.points, good.recap, good.next_step_with_time) == (4, True, True)
    poor = value(said("caller 0-80 'Long talk.', agent 90-92 'Bye.'"), "L18")
    assert poor.points == 0


def test_asking_back() -> None:
    parts = said(
        "agent 0-2 'Flush it.', caller 3-5 'What do you mean?', caller 6-9 'Where is the blue folder now?', "
        "agent 10-11 'There.', caller 12-15 'But where is the blue folder?'"
    )
    found = value(parts, "L19")
    assert found.repeated_questions == 1
    assert found.phrases >= 1


def test_a_hold_is_rated() -> None:
    script = (
        "caller 0-3 'It is slow.', "
        "agent 4-9 'May I put you on hold for about two minutes to check the log?', "
        "agent 60-64 'Thank you for waiting, I am back.'"
    )
    found = value(said(script, silences=[(9, 60, "hold", AGENT)]), "M19")
    (rating,) = found.holds
    assert (rating.notice, rating.reason, rating.estimate, rating.resumed, rating.points) == (
        *(True, True, True, True),
        4,
    )
    bare = value(said("agent 0-2 'Right then.', agent 60-62 'So.'", silences=[(2, 60, "hold", AGENT)]), "M19")
    assert bare.mean_points == 0


def test_silences_of_the_agent() -> None:
    found = value(
        said(
            "agent 0-2 'Let me see.', agent 12-14 'Give me about ten seconds.', agent 24-26 'So.'",
            silences=[
                *((2, 12, "narrated", AGENT), (14, 24, "narrated", AGENT), (30, 40, "narrated", CALLER)),
                (41, 44, "gap", AGENT),
            ],
        ),
        "M20",
    )
    assert (found.n, found.announced, found.pct) == (2, 1, 50.0)


def test_the_style_card_needs_a_minute() -> None:
    talk = "please could you look at the printer for me I would like to print my letters today if you can"
    parts = said(f"caller 0-61 '{talk}', agent 62-63 'Yes.'")
    card = value(parts, "L20")
    assert card.speech_s == 61.0
    assert card.wpm == pytest.approx(60 * len(talk.split()) / 61, abs=0.1)
    assert card.formal_pct == 100.0
    assert "less than 60 s" in said("caller 0-50 'Hi there.'").why_null["L20"]


def test_word_balance_moves_with_the_words() -> None:
    parts = said(
        "caller 0-10 'This is terrible and awful.', agent 30-31 'Yes.', "
        "caller 90-99 'That is great, thank you, perfect.'"
    )
    found = value(parts, "L15")
    assert found.by_quarter[0] < 0 < found.by_quarter[3]
    assert found.shift == pytest.approx(found.by_quarter[3] - found.by_quarter[0])


def test_the_summary() -> None:
    parts = said(
        "agent 0-4 'Service desk, this is Hannah speaking. How can I help?', "
        "caller 5-14 'My mail does not open. I tried a restart twice.', "
        "agent 15-22 'Calm down. It happened because the password ran out. Open the mail program.', "
        'agent 23-28 "Sorry about that. I\'ll call you by four."',
        story=(5 * 16000, 14 * 16000),
        story_completed=True,
    )
    summary = parts.summary
    assert summary is not None
    assert summary.greeting is not None
    assert (summary.greeting.own_name, summary.greeting.offer) == (True, True)
    assert summary.progress.heard == 14_000
    assert summary.progress.diagnosed is not None
    assert summary.progress.apologised is not None
    assert summary.rehearse is not None
    assert (summary.rehearse.id, summary.rehearse.times) == ("N01", 1)
    note = summary.ticket_note
    assert note is not None
    assert note.draft is True
    assert [x.text for x in note.problem] == ["My mail does not open."]
    assert [x.text for x in note.caller_tried] == ["I tried a restart twice."]
    assert note.next_step is not None
    assert note.next_step.text == "I'll call you by four."


def test_pace_after_strong_words() -> None:
    parts = said(
        "agent 0-20 'one two three four five six seven eight nine ten', caller 21-24 'This is ridiculous.', "
        "agent 25-31 'one two three four five six seven eight nine ten eleven twelve thirteen'"
    )
    assert value(parts, "V04").mean_change_wpm > 50
