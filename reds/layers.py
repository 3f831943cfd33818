"""The kinds of layers as declarative records: what each says of its shapes, weights and multiply-adds.

Each weight states, axis by axis, which channel group (see `reds.architecture`) its elements belong to.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol

import numpy as np

from reds.errors import ConfigError, unknown_name

Shape = tuple[int, ...]
Widths = tuple[int, ...]


@dataclass(frozen=True)
class Axis:
    """One axis of a weight: `positions` elements for each channel of `group`; element index = position * channels + channel.

    An axis with no group (a kernel's height, say) has `positions` elements whatever the widths.
    """

    group: int | None
    positions: int = 1

    def extent(self, widths: Widths) -> int:
        """Elements along this axis in a subnetwork of these widths."""
        return self.positions * (1 if self.group is None else widths[self.group])

    def indices(self, channels: np.ndarray, full: int) -> np.ndarray:
        """Element indices of the given `channels` of a group of `full` channels, position by position."""
        return (np.arange(self.positions)[:, None] * full + np.asarray(channels)[None, :]).ravel()


@dataclass(frozen=True)
class Weight:
    """A trainable or stored array of a layer: its name within the network ("hidden1/kernel") and its axes."""

    name: str
    axes: tuple[Axis, ...]

    def shape(self, widths: Widths) -> Shape:
        """Shape in a subnetwork of these widths."""
        return tuple(axis.extent(widths) for axis in self.axes)


class Layer(Protocol):
    """What every layer record says of itself. `units` is None for layers that open no channel group."""

    kind: ClassVar[str]

    @property
    def name(self) -> str: ...
    @property
    def units(self) -> int | None: ...

    def output_shape(self, input_shape: Shape, channels: int) -> Shape:
        """Shape after this layer, given the active input shape and the active channels of the layer's output group."""
        ...

    def weights(self, inputs: Axis, outputs: Axis) -> tuple[Weight, ...]:
        """The layer's arrays; `inputs` and `outputs` are the axes of its input and output elements."""
        ...

    def macs(self, input_shape: Shape, output_shape: Shape) -> int:
        """Multiply-adds of one inference for active shapes."""
        ...


@dataclass(frozen=True)
class Dense:
    """Fully connected layer with bias: kernel (inputs, units), bias (units,)."""

    name: str
    units: int
    kind: ClassVar[str] = "dense"

    def output_shape(self, input_shape: Shape, channels: int) -> Shape:
        if len(input_shape) != 1:
            raise ConfigError(f"dense layer {self.name!r} needs a flat input", seen=f"input shape {input_shape}")
        return (channels,)

    def weights(self, inputs: Axis, outputs: Axis) -> tuple[Weight, ...]:
        return (Weight(f"{self.name}/kernel", (inputs, outputs)), Weight(f"{self.name}/bias", (outputs,)))

    def macs(self, input_shape: Shape, output_shape: Shape) -> int:
        return math.prod(input_shape) * math.prod(output_shape)


@dataclass(frozen=True)
class ReLU:
    """max(x, 0), element by element."""

    name: str
    kind: ClassVar[str] = "relu"

    @property
    def units(self) -> None:
        return None

    def output_shape(self, input_shape: Shape, channels: int) -> Shape:
        return input_shape

    def weights(self, inputs: Axis, outputs: Axis) -> tuple[Weight, ...]:
        return ()

    def macs(self, input_shape: Shape, output_shape: Shape) -> int:
        return 0


LAYER_KINDS: Mapping[str, type[Any]] = {layer.kind: layer for layer in (Dense, ReLU)}


def layer_from_dict(data: Mapping[str, Any]) -> Layer:
    """The layer of a mapping that holds its kind and its fields.

    Raises:
        ConfigError: an unknown kind, or a key that the kind does not have.
        KeyError, TypeError: a key is missing.
    """
    kind = str(data["kind"])
    if kind not in LAYER_KINDS:
        raise unknown_name("layer kind", kind, LAYER_KINDS)
    known = {field.name for field in fields(LAYER_KINDS[kind])}
    extra = set(data) - known - {"kind"}
    if extra:
        raise unknown_name(f"key of a {kind} layer", sorted(extra)[0], known)
    return LAYER_KINDS[kind](**{key: value for key, value in data.items() if key != "kind"})
