"""From an architecture to the layers of an image: what computes opens one, and takes in batch norm and activation after it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from reds.architecture import Architecture, Placed
from reds.errors import ConfigError
from reds.image import format as image_format
from reds.image.layouts import ROWS, Layouts
from reds.image.records import Layer
from reds.layers import BatchNorm, Weight, Widths, Windows


@dataclass(frozen=True)
class Operation:
    """One layer of an image: a layer that computes, and what is fused into it.

    Attributes:
        name: the layer that computes.
        kind: kind of the image's layer.
        input_size: (height, width) of the input map; dense: (1, positions of the flattened input for each channel).
        windows: where the windows lie on it; dense: one, the whole input.
        input_group: channel group of the input.
        output_group: channel group of the output.
        kernel: the architecture's weight; None: pooling.
        bias: the architecture's weight; None: there is none.
        norm: the batch norm that follows, if any.
        activation: activation of the image's layer.
        negative_slope: of leaky ReLU.
    """

    name: str
    kind: str
    input_size: tuple[int, int]
    windows: Windows
    input_group: int
    output_group: int
    kernel: Weight | None = None
    bias: Weight | None = None
    norm: BatchNorm | None = None
    activation: str = "none"
    negative_slope: float = 0.0

    @property
    def linear(self) -> str:
        """Name of the architecture's layer that puts out what goes into the activation."""
        return self.norm.name if self.norm else self.name

    def inputs(self, widths: Widths) -> int:
        """Active input channels in a subnetwork of these widths."""
        return widths[self.input_group]

    def outputs(self, widths: Widths) -> int:
        """Active output channels in a subnetwork of these widths."""
        return widths[self.output_group]

    def weights(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Float32 weights in an image's shape (`reds.image.Layer.weights`), of the subnetwork whose arrays are given."""
        if self.kernel is None:
            return np.zeros(0, np.float32)
        return np.ascontiguousarray(_CANONICAL[self.kind](self, arrays[self.kernel.name]))

    def scale_and_bias(self, arrays: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """What batch norm and bias make of a channel's sum of products: sum x scale + bias, both float64 (outputs,).

        Raises:
            ConfigError: a variance that is not positive.
        """
        assert self.kernel is not None
        channels = self.weights(arrays).shape[OUTPUT_AXIS[self.kind]]
        bias = arrays[self.bias.name].astype(np.float64) if self.bias else np.zeros(channels)
        if self.norm is None:
            return np.ones(channels), bias
        names = (f"{self.norm.name}/{vector}" for vector in ("gamma", "beta", "moving_mean", "moving_variance"))
        gamma, beta, mean, variance = (arrays[name].astype(np.float64) for name in names)
        if not (variance + self.norm.epsilon > 0).all():
            raise ConfigError(f"a variance of batch norm {self.norm.name!r} is not positive", seen=f"{variance.min():g}")
        scale = gamma / np.sqrt(variance + self.norm.epsilon)
        return scale, beta + (bias - mean) * scale

    def layer(self, full_widths: Widths, weights: np.ndarray, layouts: Layouts) -> Layer:
        """The image's layer with these weights of the whole network, float32 or int8."""
        matrix = layouts.of(weights.dtype.name, math.prod(self.windows.output_size))
        return Layer(
            kind=self.kind,
            activation=self.activation,
            input_size=self.input_size,
            output_size=self.windows.output_size,
            kernel_size=self.windows.kernel_size,
            strides=self.windows.strides,
            before=self.windows.before,
            input_channels=self.inputs(full_widths),
            output_channels=self.outputs(full_widths),
            weights=weights,
            negative_slope=self.negative_slope,
            layout=matrix if self.kind in image_format.MATRIX_KINDS else ROWS,
        )


OUTPUT_AXIS: Mapping[str, int] = {"dense": 0, "convolution": 0, "depthwise": -1}
"""By kind, the axis of an image's weights that runs over the output channels."""

_CANONICAL: Mapping[str, Callable[[Operation, np.ndarray], np.ndarray]] = {
    "dense": lambda operation, kernel: kernel.T.reshape(kernel.shape[1], *operation.input_size, -1),
    "convolution": lambda _, kernel: kernel.transpose(3, 0, 1, 2),
    "depthwise": lambda _, kernel: kernel[..., 0],
}

_KINDS: Mapping[str, str] = {
    "dense": "dense",
    "conv2d": "convolution",
    "depthwise_conv2d": "depthwise",
    "average_pooling2d": "average_pool",
    "global_average_pooling2d": "average_pool",
    "max_pooling2d": "max_pool",
}
_ACTIVATIONS: Mapping[str, str] = {"relu": "relu", "relu6": "relu6", "leaky_relu": "leaky_relu"}


def _opened(placed: Placed) -> Operation:
    layer = placed.layer
    assert placed.inputs.group is not None
    assert placed.outputs.group is not None
    if layer.kind == "dense":
        input_size = (1, placed.inputs.positions)
        found = Windows(kernel_size=input_size, strides=(1, 1), output_size=(1, 1), before=(0, 0))
    else:
        input_size = (placed.input_shape[0], placed.input_shape[1])
        found = layer.windows(placed.input_shape)  # pyright: ignore[reportAttributeAccessIssue] - all others that compute have it
    weights = {weight.name.rsplit("/", 1)[1]: weight for weight in placed.weights}
    operation = Operation(
        name=layer.name,
        kind=_KINDS[layer.kind],
        input_size=input_size,
        windows=found,
        input_group=placed.inputs.group,
        output_group=placed.outputs.group,
        kernel=weights.get("kernel"),
        bias=weights.get("bias"),
    )
    _check_windows(operation)
    return operation


def _check_windows(operation: Operation) -> None:
    found = operation.windows
    for size, kernel, stride, count, before in zip(
        operation.input_size, found.kernel_size, found.strides, found.output_size, found.before, strict=True
    ):
        if stride > image_format.MAX_STRIDE:
            raise ConfigError(f"layer {operation.name!r} has strides above {image_format.MAX_STRIDE}", seen=str(found.strides))
        if before >= kernel or (count - 1) * stride - before >= size:
            raise ConfigError(
                f"layer {operation.name!r} has windows that lie in the padding alone",
                seen=f"input {operation.input_size}, {found}",
                do="pad by less than the kernel's size",
            )


def _with_norm(operation: Operation, placed: Placed) -> Operation:
    norm = placed.layer
    assert isinstance(norm, BatchNorm)
    if operation.kernel is None or operation.norm or operation.activation != "none" or placed.outputs.positions != 1:
        after = "pooling" if operation.kernel is None else "batch norm" if operation.norm else "an activation or a flattening"
        raise ConfigError(
            f"the image format cannot hold batch norm {norm.name!r}: it follows {after}",
            do="put it right after a convolution or dense layer",
        )
    return replace(operation, norm=norm)


def _with_activation(operation: Operation, placed: Placed) -> Operation:
    layer = placed.layer
    if operation.kernel is None or operation.activation != "none":
        after = "pooling" if operation.kernel is None else "another activation"
        raise ConfigError(f"the image format cannot hold activation {layer.name!r}: it follows {after}")
    return replace(operation, activation=_ACTIVATIONS[layer.kind], negative_slope=getattr(layer, "negative_slope", 0.0))


_FUSES: Mapping[str, Callable[[Operation, Placed], Operation]] = {
    "batch_norm": _with_norm,
    **dict.fromkeys(_ACTIVATIONS, _with_activation),
    "flatten": lambda operation, _: operation,
}


def operations(architecture: Architecture) -> tuple[Operation, ...]:
    """The layers of the architecture's image, in order. A flattening is none: the dense layer after it has positions.

    Raises:
        ConfigError: a layer, or an order of layers, that the image format cannot hold.
    """
    found: list[Operation] = []
    for placed in architecture.placed:
        kind = placed.layer.kind
        if kind in _KINDS:
            found.append(_opened(placed))
        elif kind in _FUSES and found:
            found[-1] = _FUSES[kind](found[-1], placed)
        elif kind != "flatten":
            raise ConfigError(f"the image format cannot hold layer {placed.layer.name!r} of {architecture.name}", seen=kind)
    return tuple(found)
