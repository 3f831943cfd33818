"""Convolutions over maps (height, width, channels)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from reds.layers.base import Axis, Shape, Weight
from reds.layers.windows import Padding, Pair, Windows, check_window, windows


@dataclass(frozen=True)
class Conv2D:
    """Convolution: kernel (height, width, inputs, units), bias (units,) unless `use_bias` is false."""

    name: str
    units: int
    kernel_size: Pair
    strides: Pair = (1, 1)
    padding: Padding = "valid"
    use_bias: bool = True
    kind: ClassVar[str] = "conv2d"

    def __post_init__(self) -> None:
        check_window(self.name, self.kernel_size, self.strides, self.padding)

    def windows(self, input_shape: Shape) -> Windows:
        """Where its windows lie on an input."""
        return windows(self.name, input_shape, self.kernel_size, self.strides, self.padding)

    def output_shape(self, input_shape: Shape, channels: int) -> Shape:
        return (*self.windows(input_shape).output_size, channels)

    def weights(self, inputs: Axis, outputs: Axis) -> tuple[Weight, ...]:
        height, width = self.kernel_size
        kernel = Weight(f"{self.name}/kernel", (Axis(None, height), Axis(None, width), inputs, outputs))
        return (kernel, Weight(f"{self.name}/bias", (outputs,))) if self.use_bias else (kernel,)

    def macs(self, input_shape: Shape, output_shape: Shape) -> int:
        return math.prod(self.kernel_size) * input_shape[-1] * math.prod(output_shape)


@dataclass(frozen=True)
class DepthwiseConv2D:
    """Each channel convolved by itself: kernel (height, width, channels, 1), bias (channels,) unless `use_bias` is false.

    It opens no channel group: its channels are its producer's.
    """

    name: str
    kernel_size: Pair
    strides: Pair = (1, 1)
    padding: Padding = "valid"
    use_bias: bool = True
    kind: ClassVar[str] = "depthwise_conv2d"

    def __post_init__(self) -> None:
        check_window(self.name, self.kernel_size, self.strides, self.padding)

    @property
    def units(self) -> None:
        return None

    def windows(self, input_shape: Shape) -> Windows:
        """Where its windows lie on an input."""
        return windows(self.name, input_shape, self.kernel_size, self.strides, self.padding)

    def output_shape(self, input_shape: Shape, channels: int) -> Shape:
        return (*self.windows(input_shape).output_size, channels)

    def weights(self, inputs: Axis, outputs: Axis) -> tuple[Weight, ...]:
        height, width = self.kernel_size
        kernel = Weight(f"{self.name}/kernel", (Axis(None, height), Axis(None, width), outputs, Axis(None)))
        return (kernel, Weight(f"{self.name}/bias", (outputs,))) if self.use_bias else (kernel,)

    def macs(self, input_shape: Shape, output_shape: Shape) -> int:
        return math.prod(self.kernel_size) * math.prod(output_shape)
