"""A subnetwork alone, as an ordinary Keras model."""

from __future__ import annotations

import keras

from reds.bundle import Bundle
from reds.subnets import Subnet
from reds.training.layers import KERAS_BUILDERS


def keras_model(bundle: Bundle, subnet: Subnet) -> keras.Model:
    """A Keras model of one subnetwork with its own copy of its weights, private vectors included; logits out.

    Raises:
        ConfigError: a layer that TensorFlow does not have.
    """
    architecture = bundle.architecture
    inputs = keras.Input((*architecture.input_shape[:-1], subnet.widths[0]), name="inputs")
    outputs = inputs
    for placed in architecture.placed:
        group = placed.outputs.group
        assert group is not None
        for layer in KERAS_BUILDERS[placed.layer.kind](placed.layer, subnet.widths[group]):
            outputs = layer(outputs)
    model = keras.Model(inputs, outputs, name=architecture.name)
    for name, array in bundle.active_weights(subnet).items():
        layer, variable = name.rsplit("/", 1)
        getattr(model.get_layer(layer), variable).assign(array)
    return model
