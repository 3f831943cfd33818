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
from reds.bundle import Bundle, untrained
from reds.commands.shared import add_json, print_rows, subnet_rows
from reds.zoo import ZOO, architecture

NAME = "describe"
SUMMARY = "say what a network or a bundle is and what its subnetworks cost"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("network", metavar="NAME|BUNDLE", help=f"a network ({', '.join(ZOO)}) or a bundle folder")
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print the description."""
    path = Path(arguments.network)
    bundle = Bundle.load(path) if path.is_dir() else untrained(architecture(arguments.network), seed=0)
    if arguments.json:
        provenance = dict(bundle.provenance)
        print(json.dumps({**_facts(bundle.architecture), "subnets": subnet_rows(bundle), "provenance": provenance}, indent=1))
        return
    facts = _facts(bundle.architecture)
    print(f"{facts['name']}: input {facts['input_shape']}, {facts['classes']} classes")
    print("channel groups: " + ", ".join(f"{g['name']} {g['size']}{' (whole)' if g['whole'] else ''}" for g in facts["groups"]))
    print_rows(subnet_rows(bundle), as_json=False)


def _facts(network: Architecture) -> dict:
    groups = [{"name": group.name, "size": group.size, "whole": group.whole} for group in network.groups]
    return {"name": network.name, "input_shape": list(network.input_shape), "classes": network.classes, "groups": groups}
