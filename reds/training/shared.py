"""One set of variables that every subnetwork computes with: each uses the prefix that its widths say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from reds.architecture import Architecture
from reds.layers import Axis, Weight, Widths
from reds.training.layers import FORWARDS, STATISTICS


class SharedNetwork:
    """A network whose subnetworks share their weights.

    Args:
        architecture: the network.
        weights: float32 arrays of the whole network by weight name; copied.

    Attributes:
        variables: by weight name, what training changes.
        statistics: by weight name, batch norm's means and variances, which stay as they are.
    """

    def __init__(self, architecture: Architecture, weights: Mapping[str, np.ndarray]) -> None:
        self.architecture = architecture
        fixed = {name for name in architecture.weights if name.rsplit("/", 1)[1] in STATISTICS}
        self.variables = {
            name: tf.Variable(tf.constant(weights[name]), name=name.replace("/", "_"))
            for name in architecture.weights
            if name not in fixed
        }
        self.statistics = {name: tf.constant(weights[name]) for name in architecture.weights if name in fixed}

    def logits(self, inputs: tf.Tensor, widths: Widths) -> tf.Tensor:
        """Logits (batch, classes) of the subnetwork of these widths for inputs (batch, ...)."""
        outputs = inputs
        for placed in self.architecture.placed:
            arrays = {weight.name.rsplit("/", 1)[1]: self.active(weight, widths) for weight in placed.weights}
            outputs = FORWARDS[placed.layer.kind](placed.layer, outputs, arrays)
        return outputs

    def weights(self) -> dict[str, np.ndarray]:
        """Copies of all values by weight name."""
        return {name: self._array(name).numpy().copy() for name in self.architecture.weights}

    def _array(self, name: str) -> Any:
        """The variable or the constant of this name."""
        return self.statistics[name] if name in self.statistics else self.variables[name]

    def active(self, weight: Weight, widths: Widths) -> tf.Tensor:
        """The part of a weight that the subnetwork of these widths uses."""
        tensor = tf.convert_to_tensor(self._array(weight.name))
        for dimension, axis in enumerate(weight.axes):
            if axis.group is not None and widths[axis.group] < self.architecture.full_widths[axis.group]:
                tensor = _prefix(tensor, dimension, axis, widths[axis.group])
        return tensor


def _prefix(tensor: tf.Tensor, dimension: int, axis: Axis, width: int) -> tf.Tensor:
    """The first `width` channels along one dimension, at each of its positions."""
    shape: list[int] = tensor.shape.as_list()  # pyright: ignore[reportAssignmentType] - weights have static shapes
    before, after = shape[:dimension], shape[dimension + 1 :]
    channels = shape[dimension] // axis.positions
    blocks = tf.reshape(tensor, (*before, axis.positions, channels, *after))
    extent = [-1] * len(blocks.shape)
    extent[dimension + 1] = width
    kept = tf.slice(blocks, [0] * len(extent), extent)
    return tf.reshape(kept, (*before, axis.positions * width, *after))
