"""The part of the summary that tells how the agent spoke and what a live call would have prompted."""

from __future__ import annotations

from collections import Counter
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from callcoach.contract import CallDocument
from callcoach.contract.call import CueEntry, VoiceEventKind
from callcoach.events import Channel
from callcoach.sinks._style import Style, clock, number, plural

MAX_PROMPTS: Final = 20
_STATES: Final[dict[VoiceEventKind, tuple[str, str]]] = {
    "level_spike": ("louder stretch", "louder stretches"),
    "pitch_spike": ("higher stretch", "higher stretches"),
    "fast": ("fast stretch", "fast stretches"),
    "slow": ("slow stretch", "slow stretches"),
    "quiet": ("quiet stretch", "quiet stretches"),
    "flat": ("flat stretch", "flat stretches"),
    "raised_delivery": ("stretch with two quantities up", "stretches with two quantities up"),
}


def delivery(document: CallDocument, style: Style) -> list[RenderableType]:
    """Say in one line or two how the agent spoke, against the agent's own usual."""
    m, palette = document.metrics, style.palette
    facts = []
    if m.V01 is not None:
        facts.append(f"{number(m.V01.agent_wpm)} words a minute")
    elif m.V03 is not None:
        facts.append(f"about {number(m.V03.usual_wpm)} words a minute")
    if m.V03 is not None and m.V03.fast_pct:
        facts.append(f"fast {number(m.V03.fast_pct)} % of the time")
    if m.V06 is not None:
        facts.append(f"usual level {number(m.V06.usual_dbfs)} dBFS".replace("-", style.glyphs.minus))
    if m.V09 is not None:
        facts.append(f"usual pitch {number(m.V09.usual_hz)} Hz")
    if m.V10 is not None:
        facts.append(f"pitch moves by {number(m.V10.median_st)} semitones")
    if not facts:
        return []
    found = Counter(e.kind for e in document.voice_events if e.role is Channel.AGENT)
    states = [plural(found[kind], *names) for kind, names in _STATES.items() if found[kind]]
    head = Text.assemble(("Voice delivery", palette.strong), "   ", style.join(*facts))
    under = style.join(*states) if states else "no stretch beyond the limits"
    return [head, Text(under, style=palette.muted)]


def prompts(document: CallDocument, width: int, style: Style) -> list[RenderableType]:
    """List the prompts a live call would have shown, and count what was held back."""
    palette = style.palette
    visible = [c for c in document.cues if c.shown_at is not None]
    held = [c for c in document.cues if c.shown_at is None]
    head = Text.assemble(
        ("Prompts", palette.strong),
        "   ",
        f"{len(visible)} a live call would have shown {style.glyphs.dot} {len(held)} held back",
    )
    parts: list[RenderableType] = [head]
    if visible:
        grid = Table.grid(padding=(0, 2, 0, 0))
        for cue in visible[:MAX_PROMPTS]:
            form = "" if cue.shown else "ring only"
            line = Text(style.clean(cue.line or ""), style=palette.muted)
            grid.add_row(clock(cue.opened), Text(style.clean(cue.text)), form, line if width >= 120 else "")
        parts.append(grid)
        if len(visible) > MAX_PROMPTS:
            parts.append(Text(f"and {len(visible) - MAX_PROMPTS} more", style=palette.muted))
    reasons = Counter(_why(c) for c in held)
    if reasons:
        why = style.join(*(f"{count} {reason}" for reason, count in reasons.most_common()))
        parts.append(Text(f"Held back: {why}", style=palette.muted))
    return parts


def _why(cue: CueEntry) -> str:
    words = {
        "muted": "not in your set",
        "quiet": "in quiet time",
        "budget": "by the budget",
        "cooldown": "by the cooldown",
        "stale": "too late to help",
    }
    return words[cue.suppressed_by] if cue.suppressed_by else "gauge only"
