"""What each kind of layer is in Keras, and how it computes with a prefix of shared variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from reds.errors import ConfigError
from reds.layers import Padding

KerasBuilder = Callable[[Any, int], list[keras.layers.Layer]]
"""Keras layers, one after the other, for a record and the active channels of its output group; the last has the record's name."""

Forward = Callable[[Any, tf.Tensor, Mapping[str, tf.Tensor]], tf.Tensor]
"""Outputs of a layer for its inputs (batch, ...) and its active arrays by their name within the layer ("kernel")."""

MAP_RANK = 4  # (batch, height, width, channels)
STATISTICS = ("moving_mean", "moving_variance")
"""Arrays of batch norm that no gradient changes."""


def _windowed(layer: Any, make: Callable[[str], keras.layers.Layer]) -> list[keras.layers.Layer]:
    """A convolution; explicit padding is a layer before it."""
    if isinstance(layer.padding, str):
        return [make(layer.padding)]
    return [keras.layers.ZeroPadding2D(layer.padding, name=f"{layer.name}_padding"), make("valid")]


def _keras_conv2d(layer: Any, channels: int) -> list[keras.layers.Layer]:
    def make(padding: str) -> keras.layers.Layer:
        return keras.layers.Conv2D(channels, layer.kernel_size, layer.strides, padding, use_bias=layer.use_bias, name=layer.name)

    return _windowed(layer, make)


def _keras_depthwise_conv2d(layer: Any, _channels: int) -> list[keras.layers.Layer]:
    _check_depthwise(layer)

    def make(padding: str) -> keras.layers.Layer:
        return keras.layers.DepthwiseConv2D(layer.kernel_size, layer.strides, padding, use_bias=layer.use_bias, name=layer.name)

    return _windowed(layer, make)


def _check_depthwise(layer: Any) -> None:
    if layer.strides[0] != layer.strides[1]:
        raise ConfigError(f"TensorFlow has no depthwise convolution like {layer.name!r}", seen=f"strides {layer.strides}")


def _pooling_padding(layer: Any) -> Any:
    """The padding, "valid" or "same". Explicit padding cannot be a layer before it: the zeros would be counted."""
    padding: Padding = layer.padding
    if not isinstance(padding, str):
        raise ConfigError(f"TensorFlow has no pooling with explicit padding like {layer.name!r}", do="use valid or same")
    return padding


KERAS_BUILDERS: Mapping[str, KerasBuilder] = {
    "dense": lambda layer, channels: [keras.layers.Dense(channels, use_bias=layer.use_bias, name=layer.name)],
    "flatten": lambda layer, _: [keras.layers.Flatten(name=layer.name)],
    "conv2d": _keras_conv2d,
    "depthwise_conv2d": _keras_depthwise_conv2d,
    "average_pooling2d": lambda layer, _: [
        keras.layers.AveragePooling2D(layer.pool_size, layer.strides, _pooling_padding(layer), name=layer.name)
    ],
    "max_pooling2d": lambda layer, _: [
        keras.layers.MaxPooling2D(layer.pool_size, layer.strides, _pooling_padding(layer), name=layer.name)
    ],
    "global_average_pooling2d": lambda layer, _: [keras.layers.GlobalAveragePooling2D(name=layer.name)],
    "batch_norm": lambda layer, _: [keras.layers.BatchNormalization(epsilon=layer.epsilon, name=layer.name)],
    "relu": lambda layer, _: [keras.layers.ReLU(name=layer.name)],
    "relu6": lambda layer, _: [keras.layers.ReLU(max_value=6, name=layer.name)],
    "leaky_relu": lambda layer, _: [keras.layers.LeakyReLU(layer.negative_slope, name=layer.name)],
}


def _biased(sums: tf.Tensor, arrays: Mapping[str, tf.Tensor]) -> tf.Tensor:
    return sums + arrays["bias"] if "bias" in arrays else sums


def _padded(layer: Any, inputs: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """The inputs and the padding that is left to do, "VALID" or "SAME"."""
    if isinstance(layer.padding, str):
        return inputs, layer.padding.upper()
    return tf.pad(inputs, [(0, 0), *layer.padding, (0, 0)]), "VALID"


def _conv2d(layer: Any, inputs: tf.Tensor, arrays: Mapping[str, tf.Tensor]) -> tf.Tensor:
    values, padding = _padded(layer, inputs)
    return _biased(tf.nn.conv2d(values, arrays["kernel"], layer.strides, padding), arrays)


def _depthwise_conv2d(layer: Any, inputs: tf.Tensor, arrays: Mapping[str, tf.Tensor]) -> tf.Tensor:
    _check_depthwise(layer)
    values, padding = _padded(layer, inputs)
    return _biased(tf.nn.depthwise_conv2d(values, arrays["kernel"], (1, *layer.strides, 1), padding), arrays)


def _batch_norm(layer: Any, inputs: tf.Tensor, arrays: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """As in inference: with the statistics that it has."""
    mean, variance = (arrays[name] for name in STATISTICS)
    scale = arrays["gamma"] * tf.math.rsqrt(variance + layer.epsilon)
    offset = arrays["beta"] - mean * scale
    return inputs * tf.cast(scale, inputs.dtype) + tf.cast(offset, inputs.dtype)


def batch_norm_as_stored(
    layer: Any, inputs: tf.Tensor, arrays: Mapping[str, tf.Tensor]
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """As in inference; and the mean and the (biased) variance of the inputs by channel."""
    mean, variance = tf.nn.moments(inputs, axes=list(range(inputs.shape.rank - 1)))
    return _batch_norm(layer, inputs, arrays), mean, variance


def batch_norm_of_batch(layer: Any, inputs: tf.Tensor, arrays: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """As in training: outputs with the statistics of the batch itself; and these, mean and (biased) variance by channel."""
    channels = inputs.shape[-1]
    maps = inputs if inputs.shape.rank == MAP_RANK else tf.reshape(inputs, (-1, 1, 1, channels))
    outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
        maps, arrays["gamma"], arrays["beta"], epsilon=layer.epsilon, is_training=True
    )
    count = tf.cast(tf.size(inputs) // channels, tf.float32)
    biased = variance * (count - 1) / count  # the operation answers the unbiased one
    return tf.reshape(outputs, tf.shape(inputs)), mean, biased


FORWARDS: Mapping[str, Forward] = {
    "dense": lambda _, inputs, arrays: _biased(tf.linalg.matmul(inputs, arrays["kernel"]), arrays),
    "flatten": lambda _layer, inputs, _arrays: tf.reshape(inputs, (tf.shape(inputs)[0], -1)),
    "conv2d": _conv2d,
    "depthwise_conv2d": _depthwise_conv2d,
    "average_pooling2d": lambda layer, inputs, _: tf.nn.avg_pool2d(
        inputs, layer.pool_size, layer.strides, _pooling_padding(layer).upper()
    ),
    "max_pooling2d": lambda layer, inputs, _: tf.nn.max_pool2d(
        inputs, layer.pool_size, layer.strides, _pooling_padding(layer).upper()
    ),
    "global_average_pooling2d": lambda _layer, inputs, _arrays: tf.reduce_mean(inputs, axis=(1, 2)),
    "batch_norm": _batch_norm,
    "relu": lambda _layer, inputs, _arrays: tf.nn.relu(inputs),
    "relu6": lambda _layer, inputs, _arrays: tf.nn.relu6(inputs),
    "leaky_relu": lambda layer, inputs, _: tf.nn.leaky_relu(inputs, layer.negative_slope),
}

BATCH_FORWARDS: Mapping[str, Forward] = {
    **FORWARDS,
    "batch_norm": lambda layer, inputs, arrays: batch_norm_of_batch(layer, inputs, arrays)[0],
}
"""The same with batch norm as in training: normalised by the batch at hand, whatever statistics there are."""
