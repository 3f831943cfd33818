"""Widths in whole blocks, so that a file need not list the place of every single number of a kernel that is cut both ways."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reds.image.operations import Operation
from reds.layers import Widths

LARGEST_BLOCK = 64
ENOUGH = 4
"""Widths that have this or more in common are left as they are: kernels work by the vector, and one channel may start another."""

# Bytes of the lists for each number in blocks of one number, of subnetworks of 100, 75, 50 and 25 % together; blocks of n x n
# numbers take a part of n x n.
_LISTED_BYTES = 2.5
# A channel too many costs multiply-adds in the layer that makes it and in the one that takes it.
_CHANNEL_COSTS = 2.0


def is_cut(widths: Sequence[Widths], group: int) -> bool:
    """Whether subnetworks of these widths differ in a group."""
    return len({each[group] for each in widths}) > 1


def blocks(stages: Sequence[Operation], widths: Sequence[Widths], item_bytes: int) -> tuple[int, ...]:
    """For each group the channels of a block, a divisor of the largest width; 1 where no kernel is cut both ways.

    Args:
        stages: the layers.
        widths: of the subnetworks, largest first.
        item_bytes: of a number of the kernels.
    """
    both_ways = {
        group
        for stage in stages
        if stage.kernel and stage.input_group != stage.output_group
        if is_cut(widths, stage.input_group) and is_cut(widths, stage.output_group)
        for group in (stage.input_group, stage.output_group)
    }
    return tuple(
        _block([each[group] for each in widths], item_bytes) if group in both_ways else 1 for group in range(len(widths[0]))
    )


def filled_up(width: int, block: int) -> int:
    """The width in whole blocks."""
    return -(-width // block) * block


def _block(widths: Sequence[int], item_bytes: int) -> int:
    """The divisor of all widths, else of the largest, that costs least in channels that fill up blocks and in places listed."""

    def cost(block: int) -> float:
        filling = sum(filled_up(width, block) for width in widths) / sum(widths) - 1
        return _CHANNEL_COSTS * filling + _LISTED_BYTES / item_bytes / block**2

    common = math.gcd(*widths)
    divided = common if common >= ENOUGH else widths[0]
    return min((block for block in range(1, LARGEST_BLOCK + 1) if divided % block == 0), key=cost)
