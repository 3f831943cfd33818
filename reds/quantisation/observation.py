"""What the layers of a subnetwork put out over the calibration inputs, in float32."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reds.bundle import Bundle
from reds.image.operations import Operation
from reds.reference.network import SAMPLES, layer_outputs
from reds.subnets import Subnet


@dataclass(frozen=True, eq=False)
class Observed:
    """One layer of an image in one subnetwork.

    Attributes:
        low: the smallest value that goes into its activation.
        high: the largest.
        mean_sums: float64 (outputs,): each channel's mean sum of products, over inputs and positions; no bias, no batch norm.
    """

    low: float
    high: float
    mean_sums: np.ndarray


def observe(bundle: Bundle, subnet: Subnet, layers: Sequence[Operation], inputs: np.ndarray) -> tuple[Observed, ...]:
    """One record for each layer of an image over inputs (n, ...), float32; pooling puts out nothing new and has zeros."""
    weights = bundle.active_weights(subnet)
    lows, highs = [0.0] * len(layers), [0.0] * len(layers)
    sums = [np.zeros(layer.outputs(subnet.widths)) for layer in layers]
    by_name = {name: index for index, layer in enumerate(layers) if layer.kernel for name in (layer.name, layer.linear)}
    for start in range(0, len(inputs), SAMPLES):
        for name, values in layer_outputs(bundle, subnet, inputs[start : start + SAMPLES]):
            if name in by_name:
                index = by_name[name]
                if name == layers[index].linear:
                    lows[index] = min(lows[index], float(values.min()))
                    highs[index] = max(highs[index], float(values.max()))
                if name == layers[index].name:
                    share = values[0].size // values.shape[-1] * len(inputs)
                    sums[index] += values.reshape(-1, values.shape[-1]).sum(axis=0, dtype=np.float64) / share
    biases = [weights[layer.bias.name] if layer.bias else 0.0 for layer in layers]
    return tuple(Observed(low, high, total - bias) for low, high, total, bias in zip(lows, highs, sums, biases, strict=True))
