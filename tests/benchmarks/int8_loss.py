"""What quantisation to int8 costs: test accuracy of every subnetwork in float32 less that in int8, in points.

    python -m tests.benchmarks.int8_loss [--seeds N]

The int8 accuracy is that of the reference arithmetic, which devices reproduce bit by bit, over the whole test split. The
networks are those of `tests.benchmarks.accuracy`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator

import numpy as np

from reds.bundle import Bundle
from reds.datasets import open_split
from reds.export import image
from reds.image import read_image
from reds.pipeline import make, steps
from reds.progress import showing
from reds.recipe import Recipe
from reds.reference import infer
from reds.zoo import POSTER_GROUPS
from tests.benchmarks.accuracy import poster_recipe

CALIBRATION_EXAMPLES = 256


def losses(recipe: Recipe, bundle: Bundle, x: np.ndarray, y: np.ndarray, calibration: np.ndarray) -> Iterator[float]:
    """Points lost by each subnetwork, the whole network first."""
    quantised, exact = (read_image(image(bundle, precision, calibration)) for precision in ("int8", "float32"))
    for level in range(len(recipe.subnet_names)):
        outputs = (infer(one, level, one.quantise_inputs(x)) for one in (exact, quantised))
        float32, int8 = (100 * float((output.argmax(axis=1) == y).mean()) for output in outputs)
        yield float32 - int8


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="seeds 0 to N - 1 (default: 5)")
    seeds = range(parser.parse_args().seeds)
    recipes = {network: [poster_recipe(network, seed) for seed in seeds] for network in POSTER_GROUPS}
    print(f"{'network':8} {'subnet %':>8} {'mean loss':>10} {'worst seed':>11}   (points of accuracy)")
    with showing(sum(steps(recipe) for each in recipes.values() for recipe in each)) as progress:
        made = {network: [make(recipe, progress) for recipe in each] for network, each in recipes.items()}
    for network, each in recipes.items():
        by_seed = []
        for recipe, files in zip(each, made[network], strict=True):
            split = open_split(files.data)
            calibration = np.asarray(split.x_train[:CALIBRATION_EXAMPLES])
            bundle = Bundle.load(files.bundle)
            by_seed.append(list(losses(recipe, bundle, np.asarray(split.x_test), np.asarray(split.y_test), calibration)))
        for name, lost in zip(each[0].subnet_names, zip(*by_seed, strict=True), strict=True):
            print(f"{network:8} {name:>8} {statistics.mean(lost):>10.2f} {max(lost):>11.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
