"""A subnetwork in float32, one layer of its architecture after the other: nothing fused, nothing folded.

What an image computes is compared with this, so that it shares no step of the export.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from reds.architecture import Placed
from reds.bundle import Bundle
from reds.reference.float32 import activate, average
from reds.reference.windows import largest, products
from reds.subnets import Subnet

Arrays = Mapping[str, np.ndarray]
"""A layer's own arrays by their name within the layer ("kernel")."""


def _biased(sums: np.ndarray, arrays: Arrays) -> np.ndarray:
    return sums + arrays["bias"] if "bias" in arrays else sums


def _dense(_layer: Any, values: np.ndarray, arrays: Arrays) -> np.ndarray:
    return _biased(values @ arrays["kernel"], arrays)


def _conv2d(layer: Any, values: np.ndarray, arrays: Arrays) -> np.ndarray:
    kernel = np.ascontiguousarray(arrays["kernel"].transpose(3, 0, 1, 2))
    return _biased(products("convolution", values, kernel, layer.windows(values.shape[1:])), arrays)


def _depthwise_conv2d(layer: Any, values: np.ndarray, arrays: Arrays) -> np.ndarray:
    return _biased(products("depthwise", values, arrays["kernel"][..., 0], layer.windows(values.shape[1:])), arrays)


def _batch_norm(layer: Any, values: np.ndarray, arrays: Arrays) -> np.ndarray:
    deviation = np.sqrt(arrays["moving_variance"] + np.float32(layer.epsilon))
    return arrays["gamma"] * (values - arrays["moving_mean"]) / deviation + arrays["beta"]


def _average_pooling2d(layer: Any, values: np.ndarray, _arrays: Arrays) -> np.ndarray:
    return average(values, layer.windows(values.shape[1:]))


def _global_average_pooling2d(_layer: Any, values: np.ndarray, _arrays: Arrays) -> np.ndarray:
    return values.mean(axis=(1, 2), dtype=np.float64).astype(np.float32)


def _max_pooling2d(layer: Any, values: np.ndarray, _arrays: Arrays) -> np.ndarray:
    return largest(values, layer.windows(values.shape[1:]), -np.inf)


_FORWARDS: Mapping[str, Callable[[Any, np.ndarray, Arrays], np.ndarray]] = {
    "dense": _dense,
    "flatten": lambda _layer, values, _arrays: values.reshape(len(values), -1),
    "conv2d": _conv2d,
    "depthwise_conv2d": _depthwise_conv2d,
    "average_pooling2d": _average_pooling2d,
    "max_pooling2d": _max_pooling2d,
    "global_average_pooling2d": _global_average_pooling2d,
    "batch_norm": _batch_norm,
    "relu": lambda _layer, values, _arrays: activate("relu", values),
    "relu6": lambda _layer, values, _arrays: activate("relu6", values),
    "leaky_relu": lambda layer, values, _arrays: activate("leaky_relu", values, layer.negative_slope),
}

SAMPLES = 32  # computed at a time, which bounds the memory that windows take


def layer_outputs(bundle: Bundle, subnet: Subnet, inputs: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Name and float32 outputs (n, ...) of every layer of the architecture, in order, in one subnetwork.

    Args:
        bundle: the network.
        subnet: one of its subnetworks.
        inputs: (n, ...), float32; flat or in the architecture's shape.
    """
    weights = bundle.active_weights(subnet)
    values = np.asarray(inputs, np.float32).reshape(-1, *bundle.architecture.input_shape)
    for placed in bundle.architecture.placed:
        values = _FORWARDS[placed.layer.kind](placed.layer, values, _own_arrays(placed, weights))
        yield placed.layer.name, values


def _own_arrays(placed: Placed, weights: Arrays) -> Arrays:
    return {weight.name.rsplit("/", 1)[1]: weights[weight.name] for weight in placed.weights}


def logits(bundle: Bundle, subnet: Subnet, inputs: np.ndarray) -> np.ndarray:
    """Float32 outputs (n, elements) of the last layer; see `layer_outputs`."""
    parts = []
    for start in range(0, len(inputs), SAMPLES):
        *_, (_, values) = layer_outputs(bundle, subnet, inputs[start : start + SAMPLES])
        parts.append(values.reshape(len(values), -1))
    return np.concatenate(parts)
