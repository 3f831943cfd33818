"""Whether an image computes what the bundle it was made from does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from reds import reference
from reds.bundle import Bundle
from reds.errors import ParityError
from reds.image import Image
from reds.image.format import FLOAT32, INT8


def _largest(values: np.ndarray) -> float:
    return float(np.abs(values).max())


def _root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.square(values.astype(np.float64)).mean()))


@dataclass(frozen=True)
class Tolerance:
    """How far outputs may be off, as a share of the outputs themselves.

    Attributes:
        share: the most that is allowed.
        name: of the size that is compared, for messages.
        size: one number for an array of differences or of outputs.
    """

    share: float
    name: str
    size: Callable[[np.ndarray], float]

    def deviation(self, found: np.ndarray, expected: np.ndarray) -> float:
        """How far outputs are off, as a share of those expected."""
        return self.size(found - expected) / (self.size(expected) or 1.0)

    def check(self, what: str, subnet: str, deviation: float) -> None:
        """Raise ParityError if `what`, made of a subnetwork, is off by more than is allowed."""
        if not deviation <= self.share:
            raise ParityError(
                f"{what} does not compute what subnetwork {subnet!r} of the bundle does",
                seen=f"the {self.name} difference is {deviation:.2g} of the {self.name} output, at most {self.share:g}",
            )


TOLERANCES: Mapping[str, Tolerance] = {
    FLOAT32: Tolerance(1e-5, "largest", _largest),
    INT8: Tolerance(0.25, "root mean square", _root_mean_square),
}
"""By precision.

Float32 is the same arithmetic in another order. Rounding to int8 costs a few hundredths, in networks of many layers a few tenths
in single outputs; a table in the wrong place costs everything.
"""


def deviation(bundle: Bundle, image: Image, level: int, inputs: np.ndarray) -> float:
    """How far a level's outputs are from those of its subnetwork, as `TOLERANCES` measures it.

    Args:
        bundle: the network.
        image: what it was made to.
        level: number of the image's level.
        inputs: (n, input elements), float32.
    """
    subnets = bundle.subnets
    expected = reference.logits(bundle, subnets[subnets.level(image.levels[level].name)], inputs)
    found = image.dequantise_outputs(level, reference.infer(image, level, image.quantise_inputs(inputs)))
    return TOLERANCES[image.precision].deviation(found, expected)


def check_parity(bundle: Bundle, image: Image, inputs: np.ndarray) -> None:
    """Compare every level of an image with its subnetwork on inputs (n, input elements), float32.

    Raises:
        ParityError: outputs are off by more than `TOLERANCES` says.
    """
    tolerance = TOLERANCES[image.precision]
    for number, level in enumerate(image.levels):
        tolerance.check(f"the {image.precision} image", level.name, deviation(bundle, image, number, inputs))
