"""Show the table of a run: one row for each subnetwork of each placement."""

from __future__ import annotations

import argparse
import csv
import sys
from dataclasses import fields
from typing import Any

from harness import summary
from harness.commands.output import add_json, print_json, width
from harness.commands.runs import add_results, read_run
from harness.summary import Row

EXAMPLES = """examples:
  python -m harness report latest
  python -m harness report 20260801T120000Z-1a2b3c --csv > table.csv
  python -m harness report results/runs/20260801T120000Z-1a2b3c.jsonl --json
"""


def add_parser(commands: Any) -> None:
    """Add `report` to the command line."""
    parser = commands.add_parser(
        "report",
        help="the table of a run",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="RUN", help='a file, the id of a run or its beginning, or "latest"')
    add_results(parser)
    formats = parser.add_mutually_exclusive_group()
    add_json(formats)
    formats.add_argument("--csv", action="store_true", help="print comma-separated values with a line of column names")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the table."""
    found = read_run(options.name, options.results)
    rows = summary.rows(found.measurements)
    if options.json:
        print_json({"run": found.run.id, "rows": summary.to_dicts(rows)})
    elif options.csv:
        writer = csv.DictWriter(sys.stdout, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(summary.to_dicts(rows))
    else:
        table = summary.render(rows, width=width(), colour=sys.stdout.isatty())
        print(table if rows else "nothing was measured on a device")
        print(f"{len(found.measurements)} measurements in {found.path}")
    return 0
