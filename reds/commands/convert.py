"""Score the channels of a trained network and sort them, most important first.

The network computes what it did; afterwards every subnetwork is a prefix of its weights. "taylor" scores by |w g| and needs the
data that the network was trained on; "l1" and "l2" look at the weights alone, "random" at nothing: they take any network.

examples:
  python -m reds convert build/trained -o build/sorted
  python -m reds convert build/ds_cnn_s --importance l1 -o build/sorted
  python -m reds convert build/ds_cnn_s --importance random --seed 3 -o build/sorted
"""

from __future__ import annotations

import argparse

from reds.bundle import Bundle, check_replaceable
from reds.commands.shared import add_bundle, add_data, add_json, add_output, training_data_of, wrote
from reds.commands.tables import print_rows
from reds.errors import ConfigError
from reds.importance import METHODS, TAYLOR
from reds.progress import showing_on_terminal
from reds.seeds import check_seed
from reds.steps.convert import BATCH_SIZE, BATCHES, converted

NAME = "convert"
SUMMARY = "score and sort the channels of a trained network"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_bundle(parser)
    parser.add_argument("--importance", choices=tuple(METHODS), default=TAYLOR, help="how channels are scored (default: taylor)")
    parser.add_argument("--seed", type=int, metavar="N", help="of mini-batches or random scores (default: the bundle's, or 0)")
    parser.add_argument(
        "--batches",
        type=int,
        default=BATCHES,
        help=f"taylor: mini-batches of {BATCH_SIZE} for gradients (default: {BATCHES})",
    )
    add_data(parser)
    add_output(parser, "bundle folder to write; an older bundle there is replaced")
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Score, sort, write a bundle, and print the importance of each group."""
    check_replaceable(arguments.output)
    if arguments.batches < 1:
        raise ConfigError("--batches is at least 1", seen=str(arguments.batches))
    if arguments.seed is not None:
        check_seed(arguments.seed)
    bundle, split, seed = Bundle.load(arguments.bundle), None, 0
    if arguments.importance == TAYLOR:
        bundle, split, seed = training_data_of(bundle, arguments)
    seed = seed if arguments.seed is None else arguments.seed
    with showing_on_terminal(arguments.batches if split else 0) as progress:
        bundle = converted(
            bundle,
            split,
            seed,
            batches=arguments.batches,
            method=arguments.importance,
            batch_done=lambda: progress("scoring, in mini-batches", 1),
        )
    wrote(bundle, arguments.output)
    print_rows(bundle.provenance["importance"]["groups"], arguments.json)
