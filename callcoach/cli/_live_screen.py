"""What a live call shows in the terminal: words of both sides, cues, and one line of state."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from callcoach.clock import SAMPLE_RATE
from callcoach.core.cues.catalogue import catalogue
from callcoach.events import Channel, CueShown, Event, Notice, Pause, Words
from callcoach.live.interim import InterimRecord
from callcoach.live.session import LiveSession, Say

RECORDING_AGE_S: Final = 2.0
"""Age of the last byte on disk above which the light is not "recording" (DEV-5)."""
_NOTICES: Final = {
    "S-BLEED": "Use a headset: the caller is heard in your microphone.",
    "S-CLIP": "The microphone clips: turn it down.",
    "S-SAME-SOUND": "The same sound is on both sides: check the devices.",
    "S-NO-AGENT-AUDIO": "Nothing is heard from your microphone.",
    "S-NO-CALLER-AUDIO": "Nothing is heard from the caller.",
}


class Screen:
    """Prints lines; on a terminal, the open text of both sides and the state stand below them.

    Parameters
    ----------
    quiet : only warnings and notices of lost parts.
    """

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._open: dict[Channel | None, InterimRecord] = {}
        self._entries = catalogue()
        self._live: Live | None = None
        self._lock = threading.Lock()

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Show that something takes a while."""
        if self._quiet or not self._console.is_terminal:
            yield
            return
        with self._console.status(text):
            yield

    def say(self, kind: Say, text: str) -> None:
        """Show one sentence."""
        if self._quiet and kind != "warning":
            return
        style = {"warning": "bold yellow", "notice": "cyan", "started": "dim", "status": "dim"}[kind]
        self._print(Text(text, style=style))

    def event(self, event: Event, now: int) -> None:
        """Show words, cues and notices."""
        if self._quiet:
            return
        match event:
            case Words(channel=channel, items=items) if items:
                self._open.pop(channel, None)
                line = Text(f"{_clock(event.span.start)}  ", style="dim")
                line.append(f"{'agent' if channel is Channel.AGENT else 'caller'}: ", style=_style(channel))
                for word in items:
                    line.append(word.text + " ", style="" if word.probability >= 0.5 else "italic")
                self._print(line)
            case CueShown(form="text", text=str(text)):
                self._print(Text.assemble((f"{_clock(now)}  ", "dim"), ("▶ " + text, "bold magenta")))
            case CueShown(form="ring", cue=cue):
                name = self._entries[cue].key.replace("_", " ")
                self._print(Text.assemble((f"{_clock(now)}  ", "dim"), (f"◯ {name}", "magenta")))
            case Notice(code=code) if code in _NOTICES:
                self._print(Text(f"{_clock(now)}  {_NOTICES[code]}", style="yellow"))
            case Pause(on=True):
                self._open.clear()
            case _:
                pass

    def interim(self, record: InterimRecord) -> None:
        """Show the text of an utterance as it grows."""
        self._open[record.channel] = record

    def tick(self, session: LiveSession) -> None:
        """Refresh what stands below the lines."""
        if self._quiet or not self._console.is_terminal:
            return
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        table = Table.grid()
        for channel, record in list(self._open.items()):
            words = record.text.split()
            line = Text(f"       {channel or ''}: ", style=_style(channel))
            line.append(" ".join(words[: record.stable]) + " ")
            line.append(" ".join(words[record.stable :]), style="dim")
            table.add_row(line)
        table.add_row(self._state(session))
        self._live.update(table, refresh=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _state(self, session: LiveSession) -> Text:
        status = None if session.disk is None else session.disk.status
        age = None if status is None else status.synced_age_s
        if session.paused is not None:
            light = ("‖ paused", "bold yellow")
        elif age is not None and age <= RECORDING_AGE_S:
            sides = "both sides" if len(session.consent.stored) > 1 else "your side"
            light = (f"● recording {sides}", "bold red")
        else:
            light = ("○ not recording", "yellow")
        line = Text.assemble((f"{_clock(round(session.seconds * SAMPLE_RATE))}  ", "dim"), light)
        if session.consent.waiting:
            line.append("  ask the caller, then press y or n", "yellow")
        if session.level:
            line.append(f"  words reduced (L{session.level})", "yellow")
        return line

    def _print(self, line: Text) -> None:
        with self._lock:
            self._console.print(line, highlight=False, soft_wrap=True)


def _style(channel: Channel | None) -> str:
    return "green" if channel is Channel.AGENT else "blue"


def _clock(position: int) -> str:
    seconds = position // SAMPLE_RATE
    return f"{seconds // 60:02d}:{seconds % 60:02d}"
