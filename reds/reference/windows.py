"""Sums of products over windows that slide over maps, whatever the numbers mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from reds.image.format import CONVOLUTION, DENSE, DEPTHWISE, MATRIX_KINDS, POOL_KINDS
from reds.image.records import Layer


class Sliding(Protocol):
    """Where windows lie: an image's layer, or `reds.layers.Windows`."""

    @property
    def kernel_size(self) -> tuple[int, int]: ...
    @property
    def strides(self) -> tuple[int, int]: ...
    @property
    def output_size(self) -> tuple[int, int]: ...
    @property
    def before(self) -> tuple[int, int]: ...


def _extended(values: np.ndarray, windows: Sliding, outside: float) -> np.ndarray:
    """What the windows cover of (n, height, width, channels), with `outside` where that lies beyond the map."""
    samples, *size, channels = values.shape
    covered = [
        (count - 1) * stride + kernel
        for count, stride, kernel in zip(windows.output_size, windows.strides, windows.kernel_size, strict=True)
    ]
    result = np.full((samples, *covered, channels), outside, values.dtype)
    (top, left), (height, width) = windows.before, (min(n, c - b) for n, c, b in zip(size, covered, windows.before, strict=True))
    result[:, top : top + height, left : left + width] = values[:, :height, :width]
    return result


def taps(values: np.ndarray, windows: Sliding, outside: float) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """For each position (row, column) of the kernel what it meets: (n, output height, output width, channels).

    Args:
        values: (n, height, width, channels).
        windows: where they lie.
        outside: what a window meets beyond the map.
    """
    extended = _extended(values, windows, outside)
    (height, width), (down, right) = windows.output_size, windows.strides
    for row in range(windows.kernel_size[0]):
        for column in range(windows.kernel_size[1]):
            rows = slice(row, row + (height - 1) * down + 1, down)
            columns = slice(column, column + (width - 1) * right + 1, right)
            yield (row, column), extended[:, rows, columns]


def _matrix(values: np.ndarray, weights: np.ndarray, windows: Sliding, outside: float) -> np.ndarray:
    (down, right), channels_last = windows.strides, (0, 1, 2, 4, 5, 3)
    views = sliding_window_view(_extended(values, windows, outside), windows.kernel_size, axis=(1, 2))  # pyright: ignore[reportArgumentType]
    rows = views[:, ::down, ::right].transpose(channels_last).reshape(-1, math.prod(weights.shape[1:]))
    return (rows @ weights.reshape(len(weights), -1).T).reshape(len(values), *windows.output_size, len(weights))


def _depthwise(values: np.ndarray, weights: np.ndarray, windows: Sliding, outside: float) -> np.ndarray:
    sums = np.zeros((len(values), *windows.output_size, values.shape[-1]), values.dtype)
    for position, met in taps(values, windows, outside):
        sums += met * weights[position]
    return sums


_PRODUCTS: Mapping[str, Callable[[np.ndarray, np.ndarray, Sliding, float], np.ndarray]] = {
    DENSE: _matrix,
    CONVOLUTION: _matrix,
    DEPTHWISE: _depthwise,
}


def products(kind: str, values: np.ndarray, weights: np.ndarray, windows: Sliding, outside: float = 0.0) -> np.ndarray:
    """Sums of products (n, output height, output width, outputs), in the type of the values.

    Args:
        kind: "dense", "convolution" or "depthwise".
        values: (n, height, width, inputs), floating point.
        weights: of the same type, in an image's shape (`reds.image.Layer.weights`).
        windows: where they lie.
        outside: what a window meets beyond the map.
    """
    return _PRODUCTS[kind](values, weights, windows, outside)


def covered(size: tuple[int, int], windows: Sliding) -> np.ndarray:
    """How many positions of each window lie inside a map of this (height, width): int64 (output height, output width, 1)."""
    inside = np.ones((1, *size, 1), np.int64)
    return np.sum([met[0] for _, met in taps(inside, windows, 0)], axis=0)


def summed(values: np.ndarray, windows: Sliding) -> np.ndarray:
    """Sum over each window, of what lies inside: (n, output height, output width, channels), in the type of the values."""
    sums = np.zeros((len(values), *windows.output_size, values.shape[-1]), values.dtype)
    for _, met in taps(values, windows, 0):
        sums += met
    return sums


def largest(values: np.ndarray, windows: Sliding, lowest: float) -> np.ndarray:
    """The largest of each window, in the type of the values; `lowest` is the smallest that the type holds."""
    found = np.full((len(values), *windows.output_size, values.shape[-1]), lowest, values.dtype)
    for _, met in taps(values, windows, lowest):
        np.maximum(found, met, out=found)
    return found


def active_weights(layer: Layer, inputs: int, outputs: int) -> np.ndarray:
    """The weights that a level with these channels uses."""
    return _ACTIVE[layer.kind](layer.weights, inputs, outputs)


_ACTIVE: Mapping[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    **dict.fromkeys(MATRIX_KINDS, lambda weights, inputs, outputs: weights[:outputs, ..., :inputs]),
    **dict.fromkeys(POOL_KINDS, lambda weights, _inputs, _outputs: weights),
    DEPTHWISE: lambda weights, _inputs, outputs: weights[..., :outputs],
}
