"""Int8, byte by byte: each subnetwork alone as a `.tflite` with the same scales, in LiteRT's reference kernels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reds import reference
from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.image import CHOICES, Image, read_image, write_image
from reds.quantisation import QuantisedNetwork, quantise_network
from reds.zoo import ZOO, architecture, mlp
from tests.reds.random_networks import convolutional, nested, random_bundle, random_inputs

pytest.importorskip("ai_edge_litert", reason="needs LiteRT: pip install ai-edge-litert")

SLOW = ("mobilenet_v1_1_96", "mobilenet_v1_0.5_96", "mobilenet_v1_0.25_224")


def some_bytes(image: Image, real: np.ndarray) -> np.ndarray:
    """Quantised inputs: real ones, one of noise over all bytes, and one of each extreme."""
    generator = np.random.default_rng(1)
    noise = generator.integers(-128, 128, (1, image.input_elements)).astype(np.int8)
    ends = np.array([[-128], [127]], np.int8).repeat(image.input_elements, axis=1)
    return np.concatenate([image.quantise_inputs(real), noise, ends])


def assert_parity(network: QuantisedNetwork, real: np.ndarray) -> int:
    """Every layer of every subnetwork puts out the same bytes; the number of bytes compared."""
    from tests.reds.tflite_network import run, tflite

    image = read_image(write_image(network.image()))
    inputs = some_bytes(image, real)
    compared = 0
    for level in range(len(image.levels)):
        expected = run(tflite(network, level, len(inputs)), inputs)
        found = list(reference.layer_values(image, level, inputs))
        for index, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
            message = f"level {level}, layer {index}: {image.layers[index].kind}"
            np.testing.assert_array_equal(ours, theirs, err_msg=message)
            compared += ours.size
    return compared


def parity_of(name: str) -> None:
    network = architecture(name)
    inputs = random_inputs(network, 8)
    quantised = quantise_network(random_bundle(network, 0), inputs)
    if any(layer.kind == "batch_norm" for layer in network.layers):
        assert any((step.scales < 0).any() for steps in quantised.levels for step in steps)
    assert assert_parity(quantised, inputs[:1]) > 500


@pytest.mark.parametrize("name", [name for name in ZOO if name not in SLOW])
def test_every_subnetwork_gives_the_bytes_of_the_reference_kernels(name: str) -> None:
    parity_of(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_every_subnetwork_of_large_networks_too(name: str) -> None:
    parity_of(name)


@given(network=convolutional(), data=st.data(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_random_shapes_strides_paddings_and_widths(network: Architecture, data: st.DataObject, seed: int) -> None:
    bundle = random_bundle(network, seed, data.draw(nested(network)))
    inputs = random_inputs(network, 4, seed)
    assert_parity(quantise_network(bundle, inputs), inputs[:1])


EXTREMES = st.sampled_from([0.0, 1e-9, 1e-3, 1.0, 1e3])


@given(network=convolutional(), scales=st.lists(EXTREMES, min_size=30, max_size=30), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_arrays_of_nothing_and_of_very_different_sizes(network: Architecture, scales: list[float], seed: int) -> None:
    """Dead layers, channels of zeros, batch norm that scales next to nothing, biases that dwarf their weights."""
    bundle = random_bundle(network, seed)
    factors = dict(zip(bundle.weights, scales * 3, strict=False))

    def scaled(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: (array * np.float32(factors[name])).astype(np.float32) for name, array in arrays.items()}

    private = {name: scaled(dict(vectors)) for name, vectors in bundle.private.items()}
    inputs = random_inputs(network, 4, seed)
    quantised = quantise_network(replace(bundle, weights=scaled(dict(bundle.weights)), private=private), inputs)
    smallest = min(step.output.scale for steps in quantised.levels for step in steps)
    assume(not any(layer.activation == "relu6" for layer in quantised.layers) or 6 / smallest < 2**30)  # TensorFlow Lite refuses
    assert_parity(quantised, inputs[:1])


@pytest.mark.parametrize("layouts", CHOICES)
def test_the_order_of_the_weights_changes_no_byte(layouts: str) -> None:
    network = architecture("ds_cnn_s")
    bundle, inputs = random_bundle(network, 1), random_inputs(network, 8)
    images = [read_image(write_image(quantise_network(bundle, inputs, CHOICES[name]).image())) for name in ("rows", layouts)]
    raw = some_bytes(images[0], inputs[:1])
    for level in range(4):
        rows, other = (reference.infer(image, level, raw) for image in images)
        np.testing.assert_array_equal(rows, other)


def fully_connected(bundle: Bundle, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One dense layer's outputs, ours and those of FULLY_CONNECTED."""
    from tests.reds.tflite_network import fully_connected as converted
    from tests.reds.tflite_network import run

    quantised = quantise_network(bundle, inputs)
    image = quantised.image()
    raw = np.random.default_rng(0).integers(-128, 128, (1000, image.input_elements)).astype(np.int8)
    return reference.infer(image, 0, raw), run(converted(quantised, len(raw)), raw)[0]


def test_outputs_are_within_one_step_of_the_fully_connected_kernel() -> None:
    """Since TensorFlow 2.20 its reference kernel requantises in floating point, with one rounding instead of two."""
    network = mlp("one", 64, (), 40)
    ours, theirs = fully_connected(random_bundle(network, 3), random_inputs(network, 100))
    difference = np.abs(ours.astype(int) - theirs)
    assert difference.max() <= 1
    assert 0.95 < (difference == 0).mean() < 1
