"""The integers that stand for real factors, biases and activations in an int8 image."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from reds.errors import ConfigError
from reds.image import format as image_format
from reds.image.format import INT8_MAX, INT8_MIN
from reds.quantisation.affine import Quantisation
from reds.reference.int8 import requantise


def multiplier_and_shift(real: float) -> tuple[int, int]:
    """The integers that stand for a real factor: multiplier x 2^(shift - 31), as TensorFlow Lite's QuantizeMultiplier finds them.

    A negative factor, which TensorFlow Lite does not have, is that of its magnitude with the multiplier's sign turned.

    Raises:
        ConfigError: the factor is not finite, or too large for the format (128 and more in magnitude).
    """
    if not math.isfinite(real):
        raise ConfigError("a requantisation factor must be finite", seen=str(real))
    fraction, shift = math.frexp(abs(real))
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, shift = multiplier // 2, shift + 1
    if shift < image_format.MIN_SHIFT or multiplier == 0:
        return 0, 0
    if shift > image_format.MAX_SHIFT:
        raise ConfigError(f"a requantisation factor must be below {2**image_format.MAX_SHIFT}", seen=str(real))
    return int(math.copysign(multiplier, real)), shift


def channel_table(bias: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """int8 channel records of accumulator biases (outputs,) and real requantisation factors (outputs,).

    Raises:
        ConfigError: a bias or factor that the format cannot hold.
    """
    limit = image_format.MAX_BIAS
    if np.abs(bias).max() > limit:
        raise ConfigError("a bias does not fit the int8 format", seen=f"{np.abs(bias).max():.0f}, at most {limit}")
    channels = np.zeros(len(bias), image_format.CHANNEL[image_format.INT8])
    channels["bias"] = bias
    for channel, factor in zip(channels, factors, strict=True):
        channel["multiplier"], channel["shift"] = multiplier_and_shift(float(factor))
    return channels


def _steps(real: float, output: Quantisation) -> int:
    """What a positive real value is in quantised steps, half away from zero, as TensorFlow Lite's activation ranges have it."""
    return output.zero_point + math.floor(float(np.float32(real) / np.float32(output.scale)) + 0.5)


_CLAMPS: Mapping[str, Callable[[Quantisation], tuple[int, int]]] = {
    "none": lambda _: (INT8_MIN, INT8_MAX),
    "relu": lambda output: (output.zero_point, INT8_MAX),
    "relu6": lambda output: (output.zero_point, min(INT8_MAX, _steps(6.0, output))),
    "leaky_relu": lambda _: (INT8_MIN, INT8_MAX),  # its table comes after the clamp
}


def clamp(activation: str, output: Quantisation) -> tuple[int, int]:
    """Smallest and largest output of an activation."""
    return _CLAMPS[activation](output)


def leaky_relu_table(negative_slope: float, source: Quantisation, output: Quantisation) -> np.ndarray:
    """int8 (256,): TensorFlow Lite's LEAKY_RELU of each quantised value from -128 on.

    Source: its reference kernel QuantizeLeakyRelu, with two factors that it computes in float32 (activations.cc).

    Raises:
        ConfigError: a factor that the format cannot hold.
    """
    scales = np.float32(source.scale), np.float32(output.scale)
    factors = [float(scales[0] / scales[1]), float(scales[0] * np.float32(negative_slope) / scales[1])]
    multipliers, shifts = zip(*map(multiplier_and_shift, factors), strict=True)
    steps = np.arange(INT8_MIN, INT8_MAX + 1)[:, None] - source.zero_point
    positive, negative = (requantise(steps, np.array(multipliers), np.array(shifts)) + output.zero_point).T
    return np.clip(np.where(steps[:, 0] >= 0, positive, negative), INT8_MIN, INT8_MAX).astype(np.int8)
