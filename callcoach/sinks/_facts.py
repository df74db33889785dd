"""The part of the summary that lists quantities: shares, story, answers, silences."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from callcoach.contract import CallDocument
from callcoach.events import Channel
from callcoach.sinks._style import Style, clock, length, number, plural
from callcoach.sinks._texts import CONTEXT_MS, EARLY_WORD_MS, INCOMER_WORDS, timed_words

FACT_LABEL_WIDTH: Final = 15
MAX_SILENCES: Final = 6
_SILENCES: Final = {"dead_air": "dead air", "hold": "hold", "narrated": "announced silence", "gap": "gap"}


def fact_table(document: CallDocument, width: int, style: Style, *, folder: Path | None) -> Table:
    """Return the labelled facts as a table, the call folder last."""
    facts = _facts(document, width, style)
    if folder is not None:
        facts.append(("Files", [Text(style.clean(f"{folder}/"))]))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style=style.palette.muted)
    grid.add_column(overflow="fold")
    for label, lines in facts:
        for i, line in enumerate(lines):
            grid.add_row("" if i else label, line)
    return grid


def _facts(document: CallDocument, width: int, style: Style) -> list[tuple[str, list[Text]]]:
    """Return the labelled facts, each as lines."""
    metrics = document.metrics
    room = width - FACT_LABEL_WIDTH
    facts: list[tuple[str, list[Text]]] = []
    if metrics.M01 is not None and metrics.M02 is not None:
        facts.append(("Talk share", [_share_bar(document, room, style)]))
    if document.opening_story is not None:
        facts.append(("Opening story", _story(document, room, style)))
    latency = metrics.M12
    if latency is not None:
        spread = (
            f"{plural(latency.n, 'answer')}, most between {style.signed_seconds(latency.p10_ms)} "
            f"and {style.signed_seconds(latency.p90_ms)}"
        )
        text = f"agent {style.signed_seconds(latency.median_ms)} after the caller (median)"
        facts.append(("Response time", _with_muted(text, spread, room, style)))
    silences = _silences(document, room, style)
    if silences:
        facts.append(("Silence", silences))
    longest = [
        f"{name} {length(1000 * value.longest_s)} at {clock(value.begin)}"
        for name, value in (("agent", metrics.M14), ("caller", metrics.M15))
        if value is not None
    ]
    if longest:
        facts.append(("Longest turn", [Text(style.join(*longest))]))
    if metrics.M16 is not None:
        changes = plural(metrics.M16.count, "change")
        facts.append(("Floor", [Text(f"{changes}, {number(metrics.M16.per_min)} per minute")]))
    if metrics.M17 is not None:
        rate = f"{number(metrics.M17.per_min)} per minute of caller speech"
        heard = plural(metrics.M17.count, "backchannel")
        facts.append(("Listening", [Text(f"agent {heard}, {rate}")]))
    if metrics.M21 is not None:
        facts.append(("Greeting", [Text(f"agent speaks after {length(1000 * metrics.M21.seconds)}")]))
    return facts


def _with_muted(text: str, more: str, room: int, style: Style) -> list[Text]:
    """Return a fact and its details, on one line where both fit."""
    details = Text(more, style=style.palette.muted)
    if cell_len(text) + 2 + details.cell_len <= room:
        return [Text.assemble(text, "  ", details)]
    return [Text(text), details]


def _share_bar(document: CallDocument, room: int, style: Style) -> Text:
    talk, share = document.metrics.M01, document.metrics.M02
    if talk is None or share is None:
        return Text()
    agent = f"agent {share.agent_pct:.0f} %"
    caller = f"{100 - round(share.agent_pct)} % caller"
    times = f"{length(1000 * talk.agent_s)} and {length(1000 * talk.caller_s)}"
    cells = max(4, min(32, room - len(agent) - len(caller) - 2))
    filled = min(cells, max(0, round(cells * share.agent_pct / 100)))
    text = Text.assemble(
        (agent, style.palette.agent),
        " ",
        (style.glyphs.bar * filled, style.palette.agent),
        (style.glyphs.bar_other * (cells - filled), style.palette.caller),
        " ",
        (caller, style.palette.caller),
    )
    if text.cell_len + 2 + len(times) <= room:
        text.append(f"  {times}", style.palette.muted)
    return text


def _story(document: CallDocument, room: int, style: Style) -> list[Text]:
    story = document.opening_story
    if story is None:
        return []
    backchannels = f"{plural(story.backchannels, 'backchannel')} in it"
    words = "" if story.words is None else plural(story.words, "word")
    if story.cut_at is None:
        told = f"told to its end in {length(story.length_ms)}"
        return _with_muted(told, style.join(words, backchannels), room, style)
    told = (
        f"cut off after {length(max(0, story.cut_at - story.begin))}, at {clock(story.cut_at, tenths=True)}"
    )
    cutting = [
        word
        for first, _, word in timed_words(document, Channel.AGENT)
        if story.cut_at - EARLY_WORD_MS <= first < story.cut_at + CONTEXT_MS
    ]
    for count in range(min(INCOMER_WORDS, len(cutting)), 0, -1):
        more = f" {style.glyphs.ellipsis}" if len(cutting) > count else ""
        quoted = f"{told}, by {style.quote(' '.join(cutting[:count]) + more)}"
        if cell_len(quoted) <= room or count == 1:
            told = quoted
            break
    return _with_muted(told, style.join(words, backchannels), room, style)


def _silences(document: CallDocument, room: int, style: Style) -> list[Text]:
    lines: list[Text] = []
    long = [silence for silence in document.silences if silence.kind != "gap"]
    for silence in long[:MAX_SILENCES]:
        text = Text(f"{clock(silence.begin)}  {length(silence.length_ms)} {_SILENCES[silence.kind]}")
        if silence.owner is not None:
            text.append(", the ").append(silence.owner.value, style.palette.of(silence.owner))
            text.append("'s turn to act")
        lines.append(text)
    if len(long) > MAX_SILENCES:
        lines.append(Text(f"and {len(long) - MAX_SILENCES} more", style=style.palette.muted))
    total = document.metrics.M04
    if total is not None and not long:
        gaps = f"{length(1000 * total.total_s)} in pauses over 3 s" if total.total_s else "no pause over 3 s"
        lines += _with_muted("no dead air", gaps, room, style)
    return lines
