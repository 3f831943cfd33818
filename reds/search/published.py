"""The published formulation: which units to keep, each with its own score and cost, as far as widths decide it.

Dense networks and plain convolutional ones: every unit costs its layer's multiply-adds at the full fan-in; only the feature
layers are cut and counted. Depthwise-separable ones: costs are the true products, and every pointwise filter keeps *its own* best
kernels, as many as its inputs are wide; a network runs the first ones instead, so that this objective promises more than a
subnetwork keeps. Layers after the last pointwise one shrink with their inputs; their MACs count: budgets are of true MACs.

Scores are rounded to integers, for solvers that take nothing else. Within a layer all units cost the same, so that the best
choice of any number of them is the best-scored ones: the whole model is a `Problem` over widths (`as_chain`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reds.architecture import Architecture, Placed
from reds.errors import ConfigError
from reds.importance import Importance, channel_importance, pair_importance
from reds.layers import Widths
from reds.search.problem import Pair, Problem, Resource
from reds.search.tables import groups_of

SCORE_SUM = 1 << 30  # the integer scores add up to about this: fine enough, and easy on solvers


@dataclass(frozen=True)
class UnitLayer:
    """Units of one channel group whose score and cost do not depend on other groups.

    Attributes:
        scores: int64 (units,), falling.
        cost: MACs of one unit.
    """

    scores: np.ndarray
    cost: int


@dataclass(frozen=True)
class KernelLayer:
    """A layer whose units are kernels, one for each input and output channel.

    Attributes:
        scores: int64 (outputs, inputs), each row falling; rows in the stored order of the outputs.
        cost: MACs of one kernel.
    """

    scores: np.ndarray
    cost: int


@dataclass(frozen=True)
class UnitModel:
    """A network as the published formulation sees it; one entry for each channel group.

    Attributes:
        architecture: the network.
        units: what is chosen once in each group (filters, neurons, channels of a depthwise layer): zero or more layers of units.
        kernels: what leads into each group, None where that is chosen with the units.
        least: the least width of each group; the full one where the formulation does not cut it.
        limit: MACs of all units, which the budgets share out.
        scale: integer scores are importance times this.
    """

    architecture: Architecture
    units: tuple[tuple[UnitLayer, ...], ...]
    kernels: tuple[KernelLayer | None, ...]
    least: Widths
    limit: int
    scale: float

    @property
    def full(self) -> Widths:
        """Widths of the whole network."""
        return self.architecture.full_widths

    def value(self, widths: Widths) -> float:
        """Importance of the best units in these numbers."""
        total = 0
        for group, width in enumerate(widths):
            total += sum(int(layer.scores[:width].sum()) for layer in self.units[group])
            kernels = self.kernels[group]
            if kernels is not None:
                total += int(kernels.scores[:width, : widths[group - 1]].sum())
        return total / self.scale


def unit_model(
    architecture: Architecture, importance: Importance, minimum_width: int, last_minimum: int | None = None
) -> UnitModel:
    """The published formulation of a network whose channels are sorted by importance.

    Args:
        architecture: the network.
        importance: of its kernels.
        minimum_width: the least width of a group that is cut.
        last_minimum: of the last one, where it differs (the published scripts keep 60 channels there in DS-CNN).

    Raises:
        ConfigError: the formulation does not cover the network.
    """
    if any(placed.layer.kind == "depthwise_conv2d" for placed in architecture.placed):
        return _separable(architecture, importance, minimum_width, last_minimum)
    return _filter_layers(architecture, importance, minimum_width)


def as_chain(model: UnitModel) -> Problem:
    """The same choice over widths; its optimum is the model's."""
    full = model.full
    widths = tuple(np.arange(least, size + 1) for least, size in zip(model.least, full, strict=True))
    pairs = []
    for group in range(1, len(full)):
        rows, columns = widths[group - 1][:, None], widths[group][None, :]
        value, cost = np.zeros((len(rows), columns.shape[1])), np.zeros((len(rows), columns.shape[1]))
        for layer in model.units[group]:
            value += layer.scores.cumsum()[columns - 1]
            cost += layer.cost * columns
        kernels = model.kernels[group]
        if kernels is not None:
            value += kernels.scores.cumsum(axis=1).cumsum(axis=0)[columns - 1, rows - 1]
            cost += kernels.cost * rows * columns
        pairs.append(Pair(value, cost[None]))
    names = tuple(group.name for group in model.architecture.groups)
    return Problem(names, widths, tuple(pairs), (Resource("macs", model.limit),))


def _integers(arrays: Sequence[np.ndarray]) -> tuple[list[np.ndarray], float]:
    whole = sum(float(array.sum()) for array in arrays)
    scale = SCORE_SUM / whole if whole else 1.0
    return [np.rint(scale * array).astype(np.int64) for array in arrays], scale


def _falling(scores: np.ndarray) -> np.ndarray:
    """Sorted along the last axis, the best first."""
    return -np.sort(-scores, axis=-1)


def _filter_layers(architecture: Architecture, importance: Importance, minimum_width: int) -> UnitModel:
    """Convolutions where there are any, else dense layers; the last group is whole in any case."""
    kinds = {placed.layer.kind for placed in architecture.placed}
    kind = "conv2d" if "conv2d" in kinds else "dense"
    full, groups = architecture.full_widths, architecture.groups
    cut = {groups_of(p)[1]: p for p in architecture.placed if p.layer.kind == kind and not groups[groups_of(p)[1]].whole}
    if not cut:
        raise ConfigError(f"{architecture.name} has no layer that the published formulation cuts")
    importances = channel_importance(architecture, importance)
    scores, scale = _integers([_falling(importances[group]) for group in cut])
    layers = {
        group: UnitLayer(each, placed.macs(full[groups_of(placed)[0]], 1))
        for (group, placed), each in zip(cut.items(), scores, strict=True)
    }
    return UnitModel(
        architecture,
        tuple((layers[g],) if g in layers else () for g in range(len(full))),
        (None,) * len(full),
        tuple(min(minimum_width, size) if g in layers else size for g, size in enumerate(full)),
        sum(layer.cost * full[g] for g, layer in layers.items()),
        scale,
    )


def _separable(architecture: Architecture, importance: Importance, minimum_width: int, last_minimum: int | None) -> UnitModel:
    full, last = architecture.full_widths, len(architecture.full_widths) - 1
    entering = _entering(architecture)
    depthwise = [[p for p in architecture.placed if groups_of(p) == (g, g) and p.macs(1, 1)] for g in range(last + 1)]
    matrices = pair_importance(architecture, {name: array for name, array in importance.items() if name in _kernels(entering)})
    first = _falling(matrices[0].sum(axis=0))
    singles = [[_falling(_channel_scores(architecture, importance, p)) for p in layers] for layers in depthwise]
    rows = [_falling(matrices[group - 1].T) for group in range(2, last)]
    flat = [first, *(array for layers in singles for array in layers), *rows]
    integers, scale = _integers(flat)
    stream = iter(integers)
    opening = UnitLayer(next(stream), entering[1].macs(full[0], 1))
    units = [[UnitLayer(next(stream), p.macs(1, 1)) for p in layers] for layers in depthwise]
    units[1].insert(0, opening)
    head = entering[last]
    units[last - 1].append(UnitLayer(np.zeros(full[last - 1], np.int64), head.macs(1, full[last])))
    kernels = [None, None, *(KernelLayer(next(stream), entering[g].macs(1, 1)) for g in range(2, last)), None]
    least = [full[0], *(min(minimum_width, size) for size in full[1:last]), full[last]]
    least[last - 1] = min(last_minimum or minimum_width, full[last - 1])
    limit = architecture.cost(architecture.full_widths).macs
    return UnitModel(architecture, tuple(map(tuple, units)), tuple(kernels), tuple(least), limit, scale)


def _entering(architecture: Architecture) -> dict[int, Placed]:
    """For each group but the first the layer that opens it."""
    return {groups_of(placed)[1]: placed for placed in architecture.placed if placed.layer.units is not None}


def _kernels(entering: dict[int, Placed]) -> set[str]:
    return {weight.name for placed in entering.values() for weight in placed.weights if not weight.is_vector}


def _channel_scores(architecture: Architecture, importance: Importance, placed: Placed) -> np.ndarray:
    """Importance of each channel of a layer within one group."""
    mine = {weight.name: importance[weight.name] for weight in placed.weights if weight.name in importance}
    return channel_importance(architecture, mine)[groups_of(placed)[1]]
