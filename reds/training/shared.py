"""One set of variables that every subnetwork computes with: each uses the prefix that its widths say.

Batch norm may belong to a subnetwork instead: its channels see other inputs there than in the whole network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from reds.architecture import Architecture, Placed
from reds.layers import Axis, Weight, Widths
from reds.training.layers import FORWARDS, STATISTICS, Forward


@dataclass(frozen=True)
class Level:
    """One subnetwork: its widths, and the variables (active channels,) that are its own instead of a shared prefix."""

    widths: Widths
    own: Mapping[str, tf.Variable] = field(default_factory=dict)


class SharedNetwork:
    """A network whose subnetworks share their weights.

    Args:
        architecture: the network.
        weights: float32 arrays of the whole network by weight name; copied.
        compute_type: TensorFlow's name of the type of activations.

    Attributes:
        variables: by weight name, what training changes.
        statistics: by weight name, batch norm's means and variances, which no gradient changes.
    """

    def __init__(self, architecture: Architecture, weights: Mapping[str, np.ndarray], compute_type: str = "float32") -> None:
        self.architecture = architecture
        self._compute_type = compute_type
        self.variables = {name: variable(name, weights[name]) for name in architecture.weights if not is_statistic(name)}
        self.statistics = {name: tf.constant(weights[name]) for name in architecture.weights if is_statistic(name)}

    def logits(self, inputs: tf.Tensor, level: Level, forwards: Mapping[str, Forward] = FORWARDS) -> tf.Tensor:
        """Logits float32 (batch, classes) of one subnetwork for inputs (batch, ...)."""
        return tf.cast(self.run(self.shaped(inputs), self.architecture.placed, level, forwards), tf.float32)

    def joint_logits(self, inputs: tf.Tensor, levels: Sequence[Level], forwards: Mapping[str, Forward]) -> list[tf.Tensor]:
        """Logits float32 (batch, classes) of several subnetworks; what they have in common is computed once.

        What a level has for itself must lie behind the layers in common (`own_levels` sees to it).
        """
        if len(levels) == 1:
            return [self.logits(inputs, levels[0], forwards)]
        placed = self.architecture.placed
        widest = Level(tuple(map(max, zip(*(level.widths for level in levels), strict=True))))
        trunk = common_layers(self.architecture, [level.widths for level in levels])
        common = self.run(self.shaped(inputs), placed[:trunk], widest, forwards)
        if trunk == len(placed):
            return [tf.cast(common, tf.float32)] * len(levels)
        axis = placed[trunk].inputs
        found = []
        for level in levels:
            values = self.run(prefix(common, axis, widest.widths, level.widths), placed[trunk:], level, forwards)
            found.append(tf.cast(values, tf.float32))
        return found

    def shaped(self, inputs: tf.Tensor) -> tf.Tensor:
        """Inputs (batch, ...) as the first layer takes them."""
        return tf.cast(tf.reshape(inputs, (-1, *self.architecture.input_shape)), self._compute_type)

    def run(self, values: tf.Tensor, layers: Sequence[Placed], level: Level, forwards: Mapping[str, Forward]) -> tf.Tensor:
        """What some of the layers, one after the other, make of their inputs in a subnetwork."""
        for placed in layers:
            arrays = {weight.name.rsplit("/", 1)[1]: self.active(weight, level) for weight in placed.weights}
            if placed.layer.kind != "batch_norm":  # it computes its factors in float32 whatever the activations are
                arrays = {name: tf.cast(array, values.dtype) for name, array in arrays.items()}
            values = forwards[placed.layer.kind](placed.layer, values, arrays)
        return values

    def weights(self) -> dict[str, np.ndarray]:
        """Copies of all values by weight name."""
        return {name: self._array(name).numpy().copy() for name in self.architecture.weights}

    def _array(self, name: str) -> Any:
        """The variable or the constant of this name."""
        return self.statistics[name] if name in self.statistics else self.variables[name]

    def active(self, weight: Weight, level: Level) -> tf.Tensor:
        """The part of a weight that a subnetwork uses, or what it has for itself."""
        if weight.name in level.own:
            return tf.convert_to_tensor(level.own[weight.name])
        tensor = tf.convert_to_tensor(self._array(weight.name))
        full = self.architecture.full_widths
        for dimension, axis in enumerate(weight.axes):
            tensor = _prefix(tensor, dimension, axis, full, level.widths)
        return tensor


def common_layers(architecture: Architecture, widths: Sequence[Widths]) -> int:
    """How many layers, from the first, compute channels that are the same numbers in all subnetworks that have them.

    A layer that mixes the channels of a group that is cut ends them; until then every subnetwork's activations are a prefix.
    """
    for index, placed in enumerate(architecture.placed):
        source = placed.inputs.group
        assert source is not None
        if placed.outputs.group != source and len({each[source] for each in widths}) > 1:
            return index
    return len(architecture.placed)


def is_statistic(name: str) -> bool:
    """Whether a weight is one that no gradient changes: a mean or variance of batch norm."""
    return name.rsplit("/", 1)[1] in STATISTICS


def variable(name: str, value: np.ndarray) -> tf.Variable:
    """A variable of this value, named for TensorFlow."""
    return tf.Variable(tf.constant(value, tf.float32), name=name.replace("/", "_"))


def prefix(values: tf.Tensor, axis: Axis, full: Widths, widths: Widths) -> tf.Tensor:
    """The first channels of activations (batch, ..., elements along `axis`), at each of the positions that the axis holds."""
    return _prefix(values, len(values.shape) - 1, axis, full, widths)


def _prefix(tensor: tf.Tensor, dimension: int, axis: Axis, full: Widths, widths: Widths) -> tf.Tensor:
    """The channels along one dimension that `widths` leave of `full`, at each of its positions."""
    if axis.group is None or widths[axis.group] == full[axis.group]:
        return tensor
    width = widths[axis.group]
    shape = [-1 if extent is None else extent for extent in tensor.shape.as_list()]
    before, after = shape[:dimension], shape[dimension + 1 :]
    if axis.positions == 1:
        extent = [-1] * len(shape)
        extent[dimension] = width
        return tf.slice(tensor, [0] * len(shape), extent)
    blocks = tf.reshape(tensor, (*before, axis.positions, full[axis.group], *after))
    extent = [-1] * len(blocks.shape)
    extent[dimension + 1] = width
    kept = tf.slice(blocks, [0] * len(extent), extent)
    return tf.reshape(kept, (*before, axis.positions * width, *after))
