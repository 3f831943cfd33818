"""From an architecture to the layers of an image: what computes opens one, and the activation that follows is fused into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from reds.architecture import Architecture, Placed
from reds.errors import ConfigError
from reds.layers import Weight, Widths


@dataclass(frozen=True)
class Operation:
    """One layer of an image.

    Attributes:
        name: the layer that computes.
        kind: kind of the image's layer.
        activation: "none" or "relu".
        kernel: the architecture's weight (inputs, outputs).
        bias: the architecture's weight (outputs,).
    """

    name: str
    kind: str
    activation: str
    kernel: Weight
    bias: Weight

    def rows(self, weights: Mapping[str, np.ndarray]) -> np.ndarray:
        """Float32 weights (outputs, inputs), one row for each output, as an image stores them."""
        return np.ascontiguousarray(weights[self.kernel.name].T)

    def outputs(self, widths: Widths) -> int:
        """Active outputs in a subnetwork of these widths."""
        return self.bias.shape(widths)[0]

    def inputs(self, widths: Widths) -> int:
        """Active inputs in a subnetwork of these widths."""
        return self.kernel.shape(widths)[0]


def _dense(placed: Placed) -> Operation:
    kernel, bias = placed.weights
    if placed.inputs.positions != 1 or placed.outputs.positions != 1:
        raise ConfigError(
            f"the image format cannot hold dense layer {placed.layer.name!r}: its inputs are not cut as a prefix",
            seen=f"{placed.inputs.positions} positions for each channel",
        )
    return Operation(placed.layer.name, "dense", "none", kernel, bias)


_OPENS: Mapping[str, Callable[[Placed], Operation]] = {"dense": _dense}
_FUSES: Mapping[str, str] = {"relu": "relu"}


def operations(architecture: Architecture) -> tuple[Operation, ...]:
    """The layers of the architecture's image, in order.

    Raises:
        ConfigError: a layer, or an activation with nothing before it, that the image format cannot hold.
    """
    found: list[Operation] = []
    for placed in architecture.placed:
        kind = placed.layer.kind
        if kind in _OPENS:
            found.append(_OPENS[kind](placed))
        elif kind in _FUSES and found:
            found[-1] = replace(found[-1], activation=_FUSES[kind])
        else:
            raise ConfigError(f"the image format cannot hold layer {placed.layer.name!r} of {architecture.name}", seen=kind)
    return tuple(found)
