"""Choose nested subnetworks: the most important weights within each budget of multiply-adds (MACs).

The search is exact; the table states what it proved. Budgets are percentages of the whole network's true MACs, head included.

examples:
  python -m reds search build/sorted --budgets 75,50,25 -o build/nested
  python -m reds search build/sorted --budgets 50,25,10 --direction top-down --minimum-width 4 -o build/nested
  python -m reds search build/sorted --halving --budgets 50,25,12.5 --groups hidden1 -o build/nested
"""

from __future__ import annotations

import argparse

from reds.bundle import Bundle
from reds.commands.shared import add_bundle, add_json, add_output, print_rows, subnet_rows, wrote
from reds.errors import ConfigError
from reds.search.nested import DIRECTIONS
from reds.steps.narrow import narrowed
from reds.widths import HalvingRule, SearchRule, WidthRule
from reds.zoo import halved_groups

NAME = "search"
SUMMARY = "choose nested subnetworks within budgets"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_bundle(parser)
    parser.add_argument("--budgets", default="75,50,25", metavar="P,P,...", help="percentages, falling (default: 75,50,25)")
    parser.add_argument(
        "--direction",
        choices=sorted(DIRECTIONS),
        default="bottom-up",
        help="which subnetwork is chosen first, the smallest or the largest (default: bottom-up)",
    )
    parser.add_argument("--minimum-width", type=int, default=2, metavar="N", help="least channels of a group (default: 2)")
    parser.add_argument("--halving", action="store_true", help="no search: the percentages are shares of the channels")
    parser.add_argument(
        "--groups", metavar="NAME,...", help="with --halving: the groups that are cut (default: the poster's, or all)"
    )
    add_output(parser, "bundle folder to write")
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Choose, write a bundle, and print the subnetworks."""
    bundle = Bundle.load(arguments.bundle)
    bundle = narrowed(bundle, _rule(arguments, bundle))
    wrote(bundle, arguments.output)
    proofs = {item["name"]: item for item in bundle.provenance["widths"].get("solutions", [])}
    columns = ("solver", "status", "value", "bound", "gap", "limit_macs", "seconds")
    rows = [
        {**row, **{column: proofs[row["subnet"]][column] for column in columns if row["subnet"] in proofs}}
        for row in subnet_rows(bundle)
    ]
    print_rows(rows, arguments.json)


def _rule(arguments: argparse.Namespace, bundle: Bundle) -> WidthRule:
    shares = _shares(arguments.budgets)
    if not arguments.halving:
        if arguments.groups:
            raise ConfigError("--groups goes with --halving", do="leave it out, or add --halving")
        return SearchRule(shares, arguments.direction, arguments.minimum_width)
    groups = arguments.groups.split(",") if arguments.groups else halved_groups(bundle.architecture)
    return HalvingRule(tuple(groups), shares)


def _shares(percentages: str) -> tuple[float, ...]:
    try:
        shares = tuple(float(number) / 100 for number in percentages.split(","))
    except ValueError as error:
        raise ConfigError("--budgets is a list of percentages", seen=percentages, do="write it like 75,50,25") from error
    return shares if shares[0] == 1 else (1.0, *shares)
