"""Write runs to a database, from which commands read as from files; runs that are already there are left alone."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from harness.commands.runs import add_results, read_run
from harness.sources import is_url
from reds.errors import ConfigError, MissingError

EXAMPLES = """examples:
  python -m harness push --to sqlite:///runs.db                   every run in results/runs
  python -m harness push latest --to postgresql://bench@db/runs   one run; the password comes from ~/.pgpass or PGPASSWORD
  python -m harness compare sqlite:///runs.db#20260801 sqlite:///runs.db#latest
"""


def add_parser(commands: Any) -> None:
    """Add `push` to the command line."""
    parser = commands.add_parser(
        "push",
        help="write runs to a database",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="RUN", help='files, ids or "latest" (default: every run in --results)')
    parser.add_argument("--to", required=True, metavar="URL", help="sqlite:///PATH or postgresql://USER@HOST:PORT/DATABASE")
    add_results(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Push run after run, each in one transaction.

    Raises:
        ConfigError: --to is no URL.
        MissingError: no such run, or none at all.
        TransportError: the database cannot be reached; the files stay as they are.
    """
    if not is_url(options.to):
        raise ConfigError("--to takes the URL of a database", do="a file of SQLite's: sqlite:///PATH")
    names = options.names or [str(path) for path in sorted(Path(options.results).glob("*.jsonl"))]
    if not names:
        raise MissingError(f"there are no runs in {options.results}", do="make one (pytest suites), or name files")
    from harness.sql_store import SqlStore  # noqa: PLC0415  (imports SQLAlchemy)

    outcomes: Counter[str] = Counter()
    with SqlStore.open(options.to, create=True) as store:
        for name in names:
            run = read_run(name, options.results)
            outcome = store.push(run)
            outcomes[outcome] += 1
            print(f"{run.run.id}: {outcome}", flush=True)
        print(f"{len(names)} runs in {store.name}: {', '.join(f'{count} {outcome}' for outcome, count in outcomes.items())}")
    return 0
