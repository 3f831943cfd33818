"""The reference arithmetic against its definition, number by number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reds import reference
from reds.bundle import untrained
from reds.errors import ConfigError
from reds.image import Image, Layer, StepTable, chain
from reds.image import format as layout
from reds.zoo import architecture
from tests.reds.image_examples import small_image, some_inputs

INT32 = st.integers(-(2**31), 2**31 - 1)


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


@given(INT32, st.just(0) | st.integers(2**30, 2**31 - 1), st.integers(-31, 7))
@example(-(2**31), 2**31 - 1, 0)
@example(-(2**31), 2**31 - 1, -31)
@example(2**31 - 1, 2**31 - 1, -31)
@example(2**31 - 1, 2**30, 7)
@example(-1, 2**30, -1)
@example(-3, 2**30, -1)
def test_requantisation_follows_the_published_definition(value: int, multiplier: int, shift: int) -> None:
    found = reference.requantise(np.array([value]), np.array([multiplier]), np.array([shift]))
    assert found.tolist() == [gemmlowp_requantise(value, multiplier, shift)]


def test_an_int8_layer_by_hand() -> None:
    # sums: 10 + 2*3 + -1*4 = 12 and -20 + 1*3 + 1*4 = -13; halved: 6 and -6.5, which rounds away from zero; plus 1, clamped.
    channels = np.array([(10, 2**30, 0), (-20, 2**30, 0)], layout.CHANNEL["int8"])
    table = StepTable(channels, output_zero_point=1, clamp_min=-5, clamp_max=127)
    level = chain("100", macs=4, precision="int8", input_elements=2, tables=[table], output_scale=0.5, output_zero_point=1)
    weights = np.array([[2, -1], [1, 1]], np.int8)
    image = Image("int8", 2, 2, 1.0, 0, (Layer("dense", "relu", weights),), (level,))
    outputs = reference.infer(image, 0, np.array([[3, 4]], np.int8))
    assert outputs.tolist() == [[7, -5]]
    assert image.dequantise_outputs(0, outputs).tolist() == [[3.0, -3.0]]


def test_a_float32_layer_by_hand() -> None:
    channels = np.array([(2.0, 0.5), (1.0, -10.0)], layout.CHANNEL["float32"])
    level = chain("100", macs=4, precision="float32", input_elements=2, tables=[StepTable(channels)])
    weights = np.array([[1, 2], [3, 4]], np.float32)
    image = Image("float32", 2, 2, 1.0, 0, (Layer("dense", "relu", weights),), (level,))
    assert reference.infer(image, 0, np.array([[1, 1]], np.float32)).tolist() == [[6.5, 0.0]]


def test_relu_makes_zero_of_what_is_not_a_number() -> None:
    assert reference.rectify(np.array([np.nan, -1.0, 2.0], np.float32)).tolist() == [0.0, 0.0, 2.0]


def test_activations_are_those_of_the_whole_network_cut_to_the_subnetwork() -> None:
    bundle = untrained(architecture("mlp3"), 0)
    inputs = np.random.default_rng(0).random((5, 64), dtype=np.float32)
    hidden1, hidden2, logits = reference.activations(bundle, bundle.subnets[0], inputs)
    first = np.maximum(inputs @ bundle.weights["hidden1/kernel"] + bundle.weights["hidden1/bias"], 0)
    np.testing.assert_allclose(hidden1, first, rtol=1e-6)
    assert (hidden2.shape, logits.shape) == ((5, 50), (5, 10))
    assert logits.min() < 0


@pytest.mark.parametrize("level", [-1, 2])
def test_a_level_that_is_not_there_is_refused(level: int) -> None:
    image = small_image("int8")
    with pytest.raises(ConfigError, match="2 levels"):
        reference.infer(image, level, some_inputs(image, 1))


@pytest.mark.parametrize("inputs", [np.zeros((1, 6), np.float32), np.zeros((1, 5), np.int8), np.zeros(6, np.int8)])
def test_inputs_of_another_type_or_shape_are_refused(inputs: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="inputs must be int8"):
        reference.infer(small_image("int8"), 0, inputs)
