"""Accuracy against cost: the best subnetworks of each device, and what became of them from run A to run B."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from harness.commands.output import add_json, print_json, print_table
from harness.commands.runs import add_results, read_run
from harness.pareto import Dominated, Front, FrontChange, Point, compare_fronts, fronts
from reds.errors import ConfigError

EXAMPLES = """examples:
  python -m harness pareto latest
  python -m harness pareto digits latest --cost arena_bytes
  python -m harness pareto A B --fail-on dominated      exit code 1 if a point of the front became dominated
"""


def add_parser(commands: Any) -> None:
    """Add `pareto` to the command line."""
    parser = commands.add_parser(
        "pareto",
        help="accuracy against cost, by device",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
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
    parser.set_defaults(run=run)


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
    changes = compare_fronts(a, b, options.cost)
    if options.json:
        print_json({"a": a.run.id, "b": b.run.id, "fronts": [asdict(change) | {"change": change.change} for change in changes]})
    else:
        for change in changes:
            _print_change(change)
    lost = any(change.became_dominated or change.missing or change.after is None for change in changes)
    return int(bool(options.fail_on) and lost)


def _show(found: list[Front], run_id: str, options: argparse.Namespace) -> int:
    if not found:
        raise ConfigError(f"{run_id} has no accuracy and {options.cost} on one device", do="run suites/test_accuracy.py as well")
    if options.json:
        print_json({"run": run_id, "fronts": [asdict(front) for front in found]})
        return 0
    for front in found:
        print(f"\n{front.place}: {len(front.best)} of {len(front.points)} points are the front")
        rows = [[*_point(point), "front" if point in front.best else ""] for point in front.points]
        print_table(["subnetwork", "accuracy", front.place.cost, ""], rows, numbers=("accuracy", front.place.cost))
    return 0


def _print_change(change: FrontChange) -> None:
    print(f"\n{change.place}")
    cost, accuracy = change.reference
    areas = f"{_area(change.hypervolume_before)} -> {_area(change.hypervolume_after)}"
    relative = "" if change.change is None else f" ({100 * change.change:+.3f} %)"
    print(f"  hypervolume {areas}{relative}, up to a cost of {cost:,.6g} and an accuracy of {100 * accuracy:g} %")
    for dominated in change.became_dominated:
        print(f"  became dominated: {_pair(dominated)}")
    for dominated in change.fell_behind:
        print(f"  behind the front before: {_pair(dominated)}")
    for point in change.missing:
        print(f"  missing: {_text(point)}")
    if change.before and change.after and not (change.became_dominated or change.fell_behind or change.missing):
        print(f"  the front of {len(change.before.best)} points lost nothing; it has {len(change.after.best)} now")


def _area(value: float | None) -> str:
    return "none" if value is None else f"{value:,.6g}"


def _point(point: Point) -> list[str]:
    return [
        "-".join(point.name),
        f"{100 * point.accuracy:.2f} %",
        f"{point.cost:,.6g}" if point.cost % 1 else f"{point.cost:,.0f}",
    ]


def _text(point: Point) -> str:
    name, accuracy, cost = _point(point)
    return f"{name} ({accuracy}, {cost})"


def _pair(dominated: Dominated) -> str:
    return f"{_text(dominated.point)} by {_text(dominated.by)}"
