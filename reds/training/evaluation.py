"""Logits of each subnetwork, computed by Keras on the subnetwork's own weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from reds.bundle import Bundle
from reds.training.model import keras_model
from reds.training.session import make_deterministic

BATCH = 1024


def subnet_logits(bundle: Bundle, inputs: np.ndarray, examples_done: Callable[[int], None] = lambda _: None) -> np.ndarray:
    """Logits float32 (subnetworks, n, classes) for inputs float32 (n, ...).

    Args:
        bundle: the subnetworks.
        inputs: the examples.
        examples_done: called with how many more have been computed, those of each subnetwork counted.
    """
    make_deterministic(0)
    shaped = np.asarray(inputs, np.float32).reshape(-1, *bundle.architecture.input_shape)
    starts = range(0, len(shaped), BATCH)
    levels = []
    for subnet in bundle.subnets:
        model = keras_model(bundle, subnet)
        logits = []
        for start in starts:
            logits.append(model(tf.constant(shaped[start : start + BATCH]), training=False).numpy())
            examples_done(len(logits[-1]))
        levels.append(np.concatenate(logits))
    return np.stack(levels)
