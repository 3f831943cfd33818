"""Affine maps between real values and int8."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reds.image.format import INT8_MAX, INT8_MIN
from reds.image.records import dequantise, quantise

SMALLEST_SCALE = 2.0**-100
"""Scales go no lower, so that float32 holds them, and quotients of them, to full precision; smaller values count as zeros."""


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

    Clipping to the range of least squared error, which pays in other networks, loses here: the few large activations decide.

    Args:
        low: smallest real value.
        high: largest real value.
        smallest_scale: scale below which the map does not go. A range of nothing but zeros has scale 1, if not this.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(np.float32((high - low) / (INT8_MAX - INT8_MIN))) or 1.0
    scale = float(np.float32(max(scale, smallest_scale, SMALLEST_SCALE)))
    zero_point = round(INT8_MIN - low / scale)
    return Quantisation(scale, min(max(zero_point, INT8_MIN), INT8_MAX))
