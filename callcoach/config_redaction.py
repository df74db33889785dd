"""Settings of the masking of numbers and secrets before words reach the disk (PRV-4, PRV-5)."""

from __future__ import annotations

from callcoach.config_stage import Stage, setting


class RedactionSettings(Stage):
    """What is masked in words and silenced in sound, and how long words wait for it."""

    on: bool = setting(
        True,
        "yes/no",
        "Mask numbers and secrets before words are written; no: only for samples without real data",
        "[D] PRV-5",
    )
    least_digits: int = setting(
        4, "digits", "Runs of at least this many digits are masked", "[D] PRV-5", ge=2, le=8
    )
    asked_digits: int = setting(
        3,
        "digits",
        "... after a password, PIN or security code was named or asked for, and after a card number",
        "[D] security codes of cards have three digits",
        ge=2,
        le=8,
    )
    asked_s: float = setting(
        20.0, "s", "Time after such a question in which the other party's answer counts", "[D]", ge=0, le=120
    )
    margin_s: float = setting(
        0.5, "s", "Sound silenced before and after what is masked", "[D] PRV-5", ge=0, le=3
    )
    reach_s: float = setting(
        1.5,
        "s",
        "... at most, where no other word of this party was recognised",
        "[D] docs/redaction.md: recognised numbers may end a second early",
        ge=0,
        le=5,
    )
    hold_s: float = setting(
        5.0,
        "s",
        "Longest pause inside a number or address; words that may belong to one wait this long for the rest",
        "[D] groups of a number stand up to a few seconds apart",
        ge=0.5,
        le=30,
    )
    plain_hold_s: float = setting(
        1.0,
        "s",
        "... for an ordinary word, which may begin an e-mail address",
        "[D] below the silence that ends a piece plus the time words are due",
        ge=0,
        le=5,
    )
    slack_s: float = setting(
        0.25, "s", "Words may begin this much before the speech they belong to", "[D] 1.2 pad", ge=0, le=1
    )
    secret_words: int = setting(
        6, "words", "Words masked after 'password is', unless the sentence ends before", "[D]", ge=1, le=20
    )
    secret_s: float = setting(
        10.0, "s", "Longest pause between 'password is' and the secret, and inside it", "[D]", ge=1, le=60
    )
    warn_digits: int = setting(
        6, "digits", "The guard warns when a run reaches this many digits", "[D] PRV-4", ge=4, le=16
    )
    warn_again_s: float = setting(
        20.0, "s", "The guard is silent for this long after a warning of the same kind", "[D]", ge=0, le=300
    )
