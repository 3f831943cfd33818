"""The published networks as they are imported, on the published test sets, after sorting, and as a float32 image.

    REDS_MODELS_DIR=FOLDER REDS_DATA_DIR=FOLDER python -m tests.benchmarks.published [--networks NAME,...] [--json]

Keyword-spotting networks are measured on the official test clips, with their silence zeroed as the published training did and
with the noise that stands for silence in the archive, which they never heard. L networks are read from int8 `.tflite` files.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reds.bundle import Bundle
from reds.datasets.split import Split
from reds.errors import BenchError, MissingError
from reds.export import image
from reds.image import read_image
from reds.image.format import FLOAT32
from reds.importing import import_network
from reds.prepared import split_for
from reds.reference import infer
from reds.steps.convert import converted
from reds.steps.evaluate import evaluated
from reds.zoo import architecture
from tests.benchmarks.kernel_networks import MODELS_VARIABLE

CLIPS, NOISY = "speech_commands_test_set", "speech_commands_test_set_noisy_silence"
IMAGE_EXAMPLES = 200


@dataclass(frozen=True)
class Published:
    """A published network: its file, the test sets it is measured on, and the accuracy that it is published with, in percent."""

    architecture: str
    file: str
    datasets: tuple[str, ...]
    percent: float


NETWORKS = (
    Published("dnn_s", "kws/dnn_s", (CLIPS, NOISY), 84),
    Published("dnn_m", "kws/dnn_m", (CLIPS, NOISY), 86),
    Published("dnn_l", "kws/dnn_l/dnn_l_quantized.tflite", (CLIPS, NOISY), 87),
    Published("cnn_s", "kws/cnn_s", (CLIPS, NOISY), 92),
    Published("cnn_m", "kws/cnn_m", (CLIPS, NOISY), 93),
    Published("cnn_l", "kws/cnn_l/cnn_l_quantized.tflite", (CLIPS, NOISY), 94),
    Published("ds_cnn_s", "kws/ds_cnn_s", (CLIPS, NOISY), 94),
    Published("ds_cnn_m", "kws/ds_cnn_m", (CLIPS, NOISY), 95),
    Published("ds_cnn_l", "kws/ds_cnn_l/ds_cnn_l_quantized.tflite", (CLIPS, NOISY), 95),
    Published("ds_cnn_s_fashion_mnist", "vision/fashion_mnist_ds_cnn_sizeS.keras", ("fashion_mnist",), 90.59),
    Published("ds_cnn_s_cifar10", "vision/cifar10_ds_cnn_sizeS.keras", ("cifar10",), 79.36),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.published", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", default=",".join(each.architecture for each in NETWORKS), help="default: all")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args(argv)
    chosen = arguments.networks.split(",")
    try:
        rows = [row for each in NETWORKS if each.architecture in chosen for row in measure(each)]
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps(rows, indent=1) if arguments.json else table(rows))
    return 0


def measure(published: Published) -> list[dict[str, object]]:
    """One row for each test set, accuracies in percent."""
    folder = os.environ.get(MODELS_VARIABLE)
    if folder is None:
        raise MissingError("the published networks are read from a folder", do=f"name it in {MODELS_VARIABLE}")
    bundle = import_network(Path(folder) / published.file, architecture(published.architecture))
    ordered = converted(bundle, None, seed=0, method="l1")
    rows = []
    for name in published.datasets:
        split = split_for(bundle.architecture, name, 0)
        accuracies = [100 * evaluated(each, split).accuracy["100"] for each in (bundle, ordered)]
        row = {"network": published.architecture, "dataset": name, "published": published.percent, "imported": accuracies[0]}
        rows.append({**row, "sorted": accuracies[1], "image_max_abs_error": image_error(ordered, split)})
    return rows


def image_error(bundle: Bundle, split: Split) -> float:
    """Largest difference between the logits of the float32 image and Keras's, as a share of the largest, over some examples."""
    from reds.training.evaluation import subnet_logits

    few = np.asarray(split.x_test[:IMAGE_EXAMPLES])
    read = read_image(image(bundle, FLOAT32, few))
    expected = subnet_logits(bundle, few)[0]
    return float(np.abs(infer(read, 0, read.quantise_inputs(few)) - expected).max() / np.abs(expected).max())


def table(rows: Sequence[dict[str, object]]) -> str:
    """The rows as text."""
    lines = [f"{'network':24} {'data set':40} {'published':>9} {'imported':>9} {'sorted':>9} {'image, off by':>14}"]
    for row in rows:
        shares = f"{row['published']:>9.2f} {row['imported']:>9.2f} {row['sorted']:>9.2f} {row['image_max_abs_error']:>14.1e}"
        lines.append(f"{row['network']:24} {row['dataset']:40} {shares}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
