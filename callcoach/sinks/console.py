"""The terminal summary of analysed calls: quantities, times and words, nothing judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.table import Table
from rich.text import Text

from callcoach.contract import CallDocument
from callcoach.sinks._facts import fact_table
from callcoach.sinks._interruptions import interruptions
from callcoach.sinks._language import language
from callcoach.sinks._overview import OverviewRow, render_overview
from callcoach.sinks._prompts import delivery, prompts
from callcoach.sinks._script import script
from callcoach.sinks._style import MAX_WIDTH, MIN_WIDTH, Style, length, number, plural
from callcoach.sinks._timeline import timeline

__all__ = ["OverviewRow", "print_summary", "render_overview", "render_summary"]

BLEED_SHARE: Final = 0.2
"""Above this share of caller speech the bleed is told (metric definitions 1.3)."""
CLIPPING_PCT: Final = 1.0
"""Above this share of clipped samples level and pitch are unusable (metric definitions V08)."""
_MODES: Final = {"dual": "two channels", "mono": "one channel", "transcript": "transcript only"}


def render_summary(
    document: CallDocument,
    *,
    width: int,
    color: bool,
    folder: Path | None = None,
    ascii_only: bool = False,
    words: bool = True,
) -> RenderableType:
    """Return the summary of one call.

    Parameters
    ----------
    document : the analysed call
    width : columns of the terminal; lines never get longer, nor than `MAX_WIDTH`; below `MIN_WIDTH` the
        terminal cuts them
    color : False gives text without any style
    folder : where the call folder lies, shown at the end
    ascii_only : for terminals without UTF-8
    words : whether the transcript is part of it
    """
    style = Style.for_terminal(color=color, ascii_only=ascii_only)
    width = max(MIN_WIDTH, min(width, MAX_WIDTH))
    parts: list[RenderableType] = [_header(document, width, style), *_notes(document, style)]
    if document.segments:
        parts += [Text(), *timeline(document, width, style)]
    if document.call.channel_mode != "mono" and document.call.duration_ms > 0:
        parts += [Text(), *interruptions(document, width, style)]
    if document.call.channel_mode == "dual" and document.call.duration_ms > 0:
        spoken = delivery(document, style)
        parts += [Text(), *spoken] if spoken else []
        parts += [Text(), *prompts(document, width, style)]
    if document.call.channel_mode != "mono" and document.call.duration_ms > 0:
        said = language(document, style)
        parts += [Text(), *said] if said else []
    if words and document.transcript:
        parts += [Text(), *script(document, width, style)]
    parts += [Text(), fact_table(document, width, style, folder=folder)]
    return Constrain(Group(*parts), width)


def print_summary(
    console: Console, rows: Sequence[OverviewRow], *, folder: Path | None = None, words: bool = True
) -> None:
    """Print what a run found: the details of a single call, or a table of several.

    Width, colours and UTF-8 are taken from the console. ``folder`` is the call folder of a single
    call, the output folder of several.
    """
    color = console.color_system is not None and not console.no_color
    ascii_only = not console.encoding.lower().startswith("utf")
    width = console.width
    only = rows[0].document if len(rows) == 1 else None
    if only is not None:
        shown = render_summary(
            only, width=width, color=color, folder=folder, ascii_only=ascii_only, words=words
        )
    else:
        shown = render_overview(rows, width=width, color=color, folder=folder, ascii_only=ascii_only)
    console.print(shown, markup=False, highlight=False, emoji=False)


def _header(document: CallDocument, width: int, style: Style) -> RenderableType:
    palette, call = style.palette, document.call
    right = style.join(
        length(call.duration_ms), _MODES[call.channel_mode], f"recording {document.verdict.status}"
    )
    name = Text(style.clean(call.source), style=palette.strong, no_wrap=True)
    words = f"words by {style.clean(call.model.id)}" if call.model else "no words"
    if call.channel_mode == "transcript":
        words = "words from the transcript"
    under = style.join(words, style.clean(call.language or ""), f"callcoach {style.clean(call.version)}")
    lines: list[Text] = []
    if width >= name.cell_len + len(right) + 3:
        lines.append(Text.assemble(name, " " * (width - name.cell_len - len(right)), right, no_wrap=True))
    else:
        name.truncate(width, overflow="ellipsis" if style.glyphs.ellipsis == "…" else "crop")
        lines += [name, Text(right)]
    lines.append(Text(under, style=palette.muted))
    return Group(*lines, Text(style.glyphs.rule * width, style=palette.muted, no_wrap=True))


def _notes(document: CallDocument, style: Style) -> list[RenderableType]:
    """Say what limits the figures, before they are read."""
    quality, verdict = document.quality, document.verdict
    notes = []
    if document.call.channel_mode == "mono":
        notes.append("One channel holds both sides: no turns, interruptions or shares are given.")
    status = "" if verdict.status == "ok" else f"Recording {verdict.status}: "
    notes += [f"{status}{reason}" for reason in verdict.reasons]
    if quality.bleed_share is not None and quality.bleed_share > BLEED_SHARE:
        share = f"{100 * quality.bleed_share:.0f} %"
        notes.append(
            f"The caller can be heard in the agent's microphone ({share} of the caller's speech): "
            "the agent's interruptions are uncertain. Use a headset."
        )
    if quality.clipping_pct is not None and quality.clipping_pct > CLIPPING_PCT:
        notes.append(f"{number(quality.clipping_pct)} % of the samples are clipped: lower the input level.")
    if quality.nan_samples:
        notes.append(f"{plural(quality.nan_samples, 'sample')} held no number and became silence.")
    if quality.lost_audio_ms:
        notes.append(f"{length(quality.lost_audio_ms)} of sound were lost.")
    if quality.missed_text_jobs:
        late = plural(quality.missed_text_jobs, "stretch", "stretches")
        notes.append(f"{late} of speech came without words in time.")
    if document.call.model is None and document.call.channel_mode == "dual":
        notes.append("No words were asked for: classes of overlaps rest on the sound alone.")
    if not notes:
        return []
    grid = Table.grid(padding=(0, 1, 0, 0))
    for note in notes:
        grid.add_row(Text("!", style=style.palette.strong), Text(style.clean(note)))
    return [grid]
