"""What commands that read runs have in common."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.matrix import SUITES
from harness.records import RunFile, find, read

RUNS = SUITES.parent / "results" / "runs"


def add_results(parser: argparse.ArgumentParser) -> None:
    """Give a command the option --results."""
    parser.add_argument("--results", type=Path, default=RUNS, metavar="DIR", help="where runs lie (default: results/runs)")


def read_run(name: str, folder: Path) -> RunFile:
    """The run that the user named; damaged lines are reported.

    Raises:
        MissingError: no such run.
        ConfigError: the name fits several.
        ProtocolError: it cannot be read.
    """
    run = read(find(name, folder))
    if run.damaged_lines:
        lines = ", ".join(map(str, run.damaged_lines))
        print(f"warning: {run.path}: damaged lines are left out: {lines}", file=sys.stderr)
    return run
