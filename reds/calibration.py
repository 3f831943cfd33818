"""Which inputs int8 images are calibrated on: one choice for commands, suites and benchmarks."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from reds.architecture import Architecture
from reds.datasets.samples import stratified
from reds.datasets.split import Split
from reds.errors import ConfigError, MissingError

EXAMPLES = 256


def calibration_inputs(split: Split, count: int = EXAMPLES) -> np.ndarray:
    """Training inputs float32 (count, features), all if there are no more: the same share of every class, by the split's seed."""
    return np.asarray(split.x_train[stratified(np.asarray(split.y_train), count, split.seed)])


def read_samples(path: Path, architecture: Architecture) -> np.ndarray:
    """Inputs float32 (n, input elements) from a NumPy file whose first axis counts the examples.

    Raises:
        MissingError: there is no such file.
        ConfigError: it is no array of finite numbers of the network's input shape.
    """
    if not path.is_file():
        raise MissingError(f"there is no file {path}", do="name a NumPy file of inputs")
    try:
        samples = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:  # NumPy's words speak of pickles
        do = "write one with numpy.save: inputs of the network, one after the other"
        raise ConfigError(f"{path} is not a NumPy file", do=do) from error
    try:
        rows = np.asarray(samples, np.float32).reshape(len(samples), -1)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path} is not a NumPy array of inputs", seen=str(error)) from error
    if not len(rows) or rows.shape[1] != math.prod(architecture.input_shape) or not np.isfinite(rows).all():
        wanted = f"finite numbers (n, {', '.join(map(str, architecture.input_shape))})"
        raise ConfigError(f"{path} does not hold inputs of {architecture.name}", seen=f"shape {samples.shape}", do=wanted)
    return rows
