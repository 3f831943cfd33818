"""The reference arithmetic against its definition, number by number."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reds import reference
from reds.bundle import untrained
from reds.errors import ConfigError
from reds.image import Image, Layer, StepTable, place
from reds.image import format as image_format
from reds.reference.float32 import activate, rectify
from reds.reference.int8 import requantise
from reds.zoo import architecture
from tests.reds.image_examples import small_image, some_inputs
from tests.reds.random_networks import random_bundle, random_inputs

INT32 = st.integers(-(2**31), 2**31 - 1)
MULTIPLIER = st.just(0) | st.integers(2**30, 2**31 - 1) | st.integers(1 - 2**31, -(2**30))


def gemmlowp_requantise(value: int, multiplier: int, shift: int) -> int:
    """The published definition in Python's integers: TensorFlow Lite's MultiplyByQuantizedMultiplier, double rounding."""
    shifted = (value << max(shift, 0)) & 0xFFFFFFFF
    shifted = shifted - 2**32 if shifted >= 2**31 else shifted
    product = shifted * multiplier
    nudged = product + (2**30 if product >= 0 else 1 - 2**30)
    high = abs(nudged) // 2**31 * (1 if nudged >= 0 else -1)  # C's division truncates
    exponent = max(-shift, 0)
    mask = 2**exponent - 1
    threshold = (mask >> 1) + (1 if high < 0 else 0)
    return (high >> exponent) + (1 if (high & mask) > threshold else 0)


@given(INT32, MULTIPLIER, st.integers(-31, 7))
@example(-(2**31), 2**31 - 1, 0)
@example(-(2**31), 2**31 - 1, -31)
@example(2**31 - 1, 2**31 - 1, -31)
@example(2**31 - 1, 2**30, 7)
@example(-1, 2**30, -1)
@example(-3, 2**30, -1)
@example(3, -(2**30), -1)
@example(1, -(2**30), 0)
def test_requantisation_follows_the_published_definition(value: int, multiplier: int, shift: int) -> None:
    found = requantise(np.array([value]), np.array([multiplier]), np.array([shift]))
    assert found.tolist() == [gemmlowp_requantise(value, multiplier, shift)]


def a_layer(kind: str, weights: np.ndarray, activation: str = "none", **sizes) -> Layer:
    """A layer of two input channels; a dense one if no sizes are given."""
    one: dict[str, Any] = dict.fromkeys(("input_size", "output_size", "kernel_size", "strides"), (1, 1)) | {"before": (0, 0)}
    return Layer(kind=kind, activation=activation, input_channels=2, output_channels=2, weights=weights, **(one | sizes))


def an_image(layer: Layer, table: StepTable) -> Image:
    """The layer alone, its outputs with scale 0.5 and zero point 1."""
    precision = "float32" if table.channels.dtype == image_format.CHANNEL["float32"] else "int8"
    scale, zero_point = (1.0, 0) if precision == "float32" else (0.5, 1)
    level = place(
        "100", macs=4, precision=precision, layers=[layer], tables=[table], output_scale=scale, output_zero_point=zero_point
    )
    inputs, outputs = (int(np.prod(size)) * 2 for size in (layer.input_size, layer.output_size))
    return Image(precision, inputs, outputs, 1.0, 0, (layer,), (level,))


def int8_table(channels: list[tuple[int, int, int]], **values) -> StepTable:
    limits: dict[str, Any] = {"clamp_min": -128, "clamp_max": 127} | values
    return StepTable(2, 2, np.array(channels, image_format.CHANNEL["int8"]), **limits)


def test_an_int8_layer_by_hand() -> None:
    # sums: 10 + 2*3 + -1*4 = 12 and -20 + 1*3 + 1*4 = -13; halved: 6 and -6.5, which rounds away from zero; plus 1, clamped.
    table = int8_table([(10, 2**30, 0), (-20, 2**30, 0)], output_zero_point=1, clamp_min=-5)
    weights = np.array([[2, -1], [1, 1]], np.int8).reshape(2, 1, 1, 2)
    image = an_image(a_layer("dense", weights, "relu"), table)
    outputs = reference.infer(image, 0, np.array([[3, 4]], np.int8))
    assert outputs.tolist() == [[7, -5]]
    assert image.dequantise_outputs(0, outputs).tolist() == [[3.0, -3.0]]


def test_a_negative_factor_and_a_table_by_hand() -> None:
    # sums 6 - 4 + 10 = 12 and 3 + 4 - 20 = -13, times -0.5: -6 and 6.5, which rounds to 7; the table turns signs.
    table = int8_table([(10, -(2**30), 0), (-20, -(2**30), 0)], table=-np.arange(-127, 129).clip(-127, 127).astype(np.int8))
    weights = np.array([[2, -1], [1, 1]], np.int8).reshape(2, 1, 1, 2)
    image = an_image(a_layer("convolution", weights, "leaky_relu"), table)
    assert reference.infer(image, 0, np.array([[3, 4]], np.int8)).tolist() == [[5, -8]]


def test_outside_the_map_lies_the_zero_point() -> None:
    sizes: dict[str, Any] = {"input_size": (1, 2), "output_size": (1, 2), "kernel_size": (1, 2), "before": (0, 1)}
    table = int8_table([(0, 2**30, 1), (0, 2**30, 1)], input_zero_point=5)
    weights = np.array([[[2, 3], [10, 20]]], np.int8)
    image = an_image(a_layer("depthwise", weights, **sizes), table)
    # channel by channel: 2*5 + 10*1, 3*5 + 20*2; then 2*1 + 10*3, 3*2 + 20*3
    assert reference.infer(image, 0, np.array([[1, 2, 3, 3]], np.int8)).tolist() == [[20, 55, 32, 66]]


@pytest.mark.parametrize(("kind", "expected"), [("average_pool", [-2, 3, -3, 3]), ("max_pool", [-1, 4, -3, 4])])
def test_pooling_counts_what_lies_inside_and_rounds_away_from_zero(kind: str, expected: list[int]) -> None:
    sizes: dict[str, Any] = {"input_size": (2, 2), "output_size": (2, 1), "kernel_size": (2, 2), "before": (0, 0)}
    table = StepTable(2, 2, np.zeros(0, image_format.CHANNEL["int8"]), clamp_min=-128, clamp_max=127)
    image = an_image(a_layer(kind, np.zeros(0, np.int8), **sizes), table)
    # channel 0: -1 -2 / -3 -3, the mean of four -2.25, of the two below -3; channel 1: 1 4 / 4 1 -> 2.5, 2.5
    inputs = np.array([[-1, 1, -2, 4, -3, 4, -3, 1]], np.int8)
    assert reference.infer(image, 0, inputs).tolist() == [expected]


def test_a_float32_layer_by_hand() -> None:
    table = StepTable(2, 2, np.array([(2.0, 0.5), (1.0, -10.0)], image_format.CHANNEL["float32"]))
    weights = np.array([[1, 2], [3, 4]], np.float32).reshape(2, 1, 1, 2)
    image = an_image(a_layer("dense", weights, "relu"), table)
    assert reference.infer(image, 0, np.array([[1, 1]], np.float32)).tolist() == [[6.5, 0.0]]


def test_relu_makes_zero_of_what_is_not_a_number() -> None:
    assert rectify(np.array([np.nan, -1.0, 2.0], np.float32)).tolist() == [0.0, 0.0, 2.0]


def test_activations_by_hand() -> None:
    values = np.array([-2.0, 0.0, 5.0, 7.0], np.float32)
    assert activate("relu6", values).tolist() == [0.0, 0.0, 5.0, 6.0]
    assert activate("leaky_relu", values, 0.25).tolist() == [-0.5, 0.0, 5.0, 7.0]


def test_layer_outputs_are_those_of_the_whole_network_cut_to_the_subnetwork() -> None:
    bundle = untrained(architecture("mlp3"), 0)
    inputs = np.random.default_rng(0).random((5, 64), dtype=np.float32)
    outputs = dict(reference.layer_outputs(bundle, bundle.subnets[0], inputs))
    first = np.maximum(inputs @ bundle.weights["hidden1/kernel"] + bundle.weights["hidden1/bias"], 0)
    np.testing.assert_allclose(outputs["relu1"], first, rtol=1e-6)
    assert list(outputs) == ["hidden1", "relu1", "hidden2", "relu2", "classes"]
    assert (outputs["relu2"].shape, outputs["classes"].shape) == ((5, 50), (5, 10))
    assert outputs["classes"].min() < 0


def test_a_subnetwork_is_the_network_of_its_active_weights() -> None:
    """Private vectors instead of shared ones, and prefixes of the rest: the same as a network that has nothing else."""
    network = architecture("cnn8")
    bundle, inputs = random_bundle(network, 0), random_inputs(network, 2)
    subnet = bundle.subnets[1]
    assert bundle.private[subnet.name]
    shared = replace(bundle, private={})
    private, without = (reference.logits(each, subnet, inputs) for each in (bundle, shared))
    assert np.abs(private - without).max() > 0.01
    dead = {**bundle.weights, "conv1/kernel": bundle.weights["conv1/kernel"].copy()}
    dead["conv1/kernel"][..., subnet.widths[1] :] = 1e9
    np.testing.assert_array_equal(reference.logits(replace(bundle, weights=dead), subnet, inputs), private)


@pytest.mark.parametrize("level", [-1, 3])
def test_a_level_that_is_not_there_is_refused(level: int) -> None:
    image = small_image("int8")
    with pytest.raises(ConfigError, match="3 levels"):
        reference.infer(image, level, some_inputs(image, 1))


@pytest.mark.parametrize("inputs", [np.zeros((1, 60), np.float32), np.zeros((1, 59), np.int8), np.zeros(60, np.int8)])
def test_inputs_of_another_type_or_shape_are_refused(inputs: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="inputs must be int8"):
        reference.infer(small_image("int8"), 0, inputs)
