"""Write a bundle as a `.reds` image that the C runtime reads in place; int8 is calibrated on training examples.

examples:
  python -m reds export build/finished -o net.reds
  python -m reds export build/finished --precision int8 -o net8.reds
"""

from __future__ import annotations

import argparse
import sys

from reds.bundle import Bundle
from reds.commands.shared import add_bundle, add_output, data_of

NAME = "export"
SUMMARY = "write a bundle as an image for devices"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_bundle(parser)
    parser.add_argument("--precision", choices=("float32", "int8"), default="float32", help="default: float32")
    add_output(parser, "image file to write")


def run(arguments: argparse.Namespace) -> None:
    """Export the image."""
    from reds.export import image  # noqa: PLC0415 - only this command needs it

    bundle = Bundle.load(arguments.bundle)
    split, _ = data_of(bundle, arguments.bundle)
    data = image(bundle, arguments.precision, split.x_train)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_bytes(data)
    print(
        f"wrote {arguments.output}: {len(data)} bytes, {len(bundle.subnets)} subnetworks, {arguments.precision}", file=sys.stderr
    )
