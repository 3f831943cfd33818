"""The operators of `.tflite` graphs that layers become; codes, options and paddings are the schema's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reds.errors import ConfigError
from reds.image.operations import Operation
from reds.layers import Shape
from reds.litert.graphs import GraphBuilder
from reds.litert.records import Options, Scales

SAME, VALID = 0, 1
FUSED: Mapping[str, int] = {"none": 0, "relu": 1, "relu6": 3, "leaky_relu": 0}
"""Fused activations. Leaky ReLU is an operator of its own."""

RECTIFIED = ("relu", "relu6")
"""Activations that make zero of what is far below zero."""

_DILATION: Options = (("DilationWFactor", 1), ("DilationHFactor", 1))
_POOLS: Mapping[str, str] = {"average_pool": "AVERAGE_POOL_2D", "max_pool": "MAX_POOL_2D"}


@dataclass(frozen=True)
class Result:
    """What an operator puts out, but for the size of its map.

    Attributes:
        element: type of the numbers.
        channels: of the map or vector.
        scales: int8: what the numbers stand for.
    """

    element: str
    channels: int
    scales: Scales | None = None

    def tensor(self, builder: GraphBuilder, size: tuple[int, ...]) -> int:
        """Index of a new tensor (1, *size, channels)."""
        return builder.tensor((1, *size, self.channels), self.element, self.scales)


def map_size(shape: Shape) -> tuple[int, ...]:
    """(height, width) of a tensor (1, height, width, channels), () of a vector (1, features)."""
    return shape[1:-1]


def is_point(size: tuple[int, ...]) -> bool:
    """Whether a map of this (height, width) has one position; a vector counts as one."""
    return all(length == 1 for length in size)


def add_product(builder: GraphBuilder, stage: Operation, inputs: list[int], result: Result, activation: str) -> int:
    """A dense, convolution or depthwise layer of [input, kernel, bias]; the index of its output.

    A dense layer whose kernel has a window is a convolution.

    Args:
        builder: the graph.
        stage: the layer.
        inputs: indices of tensors.
        result: element type, scales and channels of the output.
        activation: fused into it.
    """
    fused = ("FusedActivationFunction", FUSED[activation])
    if stage.kind == "dense":
        if len(builder.shape(inputs[1])) == 2:
            output = result.tensor(builder, ())
            return builder.add("FULLY_CONNECTED", inputs, output, "FullyConnectedOptions", (fused,))
        windows: Options = (("Padding", VALID), ("StrideW", 1), ("StrideH", 1))
        return builder.add("CONV_2D", inputs, result.tensor(builder, (1, 1)), "Conv2DOptions", (*windows, *_DILATION, fused))
    windows, output = _windows(stage), result.tensor(builder, stage.windows.output_size)
    if stage.kind == "depthwise":
        options = (*windows, ("DepthMultiplier", 1), *_DILATION, fused)
        return builder.add("DEPTHWISE_CONV_2D", inputs, output, "DepthwiseConv2DOptions", options)
    return builder.add("CONV_2D", inputs, output, "Conv2DOptions", (*windows, *_DILATION, fused))


def add_pool(builder: GraphBuilder, stage: Operation, source: int, result: Result) -> int:
    """A pooling layer; the index of its output.

    Raises:
        ConfigError: its padding is neither "valid" nor "same".
    """
    if padding_of(stage) is None:
        raise ConfigError(
            f".tflite files cannot hold pooling {stage.name!r}: its padding is neither valid nor same", seen=str(stage.windows)
        )
    height, width = stage.windows.kernel_size
    options = (*_windows(stage), ("FilterHeight", height), ("FilterWidth", width))
    return builder.add(_POOLS[stage.kind], [source], result.tensor(builder, stage.windows.output_size), "Pool2DOptions", options)


def add_leaky_relu(builder: GraphBuilder, source: int, slope: float, result: Result) -> int:
    """max(x, slope x); the index of its output."""
    output = result.tensor(builder, map_size(builder.shape(source)))
    return builder.add("LEAKY_RELU", [source], output, "LeakyReluOptions", (("Alpha", slope),))


def add_elementwise(builder: GraphBuilder, code: str, inputs: list[int], result: Result, activation: str) -> int:
    """MUL or ADD of a map or vector and a number for each channel; the index of its output."""
    kind = {"MUL": "MulOptions", "ADD": "AddOptions"}[code]
    options = (("FusedActivationFunction", FUSED[activation]),)
    return builder.add(code, inputs, result.tensor(builder, map_size(builder.shape(inputs[0]))), kind, options)


def add_padding(builder: GraphBuilder, stage: Operation, source: int, result: Result) -> int:
    """The input of a layer with zeros around it, where its padding is neither "valid" nor "same"; else the input."""
    if stage.kind == "dense" or padding_of(stage) is not None:
        return source
    sides = _missing(stage)
    output = result.tensor(builder, tuple(size + sum(side) for size, side in zip(stage.input_size, sides, strict=True)))
    constant = builder.constant(np.array([(0, 0), *sides, (0, 0)], np.int32))
    return builder.add("PAD", [source, constant], output, "PadOptions")


def add_reshape(builder: GraphBuilder, source: int, result: Result, size: tuple[int, ...]) -> int:
    """The same numbers as a map of another (height, width), or as a vector: (); the input where it is that already."""
    if map_size(builder.shape(source)) == size:
        return source
    shape = builder.constant(np.array([-1, *size, result.channels], np.int32))  # for any number of inputs at once
    return builder.add("RESHAPE", [source, shape], result.tensor(builder, size), "ReshapeOptions")


def add_flattening(builder: GraphBuilder, source: int, result: Result) -> int:
    """A map of one position as a vector; a vector, and a larger map, as they are."""
    return add_reshape(builder, source, result, ()) if is_point(map_size(builder.shape(source))) else source


def padding_of(stage: Operation) -> int | None:
    """VALID or SAME; None where it is neither."""
    sides = _missing(stage)
    if not any(map(any, sides)):
        return VALID
    found = stage.windows
    same = all(
        -(-size // stride) == count and before == (before + after) // 2
        for size, stride, count, (before, after) in zip(stage.input_size, found.strides, found.output_size, sides, strict=True)
    )
    return SAME if same else None


def _missing(stage: Operation) -> list[tuple[int, int]]:
    """Rows above and below, then columns left and right, that the windows reach beyond the input."""
    found = stage.windows
    sides = zip(stage.input_size, found.kernel_size, found.strides, found.output_size, found.before, strict=True)
    return [(before, max(0, (count - 1) * stride + kernel - size - before)) for size, kernel, stride, count, before in sides]


def _windows(stage: Operation) -> Options:
    padding = padding_of(stage)
    height, width = stage.windows.strides
    return (("Padding", VALID if padding is None else padding), ("StrideW", width), ("StrideH", height))
