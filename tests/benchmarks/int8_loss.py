"""What quantisation to int8 costs: test accuracy of every subnetwork in float32 less that in int8, in points.

    python -m tests.benchmarks.int8_loss [--seeds N]

Two groups of networks: those of `tests.benchmarks.accuracy` (the poster's widths, several seeds, each with its own split) and
those of the default matrix (searched widths, seed 0). The int8 accuracy is that of the reference arithmetic, which devices
reproduce bit by bit, over the whole test split. Images are calibrated as everywhere (`reds.calibration`).

How to read it: the test split has 360 images, so that one image is 0.28 points and two are 0.56. Single figures of that size say
little, and some are negative: an image near the border of two classes falls on either side. Look at the mean over seeds, and at
the last lines: the mean of all, and how many subnetworks lose or win more than one image.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator

import numpy as np

from reds.bundle import Bundle
from reds.calibration import calibration_inputs
from reds.datasets.split import Split, open_split
from reds.export import image
from reds.image import read_image
from reds.image.format import FLOAT32, INT8
from reds.pipeline import make, steps
from reds.progress import showing
from reds.recipe import Recipe, recipe_for
from reds.reference import infer
from reds.widths import SearchRule
from reds.zoo import POSTER_GROUPS
from tests.benchmarks.accuracy import poster_recipe


def losses(bundle: Bundle, split: Split) -> Iterator[float]:
    """Points lost by each subnetwork, the whole network first."""
    calibration, x, y = calibration_inputs(split), np.asarray(split.x_test), np.asarray(split.y_test)
    exact, quantised = (read_image(image(bundle, precision, calibration)) for precision in (FLOAT32, INT8))
    for level in range(len(bundle.subnets)):
        outputs = (infer(one, level, one.quantise_inputs(x)) for one in (exact, quantised))
        float32, int8 = (100 * float((output.argmax(axis=1) == y).mean()) for output in outputs)
        yield float32 - int8


def groups(seeds: range) -> dict[tuple[str, str], list[Recipe]]:
    """The recipes of each line of the table's first two columns."""
    poster = {(name, "poster"): [poster_recipe(name, seed) for seed in seeds] for name in POSTER_GROUPS}
    searched = {(name, "searched"): [recipe_for(name, "digits", 0, SearchRule())] for name in POSTER_GROUPS}
    return poster | searched


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="seeds 0 to N - 1 of the poster's (default: 5)")
    recipes = groups(range(parser.parse_args().seeds))
    with showing(sum(steps(recipe) for each in recipes.values() for recipe in each)) as progress:
        made = {group: [make(recipe, progress) for recipe in each] for group, each in recipes.items()}
    print(f"{'network':8} {'widths':9} {'subnet %':>8} {'seeds':>6} {'mean loss':>10} {'worst':>6}   (points of accuracy)")
    everything, images = [], []
    for (network, widths), each in made.items():
        splits = [open_split(files.data) for files in each]
        by_seed = [list(losses(Bundle.load(files.bundle), split)) for files, split in zip(each, splits, strict=True)]
        names = recipes[network, widths][0].subnet_names
        for name, lost in zip(names, zip(*by_seed, strict=True), strict=True):
            print(f"{network:8} {widths:9} {name:>8} {len(lost):>6} {statistics.mean(lost):>z10.2f} {max(lost):>z6.2f}")
            everything += lost
            images += [round(loss * len(split.y_test) / 100) for loss, split in zip(lost, splits, strict=True)]
    worse, better = sum(count > 1 for count in images), sum(count < -1 for count in images)
    print(f"mean of all {len(everything)}: {statistics.mean(everything):z.2f}, worst {max(everything):.2f}")
    print(f"more than one test image: {worse} lose, {better} win")
    return 0


if __name__ == "__main__":
    sys.exit(main())
