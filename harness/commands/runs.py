"""What commands that read runs have in common."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from harness.commands.unreadable import warn_of_damage
from harness.judging import Thresholds
from harness.matrix import PAPER, SUITES, has_matrix, load_thresholds
from harness.run_file import RunFile
from harness.sources import is_url, open_run
from reds.errors import MissingError

PATH_LIKE = re.compile(r"^[./~]|\.jsonl$")  # nothing but a path looks so: ids, baselines and revisions do not
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
    try:
        run = open_run(with_suffix if Path(with_suffix).is_file() else name, folder)
    except MissingError as error:
        if is_url(name):
            raise
        if Path(name).is_dir():
            do = f"name one of its files, or its last run: latest --results {name}"
            raise MissingError(f"{name} is a folder, not a run", do=do) from error
        if PATH_LIKE.search(name):
            raise MissingError(f"there is no file {name}", do=f"runs lie in {folder}: name one by its id, or latest") from error
        raise
    warn_of_damage(run.source, run.damaged_lines)
    return run


def thresholds_of(run: RunFile) -> Thresholds:
    """The thresholds of the matrix that a run was made with; the defaults, and a warning, if that is gone.

    Raises:
        ConfigError: its thresholds are wrong.
    """
    if run.run.matrix == PAPER:  # a table that is rebuilt has no thresholds of its own
        return Thresholds()
    if not has_matrix(run.run.matrix):
        print(f"warning: the default thresholds are used: the matrix {run.run.matrix} is gone", file=sys.stderr)
        return Thresholds()
    return load_thresholds(run.run.matrix)
