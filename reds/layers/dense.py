"""Fully connected layers, and the flattening of maps before them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from reds.errors import ConfigError
from reds.layers.base import Axis, Shape, Weight, Weightless


@dataclass(frozen=True)
class Dense:
    """Fully connected layer: kernel (inputs, units), bias (units,) unless `use_bias` is false."""

    name: str
    units: int
    use_bias: bool = True
    kind: ClassVar[str] = "dense"

    def output_shape(self, input_shape: Shape, channels: int) -> Shape:
        if len(input_shape) != 1:
            raise ConfigError(f"dense layer {self.name!r} needs a flat input", seen=f"input shape {input_shape}")
        return (channels,)

    def weights(self, inputs: Axis, outputs: Axis) -> tuple[Weight, ...]:
        kernel = Weight(f"{self.name}/kernel", (inputs, outputs))
        return (kernel, Weight(f"{self.name}/bias", (outputs,))) if self.use_bias else (kernel,)

    def macs(self, input_shape: Shape, output_shape: Shape) -> int:
        return math.prod(input_shape) * math.prod(output_shape)


@dataclass(frozen=True)
class Flatten(Weightless):
    """A map as a vector: position by position, channel fastest."""

    name: str
    kind: ClassVar[str] = "flatten"

    def output_shape(self, input_shape: Shape, channels: int) -> Shape:
        return (math.prod(input_shape),)
