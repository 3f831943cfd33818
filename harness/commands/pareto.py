"""Accuracy against cost: the best subnetworks of each device, and what became of them from run A to run B."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from harness import units
from harness.commands.output import add_json, print_json, print_table
from harness.commands.runs import add_results, read_run
from harness.judging import before_alike
from harness.judging.tables import number, percent
from harness.pareto import Dominated, Front, FrontChange, Point, compare_fronts, fronts
from harness.run_file import RunFile
from harness.wording import counted, one_line
from reds.errors import ConfigError

NAME = "pareto"
SUMMARY = "accuracy against cost, by device"
EXAMPLES = """examples:
  python -m harness pareto latest
  python -m harness pareto digits latest --cost arena_bytes
  python -m harness pareto A B --fail-on dominated      exit code 1 if a point of the front became dominated
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("a", metavar="A", help="a run: a file, an id or its beginning, a baseline, a revision, latest, URL#RUN")
    parser.add_argument("b", nargs="?", metavar="B", help="the run after it, named likewise")
    parser.add_argument(
        "--cost", default="latency", metavar="METRIC", help="macs or a metric such as latency, arena_bytes, energy"
    )
    parser.add_argument(
        "--fail-on", choices=["dominated"], help="exit code 1 if a point of A's front became dominated or is missing in B"
    )
    add_results(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print the fronts of A, or what became of them in B.

    Raises:
        ConfigError: there are none, or --fail-on is given without B.
    """
    if options.fail_on and options.b is None:
        raise ConfigError("--fail-on compares two runs", do="name B too")
    a = read_run(options.a, options.results)
    if options.b is None:
        return _show(fronts(a, options.cost), a.run.id, options)
    b = read_run(options.b, options.results)
    alike = before_alike(a, b)
    changes = compare_fronts(alike, b, options.cost)
    if not any(change.before and change.after for change in changes):
        seen = "; ".join(f"{change.place} in {'A' if change.before else 'B'} only" for change in changes)
        raise ConfigError("the runs have no front in common", seen=seen, do="compare runs of the same devices and data sets")
    if options.json:
        print_json({"a": a.run.id, "b": b.run.id, "fronts": [asdict(change) | {"change": change.change} for change in changes]})
    else:
        for change in changes:
            _print_change(change)
        left_out = _points(a, options.cost) - _points(alike, options.cost)
        if left_out:
            print(f"\nleft out: {counted(left_out, 'point')} of A, not asked for or not available in B")
        _explain(changes)
    lost = sum(change.lost for change in changes)
    if lost and options.fail_on:
        print(f"{counted(lost, 'point')} of A's fronts {'is' if lost == 1 else 'are'} dominated or missing in B", file=sys.stderr)
    return int(bool(options.fail_on) and lost > 0)


def _points(run: RunFile, cost: str) -> int:
    return sum(len(front.points) for front in fronts(run, cost))


def _show(found: list[Front], run_id: str, options: argparse.Namespace) -> int:
    if not found:
        raise ConfigError(f"{run_id} has no accuracy and {options.cost} on one device", do="run suites/test_accuracy.py as well")
    if options.json:
        print_json({"run": run_id, "fronts": [asdict(front) for front in found]})
        return 0
    for front in found:
        print(f"\n{one_line(str(front.place))}")
        print(f"{len(front.best)} of {counted(len(front.points), 'point')} are the front")
        rows = [[*_point(point), "front" if point in front.best else ""] for point in front.points]
        print_table(["subnetwork", "accuracy", front.place.cost, ""], rows, numbers=("accuracy", front.place.cost))
    _explain(found)
    return 0


def _explain(found: Sequence[Front | FrontChange]) -> None:
    for note in units.explained(one.place.unit for one in found):
        print(f"\n{note}")


def _print_change(change: FrontChange) -> None:
    print(f"\n{one_line(str(change.place))}")
    cost, accuracy = change.reference
    areas = f"{_area(change.hypervolume_before)} -> {_area(change.hypervolume_after)}"
    relative = "" if change.change is None else f" ({percent(change.change)})"
    print(f"  hypervolume {areas}{relative}")
    print(f"    up to a cost of {number(cost)} and an accuracy of {100 * accuracy:g} %")
    for line in _lines(change):
        print(f"  {one_line(line)}")


def _lines(change: FrontChange) -> Iterator[str]:
    if change.after is None:
        yield "gone: B has no point here"
    if change.before is None and change.after is not None:
        yield f"new: A has no point here, B a front of {counted(len(change.after.best), 'point')}"
    if len(set(change.sample_counts)) > 1:
        before, after = (", ".join(sorted(map(str, counts))) for counts in change.sample_counts)
        yield f"accuracies are over {before} inputs in A and {after} in B, so that they say little about each other"
    yield from (f"became dominated: {_pair(dominated)}" for dominated in change.became_dominated)
    yield from (f"behind the front before: {_pair(dominated)}" for dominated in change.fell_behind)
    yield from (f"missing: {_text(point)}" for point in change.missing)
    if change.before and change.after and not (change.lost or change.fell_behind):
        yield f"the front of {counted(len(change.before.best), 'point')} lost nothing; it has {len(change.after.best)} now"


def _area(value: float | None) -> str:
    return "none" if value is None else number(value)


def _point(point: Point) -> list[str]:
    return [
        "-".join(point.name),
        f"{100 * point.accuracy:.2f} %",
        number(point.cost),
    ]


def _text(point: Point) -> str:
    name, accuracy, cost = _point(point)
    return f"{name} ({accuracy}, {cost})"


def _pair(dominated: Dominated) -> str:
    return f"{_text(dominated.point)} by {_text(dominated.by)}"
