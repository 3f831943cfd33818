"""What the device tests measure: a small network in both precisions, and what NumPy says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import numpy as np

from reds import zoo
from reds.bundle import untrained
from reds.export import image
from reds.image import read_image
from reds.reference import infer
from reds.subnets import halving
from targets.inventory import Device

PRECISIONS = ("float32", "int8")
INPUTS, CLASSES = 70, 5


@dataclass(frozen=True)
class Example:
    """Images and inputs by precision, and the outputs they should give."""

    images: Mapping[str, bytes]
    inputs: Mapping[str, np.ndarray]
    levels: int

    def outputs(self, precision: str, level: int) -> np.ndarray:
        """What NumPy computes."""
        return infer(read_image(self.images[precision]), level, self.inputs[precision])

    def assert_right(self, precision: str, level: int, outputs: np.ndarray) -> None:
        """int8 exactly; float32 up to the order of summation."""
        tolerance = {"float32": 1e-4, "int8": 0}[precision]
        np.testing.assert_allclose(outputs, self.outputs(precision, level), rtol=tolerance, atol=tolerance)


def example(seed: int = 3) -> Example:
    """A network of three dense layers with four subnetworks."""
    generator = np.random.default_rng(seed)
    architecture = zoo.mlp("example", INPUTS, (40, 30), CLASSES)
    groups = [group.name for group in architecture.groups if not group.whole]
    bundle = replace(untrained(architecture, seed), subnets=halving(architecture, (1, 0.75, 0.5, 0.25), groups))
    inputs = generator.normal(size=(50, INPUTS)).astype(np.float32)
    return Example(
        images={precision: image(bundle, precision, inputs) for precision in PRECISIONS},
        inputs={"float32": inputs, "int8": generator.integers(-128, 128, inputs.shape).astype(np.int8)},
        levels=len(bundle.subnets),
    )


def alone(_device: Device) -> AbstractContextManager[Callable[[], None]]:
    """The lease of a device that nobody else asks for."""
    return nullcontext(lambda: None)
