"""The arithmetic of an image in NumPy: what every device must compute, bit by bit in int8 and to rounding in float32."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from reds.bundle import Bundle
from reds.errors import ConfigError
from reds.image import Image, Layer, Step, StepTable
from reds.image.format import FLOAT32, INT8
from reds.image.operations import operations
from reds.subnets import Subnet


def rectify(values: np.ndarray) -> np.ndarray:
    """max(x, 0); NaN gives 0, as the kernels do."""
    return np.where(values > 0, values, np.zeros((), values.dtype))


_ACTIVATIONS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {"none": lambda values: values, "relu": rectify}


def activations(bundle: Bundle, subnet: Subnet, inputs: np.ndarray) -> list[np.ndarray]:
    """Float32 outputs (n, outputs) of every layer of the image that `bundle` makes, of one subnetwork, activation included.

    Args:
        bundle: the network.
        subnet: one of its subnetworks.
        inputs: (n, input elements), float32.
    """
    weights = bundle.architecture.slice_weights(bundle.weights, subnet.widths)
    values = np.asarray(inputs, np.float32)
    results = []
    for operation in operations(bundle.architecture):
        values = _ACTIVATIONS[operation.activation](values @ weights[operation.kernel.name] + weights[operation.bias.name])
        results.append(values)
    return results


def requantise(sums: np.ndarray, multiplier: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """sums x multiplier x 2^(shift - 31) with the double rounding of TensorFlow Lite's reference kernels.

    Args:
        sums: (..., channels), int64 holding int32 values.
        multiplier: (channels,), 0 or 2^30..2^31-1.
        shift: (channels,), -31..7; a left shift wraps modulo 2^32.

    Returns:
        int64 (..., channels), neither offset nor clamped. Source: gemmlowp's SaturatingRoundingDoublingHighMul and
        RoundingDivideByPOT; with a multiplier that is never negative the first is floor((a b + 2^30) / 2^31).
    """
    multiplier, shift = multiplier.astype(np.int64), shift.astype(np.int64)
    wrapped = (sums << np.maximum(shift, 0)).astype(np.uint32).astype(np.int32).astype(np.int64)
    high = (wrapped * multiplier + (1 << 30)) >> 31
    right = np.maximum(-shift, 0)
    mask = (np.int64(1) << right) - 1
    round_away = (high & mask) > (mask >> 1) + (high < 0)
    return (high >> right) + round_away


def _dense_float32(layer: Layer, step: Step, inputs: np.ndarray) -> np.ndarray:
    sums = inputs @ layer.weights[: step.outputs, : step.inputs].T
    return _ACTIVATIONS[layer.activation](sums * step.channels["scale"] + step.channels["bias"])


def dense_int8(rows: np.ndarray, table: Step | StepTable, inputs: np.ndarray) -> np.ndarray:
    """int8 outputs (n, outputs) of a dense layer: int8 rows (outputs, inputs), int8 inputs (n, inputs)."""
    # Exact in float64, where NumPy is fast: a sum stays below 2^30.
    sums = (inputs.astype(np.float64) @ rows.T.astype(np.float64)).astype(np.int64) + table.channels["bias"]
    outputs = requantise(sums, table.channels["multiplier"], table.channels["shift"]) + table.output_zero_point
    return np.clip(outputs, table.clamp_min, table.clamp_max).astype(np.int8)


def _dense_int8(layer: Layer, step: Step, inputs: np.ndarray) -> np.ndarray:
    return dense_int8(layer.weights[: step.outputs, : step.inputs], step, inputs)


_KERNELS: Mapping[tuple[str, str], Callable[[Layer, Step, np.ndarray], np.ndarray]] = {
    ("dense", FLOAT32): _dense_float32,
    ("dense", INT8): _dense_int8,
}


def infer(image: Image, level: int, inputs: np.ndarray) -> np.ndarray:
    """Outputs (n, output_elements) of one level, in the image's element type, as a device gives them.

    Args:
        image: the network.
        level: number of the subnetwork; 0 is the whole network.
        inputs: (n, input_elements) in the image's element type; see `Image.quantise_inputs`.

    Raises:
        ConfigError: no such level, or inputs of another type or shape.
    """
    if not 0 <= level < len(image.levels):
        raise ConfigError(f"the image has {len(image.levels)} levels", seen=f"level {level}")
    if inputs.dtype != image.element_type or inputs.ndim != 2 or inputs.shape[1] != image.input_elements:
        seen = f"{inputs.dtype} {inputs.shape}"
        raise ConfigError(f"inputs must be {image.element_type} (n, {image.input_elements})", seen=seen)
    values = inputs
    for layer, step in zip(image.layers, image.levels[level].steps, strict=True):
        values = _KERNELS[layer.kind, image.precision](layer, step, values)
    return values
