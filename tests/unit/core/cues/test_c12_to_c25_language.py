"""C12 to C15, C19, C22, C23, C25: what opens and closes them, on small dialogues."""

from __future__ import annotations

import pytest

from callcoach.core.cues.c12_strong_words import StrongWords
from callcoach.core.cues.c13_plain_words import PlainWords
from callcoach.core.cues.c14_check_back import CheckBack
from callcoach.core.cues.c15_say_positively import SayPositively
from callcoach.core.cues.c19_recap_first import RecapFirst
from callcoach.core.cues.c22_thank_not_sorry import ThankNotSorry
from callcoach.core.cues.c23_name_next_step import NameNextStep
from callcoach.core.cues.c25_words_settled import WordsSettled
from callcoach.core.cues.catalogue import catalogue
from tests.support.coaching import Coached, coached

STRONG = "caller 0-6 'This is ridiculous, nobody called me back.'"


def worded(cue: Coached) -> str:
    """The whole sentence of the one cue, so that every figure of its wording is there."""
    event = cue.only
    entry = catalogue()[event.cue]
    said = entry.worded(event.facts, str(event.facts.get("case", "")))
    return said.line


def test_c12_is_a_ring_with_the_words() -> None:
    cue = coached(STRONG + ", agent 7-9 'Right.', caller 80-81 'So.'", [StrongWords])
    assert cue.only.form == "ring"
    assert cue.only.facts["count"] == 2
    assert "ridiculous" in worded(cue)
    assert cue.reasons == ["the words have faded"]


@pytest.mark.parametrize(
    "script",
    [
        "caller 0-6 'It is still not working.', agent 7-9 'Right.'",
        "caller 0-6 'This is terrible.', agent 7-9 'Right.'",
        "agent 0-6 'This is ridiculous, nobody called me back.', caller 7-9 'Right.'",
    ],
)
def test_c12_below_clear_or_by_the_agent(script: str) -> None:
    assert coached(script, [StrongWords]).opened == []


def test_c13_two_terms_within_half_a_minute() -> None:
    cue = coached(
        "caller 0-3 'It is slow.', agent 4-9 'The firewall and the DNS are down.', caller 12-14 'Okay.'",
        [PlainWords],
        seconds=60,
    )
    assert cue.only.facts["count"] == 2
    assert cue.only.facts["short"]
    assert "Say:" in worded(cue)
    assert cue.reasons == ["no further term"]


@pytest.mark.parametrize(
    "script",
    [
        "caller 0-3 'My DNS and my firewall fail.', agent 4-9 'The firewall and the DNS are down.'",
        "caller 0-3 'It is slow.', agent 4-9 'The firewall is down.', caller 12-14 'Okay.'",
        "caller 0-3 'It is slow.', agent 4-9 'The firewall is down.', agent 50-55 'The DNS is down.'",
    ],
)
def test_c13_the_callers_own_terms_or_too_few(script: str) -> None:
    assert coached(script, [PlainWords], seconds=70).opened == []


def test_c13_one_term_that_the_caller_asks_back_about() -> None:
    script = "caller 0-3 'It is slow.', agent 4-8 'Check the firewall.', caller 9-11 'What do you mean?'"
    cue = coached(script, [PlainWords], seconds=30)
    assert cue.only.facts["asked_back"] is True
    assert cue.only.facts["term"] == "firewall"


ORDERS = "Open the door. Press the button. Select the tray. Close the lid."


def test_c14_after_an_explanation_without_a_check() -> None:
    cue = coached(f"caller 0-3 'Hi.', agent 4-12 '{ORDERS}', caller 40-43 'Done.'", [CheckBack])
    assert cue.times[0][1] == pytest.approx(22.0, abs=0.2)
    assert "8 s explained" in worded(cue).replace("\u2009", " ")
    assert cue.reasons == ["the caller has the floor"]


@pytest.mark.parametrize(
    "script",
    [
        f"caller 0-3 'Hi.', agent 4-13 '{ORDERS} Tell me when you are there.', caller 40-43 'Done.'",
        f"caller 0-3 'Hi.', agent 4-12 '{ORDERS}', caller 14-17 'Done with it now.'",
        "caller 0-3 'Hi.', agent 4-12 'Open the door.', caller 40-43 'Done.'",
        "caller 0-3 'Hi.', agent 4-8 'Good.', caller 9-12 'Yes.'",
    ],
)
def test_c14_checked_answered_or_short(script: str) -> None:
    assert coached(script, [CheckBack]).opened == []


def test_c15_names_the_alternative() -> None:
    cue = coached(
        "caller 0-3 'Hi.', agent 4-8 'There is nothing I can do.', caller 12-14 'Oh.'",
        [SayPositively],
        seconds=30,
    )
    assert cue.only.facts["row"] == "N02"
    assert cue.only.facts["count"] == 1
    assert "Try:" in worded(cue)
    assert len(catalogue()["C15"].worded(cue.only.facts).text.split()) <= 5
    assert cue.reasons == ["some time has passed"]


@pytest.mark.parametrize("phrase", ["You need to open it.", "I see, let me look.", "He told me calm down."])
def test_c15_lesser_phrases_and_reported_ones(phrase: str) -> None:
    assert coached(f"caller 0-3 'Hi.', agent 4-8 '{phrase}'", [SayPositively]).opened == []


def test_c19_the_first_instruction_before_a_recap() -> None:
    story = "caller 0-6 'The printer made a noise and an orange light came on.'"
    cue = coached(f"{story}, agent 7-9 'Open the settings.', caller 10-12 'Done.'", [RecapFirst])
    assert "recaps before the first step" in worded(cue)
    later = f"{story}, agent 7-9 'Open the settings.', agent 12-15 'So what is happening is this.'"
    assert coached(later, [RecapFirst]).reasons == ["played back"]
    for played in (
        "So if I have got this right, it is loud.",
        "The printer made a noise and an orange light came on.",
    ):
        script = f"{story}, agent 7-11 '{played}', agent 13-15 'Open the settings.'"
        assert coached(script, [RecapFirst]).opened == []


def test_c22_the_fourth_apology() -> None:
    said = ", ".join(f"agent {t}-{t + 2} 'Sorry for that.'" for t in (4, 8, 12, 16))
    cue = coached(f"caller 0-3 'Hi.', {said}, agent 22-24 'Thank you for waiting.'", [ThankNotSorry])
    assert cue.only.facts["apologies"] == 4
    assert worded(cue)
    assert cue.reasons == ["thanked"]
    three = ", ".join(f"agent {t}-{t + 2} 'Sorry for that.'" for t in (4, 8, 12))
    assert coached(f"caller 0-3 'Hi.', {three}", [ThankNotSorry]).opened == []


CLOSING = "caller 0-6 'It is slow.', agent 7-9 'Right then.', caller 10-14 'It works now.', "


def test_c23_a_close_without_a_next_step() -> None:
    cue = coached(
        CLOSING + "agent 15-17 'Is there anything else?', caller 18-20 'No.', agent 26-27 'Fine.'",
        [NameNextStep],
    )
    assert cue.only.facts["commitments"] == 0
    assert worded(cue)


@pytest.mark.parametrize(
    "promise",
    ["I will call you by four.", "If it comes back, restart it.", "You will get an email from us tomorrow."],
)
def test_c23_a_next_step_is_enough(promise: str) -> None:
    script = CLOSING + f"agent 15-19 '{promise}', agent 20-22 'Is there anything else?', caller 30-31 'No.'"
    assert coached(script, [NameNextStep]).opened == []


def test_c25_two_minutes_after_the_last_strong_words() -> None:
    cue = coached(
        STRONG + ", agent 7-9 'Right.', caller 20-22 'The blue one.', agent 140-141 'Yes.'", [WordsSettled]
    )
    assert cue.only.form == "ring"
    assert cue.times[0][1] == pytest.approx(123, abs=4)
    assert "2 min" in worded(cue).replace("\u2009", " ")


@pytest.mark.parametrize(
    "script",
    [
        "caller 0-6 'This is terrible.', agent 7-9 'Right.', agent 140-141 'Yes.'",  # never clear
        STRONG + ", agent 7-9 'Right.', caller 60-63 'Unacceptable.', agent 140-141 'Yes.'",
    ],
)
def test_c25_never_clear_or_not_yet_gone(script: str) -> None:
    assert coached(script, [WordsSettled]).opened == []
