"""What tests of `.tflite` files need: graphs run by LiteRT, and damaged files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reds import reference
from reds.bundle import Bundle
from reds.export import image
from reds.image import read_image
from reds.litert.parity import outputs
from reds.subnets import Subnet, halving
from reds.zoo import architecture
from tests.benchmarks.litert import aligned
from tests.reds.random_networks import random_bundle

TOLERANCE = 1e-5
"""Of the largest output, float32."""

SHARES = (1.0, 0.87, 0.7, 0.5)
"""Of every group's channels, with about 75, 50 and 25 % of the multiply-adds."""


def aligned_bundle(name: str, multiple: int) -> Bundle:
    """A random network of four subnetworks, their widths rounded down to multiples, with one batch norm for all."""
    network = architecture(name)
    groups = [group.name for group in network.groups if not group.whole]
    return replace(random_bundle(network, 0, aligned(network, halving(network, SHARES, groups), multiple)), private={})


def deviation(bundle: Bundle, content: bytes, subnet: Subnet, inputs: np.ndarray, *, xnnpack: bool) -> float:
    """How far a float32 signature's outputs are from the reference's, as a share of the largest."""
    shaped = inputs.reshape(len(inputs), *bundle.architecture.input_shape)
    expected = reference.logits(bundle, subnet, inputs)
    off = np.abs(outputs(content, subnet.name, shaped, xnnpack=xnnpack) - expected).max()
    return float(off / (np.abs(expected).max() or 1.0))


def int8_steps(bundle: Bundle, content: bytes, calibration: np.ndarray, inputs: np.ndarray, *, xnnpack: bool) -> float:
    """The largest difference to the int8 reference over all subnetworks, in steps of the outputs."""
    quantised = read_image(image(bundle, "int8", calibration))
    raw = quantised.quantise_inputs(inputs)
    shaped = inputs.reshape(len(inputs), *bundle.architecture.input_shape)
    worst = 0.0
    for level, subnet in enumerate(bundle.subnets):
        expected = quantised.dequantise_outputs(level, reference.infer(quantised, level, raw))
        found = outputs(content, subnet.name, shaped, xnnpack=xnnpack)
        worst = max(worst, float(np.abs(found - expected).max() / quantised.levels[level].output_scale))
    return worst
