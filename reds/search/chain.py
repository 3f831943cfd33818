"""The search problem of a network: importance kept against MACs, over the widths of its channel groups."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from reds.architecture import Architecture
from reds.importance import Importance, pair_importance
from reds.search.problem import Pair, Problem, Resource

MACS = "macs"


def chain_problem(architecture: Architecture, importance: Importance, minimum_width: int) -> Problem:
    """Maximise the importance of the weights in use, limited by true MACs; the limit is that of the whole network.

    Args:
        architecture: the network, its channels already sorted by importance.
        importance: |w g| of its kernels, in the same order of channels.
        minimum_width: the least channels a group that may be cut keeps (at most all it has).
    """
    widths = tuple(
        np.array([group.size]) if group.whole else np.arange(min(minimum_width, group.size), group.size + 1)
        for group in architecture.groups
    )
    kept = (matrix.cumsum(axis=0).cumsum(axis=1) for matrix in pair_importance(architecture, importance))
    values = [table[np.ix_(a - 1, b - 1)] for table, a, b in zip(kept, widths, widths[1:], strict=False)]
    costs = macs_tables(architecture, widths)
    pairs = tuple(
        Pair(value, cost[None].astype(np.float64), np.ones(value.shape, bool)) for value, cost in zip(values, costs, strict=True)
    )
    names = tuple(group.name for group in architecture.groups)
    limit = architecture.cost(architecture.full_widths).macs
    return Problem(names, widths, pairs, (Resource(MACS, limit),))


def macs_tables(architecture: Architecture, widths: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """MACs by pairs of neighbouring widths, one int64 (A, B) for each two neighbouring groups; their sum is a subnetwork's MACs.

    A layer within one group counts in the pair that begins there (for the last group: that ends there).
    """
    tables = [np.zeros((len(a), len(b)), np.int64) for a, b in pairwise(widths)]
    for placed in architecture.placed:
        source, sink = placed.inputs.group, placed.outputs.group
        assert source is not None
        assert sink is not None
        pair = min(source, len(tables) - 1)
        rows, columns = widths[pair], widths[pair + 1]
        if source != sink:
            tables[pair] += np.array([[placed.macs(int(a), int(b)) for b in columns] for a in rows])
        elif source == pair:
            tables[pair] += np.array([[placed.macs(int(a), int(a))] for a in rows])
        else:
            tables[pair] += np.array([[placed.macs(int(b), int(b)) for b in columns]])
    return tables


def budget_macs(architecture: Architecture, fraction: float) -> int:
    """The MACs that a fraction of the whole network's allows."""
    return math.floor(fraction * architecture.cost(architecture.full_widths).macs + 1e-6)
