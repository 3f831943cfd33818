"""Layers that work element by element: activations and batch normalisation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from reds.errors import ConfigError
from reds.layers.base import Axis, Shape, Weight, Weightless


@dataclass(frozen=True)
class _Activation(Weightless):
    name: str

    def output_shape(self, input_shape: Shape, channels: int) -> Shape:
        return input_shape


@dataclass(frozen=True)
class ReLU(_Activation):
    """max(x, 0)."""

    kind: ClassVar[str] = "relu"


@dataclass(frozen=True)
class ReLU6(_Activation):
    """min(max(x, 0), 6)."""

    kind: ClassVar[str] = "relu6"


@dataclass(frozen=True)
class LeakyReLU(_Activation):
    """x where positive, else negative_slope * x (Keras's default slope, 0.3)."""

    negative_slope: float = 0.3
    kind: ClassVar[str] = "leaky_relu"

    def __post_init__(self) -> None:
        if not 0 <= self.negative_slope < math.inf:
            raise ConfigError(f"layer {self.name!r} needs a finite slope, not negative", seen=str(self.negative_slope))


@dataclass(frozen=True)
class BatchNorm:
    """gamma * (x - moving_mean) / sqrt(moving_variance + epsilon) + beta, by channel, at inference.

    Its arrays are vectors, so that a subnetwork may have its own (`Bundle.private`); Keras's default is epsilon 0.001.
    """

    name: str
    epsilon: float = 1e-3
    kind: ClassVar[str] = "batch_norm"

    def __post_init__(self) -> None:
        if not 0 < self.epsilon < math.inf:
            raise ConfigError(f"layer {self.name!r} needs a positive epsilon", seen=str(self.epsilon))

    @property
    def units(self) -> None:
        return None

    def output_shape(self, input_shape: Shape, channels: int) -> Shape:
        return input_shape

    def weights(self, inputs: Axis, outputs: Axis) -> tuple[Weight, ...]:
        return tuple(Weight(f"{self.name}/{array}", (outputs,)) for array in ("gamma", "beta", "moving_mean", "moving_variance"))

    def macs(self, input_shape: Shape, output_shape: Shape) -> int:
        return 0
