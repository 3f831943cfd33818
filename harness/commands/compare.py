"""Compare two runs value by value; docs/judging.md says how a verdict comes about."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Mapping
from typing import Any

from harness.commands.output import add_json, print_json, print_table
from harness.commands.runs import add_results, read_run
from harness.judging import Comparison, Tally, Thresholds, Verdict, compare, tables, tally
from harness.matrix import load_thresholds
from reds.errors import ConfigError, unknown_name

EXAMPLES = """examples:
  python -m harness compare results/baselines/digits.jsonl latest --changed
  python -m harness compare A B --by device,architecture
  python -m harness compare A B --changed --markdown > comment.md
  python -m harness compare A B --fail-on worse         exit code 1 on a regression
"""

# What each choice of --fail-on counts.
FAILURES: Mapping[str, Callable[[Tally], int]] = {
    "worse": lambda counts: counts[Verdict.WORSE] + counts[Verdict.FAILED],
    "different": lambda counts: counts.differing,
    "missing": lambda counts: counts[Verdict.MISSING],
}
CSV_COLUMNS = (*tables.AXES, "from_subnet", "sample_count", "unit", "a", "b", "change", "noise", "p", "verdict", "reason", "test")


def add_parser(commands: Any) -> None:
    """Add `compare` to the command line."""
    parser = commands.add_parser(
        "compare",
        help="two runs value by value",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    named = 'a file, the id of a run or its beginning, "latest", a baseline, or a git revision that has one (REVISION:NAME)'
    parser.add_argument("a", metavar="A", help=f"the run before: {named}")
    parser.add_argument("b", metavar="B", help="the run after, named likewise")
    parser.add_argument("--by", default="", metavar="AXIS,...", help=f"a table for each value of these: {', '.join(tables.AXES)}")
    parser.add_argument("--changed", action="store_true", help="leave out what is the same")
    parser.add_argument("--matrix", default=None, metavar="NAME|PATH", help="the matrix with the thresholds (default: B's)")
    parser.add_argument(
        "--fail-on",
        action="append",
        default=[],
        choices=list(FAILURES),
        help="exit code 1 if a value is worse or failed, if a deterministic one is different, or if one is missing from B; "
        "may be repeated",
    )
    add_results(parser)
    formats = parser.add_mutually_exclusive_group()
    add_json(formats)
    formats.add_argument("--markdown", action="store_true", help="print Markdown, for pull requests")
    formats.add_argument("--csv", action="store_true", help="print comma-separated values with a line of column names")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the comparison; 1 if a condition of --fail-on holds.

    Raises:
        ConfigError: the runs have no value in common, or an axis or a threshold is wrong.
    """
    axes = _axes(options.by)
    a, b = read_run(options.a, options.results), read_run(options.b, options.results)
    comparisons = compare(a, b, thresholds_of(options.matrix, b.run.matrix))
    counts = tally(comparisons)
    if not counts.common:
        seen = f"{len(a.measurements)} values in {a.source}, {len(b.measurements)} in {b.source}"
        raise ConfigError("the runs have no value in common", seen=seen, do="compare runs of the same matrix and devices")
    shown = [c for c in comparisons if not options.changed or c.verdict is not Verdict.SAME or c.differs]
    if options.json:
        print_json({"a": a.run.id, "b": b.run.id, "summary": _summary(counts), "values": [c.to_dict() for c in shown]})
    elif options.csv:
        _print_csv(shown)
    else:
        _print(shown, axes, counts, in_markdown=options.markdown)
    return int(any(FAILURES[condition](counts) for condition in options.fail_on))


def thresholds_of(chosen: str | None, recorded: str) -> Thresholds:
    """The thresholds of the matrix that the user chose, else of the one that a run was made with; the defaults if it is gone.

    Raises:
        ConfigError: there is no such matrix, or its thresholds are wrong.
    """
    if chosen is not None:
        return load_thresholds(chosen)
    try:
        return load_thresholds(recorded)
    except ConfigError as error:
        print(f"warning: the default thresholds are used: {error.what}", file=sys.stderr)
        return Thresholds()


def _axes(names: str) -> tuple[str, ...]:
    axes = tuple(name.strip() for name in names.split(",") if name.strip())
    for axis in axes:
        if axis not in tables.AXES:
            raise unknown_name("axis", axis, tables.AXES)
    return axes


def _summary(counts: Tally) -> dict[str, Any]:
    return {**vars(counts), "verdicts": {verdict: counts[verdict] for verdict in Verdict}}


def _print(shown: list[Comparison], axes: tuple[str, ...], counts: Tally, *, in_markdown: bool) -> None:
    for title, group in tables.groups(shown, axes).items():
        ordered = tables.most_telling_first(group)
        if title:
            print(f"### {title}\n" if in_markdown else title)
        if in_markdown:
            print(tables.markdown(ordered), end="\n\n")
        else:
            print_table(tables.COLUMNS, map(tables.cells, ordered), numbers=tables.NUMBERS)
    print("\n\n".join(counts.lines) if in_markdown else "\n".join(counts.lines))
    sys.stdout.flush()


def _print_csv(shown: list[Comparison]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows([facts[name] for name in CSV_COLUMNS] for facts in map(Comparison.to_dict, shown))
