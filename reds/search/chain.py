"""The search problem of a network: importance kept against costs, over the widths of its channel groups."""

from __future__ import annotations

import numpy as np

from reds.architecture import Architecture
from reds.importance import Importance, pair_importance
from reds.search.activations import masks
from reds.search.limits import Limits
from reds.search.problem import Pair, Problem, Resource
from reds.search.tables import LayerCosts, layer_flash_bytes, layer_macs, pair_tables

MACS, FLASH_BYTES = "macs", "flash_bytes"


def admissible_widths(architecture: Architecture, minimum_width: int, align: int) -> tuple[np.ndarray, ...]:
    """The widths that each group may have, ascending.

    Args:
        architecture: the network.
        minimum_width: the least channels a group that may be cut keeps (at most all it has).
        align: widths are multiples of this, or all channels.
    """

    def widths(size: int) -> np.ndarray:
        every = np.arange(min(minimum_width, size), size + 1)
        return every[(every % align == 0) | (every == size)]

    return tuple(np.array([group.size]) if group.whole else widths(group.size) for group in architecture.groups)


def chain_problem(
    architecture: Architecture,
    importance: Importance,
    widths: tuple[np.ndarray, ...],
    *,
    budgeted: tuple[str, LayerCosts] = (MACS, layer_macs),
    limits: Limits | None = None,
) -> Problem:
    """Maximise the importance of the weights in use, limited by costs.

    Args:
        architecture: the network, its channels already sorted by importance.
        importance: of its kernels, in the same order of channels.
        widths: what each group may have.
        budgeted: name and layer costs of what the budgets share out; the first resource, its limit that of the whole network.
        limits: what else the widths keep to.

    Raises:
        BudgetError: not even the least widths keep to the limits.
    """
    limits = limits or Limits()
    limits.check_least(architecture, tuple(int(each[0]) for each in widths))
    name, layer_costs = budgeted
    costs = [pair_tables(architecture, widths, layer_costs)]
    resources = [Resource(name, sum(float(table[-1, -1]) for table in costs[0]))]
    if limits.flash_bytes is not None:
        costs.append(pair_tables(architecture, widths, layer_flash_bytes(limits.element_bytes)))
        resources.append(Resource(FLASH_BYTES, limits.flash_bytes))
    values = [
        _kept(matrix, a, b) for matrix, a, b in zip(pair_importance(architecture, importance), widths, widths[1:], strict=False)
    ]
    if limits.peak_activation_bytes is not None:
        elements = limits.peak_activation_bytes // limits.element_bytes
        for value, allowed in zip(values, masks(architecture, widths, limits.peak_definition, elements), strict=True):
            value[~allowed] = -np.inf
    pairs = tuple(Pair(value, np.stack(tables)) for value, *tables in zip(values, *costs, strict=True))
    return Problem(tuple(group.name for group in architecture.groups), widths, pairs, tuple(resources))


def _kept(matrix: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The sum of the first a rows and b columns of a matrix, for each a and b that is given."""
    return matrix.cumsum(axis=0)[rows - 1].cumsum(axis=1)[:, columns - 1]
