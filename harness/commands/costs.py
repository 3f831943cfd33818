"""The cost table of a network on a device: what policies choose subnetworks by (`python -m reds adapt`)."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from harness import units
from harness.commands.output import add_json, print_json, print_table
from harness.commands.runs import add_results, read_run
from harness.costs import cost_table, networks
from reds.errors import ConfigError

NAME = "costs"
SUMMARY = "what each subnetwork takes on a device, as a table for policies"
EXAMPLES = """examples:
  python -m harness costs latest --device nano33ble-emu --network mlp3-digits-int8 -o build/costs.json
  python -m harness costs latest --device host --network mlp3-digits-int8 --active-mw 1500
  python -m reds adapt build/costs.json --trace build/vehicle.csv
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "run_name", metavar="RUN", help="a run: a file, an id or its beginning, a baseline, a revision, latest, URL#RUN"
    )
    parser.add_argument("--device", required=True, metavar="ID", help="which device of the run")
    parser.add_argument("--network", metavar="NAME", help="architecture-dataset-precision (default: the only one)")
    parser.add_argument("--active-mw", type=float, metavar="P", help="power while it computes; without it MACs stand for energy")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.json", help="file to write (default: the table is only shown)")
    add_results(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print the table, and write it.

    Raises:
        ConfigError: the run does not hold what makes it.
    """
    run_file = read_run(options.run_name, options.results)
    if options.active_mw is not None and not 0 < options.active_mw < float("inf"):
        raise ConfigError("--active-mw is above zero and finite", seen=f"{options.active_mw:g}")
    known = networks(run_file, options.device)
    if options.network is None and len(known) != 1:
        raise ConfigError(f"the run has {len(known)} networks on {options.device}", do=f"--network one of: {', '.join(known)}")
    table = cost_table(run_file, options.device, options.network or known[0], options.active_mw)
    if options.output:
        table.write(options.output)
        print(f"wrote {options.output}", file=sys.stderr)
    if options.json:
        print_json(asdict(table))
        return 0
    time, energy = f"time, {units.short(table.time_unit)}", f"energy, {table.energy_unit}"
    rows = [[o.name, f"{o.time_ticks:,}", f"{o.energy:,}", f"{o.ram_bytes:,}", f"{o.accuracy:.4f}"] for o in table.options]
    columns = ["subnetwork", time, energy, "RAM, bytes", "accuracy"]
    print_table(columns, rows, numbers=columns[1:])
    print(f"a change of subnetwork takes at most {table.switch_ticks:,} {units.short(table.time_unit)}")
    return 0
