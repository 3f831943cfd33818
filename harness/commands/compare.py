"""Compare two runs value by value: deterministic ones are the same or not; a running clock's are shown, not judged."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from harness.commands.output import add_json, print_json, print_table
from harness.commands.runs import add_results, read_run
from harness.compare import Comparison, Tally, Verdict, compare, tally
from reds.errors import ConfigError

EXAMPLES = """examples:
  python -m harness compare results/runs/20260801T120000Z-1a2b3c.jsonl latest
  python -m harness compare A B --fail-on worse         exit code 1 if a deterministic value got worse
  python -m harness compare A B --all --json            identical values too
"""

# What each choice of --fail-on counts.
FAILURES = {
    "different": lambda counts: counts.differing,
    "worse": lambda counts: counts.worse,
    "missing": lambda counts: counts.only_a,
}

# What matters most is shown first.
ORDER = (Verdict.WORSE, Verdict.UNIT, Verdict.BETTER, Verdict.ONLY_A, Verdict.ONLY_B, Verdict.NOISY, Verdict.IDENTICAL)


def add_parser(commands: Any) -> None:
    """Add `compare` to the command line."""
    parser = commands.add_parser(
        "compare",
        help="two runs value by value",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("a", metavar="A", help='the run before: a file, the id of a run or its beginning, or "latest"')
    parser.add_argument("b", metavar="B", help="the run after, named likewise")
    parser.add_argument("--all", action="store_true", help="show identical values too")
    parser.add_argument(
        "--fail-on",
        action="append",
        default=[],
        choices=list(FAILURES),
        help="exit code 1 if a deterministic value is different, is worse, or is missing from B; may be repeated",
    )
    add_results(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the comparison; 1 if a condition of --fail-on holds.

    Raises:
        ConfigError: --fail-on is given and the runs share no deterministic value, so that it could not fail.
    """
    a, b = read_run(options.a, options.results), read_run(options.b, options.results)
    comparisons = compare(a.measurements, b.measurements)
    counts = tally(comparisons)
    shown = [c for c in comparisons if options.all or c.verdict is not Verdict.IDENTICAL]
    shown.sort(key=lambda c: ORDER.index(c.verdict))
    if options.json:
        print_json({"a": a.run.id, "b": b.run.id, "summary": vars(counts), "values": [c.to_dict() for c in shown]})
    else:
        _print(shown, counts)
    if options.fail_on and not counts.compared:
        raise ConfigError("the runs share no deterministic value, so nothing could fail", seen=str(counts))
    return int(any(FAILURES[condition](counts) for condition in options.fail_on))


def _print(shown: list[Comparison], counts: Tally) -> None:
    if shown:
        cells = [[str(c.key), _number(c.a), _number(c.b), c.unit, _change(c), c.verdict, ", ".join(c.why)] for c in shown]
        columns = ["value", "A", "B", "unit", "change", "verdict", "also differs"]
        print_table(columns, cells, numbers=("A", "B", "change"))
    print(counts)
    sys.stdout.flush()


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.6g}" if value % 1 else f"{value:,.0f}"


def _change(comparison: Comparison) -> str:
    return "" if comparison.change is None else f"{100 * comparison.change:+.2f} %"
