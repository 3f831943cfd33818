"""What commands that read runs have in common."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.matrix import SUITES
from harness.run_file import RunFile
from harness.sources import open_run

RUNS = SUITES.parent / "results" / "runs"


def add_results(parser: argparse.ArgumentParser) -> None:
    """Give a command the option --results."""
    parser.add_argument("--results", type=Path, default=RUNS, metavar="DIR", help="where runs lie (default: results/runs)")


def read_run(name: str, folder: Path) -> RunFile:
    """The run that the user named; damaged lines are reported.

    Raises:
        MissingError, ConfigError, TransportError, ProtocolError: as `harness.sources.open_run`.
    """
    with_suffix = f"{name}.jsonl"
    run = open_run(with_suffix if Path(with_suffix).is_file() else name, folder)
    if run.damaged_lines:
        lines = ", ".join(map(str, run.damaged_lines))
        print(f"warning: {run.source}: damaged lines are left out: {lines}", file=sys.stderr)
    return run
