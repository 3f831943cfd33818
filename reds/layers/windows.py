"""Windows that slide over a map: the one home of output sizes and paddings of convolutions and pooling."""

from __future__ import annotations

from dataclasses import dataclass

from reds.errors import ConfigError
from reds.layers.base import Shape

Pair = tuple[int, int]
Padding = str | tuple[Pair, Pair]
"""How a map is extended: "valid" (not), "same" (as TensorFlow pads), or ((top, bottom), (left, right)) in positions."""


@dataclass(frozen=True)
class Windows:
    """Where the windows of a layer lie on a map of one input.

    Attributes:
        kernel_size: (height, width) of a window.
        strides: (rows, columns) from one window to the next.
        output_size: (height, width) of the output map.
        before: (rows above, columns to the left) of padding.
    """

    kernel_size: Pair
    strides: Pair
    output_size: Pair
    before: Pair


def check_window(name: str, kernel_size: Pair, strides: Pair, padding: Padding) -> None:
    """Raises ConfigError for sizes below one or a padding that is not one of `Padding`."""
    for what, pair in (("kernel", kernel_size), ("stride", strides)):
        if len(pair) != 2 or min(pair) < 1:
            raise ConfigError(f"layer {name!r} needs a {what} of two numbers, at least 1", seen=str(pair))
    if isinstance(padding, str):
        if padding not in ("valid", "same"):
            raise ConfigError(f"layer {name!r} has an unknown padding", seen=padding, do="use valid, same or explicit numbers")
    elif len(padding) != 2 or any(len(side) != 2 or min(side) < 0 for side in padding):
        raise ConfigError(f"layer {name!r} has an unknown padding", seen=str(padding))


def windows(name: str, input_shape: Shape, kernel_size: Pair, strides: Pair, padding: Padding) -> Windows:
    """The windows of a layer on an input of shape (height, width, channels).

    "same": ceil(length / stride) windows; of the padding that this takes, the smaller half comes before (TensorFlow's rule).

    Raises:
        ConfigError: the input is not a map, or smaller than a window.
    """
    if len(input_shape) != 3:
        raise ConfigError(f"layer {name!r} needs an input of (height, width, channels)", seen=f"input shape {input_shape}")
    outputs, before = [], []
    for dimension, (length, kernel, stride) in enumerate(zip(input_shape[:2], kernel_size, strides, strict=True)):
        if padding == "same":
            count = -(-length // stride)
            start = max((count - 1) * stride + kernel - length, 0) // 2
        else:
            start, end = (0, 0) if isinstance(padding, str) else padding[dimension]
            count = (length + start + end - kernel) // stride + 1
        if count < 1:
            raise ConfigError(f"the input of layer {name!r} is smaller than a window", seen=f"{input_shape}, {kernel_size}")
        outputs.append(count)
        before.append(start)
    return Windows(kernel_size, strides, (outputs[0], outputs[1]), (before[0], before[1]))
