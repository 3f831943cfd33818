"""Sorting channels changes no answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import flattened, forward, noisy, random_importance

from reds.errors import ConfigError
from reds.importance import channel_importance
from reds.permutation import importance_orders, permute
from reds.zoo import mlp, mlp3


@given(st.lists(st.integers(1, 12), min_size=1, max_size=4), st.integers(0, 999))
def test_any_order_of_the_channels_preserves_the_function(hidden: list[int], seed: int) -> None:
    network = mlp("net", 7, tuple(hidden), 3)
    bundle, generator = noisy(network, seed), np.random.default_rng(seed)
    orders = [np.arange(g.size) if g.whole else generator.permutation(g.size) for g in network.groups]
    inputs = generator.normal(size=(5, 7))
    permuted = permute(network, bundle.weights, orders)
    assert forward(network, permuted, inputs) == pytest.approx(forward(network, bundle.weights, inputs), abs=1e-5)
    for group, order in enumerate(orders[1:-1], start=1):
        assert np.array_equal(permuted[f"hidden{group}/bias"], bundle.weights[f"hidden{group}/bias"][order])


@given(st.integers(0, 999))
def test_sorted_channels_fall_in_importance_and_whole_groups_stay(seed: int) -> None:
    network = mlp3()
    importance = random_importance(network, seed)
    orders = importance_orders(network, importance)
    assert np.array_equal(orders[0], np.arange(64))
    assert np.array_equal(orders[-1], np.arange(10))
    for scores in channel_importance(network, permute(network, importance, orders))[1:-1]:
        assert (np.diff(scores) <= 1e-9).all()


def test_equal_channels_keep_their_order() -> None:
    network = mlp3()
    flat = {name: np.ones_like(array) for name, array in random_importance(network, 0).items()}
    assert all(np.array_equal(order, np.arange(len(order))) for order in importance_orders(network, flat))


def test_positions_move_with_their_channel() -> None:
    network = flattened((2, 1, 3), classes=2)
    kernel = np.arange(12, dtype=np.float32).reshape(6, 2)
    order = np.array([2, 0, 1])
    moved = permute(network, {"classes/kernel": kernel}, [order, np.arange(2)])["classes/kernel"]
    assert moved[:, 0].tolist() == [4, 0, 2, 10, 6, 8]


def test_what_is_no_permutation_is_refused() -> None:
    network = mlp("net", 2, (2,), 2)
    with pytest.raises(ConfigError, match="hidden1"):
        permute(network, noisy(network, 0).weights, [np.arange(2), np.array([0, 0]), np.arange(2)])
