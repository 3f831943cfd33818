"""Int8 `.tflite` files compute what the int8 image does, but for roundings, in LiteRT, with XNNPACK and without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reds import reference
from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.errors import ConfigError
from reds.export import image
from reds.image import read_image
from reds.litert.export import ALONE, MASKED, SHARED, tflite
from reds.litert.parity import outputs
from reds.subnets import Subnet, Subnets, halving
from reds.zoo import architecture, mlp3, mlp11
from tests.reds.digits_networks import digits, trained
from tests.reds.litert_networks import int8_steps
from tests.reds.random_networks import FRACTIONS, convolutional, nested, random_bundle, random_inputs

pytest.importorskip("ai_edge_litert", reason="needs LiteRT: pip install 'reds-bench[litert]'")

STEPS = 6
"""Kernels round once where the image rounds twice; a step in one layer may become several after it."""

AGREEMENT = 0.99
"""Share of test examples that are put into the same class."""


@pytest.mark.parametrize("xnnpack", [True, False])
@pytest.mark.parametrize("kernels", [SHARED, ALONE, MASKED])
@pytest.mark.parametrize("name", ["mlp3", "cnn8", "cnn_s", "ds_cnn_s", "mobilenet_v1_0.25_32_imagenet"])
def test_outputs_are_those_of_the_image_but_for_roundings(name: str, kernels: str, xnnpack: bool) -> None:
    bundle = random_bundle(architecture(name), 0)
    inputs = random_inputs(bundle.architecture, 32)
    content = tflite(bundle, "int8", inputs, kernels)
    assert int8_steps(bundle, content, inputs, inputs[:8], xnnpack=xnnpack) <= STEPS


@pytest.mark.parametrize("xnnpack", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_channels_that_fill_up_blocks_are_silent(seed: int, xnnpack: bool) -> None:
    """Whatever the factor is: kernels shift sums to the left where it is large."""
    network = mlp3()
    widths = [network.full_widths, (64, 31, 37, 10), (64, 21, 23, 10), (64, 11, 13, 10)]
    subnets = Subnets(tuple(Subnet(str(number), each) for number, each in enumerate(widths)))
    bundle = replace(random_bundle(network, seed, subnets), private={})
    inputs = np.abs(random_inputs(network, 32, seed))
    content = tflite(bundle, "int8", inputs)
    assert int8_steps(bundle, content, inputs, inputs, xnnpack=xnnpack) <= STEPS


def test_widths_that_fill_no_blocks_with_leaky_relu() -> None:
    bundle = replace(random_bundle(architecture("ds_cnn_s_cifar10"), 1), private={})
    widths = [bundle.architecture.full_widths, (3, 41, 53, 47, 61, 59, 10), (3, 23, 31, 29, 37, 17, 10)]
    subnets = Subnets(tuple(Subnet(str(number), each) for number, each in enumerate(widths)))
    bundle = replace(bundle, subnets=subnets)
    inputs = random_inputs(bundle.architecture, 16)
    assert_same(bundle, inputs, [tflite(bundle, "int8", inputs, kernels) for kernels in (SHARED, ALONE)])


def assert_same(bundle: Bundle, inputs: np.ndarray, contents: Sequence[bytes]) -> None:
    """The same bytes from all files, by XNNPACK; LiteRT's other kernels round otherwise where a kernel comes from DENSIFY."""
    shaped = inputs.reshape(-1, *bundle.architecture.input_shape)
    for subnet in bundle.subnets:
        first, *others = (outputs(content, subnet.name, shaped, xnnpack=True) for content in contents)
        for other in others:
            np.testing.assert_array_equal(other, first)


@given(network=convolutional(), data=st.data(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_sharing_changes_no_byte(network: Architecture, data: st.DataObject, seed: int) -> None:
    bundle = random_bundle(network, seed, data.draw(nested(network)))
    inputs = random_inputs(network, 8, seed)
    try:
        contents = [tflite(bundle, "int8", inputs, kernels) for kernels in (SHARED, ALONE, MASKED)]
    except ConfigError as error:
        assume("cannot hold" not in str(error) and "windows that lie in the padding alone" not in str(error))
        raise
    assert_same(bundle, inputs, contents)


@pytest.mark.parametrize(("make", "epochs"), [(mlp3, 40), (mlp11, 100)])
def test_classes_of_trained_networks_agree(make: Callable[[], Architecture], epochs: int) -> None:
    """With the image's; where rounding to int8 itself costs nothing, also with float32."""
    data, network = digits(), make()
    subnets = halving(network, FRACTIONS, [group.name for group in network.groups if not group.whole])
    bundle = trained(replace(random_bundle(network, 0, subnets), private={}), subnets, data, epochs)
    calibration = data.train_inputs[:256]
    content, quantised = tflite(bundle, "int8", calibration), read_image(image(bundle, "int8", calibration))
    for level, subnet in enumerate(subnets):
        of_image = reference.infer(quantised, level, quantised.quantise_inputs(data.test_inputs)).argmax(axis=1)
        of_float32 = reference.logits(bundle, subnet, data.test_inputs).argmax(axis=1)
        for xnnpack in (True, False):
            found = outputs(content, subnet.name, data.test_inputs, xnnpack=xnnpack).argmax(axis=1)
            assert (found == of_image).mean() >= AGREEMENT
            assert (found == of_float32).mean() >= min(AGREEMENT, (of_image == of_float32).mean() - (1 - AGREEMENT))
