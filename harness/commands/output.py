"""How commands print: tables that fit the terminal, colour only on one, JSON for programs."""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness import terminal
from harness.wording import one_line

SIGNS: Mapping[str, str] = {"+": "green", "-": "red"}


def print_json(value: Any) -> None:
    """Print a value for programs."""
    print(json.dumps(value, indent=1))


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Collection[str] = (), signed: Collection[str] = ()
) -> None:
    """Print rows under column heads; texts are folded to fit a terminal.

    Args:
        columns: the heads.
        rows: a text for each column.
        numbers: columns that are aligned to the right.
        signed: columns that a terminal shows green where they begin with a plus and red where they begin with a minus.
    """
    colour = sys.stdout.isatty()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        cells = zip(columns, row, strict=True)
        table.add_row(*(Text(one_line(cell), SIGNS.get(cell[:1], "") if name in signed else "") for name, cell in cells))
    system = "standard" if colour else None
    console = Console(file=io.StringIO(), width=terminal.columns(), highlight=False, force_terminal=colour, color_system=system)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    print("\n".join(line.rstrip() for line in console.file.getvalue().splitlines()))


def add_json(parser: argparse._ActionsContainer) -> None:
    """Give a command the option --json."""
    parser.add_argument("--json", action="store_true", help="print JSON for programs instead of a table")
