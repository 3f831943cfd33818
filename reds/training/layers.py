"""What each kind of layer is in Keras, and how it computes with a prefix of shared variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
import tensorflow as tf

from reds.layers import Layer

KerasBuilder = Callable[[Layer, int], keras.layers.Layer]
"""A Keras layer for a record and the active channels of its output group."""

Forward = Callable[[Layer, tf.Tensor, Mapping[str, tf.Tensor]], tf.Tensor]
"""Outputs of a layer for its inputs (batch, ...) and its active arrays by their name within the layer ("kernel")."""


def _keras_dense(layer: Layer, channels: int) -> keras.layers.Layer:
    return keras.layers.Dense(channels, name=layer.name)


def _keras_relu(layer: Layer, _channels: int) -> keras.layers.Layer:
    return keras.layers.ReLU(name=layer.name)


def _dense(_layer: Layer, inputs: tf.Tensor, arrays: Mapping[str, tf.Tensor]) -> tf.Tensor:
    return tf.linalg.matmul(inputs, arrays["kernel"]) + arrays["bias"]


def _relu(_layer: Layer, inputs: tf.Tensor, _arrays: Mapping[str, tf.Tensor]) -> tf.Tensor:
    return tf.nn.relu(inputs)


KERAS_BUILDERS: Mapping[str, KerasBuilder] = {"dense": _keras_dense, "relu": _keras_relu}
FORWARDS: Mapping[str, Forward] = {"dense": _dense, "relu": _relu}
