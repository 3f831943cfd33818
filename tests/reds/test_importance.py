"""Importance of weights, channels and connections."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import noisy, random_importance

from reds.errors import ConfigError
from reds.importance import channel_importance, pair_importance, summary, taylor
from reds.zoo import mlp, mlp3


def test_importance_is_the_magnitude_of_weight_times_gradient_of_kernels_only() -> None:
    network = mlp("net", 2, (2,), 2)
    weights = {name: np.ones(weight.shape(network.full_widths), np.float32) for name, weight in network.weights.items()}
    weights["hidden1/kernel"] = np.array([[1, -2], [3, 4]], np.float32)
    gradients = {name: -2 * np.ones_like(array) for name, array in weights.items()}
    importance = taylor(network, weights, gradients)
    assert set(importance) == {"hidden1/kernel", "classes/kernel"}
    assert importance["hidden1/kernel"].tolist() == [[2, 4], [6, 8]]
    scores = channel_importance(network, importance)
    assert [score.tolist() for score in scores] == [[0, 0], [8, 12], [4, 4]]


def test_a_gradient_of_another_shape_is_refused() -> None:
    bundle = noisy(mlp3(), 0)
    gradients = {**bundle.weights, "hidden2/kernel": np.zeros((1, 1))}
    with pytest.raises(ConfigError, match="hidden2/kernel"):
        taylor(bundle.architecture, bundle.weights, gradients)
    with pytest.raises(ConfigError, match="no gradient"):
        taylor(bundle.architecture, bundle.weights, {})


@given(st.lists(st.integers(1, 6), min_size=1, max_size=3), st.integers(0, 99), st.data())
def test_the_pairs_of_a_prefix_sum_to_the_importance_of_the_weights_in_use(
    hidden: list[int], seed: int, data: st.DataObject
) -> None:
    network = mlp("net", 4, tuple(hidden), 3)
    importance = random_importance(network, seed)
    widths = (4, *(data.draw(st.integers(1, size)) for size in hidden), 3)
    pairs = pair_importance(network, importance)
    kept = sum(pair[:a, :b].sum() for pair, a, b in zip(pairs, widths, widths[1:], strict=False))
    full = {name: importance.get(name, np.zeros(w.shape(network.full_widths))) for name, w in network.weights.items()}
    assert kept == pytest.approx(sum(array.sum(dtype=np.float64) for array in network.slice_weights(full, widths).values()))


def test_the_summary_leaves_whole_groups_out() -> None:
    rows = summary(mlp3(), random_importance(mlp3(), 0))
    assert [row["group"] for row in rows] == ["hidden1", "hidden2"]
    assert all(0.5 <= float(row["best_half_share"]) <= 1 for row in rows)
