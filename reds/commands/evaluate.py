"""Measure the accuracy of every subnetwork on the test examples, each exported alone to Keras.

examples:
  python -m reds evaluate build/finished
  python -m reds evaluate build/finished --json -o build/evaluated
"""

from __future__ import annotations

import argparse
from pathlib import Path

from reds.bundle import Bundle
from reds.commands.shared import add_bundle, add_data, add_json, data_of, print_rows, subnet_rows, wrote
from reds.steps.evaluate import evaluated

NAME = "evaluate"
SUMMARY = "measure the accuracy of every subnetwork"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_bundle(parser)
    add_data(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="PATH", help="bundle folder to write, with the accuracy recorded")
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Evaluate and print the subnetworks."""
    bundle = Bundle.load(arguments.bundle)
    split, _ = data_of(bundle, arguments)
    bundle = bundle.with_provenance(accuracy=dict(evaluated(bundle, split).accuracy))
    if arguments.output:
        wrote(bundle, arguments.output)
    print_rows(subnet_rows(bundle), arguments.json)
