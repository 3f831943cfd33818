"""Compare two runs value by value; docs/judging.md says how a verdict comes about."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from harness.commands.output import add_json, print_json
from harness.commands.runs import add_results, read_run
from harness.commands.value_table import print_values
from harness.judging import Comparison, JudgedRun, Thresholds, Verdict, judge_run, sides, tables
from harness.markdown import escaped
from harness.matrix import load_thresholds
from harness.wording import counted, one_line
from reds.errors import ConfigError, unknown_name

NAME = "compare"
SUMMARY = "two runs value by value"
EXAMPLES = """examples:
  python -m harness compare results/baselines/digits.jsonl latest --changed
  python -m harness compare A B --by device,architecture
  python -m harness compare A B --changed --markdown > comment.md
  python -m harness compare A B --fail-on worse         exit code 1 on a regression
"""

# What each choice of --fail-on counts.
FAILURES: Mapping[str, Callable[[JudgedRun], int]] = {
    "worse": lambda judged: judged.counts[Verdict.WORSE] + judged.counts[Verdict.FAILED] + len(judged.failed_tests),
    "different": lambda judged: judged.counts.differing,
    "missing": lambda judged: judged.counts[Verdict.MISSING] + len(judged.left_out),
}
Groups = Sequence[tuple[str, Sequence[Comparison]]]  # each under its title
CSV_COLUMNS = (*tables.AXES, "from_subnet", "sample_count", "unit", "a", "b", "change", "noise", "p", "verdict", "reason", "test")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
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
    forms = parser.add_mutually_exclusive_group()
    add_json(forms)
    forms.add_argument("--markdown", action="store_true", help="print Markdown, for pull requests")
    forms.add_argument("--csv", action="store_true", help="print comma-separated values with a line of column names")


def run(options: argparse.Namespace) -> int:
    """Print the comparison; 1 if a condition of --fail-on holds.

    Raises:
        ConfigError: the runs have no value in common, or an axis or a threshold is wrong.
    """
    axes = _axes(options.by)
    a, b = read_run(options.a, options.results), read_run(options.b, options.results)
    judged = judge_run(a, b, thresholds_of(options.matrix, b.run.matrix))
    if not judged.comparable:
        seen = f"{counted(len(a.measurements), 'value')} in {a.source}, {len(b.measurements):,} in {b.source}"
        raise ConfigError("the runs have no value in common", seen=seen, do="compare runs of the same matrix and devices")
    shown = [c for c in judged.comparisons if not options.changed or c.verdict is not Verdict.SAME or c.differs]
    groups = [(title, tables.most_telling_first(group)) for title, group in tables.groups(shown, axes).items()]
    if options.json:
        _print_json(judged, shown)
    elif options.csv:
        _print_csv(judged, shown)
    elif options.markdown:
        _print_markdown(judged, groups)
    else:
        _print_text(judged, groups)
    sys.stdout.flush()
    return int(any(FAILURES[condition](judged) for condition in options.fail_on))


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


def _print_text(judged: JudgedRun, groups: Groups) -> None:
    for line in sides.described(judged.before, judged.run):
        print(one_line(line))
    print()
    print_values([(title, list(map(tables.row, ordered))) for title, ordered in groups])
    print("\n".join([*judged.failure_lines, *judged.lines]))


def _print_markdown(judged: JudgedRun, groups: Groups) -> None:
    print("\n".join(f"* {escaped(line)}" for line in sides.described(judged.before, judged.run)), end="\n\n")
    for title, ordered in groups:
        if title:
            print(f"### {escaped(title)}\n")
        print(tables.markdown(ordered), end="\n\n")
    print("\n\n".join(map(escaped, [*judged.failure_lines, *judged.lines])))


def _print_json(judged: JudgedRun, shown: Sequence[Comparison]) -> None:
    counts = judged.counts
    document = {
        "a": judged.before.run.id,
        "b": judged.run.run.id,
        "differs": sides.facts_that_differ(judged.before, judged.run),
        "summary": {**vars(counts), "verdicts": {verdict: counts[verdict] for verdict in Verdict}},
        "failed_tests": [asdict(outcome) for outcome in judged.failed_tests],
        "values": [c.to_dict() for c in shown],
        "left_out": [c.to_dict() for c in judged.left_out],
    }
    print_json(document)


def _print_csv(judged: JudgedRun, shown: Sequence[Comparison]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows([facts[name] for name in CSV_COLUMNS] for facts in map(Comparison.to_dict, (*shown, *judged.left_out)))
