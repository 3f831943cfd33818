"""Kernels of one layer, stored so that a smaller subnetwork's is the beginning of a larger one's.

Row-major, that holds only where nothing but the outputs is cut. A sparse tensor may list its numbers in any order, and DENSIFY
puts them into place, which runtimes do once, before the first inference. Where only inputs are cut, and in depthwise layers, the
cut axis becomes the slowest. Where both are, numbers are stored in shells, smallest subnetwork first (as in
`reds.image.packing`): what each larger one adds to the rows that are there, then its new rows. Blocks have their places listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reds.layers import Shape
from reds.litert.records import Listed, Order


@dataclass(frozen=True, eq=False)
class Kernel:
    """Numbers of a kernel of shape `shape`, stored in an order; None: row-major."""

    shape: Shape
    stored: np.ndarray
    order: Order | None = None


@dataclass(frozen=True)
class Cuts:
    """How many channels along one axis the subnetworks have, smallest first, up to one; all multiples of `block`."""

    channels: tuple[int, ...]
    block: int

    def added(self) -> list[range]:
        """The blocks that each subnetwork adds."""
        return [range(low // self.block, high // self.block) for low, high in pairwise((0, *self.channels))]


def plain(weights: np.ndarray) -> Kernel:
    """Row-major."""
    return Kernel(weights.shape, weights)


def slowest_last(weights: np.ndarray) -> Kernel:
    """With the last axis, the channels, as the slowest: of weights (outputs, ..., inputs) or depthwise (1, ..., channels)."""
    order = (weights.ndim - 1, *range(weights.ndim - 1))
    stored = weights.transpose(order)
    return Kernel(weights.shape, stored, Order(order, (), stored.shape))


def in_shells(weights: np.ndarray, outputs: Cuts, inputs: Cuts) -> Kernel:
    """Weights (outputs, ..., inputs) in shells."""
    rows = _rows(outputs.added(), inputs.added())
    blocks = np.array([(row, column) for row, columns in rows for column in columns])
    split = weights.reshape(-1, outputs.block, *weights.shape[1:-1], weights.shape[-1] // inputs.block, inputs.block)
    # (row blocks, column blocks, ..., rows of a block, columns of a block)
    by_block = np.moveaxis(np.moveaxis(split, 1, -2), -3, 1)
    inner = tuple(range(1, weights.ndim - 1))
    rank = weights.ndim
    listed = (
        Listed((0, len(rows)), tuple(row for row, _ in rows)),
        Listed(tuple(np.cumsum([0, *(len(columns) for _, columns in rows)]).tolist()), tuple(blocks[:, 1].tolist())),
    )
    order = Order(
        (0, rank - 1, *inner, rank, rank + 1),
        (0, rank - 1),
        (*listed, *weights.shape[1:-1], outputs.block, inputs.block),
    )
    return Kernel(weights.shape, by_block[blocks[:, 0], blocks[:, 1]], order)


def _rows(added_rows: Sequence[range], added_columns: Sequence[range]) -> list[tuple[int, range]]:
    """Block rows in the order in which they are stored, each with its block columns; a row comes again with each larger one."""
    found: list[tuple[int, range]] = []
    for new_rows, new_columns in zip(added_rows, added_columns, strict=True):
        found += [(row, new_columns) for row in range(new_rows.start) if new_columns]
        found += [(row, range(new_columns.stop)) for row in new_rows]
    return found
