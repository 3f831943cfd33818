"""Choose nested subnetworks: the most important weights within each budget of multiply-adds (MACs) or latency.

The exact search states what it proved; its budgets are percentages of the whole network's true MACs, head included, or of its
latency on a device. cp-sat, scip and gurobi need OR-Tools and solve the published formulation instead, a variable for each unit.

Given the name of a network instead of a bundle, the importance is random and the widths are only printed, unless -o is given.
Limits on bytes hold for every subnetwork that is searched; the whole network is what it is.

examples:
  python -m reds search build/sorted --budgets 75,50,25 -o build/nested
  python -m reds search build/sorted --budgets 50,25,10 --direction top-down --minimum-width 4 -o build/nested
  python -m reds search ds_cnn_l --importance random --seed 0 --budgets 75,50,25 --json
  python -m reds search mobilenet_v1_1_96 --importance random --budgets 50 --peak-bytes 200000 --peak largest-map
  python -m reds search build/sorted --cost latency --table ds_cnn_s.csv --align 4 -o build/nested
  python -m reds search build/sorted --halving --budgets 50,25,12.5 --groups hidden1 -o build/nested
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from reds.bundle import Bundle, check_replaceable, untrained
from reds.commands.shared import add_json, print_rows, wrote
from reds.errors import ConfigError
from reds.importance import METHODS, RANDOM
from reds.search.activations import DEFINITIONS, INPUT_OUTPUT
from reds.search.chain import MACS
from reds.search.latency import LatencyTable
from reds.search.limits import ELEMENT_BYTES, Limits
from reds.search.models import DIRECTIONS, SOLVERS
from reds.search.solver import SOLVER
from reds.seeds import check_seed
from reds.steps.convert import converted
from reds.steps.narrow import narrowed
from reds.widths import HalvingRule, SearchRule, WidthRule
from reds.zoo import architecture, halved_groups

NAME = "search"
SUMMARY = "choose nested subnetworks within budgets"
COSTS = ("macs", "latency")
PROOF = ("solver", "status", "value", "bound", "gap", "seconds")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("network", metavar="BUNDLE|NAME", help="a folder that convert wrote, or the name of a network")
    parser.add_argument("--importance", choices=(RANDOM,), help="with NAME: how channels are scored (bundles: see convert)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="with NAME: of the random importance (default: 0)")
    parser.add_argument("--budgets", default="75,50,25", metavar="P,P,...", help="percentages, falling (default: 75,50,25)")
    parser.add_argument("--cost", choices=COSTS, default="macs", help="what the budgets are shares of (default: macs)")
    parser.add_argument("--table", type=Path, metavar="FILE", help="with --cost latency: what harness profile --table wrote")
    parser.add_argument("--solver", choices=tuple(SOLVERS), default=SOLVER, help=f"default: {SOLVER}")
    parser.add_argument("--time-limit", type=float, metavar="SECONDS", help="for each subnetwork (default: none)")
    parser.add_argument(
        "--direction",
        choices=sorted(DIRECTIONS),
        default="bottom-up",
        help="which subnetwork is chosen first, the smallest or the largest (default: bottom-up)",
    )
    parser.add_argument("--minimum-width", type=int, default=2, metavar="N", help="least channels of a group (default: 2)")
    parser.add_argument(
        "--align", type=int, default=1, metavar="N", help="widths are multiples of N or all channels (default: 1)"
    )
    parser.add_argument("--peak-bytes", type=int, metavar="N", help="most bytes of activations held at once")
    parser.add_argument(
        "--peak",
        choices=tuple(DEFINITIONS),
        default=INPUT_OUTPUT,
        help=f"what that is: input plus output of a layer, or the largest output (default: {INPUT_OUTPUT})",
    )
    parser.add_argument("--flash-bytes", type=int, metavar="N", help="most bytes of a subnetwork's own weights")
    parser.add_argument("--element", choices=tuple(ELEMENT_BYTES), default="float32", help="type that bytes are counted in")
    parser.add_argument("--halving", action="store_true", help="no search: the percentages are shares of the channels")
    parser.add_argument(
        "--groups", metavar="NAME,...", help="with --halving: the groups that are cut (default: the poster's, or all)"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="PATH", help="bundle folder to write; with NAME optional")
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Choose, write a bundle, and print the subnetworks."""
    if arguments.output:
        check_replaceable(arguments.output)
    limits = Limits(arguments.peak_bytes, arguments.peak, arguments.flash_bytes, arguments.element)
    bundle = _scored(arguments)
    bundle = narrowed(bundle, _rule(arguments, bundle, limits))
    if arguments.output:
        wrote(bundle, arguments.output)
    rows = _rows(bundle, limits)
    if arguments.json:
        print(json.dumps(_summary(bundle, rows), indent=1))
    else:
        print_rows([_columns(row) for row in rows], as_json=False)


def _columns(row: dict[str, Any]) -> dict[str, Any]:
    """What fits a line: what JSON has, but for what says the same again or is the same in all lines."""
    left_out = ("name", "peak_definition", "bound", "used_macs")
    return {"subnet": row["name"], **{key: value for key, value in row.items() if key not in left_out}}


def _scored(arguments: argparse.Namespace) -> Bundle:
    """The bundle, or a network of this name with random weights and importance."""
    path = Path(arguments.network)
    if path.exists() or len(path.parts) > 1:
        if arguments.importance:
            do = "score it with: python -m reds convert --importance"
            raise ConfigError("--importance goes with the name of a network; a bundle has its own", do=do)
        if not arguments.output:
            raise ConfigError("-o is missing", do="name the bundle folder to write")
        return Bundle.load(path)
    network = architecture(arguments.network)
    if not (arguments.importance or arguments.halving):
        do = f"add --importance {RANDOM}, or give a bundle ({', '.join(METHODS)} are importances of python -m reds convert)"
        raise ConfigError(f"{network.name} has no weights to score", do=do)
    seed = check_seed(arguments.seed)
    return converted(untrained(network, seed), None, seed, method=RANDOM)


def _rule(arguments: argparse.Namespace, bundle: Bundle, limits: Limits) -> WidthRule:
    shares = _shares(arguments.budgets)
    if arguments.halving:
        if limits != Limits(element=limits.element) or arguments.cost != COSTS[0]:
            raise ConfigError("--halving knows no limits and no costs", do="leave them out, or search")
        groups = arguments.groups.split(",") if arguments.groups else halved_groups(bundle.architecture)
        return HalvingRule(tuple(groups), shares)
    if arguments.groups:
        raise ConfigError("--groups goes with --halving", do="leave it out, or add --halving")
    if (arguments.cost == COSTS[1]) != (arguments.table is not None):
        do = "measure one: python -m harness profile NETWORK --device ID --table FILE"
        raise ConfigError("--cost latency and --table go together", do=do)
    return SearchRule(
        shares,
        arguments.direction,
        arguments.minimum_width,
        align=arguments.align,
        solver=arguments.solver,
        limits=limits,
        latency=LatencyTable.read(arguments.table) if arguments.table else None,
        time_limit_s=arguments.time_limit,
    )


def _shares(percentages: str) -> tuple[float, ...]:
    try:
        shares = tuple(float(number) / 100 for number in percentages.split(","))
    except ValueError as error:
        raise ConfigError("--budgets is a list of percentages", seen=repr(percentages), do="write it like 75,50,25") from error
    if list(shares) != sorted(shares, reverse=True):
        do = "write them like 75,50,25"
        raise ConfigError("--budgets are percentages of the whole network, falling", seen=repr(percentages), do=do)
    return shares if shares[0] == 1 else (1.0, *shares)


def _rows(bundle: Bundle, limits: Limits) -> list[dict[str, Any]]:
    """What each subnetwork costs and how it was chosen."""
    proofs = {item["name"]: item for item in bundle.provenance["widths"].get("solutions", [])}
    rows = []
    for subnet in bundle.subnets:
        cost, proof = bundle.architecture.cost(subnet.widths), proofs.get(subnet.name, {})
        row = {
            "name": subnet.name,
            "widths": list(subnet.widths),
            "macs": cost.macs,
            "parameters": cost.parameters,
            "peak_activation_bytes": limits.peak_bytes(cost),
            "peak_definition": limits.peak_definition,
            "flash_bytes": limits.weight_bytes(bundle.architecture, subnet.widths),
        }
        rows.append(
            {**row, **{key: value for key, value in proof.items() if key in PROOF or key.startswith(("limit_", "used_"))}}
        )
    return rows


def _summary(bundle: Bundle, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The search as a whole: its status is that of the subnetwork that is proved least; "unit" is what budgets are counted in."""
    facts = bundle.provenance["widths"]
    searched = [row for row in rows if row.get("solver", "none") != "none"]
    return {
        "solver": facts.get("solver", facts["rule"]),
        "status": "feasible" if any(row["status"] != "optimal" for row in searched) else "optimal",
        "seconds": sum(row["seconds"] for row in searched),
        "gap": max((row["gap"] for row in searched), default=0.0),
        "unit": facts["latency"]["unit"] if facts.get("latency") else MACS,
        **{key: facts[key] for key in ("budgets", "direction", "align", "minimum_width", "limits") if key in facts},
        "subnets": rows,
    }
