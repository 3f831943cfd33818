"""Choose nested subnetworks: the most important weights within each budget of multiply-adds (MACs) or latency.

The exact search states what it proved; its budgets are percentages of the whole network's true MACs, head included, or of its
latency on a device. cp-sat, scip and gurobi need OR-Tools and solve the published formulation instead, a variable for each unit.

Without -o the widths are only printed. Given the name of a network instead of a bundle, the importance is random.
Limits on bytes hold for every subnetwork that is searched; the whole network is what it is. The table says in "used" how much of
its budget a subnetwork takes, --json everything.

examples:
  python -m reds search build/sorted --budgets 75,50,25
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
import sys
from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from reds.bundle import Bundle, check_replaceable, untrained
from reds.commands.shared import add_json, wrote
from reds.commands.tables import print_rows
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
FRACTION = 0.01  # one per cent: whoever names no more than that means shares of 1
WIDE_GAP = 0.01  # more than this is worth a word
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
    parser.add_argument("-o", "--output", type=Path, metavar="PATH", help="bundle folder to write (default: none)")
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
    for alike in _alike(rows):
        print(f"note: subnetworks {', '.join(alike)} have the same widths{_why(limits)}", file=sys.stderr)
    for row in rows:
        if row.get("gap", 0) > WIDE_GAP:
            what = f"subnetwork {row['name']} is only the best that was found; it may be {row['gap']:.0%} below the best there is"
            print(f"note: {what} (more --time-limit, or --solver {SOLVER})", file=sys.stderr)
    summary = _summary(bundle, rows)
    if arguments.json:
        print(json.dumps(summary, indent=1))
        return
    print_rows([_columns(row) for row in rows], as_json=False)
    if summary["solver"] in SOLVERS:
        print("{solver}: {status}, gap {gap:.2g}, {seconds:.3f} s".format(**summary))


def _alike(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Names of the subnetworks that have the same widths, which lie beside one another."""
    groups = ([row["name"] for row in rows] for _, rows in groupby(rows, key=lambda row: row["widths"]))
    return [names for names in groups if len(names) > 1]


def _why(limits: Limits) -> str:
    """What keeps subnetworks from using their budgets, where bytes are limited."""
    given = (("--peak-bytes", limits.peak_activation_bytes), ("--flash-bytes", limits.flash_bytes))
    flags = [f"{flag} {number}" for flag, number in given if number is not None]
    return f": within {' and '.join(flags)} there is no room for more" if flags else ""


def _columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """What fits a line."""
    used, limit = (next((row[key] for key in row if key.startswith(start)), None) for start in ("used_", "limit_"))
    shown = {"used": f"{used / limit:.1%}"} if used and limit else {}
    peak = {"parameters": row["parameters"], "peak_bytes": row["peak_activation_bytes"], "flash_bytes": row["flash_bytes"]}
    gap = {"gap": f"{row['gap']:.1g}"} if "gap" in row else {}
    return {"subnet": row["name"], "widths": row["widths"], "macs": row["macs"], **shown, **peak, **gap}


def _scored(arguments: argparse.Namespace) -> Bundle:
    """The bundle, or a network of this name with random weights and importance."""
    path = Path(arguments.network)
    if path.exists() or len(path.parts) > 1:
        if arguments.importance:
            do = "score it with: python -m reds convert --importance"
            raise ConfigError("--importance goes with the name of a network; a bundle has its own", do=do)
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
    if all(0 < share <= FRACTION for share in shares) and min(shares) < FRACTION:
        meant = ",".join(f"{10_000 * share:g}" for share in shares)
        fractions = f"write {meant}, or for less than one per cent " if 100 * min(shares) >= FRACTION else "for so little, "
        do = f"{fractions}begin with the whole network: 100,{percentages}"
        raise ConfigError("--budgets are percentages, not fractions", seen=repr(percentages), do=do)
    for wrong, why in (
        (not all(0 < share <= 1 for share in shares), "above 0 and at most 100"),
        (len(set(shares)) < len(shares), "each once"),
    ):
        if wrong:
            do = "write them like 75,50,25"
            raise ConfigError(f"--budgets are percentages of the whole network, {why}", seen=repr(percentages), do=do)
    if list(shares) != sorted(shares, reverse=True):
        do = "write them like 75,50,25"
        raise ConfigError("--budgets are percentages of the whole network, falling", seen=repr(percentages), do=do)
    return shares if shares[0] == 1 else (1.0, *shares)


def _rows(bundle: Bundle, limits: Limits) -> list[dict[str, Any]]:
    """What each subnetwork costs and how it was chosen; "same_as" names the largest one that has the same widths."""
    proofs = {item["name"]: item for item in bundle.provenance["widths"].get("solutions", [])}
    rows = []
    for subnet in bundle.subnets:
        cost, proof = bundle.architecture.cost(subnet.widths), proofs.get(subnet.name, {})
        row = {
            "name": subnet.name,
            "same_as": None,
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
    for larger, row in pairwise(rows):
        row["same_as"] = larger["same_as"] or larger["name"] if row["widths"] == larger["widths"] else None
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
