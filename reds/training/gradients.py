"""Gradients for importance: the signed sum over mini-batches of the gradient of the mean cross-entropy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from reds.architecture import Architecture
from reds.datasets.split import Split
from reds.training.session import make_deterministic
from reds.training.shared import Level, SharedNetwork


def summed_gradients(
    architecture: Architecture,
    weights: Mapping[str, np.ndarray],
    split: Split,
    *,
    batches: int,
    batch_size: int,
    seed: int,
    batch_done: Callable[[], None] = lambda: None,
) -> dict[str, np.ndarray]:
    """G = sum over mini-batches of dL/dW, float32 by weight name; neither weights nor any statistics change.

    The examples are drawn without repetition until all have been seen, then anew. `batch_done` is called after each mini-batch.
    """
    make_deterministic(seed)
    network = SharedNetwork(architecture, weights)
    variables = list(network.variables.values())

    @tf.function
    def gradients_of(inputs: tf.Tensor, labels: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            logits = network.logits(inputs, Level(architecture.full_widths))
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        return tape.gradient(loss, variables)

    totals = {name: np.zeros(weights[name].shape) for name in network.variables}
    for chosen in _draws(len(split.x_train), batches, batch_size, np.random.default_rng([seed, 3])):
        found = gradients_of(tf.constant(split.x_train[chosen]), tf.constant(split.y_train[chosen]))
        for name, gradient in zip(totals, found, strict=True):
            totals[name] += gradient.numpy()
        batch_done()
    return {name: total.astype(np.float32) for name, total in totals.items()}


def _draws(examples: int, batches: int, batch_size: int, generator: np.random.Generator) -> np.ndarray:
    """Indices (batches, batch_size) of the examples of each mini-batch."""
    rounds = -(-batches * batch_size // examples)
    return np.concatenate([generator.permutation(examples) for _ in range(rounds)])[: batches * batch_size].reshape(batches, -1)
