"""E-mail addresses in words still coming in, spoken ("john dot smith at example dot com") and written."""

from __future__ import annotations

import re
from typing import Final

from callcoach.lexicon.redaction_words import MORE, NO, Kind, Tail, Token
from callcoach.lexicon.word_sets import word_set

MOST_PLAIN: Final = 8
"""Ordinary words in an address after "my e-mail is"; more are no address. [D]"""
MOST_LOCAL: Final = 40
"""Words before the "at". [D]"""
MOST_DOMAIN: Final = 4
"""Ordinary words between "at" and "dot", or between two dots. [D]"""
MOST_SPELLED: Final = 16
"""... if they are letters."""

CUES: Final = word_set("""
    email e-mail emails mail gmail hotmail outlook address inbox login username
""")
"""An address may follow within `CUE_WORDS`."""
CUE_WORDS: Final = 16

_DOMAIN: Final = re.compile(r"@?[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,10}")
_TOP: Final = word_set("""
    com org net edu gov mil int info biz co io ai app dev uk us de fr es it nl be ch at pl se no dk fi ie
    eu ca au nz in jp cn br mx za ru pt cz gr tr me tv online cloud tech shop store site name pro
""")
_DOTTED_TOP: Final = re.compile(r"(dot-?|\.)(com|org|net|edu|gov|co\.uk|uk|de|io)")
_PROVIDERS: Final = word_set("""
    gmail googlemail hotmail outlook yahoo icloud proton protonmail gmx aol live web fastmail yandex zoho
    btinternet comcast verizon msn me
""")
_NOT_IN_ADDRESS: Final = word_set("""
    a an the and or but if so then than as of in on to for from with by is are was were be been am isn't
    wasn't not no yes yeah yep okay ok um uh er erm i i'm i've i'll i'd you you're your we we're our they
    their them he she him her his it it's its that that's this these those there there's here my me us
    who what what's where when why how which do does did don't doesn't didn't can could can't will would
    should must may have has had got get gets getting just about out up down into over all any some
    please thanks thank sorry hello hi email e-mail emails mail address
""")
_NOT_BEFORE_AT: Final = word_set("""
    look looking looked looks arrive arrived stay staying stayed work works working worked meet meeting
    met buy bought order ordered ordering shop shopping shopped online website site page back good again
    even be go went going see seen found find check checked checking sign signed log logged login
    registered register account sold available located live based home office someone anyone people
    everyone support team guys desk customer service start started
""")
"""Before "at" these make a place follow, unless something else tells an address."""


def scan_email(tail: Tail, at: int, hold: int, plain_hold: int, *, cued: bool) -> int:
    """Look for an address that begins at word ``at``.

    Parameters
    ----------
    tail
        Words not yet decided.
    at
        Index into them.
    hold, plain_hold
        Longest pause inside an address, in samples; the second after an ordinary word.
    cued
        Whether "e-mail" or "address" was said shortly before, or asked for.

    Returns
    -------
    int
        Index of its last word, `NO`, or `MORE` while words to come decide.
    """
    token = tail.tokens[at]
    if token.kind is Kind.ADDRESS:
        return at
    if not _can_stand(token):
        return NO
    if token.text in ("a", "i"):
        follows = tail.follows(at, plain_hold)
        if not follows:
            return MORE if follows is None else NO
        if tail.tokens[at + 1].kind not in (Kind.LETTER, Kind.JOINT, Kind.NATO):
            return NO
    return _Address(tail, at, hold, plain_hold, cued).scan()


def _can_stand(token: Token) -> bool:
    """Tell whether a word may be a piece of an address."""
    if token.kind in (Kind.AT, Kind.JOINT) or not token.text:
        return False
    return token.kind is Kind.LETTER or token.text not in _NOT_IN_ADDRESS


class _Address:
    def __init__(self, tail: Tail, at: int, hold: int, plain_hold: int, cued: bool) -> None:
        self._tail = tail
        self._first = at
        self._hold = hold
        self._plain_hold = plain_hold
        self._cued = cued
        self._sure = cued
        """Something tells an address besides the "at"."""
        self._patient = False
        """Something like "dot" was said: what follows may come late."""

    def scan(self) -> int:
        """Read the part before the "at", then the domain."""
        tail, at, plain = self._tail, self._first, 1
        while at - self._first <= MOST_LOCAL:
            token = tail.tokens[at]
            self._sure = self._sure or token.spelled or "." in token.text or "_" in token.text
            if not token.spelled and not self._patient and (token.stop or (token.mark and not self._sure)):
                return NO
            waits = self._patient or token.kind in (Kind.LETTER, Kind.NATO)
            follows = tail.follows(at, self._hold if waits else self._plain_hold)
            if not follows:
                return MORE if follows is None else NO
            after = tail.tokens[at + 1]
            if after.kind is Kind.AT:
                return self._domain(at + 1)
            if after.kind is Kind.JOINT:
                ready = tail.follows(at + 1, self._hold)
                if not ready:
                    return MORE if ready is None else NO
                if not _can_stand(tail.tokens[at + 2]):
                    return NO
                self._sure = self._patient = True
                at += 2
            elif after.spelled and (token.spelled or after.kind is not Kind.NATO or self._cued):
                at += 1
            elif self._cued and plain < MOST_PLAIN and _can_stand(after):
                plain += 1
                at += 1
            else:
                return NO
        return NO

    def _domain(self, at: int) -> int:
        """Read what follows the "at" at index ``at``; a domain may be joined to it ("@example.com")."""
        tail = self._tail
        if _DOMAIN.fullmatch(tail.tokens[at].text) and tail.tokens[at].kind is Kind.AT:
            return at
        pieces = spelled = 0
        provider = False
        while True:
            follows = tail.follows(at, self._hold if self._patient or not pieces else self._plain_hold)
            if not follows:
                return MORE if follows is None else NO
            at += 1
            token = tail.tokens[at]
            if _DOMAIN.fullmatch(token.text) if not pieces else _DOTTED_TOP.fullmatch(token.text):
                return at if self._is_sure(provider or token.text.split(".")[0] in _PROVIDERS) else NO
            if pieces and token.text == "dot":
                after = tail.follows(at, self._hold)
                if not after:
                    return MORE if after is None else NO
                at += 1
                token = tail.tokens[at]
                if token.text in _TOP:
                    return self._longest(at) if self._is_sure(provider) else NO
                pieces = spelled = 0
            if not _can_stand(token) and token.text != "me":
                return NO
            provider = provider or token.text in _PROVIDERS
            pieces += 1
            spelled += token.spelled
            if pieces - spelled > MOST_DOMAIN or pieces > MOST_SPELLED:
                return NO

    def _longest(self, at: int) -> int:
        """Return the last word of an address that is complete at ``at`` and may go on: "dot co", "dot uk"."""
        tail = self._tail
        while True:
            follows = tail.follows(at, self._plain_hold)
            if not follows:
                return MORE if follows is None else at
            if tail.tokens[at + 1].text != "dot":
                return at
            after = tail.follows(at + 1, self._plain_hold)
            if not after:
                return MORE if after is None else at
            if tail.tokens[at + 2].text not in _TOP:
                return at
            at += 2

    def _is_sure(self, provider: bool) -> bool:
        before = self._tail.tokens[self._first].text
        return self._sure or provider or before not in _NOT_BEFORE_AT
