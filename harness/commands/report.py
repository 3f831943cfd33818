"""Show a run: its table in the terminal, and a page of figures in one HTML file that needs no server and no network."""

from __future__ import annotations

import argparse
import csv
import sys
import webbrowser
from dataclasses import fields
from pathlib import Path

from harness import git_baselines, summary, terminal
from harness.commands.output import add_json, print_json
from harness.commands.runs import add_results, read_run, thresholds_of
from harness.commands.unreadable import LeftOut, warn_of_damage
from harness.judging import judge_run
from harness.readings import RunReadings, Selection
from harness.run_file import RunFile
from harness.sources import values
from harness.summary import Row
from harness.wording import counted
from reds.errors import MissingError

# What the page plots over time; reading more takes longer.
PAST_METRICS = ("latency", "accuracy")
NAME = "report"
SUMMARY = "the table of a run, and a page of figures"
EXAMPLES = """examples:
  python -m harness report latest                                table, and the page beside the run's file
  python -m harness report latest --against digits --open        what changed since the baseline "digits"
  python -m harness report latest --html page.html --figures figures --history results/runs
  python -m harness report 20260801T120000Z-1a2b3c --csv > table.csv
  python -m harness report results/runs/20260801T120000Z-1a2b3c.jsonl --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    named = 'a file, the id of a run or its beginning, "latest", a baseline, a git revision that has one, or DATABASE-URL#RUN'
    parser.add_argument("name", metavar="RUN", help=named)
    parser.add_argument("--against", metavar="RUN", help="an earlier run: the page says what changed since")
    parser.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="where to write the page (default: beside the run's file; for baselines and stored runs in the folder of --results)",
    )
    parser.add_argument("--figures", type=Path, metavar="DIR", help="write every figure as SVG and PNG too, and its data as CSV")
    parser.add_argument("--history", metavar="FOLDER|URL", help="plot latency and accuracy over these runs, e.g. results/runs")
    parser.add_argument("--open", action="store_true", help="show the page in the browser")
    add_results(parser)
    formats = parser.add_mutually_exclusive_group()
    add_json(formats)
    formats.add_argument("--csv", action="store_true", help="print comma-separated values with a line of column names")


def run(options: argparse.Namespace) -> int:
    """Print the table and write the page; with --json or --csv the page is written only if an option of it is given.

    Raises:
        ConfigError: the thresholds of the run's matrix are wrong.
        MissingError: no such run, a package for the page is not installed, or a file cannot be written.
    """
    found = read_run(options.name, options.results)
    _print_table(found, options)
    of_page = (options.html, options.against, options.figures, options.history)
    if options.open or any(option is not None for option in of_page) or not (options.json or options.csv):
        _write(found, options)
    return 0


def _print_table(found: RunFile, options: argparse.Namespace) -> None:
    rows = summary.rows(found.measurements)
    if options.json:
        print_json({"run": found.run.id, "rows": summary.to_dicts(rows)})
    elif options.csv:
        writer = csv.DictWriter(sys.stdout, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(summary.to_dicts(rows))
    else:
        table = summary.render(rows, width=terminal.columns(), colour=sys.stdout.isatty())
        print(table if rows else "nothing was measured on a device")
        print(f"{counted(len(found.measurements), 'measurement')} in {found.source}")
    sys.stdout.flush()


def _write(found: RunFile, options: argparse.Namespace) -> None:
    """The page and the files of its figures; what was written where goes to stderr, away from what programs read."""
    judged = None
    if options.against is not None:
        judged = judge_run(read_run(options.against, options.results), found, thresholds_of(found))
    past = [] if options.history is None else _past(options.history)
    try:
        from harness.report import collect, write_figures, write_page  # noqa: PLC0415  (imports Altair)
    except ModuleNotFoundError as error:
        do = 'pip install "reds-bench[bench]"; the table needs no more than was printed'
        raise MissingError(f"the page needs the package {error.name}", do=do) from error

    report = collect(found, judged, past)
    target = options.html or _beside(found, options.results)
    print(f"page: {write_page(report, target)}", file=sys.stderr)
    if options.figures is not None:
        print(f"figures: {counted(len(write_figures(report, options.figures)), 'file')} in {options.figures}", file=sys.stderr)
    if options.open:
        webbrowser.open(target.resolve().as_uri())


def _beside(found: RunFile, results: Path) -> Path:
    """Beside the run's file, but never among the baselines, which are under version control."""
    source = Path(found.source)
    in_place = source.is_file() and source.resolve().parent.parts[-2:] != Path(git_baselines.FOLDER).parts
    return source.with_suffix(".html") if in_place else results / f"{found.run.id}.html"


def _past(where: str) -> list[RunReadings]:
    """Earlier runs with the values that are plotted, oldest first."""
    past = list(values(where, Selection(metrics=PAST_METRICS), unreadable=LeftOut()))
    for one in past:
        warn_of_damage(one.source, one.damaged_lines)
    return past
