"""Logits of each subnetwork, computed by Keras on the subnetwork's own sliced weights."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from reds.architecture import Architecture
from reds.subnets import Subnets
from reds.training.model import keras_model
from reds.training.session import make_deterministic

BATCH = 1024


def subnet_logits(
    architecture: Architecture, weights: Mapping[str, np.ndarray], subnets: Subnets, inputs: np.ndarray
) -> np.ndarray:
    """Logits float32 (subnetworks, n, classes) for inputs float32 (n, ...)."""
    make_deterministic(0)
    shaped = np.asarray(inputs, np.float32).reshape(-1, *architecture.input_shape)
    starts = range(0, len(shaped), BATCH)
    levels = []
    for subnet in subnets:
        model = keras_model(architecture, weights, subnet.widths)
        batches = (model(tf.constant(shaped[start : start + BATCH]), training=False) for start in starts)
        levels.append(np.concatenate([logits.numpy() for logits in batches]))
    return np.stack(levels)
