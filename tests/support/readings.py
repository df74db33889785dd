"""Readings of numbers, addresses and secrets, and harmless sentences with numbers; all invented, seeded.

The generator knows which words carry what must not be written; it shares no code with what is tested.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from callcoach.clock import Span, to_samples
from callcoach.events import Word


def _words(text: str) -> list[str]:
    return text.split()


DIGITS: Final = _words("zero one two three four five six seven eight nine")
TEENS: Final = _words("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
TENS: Final = _words("- - twenty thirty forty fifty sixty seventy eighty ninety")
NATO: Final = _words(
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa "
    "quebec romeo sierra tango uniform victor whiskey xray yankee zulu"
)
FILLERS: Final = (
    "um",
    "uh",
    "er",
    "hmm",
    "okay",
    "yes",
    "so",
    "let me see",
    "hang on",
    "dash",
    "then",
    "and then",
    "right",
)
CORRECTIONS: Final = ("no sorry", "sorry", "no wait", "correction", "I mean", "oops no", "wait sorry")
FIRST_NAMES: Final = _words("john maria peter anna james sophie oliver emma daniel nina thomas ruth")
LAST_NAMES: Final = _words("smith keller brown jones fischer novak garcia miller walsh tanner hughes lopez")
HOSTS: Final = (
    "gmail",
    "example",
    "outlook",
    "northwind",
    "yahoo",
    "brightpath",
    "hotmail",
    "contoso",
    "big river",
)
TOPS: Final = (("com",), ("com",), ("org",), ("net",), ("co", "uk"), ("de",), ("io",))
PLAIN_SECRETS: Final = (
    "sunshine",
    "dragon",
    "monkey business",
    "correct horse battery",
    "purple rain",
    "winter coat",
    "blue lagoon",
    "fluffy",
    "rosebud",
    "open sesame",
    "old trafford",
    "summer garden",
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One sentence: its words with the pause before each, and which of them must not be written."""

    kind: str
    style: str
    words: tuple[str, ...]
    pauses: tuple[float, ...]
    """Seconds of silence before each word."""
    secret: frozenset[int]

    def timed(self, start_s: float = 1.0) -> tuple[Word, ...]:
        """Return the words with times: 0.06 s a letter, at least 0.15 s."""
        at, out = start_s, []
        for text, pause in zip(self.words, self.pauses, strict=True):
            at += pause
            length = max(0.15, 0.06 * len(text))
            out.append(Word(text, Span(to_samples(at), to_samples(at + length)), 0.9))
            at += length
        return tuple(out)

    @property
    def text(self) -> str:
        """The sentence."""
        return " ".join(self.words)


class _Writer:
    """Collects words with pauses."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.words: list[str] = []
        self.pauses: list[float] = []
        self.secret: set[int] = set()

    def say(self, text: str, *, secret: bool = False, pause: tuple[float, float] = (0.02, 0.25)) -> None:
        for word in text.split():
            if secret:
                self.secret.add(len(self.words))
            self.words.append(word)
            self.pauses.append(round(self.rng.uniform(*pause), 3))

    def reading(self, kind: str, style: str) -> Reading:
        return Reading(kind, style, tuple(self.words), tuple(self.pauses), frozenset(self.secret))


def readings(count: int = 500, seed: int = 20250) -> list[Reading]:
    """Return cards, phones, accounts, short numbers, addresses and secrets; always the same."""
    rng = random.Random(seed)
    makers: tuple[tuple[Callable[[random.Random], Reading], int], ...] = (
        (_card, 24),
        (_phone, 24),
        (_account, 18),
        (_short, 12),
        (_email, 11),
        (_secret, 11),
    )
    plan = [maker for maker, share in makers for _ in range(share)]
    return [plan[i % len(plan)](rng) for i in range(count)]


# -- numbers -----------------------------------------------------------------------------------------------

STYLES: Final = (
    "singles",
    "singles_oh",
    "doubles",
    "pairs",
    "written",
    "groups",
    "hyphens",
    "mixed",
    "hyphen_words",
)


def _speak(group: str, style: str, rng: random.Random) -> list[str]:
    """Return a group of digits as words."""
    if style == "mixed":
        half = rng.randrange(len(group) + 1)
        return [*_speak(group[:half], "singles", rng), *_speak(group[half:], "written", rng)]
    if style == "written":
        return list(group)
    if style == "groups":
        return [group] if group else []
    if style == "hyphens":
        return ["-".join(group)] if group else []
    zero = {"singles": "zero", "singles_oh": "oh", "doubles": rng.choice(("oh", "zero", "o"))}.get(
        style, "oh"
    )
    if style == "pairs":
        return _pairs(group)
    words = [zero if d == "0" else DIGITS[int(d)] for d in group]
    if style == "hyphen_words":
        return ["-".join(words)] if words else []
    if style == "doubles":
        return _doubled(words)
    return words


def _doubled(words: list[str]) -> list[str]:
    out: list[str] = []
    at = 0
    while at < len(words):
        run = 1
        while at + run < len(words) and words[at + run] == words[at] and run < 3:
            run += 1
        out += [words[at]] if run == 1 else [("double", "triple")[run - 2], words[at]]
        at += run
    return out


def _pairs(group: str) -> list[str]:
    out: list[str] = []
    at = 0
    while at < len(group):
        pair = group[at : at + 2]
        if len(pair) == 1:
            out.append(DIGITS[int(pair)])
        elif pair[0] == "0":
            out += ["oh", DIGITS[int(pair[1])]]
        elif pair[0] == "1":
            out.append(TEENS[int(pair[1])])
        elif pair[1] == "0":
            out.append(TENS[int(pair[0])])
        else:
            out += [TENS[int(pair[0])], DIGITS[int(pair[1])]]
        at += 2
    return out


def _read_out(writer: _Writer, groups: Sequence[str], style: str) -> None:
    """Say groups with pauses, fillers and now and then a wrong group that is taken back."""
    rng = writer.rng
    for n, group in enumerate(groups):
        pause = (0.3, 3.5) if n and rng.random() < 0.6 else (0.05, 0.4)
        if n and rng.random() < 0.25:
            writer.say(rng.choice(FILLERS), pause=(0.1, 0.8))
        if rng.random() < 0.08 and len(group) > 1:
            wrong = "".join(rng.choice("0123456789") for _ in group[: rng.randint(1, len(group))])
            for word in _speak(wrong, style, rng):
                writer.say(word, secret=True, pause=(0.05, 0.3))
            writer.say(rng.choice(CORRECTIONS), pause=(0.1, 0.6))
            pause = (0.1, 0.6)
        for k, word in enumerate(_speak(group, style, rng)):
            writer.say(word, secret=True, pause=pause if k == 0 else (0.02, 0.35))
            if rng.random() < 0.04:
                writer.say(rng.choice(("um", "uh", "er")), pause=(0.1, 0.6))


def _punctuate(writer: _Writer) -> None:
    """Give some readings the marks that a recogniser writes."""
    rng = writer.rng
    if rng.random() < 0.5:
        return
    for i, word in enumerate(writer.words):
        late = i + 1 < len(writer.words) and writer.pauses[i + 1] > 0.6
        if i + 1 == len(writer.words) or (late and rng.random() < 0.5):
            writer.words[i] = word + "."
        elif late and rng.random() < 0.7:
            writer.words[i] = word + ","
    writer.words[0] = writer.words[0][:1].upper() + writer.words[0][1:]


def _number(
    rng: random.Random, kind: str, groups: Sequence[str], before: Sequence[str], after: Sequence[str]
) -> Reading:
    style = rng.choice(STYLES)
    writer = _Writer(rng)
    writer.say(rng.choice(before))
    _read_out(writer, groups, style)
    writer.say(rng.choice(after), pause=(0.1, 0.8))
    _punctuate(writer)
    return writer.reading(kind, style)


def with_luhn(digits: str) -> str:
    """Add the check digit of card numbers."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 - place % 2)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


def _random_digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def _card(rng: random.Random) -> Reading:
    prefix, length, cut = rng.choice(
        (
            ("4", 16, (4, 4, 4, 4)),
            ("51", 16, (4, 4, 4, 4)),
            ("37", 15, (4, 6, 5)),
            ("2221", 16, (4, 4, 4, 4)),
            ("4", 13, (4, 3, 3, 3)),
        )
    )
    number = with_luhn(prefix + _random_digits(rng, length - len(prefix) - 1))
    return _number(
        rng,
        "card",
        _cut(number, cut),
        (
            "my card number is",
            "the long number is",
            "it's",
            "okay so the card is",
            "so that's",
            "yes it's a visa",
        ),
        ("", "", "thank you", "and it expires next year", "did you get that", "that's the front of it"),
    )


def _cut(number: str, lengths: Sequence[int]) -> list[str]:
    out, at = [], 0
    for length in lengths:
        out.append(number[at : at + length])
        at += length
    return [g for g in out if g]


PHONES: Final = (
    ("212", "736", "{4}"),
    ("415", "82{1}", "{4}"),
    ("020", "7946", "0{3}"),
    ("07911", "12{1}", "{3}"),
    ("+44", "7911", "1{5}"),
    ("030", "90{2}", "{4}"),
    ("0171", "48{2}", "{3}"),
    ("01", "42", "68", "{2}", "{2}"),
    ("1", "800", "555", "{4}"),
    ("04", "12{1}", "34{1}", "{3}"),
    ("98765", "4{4}"),
)


def _phone(rng: random.Random) -> Reading:
    groups = []
    for group in rng.choice(PHONES):
        head, _, rest = group.partition("{")
        groups.append(head.lstrip("+") + (_random_digits(rng, int(rest[:-1])) if rest else ""))
    return _number(
        rng,
        "phone",
        groups,
        (
            "my number is",
            "you can call me on",
            "call me back at",
            "the phone number is",
            "it's",
            "try plus",
            "my mobile is",
        ),
        ("", "", "after lunch please", "and ask for Ruth", "that's my mobile", "if the line drops"),
    )


def _account(rng: random.Random) -> Reading:
    length = rng.randint(5, 12)
    number = _random_digits(rng, length)
    size = rng.choice((2, 3, 3, 4))
    groups = [number[i : i + size] for i in range(0, length, size)]
    return _number(
        rng,
        "account",
        groups,
        (
            "my account number is",
            "the customer number",
            "it says",
            "the reference is",
            "sort code",
            "my order is",
            "I have",
        ),
        ("", "", "on the letter", "I think", "does that help", "and the name is Walsh"),
    )


def _short(rng: random.Random) -> Reading:
    number = _random_digits(rng, 4) if rng.random() < 0.6 else str(rng.randint(1930, 2009))
    groups = [number] if rng.random() < 0.6 else [number[:2], number[2:]]
    return _number(
        rng,
        "short",
        groups,
        (
            "the last four are",
            "I was born in",
            "the door says",
            "extension",
            "the postcode is",
            "the answer is",
            "it ends in",
        ),
        ("", "", "I believe", "thanks", "if that helps"),
    )


# -- addresses and secrets ---------------------------------------------------------------------------------


def _email(rng: random.Random) -> Reading:
    writer = _Writer(rng)
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    host, top = rng.choice(HOSTS), rng.choice(TOPS)
    style = rng.choice(("dotted", "underscore", "joined", "spelled", "number", "written", "written_at"))
    cues = (
        "my email is",
        "my email address is",
        "the address is",
        "write to me my e-mail is",
        "it's the email",
    )
    bare = ("it's", "yes that's", "you can write to", "so it's")
    if style == "joined":
        writer.say(rng.choice(cues))
        writer.say(f"{first} {last}", secret=True)
    else:
        writer.say(rng.choice(cues + bare))
        if style in ("dotted", "underscore"):
            writer.say(first, secret=True)
            writer.say("dot" if style == "dotted" else "underscore", pause=(0.05, 0.5))
            writer.say(last, secret=True, pause=(0.05, 1.5))
        elif style == "spelled":
            for letter in last:
                writer.say(letter, secret=True, pause=(0.05, 0.6))
        elif style == "number":
            writer.say(first, secret=True)
            for word in _speak(_random_digits(rng, rng.randint(2, 4)), "singles", rng):
                writer.say(word, secret=True)
    domain = host.replace(" ", "") + "." + ".".join(top)
    if style == "written":
        writer.say(f"{first}.{last}@{domain}", secret=True)
    elif style == "written_at":
        writer.say(f"{first}.{last}", secret=True)
        writer.say("at")
        writer.say(domain, secret=True)
    else:
        writer.say("at", pause=(0.05, 0.6))
        writer.say(host, secret=True)
        for part in top:
            writer.say("dot")
            writer.say(part)
    writer.say(
        rng.choice(("", "", "thank you", "can you send it there", "that's all in one word")), pause=(0.2, 0.8)
    )
    return writer.reading("email", style)


def _secret(rng: random.Random) -> Reading:
    writer = _Writer(rng)
    style = rng.choice(("plain", "letters", "nato", "written", "code", "changed"))
    if style == "code":
        writer.say(
            rng.choice(
                ("the security code is", "my PIN is", "CVV", "my passcode is", "and the PIN number is um")
            )
        )
        _read_out(
            writer,
            [_random_digits(rng, rng.choice((3, 4, 6)))],
            rng.choice(("singles", "groups", "written", "doubles")),
        )
        writer.say(rng.choice(("", "thank you", "can you try it")), pause=(0.2, 0.8))
        return writer.reading("secret", style)
    lead = "I changed my password to" if style == "changed" else None
    writer.say(
        lead
        or rng.choice(
            (
                "my password is",
                "the password is",
                "password for the laptop is",
                "my passphrase is",
                "the password was um",
            )
        )
    )
    if rng.random() < 0.3:
        writer.words[-1] += "."
        writer.say("", pause=(0.6, 2.0))
    if style in ("plain", "changed"):
        writer.say(rng.choice(PLAIN_SECRETS), secret=True, pause=(0.1, 1.0))
        if rng.random() < 0.4:
            for word in _speak(_random_digits(rng, 2), "singles", rng):
                writer.say(word, secret=True)
    elif style == "written":
        writer.say(rng.choice(("Sunshine42", "Fl0ffy!", "winter2019", "Dragon_7", "Tr0ub4dor")), secret=True)
    else:
        for _ in range(rng.randint(4, 9)):
            if rng.random() < 0.25:
                writer.say(rng.choice(("capital", "lowercase")))
            if rng.random() < 0.3:
                writer.say(rng.choice(DIGITS), secret=True, pause=(0.05, 0.8))
            else:
                letter = rng.randrange(26)
                writer.say(
                    chr(97 + letter) if style == "letters" else NATO[letter], secret=True, pause=(0.05, 0.8)
                )
    if rng.random() < 0.5:
        writer.words[-1] += "."
    writer.say(
        rng.choice(("", "can you check it", "and it will not let me in", "but I am locked out")),
        pause=(0.2, 0.8),
    )
    return writer.reading("secret", style)


# -- harmless sentences ------------------------------------------------------------------------------------

HARMLESS: Final = (
    "I called you at {hour} {half} this morning",
    "it takes about {tens} minutes to copy",
    "we have {tens} {unit} users on the {ordinal} floor",
    "the screen shows error {three}",
    "it says error {spoken_three} on the left",
    "I restarted it {unit} or {unit} times",
    "I have {unit}, no, {unit} monitors and one laptop",
    "it has been slow for {unit} days now",
    "between {tens} and {tens} percent of the time",
    "that is {unit} out of {teen} machines",
    "version {unit} point {unit} is installed",
    "the update to {unit}.{unit} failed {unit} times",
    "I will call back in {teen} minutes or so",
    "there are {three} files in the folder",
    "it costs {three} pounds with the {unit} year plan",
    "the meeting is at {hour} o'clock on the {ordinal}",
    "press {unit} and then the green button",
    "my password is not working since {hour} {half}",
    "the password is wrong it says after {unit} tries",
    "the PIN is still locked after {unit} attempts",
    "my password is expired again",
    "what is the password policy here",
    "my email is not coming through since {hour}",
    "I sent an email to the team at {hour} {half}",
    "I looked at the dot on the screen",
    "we are at the office on the {ordinal} floor",
    "one of the {unit} printers is on that one desk",
    "oh I see, that one works but the other one does not",
    "hang on one second I have {unit} windows open",
    "the room is {unit} metres by {unit} metres",
    "I am on floor {unit} in building {letter}",
    "it was {teen} percent yesterday and now it is {tens}",
    "windows {teen} on a {sixty_four}-bit machine",
    "the {nth} of May works for me",
    "I have been waiting for {tens} {unit} minutes",
    "the cable is {unit} metres long",
    "she is {tens} {unit} years old",
    "for the second time in {unit} weeks",
    "can you double check that, it takes one minute",
    "at home it works at {three} megabit",
    "add {unit} and {unit} to the list please",
    "call the number on the back of the letter",
    "the code on the box is hard to read",
    "all {unit} of us see the same thing",
    "thanks a million, a thousand times better",
)


def harmless(count: int = 300, seed: int = 77) -> list[Reading]:
    """Return sentences whose numbers have fewer than four digits and hold no secret; always the same."""
    rng = random.Random(seed)
    out = []
    for i in range(count):
        template = HARMLESS[i % len(HARMLESS)]
        hundreds = rng.randint(1, 9)
        text = template
        while "{" in text:
            name = text[text.index("{") + 1 : text.index("}")]
            value = {
                "hour": DIGITS[rng.randint(1, 9)],
                "half": rng.choice(("thirty", "fifteen", "twenty")),
                "tens": TENS[rng.randint(2, 9)],
                "unit": rng.choice((DIGITS[rng.randint(2, 9)], str(rng.randint(2, 9)))),
                "teen": rng.choice((TEENS[rng.randint(0, 9)], str(rng.randint(10, 19)))),
                "ordinal": rng.choice(("first", "second", "third", "tenth")),
                "nth": rng.choice(("2nd", "twenty third", "5th", "eleventh")),
                "three": rng.choice(
                    (str(rng.randint(101, 999)), f"{DIGITS[hundreds]} hundred and {TENS[rng.randint(2, 9)]}")
                ),
                "spoken_three": rng.choice(
                    (f"{DIGITS[hundreds]} oh {DIGITS[rng.randint(1, 9)]}", "five hundred")
                ),
                "letter": rng.choice("BCDEF"),
                "sixty_four": rng.choice(("64", "32")),
            }[name]
            text = text.replace("{" + name + "}", value, 1)
        writer = _Writer(rng)
        writer.say(text)
        if rng.random() < 0.5:
            writer.words[-1] += "."
        out.append(writer.reading("harmless", template))
    return out
