"""The command line: thin commands over `callcoach.runner` and `callcoach.what_if`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Annotated, ClassVar

import typer

from callcoach import __version__
from callcoach.cli._lazy import LazyCommands
from callcoach.errors import CallCoachError


class _Commands(LazyCommands):
    """All commands, in the order of the help."""

    places: ClassVar[Mapping[str, str]] = {
        "analyze": "callcoach.cli.analyze:analyze",
        "live": "callcoach.cli.live:live",
        "recover": "callcoach.cli.recover:recover",
        "replay": "callcoach.cli.replay:replay",
        "devices": "callcoach.cli.devices:devices",
        "models": "callcoach.cli.models:app",
        "words": "callcoach.cli.words:app",
        "doctor": "callcoach.cli.doctor:doctor",
    }


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Coach for phone support: turns, interruptions and words of a call, measured on this computer.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"callcoach {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show log lines, and a traceback when something fails.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version.")
    ] = False,
) -> None:
    """Take the options of every command."""
    logging.basicConfig(
        level=logging.INFO if debug else logging.ERROR,
        format="%(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )


def main() -> None:
    """Run the command line; every failure is one sentence unless ``--debug`` is given."""
    debug = "--debug" in sys.argv
    try:
        app()
    except CallCoachError as error:
        if debug:
            raise
        print(f"callcoach: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        print("callcoach: stopped.", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if debug:
            raise
        print(
            f"callcoach: something went wrong inside callcoach ({type(error).__name__}); "
            "run the command again as 'callcoach --debug ...' and report what it prints.",
            file=sys.stderr,
        )
        sys.exit(1)
