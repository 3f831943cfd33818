"""Sorting channels by importance without changing what the network computes, so that every subnetwork is a prefix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from reds.architecture import Architecture
from reds.errors import ConfigError
from reds.importance import Importance, channel_importance

Orders = tuple[np.ndarray, ...]
"""For each group, the old channel at each new position (int64, a permutation)."""


def importance_orders(architecture: Architecture, importance: Importance) -> Orders:
    """Most important channel first in every group that may be cut; ties keep their order; whole groups stay as they are."""
    scores = channel_importance(architecture, importance)
    return tuple(
        np.arange(group.size) if group.whole else np.argsort(-score, kind="stable")
        for group, score in zip(architecture.groups, scores, strict=True)
    )


def permute(architecture: Architecture, arrays: Mapping[str, np.ndarray], orders: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays (weights, or importance in their shape) with every group in its new order, along every axis that the group has.

    Raises:
        ConfigError: an order is not a permutation of its group's channels.
    """
    for group, order in zip(architecture.groups, orders, strict=True):
        if not np.array_equal(np.sort(order), np.arange(group.size)):
            raise ConfigError(f"the order of group {group.name!r} is not a permutation of its {group.size} channels")
    permuted = {}
    for name, array in arrays.items():
        for dimension, axis in enumerate(architecture.weights[name].axes):
            if axis.group is not None:
                indices = axis.indices(orders[axis.group], architecture.full_widths[axis.group])
                array = np.take(array, indices, axis=dimension)  # noqa: PLW2901 - one array, axis by axis
        permuted[name] = array
    return permuted
