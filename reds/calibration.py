"""Which training examples int8 images are calibrated on: one choice for commands, suites and benchmarks."""

from __future__ import annotations

import numpy as np

from reds.datasets.samples import stratified
from reds.datasets.split import Split

EXAMPLES = 256


def calibration_inputs(split: Split, count: int = EXAMPLES) -> np.ndarray:
    """Training inputs float32 (count, features), all if there are no more: the same share of every class, by the split's seed."""
    return np.asarray(split.x_train[stratified(np.asarray(split.y_train), count, split.seed)])
