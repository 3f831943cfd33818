"""How values went from run to run: a line for each, with the steps in it and the commits between which they happened."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from harness.commands.output import add_json, print_json, print_table
from harness.commands.runs import RUNS
from harness.history import Series, Step, series, sparkline
from harness.readings import ALL, KEY_FIELDS, RunReadings, Selection
from harness.sources import values
from reds.errors import ConfigError, unknown_name

SPARK_WIDTH = 40
STEPS_SHOWN = 3
EXAMPLES = """examples:
  python -m harness history latency                            over the baselines that were committed
  python -m harness history latency --in results/runs          over the runs of this computer
  python -m harness history switch device=pico-emu subnet=25 --in sqlite:///runs.db
  python -m harness history --changed --since 2026-09-01       whatever changed since
"""


def add_parser(commands: Any) -> None:
    """Add `history` to the command line."""
    parser = commands.add_parser(
        "history",
        help="how values went from run to run",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    fields = ", ".join(KEY_FIELDS)
    parser.add_argument("filters", nargs="*", metavar="METRIC|FIELD=VALUE", help=f"which values (default: all); fields: {fields}")
    parser.add_argument("--in", dest="where", metavar="FOLDER|URL", help="a folder of runs, such as results/runs, or a database")
    parser.add_argument("--device", action="append", default=[], metavar="ID", help="only values of this device; may be repeated")
    parser.add_argument("--since", type=_moment, metavar="DATE", help="only runs that started then (UTC) or later")
    parser.add_argument("--changed", action="store_true", help="only what changed its level")
    add_json(parser)
    parser.set_defaults(run=run)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-09-01 or 2026-09-01T12:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def run(options: argparse.Namespace) -> int:
    """Print the history.

    Raises:
        ConfigError: nothing was ever measured that fits the filters; the nearest names are given.
    """
    selection = Selection.parse(options.filters)
    chosen = list(_since(values(options.where, selection), options.since))
    found = [one for one in series(chosen) if not options.device or one.key.device in options.device]
    if not found:
        raise _nothing(options, selection)
    shown = sorted((one for one in found if one.steps or not options.changed), key=lambda one: not one.steps)
    if options.json:
        print_json({"runs": len(chosen), "series": [one.to_dict() for one in shown]})
        return 0
    if shown:
        columns = ["value", "history", "runs", "last", "unit", "steps"]
        print_table(columns, [_cells(one) for one in shown], numbers=("runs", "last", "steps"))
    for one in shown:
        _print_steps(one)
    changed = sum(bool(one.steps) for one in found)
    print(f"{len(found)} values in {len(chosen)} runs, {changed} of them changed their level")
    return 0


def _since(chosen: Iterable[RunReadings], since: datetime | None) -> Iterator[RunReadings]:
    return (one for one in chosen if since is None or datetime.fromisoformat(one.run.started) >= since)


def _cells(one: Series) -> list[str]:
    last = _number(one.points[-1].value)
    spark = sparkline(one.values, SPARK_WIDTH)
    return [f"{one.key} of {one.matrix}", spark, str(len(one.points)), last, one.unit, str(len(one.steps) or "")]


def _print_steps(one: Series) -> None:
    """The last steps of a value, the newest last."""
    if not one.steps:
        return
    print(f"{one.key} of {one.matrix}, {one.unit}, {one.better} is better:")
    earlier = len(one.steps) - STEPS_SHOWN
    if earlier > 0:
        print(f"  {earlier} earlier steps (--json has all)")
    for step in one.steps[-STEPS_SHOWN:]:
        run = one.points[step.position].run
        accepted = f"; accepted: {run.baseline_reason}" if run.baseline_reason else ""
        print(f"  {run.started[:10]}  {_step(step)}{accepted}")


def _step(step: Step) -> str:
    change = "" if step.change is None else f" ({100 * step.change:+.2f} %)"
    causes = [*step.toolchain, *(["retrained"] if step.retrained else [])]
    levels = f"{_number(step.before)} -> {_number(step.after)}{change}"
    return f"{step.verdict}: {levels}, {step.commit_range}" + (f"; {', '.join(causes)}" if causes else "")


def _number(value: float) -> str:
    return f"{value:,.6g}" if value % 1 else f"{value:,.0f}"


def _nothing(options: argparse.Namespace, selection: Selection) -> ConfigError:
    """Say which part of what was asked for does not exist."""
    keys = {reading.key for one in values(options.where, ALL) for reading in one.readings}
    wanted = [*selection.wanted.items(), *(("device", device) for device in options.device)]
    for name, value in wanted:
        known = {str(getattr(key, name)) for key in keys if getattr(key, name) is not None}
        if str(value) not in known:
            return unknown_name(name, str(value), known)
    since = f" since {options.since:%Y-%m-%d %H:%M}" if options.since else ""
    where = options.where or "the committed baselines"
    return ConfigError(f"nothing was measured with all of this in {where}{since}", do=f"fewer filters, or --in {RUNS}")
