"""A small network whose outputs are known: what a device is asked first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from reds.bundle import untrained
from reds.export import image
from reds.image import read_image
from reds.image.layouts import CHOICES
from reds.reference import infer
from reds.subnets import Subnet, Subnets
from reds.zoo import mlp

INPUT_ELEMENTS, HIDDEN, CLASSES = 64, 32, 10
INPUTS = 8
WIDTHS = {"100": HIDDEN, "50": HIDDEN // 2}


@dataclass(frozen=True, eq=False)
class KnownNetwork:
    """An int8 image of two levels, inputs (n, input_elements), and outputs (levels, n, output_elements) by the reference."""

    image: bytes
    inputs: np.ndarray
    outputs: Sequence[np.ndarray]


@cache
def known_network(layouts: str) -> KnownNetwork:
    """The network with its weights ordered as a kind of device wants them (`KINDS` in `targets/inventory.py`)."""
    generator = np.random.default_rng(0)
    bundle = untrained(mlp("known", INPUT_ELEMENTS, (HIDDEN,), CLASSES), seed=0)
    full = bundle.architecture.full_widths
    levels = tuple(Subnet(name, (full[0], width, *full[2:])) for name, width in WIDTHS.items())
    calibration = generator.normal(size=(INPUTS, INPUT_ELEMENTS)).astype(np.float32)
    content = image(replace(bundle, subnets=Subnets(levels)), "int8", calibration, CHOICES[layouts])
    inputs = generator.integers(-128, 128, (INPUTS, INPUT_ELEMENTS)).astype(np.int8)
    read = read_image(content)
    return KnownNetwork(content, inputs, [infer(read, level, inputs) for level in range(len(levels))])
