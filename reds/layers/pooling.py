"""Pooling: one number for each channel and window. Windows count only what lies inside the map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from reds.layers.base import Shape, Weightless
from reds.layers.windows import Padding, Pair, Windows, check_window, windows


@dataclass(frozen=True)
class _Pool2D(Weightless):
    name: str
    pool_size: Pair
    strides: Pair
    padding: Padding = "valid"

    def __post_init__(self) -> None:
        check_window(self.name, self.pool_size, self.strides, self.padding)

    def windows(self, input_shape: Shape) -> Windows:
        """Where its windows lie on an input."""
        return windows(self.name, input_shape, self.pool_size, self.strides, self.padding)

    def output_shape(self, input_shape: Shape, channels: int) -> Shape:
        return (*self.windows(input_shape).output_size, channels)


@dataclass(frozen=True)
class AveragePooling2D(_Pool2D):
    """The mean of each window."""

    kind: ClassVar[str] = "average_pooling2d"


@dataclass(frozen=True)
class MaxPooling2D(_Pool2D):
    """The largest of each window."""

    kind: ClassVar[str] = "max_pooling2d"


@dataclass(frozen=True)
class GlobalAveragePooling2D(Weightless):
    """The mean of the whole map: (height, width, channels) -> (channels,)."""

    name: str
    kind: ClassVar[str] = "global_average_pooling2d"

    def windows(self, input_shape: Shape) -> Windows:
        """One window, the whole map."""
        size = (input_shape[0], input_shape[1])
        return windows(self.name, input_shape, size, (1, 1), "valid")

    def output_shape(self, input_shape: Shape, channels: int) -> Shape:
        self.windows(input_shape)
        return (channels,)
