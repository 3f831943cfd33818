"""An image's levels in NumPy, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from reds.errors import ConfigError
from reds.image import Image, Layer, Level, StepTable
from reds.image.format import FLOAT32, INT8
from reds.reference import float32, int8

SAMPLES = 32  # computed at a time, which bounds the memory that windows take

_KERNELS: Mapping[str, Mapping[str, Callable[[Layer, StepTable, np.ndarray], np.ndarray]]] = {
    FLOAT32: float32.KERNELS,
    INT8: int8.KERNELS,
}


def _checked_level(image: Image, level: int, inputs: np.ndarray) -> Level:
    if not 0 <= level < len(image.levels):
        raise ConfigError(f"the image has {len(image.levels)} levels", seen=f"level {level}")
    if inputs.dtype != image.element_type or inputs.ndim != 2 or inputs.shape[1] != image.input_elements:
        seen = f"{inputs.dtype} {inputs.shape}"
        raise ConfigError(f"inputs must be {image.element_type} (n, {image.input_elements})", seen=seen)
    return image.levels[level]


def layer_values(image: Image, level: int, inputs: np.ndarray) -> Iterator[np.ndarray]:
    """Outputs (n, elements) of each layer of one level, in the image's element type; see `infer`."""
    samples, values, kernels = len(inputs), inputs, _KERNELS[image.precision]
    for layer, step in zip(image.layers, _checked_level(image, level, inputs).steps, strict=True):
        shaped = values.reshape(samples, *layer.input_size, step.table.input_channels)
        values = kernels[layer.kind](layer, step.table, shaped)
        yield values.reshape(samples, math.prod(layer.output_size) * step.table.output_channels)


def infer(image: Image, level: int, inputs: np.ndarray) -> np.ndarray:
    """Outputs (n, output_elements) of one level, in the image's element type, as a device gives them.

    Args:
        image: the network.
        level: number of the subnetwork; 0 is the largest that is there.
        inputs: (n, input_elements) in the image's element type; see `Image.quantise_inputs`.

    Raises:
        ConfigError: no such level, or inputs of another type or shape.
    """
    _checked_level(image, level, inputs)
    outputs = []
    for start in range(0, max(1, len(inputs)), SAMPLES):
        *_, last = layer_values(image, level, inputs[start : start + SAMPLES])
        outputs.append(last)
    return np.concatenate(outputs)
