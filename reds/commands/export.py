"""Write a bundle as a `.reds` image that the C runtime reads in place, or as a `.tflite` file for LiteRT.

Int8 is calibrated on 256 training examples, the same share of every class, or on inputs of your own (--samples). Before it is
written, what is exported is run on these examples and compared with the bundle.

A `.reds` image orders weights by its layout. Name a core (cortex-m4, cortex-m0plus, host) for what measured best there, or an
order for all layers: rows, transposed, or shells. With shells the weights lie subnetwork by subnetwork, so that the image of the
smallest subnetworks (--levels) is the beginning of the whole image, byte for byte: a device can be sent, hold or update only
that. With the other layouts it is an image of its own, cut to the largest of them. Either way they compute what they do in the
whole image.

A `.tflite` file has one signature for each subnetwork, named as it, and holds what they share once. --separate writes a file for
each instead, NAME-SUBNETWORK.tflite; --masks gives every subnetwork kernels of the whole network's size, with zeros where it has
no channels, to compare slices with masks. It needs LiteRT: pip install "reds-bench[litert]".

examples:
  python -m reds export build/finished -o net.reds
  python -m reds export build/finished --precision int8 --layout cortex-m4 -o net8.reds
  python -m reds export build/finished --layout shells --levels 50,25 -o small.reds
  python -m reds export build/ds_cnn_s --precision int8 --samples mfcc.npy -o ds_cnn_s.reds
  python -m reds export build/finished --format tflite -o net.tflite
  python -m reds export build/finished --format tflite --precision int8 --separate -o net8.tflite
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from reds.bundle import Bundle
from reds.calibration import calibration_inputs, read_samples
from reds.commands.shared import add_bundle, add_data, add_output, training_data_of
from reds.errors import ConfigError
from reds.export import image, kept_levels
from reds.files import write_whole
from reds.image import CHOICES, read_image
from reds.image.format import FLOAT32, PRECISIONS
from reds.litert.encoding import schema as check_installed
from reds.litert.export import ALONE, MASKED, SHARED, tflite, tflite_each
from reds.litert.parity import check_parity as check_tflite
from reds.parity import check_parity
from reds.subnets import Subnet

NAME = "export"
SUMMARY = "write a bundle as an image for devices, or for LiteRT"
LAYOUT = "rows"
_RANDOM_INPUTS = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_bundle(parser)
    parser.add_argument("--format", choices=tuple(_FORMATS), default=REDS, help=f"default: {REDS}")
    parser.add_argument("--precision", choices=tuple(PRECISIONS), default=FLOAT32, help=f"default: {FLOAT32}")
    parser.add_argument("--layout", choices=tuple(CHOICES), help=f"{REDS}: order of the weights; default: {LAYOUT}")
    parser.add_argument("--levels", metavar="NAMES", help="only these subnetworks, like 50,25; default: all")
    parser.add_argument("--separate", action="store_true", help=f"{TFLITE}: a file for each subnetwork")
    parser.add_argument("--masks", action="store_true", help=f"{TFLITE}: subnetworks as masks of the largest")
    parser.add_argument(
        "--samples", type=Path, metavar="FILE.npy", help="inputs to calibrate and compare on; default: the bundle's training data"
    )
    add_data(parser)
    add_output(parser, "file to write")


def _names(text: str | None) -> list[str] | None:
    """The names of a list with commas."""
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise ConfigError("--levels takes names of subnetworks, like 50,25", seen=text)
    return names


def run(arguments: argparse.Namespace) -> None:
    """Export the image or file."""
    if arguments.output.is_dir():
        suffix = f"network.{arguments.format}"
        raise ConfigError(f"{arguments.output} is a folder", do=f"name a file, like {arguments.output / suffix}")
    _check_options(arguments)
    bundle = Bundle.load(arguments.bundle)
    levels = _names(arguments.levels)
    for name in levels or ():
        bundle.subnets.level(name)  # a wrong name is refused before the data set is read
    _FORMATS[arguments.format](bundle, arguments, levels)


def _check_options(arguments: argparse.Namespace) -> None:
    """Options of the other format are refused."""
    for option, format_name in (("layout", REDS), ("separate", TFLITE), ("masks", TFLITE)):
        if getattr(arguments, option) and arguments.format != format_name:
            raise ConfigError(f"--{option} is for --format {format_name}", seen=f"--format {arguments.format}")


def _export_image(bundle: Bundle, arguments: argparse.Namespace, levels: Sequence[str] | None) -> None:
    inputs, layout = _inputs(bundle, arguments), arguments.layout or LAYOUT
    data = image(bundle, arguments.precision, inputs, CHOICES[layout], levels)
    written = read_image(data)
    check_parity(bundle, written, inputs)
    write_whole(arguments.output, data)
    print(f"wrote {arguments.output}: {len(data):,} bytes, {arguments.precision}, layout {layout}", file=sys.stderr)
    for level in written.levels:
        needs = f"{level.activation_bytes:,} bytes of arena for activations"
        print(f"  subnetwork {level.name}: {level.macs:,} MACs, {needs}", file=sys.stderr)
    print("  (what a device's kernels work in comes on top)", file=sys.stderr)


def _export_tflite(bundle: Bundle, arguments: argparse.Namespace, levels: Sequence[str] | None) -> None:
    check_installed()
    subnets = [bundle.subnets[bundle.subnets.level(name)] for name in kept_levels(bundle, levels)]
    paths = separate_paths(arguments.output, [subnet.name for subnet in subnets]) if arguments.separate else [arguments.output]
    inputs = _inputs(bundle, arguments)
    for path, (held, content) in zip(paths, _tflite_files(bundle, arguments, subnets, inputs), strict=True):
        check_tflite(bundle, arguments.precision, content, held, inputs)
        write_whole(path, content)
        print(f"wrote {path}: {len(content):,} bytes, {arguments.precision}", file=sys.stderr)
        for subnet in held:
            macs = bundle.architecture.cost(subnet.widths).macs
            print(f"  signature {subnet.name}: {macs:,} MACs", file=sys.stderr)


def _tflite_files(
    bundle: Bundle, arguments: argparse.Namespace, subnets: Sequence[Subnet], inputs: np.ndarray
) -> list[tuple[Sequence[Subnet], bytes]]:
    """What is to be written: for each file its subnetworks, and its content."""
    if not arguments.separate:
        kernels = MASKED if arguments.masks else SHARED
        return [(subnets, tflite(bundle, arguments.precision, inputs, kernels, subnets))]
    kernels = MASKED if arguments.masks else ALONE
    files = tflite_each(bundle, arguments.precision, inputs, kernels, subnets)
    return [((subnet,), content) for subnet, content in files.items()]


def separate_paths(path: Path, names: Sequence[str]) -> list[Path]:
    """A path for each subnetwork, beside one for all: net.tflite -> net-25.tflite.

    Raises:
        ConfigError: a name that is no part of a file name.
    """
    for name in names:
        if not name or not all(letter.isalnum() or letter in "._-" for letter in name):
            raise ConfigError("a subnetwork's name cannot be part of a file name", seen=repr(name), do="leave out --separate")
    return [path.with_name(f"{path.stem}-{name}{path.suffix}") for name in names]


REDS, TFLITE = "reds", "tflite"
_FORMATS: Mapping[str, Callable[[Bundle, argparse.Namespace, Sequence[str] | None], None]] = {
    REDS: _export_image,
    TFLITE: _export_tflite,
}


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
