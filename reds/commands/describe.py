"""Say what a network or a bundle is: its channel groups, and what each subnetwork costs.

examples:
  python -m reds describe mlp3
  python -m reds describe build/finished --json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.commands.shared import add_json, cost_rows, print_rows, subnet_rows
from reds.subnets import whole_network
from reds.zoo import ZOO, architecture

NAME = "describe"
SUMMARY = "say what a network or a bundle is and what its subnetworks cost"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "network",
        metavar="NAME|BUNDLE",
        help=f"a network ({', '.join(ZOO)}, or mobilenet_v1_ALPHA_SIDE[_imagenet]) or a bundle folder",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print the description."""
    path = Path(arguments.network)
    if path.is_dir():
        bundle = Bundle.load(path)
        network, rows, provenance = bundle.architecture, subnet_rows(bundle), dict(bundle.provenance)
    else:
        network = architecture(arguments.network)
        rows, provenance = cost_rows(network, whole_network(network), {}), {}
    facts = _facts(network)
    if arguments.json:
        print(json.dumps({**facts, "subnets": rows, "provenance": provenance}, indent=1))
        return
    print(f"{facts['name']}: input {facts['input_shape']}, {facts['classes']} classes")
    print("channel groups: " + ", ".join(f"{g['name']} {g['size']}{' (whole)' if g['whole'] else ''}" for g in facts["groups"]))
    print_rows(rows, as_json=False)


def _facts(network: Architecture) -> dict:
    groups = [{"name": group.name, "size": group.size, "whole": group.whole} for group in network.groups]
    return {"name": network.name, "input_shape": list(network.input_shape), "classes": network.classes, "groups": groups}
