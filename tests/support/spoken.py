"""Words with times from plain text."""

from __future__ import annotations

import re

from callcoach.clock import Span, to_samples
from callcoach.events import Word

_PAUSE = re.compile(r"<([\d.]+)>")


def spoken(text: str, start_s: float = 0.0, *, gap_s: float = 0.05, word_s: float = 0.3) -> list[Word]:
    """Return the words of a text one after another; ``<2.5>`` is a pause of that many seconds."""
    at, out = start_s, []
    for piece in text.split():
        pause = _PAUSE.fullmatch(piece)
        if pause is not None:
            at += float(pause[1])
            continue
        out.append(Word(piece, Span(to_samples(at), to_samples(at + word_s)), 0.9))
        at += word_s + gap_s
    return out
