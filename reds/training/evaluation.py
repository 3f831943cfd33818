"""Logits of each subnetwork, computed by Keras on the subnetwork's own weights."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from reds.bundle import Bundle
from reds.training.model import keras_model
from reds.training.session import make_deterministic

BATCH = 1024


def subnet_logits(bundle: Bundle, inputs: np.ndarray) -> np.ndarray:
    """Logits float32 (subnetworks, n, classes) for inputs float32 (n, ...)."""
    make_deterministic(0)
    shaped = np.asarray(inputs, np.float32).reshape(-1, *bundle.architecture.input_shape)
    starts = range(0, len(shaped), BATCH)
    levels = []
    for subnet in bundle.subnets:
        model = keras_model(bundle, subnet)
        batches = (model(tf.constant(shaped[start : start + BATCH]), training=False) for start in starts)
        levels.append(np.concatenate([logits.numpy() for logits in batches]))
    return np.stack(levels)
