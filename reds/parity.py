"""Whether an image computes what the bundle it was made from does."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reds import reference
from reds.bundle import Bundle
from reds.errors import ParityError
from reds.image import Image
from reds.image.format import FLOAT32, INT8

TOLERANCES: Mapping[str, float] = {FLOAT32: 1e-5, INT8: 0.25}
"""By precision, how far an output may be off, as a share of the subnetwork's largest output.

Float32 is the same arithmetic in another order. Rounding to int8 costs a few hundredths, a table in the wrong place everything.
"""


def deviation(bundle: Bundle, image: Image, level: int, inputs: np.ndarray) -> float:
    """The largest difference of a level's outputs from those of its subnetwork, as a share of the largest output.

    Args:
        bundle: the network.
        image: what it was made to.
        level: the subnetwork and its level.
        inputs: (n, input elements), float32.
    """
    expected = reference.activations(bundle, bundle.subnets[level], inputs)[-1]
    found = image.dequantise_outputs(level, reference.infer(image, level, image.quantise_inputs(inputs)))
    return float(np.abs(found - expected).max() / (np.abs(expected).max() or 1.0))


def check_parity(bundle: Bundle, image: Image, inputs: np.ndarray) -> None:
    """Compare every level of an image with its subnetwork on inputs (n, input elements), float32.

    Raises:
        ParityError: an output is off by more than `TOLERANCES` says.
    """
    tolerance = TOLERANCES[image.precision]
    for level, subnet in enumerate(bundle.subnets):
        found = deviation(bundle, image, level, inputs)
        if not found <= tolerance:
            raise ParityError(
                f"the {image.precision} image does not compute what subnetwork {subnet.name!r} of the bundle does",
                seen=f"an output is off by {found:.2g} of the largest, at most {tolerance:g}",
            )
