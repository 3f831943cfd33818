"""Write runs to a database, from which commands read as from files; runs that are already there are left alone."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from harness.commands.runs import add_results, read_run
from harness.commands.unreadable import LeftOut
from harness.sources import is_url
from harness.wording import counted
from reds.errors import ConfigError, MissingError, ProtocolError

NAME = "push"
SUMMARY = "write runs to a database"
EXAMPLES = """examples:
  python -m harness push --to sqlite:///runs.db                   every run in results/runs
  python -m harness push latest --to postgresql://bench@db/runs   one run; the password comes from ~/.pgpass or PGPASSWORD
  python -m harness compare sqlite:///runs.db#20260801 sqlite:///runs.db#latest
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("words", nargs="*", metavar="RUN", help='files, ids or "latest" (default: every run in --results)')
    parser.add_argument("--to", required=True, metavar="URL", help="sqlite:///PATH or postgresql://USER@HOST:PORT/DATABASE")
    add_results(parser)


def run(options: argparse.Namespace) -> int:
    """Push run after run, each in one transaction; 1 if some of a folder could not be read.

    Raises:
        ConfigError: --to is no URL.
        MissingError: no such run, or none at all.
        ProtocolError: a run that was named cannot be read.
        TransportError: the database cannot be reached; the files stay as they are.
    """
    if not is_url(options.to):
        raise ConfigError("--to takes the URL of a database", do="a file of SQLite's: sqlite:///PATH")
    folder = [str(path) for path in sorted(Path(options.results).glob("*.jsonl"))]
    if not (options.words or folder):
        raise MissingError(f"there are no runs in {options.results}", do="make one (pytest suites), or name files")
    from harness.sql_store import SqlStore  # noqa: PLC0415  (imports SQLAlchemy)

    outcomes: Counter[str] = Counter()
    left_out = LeftOut()
    with SqlStore.open(options.to, create=True) as store:
        for name in options.words or folder:
            try:
                run = read_run(name, options.results)
            except ProtocolError as error:
                if options.words:
                    raise
                left_out(error)
                continue
            outcome = store.push(run)
            outcomes[outcome] += 1
            print(f"{run.run.id}: {outcome}", flush=True)
        counts = [
            *(f"{count} {outcome}" for outcome, count in outcomes.items()),
            *([f"{len(left_out)} left out"] if left_out else []),
        ]
        print(f"{counted(outcomes.total(), 'run')} in {store.name}: {', '.join(counts)}")
    return int(bool(left_out))
