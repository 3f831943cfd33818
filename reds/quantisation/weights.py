"""Int8 weights, stored once for all subnetworks: symmetric, with one scale for each output channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reds.errors import ConfigError
from reds.image import format as image_format
from reds.image.operations import OUTPUT_AXIS
from reds.quantisation.affine import SMALLEST_SCALE

WEIGHT_LIMIT = 127
# Biases stay this far within the format's limit, which leaves room for the correction and the folded zero point.
_BIAS_LIMIT = image_format.MAX_BIAS // 4
# Where a bias needs more than this, the channel's sum counts for nothing beside it, and the weights are left as they are.
_LARGEST_SCALE = 1.0 / SMALLEST_SCALE


@dataclass(frozen=True, eq=False)
class Linear:
    """What one subnetwork does with a channel's sum of products: sum x scale + bias, float64 (outputs,)."""

    scale: np.ndarray
    bias: np.ndarray
    input_scale: float

    def smallest_scales(self, outputs: int) -> np.ndarray:
        """Weight scales (outputs,) below which a bias does not fit the accumulator; infinite where the channel is not used."""
        found = np.full(outputs, np.inf)
        with np.errstate(divide="ignore", invalid="ignore"):
            needed = np.abs(self.bias / self.scale) / (self.input_scale * _BIAS_LIMIT)
        found[: len(self.bias)] = np.where(self.bias == 0, 0.0, needed)
        return found


def by_channel(kind: str, values: np.ndarray) -> np.ndarray:
    """One number for each output channel, in a shape that multiplies weights of this kind."""
    return values if OUTPUT_AXIS[kind] == -1 else values[:, None, None, None]


def over_channels(kind: str, weights: np.ndarray) -> np.ndarray:
    """The weights as (outputs, elements of a row)."""
    return np.moveaxis(weights, OUTPUT_AXIS[kind], 0).reshape(weights.shape[OUTPUT_AXIS[kind]], -1)


def quantise_weights(name: str, kind: str, weights: np.ndarray, linears: Sequence[Linear]) -> tuple[np.ndarray, np.ndarray]:
    """The int8 weights of one layer, in an image's shape, and the float32 scale of each output channel.

    A scale is what the channel's largest weight needs, or what its bias needs in every subnetwork to fit the accumulator: beside
    such a bias the weights hardly count. Where some subnetworks need more than others, their channel tables make up for it.

    Args:
        name: of the layer.
        kind: of the image's layer.
        weights: float32, in an image's shape.
        linears: one for each subnetwork.

    Raises:
        ConfigError: an output sums more products than an int32 holds.
    """
    rows = over_channels(kind, weights)
    columns = rows.shape[1]
    if columns > image_format.MAX_INT8_COLUMNS:
        raise ConfigError(
            f"layer {name!r} sums too many products for int8",
            seen=f"{columns} for each output, at most {image_format.MAX_INT8_COLUMNS}",
            do="export float32, or make the layer smaller",
        )
    needed = np.min([linear.smallest_scales(len(rows)) for linear in linears], axis=0)
    scales = np.maximum(np.abs(rows).max(axis=1) / WEIGHT_LIMIT, np.where(needed < _LARGEST_SCALE, needed, 0.0))
    scales = np.where(scales > 0, np.maximum(scales, SMALLEST_SCALE), 1.0 / WEIGHT_LIMIT).astype(np.float32)
    quantised = np.clip(np.rint(weights / by_channel(kind, scales)), -WEIGHT_LIMIT, WEIGHT_LIMIT)
    return quantised.astype(np.int8), scales
