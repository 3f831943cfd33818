"""The steps of one subnetwork in int8: the scales of its activations, and its biases and factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from reds.image import Layer, StepTable
from reds.image import format as image_format
from reds.quantisation.affine import Quantisation, affine
from reds.quantisation.observation import Observed
from reds.quantisation.tables import channel_table, clamp, leaky_relu_table
from reds.quantisation.weights import Linear, over_channels
from reds.reference import float32, int8
from reds.reference.network import SAMPLES
from reds.reference.windows import active_weights

# Ratio of an accumulator's step to an output's that every multiplier can express (shift at most 7: below 128).
_LARGEST_RATIO = 64.0
# Below this, which float32 still holds to full precision, a channel puts out zero.
_VANISHING_SCALE = 2.0**-120


@dataclass(frozen=True, eq=False)
class QuantisedStep:
    """One layer in one subnetwork.

    Attributes:
        table: what the image holds of it.
        source: of its input.
        linear: of what goes into its activation; but for leaky ReLU the same as `output`.
        output: of its output.
        scales: float32 (outputs,): of the weights, batch norm included, whose sign may be negative; zero where the channel does
            not depend on its input. Pooling: none, shape (0,).
    """

    table: StepTable
    source: Quantisation
    linear: Quantisation
    output: Quantisation
    scales: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))


@dataclass(frozen=True, eq=False)
class QuantisedLayer:
    """An image's layer with the int8 weights of the whole network, and the float32 scale of each output channel."""

    layer: Layer
    scales: np.ndarray


@dataclass(frozen=True, eq=False)
class Map:
    """What a layer is given or puts out over the calibration inputs: int8 (n, height, width, channels)."""

    values: np.ndarray
    quantisation: Quantisation


def pooling_step(layer: Layer, source: Map) -> tuple[QuantisedStep, Map]:
    """The step of a pooling layer, which keeps the scale, and its outputs."""
    values, quantisation = source.values, source.quantisation
    table = StepTable(
        input_channels=values.shape[-1],
        output_channels=values.shape[-1],
        channels=np.zeros(0, image_format.CHANNEL[image_format.INT8]),
        input_zero_point=quantisation.zero_point,
        output_zero_point=quantisation.zero_point,
        clamp_min=image_format.INT8_MIN,
        clamp_max=image_format.INT8_MAX,
    )
    outputs = int8.KERNELS[layer.kind](layer, table, values)
    return QuantisedStep(table, quantisation, quantisation, quantisation), Map(outputs, quantisation)


def product_step(quantised: QuantisedLayer, linear: Linear, observed: Observed, given: Map) -> tuple[QuantisedStep, Map]:
    """The step of a dense, convolution or depthwise layer, and its outputs.

    Its biases take over what the rounding of weights and inputs shifts on average (bias correction: Nagel et al., "Data-Free
    Quantization Through Weight Equalization and Bias Correction", ICCV 2019, section 4.2.2, in its empirical form).

    Args:
        quantised: the layer.
        linear: what the subnetwork does with the sums.
        observed: what it does in float32.
        given: what the quantised layers before really put out.

    Raises:
        ConfigError: a bias or factor that the format cannot hold.
    """
    layer, outputs = quantised.layer, len(linear.scale)
    values, source = given.values, given.quantisation
    sums = _sums(layer, values, outputs, source.zero_point)
    rows = over_channels(layer.kind, active_weights(layer, values.shape[-1], outputs)).astype(np.int64)
    folded = source.zero_point * rows.sum(axis=1)

    shared_scales = quantised.scales[:outputs]
    mean_sums = (sums.reshape(-1, outputs).mean(axis=0, dtype=np.float64) - folded) * np.float64(source.scale) * shared_scales
    bias = linear.bias + linear.scale * (observed.mean_sums - mean_sums)
    scales = _scales(linear.scale * shared_scales, bias, source.scale, folded)
    accumulator = np.float64(source.scale) * scales
    in_steps = np.divide(bias, accumulator, out=np.zeros(outputs), where=accumulator != 0)

    before, after = _activations(layer, observed, float(np.abs(accumulator).max()) / _LARGEST_RATIO)
    low, high = clamp(layer.activation, before)
    table = StepTable(
        input_channels=values.shape[-1],
        output_channels=outputs,
        channels=channel_table(np.rint(in_steps) - folded, accumulator / before.scale),
        input_zero_point=source.zero_point,
        output_zero_point=before.zero_point,
        clamp_min=low,
        clamp_max=high,
        table=np.zeros(0, np.int8) if before is after else leaky_relu_table(layer.negative_slope, before, after),
    )
    return QuantisedStep(table, source, before, after, scales), Map(int8.finish(table, sums), after)


def _sums(layer: Layer, values: np.ndarray, outputs: int, zero_point: int) -> np.ndarray:
    parts = (values[start : start + SAMPLES] for start in range(0, len(values), SAMPLES))
    return np.concatenate([int8.sums(layer, part, outputs, zero_point) for part in parts])


def _scales(scales: np.ndarray, bias: np.ndarray, input_scale: float, folded: np.ndarray) -> np.ndarray:
    """Float32 scales (outputs,) with which every bias fits the accumulator.

    A bias may be too large for a channel whose batch norm scales its sum to next to nothing. Its scale grows as far as it must;
    the sum then counts for more than it should, but for little beside the bias.
    """
    room = (image_format.MAX_BIAS - np.abs(folded)) * (1 - 2**-20) - 1
    magnitudes = np.maximum(np.abs(scales), np.abs(bias) / (room * input_scale))
    magnitudes[magnitudes < _VANISHING_SCALE] = 0.0
    return np.copysign(magnitudes, scales).astype(np.float32)


def _activations(layer: Layer, observed: Observed, smallest_scale: float) -> tuple[Quantisation, Quantisation]:
    """Before and after the activation; the same where the clamp does it. No activation falls, so that ends map to ends."""
    ends = np.array([observed.low, observed.high])
    low, high = map(float, float32.activate(layer.activation, ends, layer.negative_slope))
    if layer.activation != image_format.LEAKY_RELU:
        output = affine(low, high, smallest_scale)
        return output, output
    before = affine(observed.low, observed.high, smallest_scale)
    return before, affine(low, high, before.scale * max(1.0, layer.negative_slope) / _LARGEST_RATIO)


def run(
    layers: Sequence[QuantisedLayer], linears: Sequence[Linear | None], observed: Sequence[Observed], inputs: Map
) -> tuple[QuantisedStep, ...]:
    """The steps of one subnetwork, layer after layer on what the quantised layers before really put out.

    Args:
        layers: of the image.
        linears: what the subnetwork does with the sums of each layer; None for pooling.
        observed: what it does in float32, layer by layer.
        inputs: the calibration inputs.
    """
    steps = []
    current = inputs
    for quantised, linear, seen in zip(layers, linears, observed, strict=True):
        layer = quantised.layer
        given = Map(current.values.reshape(len(inputs.values), *layer.input_size, -1), current.quantisation)
        step, current = product_step(quantised, linear, seen, given) if linear else pooling_step(layer, given)
        steps.append(step)
    return tuple(steps)
