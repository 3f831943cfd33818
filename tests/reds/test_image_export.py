"""From bundles to images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reds import export, reference
from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.errors import ConfigError, ParityError
from reds.image import CHOICES, read_image
from reds.image.operations import operations
from reds.layers import BatchNorm, Conv2D, Dense, DepthwiseConv2D, Flatten, LeakyReLU, MaxPooling2D, ReLU, ReLU6
from reds.parity import check_parity
from reds.subnets import Subnet, Subnets, halving
from reds.zoo import POSTER_GROUPS, ZOO, architecture
from tests.reds.image_examples import PRECISIONS
from tests.reds.random_networks import random_bundle, random_inputs


def a_bundle(name: str = "mlp3") -> Bundle:
    """Random weights and biases, four nested subnetworks."""
    network = architecture(name)
    return random_bundle(network, 0, halving(network, (1, 0.5, 0.25, 0.125), POSTER_GROUPS[name]))


INPUTS = np.random.default_rng(2).random((200, 64), dtype=np.float32)


@pytest.mark.parametrize("name", ZOO)
def test_a_float32_image_computes_what_the_bundle_does(name: str) -> None:
    network = architecture(name)
    bundle, inputs = random_bundle(network, 4), random_inputs(network, 2)
    check_parity(bundle, read_image(export.image(bundle, "float32")), inputs)


@pytest.mark.parametrize("name", ["mlp3", "cnn8", "cnn_s", "ds_cnn_s", "ds_cnn_s_cifar10", "mobilenet_v1_0.25_96"])
def test_an_int8_image_computes_nearly_what_the_bundle_does(name: str) -> None:
    network = architecture(name)
    bundle, inputs = random_bundle(network, 4), random_inputs(network, 32)
    check_parity(bundle, read_image(export.image(bundle, "int8", inputs)), inputs)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_levels_are_named_and_priced_as_the_subnetworks(precision: str) -> None:
    bundle = a_bundle()
    image = read_image(export.image(bundle, precision, INPUTS))
    assert [level.name for level in image.levels] == ["100", "50", "25", "12.5"]
    assert [level.macs for level in image.levels] == [bundle.architecture.cost(subnet.widths).macs for subnet in bundle.subnets]
    for level, subnet in zip(image.levels, bundle.subnets, strict=True):
        assert tuple(step.table.output_channels for step in level.steps) == subnet.widths[1:]


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
    channels = last.table.channels.copy()
    channels["bias"][0] += 1e-2
    table = replace(last.table, channels=channels)
    level = replace(image.levels[3], steps=(*image.levels[3].steps[:-1], replace(last, table=table)))
    with pytest.raises(ParityError, match=r"'12\.5'"):
        check_parity(bundle, replace(image, levels=(*image.levels[:3], level)), INPUTS)


def test_the_same_bundle_makes_the_same_bytes() -> None:
    assert export.image(a_bundle(), "int8", INPUTS) == export.image(a_bundle(), "int8", INPUTS)


SMALL = architecture("ds_cnn_s")
CALIBRATION = random_inputs(SMALL, 8)


def small_image(precision: str, layout: str, levels: list[str] | None = None) -> bytes:
    return export.image(random_bundle(SMALL, 5), precision, CALIBRATION, CHOICES[layout], levels)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    ("layout", "levels"),
    [
        ("rows", ["50", "25"]),
        ("shells", ["25", "50"]),
        ("shells", ["75", "25"]),
        ("cortex-m4", ["25"]),
        ("transposed", ["100", "25"]),
    ],
)
def test_levels_compute_what_they_do_in_the_whole_image(precision: str, layout: str, levels: list[str]) -> None:
    whole, part = read_image(small_image(precision, layout)), read_image(small_image(precision, layout, levels))
    assert [level.name for level in part.levels] == sorted(levels, key=float, reverse=True)
    inputs = whole.quantise_inputs(CALIBRATION)
    for number, level in enumerate(part.levels):
        expected = reference.infer(whole, whole.level(level.name), inputs)
        np.testing.assert_allclose(reference.infer(part, number, inputs), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_with_shells_the_smallest_levels_are_the_beginning_of_the_image(precision: str) -> None:
    whole = small_image(precision, "shells")
    sizes = []
    for levels in (["25"], ["50", "25"], ["75", "50", "25"], ["100", "75", "50", "25"]):
        part = small_image(precision, "shells", levels)
        assert whole.startswith(part)
        sizes.append(len(part))
    assert sizes == sorted(set(sizes))
    assert sizes[0] < 0.4 * sizes[-1]
    assert not whole.startswith(small_image(precision, "shells", ["100", "25"]))


def test_with_another_layout_the_image_is_cut_to_the_largest_level() -> None:
    whole, part = (small_image("float32", "rows", levels) for levels in (None, ["25"]))
    assert len(part) < 0.2 * len(whole)
    assert read_image(part).layers[0].output_channels == SMALL.groups[1].size // 4


def test_levels_that_are_not_there_are_named() -> None:
    with pytest.raises(ConfigError, match="unknown subnetwork '60'"):
        small_image("float32", "rows", ["60"])
    with pytest.raises(ConfigError, match="at least one"):
        small_image("float32", "rows", [])


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
        export.image(replace(bundle, subnets=named, private={}), "float32")


def test_norms_and_activations_are_fused_and_a_flattening_disappears() -> None:
    found = operations(architecture("cnn_s"))
    assert [(operation.name, operation.linear, operation.activation) for operation in found] == [
        ("conv1", "norm1", "relu"),
        ("conv2", "norm2", "relu"),
        ("linear", "linear", "none"),
        ("hidden", "norm3", "relu"),
        ("classes", "classes", "none"),
    ]
    assert found[2].input_size == (1, 64)
    assert found[1].windows.strides == (2, 1)


def chained(*layers) -> Architecture:
    return Architecture("odd", (6, 6, 2), (*layers, Flatten("flatten"), Dense("classes", 2)))


CONV = Conv2D("conv", 3, (2, 2))


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (chained(ReLU("first")), "hold layer 'first'"),
        (chained(BatchNorm("first")), "hold layer 'first'"),
        (chained(CONV, ReLU("relu"), BatchNorm("late")), "'late': it follows an activation"),
        (chained(CONV, BatchNorm("norm"), BatchNorm("again")), "'again': it follows batch norm"),
        (chained(CONV, Flatten("flat"), BatchNorm("late")), "'late': it follows an activation or a flattening"),
        (chained(MaxPooling2D("pool", (2, 2), (2, 2)), BatchNorm("late")), "'late': it follows pooling"),
        (chained(MaxPooling2D("pool", (2, 2), (2, 2)), LeakyReLU("late")), "'late': it follows pooling"),
        (chained(CONV, ReLU("relu"), ReLU6("more")), "'more': it follows another activation"),
        (chained(DepthwiseConv2D("far", (2, 2), padding=((0, 0), (2, 0)))), "'far' has windows that lie in the padding alone"),
        (chained(Conv2D("far", 1, (2, 2), padding=((0, 0), (0, 2)))), "'far' has windows that lie in the padding alone"),
        (chained(Conv2D("leap", 1, (2, 2), strides=(1, 256), padding="same")), "strides above 255"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(network: Architecture, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        operations(network)


def test_a_variance_that_is_not_positive_is_refused() -> None:
    bundle = random_bundle(chained(CONV, BatchNorm("norm")), 0)
    variances = {"norm/moving_variance": np.full(3, -1, np.float32)}
    with pytest.raises(ConfigError, match="variance of batch norm 'norm'"):
        export.image(replace(bundle, weights={**bundle.weights, **variances}, private={}), "float32")
