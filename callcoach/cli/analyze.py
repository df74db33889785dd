"""``callcoach analyze``: recordings in, call folders out."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from callcoach.cli.models import ModelsFolder, open_store
from callcoach.config import load_settings
from callcoach.contract import CallDocument
from callcoach.errors import ConfigError
from callcoach.ports import Source
from callcoach.runner import Job, Recogniser, Result, analyze_source, analyze_transcript, call_folders
from callcoach.sinks.console import OverviewRow, print_summary
from callcoach.sinks.folder import FORMATS, check_formats
from callcoach.sources.file import open_recording
from callcoach.sources.pair import open_pair

MAX_VOCABULARY_BYTES = 1 << 20
"""A vocabulary file is a short list; anything above 1 MiB is refused before it is read."""


@dataclass(frozen=True, slots=True)
class Input:
    """One call to analyse; ``open_source`` is None for a transcript."""

    name: str
    paths: tuple[Path, ...]
    open_source: Callable[[], Source] | None


def analyze(
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[INPUT]...", help="Recordings: agent on one channel, caller on the other."),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Where the call folders go.")
    ] = Path("calls"),
    agent: Annotated[
        Path | None, typer.Option("--agent", metavar="FILE", help="Mono recording of the agent.")
    ] = None,
    caller: Annotated[
        Path | None,
        typer.Option(
            "--caller", metavar="FILE", help="Mono recording of the caller, started together with --agent."
        ),
    ] = None,
    transcript: Annotated[
        list[Path] | None,
        typer.Option(
            "--transcript", metavar="FILE", help="A transcript instead of audio (callcoach.transcript/1)."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", metavar="ID", help="Speech model: tiny.en, base or small.")
    ] = "base",
    language: Annotated[str, typer.Option("--language", help="Language of the call.")] = "en",
    agent_channel: Annotated[
        int, typer.Option("--agent-channel", min=0, help="Channel of the agent, from 0.")
    ] = 0,
    caller_channel: Annotated[
        int | None,
        typer.Option(
            "--caller-channel", min=0, help="Channel of the caller; default: the other of the first two."
        ),
    ] = None,
    audio_track: Annotated[
        int, typer.Option("--audio-track", min=0, help="Audio track of a video, from 0.")
    ] = 0,
    settings: Annotated[
        Path | None, typer.Option("--settings", metavar="FILE", help="Settings (TOML).")
    ] = None,
    no_words: Annotated[
        bool, typer.Option("--no-words", help="Turns, pauses and delivery only, without recognising words.")
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
    brief: Annotated[bool, typer.Option("--brief", help="Leave the transcript out of the summary.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a machine-readable summary.")] = False,
    models: ModelsFolder = None,
) -> None:
    """Analyse recordings: who spoke when, overlaps and interruptions, silences, words.

    Each call gets a folder with call.json, events.jsonl and prosody.npz. Exit status: 0 all done, 2 wrong
    usage, 3 at least one recording rejected, 4 speech model missing, 130 stopped.
    """
    calls = _inputs(inputs or [], agent, caller, transcript or [], agent_channel, caller_channel, audio_track)
    job = Job(
        out=out,
        settings=load_settings(settings),
        formats=tuple(sorted(check_formats(f.strip() for f in formats.split(",") if f.strip()))),
        language=language,
    )
    recogniser: Recogniser | None = None
    results: list[Result] = []
    show = not quiet and not as_json
    try:
        if not no_words and any(c.open_source is not None for c in calls):
            with _status(show, f"Loading the speech model {model}"):
                recogniser = Recogniser(
                    model,
                    store=open_store(models),
                    language=language,
                    hotwords=vocabulary_words(hotwords, vocabulary),
                )
        folders = call_folders(out, [c.name for c in calls])
        for call, folder in zip(calls, folders, strict=True):
            results.append(_one(call, folder, job, recogniser, show))
            if results[-1].error is not None:
                print(f"callcoach: {results[-1].error}", file=sys.stderr)
    except KeyboardInterrupt:
        _report(results, out, quiet=quiet, as_json=as_json, brief=brief)
        done = f"; {len(results)} finished call{'s' if len(results) != 1 else ''} kept" if results else ""
        print(f"callcoach: stopped{done}.", file=sys.stderr)
        raise typer.Exit(130) from None
    finally:
        if recogniser is not None:
            recogniser.close()
    _report(results, out, quiet=quiet, as_json=as_json, brief=brief)
    if any(r.error is not None for r in results):
        raise typer.Exit(3)


def _inputs(
    recordings: list[Path],
    agent: Path | None,
    caller: Path | None,
    transcripts: list[Path],
    agent_channel: int,
    caller_channel: int | None,
    audio_track: int,
) -> list[Input]:
    if (agent is None) != (caller is None):
        raise ConfigError("--agent and --caller belong together: name one mono recording for each.")
    if caller_channel is not None and caller_channel == agent_channel:
        raise ConfigError("--agent-channel and --caller-channel name the same channel; choose two.")
    found = [
        Input(
            path.name,
            (path,),
            functools.partial(
                open_recording,
                path,
                agent_channel=agent_channel,
                caller_channel=caller_channel,
                audio_track=audio_track,
            ),
        )
        for path in recordings
    ]
    if agent is not None and caller is not None:
        found.append(Input(agent.name, (agent, caller), functools.partial(open_pair, agent, caller)))
    found += [Input(path.name, (path,), None) for path in transcripts]
    if not found:
        raise ConfigError("Nothing to analyse: name a recording, or --agent with --caller, or --transcript.")
    return found


def vocabulary_words(given: str | None, vocabulary: Path | None) -> str | None:
    """Return what to listen for: the words of the option and of the file.

    Raises
    ------
    ConfigError
        If the file cannot be used.
    """
    if vocabulary is None:
        return given
    try:
        raw = vocabulary.read_bytes()[: MAX_VOCABULARY_BYTES + 1]
        text = raw.decode("utf-8")
    except OSError as error:
        raise ConfigError(
            f"Vocabulary file {vocabulary.name} cannot be read ({error.strerror}); check its name."
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"Vocabulary file {vocabulary.name} is not UTF-8 text; save it as such.") from None
    if len(raw) > MAX_VOCABULARY_BYTES:
        raise ConfigError(f"Vocabulary file {vocabulary.name} is larger than 1 MiB; shorten it.")
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return " ".join([*([given] if given else []), *(line for line in lines if line)])


def _one(call: Input, folder: Path, job: Job, recogniser: Recogniser | None, show: bool) -> Result:
    if call.open_source is None:
        return analyze_transcript(call.paths[0], folder, job)
    with _progress(show, call.name) as progress:
        return analyze_source(call.name, call.paths, call.open_source, folder, job, recogniser, progress)


@contextmanager
def _status(show: bool, text: str) -> Iterator[None]:
    console = Console(stderr=True)
    if show and console.is_terminal:
        with console.status(text):
            yield
    else:
        yield


@contextmanager
def _progress(show: bool, name: str) -> Iterator[Callable[[float, float | None], None] | None]:
    """Draw a bar on standard error, when it is a terminal."""
    console = Console(stderr=True)
    if not show or not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=None)

        def advance(done: float, total: float | None) -> None:
            bar.update(task, completed=done, total=max(total, done) if total else None)

        yield advance


def _report(results: list[Result], out: Path, *, quiet: bool, as_json: bool, brief: bool) -> None:
    if as_json:
        print(json.dumps({"calls": [_brief(r) for r in results]}, indent=1, ensure_ascii=False))
        return
    accepted = [r for r in results if r.error is None]
    if quiet or not results or (len(results) == 1 and not accepted):
        return
    rows = [OverviewRow(r.name, r.document if r.error is None else None, r.error) for r in results]
    print_summary(Console(), rows, folder=results[0].folder if len(results) == 1 else out, words=not brief)


def _brief(result: Result) -> dict[str, object]:
    document: CallDocument = result.document
    counted = [o for o in document.overlaps if o.counted]
    metrics = document.metrics
    return {
        "input": result.name,
        "folder": str(result.folder),
        "status": document.verdict.status,
        "reasons": list(document.verdict.reasons),
        "duration_ms": document.call.duration_ms,
        "channel_mode": document.call.channel_mode,
        "agent_interruptions": sum(o.incomer == "agent" for o in counted),
        "caller_interruptions": sum(o.incomer == "caller" for o in counted),
        "agent_talk_share_pct": None if metrics.M02 is None else metrics.M02.agent_pct,
        "story_completed": None if document.opening_story is None else document.opening_story.completed,
        "words": sum(len(e.words) for e in document.transcript),
    }
