"""Statistics of batch norm after training: those of many batches, for each subnetwork.

Yu and Huang, "Universally slimmable networks" (ICCV 2019), section 3.3: what a channel sees differs between subnetworks, so each
needs means and variances of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from reds.bundle import Bundle
from reds.datasets.split import Split
from reds.training.layers import FORWARDS, batch_norm_as_stored, batch_norm_of_batch
from reds.training.shared import Level, SharedNetwork, is_statistic

EXAMPLES = 20_000
BATCH = 500
STREAM = 7  # of random numbers, beside those of other uses of the same seed
ARRAYS = ("gamma", "beta", "moving_mean", "moving_variance")

Statistics = dict[str, np.ndarray]
"""Means and variances float32 (active channels,) by weight name."""

Normalise = Callable[[Any, tf.Tensor, Mapping[str, tf.Tensor]], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]
"""Outputs of a batch norm for its inputs, and the inputs' mean and variance by channel."""


def recalibrated(network: SharedNetwork, level: Level, split: Split, generator: np.random.Generator) -> Statistics:
    """Statistics of every batch norm of a subnetwork over up to 20,000 training examples, undisturbed.

    Each batch norm is given what those before it make with the statistics of the batch at hand.
    """
    return _observed(network, level, batch_norm_of_batch, split, generator)


def with_statistics_of(split: Split, bundle: Bundle, seed: int) -> Bundle:
    """The same function with batch norm whose statistics are those of the data; gamma and beta make up for the difference.

    Networks whose batch norm was folded into their weights come with statistics that say nothing, and so does any network on data
    of another kind: normalised by the batches of a training they would compute something else.
    """
    if bundle.private or not any(is_statistic(name) for name in bundle.weights):
        return bundle
    architecture, weights = bundle.architecture, dict(bundle.weights)
    network = SharedNetwork(architecture, weights)
    generator = np.random.default_rng([seed, STREAM])
    weights |= _observed(network, Level(architecture.full_widths), batch_norm_as_stored, split, generator)
    for placed in architecture.placed:
        if placed.layer.kind == "batch_norm":
            layer: Any = placed.layer
            old, new = ({name: w[f"{layer.name}/{name}"] for name in ARRAYS} for w in (bundle.weights, weights))
            scale = 1 / np.sqrt(old["moving_variance"] + layer.epsilon)
            weights[f"{layer.name}/gamma"] = old["gamma"] * scale * np.sqrt(new["moving_variance"] + layer.epsilon)
            weights[f"{layer.name}/beta"] = old["beta"] + old["gamma"] * scale * (new["moving_mean"] - old["moving_mean"])
    return replace(bundle, weights=weights)


def _observed(
    network: SharedNetwork, level: Level, normalise: Normalise, split: Split, generator: np.random.Generator
) -> Statistics:
    drawn = generator.permutation(len(split.x_train))[:EXAMPLES]
    batches = max(1, len(drawn) // BATCH)
    observe = _observer(network, level, normalise)
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


def _observer(network: SharedNetwork, level: Level, normalise: Normalise) -> tf.types.experimental.GenericFunction:
    """A compiled function: inputs (batch, features) -> by layer name the means and the means of squares (2, channels)."""

    def moments(inputs: tf.Tensor) -> Mapping[str, tf.Tensor]:
        seen: dict[str, tf.Tensor] = {}

        def observing(layer: Any, values: tf.Tensor, arrays: Mapping[str, tf.Tensor]) -> tf.Tensor:
            outputs, mean, variance = normalise(layer, values, arrays)
            seen[layer.name] = tf.stack([mean, variance + mean**2])
            return outputs

        network.logits(inputs, level, {**FORWARDS, "batch_norm": observing})
        return seen

    return tf.function(moments, reduce_retracing=True)
