"""Weights in the orders that an image may hold them in (docs/image-format.md, "Weights"), there and back.

A *matrix* has a row for each output and its columns in shell order: first the channels of the smallest level, then those that
each larger one adds; within a shell by kernel row, kernel column and channel. `channels` are the input channels of the levels,
smallest level first; `outputs` their output channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reds.errors import ConfigError
from reds.image import format as image_format
from reds.image.layouts import Layout


def _shells(channels: Sequence[int]) -> list[slice]:
    """The channels that each level adds to the next smaller one's."""
    return [slice(*bounds) for bounds in pairwise((0, *channels))]


def to_matrix(weights: np.ndarray, channels: Sequence[int]) -> np.ndarray:
    """The matrix of weights (outputs, kernel height, kernel width, channels[-1])."""
    return np.concatenate([weights[..., shell].reshape(len(weights), -1) for shell in _shells(channels)], axis=1)


def from_matrix(matrix: np.ndarray, kernel_size: tuple[int, int], channels: Sequence[int]) -> np.ndarray:
    """Weights (outputs, kernel height, kernel width, channels[-1]) of a matrix."""
    weights = np.empty((len(matrix), *kernel_size, channels[-1]), matrix.dtype)
    start = 0
    for shell in _shells(channels):
        block = weights[..., shell]
        columns = math.prod(block.shape[1:])
        block[...] = matrix[:, start : start + columns].reshape(block.shape)
        start += columns
    return weights


@dataclass(frozen=True)
class _Order:
    """Rows and columns, filled up with zeros to multiples, are split into (row groups, rows, column groups, columns) and
    written with these axes in `order`, the last one fastest."""

    row_multiple: int
    column_multiple: int
    order: tuple[int, int, int, int]

    def split(self, rows: int, columns: int) -> tuple[int, int, int, int]:
        """The shape of the four axes."""
        return -(-rows // self.row_multiple), self.row_multiple, -(-columns // self.column_multiple), self.column_multiple


def _order(layout: Layout, precision: str) -> _Order:
    block = image_format.block(precision)
    orders = {
        image_format.ROWS: _Order(1, block, (0, 1, 2, 3)),
        image_format.TRANSPOSED: _Order(block, 1, (2, 3, 0, 1)),
        image_format.PANELS: _Order(layout.panel_rows, block, (0, 2, 1, 3)),
    }
    return orders[layout.name]


def packed_bytes(layout: Layout, precision: str, rows: int, columns: int) -> int:
    """Bytes that a matrix takes in the layout rows, transposed or panels."""
    return math.prod(_order(layout, precision).split(rows, columns)) * image_format.ELEMENT[precision].itemsize


def pack(layout: Layout, precision: str, matrix: np.ndarray) -> bytes:
    """A matrix in the layout rows, transposed or panels."""
    order = _order(layout, precision)
    split = order.split(*matrix.shape)
    padded = np.zeros((split[0] * split[1], split[2] * split[3]), image_format.ELEMENT[precision])
    padded[: matrix.shape[0], : matrix.shape[1]] = matrix
    return padded.reshape(split).transpose(order.order).tobytes()


def unpack(layout: Layout, precision: str, data: bytes, rows: int, columns: int) -> np.ndarray:
    """The matrix (rows, columns) that `pack` wrote."""
    order = _order(layout, precision)
    split = order.split(rows, columns)
    stored = np.frombuffer(data, image_format.ELEMENT[precision]).reshape([split[axis] for axis in order.order])
    padded = stored.transpose(np.argsort(order.order)).reshape(split[0] * split[1], split[2] * split[3])
    return padded[:rows, :columns]


@dataclass(frozen=True)
class Shells:
    """A matrix in the layout shells: each level's section holds what the level adds, its number counted from the smallest.

    Attributes:
        precision: of the weights.
        positions: of a window: kernel height x width.
        channels: input channels of the levels, smallest level first.
        outputs: output channels of the levels, smallest level first.
    """

    precision: str
    positions: int
    channels: tuple[int, ...]
    outputs: tuple[int, ...]

    def _widths(self) -> list[int]:
        """Columns of each shell, not filled up."""
        return [self.positions * (shell.stop - shell.start) for shell in _shells(self.channels)]

    def shapes(self, level: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """(rows, columns), columns filled up, of the columns and of the rows that the level adds; no elements: it adds none."""
        widths = [image_format.round_up(width, image_format.block(self.precision)) for width in self._widths()]
        shared = self.outputs[level - 1] if level else 0
        return (shared, widths[level]), (self.outputs[level] - shared, sum(widths[: level + 1]))

    def sizes(self, level: int) -> tuple[int, int]:
        """Bytes of the columns and of the rows that the level adds; 0 where it adds none."""
        itemsize = image_format.ELEMENT[self.precision].itemsize
        columns, rows = self.shapes(level)
        return math.prod(columns) * itemsize, math.prod(rows) * itemsize

    def pack(self, level: int, matrix: np.ndarray) -> tuple[bytes, bytes]:
        """The columns and the rows that the level adds."""
        (shared, _), (added, _) = self.shapes(level)
        starts = np.cumsum([0, *self._widths()])
        shells = [self._filled_up(matrix[: shared + added, start:end]) for start, end in pairwise(starts[: level + 2])]
        return shells[level][:shared].tobytes(), np.concatenate(shells, axis=1)[shared:].tobytes()

    def _filled_up(self, columns: np.ndarray) -> np.ndarray:
        rows, width = columns.shape
        filled = np.zeros(
            (rows, image_format.round_up(width, image_format.block(self.precision))), image_format.ELEMENT[self.precision]
        )
        filled[:, :width] = columns
        return filled

    def unpack(self, blocks: Sequence[tuple[bytes, bytes]]) -> np.ndarray:
        """The matrix of the largest level; `blocks` are what each level adds, as `pack` gives it, smallest level first."""
        element, widths = image_format.ELEMENT[self.precision], self._widths()
        starts = np.cumsum([0, *widths])
        matrix = np.zeros((self.outputs[-1], starts[-1]), element)
        for level, block in enumerate(blocks):
            columns, rows = (np.frombuffer(b, element).reshape(s) for b, s in zip(block, self.shapes(level), strict=True))
            shared = len(columns)
            matrix[:shared, starts[level] : starts[level + 1]] = columns[:, : widths[level]]
            stored = 0
            for start, width in zip(starts, widths[: level + 1], strict=False):
                matrix[shared : shared + len(rows), start : start + width] = rows[:, stored : stored + width]
                stored += image_format.round_up(width, image_format.block(self.precision))
        return matrix


def depthwise_bytes(precision: str, kernel_size: tuple[int, int], channels: int) -> int:
    """Bytes of a depthwise convolution's weights."""
    return math.prod(_depthwise_shape(precision, (*kernel_size, channels))) * image_format.ELEMENT[precision].itemsize


def _depthwise_shape(precision: str, shape: tuple[int, ...]) -> tuple[int, int, int]:
    height, width, channels = shape
    return height, width, image_format.round_up(channels, image_format.block(precision))


def pack_depthwise(precision: str, weights: np.ndarray) -> bytes:
    """Weights (kernel height, kernel width, channels), channels filled up with zeros to whole words."""
    padded = np.zeros(_depthwise_shape(precision, weights.shape), image_format.ELEMENT[precision])
    padded[..., : weights.shape[-1]] = weights
    return padded.tobytes()


def unpack_depthwise(precision: str, data: bytes, kernel_size: tuple[int, int], channels: int) -> np.ndarray:
    """The weights (kernel height, kernel width, channels) that `pack_depthwise` wrote."""
    shape = _depthwise_shape(precision, (*kernel_size, channels))
    return np.frombuffer(data, image_format.ELEMENT[precision]).reshape(shape)[..., :channels]


def check_layout(layout: Layout) -> None:
    """Raises ConfigError for a layout that the format does not know, or panels of a height that it cannot hold."""
    lowest, highest = (1, image_format.MAX_PANEL_ROWS) if layout.name == image_format.PANELS else (0, 0)
    if layout.name not in image_format.LAYOUTS or not lowest <= layout.panel_rows <= highest:
        raise ConfigError(
            "an image cannot hold weights in this layout",
            seen=str(layout),
            do=f"use one of {', '.join(image_format.LAYOUTS)}; panels of 1 to {image_format.MAX_PANEL_ROWS} rows",
        )
