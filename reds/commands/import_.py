"""Make a bundle of a published network, or of your own Keras model.

CHECKPOINT is one of these; its content decides, not its ending:
  a TensorFlow checkpoint of a Keras model: its folder, or its path without .index
  a .tflite file, int8 or float32: its batch norm is folded in, so the bundle's is the identity
  an HDF5 file of a Keras 2 model
  a .keras archive of a Keras 3 model that is a chain of layers; it says its architecture itself

examples:
  python -m reds import ds_cnn_s/ds_cnn_0.94_ckpt --architecture ds_cnn_s -o build/ds_cnn_s
  python -m reds import models/kws/cnn_s --architecture cnn_s -o build/cnn_s
  python -m reds import models/kws/cnn_l/cnn_l_quantized.tflite --architecture cnn_l -o build/cnn_l
  python -m reds import my_model.keras -o build/my_model
"""

from __future__ import annotations

import argparse
from pathlib import Path

from reds.bundle import check_replaceable
from reds.commands.shared import add_output, wrote
from reds.importing import import_network
from reds.provenance import tool_versions
from reds.zoo import NAMES, architecture

NAME = "import"
SUMMARY = "make a bundle of a published network or a Keras model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="a file, or a checkpoint's folder")
    parser.add_argument(
        "--architecture", metavar="NAME", help=f"what the file holds; not needed for a .keras archive. One of {', '.join(NAMES)}"
    )
    add_output(parser, "bundle folder to write; an older bundle there is replaced")


def run(arguments: argparse.Namespace) -> None:
    """Read the weights and write a bundle of the whole network."""
    check_replaceable(arguments.output)
    network = architecture(arguments.architecture) if arguments.architecture else None
    bundle = import_network(arguments.checkpoint, network)
    wrote(bundle.with_provenance(tools=tool_versions()), arguments.output)
