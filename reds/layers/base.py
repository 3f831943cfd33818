"""What every layer record says of itself: shapes, weights and multiply-adds.

Each weight states, axis by axis, which channel group (see `reds.architecture`) its elements belong to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

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

    @property
    def is_vector(self) -> bool:
        """Whether it holds one number for each channel (a bias, batch norm), which a subnetwork may have for itself."""
        return len(self.axes) == 1


class Layer(Protocol):
    """What every layer record says of itself. `units` is None for layers that open no channel group."""

    kind: ClassVar[str]

    @property
    def name(self) -> str: ...
    @property
    def units(self) -> int | None: ...

    def output_shape(self, input_shape: Shape, channels: int) -> Shape:
        """Shape after this layer, given the active input shape and the active channels of the layer's output group.

        Raises:
            ConfigError: the layer cannot take such an input.
        """
        ...

    def weights(self, inputs: Axis, outputs: Axis) -> tuple[Weight, ...]:
        """The layer's arrays; `inputs` and `outputs` are the axes of its input and output elements."""
        ...

    def macs(self, input_shape: Shape, output_shape: Shape) -> int:
        """Multiply-adds of one inference for active shapes."""
        ...


class Weightless:
    """What layers that hold no weights and multiply nothing have in common."""

    @property
    def units(self) -> None:
        """They open no channel group."""
        return None

    def weights(self, inputs: Axis, outputs: Axis) -> tuple[Weight, ...]:
        """None."""
        return ()

    def macs(self, input_shape: Shape, output_shape: Shape) -> int:
        """None: the published counts are those of convolutions and dense layers alone."""
        return 0
