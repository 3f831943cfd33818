"""Importance of weights, channels and connections."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import noisy, random_importance

from reds import reference
from reds.errors import ConfigError
from reds.importance import (
    METHODS,
    Scored,
    channel_importance,
    check_importance,
    check_method,
    l1,
    l2,
    pair_importance,
    random,
    summary,
    taylor,
)
from reds.search.nested import search
from reds.steps.convert import converted
from reds.subnets import whole_network
from reds.zoo import ZOO, architecture, mlp, mlp3
from tests.reds.random_networks import random_bundle, random_inputs


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


def test_norms_look_at_the_weights_alone_and_random_at_the_seed() -> None:
    network = mlp("net", 2, (2,), 2)
    weights = {name: np.zeros(weight.shape(network.full_widths), np.float32) for name, weight in network.weights.items()}
    weights["hidden1/kernel"] = np.array([[1, -2], [3, 4]], np.float32)
    assert channel_importance(network, l1(network, weights))[1].tolist() == [4, 6]
    assert channel_importance(network, l2(network, weights))[1].tolist() == [10, 20]
    first, again, other = (random(network, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["hidden1/kernel"], other["hidden1/kernel"])
    assert all(array.dtype == np.float32 and (array >= 0).all() for array in first.values())


@pytest.mark.parametrize("method", METHODS)
def test_every_method_scores_every_kernel_and_only_taylor_asks_for_gradients(method: str) -> None:
    bundle, asked = noisy(mlp3(), 0), []

    def gradients() -> Mapping[str, np.ndarray]:
        asked.append(method)
        return bundle.weights

    scores = METHODS[method](Scored(bundle.architecture, bundle.weights, gradients, 0))
    check_importance(bundle.architecture, scores)
    assert asked == (["taylor"] if method == "taylor" else [])


def test_an_unknown_method_is_met_with_the_nearest() -> None:
    assert check_method("l1") == "l1"
    with pytest.raises(ConfigError, match="did you mean taylor"):
        check_method("tailor")


@pytest.mark.parametrize(("number", "message"), [(np.nan, "NaN"), (np.inf, "infinite"), (-1, "negative")])
def test_scores_that_are_no_importance_are_refused_by_the_search(number: float, message: str) -> None:
    network = mlp3()
    scores = dict(random(network, 0))
    scores["hidden2/kernel"] = scores["hidden2/kernel"].copy()
    scores["hidden2/kernel"][3, 4] = number
    with pytest.raises(ConfigError, match=rf"'hidden2/kernel' is {message} in places(.|\n)*1 of 2000, the first at \(3, 4\)"):
        search(network, scores, (1.0, 0.5))
    with pytest.raises(ConfigError, match=r"'hidden2/kernel' does not fit its weight \(40, 50\)"):
        search(network, {**scores, "hidden2/kernel": np.zeros((2, 2), np.float32)}, (1.0, 0.5))
    del scores["hidden2/kernel"]
    with pytest.raises(ConfigError, match="'hidden2/kernel' does not fit"):
        search(network, scores, (1.0, 0.5))


def test_gradients_that_are_not_finite_are_refused() -> None:
    bundle = noisy(mlp3(), 0)
    for wrong in (np.nan, np.inf, 3e38):
        gradients = {**bundle.weights, "hidden1/kernel": np.full((64, 40), wrong, np.float32)}
        weights = {**bundle.weights, "hidden1/kernel": np.full((64, 40), 1e30, np.float32)}
        with pytest.raises(ConfigError, match=r"'hidden1/kernel' is (NaN|infinite)"):
            taylor(bundle.architecture, weights, gradients)


def test_conversion_without_data_needs_a_method_that_needs_none() -> None:
    bundle = noisy(mlp3(), 0)
    with pytest.raises(ConfigError, match="'taylor' needs data"):
        converted(bundle, None, 0)
    ranked = converted(bundle, None, 3, method="random")
    assert ranked.provenance["importance"]["method"] == "random"
    assert [(np.diff(scores) <= 1e-5).all() for scores in channel_importance(mlp3(), ranked.importance)[1:-1]] == [True, True]


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "mobilenet_v1_1_96")) for name in ZOO])
@pytest.mark.parametrize("method", ["l1", "random"])
def test_the_sorted_network_computes_what_it_did(name: str, method: str) -> None:
    network = architecture(name)
    bundle = random_bundle(network, 1, whole_network(network))
    ranked = converted(bundle, None, 0, method=method)
    inputs = random_inputs(network, 3)
    before, after = (reference.logits(each, each.subnets[0], inputs) for each in (bundle, ranked))
    assert np.abs(after - before).max() <= 1e-5 * np.abs(before).max()
    moved = [not np.array_equal(ranked.weights[kernel], bundle.weights[kernel]) for kernel in ranked.importance]
    assert all(moved)
