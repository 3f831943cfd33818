"""Score the channels of a trained network by first-order importance |w g| and sort them, most important first.

The network computes what it did; afterwards every subnetwork is a prefix of its weights.

example:
  python -m reds convert build/trained -o build/sorted
"""

from __future__ import annotations

import argparse

from reds.bundle import Bundle
from reds.commands.shared import add_bundle, add_data, add_json, add_output, print_rows, training_data_of, wrote
from reds.errors import ConfigError
from reds.steps.convert import BATCH_SIZE, BATCHES, converted

NAME = "convert"
SUMMARY = "score and sort the channels of a trained network"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_bundle(parser)
    parser.add_argument(
        "--batches", type=int, default=BATCHES, help=f"mini-batches of {BATCH_SIZE} for the gradients (default: {BATCHES})"
    )
    add_data(parser)
    add_output(parser, "bundle folder to write")
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Score, sort, write a bundle, and print the importance of each group."""
    if arguments.batches < 1:
        raise ConfigError("--batches is at least 1", seen=str(arguments.batches))
    bundle, split, seed = training_data_of(Bundle.load(arguments.bundle), arguments)
    bundle = converted(bundle, split, seed, arguments.batches)
    wrote(bundle, arguments.output)
    print_rows(bundle.provenance["importance"]["groups"], arguments.json)
