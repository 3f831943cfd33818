"""Write a bundle as a `.reds` image that the C runtime reads in place.

An int8 image is calibrated on 256 training examples, the same share of every class, or on inputs of your own (--samples).
Before it is written, the image is run on these examples and compared with the bundle.

The layout is the order of the weights. Name a core (cortex-m4, cortex-m0plus, host) for what measured best there, or an order
for all layers: rows, transposed, or shells. With shells the weights lie subnetwork by subnetwork, so that the image of the
smallest subnetworks (--levels) is the beginning of the whole image, byte for byte: a device can be sent, hold or update only
that. With the other layouts it is an image of its own, cut to the largest of them. Either way they compute what they do in the
whole image.

examples:
  python -m reds export build/finished -o net.reds
  python -m reds export build/finished --precision int8 --layout cortex-m4 -o net8.reds
  python -m reds export build/finished --layout shells --levels 50,25 -o small.reds
  python -m reds export build/ds_cnn_s --precision int8 --samples mfcc.npy -o ds_cnn_s.reds
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import numpy as np

from reds.bundle import Bundle
from reds.calibration import calibration_inputs, read_samples
from reds.commands.shared import add_bundle, add_data, add_output, training_data_of
from reds.errors import ConfigError
from reds.export import image
from reds.files import write_whole
from reds.image import CHOICES, read_image
from reds.image.format import FLOAT32, PRECISIONS
from reds.parity import check_parity

NAME = "export"
SUMMARY = "write a bundle as an image for devices"
LAYOUT = "rows"
_RANDOM_INPUTS = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_bundle(parser)
    parser.add_argument("--precision", choices=tuple(PRECISIONS), default=FLOAT32, help=f"default: {FLOAT32}")
    parser.add_argument("--layout", choices=tuple(CHOICES), default=LAYOUT, help=f"order of the weights; default: {LAYOUT}")
    parser.add_argument("--levels", metavar="NAMES", help="only these subnetworks, like 50,25; default: all")
    parser.add_argument(
        "--samples", type=Path, metavar="FILE.npy", help="inputs to calibrate and compare on; default: the bundle's training data"
    )
    add_data(parser)
    add_output(parser, "image file to write")


def _names(text: str | None) -> list[str] | None:
    """The names of a list with commas."""
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise ConfigError("--levels takes names of subnetworks, like 50,25", seen=text)
    return names


def run(arguments: argparse.Namespace) -> None:
    """Export the image."""
    if arguments.output.is_dir():
        raise ConfigError(f"{arguments.output} is a folder", do=f"name a file, like {arguments.output / 'network.reds'}")
    bundle = Bundle.load(arguments.bundle)
    levels = _names(arguments.levels)
    for name in levels or ():
        bundle.subnets.level(name)  # a wrong name is refused before the data set is read
    inputs = _inputs(bundle, arguments)
    data = image(bundle, arguments.precision, inputs, CHOICES[arguments.layout], levels)
    written = read_image(data)
    check_parity(bundle, written, inputs)
    write_whole(arguments.output, data)
    print(f"wrote {arguments.output}: {len(data):,} bytes, {arguments.precision}, layout {arguments.layout}", file=sys.stderr)
    for level in written.levels:
        needs = f"{level.activation_bytes:,} bytes of arena for activations"
        print(f"  subnetwork {level.name}: {level.macs:,} MACs, {needs}", file=sys.stderr)
    print("  (what a device's kernels work in comes on top)", file=sys.stderr)


def _inputs(bundle: Bundle, arguments: argparse.Namespace) -> np.ndarray:
    """Real inputs float32 (n, input elements). A float32 image of a network without data is compared on random ones."""
    if arguments.samples is not None:
        return read_samples(arguments.samples, bundle.architecture)
    if arguments.dataset or "data" in bundle.provenance:
        return calibration_inputs(training_data_of(bundle, arguments)[1])
    if arguments.precision != FLOAT32:
        raise ConfigError(
            f"{arguments.bundle} does not say what it was trained on, and an {arguments.precision} image needs real inputs",
            do="name its data set with --dataset, or give a hundred or more of them: --samples FILE.npy",
        )
    generator = np.random.default_rng(0)
    return generator.normal(size=(_RANDOM_INPUTS, math.prod(bundle.architecture.input_shape))).astype(np.float32)
