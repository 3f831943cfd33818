"""Float32 layers of an image: what devices compute to rounding."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from reds.image.format import AVERAGE_POOL, CONVOLUTION, DENSE, DEPTHWISE, MAX_POOL
from reds.image.records import Layer, StepTable
from reds.reference.windows import Sliding, active_weights, covered, largest, products, summed


def rectify(values: np.ndarray) -> np.ndarray:
    """max(x, 0); NaN gives 0, as the kernels do."""
    return np.where(values > 0, values, np.zeros((), values.dtype))


_ACTIVATIONS: Mapping[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "none": lambda values, _: values,
    "relu": lambda values, _: rectify(values),
    "relu6": lambda values, _: np.minimum(rectify(values), values.dtype.type(6)),
    "leaky_relu": lambda values, slope: np.where(values < 0, values.dtype.type(slope) * values, values),
}


def activate(activation: str, values: np.ndarray, negative_slope: float = 0.0) -> np.ndarray:
    """An image's activation of floating point values, in their type."""
    return _ACTIVATIONS[activation](values, negative_slope)


def average(values: np.ndarray, windows: Sliding) -> np.ndarray:
    """The mean of each window, of what lies inside."""
    return summed(values, windows) / covered((values.shape[1], values.shape[2]), windows).astype(values.dtype)


def _products(layer: Layer, table: StepTable, values: np.ndarray) -> np.ndarray:
    weights = active_weights(layer, table.input_channels, table.output_channels)
    linear = products(layer.kind, values, weights, layer) * table.channels["scale"] + table.channels["bias"]
    return activate(layer.activation, linear, layer.negative_slope)


KERNELS: Mapping[str, Callable[[Layer, StepTable, np.ndarray], np.ndarray]] = {
    DENSE: _products,
    CONVOLUTION: _products,
    DEPTHWISE: _products,
    AVERAGE_POOL: lambda layer, _, values: average(values, layer),
    MAX_POOL: lambda layer, _, values: largest(values, layer, -np.inf),
}
"""By kind of layer: outputs (n, height, width, outputs) for inputs (n, height, width, inputs)."""
