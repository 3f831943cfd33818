"""How values went from run to run: a line for each, with the steps in it and the commits between which they happened."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from harness import terminal, units
from harness.commands.output import add_json, print_json
from harness.commands.runs import RUNS
from harness.commands.unreadable import LeftOut, warn_of_damage
from harness.history import Series, Step, series, sparkline
from harness.judging.tables import number, percent
from harness.readings import ALL, KEY_FIELDS, RunReadings, Selection
from harness.sources import values
from harness.wording import counted, one_line
from reds.errors import ConfigError, unknown_name

COLUMNS = ("value", "history", "runs", "last", "unit", "steps")
NUMBERS = ("runs", "last", "steps")
GAP = "  "
SPARK_WIDTH = 40
STEPS_SHOWN = 3
NAME = "history"
SUMMARY = "how values went from run to run"
EXAMPLES = """examples:
  python -m harness history latency                            over the baselines that were committed
  python -m harness history latency --in results/runs          over the runs of this computer
  python -m harness history switch device=pico-emu subnet=25 --in sqlite:///runs.db
  python -m harness history --changed --since 2026-09-01       whatever changed since
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    fields = ", ".join(KEY_FIELDS)
    parser.add_argument("words", nargs="*", metavar="METRIC|FIELD=VALUE", help=f"which values (default: all); fields: {fields}")
    parser.add_argument("--in", dest="where", metavar="FOLDER|URL", help="a folder of runs, such as results/runs, or a database")
    parser.add_argument("--device", action="append", default=[], metavar="ID", help="only values of this device; may be repeated")
    parser.add_argument("--since", type=_moment, metavar="DATE", help="only runs that started then (UTC) or later")
    parser.add_argument("--changed", action="store_true", help="only what changed its level")
    add_json(parser)


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
    selection, left_out = Selection.parse(options.words), LeftOut()
    chosen = list(_since(values(options.where, selection, unreadable=left_out), options.since))
    for one in chosen:
        warn_of_damage(one.source, one.damaged_lines)
    found = [one for one in series(chosen) if not options.device or one.key.device in options.device]
    if not found:
        raise _nothing(options, selection, left_out)
    shown = sorted((one for one in found if one.steps or not options.changed), key=lambda one: not one.steps)
    if options.json:
        print_json({"runs": len(chosen), "series": [one.to_dict() for one in shown]})
        return 0
    _print_values(shown)
    for one in shown:
        _print_steps(one)
    changed = sum(bool(one.steps) for one in found)
    for note in units.explained(one.unit for one in shown):
        print(note)
    where = f"{counted(len(found), 'value')} in {counted(len(chosen), 'run')}"
    print(f"{where}, {changed} of them changed {'its' if changed == 1 else 'their'} level")
    return 0


def _since(chosen: Iterable[RunReadings], since: datetime | None) -> Iterator[RunReadings]:
    return (one for one in chosen if since is None or one.run.order[0] >= since)


def _print_values(shown: Sequence[Series]) -> None:
    """A table where it fits, else each value in two lines: a sparkline that is folded shows nothing."""
    rows = [_cells(one) for one in shown]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    if sum(widths) + len(GAP) * len(widths) <= terminal.columns():
        rule = ["─" * width for width in widths]
        for cells in [COLUMNS, rule, *rows] if rows else []:
            aligned = zip(COLUMNS, cells, widths, strict=True)
            texts = (cell.rjust(width) if name in NUMBERS else cell.ljust(width) for name, cell, width in aligned)
            print(GAP.join(texts).rstrip())
        print()
        return
    longest = max(len(spark) for _, spark, *_ in rows)
    for one, (name, spark, _, last, unit, _) in zip(shown, rows, strict=True):
        steps = f", {counted(len(one.steps), 'step')}" if one.steps else ""
        print(name)
        print(f"  {spark.ljust(longest)}  {last} {unit}, {counted(len(one.values), 'run')}{steps}")
    print()


def _cells(one: Series) -> list[str]:
    spark = sparkline(one.values, min(SPARK_WIDTH, terminal.columns() // 2))
    steps = str(len(one.steps) or "")
    return [_name(one), spark, str(len(one.values)), number(one.values[-1]), units.short(one_line(one.unit)), steps]


def _name(one: Series) -> str:
    return one_line(f"{one.key} of {one.matrix}")


def _print_steps(one: Series) -> None:
    """The last steps of a value, the newest last."""
    if not one.steps:
        return
    print(f"{_name(one)}, {units.short(one_line(one.unit))}, {one.better} is better:")
    earlier = len(one.steps) - STEPS_SHOWN
    if earlier > 0:
        print(f"  {earlier} earlier steps (--json has all)")
    for step in one.steps[-STEPS_SHOWN:]:
        run = one.run_at(step.position)
        accepted = f"; accepted: {run.baseline_reason}" if run.baseline_reason else ""
        print(f"  {run.order[0]:%Y-%m-%d}  {one_line(_step(step) + accepted)}")


def _step(step: Step) -> str:
    change = "" if step.change is None else f" ({percent(step.change)})"
    causes = [*step.toolchain, *(["retrained"] if step.retrained else [])]
    levels = f"{number(step.before)} -> {number(step.after)}{change}"
    return f"{step.verdict}: {levels}, {step.commit_range}" + (f"; {', '.join(causes)}" if causes else "")


def _nothing(options: argparse.Namespace, selection: Selection, left_out: LeftOut) -> ConfigError:
    """Say which part of what was asked for does not exist."""
    where = options.where or "the committed baselines"
    everything = values(options.where, ALL, unreadable=left_out)
    keys = {quantity.key for one in everything for quantity, _, _ in one.readings}
    if not keys:
        return ConfigError(f"the runs in {where} hold no values", do="name others: --in FOLDER|URL")
    wanted = [*selection.wanted.items(), *(("device", device) for device in options.device)]
    for name, value in wanted:
        known = {str(getattr(key, name)) for key in keys if getattr(key, name) is not None}
        if str(value) not in known:
            unknown = unknown_name(name, str(value), known)
            if options.where is not None:
                return unknown
            do = f"{unknown.do}; for what this computer measured: --in {RUNS}"
            return ConfigError(f"no committed baseline has {name} {value}", do=do)
    since = f" since {options.since:%Y-%m-%d %H:%M}" if options.since else ""
    return ConfigError(f"nothing was measured with all of this in {where}{since}", do=f"fewer filters, or --in {RUNS}")
