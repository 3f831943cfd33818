"""Replay a trace of budgets without a device: what an adaptive network achieves, beside static ones and a look-ahead.

The costs of the subnetworks come from a bundle, where MACs stand for time and energy, or from a cost table (.json) measured on a
device. The accuracy is that over all requests: where the chosen subnetwork takes more than it may, the answer counts as wrong.
A trace with a harvest needs a store of energy; --forecast is a trace of an earlier period, without which nothing is expected to
flow in during the first period. docs/adaptation.md says what the policies do.

examples:
  python -m reds adapt build/evaluated --trace build/vehicle.csv
  python -m reds adapt build/evaluated --trace build/solar.csv --store 20000 --forecast build/yesterday.csv
  python -m reds adapt costs.json --trace build/vehicle.csv --policy hysteresis --json -o build/choices.csv
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reds.adaptation.budgets import Budgets, budgets_of
from reds.adaptation.costs import MACS, CostTable, counted_costs
from reds.adaptation.look_ahead import look_ahead_bound
from reds.adaptation.policies import POLICIES, Store, policy, statics, store_for
from reds.adaptation.simulation import Replay, simulate
from reds.adaptation.trace import TIME, Trace
from reds.adaptation.trace_file import read_trace
from reds.bundle import Bundle
from reds.commands.shared import add_json
from reds.commands.tables import print_rows
from reds.errors import ConfigError
from reds.files import write_whole

NAME = "adapt"
SUMMARY = "replay changing budgets: adaptive networks beside static ones"
COST_TABLE = ".json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("costs", type=Path, metavar="BUNDLE|COSTS.json", help="an evaluated bundle, or a measured cost table")
    parser.add_argument("--trace", type=Path, required=True, metavar="FILE", help="what python -m reds trace wrote")
    parser.add_argument(
        "--policy", action="append", metavar="NAME", help=f"only this one, may be repeated (default: {', '.join(POLICIES)})"
    )
    parser.add_argument("--store", type=int, metavar="N", help="with a harvest: what is stored at most, in whole networks")
    parser.add_argument("--stored", type=float, default=0.5, metavar="SHARE", help="what of it is there at first (default: 0.5)")
    parser.add_argument("--forecast", type=Path, metavar="FILE", help="with a harvest: a trace of the period before")
    parser.add_argument(
        "--period", type=int, metavar="N", help="with a harvest: requests of a period (default: the trace, or the forecast)"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="PATH", help="CSV of each request's choice by the first policy")
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Replay with every policy, and print what each achieves."""
    policies = [policy(name) for name in arguments.policy or POLICIES]
    table = (
        CostTable.read(arguments.costs) if arguments.costs.suffix == COST_TABLE else counted_costs(Bundle.load(arguments.costs))
    )
    trace = read_trace(arguments.trace)
    budgets = budgets_of(trace, table)
    store = _store(arguments, table, budgets)
    bound = look_ahead_bound(budgets, table, store)
    replays = [simulate(each, budgets, table, store) for each in (*policies, *statics(table))]
    if arguments.output:
        write_whole(arguments.output, _choices(trace, table, replays[0]))
        print(f"wrote {arguments.output}", file=sys.stderr)
    rows = [_row(replay, table, bound) for replay in replays]
    if arguments.json:
        facts = {"device": table.device, "time_unit": table.time_unit, "energy": table.energy_source}
        print(json.dumps({"requests": len(trace), **facts, "look_ahead_bound": bound, "policies": rows}, indent=1))
        return
    print_rows([_columns(row) for row in rows], as_json=False)
    costs = "costs are MACs" if table.device == MACS else f"costs in {table.time_unit} of {table.device}"
    print(f"{len(trace):,} requests; nothing exceeds an accuracy of {bound:.4f}; {costs}")


def _store(arguments: argparse.Namespace, table: CostTable, budgets: Budgets) -> Store | None:
    """The store that the command line describes.

    Raises:
        ConfigError: the trace has a harvest and there is no store for it, or a store and no harvest.
    """
    if budgets.stored != (arguments.store is not None):
        what = (
            "the trace has a harvest, and there is no store"
            if budgets.stored
            else "there is a store, and the trace has no harvest"
        )
        raise ConfigError(what, do="give --store N with traces that have a harvest, and with no others")
    if arguments.store is None:
        if arguments.forecast or arguments.period:
            raise ConfigError("--forecast and --period go with a harvest", do="leave them out")
        return None
    if not 0 <= arguments.stored <= 1:
        raise ConfigError("--stored is a share from 0 to 1", seen=f"{arguments.stored:g}")
    capacity = arguments.store * table.options[0].energy
    flow = _forecast(arguments.forecast, table, budgets)
    period = len(flow) if arguments.period is None else arguments.period
    if not 2 <= period <= len(flow):
        what = "a period has at least two requests, and no more than it is known from"
        raise ConfigError(what, seen=f"{period} of {len(flow)} requests")
    return store_for(capacity, int(arguments.stored * capacity), flow[:period])


def _forecast(path: Path | None, table: CostTable, budgets: Budgets) -> np.ndarray:
    """What flowed in before each request of an earlier period; nothing where none is known."""
    if path is None:
        return np.zeros(len(budgets), np.int64)
    earlier = budgets_of(read_trace(path), table)
    if not earlier.stored:
        raise ConfigError(f"{path} has no harvest, which a forecast is made of", do="make it like the trace itself")
    return earlier.harvest


def _row(replay: Replay, table: CostTable, bound: float) -> dict[str, Any]:
    counts = np.bincount(replay.levels, minlength=len(table.options))
    return {
        "policy": replay.policy,
        "accuracy": replay.utility,
        "of_bound": replay.utility / bound if bound else 1.0,
        "missed": int(replay.missed.sum()),
        "infeasible": int(replay.infeasible.sum()),
        "switches": replay.switches,
        "switch_share": replay.switch_share,
        "chosen": {option.name: int(count) for option, count in zip(table.options, counts, strict=True)},
    }


def _columns(row: dict[str, Any]) -> dict[str, Any]:
    """What fits a line."""
    total = sum(row["chosen"].values())
    chosen = {name: f"{count / total:.1%}" for name, count in row["chosen"].items()}
    return {
        "policy": row["policy"],
        "accuracy": f"{row['accuracy']:.4f}",
        "of bound": f"{row['of_bound']:.1%}",
        "missed": f"{row['missed'] / total:.2%}",
        "switches": row["switches"],
        **chosen,
    }


def _choices(trace: Trace, table: CostTable, replay: Replay) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([TIME, "subnet", "missed", "infeasible", "stored"])
    names = [option.name for option in table.options]
    columns: Sequence[Any] = (trace.times_s, replay.levels, replay.missed, replay.infeasible, replay.stored)
    for time_s, level, missed, infeasible, stored in zip(*columns, strict=True):
        writer.writerow([f"{time_s:.9g}", names[level], int(missed), int(infeasible), int(stored)])
    return text.getvalue().encode()
