"""Float32: each subnetwork as an ordinary Keras model, beside the reference, the image, and the network of shared variables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds import export, reference
from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.errors import ConfigError, MissingError
from reds.image import read_image
from reds.layers import Dense, DepthwiseConv2D, Flatten, MaxPooling2D
from reds.zoo import ZOO, architecture
from tests.reds.random_networks import convolutional, nested, random_bundle, random_inputs

pytestmark = pytest.mark.slow
try:
    import reds.training  # noqa: F401 - decides how TensorFlow computes, which must come before its own import
except MissingError as missing:
    pytest.skip(str(missing), allow_module_level=True)

TOLERANCE = 1e-5
"""Of the largest output."""


def assert_near(found: np.ndarray, expected: np.ndarray) -> None:
    largest = np.abs(expected).max() or 1.0
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=0, atol=TOLERANCE * largest)


def assert_parity(bundle: Bundle, inputs: np.ndarray) -> None:
    """The reference and the float32 image compute what Keras does, in every subnetwork."""
    from reds.training.evaluation import subnet_logits

    image = read_image(export.image(bundle, "float32"))
    for level, expected in enumerate(subnet_logits(bundle, inputs)):
        assert_near(reference.logits(bundle, bundle.subnets[level], inputs), expected)
        assert_near(reference.infer(image, level, inputs), expected)


@pytest.mark.parametrize("name", ZOO)
def test_every_subnetwork_computes_what_keras_does(name: str) -> None:
    network = architecture(name)
    assert_parity(random_bundle(network, 2), random_inputs(network, 3))


@given(network=convolutional(explicit_padding=True), data=st.data(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_random_networks_compute_what_keras_does(network: Architecture, data: st.DataObject, seed: int) -> None:
    assert_parity(random_bundle(network, seed, data.draw(nested(network))), random_inputs(network, 2, seed))


@pytest.mark.parametrize("name", ["cnn8", "cnn_s", "ds_cnn_s", "ds_cnn_s_cifar10", "mobilenet_v1_0.25_96"])
def test_shared_variables_compute_what_the_subnetworks_do(name: str) -> None:
    import tensorflow as tf

    from reds.training.shared import Level, SharedNetwork

    network = architecture(name)
    bundle = replace(random_bundle(network, 3), private={})
    inputs = random_inputs(network, 2)
    shared = SharedNetwork(network, bundle.weights)
    shaped = tf.constant(inputs.reshape(-1, *network.input_shape))
    for subnet in bundle.subnets:
        logits = tf.function(lambda x, widths=subnet.widths: shared.logits(x, Level(widths)), jit_compile=True)(shaped)
        assert_near(logits.numpy(), reference.logits(bundle, subnet, inputs))
    assert {name: array.shape for name, array in shared.weights().items()} == {n: a.shape for n, a in bundle.weights.items()}
    assert not any("moving" in name for name in shared.variables)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (DepthwiseConv2D("odd", (2, 2), (1, 2)), "depthwise convolution like 'odd'"),
        (MaxPooling2D("odd", (2, 2), (1, 1), ((1, 0), (0, 0))), "explicit padding like 'odd'"),
    ],
)
def test_layers_that_tensorflow_does_not_have_are_named(layer, message: str) -> None:
    import tensorflow as tf

    from reds.training.model import keras_model
    from reds.training.shared import Level, SharedNetwork

    network = Architecture("odd", (4, 4, 2), (layer, Flatten("flatten"), Dense("classes", 2)))
    bundle = random_bundle(network, 0)
    assert np.isfinite(reference.logits(bundle, bundle.subnets[0], random_inputs(network, 1))).all()
    with pytest.raises(ConfigError, match=message):
        keras_model(bundle, bundle.subnets[0])
    with pytest.raises(ConfigError, match=message):
        SharedNetwork(network, bundle.weights).logits(tf.zeros((1, 4, 4, 2)), Level(network.full_widths))
