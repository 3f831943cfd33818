"""Train a whole network from random weights. The last epoch's weights are kept; the test examples decide nothing.

examples:
  python -m reds train mlp3 --dataset digits --seed 0 -o build/trained
  python -m reds train ds_cnn_s_fashion_mnist --dataset fashion_mnist --data-dir data -o build/fashion
  python -m reds train mlp11 --epochs 5 -o build/quick
"""

from __future__ import annotations

import argparse

from reds.bundle import check_replaceable
from reds.commands.plan_options import add_plan, chosen_plan
from reds.commands.shared import add_data_dir, add_output, epochs_shown, wrote
from reds.datasets.registry import DATASETS, check_dataset
from reds.defaults import default_plans
from reds.prepared import split_for
from reds.progress import showing_amounts
from reds.steps.pretrain import pretrained
from reds.zoo import NAMES, architecture

NAME = "train"
SUMMARY = "train a whole network"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("network", metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--dataset", default="digits", help=f"one of {', '.join(DATASETS)} (default: digits)")
    add_data_dir(parser)
    parser.add_argument("--seed", type=int, default=0, help="decides split, initial weights and shuffling (default: 0)")
    add_output(parser, "bundle folder to write; an older bundle there is replaced")
    add_plan(parser)


def run(arguments: argparse.Namespace) -> None:
    """Train and write a bundle."""
    check_replaceable(arguments.output)
    network = architecture(arguments.network)
    plan = chosen_plan(arguments, default_plans(network.name, check_dataset(arguments.dataset)).pretraining)
    with showing_amounts() as amounts:
        split = split_for(network, arguments.dataset, arguments.seed, arguments.data_dir, amounts).check_training()
    with epochs_shown(f"training {network.name}", plan.epochs) as epochs_done:
        bundle = pretrained(network, split, plan, arguments.seed, epochs_done)
    wrote(bundle, arguments.output)
