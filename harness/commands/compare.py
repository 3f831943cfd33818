"""Compare two runs value by value, and show what changed; docs/judging.md says how a verdict comes about."""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict

from harness.commands.output import add_json, print_json
from harness.commands.runs import add_results, read_run, thresholds_of
from harness.commands.value_table import print_values
from harness.judging import Comparison, JudgedRun, Thresholds, Verdict, judge_run, sides, tables
from harness.markdown import escaped
from harness.matrix import PAPER, has_matrix, load_thresholds
from harness.run_file import RunFile
from harness.wording import counted, one_line
from reds.errors import ConfigError, unknown_name

NAME = "compare"
SUMMARY = "two runs value by value"
EXAMPLES = """examples:
  python -m harness compare results/baselines/digits.jsonl latest
  python -m harness compare A B --all --by device,architecture
  python -m harness compare A B --markdown > comment.md
  python -m harness compare A B --fail-on worse         exit code 1 on a regression
"""

# What each choice of --fail-on means; "worse" is what the gate goes by.
FAILURES: Mapping[str, Callable[[JudgedRun], bool]] = {
    "worse": lambda judged: not judged.passed,
    "different": lambda judged: judged.counts.differing > 0,
    "missing": lambda judged: judged.counts[Verdict.MISSING] > 0 or bool(judged.left_out),
}
Groups = Sequence[tuple[str, Sequence[Comparison]]]  # each under its title
CSV_COLUMNS = (*tables.AXES, "from_subnet", "sample_count", "unit", "a", "b", "change", "noise", "p", "verdict", "reason", "test")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    named = 'a file, the id of a run or its beginning, "latest", a baseline, or a git revision that has one (REVISION:NAME)'
    parser.add_argument("a", metavar="A", help=f"the run before: {named}")
    parser.add_argument("b", metavar="B", help="the run after, named likewise")
    parser.add_argument("--by", default="", metavar="AXIS,...", help=f"a table for each value of these: {', '.join(tables.AXES)}")
    parser.add_argument(
        "--all", action="store_true", help="show also what is the same and what is only in B (--json, --csv always)"
    )
    parser.add_argument("--matrix", default=None, metavar="NAME|PATH", help="the matrix with the thresholds (default: B's)")
    parser.add_argument(
        "--fail-on",
        action="append",
        default=[],
        choices=list(FAILURES),
        help="exit code 1 on a regression (worse, failed, or missing though it was asked for) or if B was cut short, if a "
        "deterministic value is different, or if one is missing for whatever reason; may be repeated",
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
    judged = judge_run(a, b, _thresholds(options, b))
    if not judged.comparable:
        do = "compare runs of the same matrix and devices"
        raise ConfigError("the runs have no value in common", seen=judged.nothing_in_common, do=do)
    if options.json:
        _print_json(judged)
    elif options.csv:
        _print_csv(judged)
    else:
        shown = [c for c in judged.comparisons if options.all or _is_told(c)]
        groups = [(title, tables.most_telling_first(group)) for title, group in tables.groups(shown, axes).items()]
        notes = [*judged.failure_lines, *([] if options.all else _not_shown(judged)), *judged.lines]
        (_print_markdown if options.markdown else _print_text)(judged, groups, notes)
    sys.stdout.flush()
    return int(any(FAILURES[condition](judged) for condition in options.fail_on))


def _is_told(comparison: Comparison) -> bool:
    """Whether something became of a value: it did not stay the same, and is not only in B."""
    if comparison.verdict is Verdict.SAME:
        return comparison.differs
    return comparison.verdict is not Verdict.NEW or comparison.in_both


def _not_shown(judged: JudgedRun) -> Iterator[str]:
    """A line that counts the values of which the tables say nothing."""
    hidden = [c for c in judged.comparisons if not _is_told(c)]
    same, new = sum(c.in_both for c in hidden), Counter(c.key.device or "no device" for c in hidden if not c.in_both)
    parts = [f"{counted(same, 'value')} that did not change"] if same else []
    parts += [f"{counted(count, 'value')} of {device} that only B has" for device, count in new.items()]
    if parts:
        yield f"not shown (--all shows them): {', '.join(parts)}"


def _thresholds(options: argparse.Namespace, b: RunFile) -> Thresholds:
    """The thresholds of the matrix that the user chose, else of the one that B was made with.

    Raises:
        ConfigError: there is no such matrix, its thresholds are wrong, or B's matrix is gone and the exit code depends on it.
    """
    if options.matrix is not None:
        return load_thresholds(options.matrix)
    recorded = b.run.matrix
    if options.fail_on and recorded != PAPER and not has_matrix(recorded):
        what = "the matrix that B was made with is gone, and with it the thresholds to judge by"
        raise ConfigError(what, seen=recorded, do="name another: --matrix NAME|PATH")
    return thresholds_of(b)


def _axes(names: str) -> tuple[str, ...]:
    axes = tuple(name.strip() for name in names.split(",") if name.strip())
    for axis in axes:
        if axis not in tables.AXES:
            raise unknown_name("axis", axis, tables.AXES)
    return axes


def _print_text(judged: JudgedRun, groups: Groups, notes: Sequence[str]) -> None:
    for line in sides.described(judged.before, judged.run):
        print(one_line(line))
    print()
    print_values([(title, list(map(tables.row, ordered))) for title, ordered in groups])
    print("\n".join(notes))


def _print_markdown(judged: JudgedRun, groups: Groups, notes: Sequence[str]) -> None:
    print("\n".join(f"* {escaped(line)}" for line in sides.described(judged.before, judged.run)), end="\n\n")
    for title, ordered in groups:
        if title:
            print(f"### {escaped(title)}\n")
        print(tables.markdown(ordered), end="\n\n")
    print("\n\n".join(map(escaped, notes)))


def _print_json(judged: JudgedRun) -> None:
    counts = judged.counts
    document = {
        "a": judged.before.run.id,
        "b": judged.run.run.id,
        "passed": judged.passed,
        "cut_short": judged.run.cut_short,
        "differs": sides.facts_that_differ(judged.before, judged.run),
        "summary": {**vars(counts), "verdicts": {verdict: counts[verdict] for verdict in Verdict}},
        "failed_tests": [asdict(outcome) for outcome in judged.failed_tests],
        "values": [c.to_dict() for c in judged.comparisons],
        "left_out": [c.to_dict() for c in judged.left_out],
    }
    print_json(document)


def _print_csv(judged: JudgedRun) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows(
        [facts[name] for name in CSV_COLUMNS] for facts in map(Comparison.to_dict, (*judged.comparisons, *judged.left_out))
    )
