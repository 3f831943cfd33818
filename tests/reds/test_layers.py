"""Windows: where they lie, how many there are, and that layers say the same of themselves as Keras does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reds.errors import ConfigError
from reds.layers import (
    LAYER_KINDS,
    AveragePooling2D,
    Axis,
    BatchNorm,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePooling2D,
    LeakyReLU,
    MaxPooling2D,
    ReLU,
    ReLU6,
    layer_from_dict,
)
from reds.layers.windows import windows

pairs = st.tuples(st.integers(1, 5), st.integers(1, 5))
maps = st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 4))
explicit = st.tuples(st.tuples(st.integers(0, 4), st.integers(0, 4)), st.tuples(st.integers(0, 4), st.integers(0, 4)))
paddings = st.one_of(st.sampled_from(["valid", "same"]), explicit)


@given(maps, pairs, pairs, paddings)
def test_windows_lie_on_the_padded_map_and_no_further_one_does(shape: tuple, kernel: tuple, strides: tuple, padding: Any) -> None:
    try:
        found = windows("layer", shape, kernel, strides, padding)
    except ConfigError:
        assert padding != "same"  # which always has a window
        return
    assert (found.kernel_size, found.strides) == (kernel, strides)
    for axis in range(2):
        length, stride, count, before = shape[axis], strides[axis], found.output_size[axis], found.before[axis]
        last_end = (count - 1) * stride - before + kernel[axis]  # behind the last window, in positions of the map
        if padding == "same":
            assert count == -(-length // stride)
            after = max(last_end - length, 0)
            assert before in (after, after - 1) or (before == 0 and last_end <= length)  # the smaller half comes before
        else:
            start, end = (0, 0) if padding == "valid" else padding[axis]
            assert before == start
            assert last_end <= length + end < last_end + stride


@given(maps, pairs)
def test_with_stride_one_same_keeps_the_map_and_valid_takes_the_kernel_off(shape: tuple, kernel: tuple) -> None:
    assert windows("layer", shape, kernel, (1, 1), "same").output_size == shape[:2]
    if shape[0] >= kernel[0] and shape[1] >= kernel[1]:
        found = windows("layer", shape, kernel, (1, 1), "valid")
        assert found.output_size == (shape[0] - kernel[0] + 1, shape[1] - kernel[1] + 1)
        assert found.before == (0, 0)


@given(maps, pairs, pairs)
def test_explicit_numbers_can_say_what_same_says(shape: tuple, kernel: tuple, strides: tuple) -> None:
    same = windows("layer", shape, kernel, strides, "same")
    needed = [
        max((count - 1) * s + k - n, 0) for count, s, k, n in zip(same.output_size, strides, kernel, shape[:2], strict=True)
    ]
    top, left = ((before, total - before) for before, total in zip(same.before, needed, strict=True))
    numbers = (top, left)
    assert windows("layer", shape, kernel, strides, numbers).before == same.before
    assert windows("layer", shape, kernel, strides, numbers).output_size == same.output_size


def keras_layers(shape: tuple, kernel: tuple, strides: tuple, padding: str) -> list[tuple[Any, Any]]:
    import keras

    return [
        (Conv2D("a", 3, kernel, strides, padding), keras.layers.Conv2D(3, kernel, strides, padding)),
        (DepthwiseConv2D("a", kernel, strides, padding), keras.layers.DepthwiseConv2D(kernel, strides, padding)),
        (AveragePooling2D("a", kernel, strides, padding), keras.layers.AveragePooling2D(kernel, strides, padding)),
        (MaxPooling2D("a", kernel, strides, padding), keras.layers.MaxPooling2D(kernel, strides, padding)),
        (GlobalAveragePooling2D("a"), keras.layers.GlobalAveragePooling2D()),
        (Flatten("a"), keras.layers.Flatten()),
        (BatchNorm("a"), keras.layers.BatchNormalization()),
        (ReLU("a"), keras.layers.ReLU()),
    ]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(maps, pairs, pairs, st.sampled_from(["valid", "same"]))
def test_layers_have_the_shapes_and_weights_of_keras(shape: tuple, kernel: tuple, strides: tuple, padding: str) -> None:
    pytest.importorskip("keras", reason="needs TensorFlow")
    if padding == "valid" and (shape[0] < kernel[0] or shape[1] < kernel[1]):
        with pytest.raises(ConfigError, match="smaller than a window"):
            Conv2D("a", 3, kernel, strides, padding).output_shape(shape, 3)
        return
    for ours, theirs in keras_layers(shape, kernel, strides, padding):
        channels = ours.units or shape[-1]
        assert ours.output_shape(shape, channels) == theirs.compute_output_shape((None, *shape))[1:], ours
        theirs.build((None, *shape))
        weights = ours.weights(Axis(0), Axis(1))
        assert [w.shape((shape[-1], channels)) for w in weights] == [tuple(w.shape) for w in theirs.weights], ours


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(maps, pairs, pairs, st.integers(0, 2**32 - 1))
def test_same_pads_where_tensorflow_does(shape: tuple, kernel: tuple, strides: tuple, seed: int) -> None:
    tf = pytest.importorskip("tensorflow", reason="needs TensorFlow")
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(1, *shape)).astype(np.float32)
    weights = generator.normal(size=(*kernel, shape[-1], 2)).astype(np.float32)
    expected = tf.nn.conv2d(values, weights, strides, "SAME").numpy()[0]
    found = windows("layer", shape, kernel, strides, "same")
    padded = np.zeros((shape[0] + 12, shape[1] + 12, shape[2]), np.float32)
    padded[found.before[0] : found.before[0] + shape[0], found.before[1] : found.before[1] + shape[1]] = values[0]
    for row in range(found.output_size[0]):
        for column in range(found.output_size[1]):
            top, left = row * strides[0], column * strides[1]
            window = padded[top : top + kernel[0], left : left + kernel[1]]
            np.testing.assert_allclose(np.tensordot(window, weights, 3), expected[row, column], rtol=1e-4, atol=1e-4)


def test_macs_are_products_of_what_is_multiplied() -> None:
    convolution = Conv2D("a", 5, (3, 2), (2, 1), "same")
    output = convolution.output_shape((7, 6, 4), 5)
    assert output == (4, 6, 5)
    assert convolution.macs((7, 6, 4), output) == 3 * 2 * 4 * 4 * 6 * 5
    assert DepthwiseConv2D("a", (3, 3), padding="same").macs((7, 6, 4), (7, 6, 4)) == 9 * 7 * 6 * 4
    for layer in (MaxPooling2D("a", (2, 2), (2, 2)), GlobalAveragePooling2D("a"), BatchNorm("a"), ReLU6("a"), LeakyReLU("a")):
        assert layer.macs((7, 6, 4), (7, 6, 4)) == 0


def test_a_convolution_without_bias_has_a_kernel_alone() -> None:
    for layer in (
        Conv2D("a", 5, (3, 2), use_bias=False),
        DepthwiseConv2D("a", (3, 2), use_bias=False),
        Dense("a", 5, use_bias=False),
    ):
        (kernel,) = layer.weights(Axis(0), Axis(1))
        assert kernel.name == "a/kernel"
        assert not kernel.is_vector


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Conv2D("a", 5, (0, 3)), "kernel of two numbers"),
        (lambda: Conv2D("a", 5, (3,)), "kernel of two numbers"),  # pyright: ignore[reportArgumentType]
        (lambda: Conv2D("a", 5, (3, 3), (1, 0)), "stride of two numbers"),
        (lambda: DepthwiseConv2D("a", (3, 3), (1, 1), "SAME"), "unknown padding"),
        (lambda: MaxPooling2D("a", (2, 2), (2, 2), ((0, 1), (0, -1))), "unknown padding"),
        (lambda: MaxPooling2D("a", (2, 2), (2, 2), ((0, 1),)), "unknown padding"),  # pyright: ignore[reportArgumentType]
        (lambda: BatchNorm("a", 0.0), "positive epsilon"),
        (lambda: BatchNorm("a", float("nan")), "positive epsilon"),
        (lambda: LeakyReLU("a", -0.1), "slope"),
        (lambda: LeakyReLU("a", float("inf")), "slope"),
        (lambda: Conv2D("a", 5, (3, 3)).output_shape((2, 9, 1), 5), "smaller than a window"),
        (lambda: Conv2D("a", 5, (3, 3)).output_shape((9,), 5), r"needs an input of \(height, width, channels\)"),
        (lambda: layer_from_dict({"kind": "conv2d", "name": "a", "units": 2, "kernel_size": 3}), "not well formed"),
        (lambda: layer_from_dict({"kind": "conv3d", "name": "a"}), "did you mean conv2d"),
        (lambda: layer_from_dict({"kind": "relu", "name": "a", "slope": 1}), "unknown key of a relu layer"),
    ],
)
def test_what_is_no_layer_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


def test_every_kind_is_known_by_its_name() -> None:
    assert all(layer.kind == kind for kind, layer in LAYER_KINDS.items())
