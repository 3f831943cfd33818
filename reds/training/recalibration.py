"""Statistics of batch norm after training: those of many batches, for each subnetwork.

Yu and Huang, "Universally slimmable networks" (ICCV 2019), section 3.3: what a channel sees differs between subnetworks, so each
needs means and variances of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from reds.datasets.split import Split
from reds.training.layers import BATCH_FORWARDS, Forward, batch_norm_of_batch
from reds.training.shared import Level, SharedNetwork

EXAMPLES = 20_000
BATCH = 500

Statistics = dict[str, np.ndarray]
"""Means and variances float32 (active channels,) by weight name."""


def recalibrated(network: SharedNetwork, level: Level, split: Split, generator: np.random.Generator) -> Statistics:
    """Statistics of every batch norm of a subnetwork over up to 20,000 training examples, undisturbed."""
    drawn = generator.permutation(len(split.x_train))[:EXAMPLES]
    batches = max(1, len(drawn) // BATCH)
    observe = _observer(network, level)
    totals: dict[str, np.ndarray] = {}
    for indices in np.array_split(drawn, batches):
        for name, moments in observe(tf.constant(np.asarray(split.x_train[np.sort(indices)], np.float32))).items():
            totals[name] = totals.get(name, 0.0) + moments.numpy().astype(np.float64)
    found: Statistics = {}
    for name, total in totals.items():
        mean, square = total / batches
        found[f"{name}/moving_mean"] = mean.astype(np.float32)
        found[f"{name}/moving_variance"] = np.maximum(square - mean**2, 0.0).astype(np.float32)
    return found


def _observer(network: SharedNetwork, level: Level) -> tf.types.experimental.GenericFunction:
    """A compiled function: inputs (batch, features) -> by layer name the means and the means of squares (2, channels)."""

    def moments(inputs: tf.Tensor) -> Mapping[str, tf.Tensor]:
        seen: dict[str, tf.Tensor] = {}

        def normalise(layer: Any, values: tf.Tensor, arrays: Mapping[str, tf.Tensor]) -> tf.Tensor:
            outputs, mean, variance = batch_norm_of_batch(layer, values, arrays)
            seen[layer.name] = tf.stack([mean, variance + mean**2])
            return outputs

        forwards: Mapping[str, Forward] = {**BATCH_FORWARDS, "batch_norm": normalise}
        network.logits(inputs, level, forwards)
        return seen

    return tf.function(moments, reduce_retracing=True)
