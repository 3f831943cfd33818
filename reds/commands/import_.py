"""Make a bundle of a published network: a TensorFlow checkpoint of a Keras model of one of the architectures.

examples:
  python -m reds import ds_cnn_s/ds_cnn_0.94_ckpt --architecture ds_cnn_s -o build/ds_cnn_s
  python -m reds import models/kws/cnn_s --architecture cnn_s -o build/cnn_s
"""

from __future__ import annotations

import argparse
from pathlib import Path

from reds.bundle import Bundle
from reds.commands.shared import add_output, wrote
from reds.provenance import tool_versions
from reds.subnets import whole_network
from reds.zoo import ZOO, architecture

NAME = "import"
SUMMARY = "make a bundle of a published checkpoint"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="a checkpoint's folder, or its path without .index")
    parser.add_argument("--architecture", required=True, metavar="NAME", help=f"one of {', '.join(ZOO)}")
    add_output(parser, "bundle folder to write")


def run(arguments: argparse.Namespace) -> None:
    """Read the weights and write a bundle of the whole network."""
    network = architecture(arguments.architecture)
    from reds.training.checkpoints import read_checkpoint  # noqa: PLC0415 - imports TensorFlow

    weights = read_checkpoint(arguments.checkpoint, network)
    bundle = Bundle(network, weights, whole_network(network))
    wrote(bundle.with_provenance(imported={"checkpoint": arguments.checkpoint.name}, tools=tool_versions()), arguments.output)
