"""Signs, colours and number formats of the terminal summary."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from callcoach.events import Channel

_UNSAFE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})

MAX_WIDTH: Final = 120
"""Columns; longer lines are hard to follow."""
MIN_WIDTH: Final = 40
"""Columns; narrower terminals cut lines."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Styles by use. Empty styles give plain text.

    Blue and orange stay apart in every common kind of colour blindness; each has a contrast of at
    least 3.5 on white and on black, so both serve light and dark terminals. Nothing is told by
    colour alone.
    """

    agent: str
    caller: str
    both: str
    muted: str
    strong: str

    def of(self, role: Channel | None) -> str:
        """Return the style of a side; of nobody in particular when None."""
        return {Channel.AGENT: self.agent, Channel.CALLER: self.caller, None: self.both}[role]


COLOURED: Final = Palette(agent="#3a7fe0", caller="#cf6a00", both="#8a63c9", muted="#7d7d7d", strong="bold")
PLAIN: Final = Palette(agent="", caller="", both="", muted="", strong="")


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Signs of the timeline and of the text.

    ``halves`` maps the two halves of a cell to a sign; each half is 0 (silent), 1 (speaks beside
    the other's floor) or 2 (holds the floor). ``levels`` grow with the share of a cell in which
    somebody speaks.
    """

    halves: tuple[tuple[str, str, str], tuple[str, str, str], tuple[str, str, str]]
    levels: str
    interruption: str
    story_end: str
    story_cut: str
    dead_air: str
    hold: str
    end: str
    bar: str
    bar_other: str
    rule: str
    dot: str
    ellipsis: str
    quotes: tuple[str, str]
    to: str
    minus: str

    @property
    def floor(self) -> str:
        """A cell of somebody who holds the floor."""
        return self.halves[2][2]

    @property
    def beside(self) -> str:
        """A cell of somebody who speaks while the other holds the floor."""
        return self.halves[1][1]


UNICODE: Final = Glyphs(
    halves=((" ", "▗", "▐"), ("▖", "▄", "▟"), ("▌", "▙", "█")),
    levels=" ▁▂▃▄▅▆▇█",
    interruption="▲",
    story_end="◆",
    story_cut="◇",
    dead_air="┄",
    hold="░",
    end="▕",
    bar="█",
    bar_other="▒",
    rule="─",
    dot="·",
    ellipsis="…",
    quotes=("“", "”"),
    to="\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
    minus="\N{MINUS SIGN}",
)
ASCII: Final = Glyphs(
    halves=((" ", "-", "#"), ("-", "-", "#"), ("#", "#", "#")),
    levels=" .:-=+*%#",
    interruption="^",
    story_end="$",
    story_cut="%",
    dead_air=".",
    hold="~",
    end="|",
    bar="#",
    bar_other="=",
    rule="-",
    dot="|",
    ellipsis="...",
    quotes=('"', '"'),
    to=">",
    minus="-",
)


@dataclass(frozen=True, slots=True)
class Style:
    """Everything that depends on the terminal."""

    palette: Palette
    glyphs: Glyphs

    @classmethod
    def for_terminal(cls, *, color: bool, ascii_only: bool) -> Style:
        """Choose colours and signs."""
        return cls(COLOURED if color else PLAIN, ASCII if ascii_only else UNICODE)

    def clean(self, text: str) -> str:
        """Return text from outside as one harmless line.

        Line ends become blanks; control, direction and private characters become ``?``, so that a
        file name or a word cannot steer the terminal. Without Unicode, accents are dropped.
        """
        line = " ".join(text.split())
        line = "".join("?" if unicodedata.category(c) in _UNSAFE_CATEGORIES else c for c in line)
        if self.glyphs is ASCII:
            line = unicodedata.normalize("NFKD", line.replace("\u2019", "'").replace("\u2026", "..."))
            line = "".join(c for c in line if not unicodedata.combining(c))
            line = line.encode("ascii", "replace").decode("ascii")
        return line

    def quote(self, text: str) -> str:
        """Return cleaned text in quotation marks."""
        opening, closing = self.glyphs.quotes
        return f"{opening}{self.clean(text)}{closing}"

    def join(self, *parts: str) -> str:
        """Join short facts with a dot between blanks; empty ones are left out."""
        return f" {self.glyphs.dot} ".join(part for part in parts if part)

    def signed_seconds(self, ms: float) -> str:
        """Return milliseconds as seconds with two decimals and a real minus sign."""
        return f"{ms / 1000:.2f} s".replace("-", self.glyphs.minus)


def clock(ms: int, *, tenths: bool = False) -> str:
    """Return a position as ``m:ss`` or ``h:mm:ss``, with tenths on demand (cut, not rounded)."""
    seconds = ms // 1000
    hours, minutes = seconds // 3600, seconds // 60 % 60
    text = f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes}:{seconds % 60:02d}"
    return f"{text}.{ms % 1000 // 100}" if tenths else text


def length(ms: float) -> str:
    """Return a length for people: ``0.7 s``, ``2 min 54 s``, ``1 h 02 min``."""
    if round(ms / 1000, 1) < 60:
        return f"{ms / 1000:.1f} s"
    seconds = round(ms / 1000)
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds // 60 % 60:02d} min"


def number(value: float) -> str:
    """Return a rate with one decimal, without ``.0`` from 10 upwards."""
    return f"{value:.1f}" if abs(value) < 10 else f"{value:.0f}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun."""
    return f"{count} {one if count == 1 else many or one + 's'}"
