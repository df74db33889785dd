"""Secrets after "password is": what names them, and how far they go. English."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from callcoach.lexicon.redaction_words import MORE, NO, Tail, Token
from callcoach.lexicon.word_sets import phrase_set, word_set

NOUNS: Final = phrase_set("""
    password, passwords, passcode, passphrase, pass word, pass code, pass phrase, pin, pin number, pin
    code, pincode, security code, security number, security word, security answer, access code,
    verification code, confirmation code, authentication code, cvv, cvc, csc, cv2, cvv number, memorable
    word, memorable answer, secret word, secret answer, secret code, time code, otp, code word, codeword,
    login code, unlock code, door code, activation code, recovery code, telephone pin, mother's maiden
    name, maiden name, digits on the back, numbers on the back, the code
""")
"""What a secret is called, as the last words that were said."""
_LINKS: Final = word_set("is was are it's that's its equals =")
_LINKS_AFTER: Final = {
    "be": frozenset({"would", "will", "might"}),
    "to": word_set("changed change set reset changing setting"),
    "as": word_set("changed change set reset saved entered"),
}
"""These lead to the secret if one of those was said shortly before."""
_BETWEEN: Final = word_set("""
    um uh er erm ah hm for to of on my the your our account this that one here there actually now new old
    current number code again then so okay would will might and
""")
"""May stand between the noun and "is"; after "for", "of" and "on" anything may."""
FINAL_WORDS: Final = frozenset(noun[-1] for noun in NOUNS)
"""Last words of the nouns."""
_LAST_WORDS: Final = 4
"""Longest noun, in words."""
_NAMES_ONLY: Final = frozenset({("the", "code")})
"""Too common for a question to make the answer a secret."""
LINK_WORDS: Final = 5
"""Words that may stand between the noun and "is". [D]"""
_FILLERS: Final = word_set("""
    um uh uhm er erm err ah hm hmm okay ok so well like yes yeah just all be currently
""")
_HOW_SPELLED: Final = word_set("""
    capital capitals uppercase lowercase upper lower case small big caps dash hyphen underscore hash
    hashtag star asterisk exclamation question mark percent dollar sign ampersand space slash double
    triple treble dot point full stop at plus minus symbol bang then letter number all one word
""")
_AS_IN: Final = frozenset({"for", "as", "in", "like"})
_HARMLESS: Final = word_set("""
    not isn't wrong incorrect expired expiring invalid locked working right hard easy in on being going
    gone never still no asking required different about supposed what where why how when that this
    because too very long longer short shorter weak strong fine okay good unknown missing lost empty
    blank saved stored sent set reset changed needed case always also used valid only actually always
    there here it we you my me they he she for your our the-same displayed shown printed written rejected
    accepted refused blocked disabled temporary now already ready due out of up expire work need have
    stop change arrive come keep must
""")
"""After "password is" these make it a remark about the password, no secret."""
_HARMLESS_AFTER_THE: Final = word_set("""
    same problem issue wrong right one only thing reason old new last first
""")
_ENDS_SPELLING: Final = word_set("""
    and but so can could i you it is that now thanks thank please because for the my does do what then or
    if
""")
"""These end a secret that was spelled."""
_ENDS_WORDS: Final = word_set("but because")
_ENDS_AFTER_AND: Final = word_set("i it when then the you we that my now")


class Phase(Enum):
    """How far a secret has come."""

    NONE = "none"
    NAMED = "named"
    LINKED = "linked"
    SAYING = "saying"
    DONE = "done"
    """Over, but spelled words that follow at once still belong to it."""


@dataclass(slots=True)
class SecretState:
    """Follows the words of one party in order; a secret is masked word by word."""

    most_words: int
    patience: int
    plain_hold: int
    phase: Phase = Phase.NONE
    _left: int = 0
    _said: int = 0
    _spelled: bool = False
    _free: bool = False
    _example: bool = False
    """The next word is an example: "A for apple"."""
    last_words: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST_WORDS))
    """Readable words, the newest last."""

    def copy(self) -> SecretState:
        """Return an independent state."""
        return replace(self, last_words=deque(self.last_words, maxlen=_LAST_WORDS))

    def check(self, tail: Tail, at: int) -> int:
        """Return `NO` if word ``at`` stays readable, `MORE` if words to come decide, ``at`` if it is masked.

        After an answer other than `MORE` the state has moved on to the next word.
        """
        if self.phase in (Phase.NONE, Phase.NAMED):
            return NO
        token = tail.tokens[at]
        if self.phase is Phase.LINKED:
            return self._begin(tail, at, token)
        if self.phase is Phase.DONE:
            if token.spelled or token.text in _HOW_SPELLED - {"all", "one", "word", "then"}:
                self._say(token)
                return at
            self.phase = Phase.NONE
            return NO
        return self._go_on(tail, at, token)

    def _begin(self, tail: Tail, at: int, token: Token) -> int:
        if token.text in _FILLERS or not token.text:
            return NO
        if token.text == "the":
            follows = tail.follows(at, self.plain_hold)
            if follows is None:
                return MORE
            if follows and tail.tokens[at + 1].text in _HARMLESS_AFTER_THE:
                self.phase = Phase.NONE
                return NO
        if token.text in _HARMLESS:
            self.phase = Phase.NONE
            return NO
        if token.text == "correct" and not token.mark:
            follows = tail.follows(at, self.plain_hold)
            if follows is None:
                return MORE
            if not follows or tail.tokens[at + 1].text in _ENDS_SPELLING:
                self.phase = Phase.NONE
                return NO
        elif token.text == "correct":
            self.phase = Phase.NONE
            return NO
        if token.text in ("a", "i"):
            follows = tail.follows(at, self.plain_hold)
            if follows is None:
                return MORE
            if token.text == "i" and not (follows and tail.tokens[at + 1].spelled):
                self.phase = Phase.NONE
                return NO
        self._said, self._spelled, self._example = 0, False, False
        self._say(token)
        return at

    def _go_on(self, tail: Tail, at: int, token: Token) -> int:
        if self._example or token.spelled or token.text in _HOW_SPELLED or token.text in _AS_IN:
            if token.text in ("for", "as", "like") and not self._example:
                follows = tail.follows(at, self.plain_hold)
                if follows is None:
                    return MORE
                after = tail.tokens[at + 1].text if follows else ""
                if not follows or after in _ENDS_SPELLING or after in ("me", "us", "this", "that"):
                    self.phase = Phase.DONE
                    return NO
            self._say(token)
            return at
        if token.text in _FILLERS or not token.text:
            return at
        if self._said >= self.most_words or (self._spelled and token.text in _ENDS_SPELLING):
            self.phase = Phase.NONE
            return NO
        if token.text in _ENDS_WORDS:
            self.phase = Phase.NONE
            return NO
        if token.text == "and":
            follows = tail.follows(at, self.plain_hold)
            if follows is None:
                return MORE
            if not follows or tail.tokens[at + 1].text in _ENDS_AFTER_AND:
                self.phase = Phase.NONE
                return NO
        self._say(token)
        return at

    def _say(self, token: Token) -> None:
        spelling = token.spelled or token.text in _HOW_SPELLED
        self._spelled = self._spelled or token.spelled
        self._example = not self._example and token.text in _AS_IN and token.text != "as"
        self._said += 0 if spelling else 1
        over = self._said >= self.most_words or (token.stop and not spelling and not self._example)
        self.phase = Phase.DONE if over else Phase.SAYING

    def pause(self, samples: int) -> None:
        """Note a pause before the next word."""
        if samples > self.patience:
            self.phase = Phase.NONE
            self.last_words.clear()

    def leave_readable(self, token: Token) -> None:
        """Note a word that stays readable: it may name a secret or lead to it."""
        if self.phase is Phase.LINKED:
            return
        text, stays = token.text, False
        if text.endswith("'s") and text not in _LINKS and len(text) > 3:
            text, stays = text[:-2], True
        before = tuple(self.last_words)
        self.last_words.append(text)
        last = tuple(self.last_words)
        if text in FINAL_WORDS and names_secret(last):
            self.phase = Phase.LINKED if stays else Phase.NAMED
            self._left = 2 if last[-2:] in _NAMES_ONLY else LINK_WORDS
            self._free = False
        elif self.phase is Phase.NAMED:
            self._lead_on(text, before)

    def _lead_on(self, text: str, before: tuple[str, ...]) -> None:
        """Take a word behind the noun, which may lead to the secret."""
        self._left -= 1
        if text in _LINKS or (text in _LINKS_AFTER and not _LINKS_AFTER[text].isdisjoint(before)):
            self.phase = Phase.LINKED
        elif not self._left or not (self._free or text in _BETWEEN):
            self.phase = Phase.NONE
        self._free = self._free or (text in ("for", "of", "on") and self._left > 2)

    def masked_elsewhere(self) -> None:
        """Note that the next word is masked as something else."""
        self.last_words.clear()
        if self.phase is not Phase.SAYING:
            self.phase = Phase.NONE


def names_secret(last: tuple[str, ...], *, asked: bool = False) -> bool:
    """Tell whether these last words, in lower case, name a secret; ``asked``: so that the answer is one."""
    if asked and last[-2:] in _NAMES_ONLY:
        return False
    return any(last[-n:] in NOUNS for n in range(1, len(last) + 1))


def scan_spelled(tail: Tail, at: int, least: int, hold: int) -> int:
    """Return the last index of at least ``least`` letters and digits in a row, `NO`, or `MORE`."""
    last = at
    count = 0
    while True:
        token = tail.tokens[last]
        if token.spelled:
            count += max(1, sum(len(p.text) for p in token.parts))
        elif token.text not in _HOW_SPELLED or not count:
            last -= 1
            break
        follows = tail.follows(last, hold)
        if follows is None:
            return MORE if count else NO
        if not follows:
            break
        last += 1
    return last if count >= least else NO
