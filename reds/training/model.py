"""A subnetwork alone, as an ordinary Keras model."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np

from reds.architecture import Architecture
from reds.layers import Widths
from reds.training.layers import KERAS_BUILDERS


def keras_model(architecture: Architecture, weights: Mapping[str, np.ndarray], widths: Widths) -> keras.Model:
    """A Keras model of one subnetwork with its own copy of the sliced weights; logits out.

    Args:
        architecture: the network.
        weights: float32 arrays of the whole network by weight name.
        widths: the subnetwork's channels, one number for each group.
    """
    widths = architecture.check_widths(widths)
    inputs = keras.Input((*architecture.input_shape[:-1], widths[0]), name="inputs")
    outputs = inputs
    for placed in architecture.placed:
        group = placed.outputs.group
        assert group is not None
        outputs = KERAS_BUILDERS[placed.layer.kind](placed.layer, widths[group])(outputs)
    model = keras.Model(inputs, outputs, name=architecture.name)
    for name, array in architecture.slice_weights(weights, widths).items():
        layer, variable = name.rsplit("/", 1)
        getattr(model.get_layer(layer), variable).assign(array)
    return model
