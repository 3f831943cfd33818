"""Networks as declarative records, and the one home of their shapes, MACs, parameters and activation sizes.

Channels that must be cut together form one *channel group*: a producer's outputs, what follows them, and the inputs of their
consumers. Order, importance and width belong to the group. Each weight (`reds.layers`) states, axis by axis, which group its
elements belong to; cost, slicing, permutation and export follow from that and match no layer by name, index or type.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from reds.errors import ConfigError
from reds.layers import Axis, Layer, Shape, Weight, Widths, layer_from_dict


@dataclass(frozen=True)
class ChannelGroup:
    """Channels that are cut together. `whole` groups (inputs, classes) are never cut."""

    name: str
    size: int
    whole: bool


@dataclass(frozen=True)
class Placed:
    """A layer in its network: the axes (groups) of its inputs and outputs, its weights, and its shapes at full widths."""

    layer: Layer
    inputs: Axis
    outputs: Axis
    weights: tuple[Weight, ...]
    input_shape: Shape
    output_shape: Shape

    def macs(self, input_width: int, output_width: int) -> int:
        """Multiply-adds of one inference with these active channels in the layer's input and output groups."""
        active_input = (*self.input_shape[:-1], self.inputs.positions * input_width)
        active_output = (*self.output_shape[:-1], self.outputs.positions * output_width)
        return self.layer.macs(active_input, active_output)


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs in one subnetwork; shapes exclude the batch."""

    name: str
    kind: str
    input_shape: Shape
    output_shape: Shape
    macs: int
    parameters: int


@dataclass(frozen=True)
class Cost:
    """What one subnetwork costs, layer by layer."""

    layers: tuple[LayerCost, ...]

    @cached_property
    def macs(self) -> int:
        """Multiply-adds of one inference: the true products of consecutive widths, head included."""
        return sum(layer.macs for layer in self.layers)

    @cached_property
    def parameters(self) -> int:
        """Weights and biases in use."""
        return sum(layer.parameters for layer in self.layers)

    def peak_activation_bytes(self, element_bytes: int) -> int:
        """Bytes of the largest input plus output of one layer that computes (element-wise layers run in place)."""
        pairs = (math.prod(c.input_shape) + math.prod(c.output_shape) for c in self.layers if c.macs)
        return element_bytes * max(pairs, default=0)


@dataclass(frozen=True)
class Architecture:
    """A sequential network: its input shape (height, width, channels) or (features,), and its layers.

    Raises:
        ConfigError: no layers, repeated names, sizes below one, or shapes that do not fit.
    """

    name: str
    input_shape: Shape
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        names = [layer.name for layer in self.layers]
        if len(set(names)) != len(names):
            raise ConfigError(f"architecture {self.name!r} repeats a layer name", seen=", ".join(names))
        if not self.input_shape or min(self.input_shape) < 1:
            raise ConfigError(f"architecture {self.name!r} needs a positive input shape", seen=str(self.input_shape))
        if any(layer.units is not None and layer.units < 1 for layer in self.layers):
            raise ConfigError(f"architecture {self.name!r} has a layer without units")
        if len(self.groups) < 2:
            raise ConfigError(f"architecture {self.name!r} has no layer with units", do="end it with a layer of classes")
        self.cost(self.full_widths)

    @cached_property
    def groups(self) -> tuple[ChannelGroup, ...]:
        """Channel groups in order: the input, one for each layer that opens one, the classes last."""
        opened = [(layer.name, layer.units) for layer in self.layers if layer.units is not None]
        last = len(opened) - 1
        hidden = (ChannelGroup(name, units, whole=i == last) for i, (name, units) in enumerate(opened))
        return (ChannelGroup("input", self.input_shape[-1], whole=True), *hidden)

    @cached_property
    def full_widths(self) -> Widths:
        """The widths of the whole network, one for each group."""
        return tuple(group.size for group in self.groups)

    @property
    def classes(self) -> int:
        """Outputs of the network."""
        return self.groups[-1].size

    @cached_property
    def placed(self) -> tuple[Placed, ...]:
        """Every layer with its axes and weights."""
        placed = []
        group, shape = 0, self.input_shape
        for layer in self.layers:
            inputs = self._axis(group, shape)
            if layer.units is not None:
                group += 1
            output = layer.output_shape(shape, self.full_widths[group])
            outputs = self._axis(group, output)
            placed.append(Placed(layer, inputs, outputs, layer.weights(inputs, outputs), shape, output))
            shape = output
        return tuple(placed)

    def _axis(self, group: int, shape: Shape) -> Axis:
        """The axis that runs along the last dimension of `shape`; after a flattening it holds several positions per channel."""
        return Axis(group, shape[-1] // self.full_widths[group])

    @cached_property
    def weights(self) -> Mapping[str, Weight]:
        """Every weight by name, in layer order."""
        return {weight.name: weight for placed in self.placed for weight in placed.weights}

    def check_widths(self, widths: Sequence[int]) -> Widths:
        """The widths as a tuple, after checking them against the groups.

        Raises:
            ConfigError: wrong count, a width out of range, or a whole group that was cut.
        """
        widths = tuple(int(width) for width in widths)
        if len(widths) != len(self.groups):
            raise ConfigError(f"{self.name} takes {len(self.groups)} widths, one per group", seen=f"{len(widths)}: {widths}")
        for group, width in zip(self.groups, widths, strict=True):
            if not 1 <= width <= group.size or (group.whole and width != group.size):
                allowed = f"exactly {group.size}" if group.whole else f"1..{group.size}"
                raise ConfigError(f"{self.name}: group {group.name!r} takes {allowed} channels", seen=str(width))
        return widths

    def cost(self, widths: Sequence[int]) -> Cost:
        """Cost of the subnetwork of these widths, layer by layer."""
        return Cost(tuple(self._layer_costs(self.check_widths(widths))))

    def _layer_costs(self, widths: Widths) -> Iterator[LayerCost]:
        shape = (*self.input_shape[:-1], widths[0])
        for placed in self.placed:
            layer, group = placed.layer, placed.outputs.group
            assert group is not None
            output = layer.output_shape(shape, widths[group])
            parameters = sum(math.prod(weight.shape(widths)) for weight in placed.weights)
            yield LayerCost(layer.name, layer.kind, shape, output, layer.macs(shape, output), parameters)
            shape = output

    def narrowed(self, widths: Sequence[int]) -> Architecture:
        """The subnetwork of these widths as an ordinary network, which has no more channels; its weights keep their names."""
        units = iter(self.check_widths(widths)[1:])
        layers = (
            layer if layer.units is None else replace(layer, units=next(units))  # pyright: ignore[reportArgumentType]
            for layer in self.layers
        )
        return Architecture(self.name, self.input_shape, tuple(layers))

    def slice_weights(self, weights: Mapping[str, np.ndarray], widths: Sequence[int]) -> dict[str, np.ndarray]:
        """Copies of the weights of one subnetwork: the first channels of every group, blockwise where an axis holds positions."""
        widths = self.check_widths(widths)
        return {name: self._take(weights[name], weight, widths) for name, weight in self.weights.items()}

    def _take(self, array: np.ndarray, weight: Weight, widths: Widths) -> np.ndarray:
        for dimension, axis in enumerate(weight.axes):
            if axis.group is not None:
                indices = axis.indices(np.arange(widths[axis.group]), self.full_widths[axis.group])
                array = np.take(array, indices, axis=dimension)
        return array

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        layers = [{"kind": layer.kind, **asdict(layer)} for layer in self.layers]  # pyright: ignore[reportArgumentType]
        return {"name": self.name, "input_shape": list(self.input_shape), "layers": layers}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Architecture:
        """The architecture that `to_dict` wrote.

        Raises:
            ConfigError: a missing or unknown key, or an unknown layer kind.
        """
        try:
            layers = tuple(layer_from_dict(layer) for layer in data["layers"])
            return cls(str(data["name"]), tuple(int(n) for n in data["input_shape"]), layers)
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError("the architecture is not well formed", seen=f"{type(error).__name__}: {error}") from error
