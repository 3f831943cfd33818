"""Shapes, costs and slices of networks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import flattened

from reds.architecture import Architecture
from reds.bundle import untrained
from reds.errors import ConfigError
from reds.layers import Axis, Layer, ReLU
from reds.subnets import halving
from reds.zoo import POSTER_GROUPS, ZOO, architecture, mlp
from reds.zoo.perceptrons import mlp3
from tests.reds.random_networks import convolutional, nested, random_bundle


@pytest.mark.parametrize(("name", "macs"), [("mlp1", 2960), ("mlp3", 5060), ("mlp11", 17360)])
def test_the_posters_networks_have_the_posters_macs(name: str, macs: int) -> None:
    network = architecture(name)
    assert network.cost(network.full_widths).macs == macs


def test_halving_the_posters_groups_gives_the_posters_macs() -> None:
    network = architecture("mlp11")
    subnets = halving(network, [1, 0.5, 0.25, 0.125], POSTER_GROUPS["mlp11"])
    assert [network.cost(subnet.widths).macs for subnet in subnets] == [17360, 8880, 4640, 2520]


def test_cost_counts_weights_biases_and_activations_layer_by_layer() -> None:
    network = mlp("net", 6, (4, 3), 2)
    cost = network.cost((6, 2, 3, 2))
    assert [(layer.name, layer.macs, layer.parameters) for layer in cost.layers] == [
        ("hidden1", 12, 14),
        ("relu1", 0, 0),
        ("hidden2", 6, 9),
        ("relu2", 0, 0),
        ("classes", 6, 8),
    ]
    assert (cost.macs, cost.parameters) == (24, 31)
    assert cost.peak_activation_bytes(1) == 8


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.data())
def test_parameters_are_the_elements_of_the_sliced_weights(hidden: list[int], data: st.DataObject) -> None:
    network = mlp("net", 5, tuple(hidden), 3)
    widths = (5, *(data.draw(st.integers(1, size)) for size in hidden), 3)
    bundle = untrained(network, seed=0)
    sliced = network.slice_weights(bundle.weights, widths)
    assert network.cost(widths).parameters == sum(array.size for array in sliced.values())
    for name, array in sliced.items():
        assert np.array_equal(array, bundle.weights[name][tuple(slice(0, extent) for extent in array.shape)])


def _with_units(layer: Any, units: int) -> Layer:
    return replace(layer, units=units)


@given(network=convolutional(explicit_padding=True), data=st.data())
@settings(max_examples=50)
def test_costs_of_a_slice_are_those_of_the_sliced_network(network: Architecture, data: st.DataObject) -> None:
    """A subnetwork costs what an architecture of its own widths costs, layer by layer."""
    bundle = random_bundle(network, 0, data.draw(nested(network)))
    for subnet in bundle.subnets:
        units = iter(subnet.widths[1:])
        layers = tuple(layer if layer.units is None else _with_units(layer, next(units)) for layer in network.layers)
        alone = Architecture("alone", (*network.input_shape[:-1], subnet.widths[0]), layers)
        assert alone.cost(alone.full_widths) == network.cost(subnet.widths)
        sliced = network.slice_weights(bundle.weights, subnet.widths)
        assert {n: a.shape for n, a in sliced.items()} == {n: w.shape(alone.full_widths) for n, w in alone.weights.items()}


def test_a_depthwise_layer_and_batch_norm_belong_to_their_producers_group() -> None:
    network = architecture("ds_cnn_s")
    assert [group.name for group in network.groups] == ["input", "conv1", *(f"pointwise{i}" for i in range(1, 5)), "classes"]
    groups = {name: [axis.group for axis in weight.axes] for name, weight in network.weights.items()}
    assert groups["depthwise1/kernel"] == [None, None, 1, None]
    assert groups["depthwise_norm1/moving_variance"] == [1]
    assert groups["pointwise1/kernel"] == [None, None, 1, 2]
    assert groups["classes/kernel"] == [5, 6]


def test_an_axis_of_positions_is_cut_block_by_block() -> None:
    axis = Axis(group=1, positions=3)
    assert axis.extent((7, 2)) == 6
    assert axis.indices(np.arange(2), full=4).tolist() == [0, 1, 4, 5, 8, 9]


def test_a_dense_layer_after_flattening_has_one_position_per_pixel() -> None:
    network = flattened((2, 3, 4), classes=5)
    kernel = network.weights["classes/kernel"]
    assert kernel.axes[0] == Axis(group=0, positions=6)
    assert network.placed[1].macs(input_width=2, output_width=5) == 2 * 6 * 5


@pytest.mark.parametrize("widths", [(64, 40, 50), (63, 40, 50, 10), (64, 0, 50, 10), (64, 41, 50, 10), (64, 40, 50, 9)])
def test_widths_that_do_not_fit_are_refused(widths: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError):
        mlp3().check_widths(widths)


@pytest.mark.parametrize("name", ZOO)
def test_an_architecture_survives_json(name: str) -> None:
    back = Architecture.from_dict(json.loads(json.dumps(architecture(name).to_dict())))
    assert back == architecture(name)
    assert back.weights == architecture(name).weights


@given(convolutional(explicit_padding=True))
def test_a_random_architecture_survives_json(network: Architecture) -> None:
    back = Architecture.from_dict(json.loads(json.dumps(network.to_dict())))
    assert back == network
    assert hash(back) == hash(network)  # tuples, not lists


def test_an_unknown_architecture_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"did you mean .*mlp11"):
        architecture("mlp12")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": [{"kind": "dens", "name": "a", "units": 2}]}, "did you mean dense"),
        ({"layers": [{"kind": "dense", "name": "a", "units": 2, "unit": 3}]}, "did you mean units"),
        ({"layers": [{"kind": "dense", "name": "a"}]}, "not well formed"),
        ({"layers": [{"kind": "dense", "name": "a", "units": 0}]}, "without units"),
        ({"layers": []}, "no layer with units"),
        ({"layers": [{"kind": "dense", "name": "a", "units": 2}] * 2}, "repeats a layer name"),
        ({"input_shape": [0]}, "positive input shape"),
        ({"input_shape": [8, 8, 1]}, "needs a flat input"),
        ({"name": None, "layers": 3}, "not well formed"),
    ],
)
def test_a_malformed_architecture_is_refused(change: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Architecture.from_dict({**mlp3().to_dict(), **change})


def test_relu_costs_nothing() -> None:
    assert ReLU("relu").macs((4,), (4,)) == 0
