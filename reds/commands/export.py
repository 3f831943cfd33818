"""Write a bundle as a `.reds` image that the C runtime reads in place.

An int8 image is calibrated on 256 training examples, the same share of every class. Before it is written, the image is run on
these examples and compared with the bundle.

examples:
  python -m reds export build/finished -o net.reds
  python -m reds export build/finished --precision int8 -o net8.reds
"""

from __future__ import annotations

import argparse
import sys

from reds.bundle import Bundle
from reds.calibration import calibration_inputs
from reds.commands.shared import add_bundle, add_output, data_of
from reds.export import image
from reds.image import read_image
from reds.image.format import FLOAT32, PRECISIONS
from reds.parity import check_parity

NAME = "export"
SUMMARY = "write a bundle as an image for devices"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_bundle(parser)
    parser.add_argument("--precision", choices=tuple(PRECISIONS), default=FLOAT32, help=f"default: {FLOAT32}")
    add_output(parser, "image file to write")


def run(arguments: argparse.Namespace) -> None:
    """Export the image."""
    bundle = Bundle.load(arguments.bundle)
    split, _ = data_of(bundle, arguments.bundle)
    inputs = calibration_inputs(split)
    data = image(bundle, arguments.precision, inputs)
    check_parity(bundle, read_image(data), inputs)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_bytes(data)
    print(
        f"wrote {arguments.output}: {len(data)} bytes, {len(bundle.subnets)} subnetworks, {arguments.precision}", file=sys.stderr
    )
