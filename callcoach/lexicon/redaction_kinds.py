"""What was masked: kinds, marks and places. No words are kept in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from callcoach.clock import Span
from callcoach.events import Channel

CARD_LENGTHS: Final = range(13, 20)
"""Digits of a card number (ISO/IEC 7812)."""
PHONE_LENGTHS: Final = range(9, 16)
"""Digits of a phone number with its area code (E.164)."""
PHONE_REGIONS: Final = ("US", "GB", "DE", "IE", "AU", "IN", "FR", "ES", "NL", "IT", "ZA", "SG")
"""Countries whose national numbers are known; others with their country code."""
NOTE: Final = "Numbers, addresses and secrets are masked; the masking may miss some."
"""For people; nothing may promise more."""


class MaskKind(StrEnum):
    """What was masked."""

    NUMBER = "number"
    CARD = "card"
    PHONE = "phone"
    EMAIL = "email"
    SECRET = "secret"

    @property
    def text(self) -> str:
        """What stands in place of each word."""
        return f"[{self.value}]"


@dataclass(frozen=True, slots=True)
class Match:
    """One masked run, without what was said: kind, party, first and last word, span from first to last word.

    The words are counted from the start of the call, per party.
    """

    kind: MaskKind
    channel: Channel | None
    first: int
    last: int
    span: Span
    room: Span = field(compare=False)
    """The same up to the words before and after it that stay readable, as far as they are known, at most
    ``reach_s`` away: times of recognised numbers are rough."""


_MARKS: Final = {kind.text: kind for kind in MaskKind}
_CLOSING: Final = ".,;:?!…"


def mark_of(text: str) -> MaskKind | None:
    """Return what a word stands for if it is a mark of the masking, else None."""
    return _MARKS.get(text.rstrip(_CLOSING))


def readable(texts: Sequence[str]) -> str:
    """Join words for people: a masked run shows its mark once."""
    out: list[str] = []
    for text in texts:
        mark = mark_of(text)
        if mark is not None and out and mark_of(out[-1]) is mark:
            out[-1] = text
        else:
            out.append(text)
    return " ".join(out)


def kind_of(digits: str) -> MaskKind:
    """Return what a run of digits is: a card number (Luhn), a phone number, or a number."""
    for length in reversed(CARD_LENGTHS):
        for start in range(len(digits) - length + 1):
            if digits[start] in "23456" and passes_luhn(digits[start : start + length]):
                if length != len(digits) and length < 15:
                    continue  # by chance in a longer number
                return MaskKind.CARD
    return MaskKind.PHONE if len(digits) in PHONE_LENGTHS and _is_phone(digits) else MaskKind.NUMBER


def passes_luhn(digits: str) -> bool:
    """Tell whether the check digit of ISO/IEC 7812 is right."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def _is_phone(digits: str) -> bool:
    import phonenumbers  # half a second to load, and rarely needed

    tries: list[tuple[str, str | None]] = [(digits, region) for region in PHONE_REGIONS]
    tries += [("+" + digits.removeprefix("00"), None)]
    for text, region in tries:
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return True
    return False
