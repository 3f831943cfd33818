"""What the layers of a network cost, as tables over the widths of neighbouring groups whose sum is a subnetwork's cost."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from reds.architecture import Architecture, Placed
from reds.layers import Widths

LayerCosts = Callable[[Placed, np.ndarray, np.ndarray], np.ndarray]
"""The costs of a layer, given active channels of its input and output group (arrays that broadcast against each other)."""

VECTOR_BYTES = 4  # of each bias and each number of batch norm, whatever the element type: 32-bit numbers in every image


def pair_tables(architecture: Architecture, widths: tuple[np.ndarray, ...], costs: LayerCosts) -> list[np.ndarray]:
    """Costs by pairs of neighbouring widths, one float64 (A, B) for each two neighbouring groups.

    A layer within one group counts in the pair that begins there (for the last group: that ends there).
    """
    tables = [np.zeros((len(a), len(b))) for a, b in pairwise(widths)]
    for placed in architecture.placed:
        source, sink = groups_of(placed)
        pair = min(source, len(tables) - 1)
        rows, columns = widths[pair][:, None], widths[pair + 1][None, :]
        inputs, outputs = (rows if group == pair else columns for group in (source, sink))
        tables[pair] += costs(placed, inputs, outputs)
    return tables


def groups_of(placed: Placed) -> tuple[int, int]:
    """The channel groups of a layer's inputs and outputs: the same one, or neighbours."""
    source, sink = placed.inputs.group, placed.outputs.group
    assert source is not None
    assert sink is not None
    return source, sink


def layer_macs(placed: Placed, inputs: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Multiply-adds: proportional to the product of the widths between two groups, to the width within one."""
    source, sink = groups_of(placed)
    return placed.macs(1, 1) * (outputs if source == sink else inputs * outputs)


def layer_flash_bytes(element_bytes: int) -> LayerCosts:
    """Bytes of the weights in use: kernels in elements of this size, vectors in 32-bit numbers."""

    def costs(placed: Placed, inputs: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        source = placed.inputs.group
        total = np.zeros(np.broadcast_shapes(inputs.shape, outputs.shape))
        for weight in placed.weights:
            size = np.ones(1)
            for axis in weight.axes:
                active = 1 if axis.group is None else inputs if axis.group == source else outputs
                size = size * (axis.positions * active)
            total = total + (VECTOR_BYTES if weight.is_vector else element_bytes) * size
        return total

    return costs


def total(architecture: Architecture, widths: Widths, costs: LayerCosts) -> float:
    """What a subnetwork of these widths costs."""
    return float(
        sum(
            costs(placed, np.array([widths[source]]), np.array([widths[sink]])).sum()
            for placed in architecture.placed
            for source, sink in (groups_of(placed),)
        )
    )
