"""What tests of `.tflite` files need: graphs run by LiteRT, and damaged files."""

from __future__ import annotations

import numpy as np

from reds import reference
from reds.bundle import Bundle
from reds.export import image
from reds.image import read_image
from reds.litert.parity import outputs
from reds.subnets import Subnet

TOLERANCE = 1e-5
"""Of the largest output, float32."""


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
