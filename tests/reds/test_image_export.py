"""From bundles to images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reds import export, reference
from reds.architecture import Architecture
from reds.bundle import Bundle, untrained
from reds.errors import ConfigError, ParityError
from reds.image import read_image
from reds.image.operations import operations
from reds.layers import Dense, ReLU
from reds.parity import check_parity
from reds.subnets import Subnet, Subnets, halving
from reds.zoo import POSTER_GROUPS, architecture
from tests.reds.image_examples import PRECISIONS


def a_bundle(name: str = "mlp3") -> Bundle:
    """Random weights and biases, four nested subnetworks."""
    network = architecture(name)
    generator = np.random.default_rng(1)
    bundle = replace(untrained(network, 0), subnets=halving(network, (1, 0.5, 0.25, 0.125), POSTER_GROUPS[name]))
    biases = {n: generator.normal(0, 0.1, w.shape).astype(np.float32) for n, w in bundle.weights.items() if w.ndim == 1}
    return replace(bundle, weights={**bundle.weights, **biases})


INPUTS = np.random.default_rng(2).random((200, 64), dtype=np.float32)


@pytest.mark.parametrize("name", ["mlp1", "mlp3", "mlp11"])
def test_a_float32_image_computes_what_the_bundle_does(name: str) -> None:
    bundle = a_bundle(name)
    image = read_image(export.image(bundle, "float32"))
    for number, subnet in enumerate(bundle.subnets):
        expected = reference.activations(bundle, subnet, INPUTS)[-1]
        found = reference.infer(image, number, INPUTS)
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("precision", PRECISIONS)
def test_levels_are_named_and_priced_as_the_subnetworks(precision: str) -> None:
    bundle = a_bundle()
    image = read_image(export.image(bundle, precision, INPUTS))
    assert [level.name for level in image.levels] == ["100", "50", "25", "12.5"]
    assert [level.macs for level in image.levels] == [bundle.architecture.cost(subnet.widths).macs for subnet in bundle.subnets]
    for level, subnet in zip(image.levels, bundle.subnets, strict=True):
        assert tuple(step.outputs for step in level.steps) == subnet.widths[1:]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_an_image_that_computes_something_else_is_noticed(precision: str) -> None:
    bundle = a_bundle()
    image = read_image(export.image(bundle, precision, INPUTS))
    check_parity(bundle, image, INPUTS)
    turned = image.layers[1].weights[::-1]
    broken = replace(image, layers=(image.layers[0], replace(image.layers[1], weights=turned), image.layers[2]))
    with pytest.raises(ParityError, match=rf"{precision} image .* '100'"):
        check_parity(bundle, broken, INPUTS)


def test_one_subnetwork_with_a_wrong_bias_is_noticed() -> None:
    bundle = a_bundle()
    image = read_image(export.image(bundle, "float32"))
    last = image.levels[3].steps[-1]
    channels = last.channels.copy()
    channels["bias"][0] += 1e-2
    level = replace(image.levels[3], steps=(*image.levels[3].steps[:-1], replace(last, channels=channels)))
    with pytest.raises(ParityError, match=r"'12\.5'"):
        check_parity(bundle, replace(image, levels=(*image.levels[:3], level)), INPUTS)


def test_the_same_bundle_makes_the_same_bytes() -> None:
    assert export.image(a_bundle(), "int8", INPUTS) == export.image(a_bundle(), "int8", INPUTS)


def test_an_unknown_precision_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean int8"):
        export.image(a_bundle(), "int16")


def test_int8_without_calibration_inputs_is_refused() -> None:
    with pytest.raises(ConfigError, match="calibration"):
        export.image(a_bundle(), "int8")


def test_a_subnetwork_name_that_does_not_fit_is_refused() -> None:
    bundle = a_bundle()
    named = Subnets((Subnet("the whole network", bundle.architecture.full_widths),))
    with pytest.raises(ConfigError, match="the whole network"):
        export.image(replace(bundle, subnets=named), "float32")


def test_activations_are_fused_into_the_layer_before() -> None:
    found = operations(architecture("mlp3"))
    assert [(operation.name, operation.activation) for operation in found] == [
        ("hidden1", "relu"),
        ("hidden2", "relu"),
        ("classes", "none"),
    ]


def test_an_activation_with_nothing_before_it_is_refused() -> None:
    network = Architecture("odd", (4,), (ReLU("first"), Dense("classes", 2)))
    with pytest.raises(ConfigError, match="'first'"):
        operations(network)
