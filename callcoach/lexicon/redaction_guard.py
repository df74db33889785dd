"""The guard notices that a password or card number is about to be said, so that one can pause (PRV-4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from callcoach.clock import Samples, Span
from callcoach.config_redaction import RedactionSettings
from callcoach.events import Channel, Notice, Word
from callcoach.lexicon.numbers import Part, digits_of
from callcoach.lexicon.redaction_words import Token, token_of

CODE: Final = "S-SECRET"
"""Code of the notice."""
_KEPT_WORDS: Final = 48
_GAP_WORDS: Final = 4
"""Words without digits that may stand inside a run here; more end it. [D]"""


class Reason(StrEnum):
    """What was heard."""

    PASSWORD = "password"  # the word that was heard, no secret
    CARD = "card"
    CODE = "code"
    DIGITS = "digits"


_TEXTS: Final = {
    Reason.PASSWORD: "A password or PIN is being named. Ask for it not to be said, or pause.",
    Reason.CARD: "A card number is being named. Pause the recording.",
    Reason.CODE: "A security code is being named. Pause the recording.",
    Reason.DIGITS: "A long number is being said. Pause if it is a card number.",
}


def _phrases(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(phrase.split()) for phrase in text.split(","))


TRIGGERS: Final = {
    Reason.CARD: _phrases(
        "card number,sixteen digit number,16 digit number,credit card is,debit card is,"
        "credit card details,debit card details,card details"
    ),
    Reason.CODE: _phrases("security code,cvv,cvc,number on the back of the card"),
    Reason.PASSWORD: _phrases(
        "my password is,password is,my pin is,pin number is,my passcode is,passcode is,"
        "my passphrase is,my pin,"
        "your password is,what's your password,what is your password,tell me your password,"
        "give me your password,your pin number"
    ),
}
"""Words that come before a secret, by what they announce.

Those of cards begin a pause, so they name the card: "the number on the front" is also that of a printer.
"""
PAUSING: Final = frozenset({Reason.CARD, Reason.CODE})
"""These start a card pause by themselves."""
_LAST_WORDS: Final = {phrase[-1] for phrases in TRIGGERS.values() for phrase in phrases}


@dataclass(frozen=True, slots=True)
class SecretWarning:
    """What the guard heard: in words of whom, why, where; ``digits`` counted when it is a run."""

    channel: Channel | None
    reason: Reason
    span: Span
    digits: int = 0

    @property
    def pauses(self) -> bool:
        """Whether a card pause starts by itself."""
        return self.reason in PAUSING

    @property
    def text(self) -> str:
        """One sentence for the agent."""
        return _TEXTS[self.reason]

    def notice(self, known_at: Samples) -> Notice:
        """Return the event; its value is the number of digits, 0 for a phrase. It holds no words."""
        return Notice(
            span=self.span,
            known_at=Samples(max(known_at, self.span.end)),
            code=CODE,
            value=float(self.digits),
        )


@dataclass(slots=True)
class _Ear:
    """What one party said last."""

    tokens: deque[tuple[Token, Span]] = field(default_factory=lambda: deque(maxlen=_KEPT_WORDS))
    warned: dict[Reason, int] = field(default_factory=dict)
    """Position up to which the guard is silent, by reason."""

    def copy(self) -> _Ear:
        return _Ear(deque(self.tokens, maxlen=_KEPT_WORDS), self.warned)


class SecretGuard:
    """Listens to the words of both parties before they are masked; keeps the last few in memory alone.

    Parameters
    ----------
    settings
        ``warn_digits``, ``warn_again_s`` and ``hold_s`` are used.
    """

    def __init__(self, settings: RedactionSettings) -> None:
        times = settings.in_samples()
        self._least = settings.warn_digits
        self._again, self._hold = times["warn_again_s"], times["hold_s"]
        self._ears: dict[Channel | None, _Ear] = {}

    def hear(self, channel: Channel | None, words: Sequence[Word]) -> list[SecretWarning]:
        """Take final words as recognised, in order; return what they give away."""
        return self._listen(channel, self._ear(channel), words)

    def glimpse(self, channel: Channel | None, words: Sequence[Word]) -> list[SecretWarning]:
        """Look at interim words: all that stand behind the final words of this party now.

        A warning given here is not given again when the final words come.
        """
        return self._listen(channel, self._ear(channel).copy(), words)

    def _ear(self, channel: Channel | None) -> _Ear:
        return self._ears.setdefault(channel, _Ear())

    def _listen(self, channel: Channel | None, ear: _Ear, words: Sequence[Word]) -> list[SecretWarning]:
        found: list[SecretWarning] = []
        for word in words:
            token = token_of(word.text)
            ear.tokens.append((token, word.span))
            if token.text in _LAST_WORDS:
                for reason, phrase in _said(ear):
                    start = ear.tokens[-len(phrase)][1].start
                    self._warn(found, ear, SecretWarning(channel, reason, Span(start, word.span.end)))
            if token.parts:
                run = self._run(ear)
                if run is not None and run[1] >= self._least:
                    span = Span(run[0], word.span.end)
                    self._warn(found, ear, SecretWarning(channel, Reason.DIGITS, span, run[1]))
        return found

    def _warn(self, found: list[SecretWarning], ear: _Ear, warning: SecretWarning) -> None:
        if warning.span.end >= ear.warned.get(warning.reason, -1):
            ear.warned[warning.reason] = warning.span.end + self._again
            found.append(warning)

    def _run(self, ear: _Ear) -> tuple[Samples, int] | None:
        """Return start and digits of the run that ends with the last word."""
        parts: list[Part] = []
        start, after, between = None, None, 0
        for token, span in reversed(ear.tokens):
            if after is not None and after - span.end > self._hold:
                break
            if token.parts and not token.alone:
                parts[:0] = token.parts
                start, between = span.start, 0
            else:
                between += 1
                if between > _GAP_WORDS:
                    break
            after = span.start
        return None if start is None else (start, len(digits_of(parts)))


def _said(ear: _Ear) -> list[tuple[Reason, tuple[str, ...]]]:
    """Return the phrases that the last words end with."""
    last = tuple(token.text for token, _ in list(ear.tokens)[-6:])
    return [
        (reason, phrase)
        for reason, phrases in TRIGGERS.items()
        for phrase in phrases
        if last[-len(phrase) :] == phrase
    ]
