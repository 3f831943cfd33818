"""How much each weight and each channel matters, by one of several methods.

`taylor` is first-order importance |w g| (Molchanov et al., "Importance estimation for neural network pruning", CVPR 2019) as REDS
uses it: `g` is the signed sum of the gradients of the mean cross-entropy over mini-batches. `l1` and `l2` look at the weights
alone; `random` is what the others must beat. Only kernels are scored: biases and batch norm do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reds.architecture import Architecture, Placed
from reds.errors import ConfigError, unknown_name
from reds.layers import Axis

Importance = Mapping[str, np.ndarray]
"""How much each element of each kernel matters, float32, not negative, by weight name, in the shape of the weight."""

Weights = Mapping[str, np.ndarray]

TAYLOR, RANDOM = "taylor", "random"


def taylor(architecture: Architecture, weights: Weights, gradients: Weights) -> Importance:
    """Importance |w g| of every kernel element, given the summed gradients by weight name.

    Raises:
        ConfigError: a gradient is missing, not of its weight's shape, or not finite.
    """
    for name in kernels(architecture):
        if name not in gradients or gradients[name].shape != weights[name].shape:
            seen = str(gradients[name].shape) if name in gradients else "no gradient"
            raise ConfigError(f"the gradient of {name!r} does not fit its weight {weights[name].shape}", seen=seen)
    return _scored(
        architecture, {name: np.abs(gradients[name] * weights[name].astype(np.float64)) for name in kernels(architecture)}
    )


def l1(architecture: Architecture, weights: Weights) -> Importance:
    """Importance |w|: a channel is worth the L1 norm of its kernel."""
    return _scored(architecture, {name: np.abs(weights[name]) for name in kernels(architecture)})


def l2(architecture: Architecture, weights: Weights) -> Importance:
    """Importance w^2: a channel is worth the squared L2 norm of its kernel, which sorts as the norm does and adds up."""
    return _scored(architecture, {name: np.square(weights[name], dtype=np.float64) for name in kernels(architecture)})


def random(architecture: Architecture, seed: int) -> Importance:
    """Importance drawn uniformly from [0, 1), whatever the weights are."""
    generator, full = np.random.default_rng(seed), architecture.full_widths
    return {name: generator.random(architecture.weights[name].shape(full), np.float32) for name in kernels(architecture)}


@dataclass(frozen=True)
class Scored:
    """What a method may look at.

    Attributes:
        architecture: the network.
        weights: its weights.
        gradients: computes its summed gradients; not called where they are not needed.
        seed: of random scores.
    """

    architecture: Architecture
    weights: Weights
    gradients: Callable[[], Weights]
    seed: int


METHODS: Mapping[str, Callable[[Scored], Importance]] = {
    TAYLOR: lambda scored: taylor(scored.architecture, scored.weights, scored.gradients()),
    "l1": lambda scored: l1(scored.architecture, scored.weights),
    "l2": lambda scored: l2(scored.architecture, scored.weights),
    RANDOM: lambda scored: random(scored.architecture, scored.seed),
}


def check_method(name: str) -> str:
    """The name of a method.

    Raises:
        ConfigError: there is none of this name.
    """
    if name not in METHODS:
        raise unknown_name("importance", str(name), METHODS)
    return name


def kernels(architecture: Architecture) -> list[str]:
    """Names of the weights that are scored."""
    return [name for name, weight in architecture.weights.items() if not weight.is_vector]


def check_importance(architecture: Architecture, importance: Importance) -> None:
    """Raise ConfigError unless every kernel has scores of its shape that are finite and not negative; the message names it."""
    for name in kernels(architecture):
        shape = architecture.weights[name].shape(architecture.full_widths)
        scores = importance.get(name)
        if scores is None or scores.shape != shape:
            seen = "none" if scores is None else str(scores.shape)
            raise ConfigError(f"the importance of {name!r} does not fit its weight {shape}", seen=seen)
        for what, wrong in (("NaN", np.isnan(scores)), ("infinite", np.isinf(scores)), ("negative", scores < 0)):
            if wrong.any():
                where = tuple(int(index) for index in np.argwhere(wrong)[0])
                seen = f"{int(wrong.sum())} of {scores.size}, the first at {where}"
                raise ConfigError(f"the importance of {name!r} is {what} in places", seen=seen, do="score the network anew")


def _scored(architecture: Architecture, importance: Importance) -> Importance:
    """The scores as float32, after checking them."""
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, which the check names
        scores = {name: array.astype(np.float32) for name, array in importance.items()}
    check_importance(architecture, scores)
    return scores


def channel_importance(architecture: Architecture, importance: Importance) -> tuple[np.ndarray, ...]:
    """Importance of each channel, one float64 array (channels,) for each group: the sum over the kernels that produce it.

    The input group has no producer; its channels are worth zero.
    """
    scores = [np.zeros(group.size) for group in architecture.groups]
    for placed in architecture.placed:
        group = placed.outputs.group
        assert group is not None
        for name, dimension in _kernel_dimensions(placed, group, importance):
            axis = architecture.weights[name].axes[dimension]
            others = tuple(d for d in range(importance[name].ndim) if d != dimension)
            scores[group] += _by_channel(importance[name].sum(axis=others, dtype=np.float64), axis, 0)
    return tuple(scores)


def _kernel_dimensions(placed: Placed, group: int, importance: Importance) -> list[tuple[str, int]]:
    """The layer's scored kernels, each with the last dimension that runs over `group`."""
    found = []
    for weight in placed.weights:
        dimensions = [d for d, axis in enumerate(weight.axes) if axis.group == group]
        if weight.name in importance and dimensions:
            found.append((weight.name, dimensions[-1]))
    return found


def pair_importance(architecture: Architecture, importance: Importance) -> tuple[np.ndarray, ...]:
    """Importance of what connects neighbouring groups: for each g a float64 array (channels of g, channels of g + 1).

    Every kernel counts in exactly one pair, so that the sum over the pairs of a subnetwork's prefixes is the importance of the
    weights that the subnetwork executes.
    """
    sizes = architecture.full_widths
    pairs = [np.zeros((a, b)) for a, b in pairwise(sizes)]
    for placed in architecture.placed:
        source, sink = placed.inputs.group, placed.outputs.group
        assert source is not None
        assert sink is not None
        for weight in placed.weights:
            if weight.name in importance:
                axes = {axis.group: dimension for dimension, axis in enumerate(weight.axes) if axis.group is not None}
                if set(axes) == {source} and source == sink:
                    _add_within_group(pairs, source, _vector(importance[weight.name], weight.axes, axes[source]))
                elif set(axes) == {source, sink} and sink == source + 1:
                    pairs[source] += _matrix(importance[weight.name], weight.axes, axes[source], axes[sink])
                else:
                    raise ConfigError(f"kernel {weight.name!r} does not connect two neighbouring groups")
    return tuple(pairs)


def _add_within_group(pairs: list[np.ndarray], group: int, scores: np.ndarray) -> None:
    """Count a kernel of one group (depthwise) whenever its channel is kept.

    It stands in the pair that begins there, at the one channel of the next group that every subnetwork keeps, the first; for the
    last group likewise in the pair that ends there.
    """
    if group < len(pairs):
        pairs[group][:, 0] += scores
    else:
        pairs[-1][0, :] += scores


def _vector(array: np.ndarray, axes: tuple[Axis, ...], dimension: int) -> np.ndarray:
    """The array summed to (channels of the group,)."""
    others = tuple(d for d in range(array.ndim) if d != dimension)
    return _by_channel(array.sum(axis=others, dtype=np.float64), axes[dimension], 0)


def _matrix(array: np.ndarray, axes: tuple[Axis, ...], source: int, sink: int) -> np.ndarray:
    """The array summed to (channels of the source group, channels of the sink group)."""
    others = tuple(d for d in range(array.ndim) if d not in (source, sink))
    matrix = array.sum(axis=others, dtype=np.float64)
    if source > sink:
        matrix = matrix.T
    return _by_channel(_by_channel(matrix, axes[source], 0), axes[sink], 1)


def _by_channel(array: np.ndarray, axis: Axis, dimension: int) -> np.ndarray:
    """Sum over the positions of one dimension, leaving one element for each channel."""
    shape = array.shape
    split = (*shape[:dimension], axis.positions, shape[dimension] // axis.positions, *shape[dimension + 1 :])
    return array.reshape(split).sum(axis=dimension)


def summary(architecture: Architecture, importance: Importance) -> list[dict[str, float | str]]:
    """JSON-ready facts of each group that may be cut: its importance, and the shares of its best half and quarter of channels."""
    groups = zip(architecture.groups, channel_importance(architecture, importance), strict=True)
    return [
        {
            "group": group.name,
            "importance": float(scores.sum()),
            "best_half_share": _best_share(scores, 2),
            "best_quarter_share": _best_share(scores, 4),
        }
        for group, scores in groups
        if not group.whole
    ]


def _best_share(scores: np.ndarray, part: int) -> float:
    """Share of the sum that the best one in `part` channels hold; 0 where all are zero."""
    best = np.sort(scores)[::-1][: len(scores) // part]
    return float(best.sum() / scores.sum()) if scores.sum() else 0.0
