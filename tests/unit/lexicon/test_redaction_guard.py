from __future__ import annotations

import pytest

from callcoach.clock import Samples
from callcoach.config_redaction import RedactionSettings
from callcoach.events import Channel, event_to_json
from callcoach.lexicon.redaction_guard import Reason, SecretGuard
from tests.support.spoken import spoken

SETTINGS = RedactionSettings()


def reasons(text: str) -> list[Reason]:
    return [w.reason for w in SecretGuard(SETTINGS).hear(Channel.CALLER, spoken(text))]


@pytest.mark.parametrize(
    ("said", "reason", "pauses"),
    [
        ("so my password is", Reason.PASSWORD, False),
        ("my PIN is", Reason.PASSWORD, False),
        ("what's your password", Reason.PASSWORD, False),
        ("let me read you my card number.", Reason.CARD, True),
        ("and the security code is", Reason.CODE, True),
        ("four two double seven oh nine", Reason.DIGITS, False),
        ("4111 um 1111", Reason.DIGITS, False),
    ],
)
def test_warns(said: str, reason: Reason, pauses: bool) -> None:
    (warning, *_) = SecretGuard(SETTINGS).hear(Channel.CALLER, spoken(said))
    assert (warning.reason, warning.pauses) == (reason, pauses)
    assert warning.text.endswith(".")


@pytest.mark.parametrize(
    "said",
    [
        "I forgot my password",
        "my card does not work",
        "it is four two seven nine",
        "four two <6> seven nine one one",
        "the code of the door",
        "there's a label with a number on the front",
        "read me the numbers on the back of the router",
        "the expiry date of the licence",
    ],
)
def test_is_silent(said: str) -> None:
    assert reasons(said) == []


def test_a_run_across_windows_is_counted_and_told_once() -> None:
    guard = SecretGuard(SETTINGS)
    words = spoken("four one one one <1> two two three three four four")
    assert guard.hear(Channel.CALLER, words[:4]) == []
    (warning,) = guard.hear(Channel.CALLER, words[4:])
    assert warning.digits == 6
    assert warning.span.start == words[0].span.start
    assert warning.span.end == words[5].span.end


def test_the_other_party_does_not_add_digits() -> None:
    guard = SecretGuard(SETTINGS)
    assert guard.hear(Channel.CALLER, spoken("four one one one")) == []
    assert guard.hear(Channel.AGENT, spoken("four one one")) == []


def test_it_warns_again_only_after_a_while() -> None:
    guard = SecretGuard(SETTINGS)
    again = SETTINGS.warn_again_s
    assert len(guard.hear(Channel.CALLER, spoken("my card number is"))) == 1
    assert guard.hear(Channel.CALLER, spoken("my card number is", again / 2)) == []
    assert len(guard.hear(Channel.CALLER, spoken("my card number is", again + 3))) == 1


def test_interim_words_warn_first_and_final_ones_do_not_repeat_it() -> None:
    guard = SecretGuard(SETTINGS)
    words = spoken("okay so my card number is four")
    guard.hear(Channel.CALLER, words[:2])
    assert [w.reason for w in guard.glimpse(Channel.CALLER, words[2:6])] == [Reason.CARD]
    assert guard.glimpse(Channel.CALLER, words[2:7]) == []
    assert guard.hear(Channel.CALLER, words[2:]) == []


def test_interim_words_are_not_kept() -> None:
    guard = SecretGuard(SETTINGS)
    words = spoken("four one one two two two")
    for seen in range(1, 6):
        assert guard.glimpse(Channel.CALLER, words[:seen]) == []
    assert len(guard.glimpse(Channel.CALLER, words)) == 1


def test_the_notice_holds_no_words() -> None:
    (warning,) = SecretGuard(SETTINGS).hear(Channel.CALLER, spoken("it is 411122 3"))
    notice = warning.notice(Samples(0))
    assert event_to_json(notice)["code"] == "S-SECRET"
    assert notice.value == 6
    assert notice.known_at == notice.span.end
    assert "4111" not in str(event_to_json(notice))
