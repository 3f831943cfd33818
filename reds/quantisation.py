"""Post-training quantisation to int8, by TensorFlow Lite's int8 specification.

Weights are stored once, so their scales (one for each output channel) serve every subnetwork. Everything else belongs to a
subnetwork: the scales of its activations, and its biases, which take over what the rounding of its weights and activations shifts
on average (bias correction: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019,
section 4.2.2, in its empirical form on calibration inputs).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from reds import reference
from reds.bundle import Bundle
from reds.errors import ConfigError
from reds.image import Image, Layer, Level, StepTable, chain
from reds.image import format as layout
from reds.image.operations import operations
from reds.image.records import dequantise, quantise
from reds.subnets import Subnet

WEIGHT_LIMIT = 127
# Ratio of an accumulator's step to an output's that every multiplier can express (shift at most 7: below 128).
_LARGEST_RATIO = 64.0
# Biases stay this far within the format's limit, which leaves room for the correction and the folded zero point.
_BIAS_LIMIT = layout.MAX_BIAS // 4


@dataclass(frozen=True)
class Quantisation:
    """An affine map: real = scale x (quantised - zero_point)."""

    scale: float
    zero_point: int

    def quantise(self, real: np.ndarray) -> np.ndarray:
        """int8 of real values."""
        return quantise(real, self.scale, self.zero_point)

    def dequantise(self, quantised: np.ndarray) -> np.ndarray:
        """float32 real values of int8."""
        return dequantise(quantised, self.scale, self.zero_point)


def affine(low: float, high: float, smallest_scale: float = 0.0) -> Quantisation:
    """The map of [low, high], widened to include 0, onto -128..127 with an exact zero.

    Args:
        low: smallest real value.
        high: largest real value.
        smallest_scale: scale below which the map does not go. A range of nothing but zeros has scale 1, if not this.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(np.float32((high - low) / (layout.INT8_MAX - layout.INT8_MIN))) or 1.0
    scale = float(np.float32(max(scale, smallest_scale)))
    zero_point = round(layout.INT8_MIN - low / scale)
    return Quantisation(scale, min(max(zero_point, layout.INT8_MIN), layout.INT8_MAX))


def activation_range(values: np.ndarray, smallest_scale: float = 0.0) -> Quantisation:
    """The map of all of `values`, from the smallest to the largest.

    Clipping to the range of least squared error, which pays in other networks, loses here: the few large activations decide.
    """
    return affine(float(values.min()), float(values.max()), smallest_scale)


def multiplier_and_shift(real: float) -> tuple[int, int]:
    """The integers that stand for a real factor: multiplier x 2^(shift - 31), as TensorFlow Lite's QuantizeMultiplier finds them.

    Raises:
        ConfigError: the factor is negative, not finite, or too large for the format (128 and more).
    """
    if not (0 <= real < math.inf):
        raise ConfigError("a requantisation factor must be finite and not negative", seen=str(real))
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, shift = multiplier // 2, shift + 1
    if shift < layout.MIN_SHIFT or multiplier == 0:
        return 0, 0
    if shift > layout.MAX_SHIFT:
        raise ConfigError(f"a requantisation factor must be below {2**layout.MAX_SHIFT}", seen=str(real))
    return multiplier, shift


def channel_table(bias: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """int8 channel records of accumulator biases (outputs,) and real requantisation factors (outputs,).

    Raises:
        ConfigError: a bias or factor that the format cannot hold.
    """
    if np.abs(bias).max() > layout.MAX_BIAS:
        raise ConfigError("a bias does not fit the int8 format", seen=f"{np.abs(bias).max():.0f}, at most {layout.MAX_BIAS}")
    channels = np.zeros(len(bias), layout.CHANNEL[layout.INT8])
    channels["bias"] = bias
    for channel, factor in zip(channels, factors, strict=True):
        channel["multiplier"], channel["shift"] = multiplier_and_shift(float(factor))
    return channels


def folded_bias(bias: np.ndarray, rows: np.ndarray, input_zero_point: int) -> np.ndarray:
    """Accumulator biases less what the input's zero point adds to each sum: int64 (outputs,) for int8 rows (outputs, inputs)."""
    return bias.astype(np.int64) - input_zero_point * rows.astype(np.int64).sum(axis=1)


def clamp(activation: str, output: Quantisation) -> tuple[int, int]:
    """Smallest and largest output of an activation."""
    return (output.zero_point if activation == "relu" else layout.INT8_MIN), layout.INT8_MAX


@dataclass(frozen=True)
class _Weights:
    """One layer's weights for all subnetworks: int8 rows (outputs, inputs) and a scale for each row."""

    rows: np.ndarray
    scales: np.ndarray


def _quantise_weights(rows: np.ndarray, bias: np.ndarray, input_scale: float) -> _Weights:
    """Symmetric, one scale for each row: its largest weight, or what its bias needs to fit the accumulator."""
    scales = np.maximum(np.abs(rows).max(axis=1) / WEIGHT_LIMIT, np.abs(bias) / (input_scale * _BIAS_LIMIT))
    scales = np.where(scales > 0, scales, 1.0 / WEIGHT_LIMIT).astype(np.float32)
    quantised = np.clip(np.rint(rows / scales[:, None]), -WEIGHT_LIMIT, WEIGHT_LIMIT)
    return _Weights(quantised.astype(np.int8), scales)


def _smallest(values: Iterable[Quantisation]) -> float:
    return min(value.scale for value in values)


def _correction(real_inputs: np.ndarray, seen_inputs: np.ndarray, real_rows: np.ndarray, seen_rows: np.ndarray) -> np.ndarray:
    """What the mean sum of products loses by quantisation: float64 (outputs,). Inputs (n, inputs), rows (outputs, inputs)."""
    real = real_inputs.mean(axis=0, dtype=np.float64) @ real_rows.T.astype(np.float64)
    seen = seen_inputs.mean(axis=0, dtype=np.float64) @ seen_rows.T.astype(np.float64)
    return real - seen


def _quantise_level(
    bundle: Bundle, subnet: Subnet, layers: Sequence[_Weights], calibration: np.ndarray, source: Quantisation
) -> Level:
    """Scales and biases of one subnetwork, layer after layer, on what the quantised layers before really put out."""
    weights = bundle.architecture.slice_weights(bundle.weights, subnet.widths)
    trace = reference.activations(bundle, subnet, calibration)
    tables = []
    real, quantised, current = calibration, source.quantise(calibration), source
    for operation, layer, values in zip(operations(bundle.architecture), layers, trace, strict=True):
        real_rows = operation.rows(weights)
        outputs, inputs = real_rows.shape
        rows, scales = layer.rows[:outputs, :inputs], layer.scales[:outputs]
        accumulator = np.float64(current.scale) * scales
        lost = _correction(real, current.dequantise(quantised), real_rows, rows * scales[:, None])
        bias = folded_bias(np.rint((weights[operation.bias.name] + lost) / accumulator), rows, current.zero_point)
        output = activation_range(values, float(accumulator.max()) / _LARGEST_RATIO)
        low, high = clamp(operation.activation, output)
        tables.append(StepTable(channel_table(bias, accumulator / output.scale), output.zero_point, low, high))
        quantised = reference.dense_int8(rows, tables[-1], quantised)
        real, current = values, output
    macs = bundle.architecture.cost(subnet.widths).macs
    return chain(
        subnet.name,
        macs=macs,
        precision=layout.INT8,
        input_elements=calibration.shape[1],
        tables=tables,
        output_scale=current.scale,
        output_zero_point=current.zero_point,
    )


def quantise_bundle(bundle: Bundle, calibration: np.ndarray) -> Image:
    """The int8 image of a network with all its subnetworks.

    Args:
        bundle: the network.
        calibration: (n, input elements), float32: real inputs, a hundred or more, from which scales and corrections come.

    Raises:
        ConfigError: calibration inputs of another shape, not finite or none, or a network that the format cannot hold.
    """
    stages = operations(bundle.architecture)
    elements = stages[0].inputs(bundle.architecture.full_widths)
    if calibration.ndim != 2 or calibration.shape[1] != elements or not len(calibration) or not np.isfinite(calibration).all():
        seen = f"shape {calibration.shape}" + ("" if np.isfinite(calibration).all() else ", values that are not finite")
        raise ConfigError(f"calibration inputs must be finite numbers of shape (n, {elements}), n at least 1", seen=seen)
    calibration = calibration.astype(np.float32)
    source = activation_range(calibration)
    traces = [reference.activations(bundle, subnet, calibration) for subnet in bundle.subnets]
    input_scales = [source.scale, *(_smallest(map(activation_range, level)) for level in zip(*traces, strict=True))]
    weights = [
        _quantise_weights(stage.rows(bundle.weights), bundle.weights[stage.bias.name], scale)
        for stage, scale in zip(stages, input_scales, strict=False)
    ]
    return Image(
        precision=layout.INT8,
        input_elements=elements,
        output_elements=bundle.architecture.classes,
        input_scale=source.scale,
        input_zero_point=source.zero_point,
        layers=tuple(Layer(stage.kind, stage.activation, w.rows) for stage, w in zip(stages, weights, strict=True)),
        levels=tuple(_quantise_level(bundle, subnet, weights, calibration, source) for subnet in bundle.subnets),
    )
