"""Which examples of a split stand for all of them."""

from __future__ import annotations

import numpy as np


def stratified(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Indices of `count` examples with the same share of every class, or of all where there are no more.

    Args:
        labels: classes of the split, shape (n,), integers.
        count: how many indices are wanted.
        seed: of the choice; the same seed gives the same indices.

    Returns:
        Sorted indices, shape (min(count, n),), int64. Classes differ by at most one example unless a class has too few.
    """
    if count >= len(labels):
        return np.arange(len(labels))
    generator = np.random.default_rng(seed)
    shuffled = generator.permutation(len(labels))
    # Position of each example within its own class: taking small positions first takes from every class in turn.
    position = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        position[members] = np.arange(len(members))
    order = shuffled[np.argsort(position[shuffled], kind="stable")]
    return np.sort(order[:count])
