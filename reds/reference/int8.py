"""Int8 layers of an image: what devices compute bit by bit (docs/image-format.md, "int8 arithmetic")."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from reds.image.format import AVERAGE_POOL, CONVOLUTION, DENSE, DEPTHWISE, INT8_MIN, MAX_POOL
from reds.image.records import Layer, StepTable
from reds.reference.windows import active_weights, covered, largest, products, summed

# A sum of this many products of int8 values is exact in float32, whose integers are up to 2^24.
_EXACT_IN_FLOAT32 = 2**24 // (127 * 128)


def requantise(sums: np.ndarray, multiplier: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """sums x multiplier x 2^(shift - 31) with the double rounding of TensorFlow Lite's reference kernels.

    Args:
        sums: (..., channels), integers that an int32 holds.
        multiplier: (channels,), 0 or 2^30..2^31-1 in magnitude.
        shift: (channels,), -31..7; a left shift wraps modulo 2^32.

    Returns:
        int64 (..., channels), neither offset nor clamped. Source: gemmlowp's SaturatingRoundingDoublingHighMul, which is
        floor((a b + 2^30) / 2^31) whatever the signs, and RoundingDivideByPOT.
    """
    multiplier, shift = multiplier.astype(np.int64), shift.astype(np.int64)
    wrapped = (sums.astype(np.int64) << np.maximum(shift, 0)).astype(np.uint32).astype(np.int32).astype(np.int64)
    high = (wrapped * multiplier + (1 << 30)) >> 31
    right = np.maximum(-shift, 0)
    mask = (np.int64(1) << right) - 1
    round_away = (high & mask) > (mask >> 1) + (high < 0)
    return (high >> right) + round_away


def sums(layer: Layer, values: np.ndarray, outputs: int, zero_point: int) -> np.ndarray:
    """Sums of products of raw int8 values: int32 (n, output height, output width, outputs).

    Args:
        layer: dense, convolution or depthwise.
        values: int8 (n, height, width, inputs).
        outputs: active output channels.
        zero_point: what lies outside the map.
    """
    weights = active_weights(layer, values.shape[-1], outputs)
    terms = math.prod(layer.kernel_size) * values.shape[-1]
    exact = np.float32 if terms <= _EXACT_IN_FLOAT32 else np.float64  # floating point is where NumPy is fast
    return products(layer.kind, values.astype(exact), weights.astype(exact), layer, zero_point).astype(np.int32)


def finish(table: StepTable, accumulated: np.ndarray) -> np.ndarray:
    """int8 outputs for int32 sums (..., outputs) of raw values: biased, requantised, clamped, looked up if there is a table."""
    channels = table.channels
    biased = accumulated + channels["bias"]
    outputs = requantise(biased, channels["multiplier"], channels["shift"]) + table.output_zero_point
    return _clamped(table, outputs)


def _clamped(table: StepTable, outputs: np.ndarray) -> np.ndarray:
    clamped = np.clip(outputs, table.clamp_min, table.clamp_max)
    return table.table[clamped - INT8_MIN] if len(table.table) else clamped.astype(np.int8)


def _products(layer: Layer, table: StepTable, values: np.ndarray) -> np.ndarray:
    return finish(table, sums(layer, values, table.output_channels, table.input_zero_point))


def _average(layer: Layer, table: StepTable, values: np.ndarray) -> np.ndarray:
    total = summed(values.astype(np.int64), layer)
    count = covered(layer.input_size, layer)
    rounded = np.sign(total) * ((np.abs(total) + count // 2) // count)  # half away from zero
    return _clamped(table, rounded)


def _max(layer: Layer, table: StepTable, values: np.ndarray) -> np.ndarray:
    return _clamped(table, largest(values, layer, INT8_MIN))


KERNELS: Mapping[str, Callable[[Layer, StepTable, np.ndarray], np.ndarray]] = {
    DENSE: _products,
    CONVOLUTION: _products,
    DEPTHWISE: _products,
    AVERAGE_POOL: _average,
    MAX_POOL: _max,
}
"""By kind of layer: outputs (n, height, width, outputs) for inputs (n, height, width, inputs)."""
