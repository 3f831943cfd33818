"""What commands that read runs have in common."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from harness.commands.unreadable import warn_of_damage
from harness.judging import Thresholds, sides
from harness.matrix import PAPER, SUITES, has_matrix, load_thresholds
from harness.records import FAILURES, last_outcomes
from harness.run_file import RunFile
from harness.sources import LATEST, is_url, open_run
from harness.wording import counted, one_line
from reds.errors import MissingError

PATH_LIKE = re.compile(r"^[./~]|\.jsonl$")  # nothing but a path looks so: ids, baselines and revisions do not
RUNS = SUITES.parent / "results" / "runs"


def add_results(parser: argparse.ArgumentParser) -> None:
    """Give a command the option --results."""
    parser.add_argument("--results", type=Path, default=RUNS, metavar="DIR", help="where runs lie (default: results/runs)")


def read_run(name: str, folder: Path) -> RunFile:
    """The run that the user named; damaged lines are reported, and what is wrong with a run that nobody chose but its time.

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
    if name == LATEST or name.endswith(f"#{LATEST}"):
        _warn_of_latest(run)
    return run


def _warn_of_latest(run: RunFile) -> None:
    """Say which run the last one is if it did not go well: perhaps another was meant."""
    ended = list(last_outcomes(run.outcomes).values())
    failed, skipped = (sum(outcome.outcome in kinds for outcome in ended) for kinds in (FAILURES, ("skipped",)))
    faults = [
        "" if run.measurements else "it holds no measurements" + (f", {counted(skipped, 'test')} skipped" if skipped else ""),
        f"{counted(failed, 'test')} failed" if failed else "",
        run.cut_short or "",
    ]
    if any(faults):
        print(f"warning: latest is {one_line(sides.name(run))}: {'; '.join(filter(None, faults))}", file=sys.stderr)


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
