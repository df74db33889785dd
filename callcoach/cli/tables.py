"""Tables for people on a terminal, and the same as plain lines for pipes and files."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

PLAIN_WIDTH = 10_000
"""Columns when nobody looks: no line is folded or cut."""


def print_table(headers: Sequence[str], rows: Sequence[Sequence[Text | str]]) -> None:
    """Print rows under headers on standard output; without lines and colours when it is no terminal."""
    terminal = sys.stdout.isatty()
    console = Console() if terminal else Console(width=PLAIN_WIDTH, color_system=None)
    table = Table(box=box.SIMPLE_HEAD if terminal else None, pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        # A cell is text, never markup: folder names may hold square brackets.
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    with console.capture() as capture:
        console.print(table)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))
