"""``callcoach live``: a call while it runs, in the terminal."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal

import typer
from rich.console import Console

from callcoach.cli._live_screen import Screen
from callcoach.cli.analyze import vocabulary_words
from callcoach.cli.models import ModelsFolder, open_store
from callcoach.config import load_settings
from callcoach.errors import ConfigError
from callcoach.events import Channel
from callcoach.live.inputs import resolve
from callcoach.live.recogniser import LiveRecogniser
from callcoach.live.session import LiveSession, Plan
from callcoach.sinks.console import OverviewRow, print_summary
from callcoach.sinks.folder import FORMATS, check_formats

BASES = ("notice", "asked", "own-side")
KEYS = {
    "y": "agreed",
    "n": "refused",
    "p": "private",
    "c": "card",
    "r": "resume",
    "x": "scrub",
    "b": "bookmark",
    "q": "stop",
}
"""Keys of the headless mode, and what they order; a line with the order itself works as well."""
HELP = (
    "Keys: y caller agreed, n refused, p private, c card pause, r resume, x remove 30 s, b bookmark, q stop."
)


def live(
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Where the call folder goes.")
    ] = Path("calls"),
    agent_source: Annotated[
        str | None,
        typer.Option(
            "--agent-source",
            metavar="SOURCE",
            help="Your microphone, by a name that 'callcoach devices' prints, or a recording played at 1x.",
        ),
    ] = None,
    caller_source: Annotated[
        str | None,
        typer.Option(
            "--caller-source",
            metavar="SOURCE",
            help="The softphone or the output it plays on, or a recording. A recording with two channels "
            "may be named for both sides.",
        ),
    ] = None,
    consent: Annotated[
        str,
        typer.Option(
            "--consent",
            metavar="BASIS",
            help="Why the caller's side may be stored and transcribed: notice (the line announces it), asked "
            "(you ask on each call and press y), own-side (never).",
        ),
    ] = "own-side",
    headless: Annotated[
        bool, typer.Option("--headless", help="No window: everything happens in the terminal.")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.1, help="End the call after so many seconds.")
    ] = None,
    log_interim: Annotated[
        bool, typer.Option("--log-interim", help="Keep every change of the interim text in interim.jsonl.")
    ] = False,
    model: Annotated[
        str, typer.Option("--model", metavar="ID", help="Speech model: tiny.en, base or small.")
    ] = "base",
    language: Annotated[str, typer.Option("--language", help="Language of the call.")] = "en",
    settings: Annotated[
        Path | None, typer.Option("--settings", metavar="FILE", help="Settings (TOML).")
    ] = None,
    no_words: Annotated[
        bool, typer.Option("--no-words", help="Cues only, without recognising words.")
    ] = False,
    hotwords: Annotated[
        str | None, typer.Option("--hotwords", help="Names and product words to listen for.")
    ] = None,
    vocabulary: Annotated[
        Path | None,
        typer.Option("--vocabulary", metavar="FILE", help="The same from a file, one word or name per line."),
    ] = None,
    formats: Annotated[
        str, typer.Option("--format", help=f"Comma-separated: {', '.join(FORMATS)}.")
    ] = "json,html",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but warnings.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a machine-readable summary.")] = False,
    models: ModelsFolder = None,
) -> None:
    """Coach a call while it runs: both sides' words and every cue, and a call folder afterwards.

    Until there is a basis for it (--consent), the caller's side is neither stored nor transcribed. Ctrl-C
    ends the call; a second one leaves missing words out. Exit status: 0 done, 2 wrong usage, 4 a device or
    the speech model is missing.
    """
    if consent not in BASES:
        raise ConfigError(f"Unknown --consent {consent!r}; choose from {', '.join(BASES)}.")
    chosen = resolve({Channel.AGENT: agent_source, Channel.CALLER: caller_source})
    values = load_settings(settings)
    wanted = tuple(sorted(check_formats(f.strip() for f in formats.split(",") if f.strip())))
    recogniser = None
    screen = Screen(Console(stderr=as_json), quiet=quiet or as_json)
    if not no_words:
        with screen.waiting(f"Loading the speech model {model}"):
            recogniser = LiveRecogniser.of_model(
                model,
                store=open_store(models),
                language=language,
                hotwords=vocabulary_words(hotwords, vocabulary),
                on_notice=lambda text: screen.say("warning", text),
            )
            recogniser.start()
    folder = _new_folder(out)
    plan = Plan(
        folder=folder,
        inputs=chosen,
        settings=values,
        basis=_basis(consent),
        seconds=seconds,
        log_interim=log_interim,
        formats=wanted,
        source=" + ".join(dict.fromkeys(Path(i.name).name for i in chosen.values())),
    )
    try:
        session = LiveSession(plan, recogniser, screen)
        screen.say("status", f"Call folder: {folder}")
        if not headless:
            screen.say("status", "There is no window yet; the call runs in the terminal.")
        with _stopping(session, recogniser), _keys(session, screen):
            document = session.run()
    finally:
        screen.close()
        if recogniser is not None:
            recogniser.close()
    if document is None:
        return
    if as_json:
        print(json.dumps({"folder": str(folder), "duration_ms": document.call.duration_ms}, indent=1))
    elif not quiet:
        rows = [OverviewRow(folder.name, document, None)]
        print_summary(Console(), rows, folder=folder, words=False)


def _basis(text: str) -> Literal["notice", "asked", "own-side"]:
    return "notice" if text == "notice" else "asked" if text == "asked" else "own-side"


def _new_folder(out: Path) -> Path:
    """Return a folder that does not exist yet, named after the time."""
    from datetime import datetime

    stem = datetime.now().astimezone().strftime("call-%Y%m%d-%H%M%S")
    folder, number = out / stem, 2
    while folder.exists():
        folder, number = out / f"{stem}-{number}", number + 1
    return folder


@contextmanager
def _stopping(session: LiveSession, recogniser: LiveRecogniser | None) -> Iterator[None]:
    """Let Ctrl-C and a request to end stop the call in order; the second one gives up missing words."""
    asked = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked and recogniser is not None:
            threading.Thread(target=recogniser.close, daemon=True).start()
        asked = True
        session.command("stop")

    before = {n: signal.signal(n, stop) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _keys(session: LiveSession, screen: Screen) -> Iterator[None]:
    """Take keys from a terminal, or orders line by line from a pipe."""
    if sys.stdin is None or sys.stdin.closed:
        yield
        return
    terminal = sys.stdin.isatty()
    restore = None
    if terminal:
        import termios
        import tty

        before = termios.tcgetattr(sys.stdin)
        tty.setcbreak(sys.stdin.fileno())
        screen.say("status", HELP)

        def restore() -> None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)

    def read() -> None:
        while text := (sys.stdin.read(1) if terminal else sys.stdin.readline()):
            name, _, value = text.strip().partition(" ")
            if name:
                session.command(KEYS.get(name, name), _number(value))

    threading.Thread(target=read, name="keys", daemon=True).start()
    try:
        yield
    finally:
        if restore is not None:
            restore()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
