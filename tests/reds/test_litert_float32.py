"""Float32 `.tflite` files compute what the reference does, in LiteRT, with XNNPACK and without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.errors import ConfigError
from reds.layers import AveragePooling2D, Conv2D, Dense, Flatten, GlobalAveragePooling2D, ReLU
from reds.litert.export import ALONE, MASKED, SHARED, tflite, tflite_each
from reds.subnets import Subnet, Subnets
from reds.zoo import ZOO, architecture
from tests.reds.litert_networks import TOLERANCE, deviation
from tests.reds.random_networks import convolutional, nested, random_bundle, random_inputs

pytest.importorskip("ai_edge_litert", reason="needs LiteRT: pip install 'reds-bench[litert]'")

LARGE = ("mobilenet_v1_1_96",)
SMALL_ONES = (*(name for name in ZOO if name not in LARGE), "mobilenet_v1_0.25_32", "mobilenet_v1_0.25_32_imagenet")


def assert_near(bundle: Bundle, content: bytes, inputs: np.ndarray, *, xnnpack: bool) -> None:
    for subnet in bundle.subnets:
        assert deviation(bundle, content, subnet, inputs, xnnpack=xnnpack) <= TOLERANCE, subnet


@pytest.mark.parametrize("xnnpack", [True, False])
@pytest.mark.parametrize("name", SMALL_ONES)
def test_every_subnetwork_of_one_file_computes_what_it_should(name: str, xnnpack: bool) -> None:
    bundle = random_bundle(architecture(name), 0)
    assert_near(bundle, tflite(bundle), random_inputs(bundle.architecture, 2), xnnpack=xnnpack)


@pytest.mark.slow
@pytest.mark.parametrize("xnnpack", [True, False])
@pytest.mark.parametrize("name", LARGE)
def test_every_subnetwork_of_large_networks_too(name: str, xnnpack: bool) -> None:
    bundle = random_bundle(architecture(name), 0)
    assert_near(bundle, tflite(bundle), random_inputs(bundle.architecture, 1), xnnpack=xnnpack)


@pytest.mark.parametrize("kernels", [ALONE, MASKED])
@pytest.mark.parametrize("name", ["mlp3", "cnn8", "cnn_s", "ds_cnn_s", "ds_cnn_s_cifar10"])
def test_masks_and_copies_compute_the_same(name: str, kernels: str) -> None:
    bundle = random_bundle(architecture(name), 1)
    assert_near(bundle, tflite(bundle, kernels=kernels), random_inputs(bundle.architecture, 2), xnnpack=True)


@given(network=convolutional(), data=st.data(), seed=st.integers(0, 2**32 - 1), xnnpack=st.booleans())
@settings(max_examples=60, deadline=None)
def test_random_networks_and_widths(network: Architecture, data: st.DataObject, seed: int, xnnpack: bool) -> None:
    bundle = random_bundle(network, seed, data.draw(nested(network)))
    try:
        content = tflite(bundle, kernels=data.draw(st.sampled_from([SHARED, SHARED, ALONE, MASKED])))
    except ConfigError as error:  # windows in the padding alone, batch norm after pooling
        assume("cannot hold" not in str(error) and "windows that lie in the padding alone" not in str(error))
        raise
    assert_near(bundle, content, random_inputs(network, 3, seed), xnnpack=xnnpack)


def with_norm(bundle: Bundle, name: str, **vectors: float) -> Bundle:
    """The 50 % subnetwork with a batch norm of its own, its first channel's numbers as given."""
    own = {key: value.copy() for key, value in bundle.active_weights(bundle.subnets[2]).items() if key.startswith(name)}
    for vector, value in vectors.items():
        own[f"{name}/{vector}"][0] = value
    return replace(bundle, private={bundle.subnets[2].name: own})


@pytest.mark.parametrize("gamma", [-1.0, 0.0, 1e-6, 1e6])
@pytest.mark.parametrize("name", ["ds_cnn_s", "ds_cnn_s_cifar10", "mobilenet_v1_0.25_32_imagenet"])
@pytest.mark.parametrize("norm", ["norm1", "depthwise_norm2", "pointwise_norm2"])
def test_factors_that_cannot_wait_are_multiplied_at_once(name: str, norm: str, gamma: float) -> None:
    bundle = with_norm(replace(random_bundle(architecture(name), 3), private={}), norm, gamma=gamma)
    assert_near(bundle, tflite(bundle), random_inputs(bundle.architecture, 2), xnnpack=True)


def test_a_channel_that_the_whole_network_switches_off_may_work_in_a_smaller_one() -> None:
    bundle = random_bundle(architecture("ds_cnn_s"), 4)
    bundle.weights["norm1/gamma"][3] = 0.0
    assert_near(bundle, tflite(bundle), random_inputs(bundle.architecture, 2), xnnpack=True)


def test_many_inputs_at_once() -> None:
    bundle = random_bundle(architecture("cnn8"), 5)
    assert_near(bundle, tflite(bundle), random_inputs(bundle.architecture, 17), xnnpack=True)


def test_some_subnetworks_only() -> None:
    bundle = random_bundle(architecture("ds_cnn_s"), 6)
    kept = list(bundle.subnets)[1:3]
    content = tflite(bundle, subnets=kept)
    inputs = random_inputs(bundle.architecture, 2)
    assert all(deviation(bundle, content, subnet, inputs, xnnpack=True) <= TOLERANCE for subnet in kept)
    assert len(content) < len(tflite(bundle))
    assert list(tflite_each(bundle, subnets=kept)) == kept


def test_networks_that_end_in_a_map() -> None:
    for last in (GlobalAveragePooling2D("pool"), AveragePooling2D("pool", (2, 2), (1, 1)), ReLU("relu")):
        network = Architecture("map", (4, 4, 2), (Conv2D("conv", 5, (2, 2)), Conv2D("conv2", 3, (1, 1)), last))
        bundle = random_bundle(network, 0, Subnets((Subnet("100", (2, 5, 3)), Subnet("50", (2, 3, 3)))))
        assert_near(bundle, tflite(bundle), random_inputs(network, 2), xnnpack=True)


def test_widths_without_a_common_block() -> None:
    """Prime widths: every channel's place is listed."""
    layers = (Conv2D("a", 7, (2, 2)), Conv2D("b", 11, (2, 2)), Flatten("flatten"), Dense("c", 13), Dense("classes", 3))
    network = Architecture("prime", (5, 5, 1), layers)
    widths = ((1, 7, 11, 13, 3), (1, 5, 10, 9, 3), (1, 5, 3, 9, 3), (1, 1, 1, 1, 3))
    bundle = random_bundle(network, 0, Subnets(tuple(Subnet(str(i), each) for i, each in enumerate(widths))))
    assert_near(bundle, tflite(bundle), random_inputs(network, 2), xnnpack=True)


def test_unknown_names_are_refused() -> None:
    bundle = random_bundle(architecture("mlp1"), 0)
    with pytest.raises(ConfigError, match="precision 'float16'"):
        tflite(bundle, "float16")
    with pytest.raises(ConfigError, match="arrangement 'mask'"):
        tflite(bundle, kernels="mask")
    with pytest.raises(ConfigError, match="needs calibration inputs"):
        tflite(bundle, "int8")


def test_pooling_with_padding_of_its_own_is_refused() -> None:
    pool = AveragePooling2D("pool", (2, 2), (1, 1), ((1, 0), (1, 0)))
    network = Architecture("odd", (4, 4, 1), (pool, Flatten("flatten"), Dense("classes", 2)))
    with pytest.raises(ConfigError, match="pooling 'pool'"):
        tflite(random_bundle(network, 0, Subnets((Subnet("100", (1, 2)),))))
