"""Widths in whole blocks, so that a file need not list the place of every single number of a kernel that is cut both ways."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Sequence

from reds.image.format import MATRIX_KINDS
from reds.image.operations import Operation
from reds.layers import Widths

LARGEST_BLOCK = 64
ENOUGH = 4
"""Widths that have this or more in common are left as they are: kernels work by the vector, and one channel may start another."""

# Bytes of the lists for each channel of the input and each of the output, of subnetworks of 100, 75, 50 and 25 % together;
# blocks of n x n channels take a part of n x n.
_LISTED_BYTES = 2.5
# What the smaller of such subnetworks' kernels take by themselves, as a share of the largest's.
_ALONE_SHARE = 1.5
# A channel too many costs multiply-adds in the layer that makes it and in the one that takes it.
_CHANNEL_COSTS = 2.0


def is_cut(widths: Sequence[Widths], group: int) -> bool:
    """Whether subnetworks of these widths differ in a group."""
    return len({each[group] for each in widths}) > 1


def blocks(stages: Sequence[Operation], widths: Sequence[Widths], item_bytes: int, silences: Collection[str]) -> tuple[int, ...]:
    """For each group the channels of a block, a divisor of the largest width; 1 where no kernel is cut both ways.

    Args:
        stages: the layers.
        widths: of the subnetworks, largest first.
        item_bytes: of a number of the kernels.
        silences: activations after which channels that fill up a block can be zero. Groups of others are not filled up.
    """
    exact = {stage.output_group for stage in stages if stage.kind in MATRIX_KINDS and stage.activation not in silences}
    positions: dict[int, int] = {}  # of the smallest window of each group's kernels that are cut both ways
    for stage in stages:
        groups = (stage.input_group, stage.output_group)
        if stage.kind in MATRIX_KINDS and all(is_cut(widths, group) for group in groups):
            for group in groups:
                positions[group] = min(positions.get(group, sys.maxsize), math.prod(stage.windows.kernel_size))
    return tuple(
        _block([each[group] for each in widths], positions[group] * item_bytes, fill=group not in exact)
        if group in positions
        else 1
        for group in range(len(widths[0]))
    )


def filled_up(width: int, block: int) -> int:
    """The width in whole blocks."""
    return -(-width // block) * block


def pays(block_bytes: int) -> bool:
    """Whether listing the places of blocks of so many bytes takes less than kernels of their own."""
    return block_bytes * _ALONE_SHARE > _LISTED_BYTES


def _block(widths: Sequence[int], channel_bytes: int, *, fill: bool) -> int:
    """The divisor of all widths, else of the largest, that costs least in channels that fill up blocks and in places listed.

    Args:
        widths: of one group, largest first.
        channel_bytes: that a kernel has for one channel of its input and one of its output.
        fill: whether widths may be filled up.
    """

    def cost(block: int) -> float:
        filling = sum(filled_up(width, block) for width in widths) / sum(widths) - 1
        return _CHANNEL_COSTS * filling + _LISTED_BYTES / channel_bytes / block**2

    common = math.gcd(*widths)
    divided = widths[0] if fill and common < ENOUGH else common
    return min((block for block in range(1, LARGEST_BLOCK + 1) if divided % block == 0), key=cost)
