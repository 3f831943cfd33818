"""How commands print: tables that fit the terminal, colour only on one, JSON for programs."""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness import terminal
from harness.wording import one_line


def print_json(value: Any) -> None:
    """Print a value for programs."""
    print(json.dumps(value, indent=1))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> None:
    """Print rows under column heads; the columns `numbers` are aligned to the right. Texts are folded to fit a terminal."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    console = Console(file=io.StringIO(), width=terminal.columns(), highlight=False)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    print("\n".join(line.rstrip() for line in console.file.getvalue().splitlines()))


def add_json(parser: argparse._ActionsContainer) -> None:
    """Give a command the option --json."""
    parser.add_argument("--json", action="store_true", help="print JSON for programs instead of a table")
